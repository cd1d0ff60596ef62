//! Quiet hours and pauses, through the engine.

// clippy.toml lifts these inside test functions only; the helpers of a test are tests too.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use std::collections::BTreeMap;
use std::time::Duration;

use reveille_core::UnixTime;
use reveille_digest::catch_up::Rate;
use reveille_digest::quiet::{AtEnd, Quiet, QuietHours, Span, Zone};
use reveille_digest::*;

/// Nights of one zone for everybody, a pause, and a class that always passes.
struct Calendar {
    nights: QuietHours,
    then: AtEnd,
}

const CALLS: u8 = 9;

impl Host for Calendar {
    type Key = (u32, u32);
    type Payload = ();
    type Fold = ();
    /// Whether everybody is paused.
    type Calendar = bool;

    fn quiet(&self, paused: &bool, _: &Self::Key, class: u8, now: UnixTime) -> Option<Quiet> {
        if class >= CALLS {
            return None;
        }
        let until = if *paused { UnixTime::MAX } else { self.nights.until(now)? };
        Some(Quiet { until, then: self.then })
    }
}

fn engine(then: AtEnd, spread: u64) -> Engine<Calendar> {
    let zone = Zone::new(60, vec![]).unwrap();
    let nights = QuietHours::new(zone, vec![Span { days: 0x7F, from: 22 * 60, to: 7 * 60 }]).unwrap();
    let mut policy = Policy::default();
    (policy.spread, policy.ack_timeout) = (Duration::from_secs(spread), None);
    let host = Calendar { nights, then };
    Engine::new(host, policy, Limits::default(), Seed::new([3; 16])).unwrap()
}

/// 2023-11-14, hours and minutes in the zone.
fn at(hour: u64, minute: u64) -> UnixTime {
    UnixTime::from_secs(1_699_916_400 + hour * 3600 + minute * 60)
}

fn run(engine: &mut Engine<Calendar>, until: UnixTime) -> Vec<(UnixTime, u32)> {
    let mut sent = Vec::new();
    while let Some(wakeup) = engine.next_wakeup().filter(|wakeup| wakeup.at <= until) {
        engine.handle_timeout(wakeup.at);
        while let Some(output) = engine.poll_output() {
            if let Output::Notify(notify) = output {
                sent.push((wakeup.at, notify.summary.total));
            }
        }
    }
    sent
}

#[test]
fn a_night_is_one_notification_in_the_morning() {
    let mut engine = engine(AtEnd::Merge, 0);
    for (id, hour) in [(1, 22), (2, 23), (3, 24 + 3)] {
        engine.handle_event(Event::new((1, 1), EventId(id), ()), at(hour, 30)).unwrap();
        assert!(run(&mut engine, at(hour, 45)).is_empty());
    }
    assert_eq!(run(&mut engine, at(24 + 12, 0)), [(at(24 + 7, 0), 3)]);
}

#[test]
fn a_thousand_of_them_are_spread() {
    let mut engine = engine(AtEnd::Merge, 600);
    for key in 0..1_000 {
        engine.handle_event(Event::new((key, 1), EventId(key.into()), ()), at(23, 0)).unwrap();
    }
    let sent = run(&mut engine, at(24 + 12, 0));
    assert_eq!(sent.len(), 1_000);
    let (first, last) = (sent[0].0, sent[999].0);
    assert!(first >= at(24 + 7, 0) && last <= at(24 + 7, 10));
    let mut minutes = BTreeMap::new();
    for (when, _) in sent {
        *minutes.entry(when.since(at(24 + 7, 0)).as_secs() / 60).or_insert(0) += 1;
    }
    // Ten minutes of about a hundred each; the seed is fixed, so this is no matter of luck.
    assert!((0..10).all(|minute| minutes.get(&minute).is_some_and(|n| (60..150).contains(n))), "{minutes:?}");
}

#[test]
fn a_class_that_passes_takes_the_others_with_it() {
    let mut engine = engine(AtEnd::Merge, 0);
    engine.handle_event(Event::new((1, 1), EventId(1), ()), at(23, 0)).unwrap();
    assert!(run(&mut engine, at(23, 5)).is_empty());
    engine.handle_event(Event::new((1, 1), EventId(2), ()).with_class(CALLS), at(23, 10)).unwrap();
    assert_eq!(run(&mut engine, at(24, 0)), [(at(23, 10) + Duration::from_secs(30), 2)]);
}

#[test]
fn a_quiet_that_drops_is_accounted_for() {
    let mut engine = engine(AtEnd::Drop, 0);
    engine.handle_event(Event::new((1, 1), EventId(1), ()), at(23, 0)).unwrap();
    assert!(run(&mut engine, at(24 + 12, 0)).is_empty());
    assert_eq!((engine.explain().quiet, engine.explain().sum()), (1, 1));
}

#[test]
fn a_pause_ends_when_it_is_lifted() {
    let mut engine = engine(AtEnd::Merge, 0);
    engine.handle_timeout(at(12, 0));
    engine.set_calendar(true, Rate::UNLIMITED, at(12, 0));
    for conversation in 0..3 {
        let event = Event::new((1, conversation), EventId(conversation.into()), ());
        engine.handle_event(event, at(12, 0)).unwrap();
    }
    assert!(run(&mut engine, at(20, 0)).is_empty());
    assert_eq!(engine.recheck_where(|key| key.0 == 2, Rate::UNLIMITED, at(20, 0)), 0);
    assert_eq!(engine.set_calendar(false, Rate::UNLIMITED, at(20, 0)), 3);
    assert_eq!(run(&mut engine, at(20, 0)), [(at(20, 0), 1); 3]);
}
