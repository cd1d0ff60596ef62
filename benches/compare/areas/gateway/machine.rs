//! Events to jobs: the machine with its order of things (admission, group, bytes for the log, outputs), 256 shards on one
//! thread, default rules and settings. A message becomes three jobs when its window of 30 s ends: a webhook, an e-mail, and
//! a push, whose first attempt leaves through `AtOnce`, as in the service, as soon as its device is known. So until its jobs are
//! out an event costs an input, its share of the tick, and letting go. What the answer and the outcomes cost as inputs belongs
//! to the whole cycle. Events are built before the clock starts: sources parse them, and `compare conversation` says at
//! what cost.

use std::time::Duration;

use reveille_conversation::event::{Event, Joined, Left, Message, MessageKind, Read, Role, What};
use reveille_conversation::id::{ConversationId, EventId, PersonId};
use reveille_conversation::rules::Rules;
use reveille_conversation::text::Text;
use reveille_core::UnixTime;
use reveille_core::log::{LogEntries, Snapshot as _, log_append, log_head};
use reveille_delivery::{Device, DeviceId, Verdict};
use reveille_gateway::*;

use crate::allocations;
use crate::measure::{Clock, Measured};
use crate::report::Report;

const SEED: Seed = Seed::new([7; 16]);
const START: UnixTime = UnixTime::from_secs(1_700_000_000);
pub(super) const WINDOW: Duration = Duration::from_secs(31);
const SHARDS: usize = 256;
/// Events of one round.
const ROUND: usize = 65_536;
/// So many are admitted before all that wait is committed: what comes in 16 ms at 250,000 a second.
const AT_A_TIME: usize = 4_096;
/// Bytes of text in a message.
const TEXT: usize = 100;

pub fn compare(report: &mut Report, events: usize) {
    let mut each = Vec::new();
    for recipients in [10_000, 1_000_000] {
        let costs = costs(recipients);
        let name = format!("event in, jobs out, {recipients} recipients");
        let bar = Measured::elsewhere(1e9 / 250_000.0);
        let out = Measured::elsewhere(costs.event + costs.tick + costs.let_go);
        report.add(&name, &[("ours", out), ("250,000 events a second", bar)], false);
        report.note(&format!(
            "until {:.1} jobs are with the driver: the event {:.0} ns, the end of its window {:.0} ns, the look-up's answer lets its first attempt go {:.0} ns",
            costs.jobs, costs.event, costs.tick, costs.let_go
        ));
        let whole = Measured::elsewhere(out.nanoseconds + costs.answer + costs.outcome);
        report.add(&format!("whole cycle, {recipients} recipients"), &[("ours", whole)], false);
        report.note(&format!(
            "the same, then the answer as an input {:.0} ns and {:.1} outcomes {:.0} ns",
            costs.answer, costs.jobs, costs.outcome
        ));
        each.push(out.nanoseconds);
    }
    report.note(&format!(
        "cost of an event over 1 M recipients: {:.2} times that over 10 k (bar 2)",
        each[1] / each[0]
    ));
    memory(report);
    idle(report);
    log(report, events);
}

struct Recipient {
    shard: usize,
    conversation: ConversationId,
    agent: PersonId,
    visitor: PersonId,
    messages: u64,
}

pub(super) struct Fleet {
    shards: Vec<(Shard, Admission)>,
    recipients: Vec<Recipient>,
    pub(super) now: UnixTime,
    random: u64,
    events: u64,
    /// What a store would get.
    written: Vec<u8>,
}

/// Of one event, in nanoseconds.
struct Costs {
    event: f64,
    tick: f64,
    let_go: f64,
    answer: f64,
    outcome: f64,
    /// How many came of it.
    jobs: f64,
}

fn uuid(kind: u64, number: u64) -> String {
    let mixed = (number ^ kind << 56).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    format!(
        "{:08x}-{:04x}-4{kind:03x}-8{:03x}-{number:012x}",
        mixed >> 32,
        mixed >> 16 & 0xffff,
        number & 0xfff
    )
}

impl Fleet {
    fn new(shards: usize, recipients: u64) -> Self {
        Self::of(shards, (0..recipients).map(|number| uuid(3, number)))
    }

    pub(super) fn of(shards: usize, visitors: impl Iterator<Item = String>) -> Self {
        let gateway = || Gateway::new(Rules::default(), GatewaySettings::default(), SEED).expect("a gateway");
        // As many as a round brings may wait.
        let limits = AdmissionLimits { events: usize::MAX, bytes: usize::MAX, ..AdmissionLimits::default() };
        let shards: Vec<_> = (0..shards).map(|_| (Shard::new(gateway()), Admission::new(limits))).collect();
        let count = shards.len();
        let one = |(number, visitor): (u64, String)| {
            let conversation: ConversationId = uuid(1, number).parse().expect("an id");
            Recipient {
                shard: usize::from(SEED.shard(&conversation)) % count,
                conversation,
                agent: uuid(2, number % 5_000).parse().expect("an id"),
                visitor: visitor.parse().expect("an id"),
                messages: 0,
            }
        };
        let recipients = (0..).zip(visitors).map(one).collect();
        Self { shards, recipients, now: START, random: 1, events: 0, written: Vec::new() }
    }

    fn event(&mut self, at: usize, what: What) -> (usize, Input) {
        self.events += 1;
        let id: EventId = format!("event-{}", self.events).parse().expect("an id");
        let recipient = &self.recipients[at];
        let event = Event { conversation: recipient.conversation.clone(), at: self.now, id: Some(id), what };
        (recipient.shard, Input::Event { source: SourceId(1), event: event.into() })
    }

    fn joined(&mut self, at: usize) -> (usize, Input) {
        let person = self.recipients[at].visitor.clone();
        self.event(at, What::Joined(Joined { person, role: Role::Visitor }))
    }

    pub(super) fn message(&mut self, at: usize) -> (usize, Input) {
        let recipient = &mut self.recipients[at];
        recipient.messages += 1;
        let message = Message {
            sender: recipient.agent.clone(),
            role: Role::Primary,
            kind: MessageKind::Written,
            message: None,
            sequence: Some(recipient.messages),
            sender_name: Some(Text::new("Agent Smith")),
            preview: Some(Text::new(&"x".repeat(TEXT))),
        };
        self.event(at, What::MessageSent(message))
    }

    fn anybody(&mut self) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        ((u128::from(self.random) * self.recipients.len() as u128) >> 64) as usize
    }

    pub(super) fn admit(&mut self, inputs: impl IntoIterator<Item = (usize, Input)>) {
        for (shard, input) in inputs {
            let (shard, admission) = &mut self.shards[shard];
            admission.admit(input, shard.gateway()).expect("room");
        }
    }

    /// Commits what waits, in groups as admission cuts them, and lets the outputs go.
    pub(super) fn commit(&mut self, mut take: impl FnMut(usize, Output)) {
        for (at, (shard, admission)) in self.shards.iter_mut().enumerate() {
            while !admission.is_empty() {
                let sealed = shard.group(self.now).fill(admission).seal();
                self.written.clear();
                log_append(&mut self.written, sealed.number(), sealed.now(), sealed.bytes());
                sealed.committed().for_each(|(_, output)| take(at, output));
            }
        }
    }

    /// Ends what is due.
    pub(super) fn tick(&mut self, mut take: impl FnMut(usize, Output)) {
        for at in 0..self.shards.len() {
            self.tick_of(at, |output| take(at, output));
        }
    }

    fn tick_of(&mut self, at: usize, mut take: impl FnMut(Output)) {
        let (shard, _) = &mut self.shards[at];
        while shard.next_wakeup().is_some_and(|wakeup| wakeup.at <= self.now) {
            let sealed = shard.group(self.now).tick().seal();
            self.written.clear();
            log_append(&mut self.written, sealed.number(), sealed.now(), sealed.bytes());
            sealed.committed().for_each(|(_, output)| take(output));
        }
    }

    /// Admits and commits as many at a time as come while a commit takes place.
    fn carry(&mut self, inputs: Vec<(usize, Input)>, mut take: impl FnMut(usize, Output)) {
        let mut inputs = inputs.into_iter().peekable();
        while inputs.peek().is_some() {
            self.admit(inputs.by_ref().take(AT_A_TIME));
            self.commit(&mut take);
        }
    }

    /// One event for each of these, from its source to the outcomes of its jobs.
    fn round(&mut self, of: &[usize]) -> Costs {
        let mut event = Duration::ZERO;
        for of in of.chunks(AT_A_TIME) {
            // Whoever reads an event from a document admits it at once.
            let events: Vec<_> = of.iter().map(|at| self.message(*at)).collect();
            let start = Clock::start();
            self.carry(events, |_, output| drop(output));
            event += start.elapsed();
        }
        self.now = self.now + WINDOW;
        let (mut at_once, mut answers, mut sent) = (AtOnce::default(), Vec::new(), Vec::new());
        answers.reserve(of.len());
        sent.reserve(of.len() * 3);
        let (mut tick, mut let_go) = (Duration::ZERO, Duration::ZERO);
        let mut asked = Vec::new();
        for at in 0..self.shards.len() {
            let start = Clock::start();
            self.tick_of(at, |output| match output {
                Output::LookUp(LookUp::Devices(recipient)) => {
                    at_once.ask(&recipient);
                    asked.push(recipient);
                }
                output => sent.extend(outcome(at, &output)),
            });
            tick += start.elapsed();
            let start = Clock::start();
            for recipient in asked.drain(..) {
                let answer = Devices::new(recipient.job, [phone(&recipient)]);
                let jobs = at_once.let_go(&recipient, answer, |answer| answers.push((at, answer.into())));
                sent.extend(jobs.iter().map(|job| (at, accepted(job))));
            }
            let_go += start.elapsed();
        }
        assert_eq!(answers.len(), of.len(), "one push for each event");
        let jobs = sent.len() as f64 / of.len() as f64;
        let start = Clock::start();
        self.carry(answers, |_, output| drop(output));
        let answer = start.elapsed();
        let start = Clock::start();
        self.carry(sent, |_, output| {
            if let Output::Note(Note::Settled { job, .. }) = output {
                at_once.settled(job);
            }
        });
        let outcome = start.elapsed();
        assert!(at_once.is_empty(), "all jobs are settled");
        let each = |span: Duration| span.as_secs_f64() * 1e9 / of.len() as f64;
        let (event, tick, let_go) = (each(event), each(tick), each(let_go));
        Costs { event, tick, let_go, answer: each(answer), outcome: each(outcome), jobs }
    }

    pub(super) fn fill(&mut self) {
        self.everybody(Self::joined);
    }

    /// One event for everybody, in pieces, so that the queue is as long as it is in a service.
    fn everybody(&mut self, event: impl Fn(&mut Self, usize) -> (usize, Input)) {
        for at in 0..self.recipients.len() {
            let event = event(self, at);
            self.admit(vec![event]);
            if at % 4_096 == 0 {
                self.settle();
            }
        }
        self.settle();
    }

    /// Commits what waits, and answers until nothing is asked any more.
    fn settle(&mut self) {
        loop {
            let mut answers = Vec::new();
            self.commit(|at, output| answers.extend(devices(at, &output).or_else(|| outcome(at, &output))));
            if answers.is_empty() {
                return;
            }
            self.admit(answers);
        }
    }
}

/// Everybody has one phone.
fn phone(recipient: &reveille_gateway::Recipient) -> Device {
    Device::new(DeviceId::from_bits(recipient.job.to_bits() ^ 1), 1).with_class(class::WEB_PUSH)
}

/// The answer of a driver that does not let first attempts go at once.
fn devices(at: usize, output: &Output) -> Option<(usize, Input)> {
    let Output::LookUp(LookUp::Devices(recipient)) = output else { return None };
    Some((at, Devices::new(recipient.job, [phone(recipient)]).into()))
}

pub(super) fn outcome(at: usize, output: &Output) -> Option<(usize, Input)> {
    let (Output::Send(job) | Output::FallBack(job)) = output else { return None };
    Some((at, accepted(job)))
}

fn accepted(job: &Job) -> Input {
    Outcome::of(job, Verdict::Accepted { status: 201 }).into()
}

fn costs(recipients: u64) -> Costs {
    let mut fleet = Fleet::new(SHARDS, recipients);
    fleet.fill();
    let mut rounds = Vec::new();
    for _ in 0..6 {
        let mut of: Vec<usize> = (0..ROUND.min(recipients as usize)).map(|_| fleet.anybody()).collect();
        of.sort_unstable();
        of.dedup();
        // In no order: events come as they come.
        for at in (1..of.len()).rev() {
            let other = fleet.anybody() % (at + 1);
            of.swap(at, other);
        }
        rounds.push(fleet.round(&of));
    }
    let median = |of: fn(&Costs) -> f64| {
        let mut all: Vec<f64> = rounds.iter().skip(1).map(of).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    };
    Costs {
        event: median(|costs| costs.event),
        tick: median(|costs| costs.tick),
        let_go: median(|costs| costs.let_go),
        answer: median(|costs| costs.answer),
        outcome: median(|costs| costs.outcome),
        jobs: median(|costs| costs.jobs),
    }
}

/// What stays of a conversation, from the allocator, ids and texts included, in one shard, so that what a shard keeps for
/// all (the trail of 16,384 events) is spread over many.
fn memory(report: &mut Report) {
    const LIVE: usize = 200_000;
    let mut fleet = Fleet::new(1, LIVE as u64);
    let before = allocations::live_bytes();
    let each = |before: i64| (allocations::live_bytes() - before) as f64 / LIVE as f64;
    fleet.fill();
    let joined = each(before);
    for from in (0..LIVE).step_by(10_000) {
        let some: Vec<usize> = (from..from + 10_000).collect();
        fleet.round(&some);
    }
    let at_once = each(before);
    // What only matters for an hour (ids of events, slots for a late cancel) goes, and then what is forgotten, 4,096
    // conversations with each input.
    let later = |fleet: &mut Fleet, hours: u64| {
        fleet.now = fleet.now + Duration::from_secs(hours * 3_600);
        fleet.tick(|_, output| drop(output));
        let (shard, admission) = &mut fleet.shards[0];
        for _ in 0..64 {
            admission.admit(Input::Tick, shard.gateway()).expect("room");
        }
        fleet.settle();
    };
    later(&mut fleet, 2);
    let unread = each(before);
    fleet.everybody(|fleet, at| {
        let one = &fleet.recipients[at];
        let (person, sequence) = (one.visitor.clone(), Some(one.messages));
        fleet.event(at, What::ReadUpTo(Read { person, sequence }))
    });
    fleet.everybody(|fleet, at| {
        let person = fleet.recipients[at].visitor.clone();
        fleet.event(at, What::Left(Left { person }))
    });
    later(&mut fleet, 50);
    later(&mut fleet, 800);
    let gone = each(before);
    report.note(&format!(
        "a live conversation: {joined:.0} bytes with one participant; with one unread message, settled, {unread:.0} (bar 600), {at_once:.0} within the hour of its events' ids and its slot; {gone:.0} when it was read and left (bar 0); {:?}",
        fleet.shards[0].0.gateway()
    ));
}

fn idle(report: &mut Report) {
    let before = allocations::live_bytes();
    let fleet = Fleet::new(SHARDS, 0);
    let bytes = (allocations::live_bytes() - before) as f64 / SHARDS as f64;
    report.note(&format!("an idle shard: {:.2} KiB (bar 8)", bytes / 1_024.0));
    drop(fleet);
}

/// What a store gets for a notification, and how long it takes to read it again: `compare gateway machine 1000000` does so
/// with a million events.
fn log(report: &mut Report, events: usize) {
    const EACH: usize = 20_000;
    let rounds = events.div_ceil(EACH);
    let events = rounds * EACH;
    let mut fleet = Fleet::new(1, EACH as u64);
    let mut log = Vec::new();
    log_head(&mut log, Gateway::BEHAVIOUR);
    let put = |fleet: &mut Fleet, tick: bool, log: &mut Vec<u8>| {
        let mut outputs = Vec::new();
        let (shard, admission) = &mut fleet.shards[0];
        loop {
            let group =
                if tick { shard.group(fleet.now).tick() } else { shard.group(fleet.now).fill(admission) };
            let sealed = group.seal();
            log_append(log, sealed.number(), sealed.now(), sealed.bytes());
            outputs.extend(sealed.committed().map(|(_, output)| output));
            let more = if tick {
                shard.next_wakeup().is_some_and(|wakeup| wakeup.at <= fleet.now)
            } else {
                !admission.is_empty()
            };
            if !more {
                return outputs;
            }
        }
    };
    let joined: Vec<_> = (0..EACH).map(|at| fleet.joined(at)).collect();
    fleet.admit(joined);
    put(&mut fleet, false, &mut log);
    let (before, mut inputs, mut jobs, mut others) = (log.len(), 0, 0, 0);
    for _ in 0..rounds {
        let events: Vec<_> = (0..EACH).map(|at| fleet.message(at)).collect();
        inputs += events.len();
        fleet.admit(events);
        put(&mut fleet, false, &mut log);
        fleet.now = fleet.now + WINDOW;
        let ended = put(&mut fleet, true, &mut log);
        let asked: Vec<_> = ended.iter().filter_map(|output| devices(0, output)).collect();
        let elsewhere: Vec<_> = ended.iter().filter_map(|output| outcome(0, output)).collect();
        inputs += asked.len();
        fleet.admit(asked);
        let sent: Vec<_> =
            put(&mut fleet, false, &mut log).iter().filter_map(|output| outcome(0, output)).collect();
        inputs += sent.len();
        jobs += sent.len();
        fleet.admit(sent);
        put(&mut fleet, false, &mut log);
        // Webhook and e-mail.
        inputs += elsewhere.len();
        let length = log.len();
        fleet.admit(elsewhere);
        put(&mut fleet, false, &mut log);
        others += log.len() - length;
    }
    let bytes = (log.len() - before - others) as f64 / jobs as f64;
    let others = others as f64 / jobs as f64;
    report.note(&format!("log of a notification for one device, {TEXT} bytes of text: {bytes:.0} bytes (bar 350), in groups of up to 1,024; the outcomes of webhook and e-mail {others:.0} more"));
    drop(fleet);
    let (start, mut effects) = (Clock::start(), 0);
    let mut shard =
        Shard::new(Gateway::new(Rules::default(), GatewaySettings::default(), SEED).expect("a gateway"));
    for entry in LogEntries::new(&log, Gateway::BEHAVIOUR).expect("a log") {
        effects += shard.replay(&entry).expect("what was written").effects().len();
    }
    let seconds = start.elapsed().as_secs_f64();
    report.note(&format!(
        "recovery of {events} events, {inputs} inputs with their answers and outcomes, {effects} effects for the store: {seconds:.2} s, {:.2} s for a million events (bar 8), {:.2} s for a million inputs",
        seconds * 1e6 / events as f64,
        seconds * 1e6 / inputs as f64
    ));
}
