//! Jobs in a slot of their own: nothing replaces them, and nothing stays of them.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::time::Duration;

use reveille_core::{Action, Machine as _, UnixTime};
use reveille_delivery::{
    Delivery, DeliverySettings, Device, DeviceId, Fate, Input, Job, JobId, Output, RecipientId, SlotId,
    Verdict,
};

const NOW: UnixTime = UnixTime::from_secs(1_000);

fn machine() -> Delivery {
    Delivery::new(DeliverySettings::default(), 7)
}

fn job(id: u128, generation: u64) -> Job {
    let job = JobId::from_bits(id);
    Job::new(job, RecipientId::from_bits(1), SlotId::alone(job), generation, "hook")
        .with_devices([Device::new(DeviceId::from_bits(1), 0)])
}

fn apply(delivery: &mut Delivery, input: Input) -> Vec<Output> {
    delivery.apply(input, NOW).collect()
}

fn submit(job: Job) -> Input {
    Input::Submit { job: job.into() }
}

fn outcome(id: u128, verdict: Verdict) -> Input {
    Input::Outcome { job: JobId::from_bits(id), device: DeviceId::from_bits(1), attempt: 1, verdict }
}

fn sent(outputs: &[Output]) -> Vec<(u128, SlotId)> {
    let sent = outputs.iter().filter_map(|output| match output {
        Output::Send(send) => Some((send.job.to_bits(), send.slot)),
        _ => None,
    });
    sent.collect()
}

fn snapshot(delivery: &Delivery) -> Vec<u8> {
    let mut bytes = Vec::new();
    delivery.write_snapshot(&mut bytes);
    bytes
}

#[test]
fn each_leaves_and_nothing_is_remembered_but_that_it_ended() {
    let mut delivery = machine();
    for id in 1..=3 {
        let slot = SlotId::alone(JobId::from_bits(id));
        // Neither an older generation nor a newer one is in its way.
        assert_eq!(sent(&apply(&mut delivery, submit(job(id, 9 - id as u64)))), [(id, slot)]);
    }
    let outputs = apply(&mut delivery, submit(job(2, 7)));
    assert_eq!(sent(&outputs), [], "the same again");
    for id in 1..=3 {
        apply(&mut delivery, outcome(id, Verdict::Accepted { status: 204 }));
    }
    assert!(delivery.is_empty());
    // The same three without any slot to remember: as long as the names of what ended.
    let alone = snapshot(&delivery).len();
    let mut others = machine();
    for id in 1..=3 {
        let mut job = job(id, 1);
        job.slot = SlotId::from_bits(id);
        apply(&mut others, submit(job));
        apply(&mut others, outcome(id, Verdict::Accepted { status: 204 }));
    }
    assert!(snapshot(&others).len() > alone + 3 * 30, "{} {alone}", snapshot(&others).len());
}

#[test]
fn it_is_cancelled_while_it_lives() {
    let mut delivery = machine();
    let later = job(1, 1).with_not_after(NOW + Duration::from_secs(60));
    apply(&mut delivery, submit(later));
    let action = Action::Retry { not_before: NOW, source: reveille_core::RetrySource::Guess };
    apply(&mut delivery, outcome(1, Verdict::Refused { status: 503, reason: None, action }));
    let slot = SlotId::alone(JobId::from_bits(1));
    assert_eq!(apply(&mut delivery, Input::Cancel { slot, generation: 1 }), [], "its own generation stays");
    let outputs = apply(&mut delivery, Input::Cancel { slot, generation: 2 });
    assert!(outputs.contains(&Output::Settled { job: JobId::from_bits(1), fate: Fate::Cancelled }));
}

#[test]
fn it_survives_a_snapshot_and_its_death() {
    let mut delivery = machine();
    apply(&mut delivery, submit(job(1, 1)));
    let bytes = snapshot(&delivery);
    let mut delivery = Delivery::read_snapshot(DeliverySettings::default(), 7, &bytes).unwrap();
    assert_eq!(snapshot(&delivery), bytes);
    let refused = Verdict::Refused { status: 400, reason: None, action: Action::GiveUp };
    apply(&mut delivery, outcome(1, refused));
    assert_eq!(delivery.dead_letters().count(), 1);
    let (from, to, every) = (UnixTime::EPOCH, UnixTime::MAX, Duration::ZERO);
    let outputs = apply(&mut delivery, Input::Redrive { from, to, every, until: UnixTime::MAX });
    assert_eq!(sent(&outputs), [(1, SlotId::alone(JobId::from_bits(1)))]);
}
