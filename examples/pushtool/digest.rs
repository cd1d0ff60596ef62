//! `digest replay`: events at their own times, outputs at theirs. Nothing waits: the time is in the lines.
//!
//! The first line is the policy ([`PolicyLine`], `{}` for the default); every other is something that happens
//! ([`Line`]), in the order of time:
//!
//! ```json
//! {"window":{"sliding":{"quiet_ms":10000,"max_wait_ms":60000}},"max_items":20}
//! {"at_ms":1000,"recipient":"ada","conversation":"c1","event":"message","id":"m1","seq":1,"actor":"smith"}
//! {"at_ms":4000,"recipient":"ada","conversation":"c1","event":"read","seq":1}
//! ```
//!
//! Out come `notify`, `clear`, `unread` and `dropped`, each at its own time, and at the end `explain`, the sums. A bad
//! line gives an error with the line's number, and the run goes on; without a policy it ends. A longer script and what
//! comes out are in `examples/tests/digest_replay/`.
//!
//! What begins with `RVLG` is a log as a service writes it ([`reveille_core::log::log_append`]): its inputs, for keys of
//! two strings, payloads of bytes (or text) and a calendar of one string, the paused recipients in lines, at the times that
//! are in it. What happened in production is played again at a desk; a log begins with its policy. It does not hold the seed:
//! under another one collapse ids are others, and a snapshot is refused.

mod log;

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write as _};
use std::process::ExitCode;

use reveille_core::UnixTime;
use reveille_digest::catch_up::Rate;
use reveille_digest::options::Collect;
use reveille_digest::quiet::{AtEnd, Quiet};
use reveille_digest::retract::{Retracted, Selector};
use reveille_digest::{
    Answered, Cause, Engine, Event, EventId, Fate, Generation, Host, Lane, Limits, Notify, Output, Policy,
    Seed,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::line::{self, Base64, Failure, failure};
use crate::options;
use crate::policy::{PolicyLine, QuietLine};

type Key = (String, String);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    at_ms: UnixTime,
    /// Needed for all but `tick`.
    #[serde(default)]
    recipient: Option<String>,
    /// Needed for all but `tick`, `pause` and `resume`, which concern all of a recipient.
    #[serde(default)]
    conversation: Option<String>,
    event: Kind,
    /// The caller's name for the event; of its own if absent.
    #[serde(default)]
    id: Option<String>,
    /// For `message`: its place, 0 if absent. For `read`: the last one that was read.
    #[serde(default)]
    seq: Option<u64>,
    #[serde(default)]
    actor: Option<String>,
    #[serde(default)]
    kind: Option<u16>,
    #[serde(default)]
    class: u8,
    #[serde(default)]
    urgent: bool,
    #[serde(default)]
    rank: u32,
    #[serde(default)]
    bytes: u32,
    #[serde(default)]
    payload: Option<Base64>,
    /// For `delivered` and `failed`.
    #[serde(default)]
    generation: Option<u64>,
}

impl Line {
    fn recipient(&mut self) -> Result<String, Failure> {
        self.recipient.take().ok_or_else(|| missing("recipient"))
    }

    fn key(&mut self) -> Result<Key, Failure> {
        Ok((self.recipient()?, self.conversation.take().ok_or_else(|| missing("conversation"))?))
    }

    fn generation(&self) -> Result<Generation, Failure> {
        self.generation.map(Generation::from_bits).ok_or_else(|| missing("generation"))
    }
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Message,
    Read,
    /// By `id`, by `kind`, or all of the conversation.
    Cancel,
    Delivered,
    Failed,
    Pause,
    Resume,
    /// Nothing happened; the time passes.
    Tick,
}

/// The quiet times of the first line. What `pause` and `resume` change is the engine's calendar: a line for every
/// recipient who is paused.
struct Calendar {
    quiet: Vec<QuietLine>,
}

impl Host for Calendar {
    type Key = Key;
    type Payload = Vec<u8>;
    type Fold = ();
    type Calendar = String;

    fn quiet(&self, paused: &String, key: &Key, class: u8, now: UnixTime) -> Option<Quiet> {
        if paused.lines().any(|recipient| recipient == key.0) {
            return Some(Quiet { until: UnixTime::MAX, then: AtEnd::Merge });
        }
        let covers = |quiet: &&QuietLine| (quiet.from_ms..quiet.until_ms).contains(&now.as_millis());
        let quiet = self.quiet.iter().filter(|quiet| class < quiet.pass_class).find(covers)?;
        let then = if quiet.drop { AtEnd::Drop } else { AtEnd::Merge };
        Some(Quiet { until: UnixTime::from_millis(quiet.until_ms), then })
    }
}

struct Replay {
    engine: Engine<Calendar>,
    seed: Seed,
    /// The time of the last line.
    last: UnixTime,
    /// Events that had no id so far.
    unnamed: u64,
}

/// A script or a log, from a file or from standard input.
///
/// # Errors
/// What is wrong with the arguments.
pub fn replay(arguments: &[&str]) -> Result<ExitCode, String> {
    let (mut path, mut seed, mut snapshot) = (None, None, None);
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut value = || rest.next().copied().ok_or_else(|| format!("{argument} needs a value"));
        match *argument {
            "--seed" => seed = Some(options::seed(value()?)?),
            "--snapshot" => {
                let read = std::fs::read(value()?).map_err(|error| format!("--snapshot: {error}"))?;
                snapshot = Some(read);
            }
            other if other.starts_with('-') => return Err(format!("unknown option {other:?}")),
            other => path = Some(other),
        }
    }
    let mut input: Box<dyn BufRead> = match path {
        None => Box::new(io::stdin().lock()),
        Some(path) => Box::new(BufReader::new(File::open(path).map_err(|error| format!("{path}: {error}"))?)),
    };
    // A script's seed is in its first line, and it has no snapshots.
    let is_log = seed.is_some()
        || snapshot.is_some()
        || input.fill_buf().is_ok_and(|start| start.starts_with(b"RVLG"));
    Ok(if is_log {
        replay_log(input, snapshot, Seed::new(seed.unwrap_or_default()))
    } else {
        replay_script(input)
    })
}

fn replay_log(mut input: Box<dyn BufRead>, snapshot: Option<Vec<u8>>, seed: Seed) -> ExitCode {
    let mut out = BufWriter::new(io::stdout().lock());
    let (mut log, mut written) = (Vec::new(), Ok(()));
    let done = input.read_to_end(&mut log).map_err(failure("io")).and_then(|_| {
        let recording = log::Recording { log, snapshot, seed };
        recording.replay(|line| {
            if written.is_ok() {
                written = put(&mut out, line);
            }
        })
    });
    let failed = done.is_err();
    if let Err(Failure { kind, message }) = done {
        written = written.and_then(|()| put(&mut out, &json!({"error": {"kind": kind, "message": message}})));
    }
    let written = written.and_then(|()| out.flush());
    if failed || written.is_err() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// The policy, then events in the order of time, into outputs in the order of time, and the sums at the end.
fn replay_script(input: impl BufRead) -> ExitCode {
    let mut out = BufWriter::new(io::stdout().lock());
    let (mut replay, mut failed) = (None, false);
    for (line, number) in input.split(b'\n').zip(1_u64..) {
        let mut outputs = Vec::new();
        let unreadable = line.is_err();
        let done = line.map_err(failure("io")).and_then(|line| match &mut replay {
            _ if line.iter().all(u8::is_ascii_whitespace) => Ok(()),
            None => {
                replay = Some(Replay::new(&line)?);
                Ok(())
            }
            Some(replay) => replay.line(line::parse(&line)?, &mut outputs),
        });
        if let Err(Failure { kind, message }) = done {
            failed = true;
            outputs.push(json!({"error": {"kind": kind, "line": number, "message": message}}));
        }
        // Without a policy no line means anything.
        let over = unreadable || (failed && replay.is_none());
        if write(&mut out, &outputs).is_err() || over {
            return ExitCode::FAILURE;
        }
    }
    let mut outputs = Vec::new();
    match &mut replay {
        Some(replay) => replay.finish(&mut outputs),
        None => {
            failed = true;
            let message = "there is no line; the first one is the policy, {} for the default";
            outputs.push(json!({"error": {"kind": "policy", "message": message}}));
        }
    }
    if write(&mut out, &outputs).is_err() || failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn write(out: &mut impl io::Write, lines: &[Value]) -> io::Result<()> {
    lines.iter().try_for_each(|line| put(out, line))?;
    out.flush()
}

fn put(out: &mut impl io::Write, line: &Value) -> io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    out.write_all(b"\n")
}

impl Replay {
    fn new(line: &[u8]) -> Result<Self, Failure> {
        let line: PolicyLine = line::parse(line).map_err(|Failure { message, .. }| {
            Failure::new("policy", format!("{message} (the first line is the policy, {{}} for the default)"))
        })?;
        let seed = line.seed.as_ref().map_or(Ok([0; 16]), |seed| seed.0.as_slice().try_into());
        let seed = Seed::new(seed.map_err(|_| Failure::new("policy", "seed must be 16 bytes"))?);
        if let Some(QuietLine { from_ms, until_ms, .. }) =
            line.quiet.iter().find(|quiet| quiet.from_ms >= quiet.until_ms)
        {
            let message = format!("quiet: from_ms {from_ms} is not before until_ms {until_ms}");
            return Err(Failure::new("policy", message));
        }
        let mut policy = Policy::default();
        policy.collect = Collect::Items;
        let policy = line.over(policy);
        let host = Calendar { quiet: line.quiet };
        let engine = Engine::new(host, policy, Limits::default(), seed).map_err(failure("policy"))?;
        Ok(Self { engine, seed, last: UnixTime::EPOCH, unnamed: 0 })
    }

    /// Everything that is due before the line's time, each at its own time, then the line.
    fn line(&mut self, line: Line, out: &mut Vec<Value>) -> Result<(), Failure> {
        let (at, last) = (line.at_ms, self.last);
        if at < last {
            let message = format!("at_ms {at} is before {last} of an earlier line: sort the lines by time");
            return Err(Failure::new("time", message));
        }
        self.last = at;
        self.run_until(at, out);
        let done = self.take(line, at);
        self.drain(at, out);
        done.map(|answer| out.extend(answer))
    }

    fn run_until(&mut self, end: UnixTime, out: &mut Vec<Value>) {
        while let Some(wakeup) = self.engine.next_wakeup().filter(|wakeup| wakeup.at <= end) {
            self.engine.handle_timeout(wakeup.at);
            self.drain(wakeup.at, out);
        }
    }

    fn take(&mut self, mut line: Line, at: UnixTime) -> Result<Option<Value>, Failure> {
        let id = line.id.as_ref().map(|id| EventId::of(&self.seed, id));
        match line.event {
            Kind::Message => self.message(line, id, at),
            Kind::Read => {
                let (key, up_to) = (line.key()?, line.seq.ok_or_else(|| missing("seq"))?);
                self.engine.handle_read(&key, up_to, at).map_err(failure("full")).map(nothing)
            }
            Kind::Cancel => {
                let what = match (id, line.kind) {
                    (None, None) => Selector::All,
                    (Some(id), None) => Selector::Event(id),
                    (None, Some(kind)) => Selector::Kind(kind),
                    (Some(_), Some(_)) => {
                        return Err(Failure::new("field", "cancel by id or by kind, not by both"));
                    }
                };
                self.engine.handle_cancel(&line.key()?, what, at).map_err(failure("full")).map(nothing)
            }
            Kind::Delivered => known(self.engine.handle_response(&line.key()?, line.generation()?, at)),
            Kind::Failed => known(self.engine.handle_failure(&line.key()?, line.generation()?, at)),
            Kind::Pause => {
                let paused = format!("{}{}\n", self.engine.calendar(), line.recipient()?);
                self.engine.set_calendar(paused, Rate::UNLIMITED, at);
                Ok(None)
            }
            Kind::Resume => {
                let recipient = line.recipient()?;
                let paused = self.engine.calendar().lines().filter(|paused| *paused != recipient);
                let paused = paused.map(|recipient| format!("{recipient}\n")).collect();
                self.engine.set_calendar(paused, Rate::UNLIMITED, at);
                Ok(None)
            }
            Kind::Tick => {
                self.engine.handle_timeout(at);
                Ok(None)
            }
        }
    }

    fn message(
        &mut self,
        mut line: Line,
        id: Option<EventId>,
        at: UnixTime,
    ) -> Result<Option<Value>, Failure> {
        self.unnamed += 1;
        let id = id.unwrap_or_else(|| EventId::of(&self.seed, &(0_u8, self.unnamed)));
        let (recipient, conversation) = line.key()?;
        let payload = line.payload.map_or_else(Vec::new, |payload| payload.0);
        let mut event = Event::new((recipient.clone(), conversation.clone()), id, payload)
            .with_seq(line.seq.unwrap_or(0))
            .with_kind(line.kind.unwrap_or(0))
            .with_class(line.class)
            .with_rank(line.rank)
            .with_bytes(line.bytes);
        event.actor = line.actor.map_or(0, |actor| EventId::of(&self.seed, &actor).0 as u64);
        event.urgent = line.urgent;
        let fate = self.engine.handle_event(event, at).map_err(failure("full"))?;
        let silent = matches!(fate, Fate::Pending | Fate::Notified { .. });
        Ok((!silent).then(|| {
            json!({"at_ms": at, "recipient": recipient, "conversation": conversation,
                   "output": "dropped", "reason": fate.name(), "count": 1})
        }))
    }

    fn drain(&mut self, at: UnixTime, out: &mut Vec<Value>) {
        while let Some(output) = self.engine.poll_output() {
            out.push(to_json(&output, at));
        }
    }

    /// What is still due comes at its own time; then the sums.
    fn finish(&mut self, out: &mut Vec<Value>) {
        self.run_until(UnixTime::MAX, out);
        out.push(explain(&self.engine));
    }
}

fn explain(engine: &Engine<Calendar>) -> Value {
    let sums = engine.explain();
    json!({
        "output": "explain", "events": sums.events, "pending": sums.pending, "notified": sums.notified,
        "merged": sums.merged, "read_before": sums.read_before, "duplicate": sums.duplicate,
        "throttled": sums.throttled, "quiet": sums.quiet, "cancelled": sums.cancelled, "expired": sums.expired,
        "refused": sums.refused, "superseded": sums.superseded,
    })
}

fn missing(field: &str) -> Failure {
    Failure::new("field", format!("{field} is missing"))
}

fn nothing(_: Retracted) -> Option<Value> {
    None
}

fn known(answered: Answered) -> Result<Option<Value>, Failure> {
    match answered {
        Answered::Settled => Ok(None),
        Answered::Stale => Err(Failure::new("generation", "no such generation is in flight")),
    }
}

fn to_json(output: &Output<Calendar>, at: UnixTime) -> Value {
    let (recipient, conversation) = output.key();
    let mut line = json!({"at_ms": at, "recipient": recipient, "conversation": conversation});
    let more = match output {
        Output::Notify(notify) => notify_json(notify),
        Output::Clear(clear) => json!({
            "output": "clear", "generation": clear.generation.to_bits(), "collapse_id": clear.collapse_id.to_string(),
            "lane": lane(clear.lane), "remaining": clear.remaining,
            "cause": if clear.cause == Cause::Read { "read" } else { "cancelled" },
        }),
        Output::Unread { count, .. } => json!({"output": "unread", "count": count}),
        Output::Dropped { fate, count, .. } => {
            json!({"output": "dropped", "reason": fate.name(), "count": count})
        }
    };
    if let (Some(line), Value::Object(more)) = (line.as_object_mut(), more) {
        line.extend(more);
    }
    line
}

fn notify_json(notify: &Notify<Calendar>) -> Value {
    let summary = &notify.summary;
    let samples = notify
        .samples
        .iter()
        .map(|item| json!({"at_ms": item.at, "seq": item.seq, "payload": item.payload.clone().map(Base64)}));
    json!({
        "output": "notify", "generation": notify.generation.to_bits(), "collapse_id": notify.collapse_id.to_string(),
        "lane": lane(notify.lane), "reminder": notify.reminder, "class": notify.class, "total": summary.total,
        "actors": summary.actors.to_string(), "first_ms": summary.first, "last_ms": summary.last,
        "bytes": summary.bytes, "unread": summary.unread, "samples": samples.collect::<Vec<_>>(),
    })
}

const fn lane(lane: Lane) -> &'static str {
    match lane {
        Lane::Digest => "digest",
        Lane::Urgent => "urgent",
    }
}
