//! Sentences of the documentation that no other test would miss if they stopped being true.

// clippy.toml lifts these inside test functions only; the helpers of a test are tests too.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::time::Duration;

use reveille_core::UnixTime;
use reveille_core::log::Snapshot as _;
use reveille_digest::*;

type Tested = Engine<Plain<u64>>;

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

/// The notifications that come out at a second: key and lane, and which reminder it is.
fn notified(engine: &mut Tested, second: u64) -> Vec<(u64, Lane, Option<u8>)> {
    engine.handle_timeout(at(second));
    let outputs = std::iter::from_fn(|| engine.poll_output());
    let notifies = outputs.filter_map(|output| match output {
        Output::Notify(notify) => Some((notify.key, notify.lane, notify.reminder)),
        _ => None,
    });
    notifies.collect()
}

/// [`Limits::windows`]: "A key that only waits for its reminder is as good as another: it makes a new key `Full`".
#[test]
fn a_promised_reminder_is_not_dropped_for_a_new_key() {
    let full = Err(Error::Full { limit: Limit::Windows });
    let told = |reminders: Vec<Duration>| {
        let mut engine = engine(|policy, limits| {
            (policy.reminders, policy.ack_timeout) = (reminders, None);
            limits.windows = 2;
        });
        engine.handle_event(event(1, 1).with_seq(1), at(0)).unwrap();
        engine.handle_event(event(2, 2).with_seq(1), at(0)).unwrap();
        assert_eq!(engine.admits(&3), full, "two windows are open");
        assert_eq!(notified(&mut engine, 30).len(), 2);
        engine
    };

    let mut without = told(vec![]);
    assert_eq!(without.handle_event(event(3, 3), at(31)), Ok(Fate::Pending), "nothing waits any more");

    let mut engine = told(vec![Duration::from_secs(60)]);
    assert_eq!(engine.admits(&3), full);
    assert_eq!(engine.handle_event(event(3, 3), at(31)), full.map(|()| Fate::Pending));
    assert_eq!(engine.admits(&1), Ok(()), "a key that waits for its reminder takes its own events");
    // What was refused took nothing away.
    let both = [(1, Lane::Digest, Some(1)), (2, Lane::Digest, Some(1))];
    let mut reminded = notified(&mut engine, 90);
    reminded.sort_by_key(|(key, ..)| *key);
    assert_eq!(reminded, both);
    assert_eq!(engine.handle_event(event(3, 4), at(91)), Ok(Fate::Pending), "the ladder is at its end");

    // A read ends the ladder, too.
    let mut engine = told(vec![Duration::from_secs(60)]);
    engine.handle_read(&1, 1, at(31)).unwrap();
    assert_eq!(engine.handle_event(event(3, 3), at(32)), Ok(Fate::Pending));
    assert_eq!(engine.admits(&4), full);
}

/// Key 1 has two deadlines, its ring's answer at 60 and its window at 89; that of key 2 is at 70.
fn two_deadlines_and_one_in_between() -> Tested {
    let mut engine = engine(|_, _| ());
    let ring = event(1, 1).urgent();
    assert!(matches!(engine.handle_event(ring, at(0)), Ok(Fate::Notified { .. })));
    assert_eq!(notified(&mut engine, 0), [(1, Lane::Urgent, None)]);
    engine.handle_event(event(2, 2), at(40)).unwrap();
    engine.handle_event(event(1, 3), at(60 - 1)).unwrap();
    engine
}

/// "Records have their turn in the order of their earliest deadlines, over all keys (if several deadlines of one key have
/// passed, all of them have their turn with the first: its second notification may come before that of a key that was due in
/// between)".
#[test]
fn a_late_driver_sees_all_of_a_key_at_its_earliest_deadline() {
    let (again, digest) = ((1, Lane::Urgent, None), (1, Lane::Digest, None));
    let between = (2, Lane::Digest, None);

    let mut in_time = two_deadlines_and_one_in_between();
    let wakeups =
        [60, 70, 89].map(|second| (in_time.next_wakeup().unwrap().at, notified(&mut in_time, second)));
    assert_eq!(wakeups, [(at(60), vec![again]), (at(70), vec![between]), (at(89), vec![digest])]);

    let mut late = two_deadlines_and_one_in_between();
    assert_eq!(notified(&mut late, 200), [again, digest, between]);

    // A little late is in time: of what has not passed nothing comes early.
    let mut little = two_deadlines_and_one_in_between();
    assert_eq!(notified(&mut little, 80), [again, between]);
    assert_eq!(notified(&mut little, 89), [digest]);
}

/// "In the same millisecond in an order of the engine's own, which a restore keeps".
#[test]
fn what_is_due_at_once_has_an_order_that_a_restore_keeps() {
    let mut engine = engine(|policy, _| policy.ack_timeout = None);
    // Some go, so that numbers are used again.
    for key in 0..40 {
        engine.handle_event(event(key, key.into()), at(0)).unwrap();
    }
    for key in (0..40).step_by(3) {
        engine.handle_cancel(&key, retract::Selector::All, at(1)).unwrap();
    }
    while engine.poll_output().is_some() {}
    for key in (0..200).rev() {
        engine.handle_event(event(key, 1_000 + u128::from(key)), at(40)).unwrap();
        while engine.poll_output().is_some() {}
    }
    let mut bytes = Vec::new();
    engine.write(&mut bytes);
    let mut restored = Tested::read((Plain::new(), SEED), &bytes).unwrap();
    let order = notified(&mut engine, 70);
    assert_eq!(order.len(), 200);
    assert_eq!(notified(&mut restored, 70), order);
}
