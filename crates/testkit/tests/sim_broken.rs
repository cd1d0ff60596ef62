//! The oracle notices: drivers that are broken on purpose are caught within a hundred seeds. A product without such a driver
//! passes the same seeds in `sim.rs`.

#![allow(clippy::panic, reason = "helpers of tests, too, fail by panicking")]

use std::sync::Arc;

use reveille_conversation::id::PersonId;
use reveille_delivery::{Priority, Verdict};
use reveille_gateway::{Content, Input, Job, LookUp, Output};
use reveille_testkit::sim::{Faults, Meddle, Simulation};

/// The kinds of violations that a hundred runs at most have shown.
fn caught(by: &str, make: impl Fn() -> Box<dyn Meddle>) {
    struct Boxed(Box<dyn Meddle>);
    impl Meddle for Boxed {
        fn outputs(&mut self, outputs: Vec<(u64, Output)>) -> Vec<(u64, Output)> {
            self.0.outputs(outputs)
        }
        fn input(&mut self, input: Input) -> Option<Input> {
            self.0.input(input)
        }
        fn job(&mut self, job: Job) -> Job {
            self.0.job(job)
        }
        fn acknowledges_early(&self) -> bool {
            self.0.acknowledges_early()
        }
        fn releases_early(&self) -> bool {
            self.0.releases_early()
        }
        fn forgets_the_tail(&self) -> bool {
            self.0.forgets_the_tail()
        }
        fn ignores_withdrawals(&self) -> bool {
            self.0.ignores_withdrawals()
        }
        fn retries_by_itself(&self) -> bool {
            self.0.retries_by_itself()
        }
        fn never_ticks(&self) -> bool {
            self.0.never_ticks()
        }
        fn lets_the_replay_go(&self) -> bool {
            self.0.lets_the_replay_go()
        }
    }
    for seed in 0..100 {
        let run = Simulation::new(seed).with_events(200).with_faults(Faults::Hell);
        let report = run.run_with(Boxed(make()));
        if report.violations.iter().any(|violation| violation.starts_with(by)) {
            return;
        }
    }
    panic!("no run showed that something is {by}");
}

macro_rules! broken {
    ($($(#[$doc:meta])* $name:ident($by:literal) { $($body:tt)* })*) => {$(
        $(#[$doc])*
        #[test]
        fn $name() {
            struct Broken;
            impl Meddle for Broken { $($body)* }
            caught($by, || Box::new(Broken));
        }
    )*};
}

fn keep(outputs: Vec<(u64, Output)>, mut keep: impl FnMut(&Output) -> bool) -> Vec<(u64, Output)> {
    outputs.into_iter().filter(|(_, output)| keep(output)).collect()
}

broken! {
    an_acknowledgement_before_the_commit("lost") {
        fn acknowledges_early(&self) -> bool { true }
    }
    an_output_before_the_commit("early") {
        fn releases_early(&self) -> bool { true }
    }
    a_log_whose_tail_is_not_read("lost") {
        fn forgets_the_tail(&self) -> bool { true }
    }
    a_retry_that_is_dropped("lost") {
        fn outputs(&mut self, outputs: Vec<(u64, Output)>) -> Vec<(u64, Output)> {
            // And reported as done.
            keep(outputs, |output| !matches!(output, Output::Send(job) if job.attempt > 1))
        }
        fn input(&mut self, input: Input) -> Option<Input> {
            Some(match input {
                Input::Outcome(outcome) if matches!(outcome.verdict, Verdict::NoAnswer | Verdict::NotSent) => return None,
                other => other,
            })
        }
    }
    a_cancel_that_is_not_sent("stuck") {
        fn outputs(&mut self, outputs: Vec<(u64, Output)>) -> Vec<(u64, Output)> {
            keep(outputs, |output| !matches!(output, Output::Send(job) if job.content.takes_back()))
        }
    }
    a_ring_that_is_withdrawn_and_leaves("late") {
        fn ignores_withdrawals(&self) -> bool { true }
    }
    a_refusal_taken_for_an_acceptance("lost") {
        fn input(&mut self, input: Input) -> Option<Input> {
            Some(match input {
                Input::Outcome(mut outcome) => {
                    outcome.verdict = Verdict::Accepted { status: 201 };
                    outcome.into()
                }
                other => other,
            })
        }
    }
    a_look_up_that_finds_nobody("lost") {
        fn input(&mut self, input: Input) -> Option<Input> {
            Some(match input {
                Input::Devices(mut devices) => {
                    devices.devices.truncate(1);
                    devices.into()
                }
                other => other,
            })
        }
    }
    a_lost_generation("backwards") {
        fn job(&mut self, mut job: Job) -> Job {
            if job.content.takes_back() {
                job.generation = 1;
            }
            job
        }
    }
    a_driver_that_retries_by_itself("twice") {
        fn retries_by_itself(&self) -> bool { true }
    }
    a_clock_that_nobody_commits("never at rest") {
        fn never_ticks(&self) -> bool { true }
    }
    a_replay_that_leaves("twice") {
        fn lets_the_replay_go(&self) -> bool { true }
    }
    rings_are_forgotten("lost") {
        fn outputs(&mut self, outputs: Vec<(u64, Output)>) -> Vec<(u64, Output)> {
            keep(outputs, |output| {
                !matches!(output, Output::LookUp(LookUp::Devices(recipient)) if recipient.priority == Priority::Urgent)
            })
        }
    }
    another_text_than_the_last_one("lost") {
        fn job(&mut self, mut job: Job) -> Job {
            if let Content::Show { intent, .. } = Arc::make_mut(&mut job.content) {
                intent.arguments.snippet = Some("event-0".into());
            }
            job
        }
    }
}

/// One person in twelve is forgotten.
#[test]
fn one_person_is_left_out() {
    struct Broken(PersonId);
    impl Meddle for Broken {
        fn outputs(&mut self, outputs: Vec<(u64, Output)>) -> Vec<(u64, Output)> {
            keep(outputs, |output| !matches!(output, Output::Send(job) if job.person == self.0))
        }
    }
    caught("lost", || Box::new(Broken("person-3".parse().unwrap())));
}
