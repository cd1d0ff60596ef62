//! Delivery: buckets, breakers and back-offs beside the peers; a job's way through a queue of a million.

use std::hint::black_box;
use std::num::NonZeroU32;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use governor::clock::FakeRelativeClock;
use governor::{Quota, RateLimiter};
use recloser::Recloser;
use reveille_core::{Jitter, Machine, RetrySource, UnixTime};
use reveille_delivery::pacer::{
    Breaker, BreakerSettings, CredentialId, Keyed, LaneId, Level, Offer, Pacer, PacerSettings, Rate,
    ServiceId,
};
use reveille_delivery::retry::After;
use reveille_delivery::retry::RetryPolicy;
use reveille_delivery::{
    Delivery, DeliverySettings, Device, DeviceId, Input, Job, JobId, LegId, Output, RecipientId, Send,
    SlotId, Verdict,
};

use crate::allocations;
use crate::measure::{Clock, Contestant, Measured};
use crate::report::Report;

const START: UnixTime = UnixTime::from_secs(1_800_000_000);
const MILLION: u64 = 1_000_000;
const LANES: u64 = 10_000;
const OK: Verdict = Verdict::Accepted { status: 201 };

pub fn compare(report: &mut Report) {
    buckets(report);
    breaker(report);
    back_off(report);
    pacer(report);
    delivery(report);
}

fn buckets(report: &mut Report) {
    // So fast that most are let through; the same for all.
    let rate = Rate::new(1_000_000, Duration::from_millis(1), 1_000_000).expect("rate");
    let quota = || {
        Quota::with_period(Duration::from_nanos(1))
            .expect("quota")
            .allow_burst(NonZeroU32::new(1_000_000).expect("burst"))
    };
    let mut level = Level::EMPTY;
    let mut now = START;
    let own_clock = RateLimiter::direct(quota());
    let fake = FakeRelativeClock::default();
    let no_clock = RateLimiter::direct_with_clock(quota(), fake.clone());
    report.row(
        "one bucket, hot",
        Contestant::new("ours", || {
            now += Duration::from_millis(1);
            level.take(&rate, black_box(now))
        }),
        vec![
            Contestant::new("governor 0.10, its clock", || own_clock.check().is_ok()),
            Contestant::new("governor 0.10, a clock that costs nothing", || {
                fake.advance(Duration::from_nanos(1));
                no_clock.check().is_ok()
            }),
        ],
        None,
    );

    let mut keyed = Keyed::new(rate, 1 << 17, 7).expect("keys");
    let (mut ours, mut theirs) = (Jitter::new(1), Jitter::new(1));
    let mut now = START;
    let their_keyed = RateLimiter::keyed(quota());
    report.row(
        "bucket of one key of 65,536",
        Contestant::new("ours", || {
            now += Duration::from_millis(1);
            keyed.take(ours.next_u64() & 0xFFFF, now)
        }),
        vec![Contestant::new("governor 0.10, keyed", || {
            their_keyed.check_key(&(theirs.next_u64() & 0xFFFF)).is_ok()
        })],
        None,
    );
}

fn breaker(report: &mut Report) {
    let mut ours = Breaker::new(BreakerSettings::default(), 1);
    let theirs = Recloser::custom().closed_len(1_000).error_rate(0.15).build();
    let mut call = 0_u32;
    report.row(
        "breaker: a call that goes well",
        Contestant::new("ours", || {
            call = call.wrapping_add(1);
            let now = START + Duration::from_millis((call >> 8).into());
            let permit = ours.admit(now).expect("closed");
            ours.record(permit, true, Duration::from_millis(20), now)
        }),
        vec![Contestant::new("recloser 1.4", || theirs.call(|| Ok::<_, ()>(black_box(()))))],
        None,
    );
}

fn back_off(report: &mut Report) {
    let policy = RetryPolicy::default();
    let mut leg = 0_u128;
    let mut theirs = ExponentialBuilder::default().with_jitter().with_max_times(usize::MAX).build();
    report.row(
        "back-off: the next time",
        Contestant::new("ours, by a hash of seed, leg and attempt", || {
            leg += 1;
            let after = After { seed: 7, leg: LegId::from_bits(leg), attempt: 2, previous: 0 };
            policy.next_attempt(after, START, RetrySource::Guess, START)
        }),
        vec![Contestant::new("backon 1, fastrand", || theirs.next())],
        None,
    );
}

/// A send as a delivery gives it, to be changed for each job.
fn send() -> Send {
    let mut delivery = Delivery::new(DeliverySettings::default(), 1);
    let job = Job::new(JobId::from_bits(1), RecipientId::from_bits(1), SlotId::from_bits(1), 1, "x");
    let job = job.with_devices([Device::new(DeviceId::from_bits(1), 1)]).into();
    let outputs: Vec<_> = delivery.apply(Input::Submit { job }, START).collect();
    match outputs.into_iter().next() {
        Some(Output::Send(send)) => send,
        other => panic!("{other:?}"),
    }
}

fn offer(template: &Send, number: u64, random: &mut Jitter) -> Offer<()> {
    let (lane, service) = (LaneId::from_bits(number % LANES), ServiceId(1));
    let mut offer = Offer::new(template, lane, service, CredentialId::from_bits(1), ());
    let bits = u128::from(random.next_u64()) << 64 | u128::from(random.next_u64());
    offer.leg = LegId::from_bits(bits);
    (offer.recipient, offer.device, offer.conversation) = (random.next_u64(), random.next_u64(), number);
    offer
}

fn pacer(report: &mut Report) {
    let (template, mut random) = (send(), Jitter::new(3));
    let before = allocations::live_bytes();
    let settings = PacerSettings::default().with_queue(2_000_000, u64::MAX, 20_000).expect("bounds");
    let mut pacer: Pacer<()> = Pacer::new(settings, 1);
    let empty = allocations::live_bytes() - before;
    let mut number = 0;
    while number < MILLION {
        pacer.offer(offer(&template, number, &mut random), START).expect("room");
        number += 1;
    }
    let bytes = (allocations::live_bytes() - before - empty) as f64 / MILLION as f64;
    let mut now = START;
    report.row(
        "pacer: offered, left and reported, beside 1 M in 10 k lanes",
        Contestant::new("ours", || {
            now += Duration::from_millis(1);
            number += 1;
            pacer.offer(offer(&template, number, &mut random), now).expect("room");
            let leave = pacer.next(now).expect("one may leave");
            pacer.report(leave.ticket, OK, now)
        }),
        Vec::new(),
        None,
    );
    report.note(&format!("pacer: {bytes:.0} bytes for each of 1 M queued jobs beyond its content"));
}

fn job(number: u64) -> Job {
    let bits = u128::from(number).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
    let job =
        Job::new(JobId::from_bits(bits), RecipientId::from_bits(bits), SlotId::from_bits(bits), 1, &b""[..]);
    job.with_devices([Device::new(DeviceId::from_bits(bits), 1)])
}

fn delivery(report: &mut Report) {
    // Nobody reports on the million.
    let years = Duration::from_secs(100 * 365 * 86_400);
    let settings = || {
        let settings = DeliverySettings::default().with_jobs(2_000_000, u64::MAX).expect("bounds");
        settings.with_answer_within(years).expect("a century")
    };
    let before = allocations::live_bytes();
    let mut delivery = Delivery::new(settings(), 1);
    for number in 0..MILLION {
        drop(delivery.apply(Input::Submit { job: job(number).into() }, START));
    }
    let bytes = (allocations::live_bytes() - before) as f64 / MILLION as f64;

    let start = Clock::start();
    let mut snapshot = Vec::new();
    delivery.write_snapshot(&mut snapshot);
    let written = start.elapsed();
    let start = Clock::start();
    let restored = Delivery::read_snapshot(settings(), 1, &snapshot).expect("own snapshot");
    let read = start.elapsed();
    assert_eq!(restored.len() as u64, MILLION);
    drop(restored);
    for (name, span) in [("snapshot", written), ("restore", read)] {
        let each = span.as_nanos() as f64 / MILLION as f64;
        report.add(
            &format!("delivery: {name}, each of 1 M jobs"),
            &[("ours", Measured::elsewhere(each))],
            false,
        );
    }

    let (mut number, mut now) = (MILLION, START);
    report.row(
        "delivery: submitted, sent and settled, beside 1 M jobs",
        Contestant::new("ours", || {
            number += 1;
            // Time enough for slots to be forgotten again.
            now += Duration::from_millis(100);
            let input = Input::Submit { job: job(number).into() };
            let Some(Output::Send(send)) = delivery.apply(input, now).next() else { panic!("no send") };
            let outcome = Input::Outcome { job: send.job, device: send.device.id, attempt: 1, verdict: OK };
            delivery.apply(outcome, now).count()
        }),
        Vec::new(),
        None,
    );
    report.note(&format!(
        "delivery: {bytes:.0} bytes for each of 1 M jobs under way beyond its content, {:.0} in a snapshot",
        snapshot.len() as f64 / MILLION as f64
    ));
}
