//! The loop: time goes on, things happen, and the driver does what a driver has to do.

use std::collections::BTreeMap;
use std::time::Duration;

use reveille_conversation::id::ConversationId;
use reveille_core::UnixTime;
use reveille_core::log::check_sum;
use reveille_crypto_rustcrypto::PROVIDER;
use reveille_delivery::LegId;
use reveille_gateway::admission::Ticket;
use reveille_gateway::log::{Applied, Sealed};
use reveille_gateway::{Epoch, Input, Output, Seed, SourceId};
use reveille_writer::Writer;

use super::crowd::Crowd;
use super::curve::QUICK;
use super::draw::Draw;
use super::meddle::Meddle;
use super::next::Next;
use super::node::{Cell, Done, Entry, Node, Store};
use super::oracle::Oracle;
use super::people::People;
use super::post::{Post, application_server, writer};
use super::script::{Scripted, script};
use super::services::Services;
use super::tokens::Tokens;
use super::wire::Weather;
use super::{Faults, Report, Simulation};

pub(super) const SHARDS: usize = 3;
pub(super) const SOURCE: SourceId = SourceId(1);
pub(super) const START: UnixTime = UnixTime::from_secs(1_700_000_000);
/// One run of so many has the real curve.
const REAL: u64 = 16;

pub(super) struct World {
    pub(super) plan: Simulation,
    pub(super) meddle: Box<dyn Meddle>,
    pub(super) seed: Seed,
    pub(super) draw: Draw,
    /// Chance of its own, so that all else is as it would be without.
    shadows: Draw,
    pub(super) truth: UnixTime,
    /// The error of the process's clock, in ms.
    pub(super) error: i64,
    pub(super) seq: u64,
    queue: BTreeMap<(UnixTime, u64), Next>,
    pub(super) queued: u64,
    pub(super) people: People,
    pub(super) services: Services,
    pub(super) script: Vec<Scripted>,
    pub(super) acknowledged: Vec<bool>,
    pub(super) crowd: Crowd,
    pub(super) stores: Vec<Store>,
    pub(super) writer: Writer,
    /// Access tokens that Google gave out.
    pub(super) granted: Vec<String>,
    /// Who owns the shards; nobody between a crash and what follows.
    pub(super) node: Option<Node>,
    /// Who owned them, and does not know that it is over.
    pub(super) sleeper: Option<Node>,
    pub(super) processes: u32,
    pub(super) weather: Weather,
    pub(super) tokens: Tokens,
    pub(super) oracle: Oracle,
    pub(super) report: Report,
}

impl World {
    pub(super) fn new(plan: Simulation, meddle: Box<dyn Meddle>) -> Self {
        let mut draw = Draw::new(plan.seed);
        let seed = Seed::new([7; 16]);
        let crypto = if plan.seed.is_multiple_of(REAL) { PROVIDER } else { QUICK };
        let server = application_server(crypto);
        let mut services = Services::new(crypto, server.clone());
        let mut people = People::new(plan.people, seed, &mut services, START, &mut draw);
        let script = script(&people, plan.events, plan.faults, START, &mut draw);
        let mut chance = Draw::new(plan.seed ^ u64::from_le_bytes(*b"audience"));
        people.add_readers(&mut services, START, &mut chance);
        let span = script.last().map_or(Duration::ZERO, |last| last.event.at.since(START));
        let crowd = Crowd::new(&people, plan.events, plan.faults, START, span, chance);
        let cells = (0..SHARDS).map(|_| Cell::new(seed)).collect();
        let node = Node { number: 1, cells, post: Post::new(), mail: Vec::new(), lease: UnixTime::MAX };
        let mut world = Self {
            plan,
            meddle,
            seed,
            draw,
            shadows: Draw::new(plan.seed ^ u64::from_le_bytes(*b"  shadow")),
            truth: START,
            error: 0,
            seq: 0,
            queue: BTreeMap::new(),
            queued: 0,
            people,
            services,
            crowd,
            acknowledged: vec![false; script.len()],
            stores: (0..SHARDS).map(|_| Store { owner: 1, ..Store::default() }).collect(),
            writer: writer(seed, crypto, &server),
            granted: Vec::new(),
            node: Some(node),
            sleeper: None,
            processes: 1,
            weather: Weather::default(),
            tokens: Tokens::default(),
            oracle: Oracle::default(),
            report: Report { events: script.len(), ..Report::default() },
            script,
        };
        world.plan_all();
        world
    }

    pub(super) fn at(&mut self, at: UnixTime, next: Next) {
        self.queued += 1;
        self.queue.insert((at.max(self.truth), self.queued), next);
    }

    pub(super) fn after(&mut self, wait: Duration, next: Next) {
        self.at(self.truth + wait, next);
    }

    /// What the process's clock shows.
    pub(super) fn now(&self) -> UnixTime {
        UnixTime::from_millis(self.truth.as_millis().saturating_add_signed(self.error))
    }

    pub(super) fn next_seq(&mut self) -> u64 {
        self.seq += 1;
        self.seq
    }

    /// When something is due in the process, in true time: a shard, or (`None`) whoever writes. Credentials that are kept
    /// fresh for nobody do not count.
    fn wakeup(&self) -> Option<(UnixTime, Option<usize>)> {
        let node = self.node.as_ref()?;
        let ticks = node.cells.iter().enumerate().filter(|_| !self.meddle.never_ticks());
        let shards = ticks.filter_map(|(shard, cell)| Some((cell.shard.next_wakeup()?.at, Some(shard))));
        let post = node.post.pacer.next_wakeup().map(|wakeup| (wakeup.at, None));
        let first = shards.chain(post).min();
        let fresh = self.writer.next_wakeup().filter(|_| first.is_some() || !self.queue.is_empty());
        let first = first.into_iter().chain(fresh.map(|wakeup| (wakeup.at, None))).min()?;
        let at = first.0.as_millis().saturating_add_signed(self.error.saturating_neg());
        Some((UnixTime::from_millis(at).max(self.truth), first.1))
    }

    pub(super) fn run(mut self) -> Report {
        // A machine that never comes to rest is a fault, too.
        for _ in 0..(self.script.len() + self.people.people.len()) * 600 + 20_000 {
            let next = self.queue.keys().next().copied();
            match (next, self.wakeup()) {
                (None, None) => break,
                (None, Some((due, who))) => self.due(due, who),
                (Some((at, _)), Some((due, who))) if due < at => self.due(due, who),
                (Some(key), _) => {
                    self.truth = self.truth.max(key.0);
                    if let Some(next) = self.queue.remove(&key) {
                        self.happens(next);
                    }
                }
            }
            self.pump();
        }
        self.judge()
    }

    fn judge(mut self) -> Report {
        let Some(mut node) = self.node.take() else { return self.report };
        let queued = self.queue.len();
        self.oracle.at_rest(&node.cells, queued);
        for cell in &mut node.cells {
            let counters = cell.shard.gateway().counters();
            self.report.dead_lettered += counters.of("dead_letters");
            for (name, number) in &counters.totals {
                if let Some(reason) = name.strip_prefix("suppressed:").filter(|_| *number > 0) {
                    *self.report.suppressed.entry(reason.to_owned()).or_default() += number;
                }
            }
            let mut bytes = self.report.fingerprint.to_le_bytes().to_vec();
            cell.shard.snapshot(&mut bytes);
            self.report.fingerprint = check_sum(&bytes);
        }
        self.oracle.explained(&self.script, &self.crowd, &node.cells, self.seed);
        let later = self.now() + Duration::from_secs(200 * 3_600);
        self.oracle.forgotten(&mut node.cells, later);
        self.report.violations = self.oracle.judge(&self.script, &self.people, &self.crowd, &self.tokens);
        self.report
    }

    fn due(&mut self, due: UnixTime, who: Option<usize>) {
        self.truth = self.truth.max(due);
        match who {
            Some(shard) => self.commit(shard, true),
            None => {
                self.writer.handle_timeout(self.now());
                self.credentials();
            }
        }
    }

    fn is_up(&self, process: u32) -> bool {
        self.node.as_ref().is_some_and(|node| node.number == process)
    }

    fn happens(&mut self, next: Next) {
        match next {
            Next::Arrive(event) => self.arrive(event),
            Next::Announce(number) => self.announce(number),
            Next::CallNewsOff(number) => self.call_news_off(number),
            Next::Answer { process, shard, input } => self.answer(process, shard, *input),
            Next::Resolve { process, shard, recipient, cause } if self.is_up(process) => {
                self.resolve(process, shard, &recipient, cause);
            }
            Next::Answered { process, flight, how } => self.answered(process, flight, *how),
            Next::Fetched { credential, fetch, well } => self.fetched(credential, fetch, well),
            Next::Commit { process, shard } if self.is_up(process) => self.commit(shard, false),
            Next::Resolve { .. } | Next::Commit { .. } => {}
            Next::Restart => self.restart(),
            Next::SetClock(error) => self.set_clock(error),
            Next::Register(person) => {
                let seq = self.next_seq();
                self.people.register(person, seq, &mut self.services, self.truth, &mut self.draw);
            }
            Next::Rotate(person) => {
                self.people.rotate(person, &mut self.services, self.truth, &mut self.draw);
            }
            Next::Forget(person) => {
                self.people.forget(person, &mut self.services, self.truth, &mut self.draw);
            }
            Next::Pause(person, span) => self.people.pause(person, self.now(), span),
            Next::Weather(weather) => self.weather = weather,
            Next::Revoke => self.granted.iter().for_each(|token| self.services.revoke(token)),
            Next::Change => self.change(),
            Next::Operator(what) => self.operate(what),
            Next::Sleep => self.sleep(),
            Next::Wake { process } => self.wake(process),
            Next::Backup(ago) => self.restore_backup(ago),
            Next::Resume { shard, input } => match self.node.as_ref().map(|node| node.number) {
                Some(process) => self.answer(process, shard, *input),
                None => self.after(Duration::from_secs(1), Next::Resume { shard, input }),
            },
        }
    }

    fn arrive(&mut self, number: usize) {
        let Some(scripted) = self.script.get(number) else { return };
        let event = Box::new(scripted.event.clone());
        let shard = shard_of(self.seed, &event.conversation);
        let input = Input::Event { source: SOURCE, event };
        let Some(node) = &mut self.node else {
            return self.after(Duration::from_secs(1), Next::Arrive(number));
        };
        if self.meddle.gives_events_to_two_shards()
            && let Some(other) = node.cells.get_mut((shard + 1) % SHARDS)
        {
            other.admit(input.clone());
        }
        let Some(cell) = node.cells.get_mut(shard) else { return };
        let ticket = cell.admit(input);
        cell.tickets.push((ticket, Done::Event(number)));
        if self.meddle.acknowledges_early() {
            self.acknowledge(number);
        }
        self.schedule(shard);
    }

    fn acknowledge(&mut self, number: usize) {
        if let Some(done) = self.acknowledged.get_mut(number) {
            *done = true;
        }
        self.oracle.acknowledged(number);
    }

    /// A service took it, and its answer is about to be handed in: when the next group is committed, that is known.
    pub(super) fn hears(&mut self, shard: usize, accepted: Option<LegId>) {
        if let Some(cell) = self.node.as_mut().and_then(|node| node.cells.get_mut(shard)) {
            cell.accepted.extend(accepted);
        }
    }

    /// Something for a process: it waits for the one that sleeps, and is lost with the one that died.
    pub(super) fn answer(&mut self, process: u32, shard: usize, input: Input) {
        if self.is_up(process) {
            for input in self.meddle.input(input) {
                let ends = self.ends_list(&input);
                if let Some(cell) = self.node.as_mut().and_then(|node| node.cells.get_mut(shard)) {
                    cell.admit(input);
                    cell.ends.extend(ends);
                }
            }
            self.schedule(shard);
        } else if let Some(sleeper) = self.sleeper.as_mut().filter(|sleeper| sleeper.number == process) {
            sleeper.mail.push((shard, input));
        }
    }

    /// Groups are as small or large as chance will have it; what hurries closes its group.
    pub(super) fn schedule(&mut self, shard: usize) {
        let Some(node) = &self.node else { return };
        let (process, hurries) =
            (node.number, node.cells.get(shard).is_some_and(|cell| cell.admission.hurries()));
        let wait = if hurries || self.draw.per_mille(600) { 0 } else { 20 };
        self.after(Duration::from_millis(wait), Next::Commit { process, shard });
    }

    /// One group: from the queue to the outputs, with a crash anywhere.
    fn commit(&mut self, shard: usize, tick: bool) {
        let now = self.now();
        let crash = self.plan.faults == Faults::Hell && self.draw.per_mille(4);
        let crash_at = if crash { Some(self.draw.below(4)) } else { None };
        let early = self.meddle.releases_early();
        let Some(node) = &mut self.node else { return };
        let process = node.number;
        let (Some(cell), Some(store)) = (node.cells.get_mut(shard), self.stores.get_mut(shard)) else {
            return;
        };
        let group = cell.shard.group(now).fill(&mut cell.admission);
        let group = match cell.stepped.take() {
            Some(was) => group.after_step(was),
            None => group,
        };
        let group = if group.is_empty() && tick { group.tick() } else { group };
        if group.is_empty() {
            return;
        }
        let sealed = group.seal();
        if crash_at == Some(0) && !early {
            return self.crash();
        }
        let mut entry = entry(&sealed, self.truth);
        let applied = sealed.committed();
        // Answers about an audience let others pass: what waits may be one of them.
        let all = cell.admission.is_empty();
        let heard = if all { std::mem::take(&mut cell.accepted) } else { Vec::new() };
        let ends = if all { std::mem::take(&mut cell.ends) } else { Vec::new() };
        let mut done = done(&applied, &mut cell.tickets);
        done.extend(ends);
        entry.done.clone_from(&done);
        let outputs: Vec<(u64, Output)> = applied.collect();
        entry.next = cell.shard.next_number();
        let committed = if early { entry.number.saturating_sub(1) } else { entry.next - 1 };
        if !store.append(entry, process) {
            self.oracle
                .violated("two owners: an append under a number that is taken, by the one that owns it");
        }
        if let Some(entry) = store.log.last()
            && let Err(how) = cell.shadow(entry, self.seed, &mut self.shadows)
        {
            self.oracle.violated(&format!("divergence: a shard from a snapshot decides otherwise: {how}"));
        }
        cell.groups += 1;
        if cell.groups.is_multiple_of(40) && !early {
            store.keep(&mut cell.shard);
        }
        if !early {
            self.is_committed(&done);
        }
        for leg in heard {
            let seq = self.next_seq();
            self.oracle.heard(leg, process, seq, self.truth);
        }
        if crash_at == Some(1) && !early {
            return self.crash();
        }
        let outputs = self.meddle.outputs(outputs);
        let leave = match crash_at {
            Some(2) => self.draw.index(outputs.len() + 1),
            _ => outputs.len(),
        };
        for (number, output) in outputs.into_iter().take(leave) {
            self.fingerprint(&output);
            self.let_go(process, shard, number, committed, output);
        }
        if crash_at.is_some() {
            return self.crash();
        }
        if early {
            self.is_committed(&done);
        }
    }

    fn is_committed(&mut self, done: &[Done]) {
        for done in done {
            let (seq, at) = (self.next_seq(), self.truth);
            match *done {
                Done::Event(event) => {
                    self.oracle.committed(event, seq, at, self.error.unsigned_abs() > 1_000);
                    self.acknowledge(event);
                }
                Done::Change { change, shard } => self.oracle.changes.committed(change, shard, seq, at),
                Done::Announced(news) => {
                    self.oracle.announced(news, seq, at);
                    self.crowd.set_taken(news, true);
                }
                Done::CalledOff(news) => {
                    self.oracle.called_off(news, seq, at);
                    self.crowd.set_called_off(news, true);
                }
                Done::ListRead(news) => self.oracle.list_read(news, at),
                Done::LoggedOut { number, shard } => self.oracle.logged_out(number, shard, seq, at),
            }
        }
    }

    fn fingerprint(&mut self, output: &Output) {
        let mut bytes = self.report.fingerprint.to_le_bytes().to_vec();
        output.encode(&mut bytes);
        self.report.fingerprint = check_sum(&bytes);
    }

    pub(super) fn next_epoch(&mut self) -> Epoch {
        self.processes += 1;
        Epoch(u64::from(self.processes))
    }
}

/// Where a conversation lives.
pub(super) fn shard_of(seed: Seed, conversation: &ConversationId) -> usize {
    usize::from(seed.shard(conversation)) % SHARDS
}

pub(super) fn entry(sealed: &Sealed<'_>, truth: UnixTime) -> Entry {
    let (number, now, bytes) = (sealed.number(), sealed.now(), sealed.bytes().to_vec());
    Entry { number, now, bytes, next: number, truth, done: Vec::new() }
}

fn done(applied: &Applied<'_>, tickets: &mut Vec<(Ticket, Done)>) -> Vec<Done> {
    let Some(ticket) = applied.ticket() else { return Vec::new() };
    tickets.extract_if(.., |(known, _)| *known <= ticket).map(|(_, done)| done).collect()
}
