//! An attempt of which nobody reports in time is over: what of it still waits for its turn must not leave beside the next one.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail by panicking")]

use std::time::Duration;

use reveille_core::{Machine as _, UnixTime};
use reveille_delivery::pacer::{
    CredentialId, LaneId, LaneSettings, Offer, Pacer, PacerSettings, Rate, ServiceId,
};
use reveille_delivery::{
    Delivery, DeliverySettings, Device, DeviceId, Fate, Input, Job, JobId, LegId, Note, Output, RecipientId,
    Send, SlotId, Verdict, WhenUnsure,
};

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
const ANSWER_WITHIN: Duration = Duration::from_secs(300);

fn delivery() -> Delivery {
    Delivery::new(DeliverySettings::default().with_answer_within(ANSWER_WITHIN).unwrap(), 5)
}

fn job(id: u128) -> Job {
    let (job, slot) = (JobId::from_bits(id), SlotId::from_bits(id));
    Job::new(job, RecipientId::from_bits(1), slot, 1, "hello")
        .with_devices([Device::new(DeviceId::from_bits(1), 1)])
}

fn submit(delivery: &mut Delivery, job: Job) -> Vec<Output> {
    delivery.apply(Input::Submit { job: job.into() }, NOW).collect()
}

fn outcome(send: &Send, verdict: Verdict) -> Input {
    Input::Outcome { job: send.job, device: send.device.id, attempt: send.attempt, verdict }
}

fn send(outputs: &[Output]) -> Option<Send> {
    outputs.iter().find_map(|output| if let Output::Send(send) = output { Some(send.clone()) } else { None })
}

/// Time passes, up to the next thing that is due.
fn wait(delivery: &mut Delivery) -> (UnixTime, Vec<Output>) {
    let at = delivery.next_wakeup().unwrap().at;
    (at, delivery.apply(Input::Tick, at).collect())
}

#[test]
fn it_is_withdrawn() {
    let mut delivery = delivery();
    let first = send(&submit(&mut delivery, job(1))).unwrap();
    let (at, outputs) = wait(&mut delivery);
    assert_eq!(at, NOW + ANSWER_WITHIN);
    assert_eq!(outputs.first(), Some(&Output::Withdraw { job: first.job, device: first.device.id }));
}

/// Whether it ends by that or not: a driver need not look at notes.
#[test]
fn also_when_it_was_the_last_one() {
    let withdraw = Output::Withdraw { job: JobId::from_bits(1), device: DeviceId::from_bits(1) };
    let mut delivery = delivery();
    submit(&mut delivery, job(1));
    let mut withdrawn = 0;
    let last = loop {
        let (_, outputs) = wait(&mut delivery);
        withdrawn += outputs.iter().filter(|output| **output == withdraw).count();
        if delivery.is_empty() {
            break outputs;
        }
    };
    assert_eq!(withdrawn, 3, "each of three attempts");
    assert!(last.contains(&Output::Settled { job: JobId::from_bits(1), fate: Fate::Exhausted }));

    let mut careful = self::delivery();
    submit(&mut careful, job(1).with_when_unsure(WhenUnsure::GiveUp));
    let attempt = Input::Attempt { job: JobId::from_bits(1), device: DeviceId::from_bits(1), attempt: 1 };
    careful.apply(attempt, NOW).for_each(drop);
    let (_, outputs) = wait(&mut careful);
    assert_eq!(outputs.first(), Some(&withdraw), "maybe never, then never later");
    assert!(outputs.contains(&Output::Settled { job: JobId::from_bits(1), fate: Fate::Unknown }));
}

/// What is withdrawn because something newer came has its `Withdraw` already.
#[test]
fn once_is_enough() {
    let mut delivery = delivery();
    submit(&mut delivery, job(1));
    let cancel = Input::Cancel { slot: SlotId::from_bits(1), generation: 2 };
    let outputs: Vec<_> = delivery.apply(cancel, NOW).collect();
    assert!(matches!(outputs[..], [Output::Withdraw { .. }]), "{outputs:?}");
    let (_, outputs) = wait(&mut delivery);
    assert!(!outputs.iter().any(|output| matches!(output, Output::Withdraw { .. })), "{outputs:?}");
    assert!(outputs.contains(&Output::Settled { job: JobId::from_bits(1), fate: Fate::Cancelled }));
}

/// What never left is no attempt: a queue that is longer than everybody's patience uses up none, and nobody's message ends in
/// the dead letters for it.
#[test]
fn what_was_withdrawn_in_time_costs_nothing() {
    let mut delivery = delivery();
    let mut given = send(&submit(&mut delivery, job(1))).unwrap();
    for _ in 0..10 {
        assert_eq!(given.attempt, 1);
        wait(&mut delivery);
        let now = NOW;
        assert_eq!(delivery.apply(outcome(&given, Verdict::NotSent), now).count(), 0);
        // The same word again says nothing new.
        let again: Vec<_> = delivery.apply(outcome(&given, Verdict::NotSent), now).collect();
        assert_eq!(again, [Output::Note(Note::Stale { job: given.job })]);
        given = send(&wait(&mut delivery).1).unwrap();
    }
    // One that failed after all is counted.
    wait(&mut delivery);
    let second = send(&wait(&mut delivery).1).unwrap();
    assert_eq!((second.attempt, second.maybe_again), (2, true));
    let late: Vec<_> = delivery.apply(outcome(&given, Verdict::NotSent), NOW).collect();
    assert_eq!(late, [Output::Note(Note::Stale { job: given.job })], "its next one is on its way");
}

/// A lane that lets go one request in ten minutes: whatever comes, each leaves once.
#[test]
fn a_slow_lane_sends_each_once() {
    let (mut delivery, mut now) = (delivery(), NOW);
    let slow = Rate::new(1, Duration::from_secs(600), 1).unwrap();
    let lane = LaneSettings::default().with_rate(slow).with_ramp(Duration::ZERO).unwrap();
    let settings = PacerSettings::default().with_lane(ServiceId(1), lane).with_recipient(None);
    let settings = settings.with_device(None).with_hold(Duration::from_secs(3_600)).unwrap();
    let mut pacer: Pacer<Send> = Pacer::new(settings, 7);
    let (mut left, mut outputs, mut settled) = (Vec::new(), Vec::new(), 0);
    for id in 1..=3 {
        outputs.extend(submit(&mut delivery, job(id)));
    }
    while !delivery.is_empty() || !outputs.is_empty() {
        assert!(now < NOW + Duration::from_secs(7_200), "{left:?}");
        for output in std::mem::take(&mut outputs) {
            match output {
                Output::Send(send) => {
                    let (lane, credential) = (LaneId::from_bits(1), CredentialId::from_bits(1));
                    let offer = Offer::new(&send, lane, ServiceId(1), credential, send.clone());
                    pacer.offer(offer, now).unwrap();
                }
                Output::Withdraw { job, device } => {
                    if let Some(send) = pacer.withdraw(LegId::of(job, device)) {
                        outputs.extend(delivery.apply(outcome(&send, Verdict::NotSent), now));
                    }
                }
                Output::LegSettled { job, device, .. } => pacer.settled(LegId::of(job, device)),
                Output::Settled { fate, .. } => settled += usize::from(fate == Fate::Accepted),
                _ => {}
            }
        }
        while let Some(leave) = pacer.next(now) {
            left.push(leave.content.job.to_bits());
            let judged = pacer.report(leave.ticket, Verdict::Accepted { status: 201 }, now);
            outputs.extend(delivery.apply(outcome(&leave.content, judged.verdict), now));
        }
        if outputs.is_empty() {
            let due = delivery.next_wakeup().into_iter().chain(pacer.next_wakeup());
            let Some(at) = due.map(|wakeup| wakeup.at).min() else { continue };
            now = now.max(at);
            outputs.extend(delivery.apply(Input::Tick, now));
        }
    }
    left.sort_unstable();
    assert_eq!((left, settled), (vec![1, 2, 3], 3));
}

/// Of an ordered lane: what is withdrawn and comes again is still before what came later.
#[test]
fn an_ordered_lane_keeps_its_turn() {
    let lane = LaneSettings::default().with_ramp(Duration::ZERO).unwrap().with_order();
    let mut pacer = Pacer::new(PacerSettings::default().with_lane(ServiceId(1), lane), 7);
    let mut machine = delivery();
    let mut sends = (1..=2).map(|id| send(&submit(&mut machine, job(id))).unwrap());
    let (first, second) = (sends.next().unwrap(), sends.next().unwrap());
    let offer = |send: &Send| {
        let (lane, credential) = (LaneId::from_bits(1), CredentialId::from_bits(1));
        Offer::new(send, lane, ServiceId(1), credential, send.job.to_bits()).with_conversation(9)
    };
    pacer.offer(offer(&first), NOW).unwrap();
    pacer.offer(offer(&second), NOW).unwrap();
    let leave = pacer.next(NOW).unwrap();
    assert_eq!(leave.content, 1);
    // It is on the wire, and taken for lost.
    assert_eq!(pacer.withdraw(first.leg), None);
    assert!(pacer.next(NOW).is_none(), "its turn is not over");
    pacer.report(leave.ticket, Verdict::NoAnswer, NOW);
    let mut again = first.clone();
    again.attempt = 2;
    pacer.offer(offer(&again), NOW).unwrap();
    assert_eq!(pacer.withdraw(first.leg), Some(1));
    assert!(pacer.next(NOW).is_none(), "nor is it while it waits");
    pacer.settled(first.leg);
    assert_eq!(pacer.next(NOW).map(|leave| leave.content), Some(2));
}
