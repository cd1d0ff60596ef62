//! The same events under other rules or settings.

use std::collections::BTreeMap;

use reveille_conversation::id::PersonId;
use reveille_conversation::lookup::{Answer, LookupKey};
use reveille_conversation::rules::Rules;
use reveille_core::UnixTime;
use reveille_delivery::{Device, JobId, Verdict};
use reveille_gateway::{
    Admission, AdmissionLimits, CatchUp, Devices, GatewaySettings, Input, LookUp, Outcome, Output, Shard,
};

use super::Recording;
use crate::line::{Failure, failure};

/// What was answered then.
#[derive(Default)]
struct Answers {
    devices: BTreeMap<PersonId, Vec<Device>>,
    names: BTreeMap<LookupKey, Answer>,
}

impl Answers {
    fn read(recording: &Recording) -> Result<Self, Failure> {
        let (mut people, mut answers) = (BTreeMap::<JobId, PersonId>::new(), Self::default());
        recording.again(|_, _, output| {
            if let Output::LookUp(LookUp::Devices(recipient)) = output {
                people.insert(recipient.job, recipient.person.clone());
            }
        })?;
        recording.entries(|entry| {
            for input in Shard::inputs(&entry).map_err(failure("log"))? {
                match input {
                    Input::Devices(Devices { job, devices, .. }) => {
                        if let Some(person) = people.get(&job) {
                            answers.devices.insert(person.clone(), devices);
                        }
                    }
                    Input::Answer(answer) => drop(answers.names.insert(answer.of.clone(), answer)),
                    _ => {}
                }
            }
            Ok(())
        })?;
        Ok(answers)
    }

    fn to(&self, output: &Output) -> Option<Input> {
        match output {
            Output::LookUp(LookUp::Name(lookup)) => self.names.get(&lookup.of).cloned().map(Input::Answer),
            Output::LookUp(LookUp::Devices(recipient)) => {
                let known = self.devices.get(&recipient.person).into_iter().flatten();
                let wanted = known.filter(|device| {
                    let channel = reveille_gateway::class::channel(device.class);
                    channel.is_some_and(|channel| recipient.channels.has(channel))
                        && !recipient.except.contains(&device.id)
                });
                Some(Devices::new(recipient.job, wanted.copied().collect::<Vec<_>>()).into())
            }
            Output::Attempt { job, device, attempt } => {
                Some(Input::Attempt { job: *job, device: *device, attempt: *attempt })
            }
            Output::Send(job) | Output::FallBack(job) => {
                Some(Outcome::of(job, Verdict::Accepted { status: 201 }).into())
            }
            _ => None,
        }
    }
}

impl Recording {
    /// Events, people, queues and commands come as they came; all that answered the machine is answered anew.
    pub(super) fn otherwise(
        &self,
        rules: Option<Rules>,
        settings: Option<GatewaySettings>,
        mut each: impl FnMut(UnixTime, u64, &Output),
    ) -> Result<(), Failure> {
        let answers = Answers::read(self)?;
        let (other_rules, other_settings) = (rules.is_some(), settings.is_some());
        let mut shard = self.shard()?;
        let (covered, mut last) = (shard.next_number(), UnixTime::EPOCH);
        // What a snapshot waits for is asked for again: the answers are in the part of the log before it, or have other names.
        let mut first: Vec<Input> = Vec::new();
        first.extend(self.snapshot.is_some().then(|| Input::Recovered(CatchUp::default())));
        first.extend(settings.map(|settings| Input::Settings(Box::new(settings))));
        first.extend(rules.map(|rules| Input::Rules(Box::new(rules))));
        self.entries(|entry| {
            if entry.number < covered {
                return Ok(());
            }
            if !first.is_empty() {
                commit(&mut shard, std::mem::take(&mut first), entry.now, &answers, &mut each)?;
            }
            until(&mut shard, entry.now, &answers, &mut each)?;
            let inputs =
                Shard::inputs(&entry).map_err(failure("log"))?.into_iter().filter(|input| match input {
                    Input::Tick
                    | Input::Answer(_)
                    | Input::Devices(_)
                    | Input::Attempt { .. }
                    | Input::Outcome(_)
                    | Input::Deferred(_) => false,
                    Input::Rules(_) => !other_rules,
                    Input::Settings(_) => !other_settings,
                    _ => true,
                });
            commit(&mut shard, inputs.collect(), entry.now, &answers, &mut each)?;
            last = entry.now;
            Ok(())
        })?;
        // What they would have led to within the next minutes.
        until(&mut shard, last + std::time::Duration::from_secs(300), &answers, &mut each)
    }
}

fn until(
    shard: &mut Shard,
    end: UnixTime,
    answers: &Answers,
    each: &mut impl FnMut(UnixTime, u64, &Output),
) -> Result<(), Failure> {
    while let Some(wakeup) = shard.next_wakeup().filter(|wakeup| wakeup.at <= end) {
        commit(shard, vec![Input::Tick], wakeup.at, answers, each)?;
    }
    Ok(())
}

fn commit(
    shard: &mut Shard,
    mut inputs: Vec<Input>,
    now: UnixTime,
    answers: &Answers,
    each: &mut impl FnMut(UnixTime, u64, &Output),
) -> Result<(), Failure> {
    while !inputs.is_empty() {
        let mut admission = Admission::new(AdmissionLimits::default());
        for input in inputs.drain(..) {
            admission.admit(input, shard.gateway()).map_err(failure("bound"))?;
        }
        while !admission.is_empty() {
            for (number, output) in shard.group(now).fill(&mut admission).seal().committed() {
                each(now, number, &output);
                inputs.extend(answers.to(&output));
            }
        }
    }
    Ok(())
}
