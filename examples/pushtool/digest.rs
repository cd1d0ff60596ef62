//! `digest replay`: events at their own times, outputs at theirs. Nothing waits: the time is in the lines.

use std::cell::Cell;
use std::io::{self, BufRead as _, BufWriter};
use std::process::ExitCode;
use std::time::Duration;

use reveille_core::UnixTime;
use reveille_digest::{
    Answered, AtEnd, Cause, Collect, Engine, Event, EventId, Excess, Fate, Host, Keep, Lane, Limits, Notify,
    Output, Policy, Quiet, Refractory, Retracted, Seed, Selector, Urgent, Window,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::line::{Base64, Failure, failure};
use crate::options::Options;

type Key = (String, String);

/// The first line. Every field has the library's default; times are in milliseconds.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct PolicyLine {
    window: Option<WindowLine>,
    leading: bool,
    max_items: Option<u32>,
    max_bytes: Option<u32>,
    collect: Option<CollectLine>,
    keep: Option<KeepLine>,
    actors: Option<u16>,
    urgent: Option<UrgentLine>,
    refractory: Option<RefractoryLine>,
    reminders_ms: Vec<u64>,
    /// `0` for none.
    dedup_ms: Option<u64>,
    /// `0` for none: what goes out counts as delivered. That is the default here, because nobody answers.
    ack_timeout_ms: u64,
    attempts: Option<u8>,
    useful_for_ms: Option<u64>,
    spread_ms: u64,
    remember_ms: Option<u64>,
    /// 16 bytes; all zero if absent.
    seed: Option<Base64>,
    quiet: Vec<QuietLine>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
enum WindowLine {
    Fixed { wait_ms: u64 },
    Sliding { quiet_ms: u64, max_wait_ms: u64 },
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum CollectLine {
    Totals,
    Latest,
    Items,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum KeepLine {
    First(u16),
    Last(u16),
    Top(u16),
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum UrgentLine {
    Overtake,
    Flush,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RefractoryLine {
    first_ms: u64,
    factor: u8,
    max_ms: u64,
    #[serde(default)]
    decay_ms: u64,
    #[serde(default)]
    drop: bool,
}

/// A quiet time, for everybody: from and until, in Unix ms, and the lowest class that passes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct QuietLine {
    from_ms: u64,
    until_ms: u64,
    #[serde(default = "highest")]
    pass_class: u8,
    #[serde(default)]
    drop: bool,
}

const fn highest() -> u8 {
    u8::MAX
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    at_ms: UnixTime,
    recipient: String,
    conversation: String,
    event: Kind,
    /// The caller's name for the event; of its own if absent.
    #[serde(default)]
    id: Option<String>,
    /// For `message`: its place. For `read`: the last one that was read.
    #[serde(default)]
    seq: u64,
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

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
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

/// The replay's calendar: the quiet times of the first line, and pauses by `pause` and `resume`.
struct Calendar {
    quiet: Vec<QuietLine>,
    paused: std::cell::RefCell<Vec<String>>,
    unnamed: Cell<u64>,
}

impl Host for Calendar {
    type Key = Key;
    type Payload = Vec<u8>;
    type Fold = ();

    fn quiet(&self, key: &Key, class: u8, now: UnixTime) -> Option<Quiet> {
        if self.paused.borrow().contains(&key.0) {
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
}

/// The policy, then events in the order of time, into outputs in the order of time, and the sums at the end.
pub fn replay(_: Options) -> ExitCode {
    let mut out = BufWriter::new(io::stdout().lock());
    let (mut replay, mut failed) = (None, false);
    for line in io::stdin().lock().split(b'\n') {
        let mut outputs = Vec::new();
        let done = line.map_err(failure("io")).and_then(|line| match &mut replay {
            _ if line.iter().all(u8::is_ascii_whitespace) => Ok(()),
            None => {
                replay = Some(Replay::new(serde_json::from_slice(&line).map_err(failure("policy"))?)?);
                Ok(())
            }
            Some(replay) => {
                replay.line(serde_json::from_slice(&line).map_err(failure("json"))?, &mut outputs)
            }
        });
        if let Err(Failure { kind, message }) = done {
            failed = true;
            outputs.push(json!({"error": {"kind": kind, "message": message}}));
        }
        if write(&mut out, &outputs).is_err() {
            return ExitCode::FAILURE;
        }
    }
    let mut outputs = Vec::new();
    if let Some(replay) = &mut replay {
        replay.finish(&mut outputs);
    }
    if write(&mut out, &outputs).is_err() || failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn write(out: &mut impl io::Write, lines: &[Value]) -> io::Result<()> {
    for line in lines {
        serde_json::to_writer(&mut *out, line)?;
        out.write_all(b"\n")?;
    }
    out.flush()
}

impl Replay {
    fn new(line: PolicyLine) -> Result<Self, Failure> {
        let seed = line.seed.as_ref().map_or(Ok([0; 16]), |seed| seed.0.as_slice().try_into());
        let seed = Seed::new(seed.map_err(|_| Failure::new("policy", "seed must be 16 bytes"))?);
        let policy = line.policy();
        let host = Calendar { quiet: line.quiet, paused: Default::default(), unnamed: Cell::new(0) };
        let engine = Engine::new(host, policy, Limits::default(), seed).map_err(failure("policy"))?;
        Ok(Self { engine, seed })
    }

    /// Everything that is due before the line's time, each at its own time, then the line.
    fn line(&mut self, line: Line, out: &mut Vec<Value>) -> Result<(), Failure> {
        self.run_until(line.at_ms, out);
        let at = line.at_ms;
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

    fn take(&mut self, line: Line, at: UnixTime) -> Result<Option<Value>, Failure> {
        let id = line.id.as_ref().map(|id| EventId::of(&self.seed, id));
        let key = (line.recipient, line.conversation);
        let generation = line.generation.ok_or_else(|| Failure::new("generation", "generation is missing"));
        match line.event {
            Kind::Message => {
                let host = self.engine.host();
                host.unnamed.set(host.unnamed.get() + 1);
                let id = id.unwrap_or_else(|| EventId::of(&self.seed, &(0_u8, host.unnamed.get())));
                let payload = line.payload.map_or_else(Vec::new, |payload| payload.0);
                let names = key.clone();
                let mut event = Event::new(key, id, payload)
                    .seq(line.seq)
                    .kind(line.kind.unwrap_or(0))
                    .class(line.class)
                    .rank(line.rank)
                    .bytes(line.bytes);
                event.actor = line.actor.map_or(0, |actor| EventId::of(&self.seed, &actor).0 as u64);
                event.urgent = line.urgent;
                let fate = self.engine.handle_event(event, at).map_err(failure("full"))?;
                let silent = matches!(fate, Fate::Pending | Fate::Notified { .. });
                let (recipient, conversation) = names;
                Ok((!silent).then(|| {
                    json!({"at_ms": at, "recipient": recipient, "conversation": conversation,
                           "output": "dropped", "reason": reason(fate), "count": 1})
                }))
            }
            Kind::Read => self.engine.handle_read(&key, line.seq, at).map_err(failure("full")).map(nothing),
            Kind::Cancel => {
                let all = line.kind.map_or(Selector::All, Selector::Kind);
                let what = id.map_or(all, Selector::Event);
                self.engine.handle_cancel(&key, what, at).map_err(failure("full")).map(nothing)
            }
            Kind::Delivered => known(self.engine.handle_response(&key, generation?, at)),
            Kind::Failed => known(self.engine.handle_failure(&key, generation?, at)),
            Kind::Pause => {
                self.engine.host().paused.borrow_mut().push(key.0);
                Ok(None)
            }
            Kind::Resume => {
                self.engine.host().paused.borrow_mut().retain(|paused| *paused != key.0);
                self.engine.recheck_where(|other| other.0 == key.0, at);
                Ok(None)
            }
            Kind::Tick => {
                self.engine.handle_timeout(at);
                Ok(None)
            }
        }
    }

    fn drain(&mut self, at: UnixTime, out: &mut Vec<Value>) {
        while let Some(output) = self.engine.poll_output() {
            out.push(to_json(&output, at));
        }
    }

    /// What is still due comes at its own time; then the sums.
    fn finish(&mut self, out: &mut Vec<Value>) {
        self.run_until(UnixTime::MAX, out);
        let sums = self.engine.explain();
        out.push(json!({
            "output": "explain", "events": sums.events, "pending": sums.pending, "notified": sums.notified,
            "merged": sums.merged, "read_before": sums.read_before, "duplicate": sums.duplicate,
            "throttled": sums.throttled, "quiet": sums.quiet, "cancelled": sums.cancelled, "expired": sums.expired,
            "refused": sums.refused,
        }));
    }
}

impl PolicyLine {
    fn policy(&self) -> Policy {
        let ms = Duration::from_millis;
        let some = |millis: u64| (millis > 0).then(|| ms(millis));
        let mut policy = Policy::default();
        match self.window {
            Some(WindowLine::Fixed { wait_ms }) => policy.window = Window::Fixed { wait: ms(wait_ms) },
            Some(WindowLine::Sliding { quiet_ms, max_wait_ms }) => {
                policy.window = Window::Sliding { quiet: ms(quiet_ms), max_wait: ms(max_wait_ms) };
            }
            None => {}
        }
        policy.leading = self.leading;
        (policy.max_items, policy.max_bytes) = (self.max_items, self.max_bytes);
        policy.collect = match self.collect {
            Some(CollectLine::Totals) => Collect::Totals,
            Some(CollectLine::Latest) => Collect::Latest,
            Some(CollectLine::Items) | None => Collect::Items,
        };
        match self.keep {
            Some(KeepLine::First(n)) => policy.keep = Keep::First(n),
            Some(KeepLine::Last(n)) => policy.keep = Keep::Last(n),
            Some(KeepLine::Top(n)) => policy.keep = Keep::Top(n),
            None => {}
        }
        policy.actors = self.actors.unwrap_or(policy.actors);
        if let Some(UrgentLine::Flush) = self.urgent {
            policy.urgent = Urgent::Flush;
        }
        policy.refractory = self.refractory.as_ref().map(|line| Refractory {
            first: ms(line.first_ms),
            factor: line.factor,
            max: ms(line.max_ms),
            decay: ms(line.decay_ms),
            excess: if line.drop { Excess::Drop } else { Excess::Hold },
        });
        policy.reminders = self.reminders_ms.iter().map(|after| ms(*after)).collect();
        policy.dedup = self.dedup_ms.map_or(policy.dedup, some);
        policy.ack_timeout = some(self.ack_timeout_ms);
        policy.attempts = self.attempts.unwrap_or(policy.attempts);
        policy.useful_for = self.useful_for_ms.map(ms);
        policy.spread = ms(self.spread_ms);
        policy.remember = self.remember_ms.map_or(policy.remember, ms);
        policy
    }
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
            "output": "clear", "generation": clear.generation, "collapse_id": clear.collapse_id.to_string(),
            "lane": lane(clear.lane), "remaining": clear.remaining,
            "cause": if clear.cause == Cause::Read { "read" } else { "cancelled" },
        }),
        Output::Unread { count, .. } => json!({"output": "unread", "count": count}),
        Output::Dropped { fate, count, .. } => {
            json!({"output": "dropped", "reason": reason(*fate), "count": count})
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
        "output": "notify", "generation": notify.generation, "collapse_id": notify.collapse_id.to_string(),
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

const fn reason(fate: Fate) -> &'static str {
    match fate {
        Fate::Pending => "pending",
        Fate::Notified { .. } => "notified",
        Fate::Merged { .. } => "merged",
        Fate::ReadBefore => "read_before",
        Fate::Duplicate => "duplicate",
        Fate::Throttled => "throttled",
        Fate::Quiet => "quiet",
        Fate::Cancelled => "cancelled",
        Fate::Expired => "expired",
        Fate::Refused => "refused",
    }
}
