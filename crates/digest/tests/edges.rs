//! What must hold at the edges: clocks that were wrong, bounds, what was forgotten, what was held. Every one of these was
//! once seen to fail, or fails where the engine is broken on purpose and nothing else sees it.

// clippy.toml lifts these inside test functions only; the helpers of a test are tests too.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::time::Duration;

use reveille_core::log::Snapshot as _;
use reveille_core::{Machine as _, UnixTime};
use reveille_digest::catch_up::Rate;
use reveille_digest::options::{Collect, Urgent};
use reveille_digest::quiet::{AtEnd, Quiet};
use reveille_digest::retract::{Read, Selector};
use reveille_digest::*;

/// Quiet in every second 100 s of the clock, if the calendar says so; key 9 is dropped then.
#[derive(Clone, Copy, Debug)]
struct Nights;

impl Host for Nights {
    type Key = u64;
    type Payload = ();
    type Fold = ();
    type Calendar = bool;

    fn quiet(&self, nights: &bool, key: &u64, _: u8, now: UnixTime) -> Option<Quiet> {
        let second = now.as_secs();
        let until = UnixTime::from_secs(second / 200 * 200 + 200);
        let then = if *key == 9 { AtEnd::Drop } else { AtEnd::Merge };
        (*nights && second % 200 >= 100).then_some(Quiet { until, then })
    }
}

type Tested = Engine<Nights>;
type Out = Output<Nights>;

const START: u64 = 1_700_000_000;
const YEAR_2100: UnixTime = UnixTime::from_secs(4_102_444_900);

fn at(secs: u64) -> UnixTime {
    UnixTime::from_secs(START + secs)
}

fn engine(change: impl FnOnce(&mut Policy, &mut Limits)) -> Tested {
    let (mut policy, mut limits) = (Policy::default(), Limits::default());
    change(&mut policy, &mut limits);
    Engine::new(Nights, policy, limits, Seed::new([9; 16])).unwrap()
}

fn event(key: u64, id: u128) -> Event<Nights> {
    Event::new(key, EventId(id), ())
}

fn outputs(engine: &mut Tested, second: u64) -> Vec<Out> {
    engine.handle_timeout(at(second));
    std::iter::from_fn(|| engine.poll_output()).collect()
}

/// Generation, lane and ids of each notification.
fn notified(outputs: &[Out]) -> Vec<(Generation, Lane, Vec<EventId>)> {
    let of = |output: &Out| match output {
        Output::Notify(n) => Some((n.generation, n.lane, n.ids.clone())),
        _ => None,
    };
    outputs.iter().filter_map(of).collect()
}

fn cleared(outputs: &[Out]) -> Vec<(u64, Lane)> {
    let of = |output: &Out| match output {
        Output::Clear(clear) if clear.remaining == 0 => Some((clear.key, clear.lane)),
        _ => None,
    };
    outputs.iter().filter_map(of).collect()
}

fn unread(outputs: &[Out]) -> Vec<u32> {
    let of = |output: &Out| if let Output::Unread { count, .. } = output { Some(*count) } else { None };
    outputs.iter().filter_map(of).collect()
}

/// What came out, after all of it was delivered.
fn delivered(engine: &mut Tested, second: u64) -> Vec<Out> {
    let outputs = outputs(engine, second);
    for output in &outputs {
        if let Output::Notify(n) = output {
            engine.handle_response(&n.key, n.generation, at(second));
        }
    }
    outputs
}

// --- The clock ------------------------------------------------------------------------------------------------------

#[test]
fn an_absurd_time_in_quiet_hours_stops_no_window() {
    let mut engine = engine(|policy, _| policy.ack_timeout = None);
    engine.set_calendar(true, Rate::UNLIMITED, at(0));
    engine.handle_event(event(1, 1), at(0)).unwrap();
    assert!(YEAR_2100.as_secs() % 200 >= 100, "in a night");
    engine.handle_timeout(YEAR_2100);
    assert!(engine.poll_output().is_none());
    assert_eq!(notified(&outputs(&mut engine, 10)).len(), 1, "no night now");
}

#[test]
fn a_cancel_outlives_an_absurd_time() {
    for absurd in [YEAR_2100, UnixTime::MAX] {
        let mut engine = engine(|_, _| ());
        engine.handle_cancel(&1, Selector::Event(EventId(7)), at(0)).unwrap();
        engine.handle_timeout(absurd);
        assert!(engine.poll_output().is_none());
        let mut snapshot = Vec::new();
        engine.write(&mut snapshot);
        for mut engine in [engine, Engine::read((Nights, Seed::new([9; 16])), &snapshot).unwrap()] {
            assert_eq!(engine.handle_event(event(1, 7).urgent(), at(10)), Ok(Fate::Cancelled));
            assert!(matches!(
                engine.handle_event(event(1, 7).urgent(), at(3_600)),
                Ok(Fate::Notified { .. })
            ));
        }
    }
}

#[test]
fn generations_begin_at_a_time_that_can_be() {
    let mut engine = engine(|_, _| ());
    engine.handle_event(event(1, 1).urgent(), UnixTime::MAX).unwrap();
    engine.handle_event(event(2, 2).urgent(), at(0)).unwrap();
    let outputs = outputs(&mut engine, 0);
    let last = notified(&outputs).last().unwrap().0.to_bits();
    assert!((at(0).as_millis()..at(1).as_millis()).contains(&last), "{last}");
}

// --- Bounds ---------------------------------------------------------------------------------------------------------

#[test]
fn no_number_of_bytes_leaks() {
    for collect in [Collect::Items, Collect::Totals] {
        let mut engine = engine(|policy, _| (policy.ack_timeout, policy.collect) = (None, collect));
        for id in 0..2 {
            engine.handle_event(event(1, id).with_bytes(u32::MAX), at(0)).unwrap();
        }
        assert_eq!(notified(&outputs(&mut engine, 30)).len(), 1);
        engine.handle_event(event(2, 7), at(31)).unwrap();
        let kept = notified(&outputs(&mut engine, 61)).remove(0).2;
        assert_eq!(kept.len(), usize::from(collect == Collect::Items), "there is room for others again");
    }
}

#[test]
fn one_key_takes_no_more_than_its_share_of_the_bytes() {
    let mut engine = engine(|_, limits| limits.bytes = 800);
    for id in 0..100 {
        engine.handle_event(event(1, id).with_bytes(20), at(0)).unwrap();
    }
    engine.handle_event(event(2, 200).with_bytes(100), at(0)).unwrap();
    let outputs = outputs(&mut engine, 30);
    let [(_, _, crowd), (_, _, other)] = notified(&outputs).try_into().unwrap();
    assert!((1..=5).contains(&crowd.len()) && crowd.contains(&EventId(99)), "{crowd:?}");
    assert_eq!(other, [EventId(200)]);
}

#[test]
fn what_is_only_counted_perishes_too() {
    let mut engine = engine(|policy, _| policy.collect = Collect::Totals);
    let ring = |id| event(1, id).with_useful_until(at(40)).urgent();
    engine.handle_event(ring(1), at(0)).unwrap();
    let first = notified(&outputs(&mut engine, 0)).remove(0).0;
    engine.handle_failure(&1, first, at(20));
    let second = notified(&outputs(&mut engine, 20)).remove(0).0;
    engine.handle_failure(&1, second, at(41));
    let outputs = outputs(&mut engine, 41);
    assert!(matches!(
        &outputs[..],
        [Output::Dropped { fate: Fate::Expired, count: 1, .. }, Output::Unread { count: 0, .. }]
    ));
}

// --- Lanes and holds ------------------------------------------------------------------------------------------------

#[test]
fn an_older_ring_never_replaces_a_newer_one() {
    for newer_arrived in [false, true] {
        let mut engine = engine(|policy, _| policy.remember = Duration::ZERO);
        engine.handle_event(event(1, 1).urgent(), at(0)).unwrap();
        engine.handle_event(event(1, 2).urgent(), at(1)).unwrap();
        let sent = notified(&outputs(&mut engine, 1));
        if newer_arrived {
            engine.handle_response(&1, sent[1].0, at(2));
        }
        engine.handle_failure(&1, sent[0].0, at(3));
        let outputs = outputs(&mut engine, 3);
        assert!(notified(&outputs).is_empty());
        assert!(
            matches!(&outputs[0], Output::Dropped { fate: Fate::Superseded, ids, .. } if *ids == [EventId(1)])
        );
        assert_eq!((engine.explain().superseded, engine.explain().sum()), (1, 2));
    }
}

#[test]
fn what_somebody_above_holds_goes_at_its_time() {
    let mut engine = engine(|policy, _| policy.urgent = Urgent::Flush);
    engine.handle_event(event(1, 1), at(0)).unwrap();
    let sent = notified(&outputs(&mut engine, 30)).remove(0).0;
    engine.handle_held(&1, sent, at(90), at(31));
    assert_eq!(engine.set_calendar(false, Rate::UNLIMITED, at(40)), 0);
    assert!(!engine.flush_now(&1, at(41)));
    engine.apply(Input::Recheck(Vec::new(), Rate::UNLIMITED), at(42)).for_each(drop);
    engine.handle_event(event(1, 2).urgent(), at(43)).unwrap();
    let ring = notified(&outputs(&mut engine, 43));
    assert_eq!(ring[0].1, Lane::Urgent);
    assert_eq!(ring[0].2, [EventId(2)], "it takes nothing along that is held");
    assert_eq!(notified(&delivered(&mut engine, 90))[0].2, [EventId(1)]);
}

#[test]
fn everybody_is_rechecked_by_a_word_of_its_own() {
    let mut engine = engine(|_, _| ());
    engine.handle_event(event(1, 1), at(0)).unwrap();
    let sent = notified(&outputs(&mut engine, 30)).remove(0).0;
    engine.handle_held(&1, sent, at(90), at(31));
    let outputs: Vec<Out> = engine.apply(Input::RecheckAll(Rate::UNLIMITED), at(42)).collect();
    assert_eq!(notified(&outputs).len(), 1);
}

// --- What was forgotten ---------------------------------------------------------------------------------------------

/// An engine that has forgotten a notification of key 1 that was delivered.
fn forgetful(remember: u64) -> Tested {
    let mut engine = engine(|policy, _| policy.remember = Duration::from_secs(remember));
    engine.handle_event(event(1, 1).with_seq(1).with_kind(3), at(0)).unwrap();
    assert_eq!(notified(&delivered(&mut engine, 30)).len(), 1);
    assert!(outputs(&mut engine, 200).is_empty());
    assert_eq!(engine.keys(), 0);
    engine
}

#[test]
fn a_read_clears_what_was_shown_before_the_record_was_made_anew() {
    for read in [Read::UpTo(2), Read::All, Read::Through(EventId(2)), Read::Through(EventId(1))] {
        let mut engine = forgetful(60);
        engine.handle_event(event(1, 2).with_seq(2), at(200)).unwrap();
        engine.handle_read(&1, read, at(205)).unwrap();
        let outputs = outputs(&mut engine, 205);
        assert_eq!(cleared(&outputs), [(1, Lane::Digest), (1, Lane::Urgent)], "{read:?}");
        assert_eq!(unread(&outputs), [u32::from(read == Read::Through(EventId(1)))], "{read:?}");
        engine.handle_read(&1, read, at(206)).unwrap();
        assert!(cleared(&self::outputs(&mut engine, 206)).is_empty(), "the same read again changes nothing");
    }
}

#[test]
fn a_read_of_a_forgotten_key_says_all() {
    for read in [Read::UpTo(1), Read::All, Read::Through(EventId(1))] {
        let mut engine = forgetful(60);
        engine.handle_read(&1, read, at(205)).unwrap();
        let outputs = outputs(&mut engine, 205);
        assert_eq!((cleared(&outputs).len(), unread(&outputs)), (2, vec![0]), "{read:?}");
    }
}

#[test]
fn a_new_conversation_is_not_cleared_for_nothing() {
    let mut engine = engine(|_, _| ());
    engine.handle_event(event(1, 1).with_seq(1), at(0)).unwrap();
    engine.handle_read(&1, 1, at(5)).unwrap();
    assert!(cleared(&outputs(&mut engine, 5)).is_empty(), "nothing was ever forgotten");
}

#[test]
fn a_cancel_clears_what_was_forgotten() {
    for remember in [0, 60] {
        for what in [Selector::Event(EventId(1)), Selector::Kind(3), Selector::All] {
            for pending in [false, true] {
                let mut engine = forgetful(remember);
                if pending {
                    engine.handle_event(event(1, 2), at(200)).unwrap();
                }
                engine.handle_cancel(&1, what, at(205)).unwrap();
                let outputs = outputs(&mut engine, 205);
                assert_eq!(cleared(&outputs).len(), 2, "{remember} {what:?} {pending}");
            }
        }
    }
}

#[test]
fn what_a_night_drops_changes_the_count() {
    let mut engine = engine(|_, _| ());
    engine.handle_event(event(9, 1), at(0)).unwrap();
    delivered(&mut engine, 30);
    engine.set_calendar(true, Rate::UNLIMITED, at(31));
    engine.handle_event(event(9, 2), at(90)).unwrap();
    engine.handle_event(event(9, 3).urgent(), at(91)).unwrap();
    assert_eq!(notified(&delivered(&mut engine, 91)).len(), 1);
    let outputs = outputs(&mut engine, 120);
    assert!(matches!(
        &outputs[..],
        [Output::Dropped { fate: Fate::Quiet, .. }, Output::Unread { count: 2, .. }]
    ));
}

/// An id is known for longer than what was delivered: its cancel holds for as long.
#[test]
fn a_cancelled_event_does_not_become_a_duplicate() {
    let mut engine = engine(|policy, _| {
        (policy.dedup, policy.remember) = (Some(Duration::from_secs(100)), Duration::from_secs(10));
    });
    assert_eq!(engine.handle_event(event(1, 1), at(0)), Ok(Fate::Pending));
    assert_eq!(engine.handle_cancel(&1, Selector::Event(EventId(1)), at(1)).unwrap().pending, 1);
    outputs(&mut engine, 1);
    for second in [5, 50, 99] {
        assert_eq!(engine.handle_event(event(1, 1), at(second)), Ok(Fate::Cancelled), "after {second} s");
    }
    assert_eq!(engine.handle_event(event(1, 1), at(101)), Ok(Fate::Pending));
}

/// Sixteen rings wait for their answers: the next one is an ordinary event, until one of them is answered.
#[test]
fn so_many_rings_are_in_flight_and_no_more() {
    let mut engine = engine(|policy, _| policy.urgent = Urgent::Overtake);
    let mut rings = Vec::new();
    for id in 0..16 {
        assert!(matches!(engine.handle_event(event(1, id).urgent(), at(0)), Ok(Fate::Notified { .. })));
        let sent = outputs(&mut engine, 0);
        rings.extend(
            sent.iter().filter_map(|out| if let Out::Notify(n) = out { Some(n.generation) } else { None }),
        );
    }
    assert_eq!(engine.handle_event(event(1, 16).urgent(), at(1)), Ok(Fate::Pending));
    assert!(matches!(engine.handle_event(event(2, 17).urgent(), at(1)), Ok(Fate::Notified { .. })));
    assert_eq!(engine.handle_response(&1, *rings.last().unwrap(), at(2)), Answered::Settled);
    assert!(matches!(engine.handle_event(event(1, 18).urgent(), at(2)), Ok(Fate::Notified { .. })));
}

/// Two events of one id, where no id is a duplicate: what is read through it is read through the later one.
#[test]
fn a_read_through_an_id_that_came_twice() {
    let mut engine = engine(|policy, _| policy.dedup = None);
    for (second, id) in [(0, 1), (1, 2), (2, 1), (3, 3)] {
        assert_eq!(engine.handle_event(event(1, id), at(second)), Ok(Fate::Pending));
    }
    assert_eq!(engine.handle_read(&1, Read::Through(EventId(1)), at(4)).unwrap().pending, 3);
    assert_eq!(engine.unread(&1), 1);
}

/// The known ids over a new limit went with the next event, but out of a snapshot at once.
#[test]
fn fewer_ids_are_fewer_at_once() {
    let mut live = engine(|policy, _| policy.dedup = Some(Duration::from_secs(500)));
    for id in 0..9 {
        live.handle_event(event(1, id), at(0)).unwrap();
        live.handle_cancel(&2, Selector::Event(EventId(100 + id)), at(0)).unwrap();
    }
    outputs(&mut live, 0);
    let mut limits = Limits::default();
    for ids in [3, 0] {
        limits.ids = ids;
        live.set_limits(limits, at(0));
        let mut bytes = Vec::new();
        live.write(&mut bytes);
        let mut again = Tested::read((Nights, Seed::new([9; 16])), &bytes).unwrap();
        let mut known = [0, 0];
        for (engine, known) in [&mut live, &mut again].into_iter().zip(&mut known) {
            engine.set_limits(Limits::default(), at(1));
            for id in (0..9).chain(100..109) {
                let fate = engine.handle_event(event(3, id), at(1)).unwrap();
                *known = *known * 2 + u32::from(fate != Fate::Pending);
            }
        }
        assert_eq!(known[0], known[1], "with {ids} ids");
    }
}

/// Reads and cancels of keys of which nothing is known say so, each: they too are refused when too much waits.
#[test]
fn reads_and_cancels_wait_until_outputs_are_polled() {
    let mut engine = engine(|_, limits| limits.outputs = 4);
    let full = Err(Error::Full { limit: Limit::Outputs });
    let mut taken = 0;
    while engine.handle_read(&taken, Read::All, at(0)).is_ok() {
        taken += 1;
        assert!(taken < 5, "never full");
    }
    let (keys, memories) = (engine.keys(), engine.memories());
    assert_eq!(engine.handle_read(&100, 7, at(0)), full);
    assert_eq!(engine.handle_cancel(&100, Selector::All, at(0)), full);
    assert_eq!(engine.handle_cancel(&100, Selector::Event(EventId(1)), at(0)), full);
    assert_eq!((engine.keys(), engine.memories()), (keys, memories), "nothing was changed");
    assert_eq!(outputs(&mut engine, 0).len() as u64, 3 * taken);
    assert_eq!(engine.handle_event(event(100, 1), at(0)), Ok(Fate::Pending), "it was not cancelled");
    engine.handle_cancel(&100, Selector::All, at(0)).unwrap();
}
