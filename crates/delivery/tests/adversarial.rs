//! The testkit's scripts of wrong clocks, restarts, forks and damage: a delivery beside one that lives on, a pacer, and the
//! parts of a pacer.

#![allow(clippy::unwrap_used)] // Test helpers.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use reveille_core::{Action, Machine as _, RetrySource, Scope, UnixTime};
use reveille_delivery::pacer::{
    Breaker, BreakerSettings, CredentialId, Keyed, LaneId, LaneSettings, Leave, Level, Offer, Pacer,
    PacerSettings, PoisonWatch, PruneBreaker, Pruning, Rate, RetryBudget, ServiceId, Throttle,
};
use reveille_delivery::{
    Delivery, DeliverySettings, Device, DeviceId, HeldBy, Input, Job, JobId, LegId, Output, PayloadDigest,
    RecipientId, SlotId, Verdict, WhenUnsure,
};
use reveille_testkit::adversity::{Adversity, Clocks, Lives, live, scripts};

const SEED: u64 = 11;

struct Tested(Delivery);

impl Lives for Tested {
    type Output = Output;

    fn begin() -> Self {
        Self(Delivery::new(DeliverySettings::default().with_jobs(12, 400).unwrap(), SEED))
    }

    fn input(choice: u64, now: UnixTime, recent: &[Output]) -> Vec<u8> {
        let (kind, more) = (choice % 8, choice / 8);
        let answered = recent.get(more as usize % recent.len().max(1));
        let input = match (kind, answered) {
            (0, _) => Input::Cancel { slot: SlotId::from_bits((more % 4).into()), generation: more / 4 % 16 },
            (1, _) => Input::ClockStep { was: now, is: now - Duration::from_secs(more % 10_000) },
            (2, _) => Input::Recovered { spread: Duration::from_secs(more % 4) },
            (3.., Some(Output::Send(send))) => {
                let (job, device, attempt) = (send.job, send.device.id, send.attempt);
                if more % 5 == 0 {
                    let until = now + Duration::from_millis(more % 9_000);
                    Input::Deferred { job, device: Some(device), until, by: HeldBy::Rate }
                } else {
                    let refused = |action| Verdict::Refused { status: 500, reason: None, action };
                    let verdict = match more % 5 {
                        1 => refused(Action::SuspectTarget),
                        2 => Verdict::NoAnswer,
                        3 => refused(Action::DropTarget { if_registered_before: Some(now) }),
                        _ => Verdict::Accepted { status: 201 },
                    };
                    Input::Outcome { job, device, attempt, verdict }
                }
            }
            (3.., Some(Output::Resolve(asked))) => Input::Resolved { job: asked.job, devices: devices(more) },
            (3.., Some(Output::Commit { job, device, attempt })) => {
                Input::Attempt { job: *job, device: *device, attempt: *attempt }
            }
            _ => {
                let id = JobId::from_bits(choice.into());
                let slot = SlotId::from_bits((more % 4).into());
                let recipient = RecipientId::from_bits((more % 3).into());
                let mut job = Job::new(id, recipient, slot, more / 4 % 16, vec![7; (more % 50) as usize]);
                // A job without an end asks for ever where nobody answers.
                job.not_after = now + Duration::from_millis(more % 90_000);
                job.when_unsure = if more % 2 == 0 { WhenUnsure::GiveUp } else { job.when_unsure };
                job.devices = (more % 5 > 0).then(|| devices(more));
                Input::Submit { job: job.into() }
            }
        };
        encoded(&input)
    }

    fn tick() -> Vec<u8> {
        encoded(&Input::Tick)
    }

    fn apply(&mut self, input: &[u8], now: UnixTime) -> Vec<Output> {
        self.0.apply(Input::decode(input).unwrap(), now).collect()
    }

    fn next_wakeup(&self) -> Option<UnixTime> {
        self.0.next_wakeup().map(|wakeup| wakeup.at)
    }

    fn write(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        self.0.write_snapshot(&mut out);
        out
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        Delivery::read_snapshot(DeliverySettings::default().with_jobs(12, 400).unwrap(), SEED, bytes)
            .ok()
            .map(Self)
    }
}

fn encoded(input: &Input) -> Vec<u8> {
    let mut out = Vec::new();
    input.encode(&mut out);
    out
}

fn devices(number: u64) -> Vec<Device> {
    (0..number / 7 % 4).map(|n| Device::new(DeviceId::from_bits(((number + n) % 5).into()), 1)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(150) })]

    #[test]
    fn no_snapshot_hides_anything_and_no_clock_stops_a_delivery(script in scripts(1..200)) {
        live::<Tested>(UnixTime::from_secs(1_700_000_000), &script);
    }
}

/// What waits, what is under way, and a pacer that knows of it. What a process forgets when it dies, its delivery sends again.
struct Paced {
    pacer: Pacer<u64>,
    waiting: BTreeMap<u64, LegId>,
    under_way: Vec<Leave<u64>>,
    next: u64,
}

const ALL_FREE: Duration = Duration::from_secs(3 * 3_600);

impl Paced {
    fn new(ordered: bool) -> Self {
        let lane = LaneSettings::default().with_rate(Rate::new(5, Duration::from_secs(1), 3).unwrap());
        let lane = if ordered { lane.with_order() } else { lane };
        let settings = PacerSettings::default().with_lane(ServiceId(1), lane).with_throttle(2_000).unwrap();
        let settings = settings.with_global(Some(Rate::new(20, Duration::from_secs(1), 5).unwrap()));
        let pacer = Pacer::new(settings, SEED);
        Self { pacer, waiting: BTreeMap::new(), under_way: Vec::new(), next: 0 }
    }

    fn offer(&mut self, number: u64, now: UnixTime) {
        let (lane, leg) = (LaneId::from_bits(number % 4), LegId::from_bits(number.into()));
        let mut offer =
            Offer::of_leg(leg, lane, ServiceId(1), CredentialId::from_bits(number as u32 % 2), number);
        (offer.recipient, offer.device, offer.attempt) =
            (number % 5, number % 7, 1 + u8::from(number.is_multiple_of(6)));
        let offer = offer.with_conversation(number % 3);
        if self.pacer.offer(offer, now).is_ok() {
            self.waiting.insert(number, leg);
        }
    }

    fn act(&mut self, choice: u64, now: UnixTime) {
        let (kind, more) = (choice % 6, choice / 6);
        let which = more as usize % self.under_way.len().max(1);
        match kind {
            0..=2 => {
                self.next += 1;
                self.offer(self.next, now);
            }
            3 if !self.under_way.is_empty() => {
                let leave = self.under_way.swap_remove(which);
                let until = now + Duration::from_secs(more % 7_200);
                let action = match more % 6 {
                    0 => Action::SlowDown { scope: Scope::Service, until, source: RetrySource::Service },
                    1 => Action::SlowDown { scope: Scope::Target, until, source: RetrySource::Service },
                    2 => Action::FixCredential { scope: Scope::Credential },
                    3 => Action::FixRequest { field: None },
                    4 => Action::SuspectTarget,
                    _ => Action::Retry { not_before: until, source: RetrySource::Guess },
                };
                self.pacer.report(leave.ticket, Verdict::Refused { status: 400, reason: None, action }, now);
            }
            4 if !self.under_way.is_empty() => {
                self.pacer.give_back(self.under_way.swap_remove(which).ticket, now);
            }
            5 => {
                if let Some((number, leg)) = self.waiting.pop_first() {
                    assert_eq!(self.pacer.withdraw(leg), Some(number));
                }
            }
            _ => {}
        }
    }

    /// All that may leave leaves, once.
    fn drain(&mut self, now: UnixTime) {
        while let Some(leave) = self.pacer.next(now) {
            assert!(self.waiting.remove(&leave.content).is_some(), "it left twice, or was withdrawn");
            self.under_way.push(leave);
        }
        while let Some(held) = self.pacer.poll_held() {
            assert!(self.waiting.remove(&held.content).is_some());
        }
        while self.pacer.poll_alert().is_some() {}
        assert_eq!(self.pacer.len(), self.waiting.len());
        if let Some(wakeup) = self.pacer.next_wakeup() {
            assert!(wakeup.at > now, "a busy loop: {wakeup:?} at {now}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    /// Whatever clocks have shown: nothing is lost and nothing leaves twice; and with a right clock, and a service that is
    /// well, everything leaves in its time, by the pacer's own wake-ups.
    #[test]
    fn no_clock_stops_a_pacer(script in scripts(1..200), ordered: bool) {
        let mut clocks = Clocks::new(UnixTime::from_secs(1_700_000_000), 1);
        let mut paced = Paced::new(ordered);
        for event in &script {
            clocks.apply(event);
            let now = clocks.now(0);
            match event {
                Adversity::Act { choice, .. } => paced.act(*choice, now),
                Adversity::Restart { .. } | Adversity::Fork { .. } => {
                    let waited = std::mem::replace(&mut paced, Paced::new(ordered));
                    paced.next = waited.next;
                    waited.waiting.into_keys().for_each(|number| paced.offer(number, now));
                }
                _ => {}
            }
            paced.drain(now);
        }
        clocks.set(0, 0);
        let (mut now, end) = (clocks.now(0), clocks.now(0) + ALL_FREE);
        paced.drain(now);
        while !paced.waiting.is_empty() || !paced.under_way.is_empty() {
            for leave in std::mem::take(&mut paced.under_way) {
                let leg = leave.ticket.leg();
                paced.pacer.report(leave.ticket, Verdict::Accepted { status: 201 }, now);
                paced.pacer.settled(leg);
            }
            paced.drain(now);
            if paced.under_way.is_empty() && !paced.waiting.is_empty() {
                let wakeup = paced.pacer.next_wakeup();
                prop_assert!(wakeup.is_some(), "{:?} wait, and for nothing", paced.waiting);
                now = wakeup.map_or(now, |wakeup| wakeup.at.max(now));
                prop_assert!(now <= end, "{:?} wait until {now}, from {}", paced.waiting, clocks.now(0));
                paced.drain(now);
            }
        }
        // And who comes now is not kept out for longer than what was said before.
        for number in 1_000_000..1_000_020 {
            paced.offer(number, end);
            prop_assert!(paced.waiting.contains_key(&number));
        }
    }

    /// Each part alone, as those use it who have no pacer: what it learned from a wrong clock is over with a right one.
    #[test]
    fn no_clock_keeps_a_part_of_a_pacer_shut(script in scripts(1..120)) {
        let mut clocks = Clocks::new(UnixTime::from_secs(1_700_000_000), 1);
        let rate = Rate::new(5, Duration::from_secs(1), 3).unwrap();
        let mut breaker = Breaker::new(BreakerSettings::default(), SEED);
        let mut prune = PruneBreaker::new(100, 3, Duration::from_secs(3_600)).unwrap();
        let mut poison = PoisonWatch::new(3, Duration::from_secs(600), 10).unwrap();
        let mut throttle = Throttle::new(2_000, SEED).unwrap();
        let mut budget = RetryBudget::new(100, 2).unwrap();
        let (mut level, mut keyed) = (Level::EMPTY, Keyed::new(rate, 16, SEED).unwrap());
        for event in &script {
            clocks.apply(event);
            let now = clocks.now(0);
            let Adversity::Act { choice, .. } = event else { continue };
            if let Ok(permit) = breaker.admit(now) && choice % 4 > 0 {
                breaker.record(permit, false, Duration::from_secs(choice % 20), now);
            }
            if choice.is_multiple_of(16) {
                breaker.trip(now);
            }
            prune.dead(now);
            poison.refused(PayloadDigest::from_bits(choice % 3), choice / 3 % 7, now);
            throttle.start(now);
            budget.retry(now);
            let _ = (level.take(&rate, now), keyed.take(choice % 40, now));
            if choice.is_multiple_of(32) {
                let until = now + Duration::from_secs(choice % 7_200);
                level.block(&rate, until, now);
                keyed.block(choice % 40, until, now);
            }
        }
        clocks.set(0, 0);
        let (mut closed, start, second) = (false, clocks.now(0), Duration::from_secs(1));
        let mut last = (Pruning::Allowed, true, true, 0);
        for passed in 0..3 * 3_600 {
            let now = start + second * passed;
            if let Ok(permit) = breaker.admit(now) {
                closed = breaker.record(permit, true, second, now).is_some() || closed || permit_is_plain(&breaker, now);
            }
            (0..4).for_each(|_| prune.well(now));
            let throttled = !throttle.start(now);
            throttle.accepted(now);
            budget.request(now);
            if passed >= 2 * 3_600 && passed.is_multiple_of(600) {
                last = (prune.dead(now), throttled, !budget.retry(now), last.3 + 1);
                prop_assert_eq!(last, (Pruning::Allowed, false, false, last.3));
                prop_assert_eq!(level.take(&rate, now), Ok(()));
                for key in 0..40 {
                    prop_assert_eq!(keyed.take(key, now), Ok(()));
                }
                for message in 0..3 {
                    prop_assert_eq!(poison.is_poison(PayloadDigest::from_bits(message), now), None);
                }
            }
            if passed == 0 {
                // From here on, what is blocked measures from a right clock.
                let _ = level.take(&rate, now);
                for key in 0..40 {
                    let _ = keyed.take(key, now);
                }
            }
        }
        prop_assert!(closed && last.3 > 0, "the breaker: {closed}");
    }
}

/// A closed breaker lets through more than its probes.
fn permit_is_plain(breaker: &Breaker, now: UnixTime) -> bool {
    let mut copy = breaker.clone();
    (0..10).all(|_| copy.admit(now).is_ok())
}
