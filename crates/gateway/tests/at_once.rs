//! First attempts leave while it is being written down to which devices: one commit for a ring, and nothing of what two
//! commits promise is lost.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, too, fail by panicking"
)]

mod common;

use std::time::Duration;

use common::*;
use reveille_conversation::event::Role;
use reveille_delivery::explain::{LegStatus, Status};
use reveille_delivery::{DeviceId, Fate, HeldBy, JobId, Verdict};
use reveille_gateway::*;

const OK: Verdict = Verdict::Accepted { status: 201 };

/// A driver in which every step is made by hand.
struct Desk {
    drive: Drive,
    at_once: AtOnce,
}

fn desk() -> Desk {
    Desk { drive: Drive::new(gateway()), at_once: AtOnce::default() }
}

fn lookup(outputs: &[Output]) -> Recipient {
    let asked = outputs.iter().find_map(|output| match output {
        Output::LookUp(LookUp::Devices(recipient)) => Some(recipient.clone()),
        _ => None,
    });
    asked.unwrap_or_else(|| panic!("nobody asks: {outputs:?}"))
}

fn is_called_off(outputs: &[Output], of: &Recipient) -> bool {
    outputs.contains(&Output::CallOff { job: of.job })
}

fn withdrawn(outputs: &[Output]) -> Vec<DeviceId> {
    let devices = outputs.iter().filter_map(|output| match output {
        Output::Withdraw { device, .. } => Some(*device),
        _ => None,
    });
    devices.collect()
}

fn settled(outputs: &[Output], of: &Recipient) -> Option<Fate> {
    outputs.iter().find_map(|output| match output {
        Output::Note(Note::Settled { job, fate }) if *job == of.job => Some(*fate),
        _ => None,
    })
}

impl Desk {
    fn put(&mut self, inputs: impl IntoIterator<Item = Input>) -> Vec<Output> {
        self.drive.put(inputs)
    }

    /// A ring of Alan's, and the question where.
    fn ring(&mut self) -> Recipient {
        let now = self.drive.now;
        let recipient = lookup(&self.put([event("call", None, offer("alan"), now)]));
        assert!(recipient.is_at_once());
        self.at_once.ask(&recipient);
        recipient
    }

    /// A message for Vera, whose window is over, and the question where.
    fn message(&mut self) -> Recipient {
        let now = self.drive.now;
        self.put([
            event("chat", None, joined("vera", Role::Visitor), now),
            event("chat", None, joined("alan", Role::Primary), now),
            event("chat", None, message("alan", 1, "hi"), now),
        ]);
        self.drive.now = self.drive.shard.next_wakeup().unwrap().at;
        let outputs = self.drive.commit(true);
        let recipient = lookup(&outputs);
        self.at_once.ask(&recipient);
        recipient
    }

    fn end(&mut self) -> Vec<Output> {
        self.later(200);
        let now = self.drive.now;
        let ended = reveille_conversation::event::Ended { abandoned: true };
        self.put([event("call", None, reveille_conversation::event::What::CallEnded(ended), now)])
    }

    fn later(&mut self, ms: u64) {
        self.drive.now += Duration::from_millis(ms);
    }

    /// Lets it go; the answer waits to be committed.
    fn let_go(&mut self, recipient: &Recipient) -> (Vec<Job>, Input) {
        let picked = Devices::new(recipient.job, devices(recipient.person.as_str()));
        let mut answer = None;
        let jobs = self.at_once.let_go(recipient, picked, |handed| answer = Some(handed.into()));
        (jobs, answer.unwrap())
    }

    /// The process dies, and another one reads the log.
    fn crash(&mut self) -> Vec<Output> {
        let mut bytes = Vec::new();
        self.drive.shard.snapshot(&mut bytes);
        self.drive.shard = Shard::restore(SEED, &bytes).unwrap();
        self.at_once = AtOnce::default();
        self.drive.admission = Admission::new(AdmissionLimits::default());
        self.put([Input::Recovered(CatchUp::default())])
    }

    fn is_over(&self, job: JobId) -> bool {
        let explained = self.drive.shard.gateway().explain(job);
        explained.is_some_and(|explained| matches!(explained.delivery.status, Status::Settled { .. }))
    }
}

#[test]
fn a_ring_leaves_after_one_commit_and_is_not_given_out_again() {
    let mut desk = desk();
    let recipient = desk.ring();
    let (jobs, answer) = desk.let_go(&recipient);
    assert_eq!(jobs.len(), 2);
    assert!(!answer.is_urgent(), "it has left already");
    for job in &jobs {
        assert_eq!((job.attempt, job.maybe_again, job.job), (1, false, recipient.job));
        assert_eq!(job.content.person(), &recipient.person);
    }
    let outputs = desk.put([answer]);
    assert!(outputs.iter().all(Output::is_note), "{outputs:?}");
    let legs = desk.drive.shard.gateway().explain(recipient.job).unwrap().delivery.legs;
    assert!(legs.iter().all(|leg| leg.attempt == 1 && matches!(leg.status, LegStatus::OnItsWay { .. })));
    let outputs = desk.put([Outcome::of(&jobs[0], OK).into(), Outcome::of(&jobs[1], OK).into()]);
    assert_eq!(settled(&outputs, &recipient), Some(Fate::Accepted));
    // Its cancel goes to both.
    let outputs = desk.end();
    assert_eq!(sent(&outputs).iter().filter(|job| job.content.takes_back()).count(), 2);
}

/// What is let go at once is, byte for byte, what would have been sent after the commit.
#[test]
fn the_job_is_the_same_either_way() {
    let (mut slow, mut quick) = (desk(), desk());
    let recipient = slow.ring();
    let sent_slowly = slow.put([Devices::new(recipient.job, devices("alan")).into()]);
    let recipient = quick.ring();
    let (jobs, _) = quick.let_go(&recipient);
    assert_eq!(sent(&sent_slowly), jobs.iter().collect::<Vec<_>>());
}

#[test]
fn a_cancel_in_between_reaches_what_has_left_and_nothing_else() {
    let mut desk = desk();
    let recipient = desk.ring();
    let (jobs, answer) = desk.let_go(&recipient);
    let outputs = desk.end();
    assert!(is_called_off(&outputs, &recipient));
    assert!(sent(&outputs).is_empty(), "to whom is not known yet: {outputs:?}");
    assert_eq!(desk.at_once.call_off(recipient.job), [jobs[0].target.id(), jobs[1].target.id()]);
    // Now it is known who may ring: the cancel waits for them.
    let outputs = desk.put([answer]);
    assert_eq!(withdrawn(&outputs).len(), 2);
    assert!(sent(&outputs).is_empty(), "the ring is on the wire: {outputs:?}");
    // One had not left.
    let outputs =
        desk.put([Outcome::of(&jobs[0], OK).into(), Outcome::of(&jobs[1], Verdict::NotSent).into()]);
    let cancels = sent(&outputs);
    assert_eq!(cancels.len(), 1, "{outputs:?}");
    assert!(cancels[0].content.takes_back());
    assert_eq!(cancels[0].target, jobs[0].target);
    let (cancel, outcome) = (cancels[0].job, Outcome::of(cancels[0], OK));
    desk.put([outcome.into()]);
    assert!(desk.is_over(recipient.job) && desk.is_over(cancel));
}

/// The cancel does not wait for an outcome for ever.
#[test]
fn a_cancel_overtakes_a_ring_without_an_outcome_after_two_seconds() {
    let mut desk = desk();
    let recipient = desk.ring();
    let (_, answer) = desk.let_go(&recipient);
    desk.end();
    desk.put([answer]);
    desk.later(2_000);
    let outputs = desk.put([Input::Tick]);
    assert_eq!(sent(&outputs).iter().filter(|job| job.content.takes_back()).count(), 2, "{outputs:?}");
}

#[test]
fn what_was_called_off_before_it_was_picked_does_not_leave() {
    let mut desk = desk();
    let recipient = desk.ring();
    let outputs = desk.end();
    assert!(is_called_off(&outputs, &recipient));
    assert!(desk.at_once.call_off(recipient.job).is_empty());
    let (jobs, answer) = desk.let_go(&recipient);
    assert!(jobs.is_empty(), "it was called off");
    let outputs = desk.put([answer]);
    assert!(sent(&outputs).is_empty(), "nobody has heard anything: {outputs:?}");
    assert_eq!(settled(&outputs, &recipient), Some(Fate::Cancelled));
}

/// Whoever called off and was never answered does not stay for ever.
#[test]
fn a_look_up_that_is_called_off_and_lost_ends() {
    let mut desk = desk();
    let recipient = desk.ring();
    desk.end();
    desk.later(30_000);
    let outputs = desk.put([Input::Tick]);
    assert_eq!(settled(&outputs, &recipient), Some(Fate::Cancelled));
    let ended = outputs
        .iter()
        .filter(|output| matches!(output, Output::Note(Note::Settled { fate: Fate::NotNeeded, .. })));
    assert_eq!(ended.count(), 1, "the cancel has nobody to go to: {outputs:?}");
}

/// Between the first byte and the commit of the devices: it is asked again, and maybe told twice.
#[test]
fn after_a_crash_it_is_let_go_again_as_the_first_attempt() {
    let mut desk = desk();
    let recipient = desk.ring();
    let (before, _) = desk.let_go(&recipient);
    let outputs = desk.crash();
    let again = lookup(&outputs);
    assert_eq!(again.job, recipient.job);
    desk.at_once.ask(&again);
    let (jobs, answer) = desk.let_go(&again);
    assert_eq!(
        jobs.iter().map(|job| job.leg).collect::<Vec<_>>(),
        before.iter().map(|job| job.leg).collect::<Vec<_>>()
    );
    assert!(jobs.iter().all(|job| job.attempt == 1 && job.maybe_again));
    desk.put([answer]);
    let not_sent = jobs.iter().map(|job| Outcome::of(job, Verdict::NotSent).into()).collect::<Vec<_>>();
    desk.put(not_sent);
    // They may have rung, by the process that died: so the cancel goes to them.
    let outputs = desk.end();
    assert_eq!(sent(&outputs).iter().filter(|job| job.content.takes_back()).count(), 2, "{outputs:?}");
}

/// A ring's fate is unknown, and so is on which devices: whoever would be picked now is told that it is over.
#[test]
fn a_cancel_after_a_crash_reaches_whoever_may_have_been_picked() {
    let mut desk = desk();
    let recipient = desk.ring();
    desk.let_go(&recipient);
    // In either order.
    for cancel_first in [true, false] {
        let mut desk = Desk { drive: Drive::new(gateway()), at_once: AtOnce::default() };
        let recipient = desk.ring();
        desk.let_go(&recipient);
        let outputs = if cancel_first {
            desk.end();
            desk.crash()
        } else {
            let outputs = desk.crash();
            desk.end();
            outputs
        };
        let again = lookup(&outputs);
        assert_eq!(again.is_at_once(), !cancel_first);
        desk.at_once.ask(&again);
        let _ = desk.at_once.call_off(again.job);
        let (jobs, answer) = desk.let_go(&again);
        assert!(jobs.is_empty());
        let outputs = desk.put([answer]);
        let cancels = sent(&outputs);
        assert_eq!(cancels.len(), 2, "cancel first {cancel_first}: {outputs:?}");
        assert!(cancels.iter().all(|job| job.content.takes_back()));
    }
}

/// A ring was over when the next process came: the devices that may ring are asked for all the same, and so they stop.
#[test]
fn a_ring_that_was_over_after_a_crash_is_taken_back() {
    for crashes in [1, 2] {
        let mut desk = desk();
        let recipient = desk.ring();
        assert!(!recipient.maybe_again);
        desk.let_go(&recipient);
        for crash in 1..crashes {
            desk.later(1_000 * crash);
            let again = lookup(&desk.crash());
            assert!(again.is_at_once() && again.maybe_again);
            desk.let_go(&again);
        }
        desk.later(40_000);
        let outputs = desk.crash();
        let again = outputs.iter().find_map(|output| match output {
            Output::LookUp(LookUp::Devices(asked)) if asked.job == recipient.job => Some(asked.clone()),
            _ => None,
        });
        let again = again.unwrap();
        assert!(again.not_after <= desk.drive.now && again.maybe_again, "{again:?}");
        desk.at_once.ask(&again);
        let (jobs, answer) = desk.let_go(&again);
        let mut outputs = desk.put([answer]);
        // One that may leave at once finds out when it is written that it is late.
        let late: Vec<Input> = jobs.iter().map(|job| Outcome::of(job, Verdict::NotSent).into()).collect();
        outputs.extend(desk.put(late));
        let cancels = sent(&outputs);
        assert_eq!(cancels.iter().filter(|job| job.content.takes_back()).count(), 2, "{outputs:?}");
        assert_eq!(settled(&outputs, &recipient), Some(Fate::Expired));
    }
}

/// Messages, too: what is read while it leaves is taken back where it has left.
#[test]
fn a_read_in_between_takes_back_what_has_left() {
    let mut desk = desk();
    let recipient = desk.message();
    let (jobs, answer) = desk.let_go(&recipient);
    let now = desk.drive.now;
    let outputs = desk.put([event("chat", None, read("vera", 1), now)]);
    assert!(is_called_off(&outputs, &recipient), "{outputs:?}");
    assert!(sent(&desk.put([answer])).is_empty(), "it is on the wire");
    let outcomes: Vec<Input> = jobs.iter().map(|job| Outcome::of(job, OK).into()).collect();
    let outputs = desk.put(outcomes);
    assert_eq!(sent(&outputs).iter().filter(|job| job.content.takes_back()).count(), 2, "{outputs:?}");
}

#[test]
fn a_held_attempt_waits_and_one_without_devices_falls_back() {
    let mut desk = desk();
    let recipient = desk.ring();
    let (jobs, answer) = desk.let_go(&recipient);
    let until = desk.drive.now + Duration::from_secs(3);
    let outputs = desk.put([
        answer,
        Deferred::attempt(&jobs[0], until, HeldBy::Rate).into(),
        Outcome::of(&jobs[1], OK).into(),
    ]);
    assert!(outputs.iter().all(|output| output.is_note() || output.is_effect()), "{outputs:?}");
    desk.drive.now = until;
    let outputs = desk.put([Input::Tick]);
    let again = sent(&outputs);
    assert_eq!((again.len(), again[0].leg, again[0].attempt), (1, jobs[0].leg, 1), "it costs nothing");

    let mut desk = self::desk();
    let recipient = desk.ring();
    let mut answer = None;
    let nobody = Devices::new(recipient.job, []);
    let jobs = desk.at_once.let_go(&recipient, nobody, |handed| answer = Some(handed.into()));
    assert!(jobs.is_empty());
    let outputs = desk.put([answer.unwrap()]);
    assert_eq!(settled(&outputs, &recipient), Some(Fate::NoDevice));
    assert!(outputs.iter().any(|output| matches!(output, Output::Note(Note::PushFailed { .. }))));
}

/// The person wants quiet: the messages go on being collected, and nothing waits for what left.
#[test]
fn whoever_is_held_is_not_waited_for() {
    let mut desk = desk();
    let recipient = desk.message();
    desk.at_once.defer(recipient.job);
    let until = desk.drive.now + Duration::from_secs(600);
    let outputs = desk.put([Deferred::person(recipient.job, until, HeldBy::Quiet).into()]);
    assert_eq!(settled(&outputs, &recipient), Some(Fate::Cancelled), "{outputs:?}");
    desk.drive.now = until;
    let outputs = desk.put([Input::Tick]);
    assert_eq!(lookup(&outputs).person, recipient.person, "it is told then");
}

/// An answer that is late in every way: twice, behind its outcome, for a job that has ended.
#[test]
fn answers_in_a_wrong_order_lose_nothing() {
    let mut desk = desk();
    let recipient = desk.ring();
    let (jobs, answer) = desk.let_go(&recipient);
    // Types keep this from happening: an outcome in front of its answer is nobody's.
    let outcomes = jobs.iter().map(|job| Outcome::of(job, OK).into()).collect::<Vec<Input>>();
    desk.put(outcomes.clone());
    desk.put([answer.clone(), answer.clone()]);
    assert!(!desk.is_over(recipient.job));
    // It comes again, or not at all: then the ring is sent once more.
    desk.put(outcomes);
    assert!(desk.is_over(recipient.job));
    let outputs = desk.put([answer]);
    assert!(outputs.iter().all(Output::is_note), "{outputs:?}");
}

/// What expires while it is being let go: the outcome counts, and nothing stays.
#[test]
fn a_ring_that_expires_meanwhile_is_called_off() {
    let mut desk = desk();
    let recipient = desk.ring();
    let (jobs, answer) = desk.let_go(&recipient);
    desk.drive.now = recipient.not_after;
    let outputs = desk.put([Input::Tick]);
    assert!(is_called_off(&outputs, &recipient), "{outputs:?}");
    let status = desk.drive.shard.gateway().explain(recipient.job).unwrap().delivery.status;
    assert_eq!(status, Status::CalledOff { fate: Fate::Expired });
    desk.put([answer]);
    let outcomes: Vec<Input> = jobs.iter().map(|job| Outcome::of(job, OK).into()).collect();
    let outputs = desk.put(outcomes);
    assert_eq!(settled(&outputs, &recipient), Some(Fate::Accepted));
}

/// Without a word that it has left, nothing is taken for gone.
#[test]
fn nothing_is_let_go_that_was_not_asked_for() {
    let mut desk = desk();
    let now = desk.drive.now;
    let recipient = lookup(&desk.put([event("call", None, offer("alan"), now)]));
    // `ask` was forgotten.
    let (jobs, answer) = desk.let_go(&recipient);
    assert!(jobs.is_empty());
    let outputs = desk.put([answer]);
    assert_eq!(sent(&outputs).len(), 2, "after the commit, as ever");
}

/// A restart in which a window ends at once asks twice in one group.
#[test]
fn who_is_asked_twice_lets_go_once() {
    let mut desk = desk();
    let recipient = desk.ring();
    let outputs = desk.put([Input::Recovered(CatchUp::default())]);
    let again = lookup(&outputs);
    desk.at_once.ask(&again);
    let (jobs, answer) = desk.let_go(&recipient);
    let (twice, other) = desk.let_go(&again);
    assert_eq!((jobs.len(), twice.len()), (2, 0));
    assert!(sent(&desk.put([answer, other])).is_empty());
    desk.put(jobs.iter().map(|job| Outcome::of(job, OK).into()).collect::<Vec<_>>());
    assert!(desk.is_over(recipient.job));
    desk.at_once.settled(recipient.job);
    assert!(desk.at_once.is_empty());
}
