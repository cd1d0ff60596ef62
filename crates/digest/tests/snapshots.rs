//! Snapshots: what comes due meanwhile, and bytes that are none.

// clippy.toml lifts these inside test functions only; the helpers of a test are tests too.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use std::time::Duration;

use proptest::prelude::*;
use reveille_core::UnixTime;
use reveille_digest::*;

type Host = Plain<(u64, String), Vec<u8>>;

const SEED: Seed = Seed::new([5; 16]);

fn at(secs: u64) -> UnixTime {
    UnixTime::from_secs(1_700_000_000 + secs)
}

fn busy() -> Engine<Host> {
    let mut policy = Policy::default();
    (policy.reminders, policy.useful_for) =
        (vec![Duration::from_secs(600)], Some(Duration::from_secs(86_400)));
    let mut engine = Engine::new(Host::new(), policy, Limits::default(), SEED).unwrap();
    for n in 0..60_u64 {
        let key = (n % 12, format!("conversation {}", n % 12));
        let event = Event::new(key.clone(), EventId(n.into()), vec![n as u8; 3]).seq(n).actor(n % 5).bytes(3);
        engine.handle_event(event, at(n)).unwrap();
        engine.handle_timeout(at(n));
        while let Some(output) = engine.poll_output() {
            if let Output::Notify(notify) = output
                && notify.generation % 2 == 0
            {
                engine.handle_response(&notify.key, notify.generation, at(n));
            }
        }
    }
    engine
}

fn snapshot(engine: &Engine<Host>) -> Vec<u8> {
    let mut bytes = Vec::new();
    engine.snapshot(&mut bytes).unwrap();
    bytes
}

fn restore(bytes: &[u8], catch_up: CatchUp, now: UnixTime) -> Result<Engine<Host>, RestoreError> {
    Engine::restore(Host::new(), busy().policy().clone(), Limits::default(), SEED, bytes, catch_up, now)
}

/// Every number as large as it can be, or so that it takes one byte more than it seems.
#[test]
fn the_largest_numbers_survive() {
    for (collect, class) in [(Collect::Items, u8::MAX), (Collect::Latest, 128), (Collect::Totals, 200)] {
        let mut policy = Policy::default();
        (policy.collect, policy.actors) = (collect, 3);
        policy.reminders = vec![Duration::from_secs(600)];
        let mut limits = Limits::default();
        limits.bytes = u64::MAX;
        let mut engine = Engine::new(Host::new(), policy.clone(), limits, SEED).unwrap();
        let key = (u64::MAX, "é".repeat(300));
        for (n, urgent) in [(0, false), (1, true), (2, false), (3, false)] {
            let mut event = Event::new(key.clone(), EventId(u128::MAX - n), vec![255; 200]);
            event = event.seq(u64::MAX).actor(u64::MAX - n as u64).kind(u16::MAX).class(class);
            event = event.rank(u32::MAX).bytes(u32::MAX / 4);
            event.urgent = urgent;
            // The first is in flight, the second too, then delivered; the others wait.
            engine.handle_event(event, at(n as u64 * 40)).unwrap();
            let now = at(n as u64 * 40 + 29 + n as u64 % 2);
            engine.handle_timeout(now);
            while let Some(output) = engine.poll_output() {
                if let Output::Notify(notify) = output
                    && urgent
                {
                    engine.handle_response(&notify.key, notify.generation, at(70));
                }
            }
            let bytes = snapshot(&engine);
            let catch_up = CatchUp::default();
            let restored = Engine::restore(Host::new(), policy.clone(), limits, SEED, &bytes, catch_up, now);
            let restored = restored.unwrap_or_else(|e| panic!("{collect:?} {n}: {e}"));
            assert!(snapshot(&restored) == bytes, "{collect:?} {n}");
            assert_eq!(restored.next_wakeup(), engine.next_wakeup());
        }
    }
}

/// Times of the notifications that follow, in seconds, with their totals.
fn run(engine: &mut Engine<Host>, until: u64) -> Vec<(u64, u32)> {
    let mut sent = Vec::new();
    while let Some(wakeup) = engine.next_wakeup().filter(|wakeup| wakeup.at <= at(until)) {
        engine.handle_timeout(wakeup.at);
        while let Some(output) = engine.poll_output() {
            if let Output::Notify(notify) = output {
                sent.push((wakeup.at.since(at(0)).as_secs(), notify.summary.total));
                engine.handle_response(&notify.key, notify.generation, wakeup.at);
            }
        }
    }
    sent
}

#[test]
fn a_restored_engine_goes_on_where_the_other_stood() {
    let mut one = busy();
    let bytes = snapshot(&one);
    let mut other = restore(&bytes, CatchUp::default(), at(59)).unwrap();
    assert_eq!(snapshot(&other), bytes);
    let sent = run(&mut one, 10_000);
    assert!(sent.len() > 12);
    assert_eq!(run(&mut other, 10_000), sent);
    assert_eq!(snapshot(&other), snapshot(&one));
}

#[test]
fn overdue_windows_are_flushed_at_the_rate_asked_for() {
    let bytes = snapshot(&busy());
    let rate = Some((4, Duration::from_secs(1)));
    let mut engine = restore(&bytes, CatchUp { overdue: Overdue::Flush, rate }, at(1_000)).unwrap();
    let sent = run(&mut engine, 1_010);
    let per_second: Vec<_> = (1_000..1_003).map(|s| sent.iter().filter(|(at, _)| *at == s).count()).collect();
    assert_eq!(per_second.iter().sum::<usize>(), sent.len());
    assert!(per_second.iter().all(|n| *n <= 4) && sent.len() > 4, "{sent:?}");
}

#[test]
fn overdue_windows_wait_for_what_comes_now() {
    let bytes = snapshot(&busy());
    let mut engine = restore(&bytes, CatchUp { overdue: Overdue::Merge, rate: None }, at(1_000)).unwrap();
    assert!(run(&mut engine, 1_029).is_empty());
    assert!(!run(&mut engine, 1_030).is_empty());
}

#[test]
fn what_is_of_no_use_any_more_expires() {
    let mut engine = busy();
    let pending = engine.explain().pending;
    assert!(pending > 0);
    let bytes = snapshot(&engine);
    let overdue = Overdue::DropOlderThan(Duration::from_secs(3600));
    engine = restore(&bytes, CatchUp { overdue, rate: None }, at(7_200)).unwrap();
    let ledger = engine.explain();
    assert_eq!((ledger.expired, ledger.pending), (pending, 0));
    assert_eq!(ledger.sum(), ledger.events);
}

#[test]
fn outputs_that_wait_are_not_lost() {
    let mut engine = busy();
    engine.handle_event(Event::new((1, String::new()), EventId(999), Vec::new()).urgent(), at(60)).unwrap();
    assert_eq!(engine.snapshot(&mut Vec::new()), Err(Undrained { waiting: 1 }));
}

#[test]
fn other_bytes_are_refused() {
    let bytes = snapshot(&busy());
    let refusal = |bytes: &[u8]| restore(bytes, CatchUp::default(), at(59)).map(|_| ()).unwrap_err();
    assert_eq!(refusal(b""), RestoreError::NotASnapshot);
    assert_eq!(refusal(b"RVDG"), RestoreError::NotASnapshot);
    assert_eq!(refusal(b"RVDG\x07"), RestoreError::Version { given: 7, expected: 1 });
    for at in 5..bytes.len() {
        let mut other = bytes.clone();
        other[at] ^= 1;
        assert!(matches!(refusal(&other), RestoreError::Damaged { .. }), "{at}");
        assert!(matches!(refusal(&bytes[..at]), RestoreError::Damaged { .. }), "{at}");
    }
    let mut limits = Limits::default();
    limits.windows = 3;
    let small =
        Engine::restore(Host::new(), Policy::default(), limits, SEED, &bytes, CatchUp::default(), at(59));
    assert_eq!(small.map(|_| ()).unwrap_err(), RestoreError::TooLarge { given: 12, limit: 3 });
}

proptest! {
    /// Bytes that were changed on purpose, with a check sum that fits: an error, or an engine that works.
    #[test]
    fn forged_snapshots_do_no_harm(places in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let mut bytes = snapshot(&busy());
        bytes.truncate(bytes.len() - 8);
        let first = 5;
        for (place, byte) in places {
            let place = first + place.index(bytes.len() - first);
            bytes[place] = byte;
        }
        let bytes = with_check_sum(bytes);
        if let Ok(mut engine) = restore(&bytes, CatchUp::default(), at(59)) {
            prop_assert_eq!(engine.explain().sum(), engine.explain().events);
            engine.handle_timeout(at(100_000));
            let mut outputs = 0;
            while engine.poll_output().is_some() && outputs < 10_000 {
                outputs += 1;
            }
            prop_assert!(outputs < 10_000);
            prop_assert_eq!(engine.explain().sum(), engine.explain().events);
        }
    }
}

/// Found by fuzzing: a pending event of class 128 or more made a snapshot that could not be read.
#[test]
fn the_greatest_values_come_back() {
    let collects = [Collect::Totals, Collect::Latest, Collect::Items];
    for (collect, class) in collects.into_iter().flat_map(|collect| [(collect, 0x80), (collect, u8::MAX)]) {
        let mut policy = Policy::default();
        policy.collect = collect;
        let mut engine = Engine::new(Host::new(), policy.clone(), Limits::default(), SEED).unwrap();
        for (second, key, id) in [(0, u64::MAX, u128::MAX), (0, 1, u128::MAX - 1), (20, 2, 0)] {
            let key = (key, "\u{10FFFF}".repeat(300));
            let event = Event::new(key, EventId(id), vec![0xFF; 300]).class(class).kind(u16::MAX);
            let event = event.rank(u32::MAX).seq(u64::MAX).actor(u64::MAX).bytes(u32::MAX / 16);
            engine.handle_event(event, at(second)).unwrap();
        }
        // One is delivered, one in flight, one pending.
        engine.handle_timeout(at(30));
        while let Some(output) = engine.poll_output() {
            if let Output::Notify(notify) = output
                && notify.key.0 == 1
            {
                engine.handle_response(&notify.key, notify.generation, at(30));
            }
        }
        let bytes = snapshot(&engine);
        let limits = Limits::default();
        let restored =
            Engine::<Host>::restore(Host::new(), policy, limits, SEED, &bytes, CatchUp::default(), at(30));
        assert_eq!(snapshot(&restored.unwrap()), bytes, "{collect:?} {class}");
    }
}

/// Found by fuzzing: a forged record with pending events and a time to forget in the past lost the events.
#[test]
fn a_time_to_forget_does_not_lose_pending_events() {
    let forged = with_check_sum(include_bytes!("forget_beside_events.bin")[1..].to_vec());
    let restore = |bytes: &[u8]| {
        let mut policy = Policy::default();
        policy.reminders = vec![Duration::from_secs(600); 2];
        let host = Plain::<u64, Vec<u8>>::new();
        Engine::restore(host, policy, Limits::default(), SEED, bytes, CatchUp::default(), at(0))
    };
    let mut engine = restore(&forged).unwrap();
    assert_eq!(engine.explain().pending, 2);
    for step in 0..40 {
        engine.handle_timeout(at(step * 600));
        while engine.poll_output().is_some() {}
    }
    assert_eq!(engine.explain().sum(), engine.explain().events);
    let mut again = Vec::new();
    engine.snapshot(&mut again).unwrap();
    assert_eq!(restore(&again).unwrap().explain(), engine.explain());
}
