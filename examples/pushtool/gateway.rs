//! `gateway replay LOG`: what a shard did in production, again at a desk; or what other rules would have done.
//!
//! The log is the shard's own ([`reveille_core::log::log_append`]), from its first group; its seed is a secret of the service and
//! has to be given, because names are made with it. Without `--rules` the outputs are the very ones, or the run says where they
//! begin to differ. With `--rules`, events come as they came, and whoever answered a question then answers it again: the same
//! devices, the same names; requests are taken at once.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write as _};
use std::process::ExitCode;

use reveille_conversation::id::PersonId;
use reveille_conversation::lookup::{Answer, LookupKey};
use reveille_conversation::rules::Rules;
use reveille_core::UnixTime;
use reveille_core::log::{LogEntries, Snapshot as _};
use reveille_crypto::base64url;
use reveille_delivery::{Device, JobId, Verdict};
use reveille_gateway::{
    Admission, AdmissionLimits, AtOnce, Content, Devices, Gateway, GatewaySettings, Input, Job, LookUp, Note,
    Outcome, Output, Seed, Shard,
};
use serde_json::{Value, json};

use crate::line::{Failure, failure};

/// # Errors
/// What is wrong with the arguments.
pub fn replay(arguments: &[&str]) -> Result<ExitCode, String> {
    let (mut path, mut seed, mut rules) = (None, Seed::new([0; 16]), None);
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut value = || rest.next().copied().ok_or_else(|| format!("{argument} needs a value"));
        match *argument {
            "--seed" => {
                let bytes = base64url::decode(value()?).map_err(|error| format!("--seed: {error}"))?;
                seed = Seed::new(bytes.try_into().map_err(|_| "--seed must be 16 bytes".to_owned())?);
            }
            "--rules" => {
                let text = std::fs::read_to_string(value()?).map_err(|error| format!("--rules: {error}"))?;
                rules = Some(Rules::from_toml(&text).map_err(|error| format!("--rules: {error}"))?);
            }
            other if other.starts_with('-') => return Err(format!("unknown option {other:?}")),
            other => path = Some(other),
        }
    }
    let path = path.ok_or_else(|| "gateway replay needs the path of a log".to_owned())?;
    let log = std::fs::read(path).map_err(|error| format!("{path}: {error}"))?;
    let mut out = BufWriter::new(io::stdout().lock());
    let done = match rules {
        None => again(&log, seed, |at, number, output| put(&mut out, at, number, output)),
        Some(rules) => otherwise(&log, seed, rules, |at, number, output| put(&mut out, at, number, output)),
    };
    let failed = done.is_err();
    if let Err(Failure { kind, message }) = done {
        let _ = writeln!(out, "{}", json!({"error": {"kind": kind, "message": message}}));
    }
    let written = out.flush();
    Ok(if failed || written.is_err() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn shard(rules: Rules, seed: Seed) -> Result<Shard, Failure> {
    Ok(Shard::new(Gateway::new(rules, GatewaySettings::default(), seed).map_err(failure("settings"))?))
}

/// The very outputs.
fn again(log: &[u8], seed: Seed, mut each: impl FnMut(UnixTime, u64, &Output)) -> Result<(), Failure> {
    let mut shard = shard(Rules::default(), seed)?;
    let (mut at_once, mut asked) = (AtOnce::default(), BTreeMap::new());
    let mut entries = LogEntries::new(log, Gateway::BEHAVIOUR).map_err(failure("log"))?;
    for entry in entries.by_ref() {
        // First attempts left at once, before the answer that names their devices was in the log.
        for input in Shard::inputs(&entry).map_err(failure("log"))? {
            let Input::Devices(devices) = input else { continue };
            let Some(recipient) = asked.remove(&devices.job).filter(|_| devices.were_let_go()) else {
                continue;
            };
            for job in at_once.let_go(&recipient, devices, drop) {
                each(entry.now, entry.number, &Output::Send(Box::new(job)));
            }
        }
        for (number, output) in shard.replay(&entry).map_err(failure("log"))? {
            each(entry.now, number, &output);
            match output {
                Output::LookUp(LookUp::Devices(recipient)) => {
                    at_once.ask(&recipient);
                    asked.insert(recipient.job, recipient);
                }
                Output::Note(Note::Settled { job, .. }) => at_once.settled(job),
                _ => {}
            }
        }
    }
    Ok(())
}

/// What was answered then.
#[derive(Default)]
struct Answers {
    devices: BTreeMap<PersonId, Vec<Device>>,
    names: BTreeMap<LookupKey, Answer>,
}

impl Answers {
    fn read(log: &[u8], seed: Seed) -> Result<Self, Failure> {
        let (mut people, mut answers) = (BTreeMap::<JobId, PersonId>::new(), Self::default());
        again(log, seed, |_, _, output| {
            if let Output::LookUp(LookUp::Devices(recipient)) = output {
                people.insert(recipient.job, recipient.person.clone());
            }
        })?;
        for entry in LogEntries::new(log, Gateway::BEHAVIOUR).map_err(failure("log"))? {
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
        }
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

/// Events, people, queues and commands come as they came; all that answered the machine is answered anew.
fn otherwise(
    log: &[u8],
    seed: Seed,
    rules: Rules,
    mut each: impl FnMut(UnixTime, u64, &Output),
) -> Result<(), Failure> {
    let answers = Answers::read(log, seed)?;
    let mut shard = shard(rules, seed)?;
    let mut last = UnixTime::EPOCH;
    for entry in LogEntries::new(log, Gateway::BEHAVIOUR).map_err(failure("log"))? {
        until(&mut shard, entry.now, &answers, &mut each)?;
        let inputs = Shard::inputs(&entry).map_err(failure("log"))?.into_iter().filter(|input| {
            !matches!(
                input,
                Input::Tick
                    | Input::Answer(_)
                    | Input::Devices(_)
                    | Input::Attempt { .. }
                    | Input::Outcome(_)
                    | Input::Deferred(_)
                    | Input::Rules(_)
            )
        });
        commit(&mut shard, inputs.collect(), entry.now, &answers, &mut each)?;
        last = entry.now;
    }
    // What they would have led to within the next minutes.
    until(&mut shard, last + std::time::Duration::from_secs(300), &answers, &mut each)
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

fn put(out: &mut impl io::Write, at: UnixTime, number: u64, output: &Output) {
    let mut line = describe(output);
    if let Some(object) = line.as_object_mut() {
        object.insert("at_ms".to_owned(), json!(at.as_millis()));
        object.insert("input".to_owned(), json!(number));
    }
    let _ = writeln!(out, "{line}");
}

fn describe(output: &Output) -> Value {
    match output {
        Output::Send(job) => told("send", job),
        Output::FallBack(job) => told("fall_back", job),
        Output::LookUp(LookUp::Devices(recipient)) => json!({
            "output": "devices", "job": name(recipient.job), "recipient": recipient.person,
            "conversation": recipient.conversation, "kind": recipient.kind,
        }),
        Output::LookUp(LookUp::Name(_)) => json!({"output": "name"}),
        Output::Attempt { job, attempt, .. } => {
            json!({"output": "attempt", "job": name(*job), "attempt": attempt})
        }
        Output::Withdraw { job, .. } => json!({"output": "withdraw", "job": name(*job)}),
        Output::Device { effect, .. } => json!({"output": "device", "effect": format!("{effect:?}")}),
        Output::Resume(effect) => json!({"output": "resume", "effect": effect}),
        Output::DeadLetter { job, .. } => json!({"output": "dead_letter", "job": name(*job)}),
        Output::Note(Note::Suppressed(suppressed)) => json!({
            "output": "suppressed", "recipient": suppressed.recipient, "conversation": suppressed.conversation,
            "reason": suppressed.reason.to_string(),
        }),
        Output::Note(Note::Settled { job, fate }) => {
            json!({"output": "settled", "job": name(*job), "fate": fate.name()})
        }
        Output::Note(note) => {
            // Its name; what it says is for people who have the machine before them.
            let text = format!("{note:?}");
            json!({"output": "note", "note": text.split(['(', ' ', '{']).next()})
        }
        _ => json!({"output": "other"}),
    }
}

fn name(job: JobId) -> String {
    format!("{:032x}", job.to_bits())
}

fn told(output: &str, job: &Job) -> Value {
    let (messages, takes_back) = match &*job.content {
        Content::Show { messages, .. } => (*messages, false),
        _ => (0, true),
    };
    json!({
        "output": output, "job": name(job.job), "recipient": job.person, "conversation": job.conversation,
        "kind": job.content.kind(), "attempt": job.attempt, "generation": job.generation, "messages": messages,
        "takes_back": takes_back, "not_after_ms": job.not_after.as_millis(),
    })
}
