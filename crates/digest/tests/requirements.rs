//! What must hold, one test for each; every one was once seen to fail.

// clippy.toml lifts these inside test functions only; the helpers of a test are tests too.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use std::time::Duration;

use reveille_core::log::Snapshot as _;
use reveille_core::{Machine as _, UnixTime};
use reveille_digest::catch_up::Rate;
use reveille_digest::options::{Collect, Urgent, Window};
use reveille_digest::quiet::{AtEnd, Quiet};
use reveille_digest::retract::{Read, Retracted, Selector};
use reveille_digest::*;

/// Quiet while the calendar's bit of the key is set; classes from 2 on pass. Bit 63: what waits is dropped.
#[derive(Clone, Copy, Debug)]
struct Pauses;

impl Host for Pauses {
    type Key = u64;
    type Payload = u8;
    type Fold = ();
    /// Keys that are paused, and until when, in seconds; 0 is without end.
    type Calendar = (u64, u64);

    fn quiet(&self, (keys, until): &(u64, u64), key: &u64, class: u8, now: UnixTime) -> Option<Quiet> {
        let until = if *until == 0 { UnixTime::MAX } else { at(*until) };
        let then = if keys >> 63 == 1 { AtEnd::Drop } else { AtEnd::Merge };
        let quiet = class < 2 && keys & (1 << (key % 63)) != 0 && now < until;
        quiet.then_some(Quiet { until, then })
    }
}

type Tested = Engine<Pauses>;
type Out = Output<Pauses>;

fn at(secs: u64) -> UnixTime {
    UnixTime::from_secs(1_700_000_000 + secs)
}

const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn engine(change: impl FnOnce(&mut Policy, &mut Limits)) -> Tested {
    let (mut policy, mut limits) = (Policy::default(), Limits::default());
    change(&mut policy, &mut limits);
    Engine::new(Pauses, policy, limits, Seed::new([9; 16])).unwrap()
}

fn event(key: u64, id: u128) -> Event<Pauses> {
    Event::new(key, EventId(id), 0)
}

/// Everything until then, at its own time; nothing is answered.
fn run(engine: &mut Tested, until: u64) -> Vec<(u64, Out)> {
    let mut all = Vec::new();
    loop {
        let next = engine.next_wakeup().map(|wakeup| wakeup.at).filter(|wakeup| *wakeup <= at(until));
        let now = next.unwrap_or_else(|| at(until));
        engine.handle_timeout(now);
        let second = now.since(at(0)).as_secs();
        all.extend(std::iter::from_fn(|| engine.poll_output()).map(|output| (second, output)));
        if next.is_none() {
            return all;
        }
    }
}

/// The same, and everything is delivered at once.
fn deliver(engine: &mut Tested, until: u64) -> Vec<(u64, Out)> {
    let mut all = Vec::new();
    loop {
        let next = engine.next_wakeup().map_or_else(|| at(until), |wakeup| wakeup.at).min(at(until));
        let second = next.since(at(0)).as_secs();
        let outputs = run(engine, second);
        for (_, output) in &outputs {
            if let Output::Notify(n) = output {
                engine.handle_response(&n.key, n.generation, next);
            }
        }
        if outputs.is_empty() && next == at(until) {
            return all;
        }
        all.extend(outputs);
    }
}

fn notifies(outputs: &[(u64, Out)]) -> Vec<(u64, u32)> {
    let of = |(second, output): &(u64, Out)| match output {
        Output::Notify(n) => Some((*second, n.summary.total)),
        _ => None,
    };
    outputs.iter().filter_map(of).collect()
}

fn clears(outputs: &[(u64, Out)]) -> Vec<&Clear<Pauses>> {
    let mut all = Vec::new();
    for (_, output) in outputs {
        if let Output::Clear(clear) = output {
            all.push(clear);
        }
    }
    all
}

// --- Memory is fair -----------------------------------------------------------------------------------------------

#[test]
fn a_thousand_reads_of_invented_conversations_harm_nobody() {
    let mut engine = engine(|_, limits| (limits.windows, limits.memories) = (10, 100));
    for key in 0..1_000 {
        engine.handle_read(&(1_000 + key), 5, at(0)).unwrap();
        while engine.poll_output().is_some() {}
    }
    assert_eq!(engine.memories(), 100);
    for key in 0..10 {
        assert_eq!(engine.handle_event(event(key, key.into()), at(1)), Ok(Fate::Pending));
    }
    let full = Err(Error::Full { limit: Limit::Windows });
    assert_eq!(engine.handle_event(event(10, 10), at(1)), full, "live windows are bounded");
}

#[test]
fn delivered_keys_never_make_a_new_one_full() {
    let mut engine = engine(|_, limits| (limits.windows, limits.memories, limits.delivered) = (4, 1_000, 8));
    for round in 0..200_u64 {
        for n in 0..4_u64 {
            let (key, id) = (round * 4 + n, u128::from(round * 8 + n * 2));
            engine.handle_event(event(key, id), at(round * 40)).unwrap();
            engine.handle_event(event(key, id + 1), at(round * 40)).unwrap();
        }
        assert_eq!(notifies(&deliver(&mut engine, round * 40 + 39)).len(), 4);
    }
    assert!(engine.memories() <= 5, "the events of delivered keys are bounded: {}", engine.memories());
}

#[test]
fn one_key_with_a_thousand_events_takes_no_room_from_others() {
    let mut engine = engine(|_, limits| limits.items = 100);
    for id in 0..1_000 {
        assert_eq!(engine.handle_event(event(1, id), at(0)), Ok(Fate::Pending));
    }
    for key in 2..9 {
        for n in 0..4 {
            engine.handle_event(event(key, 10_000 + u128::from(key * 4 + n)), at(1)).unwrap();
        }
        assert_eq!(
            engine
                .handle_cancel(&key, Selector::Event(EventId(10_000 + u128::from(key * 4))), at(2))
                .unwrap()
                .pending,
            1
        );
    }
    let outputs = run(&mut engine, 31);
    let crowd = outputs
        .iter()
        .find_map(|(_, o)| if let Output::Notify(n) = o { (n.key == 1).then_some(n) } else { None });
    let crowd = crowd.unwrap();
    assert_eq!(crowd.summary.total, 1_000, "the count is exact");
    assert_eq!(crowd.ids.last(), Some(&EventId(999)), "the newest are kept");
    assert_eq!(crowd.samples.last().map(|item| item.id), Some(EventId(999)));
}

// --- A read after forgetting still clears ---------------------------------------------------------------------------

#[test]
fn a_read_after_forgetting_clears() {
    let mut engine = engine(|policy, _| policy.remember = secs(60));
    engine.handle_event(event(1, 1).with_seq(1), at(0)).unwrap();
    let outputs = deliver(&mut engine, 30);
    let [(_, Output::Notify(sent))] = outputs.as_slice() else { panic!("{outputs:?}") };
    let sent = (sent.collapse_id, sent.generation);
    engine.handle_timeout(at(200));
    engine.handle_read(&1, 1, at(200)).unwrap();
    let outputs = run(&mut engine, 200);
    let cleared = clears(&outputs);
    assert!(
        cleared
            .iter()
            .any(|clear| clear.collapse_id == sent.0 && clear.generation > sent.1 && clear.remaining == 0)
    );
    assert_eq!(sent.0, Seed::new([9; 16]).collapse_id(&1_u64, Lane::Digest));
    engine.handle_read(&1, 1, at(201)).unwrap();
    assert!(run(&mut engine, 201).is_empty(), "the same read again changes nothing");
}

#[test]
fn a_batch_that_failed_out_changes_the_count() {
    let mut engine = engine(|policy, _| policy.attempts = 0);
    engine.handle_event(event(1, 1), at(0)).unwrap();
    let outputs = run(&mut engine, 30);
    let [(_, Output::Notify(sent))] = outputs.as_slice() else { panic!("{outputs:?}") };
    engine.handle_failure(&1, sent.generation, at(31));
    let outputs = run(&mut engine, 31);
    assert!(matches!(&outputs[0].1, Output::Dropped { fate: Fate::Expired, count: 1, .. }));
    assert!(matches!(&outputs[1].1, Output::Unread { count: 0, .. }));
}

// --- Cancel before its event; rings ---------------------------------------------------------------------------------

#[test]
fn a_cancel_before_its_ring_suppresses_it() {
    let mut engine = engine(|_, _| ());
    engine.handle_cancel(&1, Selector::Event(EventId(7)), at(0)).unwrap();
    assert_eq!(engine.handle_event(event(1, 7).urgent(), at(60)), Ok(Fate::Cancelled));
    // Also one that came, was cancelled, and comes again when it is no duplicate any more.
    engine.handle_event(event(1, 8).urgent(), at(100)).unwrap();
    engine.handle_cancel(&1, Selector::Event(EventId(8)), at(101)).unwrap();
    assert_eq!(engine.handle_event(event(1, 8).urgent(), at(120)), Ok(Fate::Cancelled));
    assert_eq!(engine.explain().sum(), engine.explain().events);
}

#[test]
fn a_cancel_holds_for_as_long_as_its_id_is_known() {
    let mut engine = engine(|policy, _| {
        policy.remember = Duration::from_secs(5);
        policy.dedup = Some(Duration::from_secs(100));
    });
    engine.handle_event(event(1, 8).urgent(), at(0)).unwrap();
    engine.handle_cancel(&1, Selector::Event(EventId(8)), at(1)).unwrap();
    assert_eq!(engine.handle_event(event(1, 8).urgent(), at(50)), Ok(Fate::Cancelled));
}

#[test]
fn from_the_log_the_reason_is_an_output() {
    let mut engine = engine(|_, _| ());
    engine.apply(Input::Cancel(1, Selector::Event(EventId(7))), at(0)).for_each(drop);
    let outputs: Vec<_> = engine.apply(Input::Event(event(1, 7).urgent()), at(1)).collect();
    assert!(
        matches!(outputs.as_slice(), [Output::Dropped { fate: Fate::Cancelled, ids, .. }] if *ids == [EventId(7)])
    );
}

#[test]
fn a_ring_is_tried_again_in_its_own_lane_and_not_after_its_time() {
    let mut engine = engine(|_, _| ());
    engine.handle_event(event(1, 1), at(0)).unwrap();
    engine.handle_event(event(1, 2).urgent().with_useful_until(at(20)), at(1)).unwrap();
    let mut now = 1;
    for expected in [Lane::Urgent, Lane::Urgent] {
        let outputs = run(&mut engine, now);
        let [(_, Output::Notify(ring))] = outputs.as_slice() else { panic!("{outputs:?}") };
        assert_eq!((ring.lane, ring.summary.total), (expected, 1));
        now += 1;
        engine.handle_failure(&1, ring.generation, at(now));
    }
    let outputs = run(&mut engine, now);
    let [(_, Output::Notify(ring))] = outputs.as_slice() else { panic!("{outputs:?}") };
    engine.handle_failure(&1, ring.generation, at(21));
    let outputs = run(&mut engine, 21);
    assert!(
        matches!(&outputs[0].1, Output::Dropped { fate: Fate::Expired, ids, .. } if *ids == [EventId(2)]),
        "{outputs:?}"
    );
    assert_eq!(notifies(&run(&mut engine, 30)), [(30, 1)], "the digest is without it");
}

#[test]
fn usefulness_is_per_event() {
    let mut engine = engine(|_, _| ());
    engine.handle_event(event(1, 1).with_useful_until(at(29)), at(0)).unwrap();
    engine.handle_event(event(1, 2).with_useful_until(at(30)), at(0)).unwrap();
    engine.handle_event(event(1, 3), at(0)).unwrap();
    assert_eq!(engine.handle_event(event(1, 4).with_useful_until(at(0)), at(1)), Ok(Fate::Expired));
    let outputs = run(&mut engine, 30);
    assert!(
        matches!(&outputs[0].1, Output::Dropped { fate: Fate::Expired, ids, .. } if *ids == [EventId(1)])
    );
    assert!(matches!(&outputs[1].1, Output::Notify(n) if n.ids == [EventId(2), EventId(3)]));
}

#[test]
fn a_clear_says_what_it_clears() {
    let mut engine = engine(|_, _| ());
    engine.handle_event(event(1, 1).with_kind(4), at(0)).unwrap();
    engine.handle_event(event(1, 2).with_kind(5), at(0)).unwrap();
    deliver(&mut engine, 30);
    engine.handle_cancel(&1, Selector::Kind(5), at(31)).unwrap();
    let outputs = run(&mut engine, 31);
    let [clear] = clears(&outputs)[..] else { panic!("{outputs:?}") };
    assert_eq!((clear.events.as_slice(), clear.remaining), ([(EventId(2), 5)].as_slice(), 1));
}

// --- Any time is legal ----------------------------------------------------------------------------------------------

#[test]
fn one_absurd_time_harms_nothing_for_good() {
    let year_2100 = UnixTime::from_secs(4_102_444_800);
    for (absurd, through_a_snapshot) in
        [(UnixTime::MAX, false), (UnixTime::MAX, true), (year_2100, false), (year_2100, true)]
    {
        let mut engine = engine(|policy, _| policy.reminders = vec![secs(600)]);
        engine.handle_event(event(1, 1), at(0)).unwrap();
        engine.handle_timeout(absurd);
        let outputs: Vec<_> = std::iter::from_fn(|| engine.poll_output()).collect();
        assert!(!outputs.is_empty() && outputs.len() < 50);
        engine.handle_event(event(2, 2), absurd).unwrap();
        while engine.poll_output().is_some() {}
        if through_a_snapshot {
            let mut bytes = Vec::new();
            engine.write(&mut bytes);
            engine = Engine::read((Pauses, Seed::new([9; 16])), &bytes).unwrap();
        }
        // The clock is right again: what was opened then closes in an ordinary time, as does what is opened now.
        engine.handle_event(event(3, 3), at(10)).unwrap();
        assert!(engine.next_wakeup().unwrap().at <= at(40));
        let outputs = run(&mut engine, 300);
        let keys: Vec<_> =
            outputs.iter().filter(|(_, o)| matches!(o, Output::Notify(_))).map(|(_, o)| *o.key()).collect();
        assert!(keys.contains(&2) && keys.contains(&3), "{absurd} {keys:?}");
        for (_, output) in outputs {
            if let Output::Notify(n) = output {
                assert!(n.generation.to_bits() < at(1_000_000).as_millis(), "the generations did not jump");
            }
        }
        assert_eq!(engine.explain().sum(), engine.explain().events);
    }
}

#[test]
fn a_step_of_the_clock_moves_spans_and_not_points() {
    let mut engine = engine(|_, _| ());
    engine.set_calendar((1 << 2, 500), Rate::UNLIMITED, at(0));
    engine.handle_event(event(1, 1), at(100)).unwrap();
    engine.handle_event(event(2, 2), at(100)).unwrap();
    assert!(notifies(&run(&mut engine, 129)).is_empty());
    engine.apply(Input::ClockStep { was: at(129), is: at(729) }, at(729)).for_each(drop);
    assert_eq!(engine.next_wakeup().unwrap().at, at(730), "one second is left of the window");
    let mut engine = self::engine(|_, _| ());
    engine.set_calendar((1 << 2, 500), Rate::UNLIMITED, at(0));
    engine.handle_event(event(2, 2), at(100)).unwrap();
    run(&mut engine, 130);
    engine.handle_timeout(at(10));
    assert_eq!(notifies(&deliver(&mut engine, 600)), [(500, 1)], "the end of the quiet is a point");
}

/// The wall clock fell behind the engine by less than the tolerance, and is set then: spans count from the engine's time.
/// Otherwise what began before the step would lie in the future, and last longer by as much as the clock had fallen.
#[test]
fn a_step_after_a_tolerated_fall_leaves_nothing_in_the_future() {
    for is in [36, 1_000] {
        let mut engine = engine(|policy, _| policy.remember = secs(10));
        engine.handle_read(&1, 7, at(65)).unwrap();
        engine.handle_event(event(3, 1), at(65)).unwrap();
        engine.handle_timeout(at(35));
        engine.handle_clock_step(at(35), at(is));
        engine.handle_read(&2, 7, at(is + 1)).unwrap();
        let told = |output| matches!(output, Output::Clear(_) | Output::Unread { count: 0, .. });
        assert!(std::iter::from_fn(|| engine.poll_output()).all(told));
        assert_eq!(engine.next_wakeup().unwrap().at, at(is + 30), "a window of 30 s stays one of 30 s");

        let mut snapshot = Vec::new();
        engine.write(&mut snapshot);
        assert!(Tested::read((Pauses, Seed::new([9; 16])), &snapshot).is_ok(), "its own snapshot");

        run(&mut engine, is + 9);
        assert_eq!(engine.memories(), 2);
        run(&mut engine, is + 10);
        assert_eq!(engine.memories(), 1, "remembered for 10 s, and not longer");
        // A key that is in use again holds up no other.
        engine.handle_event(event(2, 2), at(is + 10)).unwrap();
        engine.handle_read(&4, 7, at(is + 10)).unwrap();
        run(&mut engine, is + 20);
        assert_eq!(engine.memories(), 0);
    }
}

// --- Reads ----------------------------------------------------------------------------------------------------------

#[test]
fn conversations_without_numbers_can_be_read() {
    for (read, left) in [
        (Read::All, vec![]),
        (Read::Through(EventId(2)), vec![EventId(3)]),
        (Read::UpTo(0), [1, 2, 3].map(EventId).to_vec()),
    ] {
        let mut engine = engine(|_, _| ());
        for id in 1..=3 {
            engine.handle_event(event(1, id), at(id as u64)).unwrap();
        }
        let first = engine.handle_read(&1, read, at(5)).unwrap();
        assert_eq!(first.pending as usize, 3 - left.len(), "{read:?}");
        run(&mut engine, 5);
        assert_eq!(engine.handle_read(&1, read, at(6)).unwrap(), Retracted::default(), "the same again");
        let sent: Vec<_> = run(&mut engine, 40)
            .into_iter()
            .filter_map(|(_, o)| if let Output::Notify(n) = o { Some(n.ids) } else { None })
            .collect();
        assert_eq!(sent.concat(), left, "{read:?}");
    }
}

#[test]
fn the_same_read_again_takes_nothing_new() {
    let mut engine = engine(|_, _| ());
    engine.handle_event(event(1, 1).with_seq(5), at(0)).unwrap();
    engine.handle_read(&1, 5, at(1)).unwrap();
    engine.handle_event(event(1, 2), at(2)).unwrap();
    assert_eq!(engine.handle_read(&1, 5, at(3)).unwrap(), Retracted::default());
    assert_eq!(engine.explain().pending, 1);
}

// --- Leading edge ---------------------------------------------------------------------------------------------------

#[test]
fn never_more_than_one_notification_per_window() {
    let mut engine = engine(|policy, _| policy.leading = true);
    let mut sent = Vec::new();
    for second in 0..90_u64 {
        engine.handle_event(event(1, second.into()).with_seq(second + 1), at(second)).unwrap();
        sent.extend(notifies(&deliver(&mut engine, second)));
        match second % 3 {
            0 => assert!(engine.handle_read(&1, second + 1, at(second)).is_ok()),
            1 => assert!(engine.handle_cancel(&1, Selector::All, at(second)).is_ok()),
            _ => {}
        }
        sent.extend(notifies(&deliver(&mut engine, second)));
    }
    let times: Vec<_> = sent.iter().map(|(second, _)| *second).collect();
    assert!(times.windows(2).all(|two| two[1] - two[0] >= 30), "{times:?}");
    assert!(times.len() >= 2);
}

// --- Classes and reminders ------------------------------------------------------------------------------------------

#[test]
fn a_higher_class_makes_nothing_later_and_one_burst_buzzes_once() {
    let mut engine = engine(|_, _| ());
    engine.set_calendar((1 << 1, 100), Rate::UNLIMITED, at(0));
    engine.handle_event(event(1, 1), at(0)).unwrap();
    run(&mut engine, 90);
    for (second, id) in [(90, 2), (92, 3), (94, 4), (99, 5)] {
        engine.handle_event(event(1, id).with_class(2), at(second)).unwrap();
    }
    assert_eq!(notifies(&deliver(&mut engine, 300)), [(100, 5)], "not after the quiet's end, and once");
    let mut engine = self::engine(|_, _| ());
    engine.set_calendar((1 << 1, 1_000), Rate::UNLIMITED, at(0));
    engine.handle_event(event(1, 1), at(0)).unwrap();
    run(&mut engine, 90);
    for (second, id) in [(90, 2), (110, 3), (119, 4)] {
        engine.handle_event(event(1, id).with_class(2), at(second)).unwrap();
        run(&mut engine, second);
    }
    assert_eq!(notifies(&deliver(&mut engine, 300)), [(120, 4)]);
}

#[test]
fn reminders_survive() {
    let reminding = || {
        let mut engine = engine(|policy, _| policy.reminders = vec![secs(100), secs(100)]);
        for id in 1..=2 {
            engine.handle_event(event(1, id), at(0)).unwrap();
        }
        deliver(&mut engine, 30);
        engine
    };
    let mut cancelled = reminding();
    cancelled.handle_cancel(&1, Selector::Event(EventId(1)), at(40)).unwrap();
    assert_eq!(notifies(&deliver(&mut cancelled, 500)), [(130, 1), (230, 1)]);
    // A pause without end, that ends.
    let mut paused = reminding();
    paused.set_calendar((1 << 1, 0), Rate::UNLIMITED, at(40));
    assert!(notifies(&deliver(&mut paused, 1_000)).is_empty());
    paused.set_calendar((0, 0), Rate::UNLIMITED, at(1_000));
    assert_eq!(notifies(&deliver(&mut paused, 2_000)), [(1_000, 2), (1_100, 2)]);
    // A quiet that drops new events.
    let mut dropping = reminding();
    dropping.set_calendar((1 << 63 | 1 << 1, 300), Rate::UNLIMITED, at(40));
    assert_eq!(notifies(&deliver(&mut dropping, 2_000)), [(300, 2), (400, 2)]);
    // A window that opens meanwhile and is emptied.
    let mut emptied = reminding();
    emptied.handle_event(event(1, 3), at(120)).unwrap();
    run(&mut emptied, 140);
    emptied.handle_cancel(&1, Selector::Event(EventId(3)), at(140)).unwrap();
    assert_eq!(notifies(&deliver(&mut emptied, 141)), [(140, 2)]);
}

// --- Flush, order, late drivers -------------------------------------------------------------------------------------

#[test]
fn never_two_digests_of_a_key_in_flight() {
    let mut engine = engine(|policy, _| (policy.urgent, policy.max_items) = (Urgent::Flush, Some(3)));
    let mut digests = 0;
    for id in 0..20 {
        let next = if id % 2 == 0 { event(1, id) } else { event(1, id).urgent() };
        engine.handle_event(next, at(id as u64)).unwrap();
        engine.flush_now(&1, at(id as u64));
        for (_, output) in run(&mut engine, id as u64) {
            if let Output::Notify(n) = output {
                digests += u32::from(n.lane == Lane::Digest);
            }
        }
    }
    assert_eq!(digests, 1);
}

#[test]
fn oldest_first_also_after_a_failure() {
    for collect in [Collect::Items, Collect::Latest] {
        let mut engine = engine(|policy, _| policy.collect = collect);
        engine.handle_event(event(1, 1), at(0)).unwrap();
        let outputs = run(&mut engine, 30);
        let [(_, Output::Notify(first))] = outputs.as_slice() else { panic!("{outputs:?}") };
        engine.handle_event(event(1, 2), at(31)).unwrap();
        engine.handle_failure(&1, first.generation, at(32));
        engine.handle_event(event(1, 3), at(33)).unwrap();
        let outputs = run(&mut engine, 70);
        let Some((_, Output::Notify(second))) = outputs.first() else { panic!("{outputs:?}") };
        assert_eq!((second.summary.total, second.samples.last().map(|item| item.id)), (3, Some(EventId(3))));
        if collect == Collect::Items {
            assert_eq!(second.ids, [1, 2, 3].map(EventId));
        }
    }
}

/// One driver polls after every input, one only now and then: the same outputs, the same generations.
#[test]
fn outputs_do_not_depend_on_how_often_the_driver_polls() {
    let script = |engine: &mut Tested, polls: bool| {
        let mut outputs = Vec::new();
        for n in 0..200_u64 {
            let key = n * 7 % 20;
            let next = event(key, n.into()).with_seq(n);
            let next = if n % 9 == 0 { next.urgent() } else { next };
            engine.handle_event(next, at(n * 3)).unwrap();
            if n % 17 == 0 {
                engine.handle_read(&(n % 20), n, at(n * 3)).unwrap();
            }
            if polls || n % 50 == 49 {
                outputs.extend(
                    std::iter::from_fn(|| engine.poll_output()).map(|o| format!("{} {o:?}", o.key())),
                );
            }
        }
        outputs
    };
    let (mut often, mut seldom) = (engine(|_, _| ()), engine(|_, _| ()));
    assert_eq!(script(&mut often, true), script(&mut seldom, false));
}

#[test]
fn a_late_driver_sees_deadlines_in_order_over_all_keys() {
    let mut engine =
        engine(|policy, _| policy.window = Window::Sliding { quiet: secs(10), max_wait: secs(60) });
    for (second, key) in [(0, 5), (1, 4), (2, 3), (6, 4), (8, 5), (9, 2)] {
        engine.handle_event(event(key, u128::from(second * 10 + key)), at(second)).unwrap();
    }
    let order: Vec<_> = {
        engine.handle_event(event(9, 999).urgent(), at(100)).unwrap();
        std::iter::from_fn(|| engine.poll_output()).map(|output| *output.key()).collect()
    };
    assert_eq!(order, [3, 4, 5, 2, 9]);
}

// --- Restoring ------------------------------------------------------------------------------------------------------

#[test]
fn a_recheck_obeys_the_rate() {
    let mut engine = engine(|_, _| ());
    engine.set_calendar((u64::MAX >> 1, 0), Rate::UNLIMITED, at(0));
    for key in 0..10 {
        engine.handle_event(event(key, key.into()), at(key)).unwrap();
    }
    run(&mut engine, 60);
    let rate = Rate { windows: 3, every: secs(1) };
    assert_eq!(engine.set_calendar((0, 0), rate, at(60)), 10);
    let seconds: Vec<_> = notifies(&run(&mut engine, 70)).into_iter().map(|(second, _)| second).collect();
    assert_eq!(seconds, [60, 60, 60, 61, 61, 61, 62, 62, 62, 63]);
}

/// "Held until T": no attempt is counted, what comes until then joins, and an urgent event keeps its lane.
#[test]
fn held_until_puts_the_batch_back() {
    let mut engine = engine(|policy, _| *policy = policy.clone().answered_above());
    engine.handle_event(event(1, 1), at(0)).unwrap();
    for hold in 0..10 {
        let outputs = run(&mut engine, 30 + hold * 100);
        let [(_, Output::Notify(sent))] = outputs.as_slice() else { panic!("{outputs:?}") };
        assert_eq!(u64::from(sent.summary.total), hold + 1);
        assert_eq!(
            engine.handle_held(&1, sent.generation, at(130 + hold * 100), at(31 + hold * 100)),
            Answered::Settled
        );
        engine.handle_event(event(1, 2 + u128::from(hold)), at(40 + hold * 100)).unwrap();
        assert_eq!(engine.next_wakeup().unwrap().at, at(130 + hold * 100));
    }
    engine.handle_event(event(2, 100).urgent(), at(940)).unwrap();
    let outputs = run(&mut engine, 940);
    let [(_, Output::Notify(ring))] = outputs.as_slice() else { panic!("{outputs:?}") };
    engine.handle_held(&2, ring.generation, at(960), at(941));
    assert_eq!(engine.explain().pending, 12);
    let outputs = run(&mut engine, 961);
    let [(960, Output::Notify(ring))] = outputs.as_slice() else { panic!("{outputs:?}") };
    assert_eq!((ring.key, ring.lane), (2, Lane::Urgent));
    assert_eq!(engine.explain().sum(), engine.explain().events);
}

/// A ring that is held is pending: what ends it meanwhile ends it for good (B7).
#[test]
fn a_held_ring_that_is_cancelled_or_read_never_rings() {
    for ends in [0, 1] {
        let mut engine = engine(|policy, _| *policy = policy.clone().answered_above());
        engine.handle_event(event(1, 7).with_seq(3).urgent(), at(0)).unwrap();
        let outputs = run(&mut engine, 0);
        let [(_, Output::Notify(ring))] = outputs.as_slice() else { panic!("{outputs:?}") };
        engine.handle_held(&1, ring.generation, at(60), at(1));
        let (ended, fate) = if ends == 0 {
            (engine.handle_cancel(&1, Selector::Event(EventId(7)), at(2)), Fate::Cancelled)
        } else {
            (engine.handle_read(&1, 3, at(2)), Fate::ReadBefore)
        };
        assert_eq!(ended, Ok(Retracted { pending: 1, notified: 0 }));
        let outputs = run(&mut engine, 100);
        let dropped = |out: &Out| matches!(out, Output::Dropped { fate: why, count: 1, ids, .. } if *why == fate && ids == &[EventId(7)]);
        assert!(outputs.iter().any(|(_, out)| dropped(out)), "{outputs:?}");
        assert!(!outputs.iter().any(|(_, out)| matches!(out, Output::Notify(_))), "{outputs:?}");
        assert_eq!((engine.unread(&1), engine.explain().pending, engine.explain().sum()), (0, 0, 1));
    }
}

#[test]
fn one_key_with_very_many_events_is_cancelled_and_read_at_once() {
    let mut engine = engine(|_, _| ());
    for id in 0..300_000_u64 {
        engine
            .handle_event(
                event(1, id.into()).with_seq(id + 1),
                UnixTime::from_millis(at(0).as_millis() + id / 100),
            )
            .unwrap();
    }
    assert_eq!(engine.handle_cancel(&1, Selector::Event(EventId(299_999)), at(4)).unwrap().pending, 1);
    assert_eq!(engine.handle_read(&1, 300_000, at(5)).unwrap().pending, 299_999);
    assert_eq!(engine.explain().sum(), engine.explain().events);
}

#[test]
fn an_idle_engine_is_small() {
    let at = UnixTime::from_secs;
    let mut engine: Engine<Plain<u64>> =
        Engine::new(Plain::new(), Policy::default(), Limits::default(), Seed::new([7; 16])).unwrap();
    assert!(engine.memory() <= 2048, "a new one: {}", engine.memory());
    for n in 0..10_000 {
        engine.handle_event(Event::new(n % 1000, EventId(n.into()), ()), at(100)).unwrap();
        engine.handle_cancel(&(n % 1000), Selector::Kind(1), at(100)).unwrap();
        while engine.poll_output().is_some() {}
    }
    assert!(engine.memory() > 1000 * 128 + 5000 * 64, "what is kept counts: {}", engine.memory());
    // The windows end, nobody answers, all is given up and forgotten.
    for minute in 2..200 {
        engine.handle_timeout(at(minute * 60));
        while engine.poll_output().is_some() {}
    }
    assert_eq!(engine.keys(), 0);
    engine.tidy();
    assert!(engine.memory() <= 2048, "after much work: {}", engine.memory());
    // An id that was cancelled counts again if the clock is set back: it stays, and little else.
    engine.handle_cancel(&1, Selector::Event(EventId(1)), at(20_000)).unwrap();
    engine.handle_timeout(at(50_000));
    while engine.poll_output().is_some() {}
    engine.tidy();
    assert!(engine.memory() <= 2048 + 512, "a tombstone: {}", engine.memory());
    engine.handle_timeout(at(20_000));
    assert_eq!(engine.handle_event(Event::new(1, EventId(1), ()), at(20_000)), Ok(Fate::Cancelled));
}

/// Events are found and taken out one by one where there are very many, beside a plain list of them. In release builds a
/// table of ids is made from a thousand on, in debug builds from five.
#[test]
fn one_event_of_very_many_is_cancelled() {
    for (seed, most) in (0..60).map(|seed| (seed, 6)).chain([(60, 30), (61, 3_000)]) {
        let mut engine = engine(|policy, limits| {
            policy.window = Window::Sliding { quiet: secs(1_000), max_wait: secs(100_000) };
            (policy.dedup, policy.ack_timeout, policy.remember) = (None, None, Duration::ZERO);
            limits.items_per_key = u32::MAX;
        });
        let mut random = reveille_core::Jitter::new(seed);
        // Id, class, number, and the second in which it came.
        let mut list: Vec<(u128, u8, u64, u64)> = Vec::new();
        for n in 0..most * 4_u64 {
            // It grows, then it goes up and down about where the table is made, then it shrinks.
            let grows = [95, 50, 50, 5][(n / most) as usize];
            if list.is_empty() || random.up_to_u64(99) < grows {
                let (id, class) = (random.up_to_u64(most * 20).into(), u8::from(random.up_to_u64(50) == 0));
                let seq = random.up_to_u64(most);
                let event = event(1, id).with_class(class).with_seq(seq).with_bytes(7);
                assert_eq!(engine.handle_event(event, at(n / 40)), Ok(Fate::Pending));
                list.push((id, class, seq, n / 40));
            } else {
                let any = random.up_to_u64(list.len() as u64 - 1) as usize;
                let (id, ..) = list[[0, any, list.len() - 1][n as usize % 3]];
                let gone = list.iter().filter(|one| one.0 == id).count() as u32;
                let cancelled = engine.handle_cancel(&1, Selector::Event(EventId(id)), at(n / 40)).unwrap();
                assert_eq!((cancelled.pending, cancelled.notified), (gone, 0));
                list.retain(|one| one.0 != id);
            }
            let nothing = engine.handle_cancel(&1, Selector::Event(EventId(u128::MAX)), at(n / 40)).unwrap();
            assert_eq!((nothing, engine.unread(&1)), (Retracted::default(), list.len() as u32));
            let last = list.last().map(|one| at(one.3 + 1_000));
            while engine.poll_output().is_some() {}
            assert_eq!(engine.next_wakeup().map(|wakeup| wakeup.at), last);
        }
        let outs = run(&mut engine, 50_000);
        let notifies: Vec<_> = outs
            .iter()
            .filter_map(|(_, out)| if let Out::Notify(n) = out { Some(n) } else { None })
            .collect();
        let Some(first) = list.first() else { continue };
        let [notify] = notifies[..] else { panic!("{} notifications", notifies.len()) };
        assert!(notify.ids.iter().map(|id| id.0).eq(list.iter().map(|one| one.0)));
        assert_eq!(notify.class, list.iter().map(|one| one.1).max().unwrap());
        assert_eq!((notify.summary.first, notify.summary.bytes), (at(first.3), 7 * list.len() as u32));
    }
}
