//! One delivery, one device, one slot; and what is said to it and heard from it.

#![allow(dead_code, unreachable_pub, clippy::indexing_slicing)]

use reveille_core::{Action, Machine, RetrySource, UnixTime};
use reveille_delivery::*;

pub const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
pub const SLOT: SlotId = SlotId::from_bits(77);

pub fn delivery() -> Delivery {
    Delivery::new(DeliverySettings::default(), 5)
}

pub fn device(id: u128) -> Device {
    Device::new(DeviceId::from_bits(id), 3)
}

pub fn job(id: u128, generation: u64) -> Job {
    Job::new(JobId::from_bits(id), RecipientId::from_bits(1), SLOT, generation, "hello")
        .with_devices([device(1)])
}

pub fn apply(delivery: &mut Delivery, input: Input, now: UnixTime) -> Vec<Output> {
    delivery.apply(input, now).collect()
}

pub fn submit(delivery: &mut Delivery, job: Job, now: UnixTime) -> Vec<Output> {
    apply(delivery, Input::Submit { job: job.into() }, now)
}

pub fn sends(outputs: &[Output]) -> Vec<&Send> {
    outputs
        .iter()
        .filter_map(|output| if let Output::Send(send) = output { Some(send) } else { None })
        .collect()
}

pub fn answer(delivery: &mut Delivery, send: &Send, verdict: Verdict, now: UnixTime) -> Vec<Output> {
    let (job, device, attempt) = (send.job, send.device.id, send.attempt);
    apply(delivery, Input::Outcome { job, device, attempt, verdict }, now)
}

pub fn refused(status: u16, action: Action) -> Verdict {
    Verdict::Refused { status, reason: None, action }
}

pub fn retry() -> Verdict {
    refused(503, Action::Retry { not_before: NOW, source: RetrySource::Guess })
}

/// The only send among the outputs.
pub fn send(outputs: &[Output]) -> Send {
    let all = sends(outputs);
    assert_eq!(all.len(), 1, "{outputs:?}");
    all[0].clone()
}
