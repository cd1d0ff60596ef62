//! Notifications of which nobody said that they arrived: out of time, held from above, overdue after a restart.

// clippy.toml lifts these inside test functions only; the helpers of a test are tests too.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::time::Duration;

use reveille_core::UnixTime;
use reveille_core::log::Snapshot as _;
use reveille_digest::catch_up::{CatchUp, Overdue, Rate};
use reveille_digest::options::{Excess, Refractory};
use reveille_digest::retract::{Read, Selector};
use reveille_digest::*;

type Tested = Engine<Plain<u64>>;
type Out = Output<Plain<u64>>;

const SEED: Seed = Seed::new([9; 16]);

fn at(secs: u64) -> UnixTime {
    UnixTime::from_secs(1_700_000_000 + secs)
}

fn engine(change: impl FnOnce(&mut Policy, &mut Limits)) -> Tested {
    let (mut policy, mut limits) = (Policy::default(), Limits::default());
    change(&mut policy, &mut limits);
    Engine::new(Plain::new(), policy, limits, SEED).unwrap()
}

fn event(key: u64, id: u128) -> Event<Plain<u64>> {
    Event::new(key, EventId(id), ())
}

fn outputs(engine: &mut Tested, second: u64) -> Vec<Out> {
    engine.handle_timeout(at(second));
    std::iter::from_fn(|| engine.poll_output()).collect()
}

/// Lane and ids of each notification.
fn notified(outputs: &[Out]) -> Vec<(Lane, Vec<EventId>)> {
    let of = |output: &Out| if let Output::Notify(n) = output { Some((n.lane, n.ids.clone())) } else { None };
    outputs.iter().filter_map(of).collect()
}

fn cleared(outputs: &[Out]) -> Vec<(u64, Lane)> {
    let of = |output: &Out| match output {
        Output::Clear(clear) if clear.remaining == 0 => Some((clear.key, clear.lane)),
        _ => None,
    };
    outputs.iter().filter_map(of).collect()
}

fn sent(outputs: &[Out]) -> Vec<(u64, Generation)> {
    let of = |output: &Out| if let Output::Notify(n) = output { Some((n.key, n.generation)) } else { None };
    outputs.iter().filter_map(of).collect()
}

/// The refractory period that began with a notification that was then held went on, and the level rose with each hold.
#[test]
fn what_was_held_leaves_nobody_alone() {
    let secs = Duration::from_secs;
    let mut engine = engine(|policy, _| {
        let (first, max, decay, excess) = (secs(100), secs(1_000), Duration::ZERO, Excess::Drop);
        policy.refractory = Some(Refractory { first, factor: 2, max, decay, excess });
    });
    let mut next = 0;
    // The first event comes at this second, and the period after it ends at that.
    for (start, over) in [(0, 140), (140, 380)] {
        let mut come = |engine: &mut Tested, second| {
            next += 1;
            engine.handle_event(event(1, next), at(second)).unwrap()
        };
        assert_eq!(come(&mut engine, start), Fate::Pending);
        let [(_, held)] = sent(&outputs(&mut engine, start + 30))[..] else { panic!("one notification") };
        engine.handle_held(&1, held, at(start + 40), at(start + 31));
        assert_eq!(come(&mut engine, start + 32), Fate::Pending, "nothing was shown");
        let outs = outputs(&mut engine, start + 40);
        let [(_, generation)] = sent(&outs)[..] else { panic!("one notification") };
        assert_eq!(notified(&outs).into_iter().flat_map(|(_, ids)| ids).count(), 2);
        engine.handle_response(&1, generation, at(start + 41));
        assert_eq!(come(&mut engine, over - 1), Fate::Throttled);
    }
    assert_eq!(engine.handle_event(event(1, 100), at(380)), Ok(Fate::Pending), "it rose once");
}

/// A notification without an answer may be shown: what was in it is taken back from the screen, too.
#[test]
fn what_timed_out_may_be_shown() {
    let digest = [(1, Lane::Digest)];
    let retracts: [fn(&mut Tested, UnixTime); 5] = [
        |engine, now| assert!(engine.handle_read(&1, Read::All, now).is_ok()),
        |engine, now| assert!(engine.handle_read(&1, 7, now).is_ok()),
        |engine, now| assert!(engine.handle_read(&1, Read::Through(EventId(1)), now).is_ok()),
        |engine, now| assert!(engine.handle_cancel(&1, Selector::All, now).is_ok()),
        |engine, now| assert!(engine.handle_cancel(&1, Selector::Event(EventId(1)), now).is_ok()),
    ];
    for (nth, retract) in retracts.into_iter().enumerate() {
        for attempts in [0, 3] {
            // Notified at 30, out of time at 90: given up, or pending again.
            let mut engine = engine(|policy, _| policy.attempts = attempts);
            engine.handle_event(event(1, 1).with_seq(7), at(0)).unwrap();
            assert_eq!(notified(&outputs(&mut engine, 30)).len(), 1);
            assert_eq!(cleared(&outputs(&mut engine, 90)), []);
            let mut bytes = Vec::new();
            engine.write(&mut bytes);
            let mut engine = Tested::read((Plain::new(), SEED), &bytes).unwrap();
            retract(&mut engine, at(91));
            assert_eq!(cleared(&outputs(&mut engine, 91)), digest, "{nth} after {attempts}");
            engine.handle_read(&1, Read::All, at(92)).unwrap();
            engine.handle_cancel(&1, Selector::All, at(92)).unwrap();
            assert_eq!(cleared(&outputs(&mut engine, 92)), [], "once is enough: {nth} after {attempts}");
        }
    }
}

#[test]
fn what_may_be_shown_stays_while_others_wait_and_goes_when_another_arrives() {
    let mut engine = engine(|_, _| ());
    for id in 1..=2 {
        engine.handle_event(event(1, id), at(0)).unwrap();
    }
    assert_eq!(notified(&outputs(&mut engine, 30)).len(), 1);
    outputs(&mut engine, 90);
    engine.handle_cancel(&1, Selector::Event(EventId(1)), at(91)).unwrap();
    // An event that is not here yet is not meant, while others wait.
    engine.handle_cancel(&1, Selector::Event(EventId(9)), at(91)).unwrap();
    assert_eq!(cleared(&outputs(&mut engine, 91)), [], "the next notification takes its place");
    let [(_, second)] = sent(&outputs(&mut engine, 120))[..] else { panic!("one notification") };
    engine.handle_response(&1, second, at(121));
    engine.handle_cancel(&1, Selector::Event(EventId(2)), at(122)).unwrap();
    assert_eq!(cleared(&outputs(&mut engine, 122)), [(1, Lane::Digest)]);
    engine.handle_event(event(1, 3), at(123)).unwrap();
    engine.handle_read(&1, Read::All, at(124)).unwrap();
    assert_eq!(cleared(&outputs(&mut engine, 124)), [], "it was replaced, and that was cleared");
}

#[test]
fn a_ring_that_timed_out_is_taken_back() {
    let mut engine = engine(|_, limits| limits.memories = 2);
    let ring = |key: u64, id| event(key, id).urgent().with_useful_until(at(20));
    for key in 1..=2 {
        engine.handle_event(ring(key, key.into()), at(0)).unwrap();
    }
    assert_eq!(notified(&outputs(&mut engine, 0)).len(), 2);
    // Out of time at 60, and of no use any more.
    assert_eq!(cleared(&outputs(&mut engine, 65)), []);
    engine.handle_cancel(&1, Selector::Event(EventId(1)), at(66)).unwrap();
    assert_eq!(cleared(&outputs(&mut engine, 66)), [(1, Lane::Urgent)]);
    engine.handle_cancel(&1, Selector::Event(EventId(1)), at(67)).unwrap();
    assert_eq!(cleared(&outputs(&mut engine, 67)), []);
    // The other one is forgotten: then it is not known of any key what may be shown.
    outputs(&mut engine, 10_000);
    assert_eq!(engine.keys(), 0);
    engine.handle_cancel(&2, Selector::Event(EventId(2)), at(10_001)).unwrap();
    assert_eq!(cleared(&outputs(&mut engine, 10_001)), [(2, Lane::Digest), (2, Lane::Urgent)]);
}

/// What was not answered in time, and reminders, were all sent in one millisecond after a restart.
#[test]
fn all_that_is_overdue_takes_its_turn_after_a_restart() {
    let mut engine = engine(|policy, _| policy.reminders = vec![Duration::from_secs(100)]);
    for key in 1..=6 {
        engine.handle_event(event(key, key.into()), at(key)).unwrap();
    }
    let first = sent(&outputs(&mut engine, 40));
    assert_eq!(first.len(), 6);
    for (key, generation) in first.into_iter().filter(|(key, _)| *key > 3) {
        engine.handle_response(&key, generation, at(40));
    }
    engine.handle_event(event(7, 7), at(41)).unwrap();
    engine.handle_event(event(8, 8).urgent(), at(42)).unwrap();
    outputs(&mut engine, 42);
    let rate = Rate { windows: 1, every: Duration::from_secs(10) };
    engine.handle_recovered(CatchUp { overdue: Overdue::Flush, rate }, at(500));
    let mut order = Vec::new();
    for turn in 0..7 {
        let second = 500 + turn * 10;
        if turn > 0 {
            assert_eq!(notified(&outputs(&mut engine, second - 1)), [], "before turn {turn}");
        }
        let outs = outputs(&mut engine, second);
        sent(&outs).into_iter().for_each(|(key, generation)| {
            engine.handle_response(&key, generation, at(second));
        });
        let (rings, digests): (Vec<_>, Vec<_>) =
            notified(&outs).into_iter().partition(|(lane, _)| *lane == Lane::Urgent);
        assert_eq!((rings.len(), digests.len()), (usize::from(turn == 0), 1), "a ring goes at once");
        order.extend(digests.into_iter().flat_map(|(_, ids)| ids));
    }
    // The window was due at 71, the answers at 91 to 93 or later, the reminders from 134 on.
    assert_eq!(order, [7, 1, 2, 3, 4, 5, 6].map(EventId));
}
