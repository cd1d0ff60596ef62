//! `gateway replay LOG`: what a shard did in production, again at a desk; or what other rules or settings would have done.
//!
//! The log is the shard's own ([`reveille_core::log::log_append`]), from its first group, or from a snapshot on: stores cut logs
//! behind their older snapshot. Its seed is a secret of the service and has to be given, because names are made with it. Without
//! `--rules` and `--settings` the outputs are the very ones, or the run says where they begin to differ. With them, events come as
//! they came, and whoever answered a question then answers it again: the same devices, the same names; requests are taken at once.
//!
//! Behind a snapshot, devices are known of people who were asked for after it; and a push that left at once is not listed if the
//! question was asked before it: the log has the answer, and the snapshot the question.
//!
//! A log that does not end with an entry is an error with that entry's number, behind all outputs before it.

mod otherwise;
mod settings;

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write as _};
use std::process::ExitCode;

use reveille_conversation::rules::Rules;
use reveille_core::UnixTime;
use reveille_core::log::{LogEntries, LogEntry, Snapshot as _};
use reveille_delivery::JobId;
use reveille_gateway::{
    AtOnce, Content, Gateway, GatewaySettings, Input, Job, LookUp, Note, Output, Seed, Shard,
};
use serde_json::{Value, json};

use crate::line::{Failure, failure};
use crate::options;

/// # Errors
/// What is wrong with the arguments.
pub fn replay(arguments: &[&str]) -> Result<ExitCode, String> {
    let (mut path, mut seed, mut snapshot) = (None, Seed::new([0; 16]), None);
    let (mut rules, mut settings) = (None, None);
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut value = || rest.next().copied().ok_or_else(|| format!("{argument} needs a value"));
        let said = |error: &dyn std::fmt::Display| format!("{argument}: {error}");
        match *argument {
            "--seed" => seed = Seed::new(options::seed(value()?)?),
            "--snapshot" => snapshot = Some(std::fs::read(value()?).map_err(|error| said(&error))?),
            "--rules" => {
                let text = std::fs::read_to_string(value()?).map_err(|error| said(&error))?;
                rules = Some(Rules::from_toml(&text).map_err(|error| said(&error))?);
            }
            "--settings" => {
                let text = std::fs::read(value()?).map_err(|error| said(&error))?;
                settings = Some(settings::read(&text).map_err(|error| said(&error.message))?);
            }
            other if other.starts_with('-') => return Err(format!("unknown option {other:?}")),
            other => path = Some(other),
        }
    }
    let path = path.ok_or_else(|| "gateway replay needs the path of a log".to_owned())?;
    let log = std::fs::read(path).map_err(|error| format!("{path}: {error}"))?;
    let recording = Recording { log, snapshot, seed };
    let mut out = BufWriter::new(io::stdout().lock());
    let each = |at: UnixTime, number: u64, output: &Output| put(&mut out, at, number, output);
    let done = match (rules, settings) {
        (None, None) => recording.again(each),
        (rules, settings) => recording.otherwise(rules, settings, each),
    };
    let failed = done.is_err();
    if let Err(Failure { kind, message }) = done {
        let _ = writeln!(out, "{}", json!({"error": {"kind": kind, "message": message}}));
    }
    let written = out.flush();
    Ok(if failed || written.is_err() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// What a service has left.
struct Recording {
    log: Vec<u8>,
    snapshot: Option<Vec<u8>>,
    seed: Seed,
}

impl Recording {
    /// As it was at the beginning.
    fn shard(&self) -> Result<Shard, Failure> {
        if let Some(snapshot) = &self.snapshot {
            return Shard::restore(self.seed, snapshot).map_err(failure("snapshot"));
        }
        let gateway = Gateway::new(Rules::default(), GatewaySettings::default(), self.seed);
        Ok(Shard::new(gateway.map_err(failure("settings"))?))
    }

    /// All entries, and whether that is all there is.
    fn entries<'l>(
        &'l self,
        mut each: impl FnMut(LogEntry<'l>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut entries = LogEntries::new(&self.log, Gateway::BEHAVIOUR).map_err(failure("log"))?;
        let mut last = None;
        for entry in entries.by_ref() {
            last = Some(entry);
            each(entry)?;
        }
        let rest = self.log.len().saturating_sub(entries.valid_len());
        if rest == 0 {
            return Ok(());
        }
        let which = match last {
            None => "the first entry".to_owned(),
            Some(last) => {
                let inputs = Shard::inputs(&last).map_err(failure("log"))?.len();
                format!("entry {}", last.number.saturating_add(inputs as u64))
            }
        };
        let message = format!(
            "{which} is damaged, or was not written to its end; {rest} bytes from there on are not read"
        );
        Err(Failure::new("log", message))
    }

    /// The very outputs.
    fn again(&self, mut each: impl FnMut(UnixTime, u64, &Output)) -> Result<(), Failure> {
        let mut shard = self.shard()?;
        let (mut at_once, mut asked) = (AtOnce::default(), BTreeMap::new());
        self.entries(|entry| {
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
            Ok(())
        })
    }
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
