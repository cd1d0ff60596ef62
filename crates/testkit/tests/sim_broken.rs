//! The oracle notices: drivers that are broken on purpose are caught within a hundred seeds, each with all faults and with
//! some. The very run that shows it passes with the driver as it is.

#![allow(clippy::panic, reason = "helpers of tests, too, fail by panicking")]

use std::sync::Arc;

use reveille_conversation::id::PersonId;
use reveille_conversation::{Generation, Kind};
use reveille_core::Action;
use reveille_delivery::{Device, Effect, Priority, Verdict};
use reveille_gateway::{Command, Content, Devices, Input, Job, LookUp, Output, Target};
use reveille_testkit::sim::{Faults, Meddle, Simulation};

/// What all of them are judged by.
const SEEDS: std::ops::Range<u64> = 0..100;

/// In hell little has to be in time.
fn runs(seed: u64) -> [Simulation; 2] {
    [Faults::Hell, Faults::Some].map(|faults| Simulation::new(seed).with_events(200).with_faults(faults))
}

/// Some run shows what these violations begin with.
fn caught(by: &str, make: impl Fn() -> Box<dyn Meddle>) {
    struct Boxed(Box<dyn Meddle>);
    impl Meddle for Boxed {
        fn outputs(&mut self, outputs: Vec<(u64, Output)>) -> Vec<(u64, Output)> {
            self.0.outputs(outputs)
        }
        fn input(&mut self, input: Input) -> Vec<Input> {
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
        fn gives_events_to_two_shards(&self) -> bool {
            self.0.gives_events_to_two_shards()
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
        fn ignores_the_lease(&self) -> bool {
            self.0.ignores_the_lease()
        }
        fn appends_blindly(&self) -> bool {
            self.0.appends_blindly()
        }
        fn lets_the_replay_go(&self) -> bool {
            self.0.lets_the_replay_go()
        }
    }
    for run in SEEDS.flat_map(runs) {
        let report = run.run_with(Boxed(make()));
        if report.violations.iter().any(|violation| violation.starts_with(by)) {
            // It is the driver's fault: one that does everything right passes the very run.
            assert_eq!(run.run().violations, Vec::<String>::new(), "nothing is broken in {run:?}");
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

fn asks_for(kind: Kind, output: &Output) -> bool {
    matches!(output, Output::LookUp(LookUp::Devices(recipient)) if recipient.kind == kind)
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
        fn input(&mut self, input: Input) -> Vec<Input> {
            match input {
                Input::Outcome(outcome) if matches!(outcome.verdict, Verdict::NoAnswer | Verdict::NotSent) => vec![],
                other => vec![other],
            }
        }
    }
    a_cancel_that_is_not_sent("stuck") {
        fn outputs(&mut self, outputs: Vec<(u64, Output)>) -> Vec<(u64, Output)> {
            keep(outputs, |output| !matches!(output, Output::Send(job) if job.content.takes_back()))
        }
    }
    messages_that_were_read_and_are_not_taken_back("stuck: what was read") {
        fn outputs(&mut self, outputs: Vec<(u64, Output)>) -> Vec<(u64, Output)> {
            let is_it = |job: &Job| job.content.takes_back() && job.content.kind() == Kind::NewMessage;
            keep(outputs, |output| !matches!(output, Output::Send(job) if is_it(job)))
        }
    }
    a_message_that_is_withdrawn_and_leaves("late: a message") {
        fn ignores_withdrawals(&self) -> bool { true }
    }
    a_ring_that_is_withdrawn_and_leaves("late: event") {
        fn ignores_withdrawals(&self) -> bool { true }
    }
    a_call_off_that_nobody_hears("late") {
        fn outputs(&mut self, outputs: Vec<(u64, Output)>) -> Vec<(u64, Output)> {
            keep(outputs, |output| !matches!(output, Output::CallOff { .. }))
        }
    }
    attempts_that_left_at_once_and_nobody_says_so("twice") {
        fn input(&mut self, input: Input) -> Vec<Input> {
            vec![match input {
                Input::Devices(answer) => Devices::new(answer.job, answer.devices).into(),
                other => other,
            }]
        }
    }
    a_refusal_taken_for_an_acceptance("lost") {
        fn input(&mut self, input: Input) -> Vec<Input> {
            vec![match input {
                Input::Outcome(mut outcome) => {
                    outcome.verdict = Verdict::Accepted { status: 201 };
                    outcome.into()
                }
                other => other,
            }]
        }
    }
    a_look_up_that_finds_nobody("lost") {
        fn input(&mut self, input: Input) -> Vec<Input> {
            vec![match input {
                Input::Devices(mut devices) => {
                    devices.devices.truncate(1);
                    devices.into()
                }
                other => other,
            }]
        }
    }
    a_lost_generation("backwards") {
        fn job(&mut self, mut job: Job) -> Job {
            if let Content::TakeBack(withdraw) = Arc::make_mut(&mut job.content) {
                withdraw.generation = Generation::from_bits(1);
            }
            job
        }
    }
    a_driver_that_retries_by_itself("twice") {
        fn retries_by_itself(&self) -> bool { true }
    }
    an_acceptance_that_nobody_hears_of("twice") {
        fn input(&mut self, input: Input) -> Vec<Input> {
            let taken = |verdict: &Verdict| matches!(verdict, Verdict::Accepted { .. });
            if matches!(&input, Input::Outcome(outcome) if taken(&outcome.verdict)) { vec![] } else { vec![input] }
        }
    }
    an_acceptance_taken_for_no_answer("twice") {
        fn input(&mut self, input: Input) -> Vec<Input> {
            vec![match input {
                Input::Outcome(mut outcome) if matches!(outcome.verdict, Verdict::Accepted { .. }) => {
                    outcome.verdict = Verdict::NoAnswer;
                    outcome.into()
                }
                other => other,
            }]
        }
    }
    an_event_that_two_shards_get("twice") {
        fn gives_events_to_two_shards(&self) -> bool { true }
    }
    /// A service that was not sure is taken for one that was.
    a_doubt_taken_for_the_end("lost") {
        fn outputs(&mut self, mut outputs: Vec<(u64, Output)>) -> Vec<(u64, Output)> {
            for (_, output) in &mut outputs {
                if let Output::Device { effect, .. } = output
                    && *effect == Effect::Suspect
                {
                    *effect = Effect::Gone { if_registered_before: None };
                }
            }
            outputs
        }
    }
    a_failure_taken_for_the_end("lost") {
        fn input(&mut self, input: Input) -> Vec<Input> {
            vec![match input {
                Input::Outcome(mut outcome) if matches!(outcome.verdict, Verdict::NoAnswer) => {
                    let action = Action::DropTarget { if_registered_before: None };
                    outcome.verdict = Verdict::Refused { status: 410, reason: None, action };
                    outcome.into()
                }
                other => other,
            }]
        }
    }
    a_token_that_is_used_twice("token") {
        fn outputs(&mut self, outputs: Vec<(u64, Output)>) -> Vec<(u64, Output)> {
            let twice = |(number, output): (u64, Output)| {
                let again = matches!(output, Output::Resume(_)).then(|| (number, output.clone()));
                [Some((number, output)), again]
            };
            outputs.into_iter().flat_map(twice).flatten().collect()
        }
    }
    /// What takes a ring back is reported as done, and did not leave.
    a_cancel_that_fails_and_nobody_says_so("stuck") {
        fn input(&mut self, input: Input) -> Vec<Input> {
            vec![match input {
                Input::Outcome(mut outcome) if matches!(outcome.verdict, Verdict::NotSent) => {
                    outcome.verdict = Verdict::Accepted { status: 201 };
                    outcome.into()
                }
                other => other,
            }]
        }
    }
    one_that_slept_and_does_not_look_at_its_lease("twice") {
        fn ignores_the_lease(&self) -> bool { true }
    }
    one_that_slept_and_whose_append_failed("twice") {
        fn appends_blindly(&self) -> bool { true }
    }
    a_change_of_rules_that_is_not_logged("forbidden") {
        fn input(&mut self, input: Input) -> Vec<Input> {
            if matches!(input, Input::Rules(_)) { vec![] } else { vec![input] }
        }
    }
    an_attempt_that_is_not_logged("lost") {
        fn input(&mut self, input: Input) -> Vec<Input> {
            if matches!(input, Input::Outcome(_)) { vec![] } else { vec![input] }
        }
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
    missed_calls_are_forgotten("lost: missed call") {
        fn outputs(&mut self, outputs: Vec<(u64, Output)>) -> Vec<(u64, Output)> {
            keep(outputs, |output| !asks_for(Kind::MissedCall, output))
        }
    }
    a_callbacks_turn_is_forgotten("lost: turn") {
        fn outputs(&mut self, outputs: Vec<(u64, Output)>) -> Vec<(u64, Output)> {
            keep(outputs, |output| !asks_for(Kind::CallbackReady, output))
        }
    }
    most_of_a_page_is_dropped("lost: news") {
        fn input(&mut self, input: Input) -> Vec<Input> {
            vec![match input {
                Input::Page(mut page) => {
                    page.people.drain(..page.people.len().saturating_sub(1));
                    Input::Page(page)
                }
                other => other,
            }]
        }
    }
    a_list_of_which_only_the_first_page_is_read("lost: news") {
        fn input(&mut self, input: Input) -> Vec<Input> {
            if matches!(&input, Input::Page(page) if page.after.is_some()) { vec![] } else { vec![input] }
        }
    }
    an_announcement_that_is_taken_twice("twice: news") {
        fn input(&mut self, input: Input) -> Vec<Input> {
            let Input::Announce { source, announcement } = input else { return vec![input] };
            let mut again = announcement.clone();
            again.id = format!("{}-again", again.id.as_str()).parse().unwrap();
            vec![Input::Announce { source, announcement: again }, Input::Announce { source, announcement }]
        }
    }
    an_announcement_that_is_cancelled_and_goes_on("late: news") {
        fn input(&mut self, input: Input) -> Vec<Input> {
            if matches!(input, Input::Command(Command::CancelAnnouncement(_))) { vec![] } else { vec![input] }
        }
    }
    an_announcement_that_hurries_and_a_ring_that_does_not("held up") {
        fn job(&mut self, mut job: Job) -> Job {
            job.priority = match job.priority {
                Priority::Low => Priority::Urgent,
                Priority::Urgent => Priority::Low,
                other => other,
            };
            job
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

/// The answer to a question is given again, as that to the next one.
#[test]
fn a_look_up_is_answered_twice() {
    struct Broken(Vec<Device>);
    impl Meddle for Broken {
        fn input(&mut self, input: Input) -> Vec<Input> {
            let Input::Devices(devices) = input else { return vec![input] };
            let before = std::mem::replace(&mut self.0, devices.devices.clone());
            vec![Devices::new(devices.job, before).into(), devices.into()]
        }
    }
    caught("lost", || Box::new(Broken(vec![])));
}

/// Whoever asks is told twice: that is harmless, and has to be.
#[test]
fn the_same_answer_twice_does_no_harm() {
    struct Twice;
    impl Meddle for Twice {
        fn input(&mut self, input: Input) -> Vec<Input> {
            vec![input.clone(), input]
        }
    }
    for seed in 1..10 {
        let run = Simulation::new(seed).with_events(200).with_faults(Faults::Some);
        assert_eq!(run.run_with(Twice).violations, Vec::<String>::new(), "seed {seed}");
    }
}

/// What is for one person goes to the device of another.
#[test]
fn the_wrong_device_is_picked() {
    struct Broken(Option<(Target, PersonId)>);
    impl Meddle for Broken {
        fn job(&mut self, mut job: Job) -> Job {
            if matches!(job.target, Target::Device(_)) {
                let own = (job.target, job.person.clone());
                let (target, person) = self.0.replace(own.clone()).unwrap_or(own);
                (job.target, job.person) = (target, person);
            }
            job
        }
    }
    caught("stray", || Box::new(Broken(None)));
}

/// One person in twelve is forgotten.
#[test]
fn one_person_is_left_out() {
    struct Broken(PersonId);
    impl Meddle for Broken {
        fn outputs(&mut self, outputs: Vec<(u64, Output)>) -> Vec<(u64, Output)> {
            keep(outputs, |output| match output {
                Output::Send(job) => job.person != self.0,
                Output::LookUp(LookUp::Devices(recipient)) => recipient.person != self.0,
                _ => true,
            })
        }
    }
    caught("lost", || Box::new(Broken("person-3".parse().unwrap())));
}
