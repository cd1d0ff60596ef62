//! Room for jobs, and the reserve for cancels.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use reveille_core::{Machine as _, UnixTime};
use reveille_delivery::{
    Delivery, DeliverySettings, Device, DeviceId, Fate, Input, Job, JobId, NotAdmitted, Output, RecipientId,
    Role, SlotId,
};

const NOW: UnixTime = UnixTime::from_secs(1_000);

fn job(id: u128, slot: u128, generation: u64) -> Job {
    let (slot, device) = (SlotId::from_bits(slot), Device::new(DeviceId::from_bits(1), 0));
    Job::new(JobId::from_bits(id), RecipientId::from_bits(slot.to_bits()), slot, generation, "12345678")
        .with_devices([device])
}

fn cancel(id: u128, slot: u128) -> Job {
    let mut job = job(id, slot, 2);
    job.role = Role::Cancel { except: None };
    job
}

fn overflows(delivery: &mut Delivery, job: Job) -> bool {
    let outputs: Vec<Output> = delivery.apply(Input::Submit { job: job.into() }, NOW).collect();
    outputs.iter().any(|output| matches!(output, Output::Settled { fate: Fate::Overflow, .. }))
}

/// All that is told can be full; what takes it back begins all the same.
#[test]
fn cancels_have_a_reserve() {
    for (jobs, bytes) in [(4, 1_000), (100, 32)] {
        let mut delivery = Delivery::new(DeliverySettings::default().with_jobs(jobs, bytes).unwrap(), 7);
        for id in 1..=4 {
            assert!(!overflows(&mut delivery, job(id, id, 1)));
        }
        assert!(overflows(&mut delivery, job(5, 5, 1)));
        assert!(delivery.admit(&job(6, 6, 1)).is_err() && delivery.admit(&cancel(6, 1)).is_ok());
        assert!(!overflows(&mut delivery, cancel(6, 1)), "{jobs} jobs, {bytes} bytes");
    }
}

#[test]
fn room_is_asked_for_many_at_once() {
    let mut delivery = Delivery::new(DeliverySettings::default().with_jobs(4, 32).unwrap(), 7);
    assert!(!overflows(&mut delivery, job(1, 1, 1)));
    assert_eq!(delivery.room(3, 24), Ok(()));
    assert_eq!(delivery.room(4, 0), Err(NotAdmitted::Jobs { waiting: 1, bound: 4 }));
    assert_eq!(delivery.room(1, 25), Err(NotAdmitted::Bytes { waiting: 8, given: 25, bound: 32 }));
}
