//! A delivery under the testkit's scripts of wrong clocks, restarts, forks and damage, beside one that lives on.

#![allow(clippy::unwrap_used)] // Test helpers.

use proptest::prelude::*;
use reveille_core::{Action, Machine as _, UnixTime};
use reveille_delivery::{
    Delivery, DeliverySettings, Device, DeviceId, HeldBy, Input, Job, JobId, Output, RecipientId, SlotId,
    Verdict, WhenUnsure,
};
use reveille_testkit::adversity::{Lives, live, scripts};
use std::time::Duration;

const SEED: u64 = 11;

struct Tested(Delivery);

impl Lives for Tested {
    type Output = Output;

    fn begin() -> Self {
        Self(Delivery::new(DeliverySettings::default().with_jobs(12, 400), SEED))
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
            (3.., Some(Output::Resolve { job, .. })) => Input::Resolved { job: *job, devices: devices(more) },
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
        Delivery::read_snapshot(DeliverySettings::default().with_jobs(12, 400), SEED, bytes).ok().map(Self)
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
