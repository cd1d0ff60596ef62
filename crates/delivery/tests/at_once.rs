//! First attempts that leave before it is in the log on which devices: what the machine makes of them.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail by panicking"
)]

use std::time::Duration;

use reveille_core::{Machine as _, UnixTime};
use reveille_delivery::explain::{LegStatus, Status};
use reveille_delivery::{
    Delivery, DeliverySettings, Device, DeviceId, Fate, Input, Job, JobId, Output, RecipientId, Resolve,
    Role, SlotId, Verdict, WhenUnsure,
};

const NOW: UnixTime = UnixTime::from_secs(1_000);
const OK: Verdict = Verdict::Accepted { status: 201 };

fn machine() -> Delivery {
    Delivery::new(DeliverySettings::default().with_devices(2).unwrap(), 7)
}

fn device(id: u128) -> Device {
    Device::new(DeviceId::from_bits(id), 1)
}

fn job(id: u128, generation: u64) -> Job {
    let (job, slot) = (JobId::from_bits(id), SlotId::from_bits(9));
    Job::new(job, RecipientId::from_bits(1), slot, generation, "ring")
        .with_not_after(NOW + Duration::from_secs(60))
}

fn submit(job: Job) -> Input {
    Input::Submit { job: job.into() }
}

fn let_go(id: u128, devices: &[Device]) -> Input {
    Input::LetGo { job: JobId::from_bits(id), devices: devices.to_vec() }
}

fn outcome(id: u128, device: Device, attempt: u8, verdict: Verdict) -> Input {
    Input::Outcome { job: JobId::from_bits(id), device: device.id, attempt, verdict }
}

fn apply(delivery: &mut Delivery, input: Input, now: UnixTime) -> Vec<Output> {
    delivery.apply(input, now).collect()
}

fn asked(outputs: &[Output]) -> Option<&Resolve> {
    outputs.iter().find_map(|output| if let Output::Resolve(asked) = output { Some(asked) } else { None })
}

/// Job and device of what leaves.
fn sent(outputs: &[Output]) -> Vec<(u128, u128, u8)> {
    let sent = outputs.iter().filter_map(|output| match output {
        Output::Send(send) => Some((send.job.to_bits(), send.device.id.to_bits(), send.attempt)),
        _ => None,
    });
    sent.collect()
}

#[test]
fn the_first_attempt_is_what_would_have_been_sent() {
    let (mut one, mut other) = (machine(), machine());
    let outputs = apply(&mut one, submit(job(1, 1)), NOW);
    let first = asked(&outputs).unwrap().first(device(5));
    apply(&mut other, submit(job(1, 1)), NOW);
    let resolved = Input::Resolved { job: JobId::from_bits(1), devices: vec![device(5)] };
    assert_eq!(apply(&mut other, resolved, NOW), [Output::Send(first)]);
    assert_eq!(apply(&mut one, let_go(1, &[device(5)]), NOW), []);
    // From here on both are the same.
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    one.write_snapshot(&mut ours);
    other.write_snapshot(&mut theirs);
    assert_eq!(ours, theirs);
}

#[test]
fn a_retry_is_the_second_attempt() {
    let mut delivery = machine();
    apply(&mut delivery, submit(job(1, 1)), NOW);
    apply(&mut delivery, let_go(1, &[device(5)]), NOW);
    apply(&mut delivery, outcome(1, device(5), 1, Verdict::NotSent), NOW);
    let later = delivery.next_wakeup().unwrap().at;
    assert_eq!(sent(&apply(&mut delivery, Input::Tick, later)), [(1, 5, 2)]);
}

/// What is maybe never has its attempt in the log before the wire, and what has company in its slot might overtake it.
#[test]
fn not_everything_may_leave_at_once() {
    let mut delivery = machine();
    let careful = job(1, 1).with_when_unsure(WhenUnsure::GiveUp);
    assert!(!asked(&apply(&mut delivery, submit(careful), NOW)).unwrap().at_once);

    let mut delivery = machine();
    apply(&mut delivery, submit(job(1, 1)), NOW);
    let outputs = apply(&mut delivery, submit(job(2, 2)), NOW);
    assert!(!asked(&outputs).unwrap().at_once);
    assert!(outputs.contains(&Output::CallOff { job: JobId::from_bits(1) }));
    // The newer one's devices are known first: it waits until it is known whom the older one told.
    let resolved =
        |devices: &[Device]| Input::Resolved { job: JobId::from_bits(2), devices: devices.to_vec() };
    assert_eq!(sent(&apply(&mut delivery, resolved(&[device(5), device(6)]), NOW)), []);
    let outputs = apply(&mut delivery, let_go(1, &[device(5)]), NOW);
    assert_eq!(sent(&outputs), [(2, 6, 1)], "nothing is on the wire there");
    assert!(outputs.contains(&Output::Withdraw { job: JobId::from_bits(1), device: device(5).id }));
    let outputs = apply(&mut delivery, outcome(1, device(5), 1, OK), NOW);
    assert_eq!(sent(&outputs), [(2, 5, 1)]);
}

#[test]
fn a_newer_one_does_not_wait_for_ever() {
    let mut delivery = machine();
    apply(&mut delivery, submit(job(1, 1)), NOW);
    apply(&mut delivery, submit(job(2, 2)), NOW);
    let resolved = Input::Resolved { job: JobId::from_bits(2), devices: vec![device(5)] };
    apply(&mut delivery, resolved, NOW);
    let outputs = apply(&mut delivery, Input::Tick, NOW + Duration::from_secs(2));
    assert_eq!(sent(&outputs), [(2, 5, 1)]);
}

/// Two old ones in a slot: a cancel goes to what was heard before at once, and to the rest when that is known.
#[test]
fn a_cancel_goes_to_whom_it_knows_and_waits_for_the_rest() {
    let mut delivery = machine();
    apply(&mut delivery, submit(job(1, 1).with_devices([device(4)])), NOW);
    apply(&mut delivery, outcome(1, device(4), 1, OK), NOW);
    assert!(asked(&apply(&mut delivery, submit(job(2, 2)), NOW)).unwrap().at_once);
    let cancel = job(3, 3).with_role(Role::Cancel { except: Some(device(6).id) });
    assert_eq!(sent(&apply(&mut delivery, submit(cancel), NOW)), [], "the ring may be on its way to it, too");
    let outputs = apply(&mut delivery, let_go(2, &[device(5), device(6)]), NOW);
    assert_eq!(sent(&outputs), [(3, 4, 1)]);
    assert_eq!(sent(&apply(&mut delivery, outcome(2, device(5), 1, Verdict::NoAnswer), NOW)), [(3, 5, 1)]);
    assert_eq!(sent(&apply(&mut delivery, outcome(2, device(6), 1, OK), NOW)), [], "it answered, and knows");
    apply(&mut delivery, outcome(3, device(4), 1, OK), NOW);
    let outputs = apply(&mut delivery, outcome(3, device(5), 1, OK), NOW);
    assert!(outputs.contains(&Output::Settled { job: JobId::from_bits(3), fate: Fate::Accepted }));
    assert!(delivery.is_empty());
}

/// More devices than the bound: the rest was not let go, and counts as too many.
#[test]
fn the_bound_of_devices_holds() {
    let mut delivery = machine();
    let outputs = apply(&mut delivery, submit(job(1, 1)), NOW);
    assert_eq!(asked(&outputs).unwrap().most, 2);
    let outputs =
        apply(&mut delivery, let_go(1, &[device(1), device(2), device(2), device(3), device(4)]), NOW);
    let over =
        outputs.iter().filter(|output| matches!(output, Output::LegSettled { fate: Fate::Overflow, .. }));
    assert_eq!(over.count(), 2);
    let legs = delivery.explain(JobId::from_bits(1)).unwrap().legs;
    let on_its_way = legs.iter().filter(|leg| matches!(leg.status, LegStatus::OnItsWay { .. }));
    assert_eq!(on_its_way.count(), 2);
}

/// Nobody answers: it is asked again as what may have been told, until it expires; and then for what has left, but not for
/// ever.
#[test]
fn without_an_answer_it_ends() {
    let mut delivery =
        Delivery::new(DeliverySettings::default().with_answer_within(Duration::from_secs(20)).unwrap(), 7);
    apply(&mut delivery, submit(job(1, 1)), NOW);
    let (mut now, mut questions) = (NOW, Vec::new());
    while let Some(wakeup) = delivery.next_wakeup() {
        assert!(wakeup.at > now);
        now = wakeup.at;
        let outputs = apply(&mut delivery, Input::Tick, now);
        questions.extend(asked(&outputs).map(|asked| (asked.at_once, asked.maybe_again)));
    }
    assert_eq!(questions[..2], [(true, true), (true, true)]);
    assert!(questions[2..].iter().all(|question| *question == (false, true)), "{questions:?}");
    assert!(now < NOW + Duration::from_secs(3_700), "an hour, as slots are remembered");
    assert!(delivery.is_empty());
}

#[test]
fn a_question_survives_the_process() {
    let mut delivery = machine();
    apply(&mut delivery, submit(job(1, 1)), NOW);
    let cancel = job(2, 2).with_role(Role::Cancel { except: None });
    apply(&mut delivery, submit(cancel), NOW);
    let mut bytes = Vec::new();
    delivery.write_snapshot(&mut bytes);
    let settings = DeliverySettings::default().with_devices(2).unwrap();
    let mut delivery = Delivery::read_snapshot(settings, 7, &bytes).unwrap();
    let status = delivery.explain(JobId::from_bits(1)).unwrap().status;
    assert_eq!(status, Status::CalledOff { fate: Fate::Cancelled });
    let outputs = apply(&mut delivery, Input::Recovered { spread: Duration::ZERO }, NOW);
    assert_eq!(asked(&outputs).map(|asked| (asked.at_once, asked.maybe_again)), Some((false, true)));
    // Whoever would be picked now may have been told, and hears that it is over.
    let resolved = Input::Resolved { job: JobId::from_bits(1), devices: vec![device(5)] };
    let outputs = apply(&mut delivery, resolved, NOW);
    assert_eq!(sent(&outputs), [(2, 5, 1)]);
    assert!(outputs.contains(&Output::Settled { job: JobId::from_bits(1), fate: Fate::Cancelled }));
}

/// Whoever was asked to wait for the commit may be about to answer: another question does not change that.
#[test]
fn a_question_that_is_asked_again_stays_what_it_was() {
    let mut delivery = machine();
    apply(&mut delivery, submit(job(1, 1).with_devices([device(4)])), NOW);
    assert!(!asked(&apply(&mut delivery, submit(job(2, 2)), NOW)).unwrap().at_once);
    apply(&mut delivery, outcome(1, device(4), 1, OK), NOW);
    let outputs = apply(&mut delivery, Input::Recovered { spread: Duration::ZERO }, NOW);
    assert!(!asked(&outputs).unwrap().at_once, "although nothing else lives in the slot now");
}
