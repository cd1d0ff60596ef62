//! Bounded in every dimension, and at rest with nothing left.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "helpers of tests, too, fail by panicking"
)]

mod common;

use std::time::Duration;

use common::*;
use reveille_conversation::event::Role;
use reveille_gateway::admission::Bound;
use reveille_gateway::*;

#[test]
fn a_flood_in_one_conversation_is_one_notification_per_window_and_bounded_memory() {
    let mut drive = Drive::new(gateway());
    let now = drive.now;
    drive.settle([
        event("chat", None, joined("vera", Role::Visitor), now),
        event("chat", None, joined("alan", Role::Primary), now),
    ]);
    let size = |drive: &mut Drive| {
        let mut bytes = Vec::new();
        drive.shard.snapshot(&mut bytes);
        bytes.len()
    };
    for sequence in 1..=100 {
        drive.put([event("chat", Some(&format!("{sequence}")), message("alan", sequence, "hi"), now)]);
    }
    let small = size(&mut drive);
    for sequence in 101..=5_000 {
        drive.put([event("chat", Some(&format!("{sequence}")), message("alan", sequence, "hi"), now)]);
    }
    let gateway = drive.shard.gateway();
    assert_eq!(gateway.counters().of("messages_pending"), 5_000, "counted");
    assert_eq!(gateway.counters().of("trail"), 5_000);
    // Each event leaves its id for an hour, and a line in the trail; nothing else.
    assert!(size(&mut drive) < small + 5_000 * 100, "{} bytes, {small} before", size(&mut drive));
    drive.inputs.clear();
    let outputs = drive.pass(Duration::from_secs(60));
    assert_eq!(sent(&outputs).len(), 2, "one notification, two devices");
    assert_eq!(drive.shard.gateway().open_jobs(), 0);
}

#[test]
fn ten_thousand_stale_rings_after_an_outage_ring_nowhere() {
    let mut drive = Drive::new(gateway());
    let rang = drive.now;
    drive.now = rang + Duration::from_secs(40);
    let mut admission = Admission::new(AdmissionLimits::default());
    let mut sends = 0;
    for call in 0..10_000 {
        let input = event(&format!("call-{call}"), None, offer("alan"), rang);
        admission.admit(input, drive.shard.gateway()).unwrap();
    }
    while !admission.is_empty() {
        assert!(admission.hurries());
        let applied = drive.shard.group(drive.now).fill(&mut admission).seal().committed();
        sends += applied.filter(|(_, output)| matches!(output, Output::LookUp(_) | Output::Send(_))).count();
    }
    assert_eq!(sends, 0);
    assert_eq!(drive.shard.gateway().counters().of("suppressed:late"), 10_000);
    assert_eq!(drive.shard.gateway().open_jobs(), 0);
}

#[test]
fn every_bound_of_admission_is_named() {
    let gateway = gateway();
    let input = |there: &str| event(there, Some("id"), message("alan", 1, "hi"), START);
    let mut size = Vec::new();
    input("a").encode(&mut size);
    let wide = AdmissionLimits::default();
    let cases = [
        (AdmissionLimits { events: 1, ..wide }, Bound::Events),
        (AdmissionLimits { bytes: size.len(), ..wide }, Bound::Bytes),
        (AdmissionLimits { events_of_one: 1, ..wide }, Bound::EventsOfOne),
        (AdmissionLimits { bytes_of_one: size.len(), ..wide }, Bound::BytesOfOne),
    ];
    for (limits, bound) in cases {
        let mut admission = Admission::new(limits);
        admission.admit(input("a"), &gateway).unwrap();
        assert_eq!(admission.admit(input("a"), &gateway).unwrap_err().bound, bound);
        let own = matches!(bound, Bound::EventsOfOne | Bound::BytesOfOne);
        assert_eq!(
            admission.admit(input("b"), &gateway).is_ok(),
            own,
            "another conversation, {}",
            bound.name()
        );
        assert!(admission.admit(Input::Tick, &gateway).is_ok(), "answers are never refused");
        // Credits come back with the group.
        let mut shard = Shard::new(common::gateway());
        drop(shard.group(START).fill(&mut admission).seal().committed());
        assert!(admission.admit(input("a"), &gateway).is_ok());
    }
    let settings = GatewaySettings::default().with_jobs(0, 0);
    let full = Gateway::new(Default::default(), settings, SEED).unwrap();
    let refused = Admission::new(wide).admit(input("a"), &full).unwrap_err();
    insta::assert_snapshot!(refused, @"the bound jobs is reached: 0 wait, at most 0 may");
}

#[test]
fn without_room_for_a_job_the_event_is_explained_and_nothing_stays() {
    let settings =
        GatewaySettings::default().with_jobs(0, 0).with_trail(3).with_event_ids(2, Duration::from_secs(60));
    let mut drive = Drive::new(Gateway::new(Default::default(), settings, SEED).unwrap());
    let applied: Vec<Output> = {
        // As if the log had been written under other settings.
        let mut admission = Admission::new(AdmissionLimits::default());
        let open = gateway();
        admission.admit(event("call", Some("o"), offer("alan"), START), &open).unwrap();
        drive.shard.group(START).fill(&mut admission).seal().committed().map(|(_, output)| output).collect()
    };
    assert!(sent(&applied).is_empty());
    assert!(applied.iter().any(|output| matches!(output, Output::DeadLetter { .. })));
    assert!(applied.iter().any(|output| matches!(output, Output::Note(Note::PushFailed { .. }))));
    let counters = drive.shard.gateway().counters();
    assert_eq!((counters.of("jobs_open"), counters.of("trail") <= 3), (0, true));
}
