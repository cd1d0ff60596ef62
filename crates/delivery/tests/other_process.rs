//! The same inputs give the same bytes in another process, too: hash maps are seeded anew there, memory lies elsewhere.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // Test helpers.
#![allow(clippy::disallowed_methods, clippy::print_stdout)] // It starts itself again, and that one says what it found.

use std::hash::Hasher as _;
use std::process::Command;
use std::time::Duration;

use reveille_core::siphash::Sip13;
use reveille_core::{Action, Jitter, Machine, RetrySource, Scope, UnixTime};
use reveille_delivery::pacer::{CredentialId, LaneId, Offer, Pacer, PacerSettings, ServiceId};
use reveille_delivery::{
    Delivery, DeliverySettings, Device, DeviceId, HeldBy, Input, Job, JobId, Output, RecipientId, Role, Send,
    SlotId, Verdict, WhenUnsure,
};

const CHILD: &str = "REVEILLE_DELIVERY_CHILD";
const NAME: &str = "the_same_inputs_give_the_same_bytes_in_another_process";
const START: UnixTime = UnixTime::from_secs(1_800_000_000);

#[test]
fn the_same_inputs_give_the_same_bytes_in_another_process() {
    let here = run();
    if std::env::var_os(CHILD).is_some() {
        return println!("digest={here:x};");
    }
    for round in 0..3 {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", NAME, "--nocapture"])
            .env(CHILD, round.to_string())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&child.stdout);
        let there = said.split("digest=").nth(1).and_then(|rest| rest.split(';').next());
        assert_eq!(
            there,
            Some(format!("{here:x}").as_str()),
            "{said}{}",
            String::from_utf8_lossy(&child.stderr)
        );
    }
}

/// Everything that comes out, and the state at its end.
fn run() -> u64 {
    let mut random = Jitter::new(42);
    let mut said = Sip13::new(1, 2);
    let mut world = World {
        delivery: Delivery::new(settings(), 9),
        pacer: Pacer::new(PacerSettings::default(), 10),
        now: START,
        outputs: 0,
    };
    for number in 0..6_000_u64 {
        let input = input(number, world.now, &mut random);
        world.apply(input, &mut said, &mut random);
        world.now += Duration::from_millis(random.up_to_u64(400));
        if let Some(wakeup) = world.delivery.next_wakeup().filter(|wakeup| wakeup.at <= world.now) {
            said.write(wakeup.reason.as_bytes());
            world.apply(Input::Tick, &mut said, &mut random);
        }
        if number % 1_500 == 1_499 {
            let mut bytes = Vec::new();
            world.delivery.write_snapshot(&mut bytes);
            said.write(&bytes);
            world.delivery = Delivery::read_snapshot(settings(), 9, &bytes).unwrap();
            world.apply(Input::Recovered { spread: Duration::from_secs(9) }, &mut said, &mut random);
        }
    }
    assert!(
        world.outputs > 10_000 && world.delivery.len() > 50,
        "{} {}",
        world.outputs,
        world.delivery.len()
    );
    said.finish()
}

fn settings() -> DeliverySettings {
    DeliverySettings::default()
        .with_settled(500)
        .and_then(|settings| settings.with_dead_letters(100, 1_000))
        .and_then(|settings| settings.with_slots(900, Duration::from_secs(60)))
        .unwrap()
}

struct World {
    delivery: Delivery,
    pacer: Pacer<Send>,
    now: UnixTime,
    outputs: u64,
}

impl World {
    fn apply(&mut self, input: Input, said: &mut Sip13, random: &mut Jitter) {
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            let outputs: Vec<_> = self.delivery.apply(input, self.now).collect();
            for output in outputs {
                self.outputs += 1;
                said.write(format!("{output:?}").as_bytes());
                match output {
                    Output::Send(send) => {
                        let lane = LaneId::from_bits(u64::from(send.device.class.0));
                        let (service, key) = (ServiceId(0), CredentialId::from_bits(0));
                        let offer = Offer::new(&send, lane, service, key, send.clone());
                        if let Err(held) = self.pacer.offer(offer, self.now) {
                            inputs.push(deferred(&held.content, held.until, held.by));
                        }
                    }
                    Output::Commit { job, device, attempt } => {
                        inputs.push(Input::Attempt { job, device, attempt });
                    }
                    _ => {}
                }
            }
            while let Some(leave) = self.pacer.next(self.now) {
                let (job, device, attempt) =
                    (leave.content.job, leave.content.device.id, leave.content.attempt);
                let judged = self.pacer.report(leave.ticket, verdict(self.now, random), self.now);
                said.write(format!("{:?}", judged.verdict).as_bytes());
                if random.up_to_u64(9) > 0 {
                    inputs.push(Input::Outcome { job, device, attempt, verdict: judged.verdict });
                }
            }
            while let Some(held) = self.pacer.poll_held() {
                inputs.push(deferred(&held.content, held.until, held.by));
            }
        }
    }
}

fn deferred(send: &Send, until: UnixTime, by: HeldBy) -> Input {
    Input::Deferred { job: send.job, device: Some(send.device.id), until, by }
}

fn input(number: u64, now: UnixTime, random: &mut Jitter) -> Input {
    let slot = SlotId::from_bits(random.up_to_u64(1_200).into());
    match random.up_to_u64(40) {
        0 => Input::Cancel { slot, generation: random.up_to_u64(number) },
        1 => Input::DropDevice { device: DeviceId::from_bits(random.up_to_u64(200).into()) },
        2 => Input::Redrive {
            from: START,
            to: UnixTime::MAX,
            every: Duration::from_millis(50),
            until: UnixTime::MAX,
        },
        3 => Input::ClockStep { was: now, is: now },
        _ => {
            let recipient = RecipientId::from_bits(random.up_to_u64(90).into());
            let mut job = Job::new(
                JobId::from_bits(number.into()),
                recipient,
                slot,
                number,
                vec![7; number as usize % 50],
            );
            let device = |random: &mut Jitter| {
                let class = reveille_delivery::Class(random.up_to_u64(2) as u8);
                Device::new(DeviceId::from_bits(random.up_to_u64(200).into()), 1).with_class(class)
            };
            if random.up_to_u64(5) > 0 {
                let devices: Vec<_> = (0..=random.up_to_u64(2)).map(|_| device(random)).collect();
                job = job.with_devices(devices);
            }
            if random.up_to_u64(4) == 0 {
                job = job.with_role(Role::Cancel { except: None });
            }
            if random.up_to_u64(4) == 0 {
                job = job.with_when_unsure(WhenUnsure::GiveUp);
            }
            if random.up_to_u64(2) == 0 {
                job = job.with_not_after(now + Duration::from_millis(random.up_to_u64(60_000)));
            }
            Input::Submit { job: job.into() }
        }
    }
}

fn verdict(now: UnixTime, random: &mut Jitter) -> Verdict {
    let until = now + Duration::from_secs(3);
    let action = match random.up_to_u64(20) {
        0 => return Verdict::NotSent,
        1 => return Verdict::NoAnswer,
        2 => Action::Retry { not_before: now, source: RetrySource::Guess },
        3 => Action::SlowDown { scope: Scope::Target, until, source: RetrySource::Service },
        4 => Action::FixRequest { field: None },
        5 => Action::SuspectTarget,
        _ => return Verdict::Accepted { status: 201 },
    };
    Verdict::Refused { status: 400, reason: None, action }
}
