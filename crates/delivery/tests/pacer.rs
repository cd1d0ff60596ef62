//! The pacer, against what every sequence of calls must keep.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // Test helpers.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;
use reveille_core::Machine;
use reveille_core::{Action, RetrySource, Scope, UnixTime};
use reveille_delivery::pacer::{
    Breaker, BreakerSettings, ConnectionId, CredentialId, LaneId, LaneSettings, Leave, Offer, Pacer,
    PacerSettings, PruneBreaker, Pruning, Rate, ServiceId,
};
use reveille_delivery::{
    Delivery, DeliverySettings, Device, DeviceId, HeldBy, Input, Job, JobId, LegId, Output, PayloadDigest,
    Priority, RecipientId, Send, SlotId, Verdict,
};

const START: UnixTime = UnixTime::from_secs(1_800_000_000);
const SERVICE: ServiceId = ServiceId(1);
const KEY: CredentialId = CredentialId::from_bits(1);

fn at(millis: u64) -> UnixTime {
    START + Duration::from_millis(millis)
}

fn send(number: u64, recipient: u64, priority: Priority) -> Send {
    let mut delivery = Delivery::new(DeliverySettings::default(), 1);
    let job = Job::new(
        JobId::from_bits(number.into()),
        RecipientId::from_bits(recipient.into()),
        SlotId::from_bits(number.into()),
        1,
        number.to_be_bytes().to_vec(),
    );
    let job = job.with_priority(priority).with_devices([Device::new(DeviceId::from_bits(number.into()), 1)]);
    let outputs: Vec<_> = delivery.apply(Input::Submit { job: job.into() }, START).collect();
    let [Output::Send(send)] = outputs.as_slice() else { panic!("{outputs:?}") };
    send.clone()
}

fn offer(number: u64, lane: u64) -> Offer<u64> {
    Offer::new(&send(number, number, Priority::Normal), LaneId::from_bits(lane), SERVICE, KEY, number)
}

fn steady(rate: Rate) -> LaneSettings {
    LaneSettings::default().with_rate(rate).with_ramp(Duration::ZERO).unwrap()
}

fn pacer(lane: LaneSettings) -> Pacer<u64> {
    Pacer::new(PacerSettings::default().with_lane(SERVICE, lane), 3)
}

fn drain(pacer: &mut Pacer<u64>, now: UnixTime) -> Vec<Leave<u64>> {
    std::iter::from_fn(|| pacer.next(now)).collect()
}

const OK: Verdict = Verdict::Accepted { status: 200 };

/// How long requests wait for their turn, how long the service takes, how it answers, and what goes back.
#[test]
fn everything_is_counted() {
    let mut pacer = pacer(steady(Rate::new(1, Duration::from_secs(1), 1).unwrap()));
    for number in 0..3 {
        pacer.offer(offer(number, 7), at(0)).unwrap();
    }
    for second in 0..3 {
        let leave = drain(&mut pacer, at(second * 1_000)).pop().unwrap();
        let verdict = if second == 2 { Verdict::NoAnswer } else { OK };
        pacer.report(leave.ticket, verdict, at(second * 1_000 + 30));
    }
    let mut late = offer(9, 7);
    late.not_after = at(3_000);
    pacer.offer(late, at(2_500)).unwrap();
    assert!(drain(&mut pacer, at(3_500)).is_empty() && pacer.poll_held().is_some());
    let counters = pacer.counters();
    let histogram = |name: &str| counters.histogram(name).map(|one| (one.count(), one.sum(), one.largest()));
    assert_eq!(histogram("waited_ms:1"), Some((3, 3_000, 2_000)));
    assert_eq!(histogram("attempt_ms:1"), Some((3, 90, 30)));
    let names = ["verdicts:1/accepted", "verdicts:1/no_answer", "held:rate", "waiting", "in_flight", "lanes"];
    assert_eq!(names.map(|name| counters.of(name)), [2, 1, 1, 0, 0, 1]);
}

#[test]
fn a_lane_with_much_does_not_hold_up_one_with_little() {
    let mut pacer = pacer(LaneSettings::default().with_ramp(Duration::ZERO).unwrap());
    for number in 0..1_000 {
        pacer.offer(offer(number, 1), START).unwrap();
    }
    pacer.offer(offer(5_000, 2), START).unwrap();
    let first_two: Vec<_> = [pacer.next(START), pacer.next(START)].into_iter().flatten().collect();
    assert!(first_two.iter().any(|leave| leave.content == 5_000));
}

#[test]
fn what_hurries_goes_first_and_what_does_not_is_not_starved() {
    let mut pacer = pacer(LaneSettings::default().with_ramp(Duration::ZERO).unwrap());
    for number in 0..200 {
        let priority = if number < 100 { Priority::Low } else { Priority::Urgent };
        let send = send(number, number, priority);
        pacer.offer(Offer::new(&send, LaneId::from_bits(1), SERVICE, KEY, number), START).unwrap();
    }
    let order: Vec<_> = drain(&mut pacer, START).into_iter().map(|leave| leave.content).collect();
    assert_eq!(order.len(), 200);
    let low_among_first = order[..100].iter().filter(|number| **number < 100).count();
    assert!((1..10).contains(&low_among_first), "{low_among_first}");
}

#[test]
fn after_silence_the_rate_climbs() {
    // FCM asks for at least 60 s.
    let rate = Rate::new(100, Duration::from_secs(1), 1).unwrap();
    let mut pacer = pacer(LaneSettings::default().with_rate(rate));
    let mut left = Vec::new();
    for number in 0..6_000 {
        pacer.offer(offer(number, 1), START).unwrap();
    }
    for second in 0..70_u64 {
        let mut count = 0;
        for millis in 0..1_000 {
            for leave in drain(&mut pacer, at(second * 1_000 + millis)) {
                pacer.report(leave.ticket, OK, at(second * 1_000 + millis));
                count += 1;
            }
        }
        left.push(count);
    }
    assert!((9..=12).contains(&left[0]), "a tenth at first: {left:?}");
    assert!(left[35] < 70 && left[61] >= 99, "{left:?}");
    assert!(left.is_sorted() || left.windows(2).all(|pair| pair[0] <= pair[1] + 2), "{left:?}");
}

#[test]
fn streams_are_a_bound_and_an_answer_makes_room() {
    let mut pacer = pacer(LaneSettings::default().with_ramp(Duration::ZERO).unwrap());
    let lane = LaneId::from_bits(1);
    pacer.connection_open(lane, SERVICE, ConnectionId::from_bits(1), 2, START);
    for number in 0..5 {
        pacer.offer(offer(number, 1), START).unwrap();
    }
    let mut under_way = drain(&mut pacer, START);
    assert_eq!(under_way.len(), 2);
    assert!(pacer.next_wakeup().is_none_or(|wakeup| wakeup.at > START));
    let done = under_way.pop().unwrap();
    pacer.report(done.ticket, OK, START);
    assert_eq!(drain(&mut pacer, START).len(), 1);
    // A connection that is spoilt takes no more.
    let spoilt = Verdict::Refused { status: 400, reason: None, action: Action::Reconnect };
    pacer.report(under_way.pop().unwrap().ticket, spoilt, START);
    assert_eq!(drain(&mut pacer, START).len(), 0);
    pacer.connection_open(lane, SERVICE, ConnectionId::from_bits(2), 10, START);
    assert_eq!(drain(&mut pacer, START).len(), 2);
}

#[test]
fn what_a_service_asked_for_is_kept_to_by_scope() {
    let until = at(60_000);
    let slow = |scope| Verdict::Refused {
        status: 429,
        reason: None,
        action: Action::SlowDown { scope, until, source: RetrySource::Service },
    };
    for (scope, same_device, same_key, other_key) in [
        (Scope::Target, false, true, true),
        (Scope::Credential, false, false, true),
        (Scope::Service, false, false, false),
    ] {
        let mut pacer = pacer(LaneSettings::default());
        pacer.offer(offer(1, 1), START).unwrap();
        let leave = pacer.next(START).unwrap();
        pacer.report(leave.ticket, slow(scope), START);
        let mut to_same = offer(2, 1);
        to_same.device = offer(1, 1).device;
        let mut with_other = offer(4, 1);
        with_other.credential = CredentialId::from_bits(2);
        for (offer, passes) in [(to_same, same_device), (offer(3, 1), same_key), (with_other, other_key)] {
            let offered = pacer.offer(offer, START);
            assert_eq!(offered.is_ok(), passes, "{scope:?}");
            if let Err(held) = offered {
                assert_eq!((held.until, held.by), (until, HeldBy::SlowDown));
            }
        }
    }
}

#[test]
fn an_open_breaker_gives_back_what_waits() {
    let mut pacer = pacer(LaneSettings::default().with_ramp(Duration::ZERO).unwrap());
    for number in 0..30 {
        pacer.offer(offer(number, 1), START).unwrap();
    }
    for _ in 0..20 {
        let leave = pacer.next(START).unwrap();
        pacer.report(leave.ticket, Verdict::NoAnswer, START);
    }
    assert!(pacer.poll_alert().is_some());
    assert!(pacer.next(START).is_none());
    let held: Vec<_> = std::iter::from_fn(|| pacer.poll_held()).collect();
    assert_eq!((held.len(), pacer.len()), (10, 0));
    assert!(held.iter().all(|held| held.by == HeldBy::Breaker && held.until > START));
}

/// What is offered while it is open goes back at once: until its end nobody looks into the lane, and a delivery would take
/// what waits there for lost.
#[test]
fn an_open_breaker_takes_nothing_in() {
    let mut pacer = pacer(LaneSettings::default().with_ramp(Duration::ZERO).unwrap());
    for number in 0..20 {
        pacer.offer(offer(number, 1), START).unwrap();
        let leave = pacer.next(START).unwrap();
        pacer.report(leave.ticket, Verdict::NoAnswer, START);
    }
    assert!(pacer.next(START).is_none());
    let held = pacer.offer(offer(20, 1), at(1)).unwrap_err();
    assert_eq!((held.by, pacer.len()), (HeldBy::Breaker, 0));
    pacer.offer(offer(20, 2), at(1)).unwrap();
    assert!(pacer.next(at(1)).is_some(), "another lane");
    // Shortly before its end it is worth waiting, and three probes leave.
    let shortly = UnixTime::from_millis(held.until.as_millis() - 1_000);
    for number in 30..34 {
        pacer.offer(offer(number, 1), shortly).unwrap();
    }
    assert!(pacer.next(shortly).is_none() && pacer.poll_held().is_none());
    let probes = drain(&mut pacer, held.until);
    assert_eq!((probes.len(), pacer.len()), (3, 1), "what found no place among them waits for their answers");
    pacer.offer(offer(40, 1), held.until).unwrap();
    let soon = held.until + Duration::from_millis(50);
    probes.into_iter().for_each(|probe| drop(pacer.report(probe.ticket, OK, soon)));
    assert_eq!((drain(&mut pacer, soon).len(), pacer.len()), (2, 0));
    assert!(pacer.poll_held().is_none());
}

/// Probes that fail, or never come back, send home what has waited for them.
#[test]
fn what_waits_for_probes_goes_back_when_they_fail() {
    for silent in [false, true] {
        let mut pacer = pacer(LaneSettings::default().with_ramp(Duration::ZERO).unwrap());
        for number in 0..20 {
            pacer.offer(offer(number, 1), START).unwrap();
            let leave = pacer.next(START).unwrap();
            pacer.report(leave.ticket, Verdict::NoAnswer, START);
        }
        let opened = pacer.offer(offer(20, 1), START).unwrap_err().until;
        let mut now = opened;
        for number in 30..35 {
            pacer.offer(offer(number, 1), now).unwrap();
        }
        let probes = drain(&mut pacer, now);
        assert_eq!((probes.len(), pacer.len()), (3, 2));
        if silent {
            now = pacer.next_wakeup().unwrap().at;
        } else {
            probes.into_iter().for_each(|probe| drop(pacer.report(probe.ticket, Verdict::NoAnswer, now)));
        }
        assert!(pacer.next(now).is_none());
        let held: Vec<_> = std::iter::from_fn(|| pacer.poll_held()).collect();
        assert_eq!((held.len(), pacer.len()), (2, 0));
        assert!(held.iter().all(|held| held.by == HeldBy::Breaker && held.until > now));
        assert!(now <= opened + Duration::from_secs(2), "a delivery would take them for lost");
    }
}

/// A credential that one request tries again: the others are not sent home for as long as its answer may take.
#[test]
fn a_credential_that_is_tried_again_is_asked_for_soon() {
    let mut pacer = pacer(LaneSettings::default().with_ramp(Duration::ZERO).unwrap());
    pacer.offer(offer(0, 1), START).unwrap();
    let leave = pacer.next(START).unwrap();
    let action = Action::FixCredential { scope: Scope::Credential };
    pacer.report(leave.ticket, Verdict::Refused { status: 403, reason: None, action }, START);
    let open_until = pacer.offer(offer(1, 1), START).unwrap_err().until;
    (2..4).for_each(|number| pacer.offer(offer(number, 1), open_until).unwrap());
    let probe = pacer.next(open_until).unwrap();
    assert!(pacer.next(open_until).is_none());
    let held = pacer.poll_held().unwrap();
    assert!(held.by == HeldBy::Credential && held.until <= open_until + Duration::from_secs(1), "{held:?}");
    pacer.report(probe.ticket, OK, open_until);
    pacer.offer(offer(4, 1), open_until).unwrap();
    assert!(pacer.next(open_until).is_some());
}

/// Whatever was stopped while the clock was ahead, by more than a moment and less than anything lasts, goes on when it is put
/// right.
#[test]
fn what_a_clock_ahead_has_stopped_goes_on_when_it_is_right() {
    let slow = |scope| move |until| Action::SlowDown { scope, until, source: RetrySource::Service };
    let (service, credential, platform, target) =
        (slow(Scope::Service), slow(Scope::Credential), slow(Scope::Platform), slow(Scope::Target));
    let stops: [&dyn Fn(UnixTime) -> Action; 6] = [
        &service,
        &credential,
        &platform,
        &target,
        &|_| Action::FixCredential { scope: Scope::Credential },
        &|_| Action::FixRequest { field: None },
    ];
    for (number, stop) in stops.into_iter().enumerate() {
        for ahead in [2, 20, 200, 2_000] {
            let (mut pacer, wrong) = (pacer(LaneSettings::default()), START + Duration::from_secs(ahead));
            for device in 1..=5 {
                let mut offer = offer(device, 1);
                offer.digest = PayloadDigest::from_bits(1);
                pacer.offer(offer, wrong).unwrap();
                let leave = pacer.next(wrong).unwrap();
                let action = stop(wrong + Duration::from_secs(600));
                let refused = Verdict::Refused { status: 400, reason: None, action };
                pacer.report(leave.ticket, if device == 5 || number == 5 { refused } else { OK }, wrong);
            }
            let again = || {
                let mut offer = offer(5, 1);
                offer.digest = PayloadDigest::from_bits(1);
                offer
            };
            assert!(pacer.offer(again(), wrong).is_err(), "stop {number} stops nothing");
            pacer.offer(again(), START).unwrap();
            assert!(pacer.next(START).is_some(), "stop {number}, {ahead} s ahead");
        }
    }
    for ahead in [2, 20, 200] {
        let wrong = START + Duration::from_secs(ahead);
        let (mut breaker, mut prune) =
            (Breaker::new(BreakerSettings::default(), 1), PruneBreaker::new(100, 3, ALL_DAY).unwrap());
        // The eighth time it opens for minutes.
        let mut until = breaker.trip(wrong);
        for _ in 0..7 {
            let probe = breaker.admit(until).unwrap();
            breaker.record(probe, false, Duration::ZERO, until);
            until = breaker.trip(until);
        }
        assert!(breaker.peek(wrong).is_ok(), "the clock is as it was {} s ago", until.since(wrong).as_secs());
        let stopped = (0..5).map(|_| prune.dead(wrong)).last();
        assert_ne!(stopped, Some(Pruning::Allowed));
        (0..100).for_each(|_| prune.well(START));
        assert_eq!(prune.dead(START), Pruning::Allowed);
    }
}

const ALL_DAY: Duration = Duration::from_secs(86_400);

/// A clock that goes back by a moment, as clocks do that are kept right, opens nothing and closes nothing.
#[test]
fn a_clock_that_goes_back_by_a_moment_has_not_been_set() {
    let moment = Duration::from_millis(900);
    let mut breaker = Breaker::new(BreakerSettings::default(), 1);
    let until = breaker.trip(START);
    assert_eq!(breaker.peek(START - moment), Err(until));
    let probes: Vec<_> = (0..3).map(|_| breaker.admit(until).unwrap()).collect();
    assert_eq!(
        breaker.admit(until - moment),
        Err(until + Duration::from_secs(30)),
        "the probes are under way"
    );
    for probe in probes {
        breaker.record(probe, true, Duration::ZERO, until - moment);
    }
    assert!((0..10).all(|_| breaker.admit(until - moment).is_ok()));
}

/// However much waits in a lane that stops, all of it goes back, a part at a time.
#[test]
fn a_lane_that_stops_gives_back_all() {
    let mut pacer = pacer(LaneSettings::default().with_ramp(Duration::ZERO).unwrap());
    for number in 0..2_000 {
        pacer.offer(offer(number, 1), START).unwrap();
    }
    for _ in 0..20 {
        let leave = pacer.next(START).unwrap();
        pacer.report(leave.ticket, Verdict::NoAnswer, START);
    }
    let (mut now, mut held) = (START, Vec::new());
    while !pacer.is_empty() {
        assert!(pacer.next(now).is_none());
        let part = std::iter::from_fn(|| pacer.poll_held()).count();
        assert!((1..=256).contains(&part), "{part}");
        assert!(now < at(100));
        held.push(part);
        now = now.max(pacer.next_wakeup().unwrap().at);
    }
    assert_eq!(held.iter().sum::<usize>(), 1_980);
}

#[test]
fn retries_have_a_budget() {
    let settings = PacerSettings::default()
        .with_retry_budget(100, 3)
        .unwrap()
        .with_lane(SERVICE, steady(Rate::FCM_PROJECT));
    let mut pacer = Pacer::new(settings, 3);
    for number in 0..40 {
        let mut retry = offer(number, 1);
        retry.attempt = if number < 20 { 1 } else { 2 };
        pacer.offer(retry, START).unwrap();
    }
    assert_eq!(drain(&mut pacer, START).len(), 20 + 2 + 3);
    let held: Vec<_> = std::iter::from_fn(|| pacer.poll_held()).collect();
    assert_eq!(held.len(), 15);
    assert!(held.iter().all(|held| held.by == HeldBy::RetryBudget));
}

#[test]
fn a_full_queue_says_so() {
    let mut pacer = Pacer::new(PacerSettings::default().with_queue(2, 1_000, 1).unwrap(), 3);
    pacer.offer(offer(1, 1), START).unwrap();
    assert_eq!(pacer.offer(offer(2, 2), START).unwrap_err().by, HeldBy::Full, "no room for a lane");
    pacer.offer(offer(3, 1), START).unwrap();
    assert_eq!(pacer.offer(offer(4, 1), START).unwrap_err().by, HeldBy::Full);
    // A later attempt takes the place of the earlier one.
    pacer.offer(offer(3, 1), START).unwrap();
    assert_eq!(pacer.len(), 2);
    assert_eq!(pacer.withdraw(offer(3, 1).leg), Some(3));
    assert_eq!(pacer.withdraw(offer(3, 1).leg), None);
    pacer.offer(offer(4, 1), START).unwrap();
    let left: BTreeSet<_> = drain(&mut pacer, START).into_iter().map(|leave| leave.content).collect();
    assert_eq!(left, BTreeSet::from([1, 4]));
}

#[test]
fn the_platforms_api_has_a_rate_for_each_client() {
    let mut pacer: Pacer<()> = Pacer::new(PacerSettings::default(), 3);
    let taken = (0..600_000).step_by(10).filter(|millis| pacer.take_api(7, at(*millis)).is_ok()).count();
    assert!((3_000..=3_030).contains(&taken), "300 a minute for ten: {taken}");
    assert!(pacer.take_api(8, at(0)).is_ok());
}

#[test]
fn a_leased_share_holds_until_its_end() {
    let rate = |count| Rate::new(count, Duration::from_secs(1), 1).unwrap();
    let mut pacer = pacer(steady(rate(1)));
    for number in 0..200 {
        pacer.offer(offer(number, 1), START).unwrap();
    }
    pacer.lease_rate(LaneId::from_bits(1), SERVICE, rate(10), at(10_000), START);
    let mut left = [0, 0];
    for millis in 0..20_000 {
        for leave in drain(&mut pacer, at(millis)) {
            pacer.report(leave.ticket, OK, at(millis));
            left[usize::from(millis >= 10_000)] += 1;
        }
    }
    assert_eq!(left, [100, 10]);
}

/// What one rate refuses costs nothing of the others.
#[test]
fn rates_are_taken_together_or_not_at_all() {
    let rate = |count, secs| Rate::new(count, Duration::from_secs(secs), count).unwrap();
    let settings = PacerSettings::default().with_recipient(Some(rate(1, 60))).with_device(Some(rate(1, 60)));
    let settings = settings.with_conversation(Some(rate(1, 60))).with_global(Some(rate(12, 60)));
    let mut pacer = Pacer::new(settings.with_lane(SERVICE, steady(rate(10, 60))), 3);
    for number in 0..60 {
        // Most are for one recipient, on one device, about one conversation.
        let mut offer = offer(number, 1);
        match number % 6 {
            0 => offer.recipient = 7,
            1 => offer.device = 7,
            2 => offer.conversation = 7,
            3 => (offer.recipient, offer.device, offer.conversation) = (7, number, number),
            _ => {}
        }
        pacer.offer(offer, START).unwrap();
    }
    assert_eq!(drain(&mut pacer, START).len(), 10, "the lane's rate, in full");
}

/// Webhooks and mail are for no device: they do not share one's rate, and one that is to be left alone stops none but itself.
#[test]
fn what_names_nobody_shares_no_rate() {
    let rate = |count| Some(Rate::new(count, Duration::from_secs(60), count).unwrap());
    let settings = PacerSettings::default().with_recipient(rate(1)).with_device(rate(1));
    let settings = settings.with_conversation(rate(1));
    let mut pacer = Pacer::new(
        settings.with_lane(SERVICE, steady(Rate::new(1_000, Duration::from_secs(1), 1_000).unwrap())),
        3,
    );
    let nobody = |number| {
        let mut offer = Offer::of_leg(offer(number, 1).leg, LaneId::from_bits(1), SERVICE, KEY, number);
        offer.bytes = 100;
        offer
    };
    (0..100).for_each(|number| pacer.offer(nobody(number), START).unwrap());
    let mut left = drain(&mut pacer, START);
    assert_eq!(left.len(), 100);
    let action = Action::SlowDown { scope: Scope::Target, until: at(60_000), source: RetrySource::Service };
    pacer.report(left.remove(0).ticket, Verdict::Refused { status: 429, reason: None, action }, START);
    pacer.give_back(left.remove(0).ticket, START);
    pacer.offer(nobody(100), START).unwrap();
    assert_eq!(drain(&mut pacer, START).len(), 1);
}

/// Three hundred pushes for one device that takes four a second: they come back one after the other, so that each is offered a few
/// times, and not once for each that left before it. A ring that comes among them is the next to leave.
#[test]
fn who_waits_for_a_shared_rate_comes_back_in_turn() {
    let rate = Rate::new(240, Duration::from_secs(60), 20).unwrap();
    let lane = steady(Rate::new(1_000, Duration::from_secs(1), 1_000).unwrap());
    let mut pacer = Pacer::new(PacerSettings::default().with_device(Some(rate)).with_lane(SERVICE, lane), 3);
    let for_one = |number, priority| {
        let send = send(number, number, priority);
        let mut offer = Offer::new(&send, LaneId::from_bits(1), SERVICE, KEY, number);
        offer.device = 7;
        offer
    };
    let mut waiting: BTreeSet<_> = (0..300).map(|number| (at(0), number)).collect();
    let (mut offered, mut left) = (0, Vec::new());
    while let Some((now, number)) = waiting.pop_first() {
        let priority = if number == 1_000 { Priority::Urgent } else { Priority::Normal };
        pacer.offer(for_one(number, priority), now).unwrap();
        offered += 1;
        if waiting.first().is_some_and(|(next, _)| *next == now) {
            continue;
        }
        left.extend(drain(&mut pacer, now).into_iter().map(|leave| (leave.content, now)));
        if offered == 300 {
            waiting.insert((at(2_000), 1_000));
        }
        waiting.extend(std::iter::from_fn(|| pacer.poll_held()).map(|held| {
            assert_eq!((held.by, held.until > now), (HeldBy::Rate, true));
            (held.until, held.content)
        }));
    }
    assert_eq!(left.len(), 301);
    // Twenty at once and four a second.
    assert_eq!(left.last().unwrap().1, at(281 * 250));
    let rang = left.iter().find(|(number, _)| *number == 1_000).unwrap().1;
    assert!(rang <= at(2_250), "{rang:?}");
    assert!(offered < 301 * 9, "{offered} offers");
}

/// After the clock was an hour ahead, nobody waits for the places that were given out then.
#[test]
fn places_in_turn_do_not_outlive_a_step_of_the_clock() {
    let rate = Rate::new(1, Duration::from_secs(1), 1).unwrap();
    let lane = steady(Rate::new(1_000, Duration::from_secs(1), 1_000).unwrap());
    let mut pacer = Pacer::new(PacerSettings::default().with_device(Some(rate)).with_lane(SERVICE, lane), 3);
    let mut last = |numbers: std::ops::Range<u64>, now| {
        for number in numbers {
            let mut offer = offer(number, 1);
            offer.device = 7;
            pacer.offer(offer, now).unwrap();
        }
        drop(drain(&mut pacer, now));
        std::iter::from_fn(|| pacer.poll_held()).map(|held| held.until.since(now)).max().unwrap_or_default()
    };
    assert_eq!(last(0..100, at(3_600_000)), Duration::from_secs(6));
    assert_eq!(last(100..102, at(0)), Duration::from_secs(2));
}

/// Also at the foot of a ramp, where a request costs ten times as much.
#[test]
fn what_is_given_back_is_free_again() {
    let rate = Rate::new(10, Duration::from_secs(1), 1).unwrap();
    for lane in [steady(rate), LaneSettings::default().with_rate(rate)] {
        let settings = PacerSettings::default().with_global(Some(rate)).with_recipient(Some(rate));
        let mut pacer = Pacer::new(settings.with_lane(SERVICE, lane), 3);
        for number in 0..3 {
            let mut offer = offer(number, 1);
            offer.recipient = 7;
            pacer.offer(offer, START).unwrap();
        }
        let first = pacer.next(START).unwrap();
        assert!(pacer.next(START).is_none());
        pacer.give_back(first.ticket, START);
        assert!(pacer.poll_held().is_none_or(|held| held.until > START));
        assert!(pacer.next(START).is_some(), "its place is free");
    }
}

/// A clock that was ahead, and is right again: what it blocked goes on.
#[test]
fn a_clock_that_was_ahead_blocks_nothing() {
    let mut pacer = pacer(steady(Rate::new(1, Duration::from_secs(1), 1).unwrap()));
    for number in 0..3 {
        pacer.offer(offer(number, 1), START).unwrap();
    }
    let year = 365 * 86_400 * 1_000;
    assert!(pacer.next(at(year)).is_some() && pacer.next(at(year)).is_none());
    assert!(pacer.next(START).is_none(), "a second has not passed");
    assert_eq!(pacer.next_wakeup().unwrap().at, at(1_000));
    assert!(pacer.next(at(1_000)).is_some());
}

/// E6: webhooks come in order, also when one has to be tried again.
#[test]
fn a_conversation_keeps_its_order() {
    let mut pacer = pacer(LaneSettings::default().with_ramp(Duration::ZERO).unwrap().with_order());
    let in_conversation = |number: u64| offer(number, 1).with_conversation(number % 3);
    for number in 0..30 {
        pacer.offer(in_conversation(number), START).unwrap();
    }
    let mut order: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    let (mut now, mut failed) = (START, BTreeSet::new());
    for _ in 0..1_000 {
        let mut under_way = drain(&mut pacer, now);
        let conversations: BTreeSet<_> = under_way.iter().map(|leave| leave.content % 3).collect();
        assert_eq!(conversations.len(), under_way.len(), "one at a time");
        while let Some(leave) = under_way.pop() {
            let number = leave.content;
            if number % 4 == 1 && failed.insert(number) {
                let action = Action::RefreshCredential { also_reconnect: false };
                let stale = Verdict::Refused { status: 401, reason: None, action };
                pacer.report(leave.ticket, stale, now);
                // Nothing of this conversation leaves before it is back.
                let others = drain(&mut pacer, now);
                assert!(others.iter().all(|leave| leave.content % 3 != number % 3));
                under_way.extend(others);
                let mut again = in_conversation(number);
                again.attempt = 2;
                pacer.offer(again, now).unwrap();
            } else {
                order.entry(number % 3).or_default().push(number);
                pacer.report(leave.ticket, OK, now);
            }
        }
        now += Duration::from_millis(10);
    }
    assert_eq!(order.values().map(Vec::len).sum::<usize>(), 30);
    assert!(order.values().all(|numbers| numbers.is_sorted()), "{order:?}");
}

#[derive(Clone, Debug)]
enum Op {
    Offer { lane: u64, recipient: u64, retry: bool, useful: u64 },
    Withdraw { which: usize },
    Pass { millis: u64 },
    Back { millis: u64 },
    Report { which: usize, how: u8 },
    GiveBack { which: usize },
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => (0..4_u64, 0..5_u64, any::<bool>(), 0..20_000_u64)
            .prop_map(|(lane, recipient, retry, useful)| Op::Offer { lane, recipient, retry, useful }),
        1 => any::<usize>().prop_map(|which| Op::Withdraw { which }),
        3 => (0..3_000_u64).prop_map(|millis| Op::Pass { millis }),
        1 => (0..90_000_u64).prop_map(|millis| Op::Back { millis }),
        4 => (any::<usize>(), 0..8_u8).prop_map(|(which, how)| Op::Report { which, how }),
        1 => any::<usize>().prop_map(|which| Op::GiveBack { which }),
    ]
}

fn verdict(how: u8, now: UnixTime) -> Verdict {
    let until = now + Duration::from_secs(5);
    let action = match how {
        0..=2 => return OK,
        3 => return Verdict::NoAnswer,
        4 => Action::Retry { not_before: now, source: RetrySource::Guess },
        5 => Action::SlowDown { scope: Scope::Credential, until, source: RetrySource::Service },
        6 => Action::FixCredential { scope: Scope::Credential },
        _ => Action::SuspectTarget,
    };
    Verdict::Refused { status: 500, reason: None, action }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Everything that was offered leaves once, goes back, or waits; no lane is faster than its rate (while the clock does
    /// not step back); and who sleeps until the next wake-up does not wake in vain for ever.
    #[test]
    fn nothing_is_lost_and_nothing_is_too_fast(ops in proptest::collection::vec(op(), 1..150), ordered: bool) {
        let rate = Rate::new(5, Duration::from_secs(1), 3).unwrap();
        let lane = if ordered { steady(rate).with_order() } else { steady(rate) };
        let mut pacer = pacer(lane);
        let (mut now, mut number, mut stepped) = (START, 0, false);
        let mut waiting: BTreeMap<u64, LegId> = BTreeMap::new();
        let mut under_way: Vec<Leave<u64>> = Vec::new();
        let mut left: BTreeMap<u64, Vec<UnixTime>> = BTreeMap::new();
        for op in ops {
            match op {
                Op::Offer { lane, recipient, retry, useful } => {
                    number += 1;
                    let send = send(number, recipient, Priority::Normal);
                    let mut offer = Offer::new(&send, LaneId::from_bits(lane), SERVICE, KEY, number * 4 + lane);
                    offer.attempt = 1 + u8::from(retry);
                    offer.not_after = if useful < 500 { UnixTime::MAX } else { now + Duration::from_millis(useful) };
                    if pacer.offer(offer, now).is_ok() {
                        waiting.insert(number * 4 + lane, send.leg);
                    }
                }
                Op::Withdraw { which } => {
                    if let Some((id, leg)) = waiting.iter().nth(which % waiting.len().max(1)).map(|(id, leg)| (*id, *leg)) {
                        prop_assert_eq!(pacer.withdraw(leg), Some(id));
                        waiting.remove(&id);
                    }
                }
                Op::Pass { millis } => now += Duration::from_millis(millis),
                Op::Back { millis } => (now, stepped) = (now - Duration::from_millis(millis), true),
                Op::Report { which, how } if !under_way.is_empty() => {
                    let leave = under_way.swap_remove(which % under_way.len());
                    pacer.report(leave.ticket, verdict(how, now), now);
                }
                Op::GiveBack { which } if !under_way.is_empty() => {
                    let leave = under_way.swap_remove(which % under_way.len());
                    let times = left.get_mut(&(leave.content % 4)).unwrap();
                    times.pop();
                    // What it took is free again, at the time of the last one: no window is exact any more.
                    stepped = true;
                    pacer.give_back(leave.ticket, now);
                }
                Op::Report { .. } | Op::GiveBack { .. } => {}
            }
            while let Some(leave) = pacer.next(now) {
                prop_assert!(waiting.remove(&leave.content).is_some(), "it left twice, or was withdrawn");
                left.entry(leave.content % 4).or_default().push(now);
                under_way.push(leave);
            }
            while let Some(held) = pacer.poll_held() {
                prop_assert!(waiting.remove(&held.content).is_some());
            }
            prop_assert_eq!(pacer.len(), waiting.len());
            if let Some(wakeup) = pacer.next_wakeup() {
                prop_assert!(wakeup.at > now, "a busy loop: {:?} at {}", wakeup, now);
            } else if !waiting.is_empty() {
                prop_assert!(!under_way.is_empty(), "something waits, and for nothing");
            }
        }
        if !stepped {
            for times in left.values() {
                for (first, start) in times.iter().enumerate() {
                    for (inside, end) in times[first..].iter().enumerate() {
                        prop_assert!((inside as u64) < rate.most_in(end.since(*start)));
                    }
                }
            }
        }
        // Everybody answers, and in the end nothing waits.
        for _ in 0..2_000 {
            for leave in under_way.drain(..) {
                let leg = leave.ticket.leg();
                pacer.report(leave.ticket, OK, now);
                pacer.settled(leg);
            }
            while let Some(leave) = pacer.next(now) {
                waiting.remove(&leave.content);
                under_way.push(leave);
            }
            while let Some(held) = pacer.poll_held() {
                waiting.remove(&held.content);
            }
            if waiting.is_empty() && under_way.is_empty() {
                break;
            }
            now = pacer.next_wakeup().map_or(now, |wakeup| wakeup.at.max(now));
        }
        prop_assert!(waiting.is_empty(), "{:?} at {}: {:?}", waiting, now, pacer.next_wakeup());
    }
}
