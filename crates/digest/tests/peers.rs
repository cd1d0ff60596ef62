//! The defects of the field, each as a test that our engine does not have it. The names say whose defect it was.

// clippy.toml lifts these inside test functions only; the helpers of a test are tests too.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use std::time::Duration;

use reveille_core::UnixTime;
use reveille_core::log::Snapshot as _;
use reveille_digest::options::Window;
use reveille_digest::retract::{Retracted, Selector};
use reveille_digest::*;

type Simple = Engine<Plain<u64, u8>>;

fn engine(policy: Policy) -> Simple {
    Engine::new(Plain::new(), policy, Limits::default(), Seed::new([9; 16])).unwrap()
}

fn at(secs: u64) -> UnixTime {
    UnixTime::from_secs(1_700_000_000 + secs)
}

fn event(key: u64, id: u128) -> Event<Plain<u64, u8>> {
    Event::new(key, EventId(id), 0)
}

fn drain(engine: &mut Simple, now: UnixTime) -> Vec<Output<Plain<u64, u8>>> {
    engine.handle_timeout(now);
    std::iter::from_fn(|| engine.poll_output()).collect()
}

fn notifies(outputs: &[Output<Plain<u64, u8>>]) -> Vec<(u64, u32)> {
    let totals = outputs.iter().filter_map(|output| match output {
        Output::Notify(notify) => Some((notify.key, notify.summary.total)),
        _ => None,
    });
    totals.collect()
}

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// Signal: after sending, the schedule was removed without a look at whether it had been changed meanwhile.
#[test]
fn lost_reschedule_an_answer_settles_its_own_generation_only() {
    let mut engine = engine(Policy::default());
    engine.handle_event(event(1, 1), at(0)).unwrap();
    let outputs = drain(&mut engine, at(30));
    let [Output::Notify(first)] = outputs.as_slice() else { panic!("{outputs:?}") };
    engine.handle_event(event(1, 2), at(31)).unwrap();
    assert_eq!(engine.handle_response(&1, first.generation, at(32)), Answered::Settled);
    assert_eq!(engine.handle_response(&1, first.generation, at(33)), Answered::Stale);
    assert_eq!(notifies(&drain(&mut engine, at(61))), [(1, 1)]);
}

/// Signal: "replaces the previously scheduled time" without a cap put a steady stream off for ever.
#[test]
fn starvation_a_steady_stream_is_notified_at_the_cap() {
    let mut engine = engine(Policy::sliding(secs(10), secs(60)));
    for second in 0..60 {
        engine.handle_event(event(1, second.into()), at(second)).unwrap();
        assert!(drain(&mut engine, at(second)).is_empty());
    }
    assert_eq!(notifies(&drain(&mut engine, at(60))), [(1, 60)]);
}

/// Inngest PR 3554: an event within the last second before the cap armed the timer anew.
#[test]
fn outliving_the_cap_an_event_just_before_it_moves_nothing() {
    for early in [1, 500, 999] {
        let mut engine = engine(Policy::sliding(secs(10), secs(10)));
        engine.handle_event(event(1, 1), at(0)).unwrap();
        let late = UnixTime::from_millis(at(10).as_millis() - early);
        engine.handle_event(event(1, 2), late).unwrap();
        assert_eq!(engine.next_wakeup().map(|wakeup| wakeup.at), Some(at(10)));
    }
}

/// The same with a driver that is late: the event must not slip into the window that is over.
#[test]
fn outliving_the_cap_a_late_driver_changes_nothing() {
    let mut engine = engine(Policy::sliding(secs(10), secs(10)));
    engine.handle_event(event(1, 1), at(0)).unwrap();
    engine.handle_event(event(1, 2), at(10)).unwrap();
    assert_eq!(notifies(&drain(&mut engine, at(10))), [(1, 1)]);
}

/// Novu #12373: on a retry a digest was merged into itself, and the notification was gone. #2569: two events in one
/// second made two digests.
#[test]
fn self_merge_a_retry_is_a_duplicate_and_one_instant_is_one_window() {
    let mut engine = engine(Policy::default());
    assert_eq!(engine.handle_event(event(1, 1), at(0)), Ok(Fate::Pending));
    assert_eq!(engine.handle_event(event(1, 1), at(0)), Ok(Fate::Duplicate));
    assert_eq!(engine.handle_event(event(1, 2), at(0)), Ok(Fate::Pending));
    assert_eq!(notifies(&drain(&mut engine, at(30))), [(1, 2)]);
}

/// Novu #2698, #3893: different keys merged, the same key split.
#[test]
fn mixed_keys_every_key_has_its_own_window() {
    let mut engine = engine(Policy::default());
    for round in 0..3_u64 {
        for key in 0..1_000 {
            engine.handle_event(event(key, (round * 1_000 + key).into()), at(round)).unwrap();
        }
    }
    let mut sent = notifies(&drain(&mut engine, at(30)));
    sent.sort_unstable();
    assert_eq!(sent, (0..1_000).map(|key| (key, 3)).collect::<Vec<_>>());
}

/// Zulip: rows were deleted even if sending them failed.
#[test]
fn loss_on_exception_what_failed_goes_out_with_the_next() {
    let mut engine = engine(Policy::default());
    engine.handle_event(event(1, 1), at(0)).unwrap();
    let outputs = drain(&mut engine, at(30));
    let [Output::Notify(first)] = outputs.as_slice() else { panic!("{outputs:?}") };
    engine.handle_event(event(1, 2), at(31)).unwrap();
    engine.handle_failure(&1, first.generation, at(35));
    assert_eq!(notifies(&drain(&mut engine, at(61))), [(1, 2)]);
    // And if nobody ever answers.
    assert_eq!(notifies(&drain(&mut engine, at(121))), []);
    assert_eq!(notifies(&drain(&mut engine, at(151))), [(1, 2)]);
    assert_eq!(engine.explain().sum(), 2);
}

/// The other end of it: a batch that always fails does not come back for ever, and is accounted for.
#[test]
fn a_batch_that_always_fails_expires() {
    let mut engine = engine(Policy::default());
    engine.handle_event(event(1, 1), at(0)).unwrap();
    let mut dropped = 0;
    while let Some(wakeup) = engine.next_wakeup() {
        for output in drain(&mut engine, wakeup.at) {
            if let Output::Dropped { fate, count, .. } = output {
                assert_eq!((fate, count), (Fate::Expired, 1));
                dropped += count;
            }
        }
    }
    assert!(drain(&mut engine, at(100_000)).is_empty());
    assert_eq!((dropped, engine.explain().expired, engine.keys()), (1, 1, 0));
}

/// Mattermost: any look at a channel dropped the whole batch of the user. (A restart lost it: see `log.rs`.)
#[test]
fn a_read_takes_back_what_it_covers_and_nothing_else() {
    let mut engine = engine(Policy::default());
    for seq in 1..=5 {
        engine.handle_event(event(1, seq.into()).with_seq(seq), at(seq)).unwrap();
        engine.handle_event(event(2, (10 + seq).into()).with_seq(seq), at(seq)).unwrap();
    }
    assert_eq!(engine.handle_read(&1, 3, at(6)).unwrap().pending, 3);
    while engine.poll_output().is_some() {}
    assert_eq!(notifies(&drain(&mut engine, at(31))), [(1, 2), (2, 5)]);
}

/// Knock: a window that was emptied stayed open and sent an empty digest.
#[test]
fn an_emptied_window_closes_without_a_push() {
    let mut engine = engine(Policy::default());
    engine.handle_event(event(1, 1).with_kind(3), at(0)).unwrap();
    engine.handle_event(event(1, 2).with_kind(3), at(1)).unwrap();
    assert_eq!(engine.handle_cancel(&1, Selector::Event(EventId(1)), at(2)).unwrap().pending, 1);
    assert_eq!(engine.handle_cancel(&1, Selector::Kind(3), at(3)).unwrap().pending, 1);
    assert_eq!(notifies(&drain(&mut engine, at(100))), []);
    assert_eq!(engine.explain().cancelled, 2);
}

/// Knock: "we don't offer a way to close a batch".
#[test]
fn an_open_window_can_be_closed_early() {
    for policy in [Policy::default(), Policy::lean(Window::Fixed { wait: secs(30) })] {
        let waits = policy.ack_timeout.is_some();
        let mut engine = engine(policy);
        assert!(!engine.flush_now(&1, at(0)), "nothing is open");
        for (key, id) in [(1, 1), (1, 2), (2, 3)] {
            engine.handle_event(event(key, id), at(0)).unwrap();
        }
        assert!(engine.flush_now(&1, at(5)));
        assert_eq!(engine.next_wakeup().unwrap().at, at(5));
        let outputs = drain(&mut engine, at(5));
        assert_eq!(notifies(&outputs), [(1, 2)]);
        assert!(!engine.flush_now(&1, at(6)), "it is closed");
        // With a batch in flight the next one keeps its time.
        engine.handle_event(event(1, 4), at(7)).unwrap();
        assert_eq!(engine.flush_now(&1, at(8)), !waits);
        assert_eq!(notifies(&drain(&mut engine, at(8))).is_empty(), waits);
        if let [Output::Notify(first)] = outputs.as_slice() {
            engine.handle_response(&1, first.generation, at(9));
        }
        assert_eq!(notifies(&drain(&mut engine, at(30))), [(2, 1)]);
        assert_eq!(notifies(&drain(&mut engine, at(37))).is_empty(), !waits);
        assert_eq!(engine.explain().notified, 3);
        assert_eq!(engine.explain().sum(), engine.explain().events);
    }
}

/// A ring that was delivered is taken back by its cancel.
#[test]
fn a_cancel_of_something_sent_says_so() {
    let mut engine = engine(Policy::default());
    engine.handle_event(event(1, 1).urgent(), at(0)).unwrap();
    let outputs = drain(&mut engine, at(0));
    let [Output::Notify(ring)] = outputs.as_slice() else { panic!("{outputs:?}") };
    engine.handle_response(&1, ring.generation, at(1));
    assert_eq!(engine.handle_cancel(&1, Selector::Event(EventId(1)), at(5)).unwrap().notified, 1);
    let outputs = drain(&mut engine, at(5));
    let Some(Output::Clear(clear)) = outputs.first() else { panic!("{outputs:?}") };
    assert_eq!(
        (clear.collapse_id, clear.lane, clear.cause),
        (ring.collapse_id, Lane::Urgent, Cause::Cancelled)
    );
    assert!(clear.generation > ring.generation && clear.remaining == 0);
}

/// Debouncers that keep the last event only (Inngest, DBOS, BullMQ).
#[test]
fn all_events_are_there_not_only_the_last() {
    let mut engine = engine(Policy::sliding(secs(5), secs(60)));
    for id in 0..4 {
        engine.handle_event(event(1, id).with_actor(id as u64), at(id as u64)).unwrap();
    }
    let outputs = drain(&mut engine, at(10));
    let [Output::Notify(notify)] = outputs.as_slice() else { panic!("{outputs:?}") };
    assert_eq!(notify.ids, [0, 1, 2, 3].map(EventId));
    assert_eq!(notify.summary.actors.known().collect::<Vec<_>>(), [0, 1, 2, 3]);
    assert_eq!((notify.summary.first, notify.summary.last), (at(0), at(3)));
}

/// DelayQueue: panic after 2^36 ms (tokio #5536; a production outage after two years of uptime), and for delays
/// longer than that (restate #5011).
#[test]
fn two_to_the_36_ms_is_nothing_special() {
    for bit in 30..62 {
        let mut engine = engine(Policy::fixed(Duration::from_millis(1 << bit)));
        engine.handle_event(event(1, 1), UnixTime::EPOCH).unwrap();
        let end = UnixTime::from_millis(1 << bit);
        assert_eq!(engine.next_wakeup().map(|wakeup| wakeup.at), Some(end));
        assert!(drain(&mut engine, UnixTime::from_millis((1 << bit) - 1)).is_empty());
        assert_eq!(notifies(&drain(&mut engine, end)), [(1, 1)]);
    }
}

/// DelayQueue #2473, #3270: reset or remove of what has just expired panicked.
#[test]
fn an_event_and_a_cancel_for_what_has_just_expired() {
    let mut engine = engine(Policy::default());
    engine.handle_event(event(1, 1), at(0)).unwrap();
    engine.handle_timeout(at(30));
    // Due, and not polled yet.
    assert_eq!(engine.handle_event(event(1, 2), at(30)), Ok(Fate::Pending));
    assert_eq!(
        engine.handle_cancel(&1, Selector::All, at(30)).unwrap(),
        Retracted { pending: 1, notified: 1 }
    );
    assert_eq!(notifies(&drain(&mut engine, at(30))), [(1, 1)]);
}

/// Sygnal and others: an older push that is tried again overwrites a newer one.
#[test]
fn generations_rise_over_all_keys_and_restarts() {
    let mut engine = engine(Policy::lean(Window::Fixed { wait: secs(1) }));
    let mut last = Generation::default();
    for round in 0..100_u64 {
        engine.handle_event(event(round % 3, round.into()), at(round * 2)).unwrap();
        for output in drain(&mut engine, at(round * 2 + 1)) {
            if let Output::Notify(notify) = output {
                assert!(notify.generation > last);
                last = notify.generation;
            }
        }
    }
    // All state lost: the clock is enough to go on above.
    let mut fresh = self::engine(Policy::lean(Window::Fixed { wait: secs(1) }));
    fresh.handle_event(event(1, 1), at(300)).unwrap();
    let outputs = drain(&mut fresh, at(301));
    assert!(matches!(outputs.as_slice(), [Output::Notify(notify)] if notify.generation > last));
}

/// gorush, Mattermost: a full queue dropped or sent at once. Here it pushes back, and nothing is lost.
#[test]
fn full_is_an_error_and_changes_nothing() {
    let mut limits = Limits::default();
    limits.windows = 2;
    let mut engine: Simple =
        Engine::new(Plain::new(), Policy::default(), limits, Seed::new([9; 16])).unwrap();
    for key in 1..=2 {
        engine.handle_event(event(key, key.into()), at(0)).unwrap();
    }
    let full = Err(Error::Full { limit: Limit::Windows });
    assert_eq!(engine.handle_event(event(3, 3), at(0)), full);
    assert_eq!(engine.handle_event(event(3, 3), at(0)), full, "not a duplicate: it was not taken");
    assert_eq!(engine.handle_event(event(2, 4), at(0)), Ok(Fate::Pending));
    assert_eq!(notifies(&drain(&mut engine, at(30))), [(1, 1), (2, 2)]);
    let ledger = engine.explain();
    assert_eq!((ledger.events, ledger.refused, ledger.sum()), (5, 2, 5));
}

/// Events with a chosen id or key cannot be made to collide: the table spreads what an attacker lines up.
#[test]
fn keys_in_a_row_are_no_worse_than_others() {
    let mut engine = engine(Policy::lean(Window::Fixed { wait: secs(30) }));
    for key in 0..50_000_u64 {
        engine.handle_event(event(key << 32, key.into()), at(0)).unwrap();
    }
    assert_eq!(engine.keys(), 50_000);
    assert_eq!(drain(&mut engine, at(30)).len(), 50_000);
    assert_eq!(engine.next_wakeup(), None);
}

/// Open and cancel, again and again: the timers do not grow.
#[test]
fn cancelled_windows_leave_nothing_behind() {
    let mut engine = engine(Policy::lean(Window::Fixed { wait: secs(30 * 24 * 3600) }));
    for id in 0..100_000_u64 {
        engine.handle_event(event(id, id.into()), at(0)).unwrap();
        engine.handle_cancel(&id, Selector::All, at(0)).unwrap();
        while engine.poll_output().is_some() {}
    }
    let mut snapshot = Vec::new();
    engine.write(&mut snapshot);
    assert_eq!((engine.keys(), engine.next_wakeup()), (0, None));
    assert!(snapshot.len() < 100, "{}", snapshot.len());
}
