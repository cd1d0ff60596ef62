//! Defects of other gateways and libraries, each as a test that they would fail.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // Test helpers.

mod common;

use std::time::Duration;

use common::*;
use reveille_core::{Action, Machine, RetryAfter, RetrySource, Scope, UnixTime};
use reveille_delivery::explain::{LegStatus, Why};
use reveille_delivery::pacer::{
    Alert, CredentialId, Keyed, LaneId, Level, Offer, Pacer, PacerSettings, Rate, ServiceId,
};
use reveille_delivery::retry::{RetryPolicy, Spread};
use reveille_delivery::{
    Class, Delivery, DeliverySettings, DeviceId, Effect, Fate, HeldBy, Input, Job, JobId, Output, Role, Send,
    Verdict, WhenUnsure,
};

/// gorush tries every failed token again, the unregistered ones included, at once and for ever.
#[test]
fn a_dead_token_is_not_tried_again() {
    let mut delivery = delivery();
    let first = send(&submit(&mut delivery, job(1, 1), NOW));
    let died = Some(NOW - Duration::from_secs(60));
    let gone = refused(410, Action::DropTarget { if_registered_before: died });
    let outputs = answer(&mut delivery, &first, gone, NOW);
    assert!(sends(&outputs).is_empty());
    // Signal keeps what PyAPNs2 and others throw away: the time of death, and which registration was meant.
    let effect = Effect::Gone { if_registered_before: died };
    assert!(outputs.contains(&Output::Device { device: device(1), effect, at: NOW }));
    assert!(outputs.contains(&Output::Settled { job: first.job, fate: Fate::Gone }));
    assert_eq!(delivery.next_wakeup(), None);
}

/// ntfy unsubscribes on any transport error and on any answer but 2xx and 429; a 503 or a fault of DNS is enough.
#[test]
fn a_fault_of_the_service_says_nothing_about_the_device() {
    for verdict in [retry(), Verdict::NotSent, Verdict::NoAnswer] {
        let mut delivery = delivery();
        let mut next = Some(send(&submit(&mut delivery, job(1, 1), NOW)));
        let mut now = NOW;
        while let Some(attempt) = next {
            let outputs = answer(&mut delivery, &attempt, verdict.clone(), now);
            assert!(!outputs.iter().any(|output| matches!(output, Output::Device { .. })));
            now = delivery.next_wakeup().map_or(now, |wakeup| wakeup.at.max(now));
            next = sends(&apply(&mut delivery, Input::Tick, now)).first().map(|send| (*send).clone());
        }
        let (_, letter) = delivery.dead_letters().next().unwrap();
        // Synapse gives up after a day and says nothing.
        assert_eq!((letter.fate, letter.tried.len()), (Fate::Exhausted, 3));
        assert!(letter.fate.failed());
    }
}

/// Sygnal reads `Retry-After` with `int()`, so a date raises; the Mattermost proxy comes after 1 s, whatever it says.
#[test]
fn retry_after_holds_as_a_date_too() {
    let now = UnixTime::from_secs(784_111_777);
    let until = RetryAfter::parse("Sun, 06 Nov 1994 08:51:00 GMT").unwrap().resolve(now);
    let mut delivery = delivery();
    let first = send(&submit(&mut delivery, job(1, 1), now));
    let slow = Action::SlowDown { scope: Scope::Credential, until, source: RetrySource::Service };
    answer(&mut delivery, &first, refused(429, slow), now);
    assert_eq!(delivery.next_wakeup().unwrap().at, UnixTime::from_secs(784_111_860));
}

/// Sygnal makes a new apns-id for every attempt (and asks itself in a comment whether it should).
#[test]
fn every_attempt_has_the_same_name() {
    let mut delivery = delivery();
    let first = send(&submit(&mut delivery, job(1, 1), NOW));
    answer(&mut delivery, &first, Verdict::NoAnswer, NOW);
    let later = delivery.next_wakeup().unwrap().at;
    let second = send(&apply(&mut delivery, Input::Tick, later));
    assert_eq!((first.leg, second.leg), (second.leg, first.leg));
    assert_eq!((first.maybe_again, second.maybe_again), (false, true));
    assert_ne!(first.attempt, second.attempt);
}

/// The Mattermost proxy tries again after a time-out: "may cause double notifications".
#[test]
fn what_must_not_come_twice_is_in_the_log_first_and_ends_as_unknown() {
    let sms = || job(1, 1).with_when_unsure(WhenUnsure::GiveUp);
    let (id, phone) = (JobId::from_bits(1), device(1).id);
    let commit = Output::Commit { job: id, device: phone, attempt: 1 };
    for crash in [false, true] {
        let mut delivery = delivery();
        assert_eq!(submit(&mut delivery, sms(), NOW), std::slice::from_ref(&commit));
        if crash {
            // Before it was in the log: nothing was sent, so it is asked for again.
            let recovered = Input::Recovered { spread: Duration::ZERO };
            assert_eq!(apply(&mut delivery, recovered, NOW), std::slice::from_ref(&commit));
        }
        let attempt = Input::Attempt { job: id, device: phone, attempt: 1 };
        let first = send(&apply(&mut delivery, attempt, NOW));
        let outputs = if crash {
            apply(&mut delivery, Input::Recovered { spread: Duration::ZERO }, NOW)
        } else {
            answer(&mut delivery, &first, Verdict::NoAnswer, NOW)
        };
        assert!(outputs.contains(&Output::Settled { job: id, fate: Fate::Unknown }), "{outputs:?}");
    }
    // Where it certainly did not leave, it may be tried again.
    let mut delivery = delivery();
    submit(&mut delivery, sms(), NOW);
    let attempt = Input::Attempt { job: id, device: phone, attempt: 1 };
    let first = send(&apply(&mut delivery, attempt, NOW));
    answer(&mut delivery, &first, Verdict::NotSent, NOW);
    let later = delivery.next_wakeup().unwrap().at.max(NOW);
    let outputs = apply(&mut delivery, Input::Tick, later);
    assert_eq!(outputs, [Output::Commit { job: id, device: phone, attempt: 2 }]);
}

/// backon's jitter is added after the cap: up to twice as long as asked for.
#[test]
fn no_back_off_is_longer_than_its_cap() {
    let cap = Duration::from_secs(8);
    for spread in [Spread::Full, Spread::Equal, Spread::Decorrelated] {
        let policy =
            RetryPolicy::default().with_backoff(Duration::from_secs(1), cap).unwrap().with_spread(spread);
        let mut longest = 0;
        for leg in 0..2_000 {
            let leg = reveille_delivery::LegId::from_bits(leg);
            let mut previous = 0;
            for attempt in 1..12 {
                previous = policy.backoff(3, leg, attempt, previous);
                longest = longest.max(previous);
            }
        }
        assert!((7_900..=8_000).contains(&longest), "{spread:?}: {longest}");
    }
}

/// Nobody looks whether a retry is still of use when it arrives.
#[test]
fn a_retry_after_the_end_of_usefulness_is_not_waited_for() {
    let mut delivery = delivery();
    let ring = job(1, 1).with_not_after(NOW + Duration::from_secs(30));
    let first = send(&submit(&mut delivery, ring, NOW));
    let until = NOW + Duration::from_secs(30);
    let slow = Action::SlowDown { scope: Scope::Target, until, source: RetrySource::Service };
    let outputs = answer(&mut delivery, &first, refused(429, slow), NOW);
    assert!(
        outputs.contains(&Output::Settled { job: first.job, fate: Fate::Expired }),
        "at once: {outputs:?}"
    );
}

#[test]
fn a_newer_generation_takes_the_place_of_what_waits() {
    let mut delivery = delivery();
    let first = send(&submit(&mut delivery, job(1, 1), NOW));
    answer(&mut delivery, &first, retry(), NOW);
    let outputs = submit(&mut delivery, job(2, 2), NOW);
    assert!(outputs.contains(&Output::Settled { job: JobId::from_bits(1), fate: Fate::Superseded }));
    assert_eq!(send(&outputs).job, JobId::from_bits(2));
    // It never goes backwards.
    let outputs = submit(&mut delivery, job(3, 2), NOW);
    assert_eq!(outputs, [Output::Settled { job: JobId::from_bits(3), fate: Fate::Superseded }]);
}

fn cancel(id: u128, generation: u64, except: Option<DeviceId>) -> Job {
    job(id, generation).with_role(Role::Cancel { except })
}

#[test]
fn a_ring_that_never_left_needs_no_cancel_and_a_late_one_does_not_ring() {
    let mut delivery = delivery();
    let outputs = submit(&mut delivery, cancel(1, 2, None), NOW);
    assert_eq!(outputs, [Output::Settled { job: JobId::from_bits(1), fate: Fate::NotNeeded }]);
    let outputs = submit(&mut delivery, job(2, 1), NOW);
    assert_eq!(outputs, [Output::Settled { job: JobId::from_bits(2), fate: Fate::Cancelled }]);
}

#[test]
fn a_cancel_goes_to_whom_was_rung_but_not_to_who_answered() {
    let mut delivery = delivery();
    let ring = job(1, 1).with_devices([device(1), device(2), device(3)]);
    let outputs = submit(&mut delivery, ring, NOW);
    let rung: Vec<Send> = sends(&outputs).into_iter().cloned().collect();
    answer(&mut delivery, &rung[0], Verdict::Accepted { status: 200 }, NOW);
    answer(&mut delivery, &rung[1], Verdict::Accepted { status: 200 }, NOW);
    answer(&mut delivery, &rung[2], refused(410, Action::DropTarget { if_registered_before: None }), NOW);
    let outputs = submit(&mut delivery, cancel(2, 2, Some(device(2).id)), NOW);
    assert_eq!(send(&outputs).device, device(1));
}

#[test]
fn a_cancel_waits_for_a_ring_on_the_wire_but_not_for_long() {
    // Its fate becomes known: it never left, so no cancel is needed.
    let mut delivery = delivery();
    let ring = send(&submit(&mut delivery, job(1, 1), NOW));
    let outputs = submit(&mut delivery, cancel(2, 2, None), NOW);
    assert_eq!(outputs, [Output::Withdraw { job: ring.job, device: ring.device.id }]);
    let outputs = answer(&mut delivery, &ring, Verdict::NotSent, NOW);
    assert!(outputs.contains(&Output::Settled { job: JobId::from_bits(1), fate: Fate::Cancelled }));
    assert!(outputs.contains(&Output::Settled { job: JobId::from_bits(2), fate: Fate::NotNeeded }));
    // It arrived: the cancel follows.
    let mut delivery = self::delivery();
    let ring = send(&submit(&mut delivery, job(1, 1), NOW));
    submit(&mut delivery, cancel(2, 2, None), NOW);
    let outputs = answer(&mut delivery, &ring, Verdict::Accepted { status: 200 }, NOW);
    assert_eq!(send(&outputs).job, JobId::from_bits(2));
    // Nobody knows: after two seconds it goes.
    let mut delivery = self::delivery();
    submit(&mut delivery, job(1, 1), NOW);
    submit(&mut delivery, cancel(2, 2, None), NOW);
    let wakeup = delivery.next_wakeup().unwrap().at;
    assert_eq!(wakeup, NOW + Duration::from_secs(2));
    assert_eq!(send(&apply(&mut delivery, Input::Tick, wakeup)).job, JobId::from_bits(2));
}

#[test]
fn a_late_tick_lets_nothing_go_that_has_expired_meanwhile() {
    let mut delivery = delivery();
    let at = |millis| NOW + Duration::from_millis(millis);
    submit(&mut delivery, job(1, 1), NOW);
    submit(&mut delivery, job(2, 2).with_not_after(at(301_000)), at(299_500));
    // The first one's lease ended at 300 s and would free the wire for the second, which is of no more use by now.
    let outputs = apply(&mut delivery, Input::Tick, at(310_000));
    assert!(sends(&outputs).is_empty(), "{outputs:?}");
    assert!(outputs.contains(&Output::Settled { job: JobId::from_bits(2), fate: Fate::Expired }));
}

#[test]
fn what_is_held_back_costs_no_attempt() {
    let mut delivery = delivery();
    let mut attempt = send(&submit(&mut delivery, job(1, 1), NOW));
    let mut now = NOW;
    for _ in 0..50 {
        let (job, device) = (attempt.job, Some(attempt.device.id));
        let until = now + Duration::from_secs(5);
        apply(&mut delivery, Input::Deferred { job, device, until, by: HeldBy::Breaker }, now);
        let explained = delivery.explain(job).unwrap();
        assert_eq!(
            explained.legs[0].status,
            LegStatus::Waiting { until, why: Why::Held { by: HeldBy::Breaker } }
        );
        attempt = send(&apply(&mut delivery, Input::Tick, until));
        assert_eq!(attempt.attempt, 1);
        now = until;
    }
}

#[test]
fn a_clock_that_is_set_moves_back_offs_and_no_promises() {
    let wait = |source, step: i64| {
        let mut delivery = delivery();
        let first = send(&submit(&mut delivery, job(1, 1), NOW));
        let until = NOW + Duration::from_secs(100);
        answer(&mut delivery, &first, refused(503, Action::Retry { not_before: until, source }), NOW);
        let before = delivery.next_wakeup().unwrap().at;
        let is = UnixTime::from_millis(NOW.as_millis().saturating_add_signed(step));
        apply(&mut delivery, Input::ClockStep { was: NOW, is }, is);
        let after = delivery.next_wakeup().unwrap().at;
        after.as_millis() as i64 - before.as_millis() as i64
    };
    assert_eq!(wait(RetrySource::Guess, -3_600_000), -3_600_000);
    assert_eq!(wait(RetrySource::Guess, 50), 50);
    assert_eq!(wait(RetrySource::Service, -3_600_000), 0);
}

#[test]
fn fcms_rules_are_settings() {
    let fcm = RetryPolicy::FCM.with_attempts(200).unwrap();
    let settings = DeliverySettings::default().with_policy(Class(2), fcm);
    let mut delivery = Delivery::new(settings, 1);
    let mut next =
        Some(send(&submit(&mut delivery, job(1, 1).with_devices([device(1).with_class(Class(2))]), NOW)));
    let (mut now, mut attempts) = (NOW, 0);
    while let Some(attempt) = next {
        attempts += 1;
        answer(&mut delivery, &attempt, retry(), now);
        let Some(wakeup) = delivery.next_wakeup() else { break };
        assert!(wakeup.at >= now + Duration::from_secs(10));
        let into = wakeup.at.as_secs() % 900;
        assert!((60..=840).contains(&into), "{into}");
        now = wakeup.at;
        next = sends(&apply(&mut delivery, Input::Tick, now)).first().map(|send| (*send).clone());
    }
    assert!(now <= NOW + Duration::from_secs(3_600) && attempts > 5, "{attempts} until {now}");
}

fn offer(number: u64) -> Offer<u64> {
    let mut delivery = delivery();
    let mut job = job(number.into(), 1).with_devices([device(number.into())]);
    job.content = number.to_be_bytes().to_vec().into();
    let send = send(&submit(&mut delivery, job, NOW));
    Offer::new(&send, LaneId::from_bits(1), ServiceId(1), CredentialId::from_bits(1), number)
}

/// jaylfc/taOS 2801, and June 2024: one wrong credential, or one bad day of a service, says "dead" about every target.
#[test]
fn one_bad_credential_does_not_prune_a_whole_registry() {
    let settings = PacerSettings::default().with_lane(
        ServiceId(1),
        reveille_delivery::pacer::LaneSettings::default().with_ramp(Duration::ZERO).unwrap(),
    );
    let mut pacer = Pacer::new(settings, 1);
    let (mut dropped, mut alerts) = (0, Vec::new());
    for number in 0..1_000 {
        let now = NOW + Duration::from_millis(number * 10);
        pacer.offer(offer(number), now).unwrap();
        let leave = pacer.next(now).unwrap();
        let gone = refused(410, Action::DropTarget { if_registered_before: None });
        let judged = pacer.report(leave.ticket, gone, now);
        let Verdict::Refused { action, .. } = judged.verdict else { panic!("it was refused") };
        dropped += u32::from(matches!(action, Action::DropTarget { .. }));
        alerts.extend(std::iter::from_fn(|| pacer.poll_alert()));
    }
    assert_eq!(dropped, 19);
    let [Alert::PruningStopped { .. }] = alerts[..] else { panic!("{alerts:?}") };
}

/// A message that every service calls wrong is not the fault of the devices it was for.
#[test]
fn the_same_400_for_many_targets_is_the_messages_fault() {
    let mut pacer = Pacer::new(PacerSettings::default(), 1);
    let mut actions = Vec::new();
    for number in 0..6 {
        let mut same = offer(number);
        same.digest = offer(0).digest;
        let now = NOW + Duration::from_secs(number);
        match pacer.offer(same, now) {
            Ok(()) => {
                let leave = pacer.next(now).unwrap();
                let judged = pacer.report(leave.ticket, refused(400, Action::SuspectTarget), now);
                let Verdict::Refused { action, .. } = judged.verdict else { panic!("it was refused") };
                actions.push(action);
            }
            Err(held) => assert_eq!((held.by, number), (HeldBy::Poison, 5)),
        }
    }
    assert_eq!(actions.last(), Some(&Action::FixRequest { field: None }));
    assert!(matches!(pacer.poll_alert(), Some(Alert::Poison { .. })));
    assert!(pacer.poll_alert().is_none());
}

/// A 401 or 403 about the credential is neither a dead token nor a sick service.
#[test]
fn a_bad_credential_pauses_what_uses_it_and_nothing_else() {
    let mut pacer = Pacer::new(PacerSettings::default(), 1);
    pacer.offer(offer(1), NOW).unwrap();
    let leave = pacer.next(NOW).unwrap();
    let bad = refused(403, Action::FixCredential { scope: Scope::Credential });
    pacer.report(leave.ticket, bad, NOW);
    let Some(Alert::CredentialBad { until, .. }) = pacer.poll_alert() else { panic!("no alert") };
    assert_eq!(pacer.offer(offer(2), NOW).unwrap_err().by, HeldBy::Credential);
    let mut other = offer(3);
    other.credential = CredentialId::from_bits(2);
    pacer.offer(other, NOW).unwrap();
    assert!(pacer.next(NOW + Duration::from_secs(1)).is_some());
    // One probe; while it is under way nothing else; when it goes well, all is well.
    pacer.offer(offer(4), until).unwrap();
    let probe = pacer.next(until).unwrap();
    pacer.offer(offer(5), until).unwrap();
    assert!(pacer.next(until).is_none());
    assert_eq!(pacer.poll_held().unwrap().by, HeldBy::Credential);
    pacer.report(probe.ticket, Verdict::Accepted { status: 200 }, until);
    assert!(matches!(pacer.poll_alert(), Some(Alert::CredentialWell { .. })));
    assert!(pacer.offer(offer(5), until).is_ok());
}

/// governor #107 (fixed in 0.8): one more than the burst was let through.
#[test]
fn a_burst_is_as_long_as_it_says() {
    for burst in 1..40 {
        let rate = Rate::new(7, Duration::from_secs(60), burst).unwrap();
        let (mut level, mut keyed) = (Level::EMPTY, Keyed::new(rate, 8, 1).unwrap());
        let count = |mut take: Box<dyn FnMut() -> bool + '_>| (0..100).filter(|_| take()).count();
        assert_eq!(count(Box::new(|| level.take(&rate, NOW).is_ok())), burst as usize);
        assert_eq!(count(Box::new(|| keyed.take(5, NOW).is_ok())), burst as usize);
    }
}

/// The Mattermost proxy comes back after 1 or 2 s where FCM asks for 60, ntfy locks everybody out for 10 min for one quota.
#[test]
fn a_quota_pauses_as_long_as_asked_and_nobody_else() {
    let mut pacer = Pacer::new(PacerSettings::default(), 1);
    pacer.offer(offer(1), NOW).unwrap();
    let leave = pacer.next(NOW).unwrap();
    let until = NOW + Duration::from_secs(60);
    let slow = Action::SlowDown { scope: Scope::Credential, until, source: RetrySource::Service };
    pacer.report(leave.ticket, refused(429, slow), NOW);
    let held = pacer.offer(offer(2), NOW + Duration::from_secs(2)).unwrap_err();
    assert_eq!((held.by, held.until), (HeldBy::SlowDown, until));
    let mut other = offer(3);
    other.credential = CredentialId::from_bits(2);
    pacer.offer(other, NOW + Duration::from_secs(2)).unwrap();
    assert!(pacer.next(NOW + Duration::from_secs(2)).is_some());
    pacer.offer(offer(2), until).unwrap();
    assert!(pacer.next(until).is_some());
}
