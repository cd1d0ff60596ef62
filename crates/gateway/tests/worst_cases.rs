//! The worst days: an audience, a conversation that does not end, and a service that loses its mind. The fourth, stale rings after
//! an outage, is in `bounds.rs`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests, too, fail by panicking")]

mod common;

use std::time::Duration;

use common::{Drive, answer, event, gateway, joined, message, offer, sent};
use reveille_conversation::Kind;
use reveille_conversation::event::Role;
use reveille_core::Action;
use reveille_delivery::pacer::{
    Alert, CredentialId, LaneId, LaneSettings, Offer, Pacer, PacerSettings, Rate, ServiceId,
};
use reveille_delivery::{Effect, Verdict};
use reveille_gateway::admission::Bound;
use reveille_gateway::explain::Followed;
use reveille_gateway::*;

/// Everything that waits is committed and answered, group by group.
fn drain(drive: &mut Drive) -> Vec<Output> {
    let mut all = Vec::new();
    while !drive.admission.is_empty() {
        all.extend(drive.settle([]));
    }
    all
}

/// An announcement is one conversation for each of its audience, written to the log in pages. Between two pages everybody
/// else has their turn: a call rings with the next group.
#[test]
fn an_audience_waits_for_nobody_and_nobody_for_it() {
    let mut drive = Drive::new(gateway());
    let now = drive.now;
    let (mut told, mut page) = (0, 0);
    for first in (0..20_000).step_by(500) {
        page += 1;
        let inputs = (first..first + 500).flat_map(|one| {
            let there = format!("news-{one}");
            [
                event(&there, None, joined(&format!("reader-{one}"), Role::Visitor), now),
                event(&there, None, message("editor", 1, "news"), now),
            ]
        });
        for input in inputs {
            drive.admission.admit(input, drive.shard.gateway()).unwrap();
        }
        let ring = (page == 20).then(|| event("call", Some("ring"), offer("alan"), now));
        let rings = ring.is_some();
        let outputs = drive.put(ring);
        // The page is in this group, and the call in this or the next one.
        let outputs: Vec<Output> = outputs.into_iter().chain(drive.put([])).collect();
        let asked = |output: &Output| matches!(output, Output::LookUp(LookUp::Devices(to)) if to.kind == Kind::IncomingCall);
        assert_eq!(outputs.iter().any(asked), rings, "page {page}");
        let answers: Vec<_> = outputs.iter().filter_map(answer).collect();
        drive.settle(answers);
        drain(&mut drive);
    }
    // A7: they wait for more, and are told.
    let mut outputs = drive.pass(Duration::from_secs(60));
    outputs.extend(drain(&mut drive));
    outputs.extend(drive.pass(Duration::from_secs(60)));
    outputs.extend(drain(&mut drive));
    for output in outputs {
        told += usize::from(matches!(&output, Output::Send(job) if job.content.kind() == Kind::NewMessage));
    }
    // Two devices each.
    assert_eq!(told, 40_000);
    assert_eq!(drive.shard.gateway().open_jobs(), 0);
}

/// A hundred thousand messages in one conversation: one number grows, nothing else does, and every one is accounted for.
#[test]
fn a_conversation_without_end() {
    let mut drive = Drive::new(gateway());
    let now = drive.now;
    drive.settle([
        event("chat", None, joined("vera", Role::Visitor), now),
        event("chat", None, joined("alan", Role::Primary), now),
    ]);
    let mut told = 0;
    let mut largest = 0;
    // A debug build takes a minute for all of them.
    let all = if cfg!(debug_assertions) { 20_000 } else { 100_000_u64 };
    for first in (1..=all).step_by(500) {
        let now = drive.now;
        let messages = (first..first + 500)
            .map(|number| event("chat", Some(&format!("m{number}")), message("alan", number, "hello"), now));
        let mut outputs = drive.settle(messages);
        outputs.extend(drive.pass(Duration::from_secs(1)));
        told += sent(&outputs).len();
        if first % 20_000 == 1 {
            let mut snapshot = Vec::new();
            drive.shard.snapshot(&mut snapshot);
            largest = largest.max(snapshot.len());
        }
        // Only the test's own copies grow.
        drive.inputs.clear();
        drive.outputs.clear();
        drive.log.clear();
    }
    told += sent(&drive.pass(Duration::from_secs(120))).len();
    assert!(told < 40, "two devices, and a notification at most every half minute: {told}");
    let counters = drive.shard.gateway().counters();
    assert_eq!(counters.of("messages_collected"), all);
    assert_eq!(counters.of("messages_notified"), all, "{counters:?}");
    assert_eq!((counters.of("conversations"), counters.of("digest_keys")), (1, 1));
    let gateway = drive.shard.gateway();
    assert_eq!(gateway.unread(&"chat".parse().unwrap(), &"vera".parse().unwrap()) as u64, all);
    // Ids of events and the trail are bounded by settings, and fill up.
    assert!(counters.of("trail") <= 16_384 && largest < 16 << 20, "{largest} bytes, {counters:?}");
    let followed = gateway.followed(SourceId(1), &format!("m{all}").parse().unwrap());
    assert!(matches!(followed.as_slice(), [Followed::Told { .. }]), "{followed:?}");
}

/// What one conversation may have waiting is bounded, and others are not refused with it.
#[test]
fn one_conversation_does_not_fill_the_queue() {
    let mut drive = Drive::new(gateway());
    let now = drive.now;
    let refused = (1..).find_map(|number| {
        drive
            .admission
            .admit(event("chat", None, message("alan", number, "x"), now), drive.shard.gateway())
            .err()
    });
    assert_eq!(refused.unwrap().bound, Bound::EventsOfOne);
    drive.admission.admit(event("other", None, message("alan", 1, "x"), now), drive.shard.gateway()).unwrap();
}

/// A service says "410" about everybody, for a minute: a few tokens are dropped, then nobody is believed.
#[test]
fn a_minute_of_410() {
    let mut drive = Drive::new(gateway());
    let lane = LaneSettings::default().with_rate(Rate::new(10_000, Duration::from_secs(1), 10_000).unwrap());
    let lane = lane.with_ramp(Duration::ZERO);
    let mut pacer = Pacer::<Job>::new(PacerSettings::default().with_lane(ServiceId(1), lane.unwrap()), 7);
    let now = drive.now;
    let offers: Vec<_> = (0..500)
        .map(|one| event(&format!("call-{one}"), None, offer(&format!("agent-{one}")), now))
        .collect();
    let mut outputs = drive.put(offers);
    let (mut gone, mut suspected, mut refused) = (0, 0, 0);
    for _ in 0..200 {
        let mut inputs = Vec::new();
        for output in outputs.drain(..) {
            match output {
                Output::Device { effect: Effect::Gone { .. }, .. } => gone += 1,
                Output::Device { effect: Effect::Suspect, .. } => suspected += 1,
                Output::Send(job) => {
                    let (lane, service, key) =
                        (LaneId::from_bits(1), ServiceId(1), CredentialId::from_bits(1));
                    let mut offer = Offer::of_leg(job.leg, lane, service, key, (*job).clone());
                    offer.device = job.target.id().to_bits() as u64;
                    if let Err(held) = pacer.offer(offer, drive.now) {
                        inputs.push(Deferred::attempt(&held.content, held.until, held.by).into());
                    }
                }
                other => inputs.extend(answer(&other)),
            }
        }
        while let Some(leave) = pacer.next(drive.now) {
            refused += 1;
            let action = Action::DropTarget { if_registered_before: None };
            let verdict = Verdict::Refused { status: 410, reason: None, action };
            let judged = pacer.report(leave.ticket, verdict, drive.now);
            inputs.push(Outcome::of(&leave.content, judged.verdict).into());
        }
        while let Some(held) = pacer.poll_held() {
            inputs.push(Deferred::attempt(&held.content, held.until, held.by).into());
        }
        if inputs.is_empty() {
            drive.now += Duration::from_secs(1);
            inputs.push(Input::Tick);
        }
        outputs = drive.put(inputs);
    }
    let alert =
        std::iter::from_fn(|| pacer.poll_alert()).any(|alert| matches!(alert, Alert::PruningStopped { .. }));
    assert!(alert && refused >= 100, "{refused} refused");
    assert!(gone <= 25 && suspected > 50, "{gone} gone, {suspected} suspected");
}
