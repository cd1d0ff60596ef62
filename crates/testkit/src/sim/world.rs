//! The loop: time goes on, things happen, and the driver does what a driver has to do.

use std::collections::BTreeMap;
use std::time::Duration;

use reveille_core::UnixTime;
use reveille_core::log::check_sum;
use reveille_delivery::{DeviceId, HeldBy, JobId, Verdict};
use reveille_gateway::{Deferred, Devices, Input, Job, LookUp, Outcome, Output, Recipient, Seed, Target};

use super::draw::Draw;
use super::meddle::Meddle;
use super::node::Cell;
use super::oracle::Oracle;
use super::people::People;
use super::script::{Scripted, script};
use super::wire::{Record, serve};
use super::{Faults, Report, Simulation};

const SHARDS: usize = 3;
const START: UnixTime = UnixTime::from_secs(1_700_000_000);

/// Something that will happen.
enum Next {
    /// A source delivers an event.
    Arrive(usize),
    /// An answer comes back to the process with this number.
    Answer {
        process: u32,
        shard: usize,
        input: Box<Input>,
    },
    /// Somebody looks devices up.
    Resolve {
        process: u32,
        shard: usize,
        recipient: Box<Recipient>,
    },
    /// A request's turn on the wire.
    Start(u64),
    /// What waits is put into a group.
    Commit(usize),
    Restart,
    SetClock(i64),
    Register(usize),
    Storm(bool),
}

pub(super) struct World {
    plan: Simulation,
    meddle: Box<dyn Meddle>,
    seed: Seed,
    draw: Draw,
    truth: UnixTime,
    /// The error of the process's clock, in ms.
    error: i64,
    seq: u64,
    queue: BTreeMap<(UnixTime, u64), Next>,
    queued: u64,
    people: People,
    script: Vec<Scripted>,
    acknowledged: Vec<bool>,
    cells: Vec<Cell>,
    up: bool,
    process: u32,
    storm: bool,
    /// Requests that wait for their turn: volatile.
    wire: BTreeMap<u64, (usize, Job)>,
    oracle: Oracle,
    report: Report,
}

impl World {
    pub(super) fn new(plan: Simulation, meddle: Box<dyn Meddle>) -> Self {
        let mut draw = Draw::new(plan.seed);
        let seed = Seed::new([7; 16]);
        let people = People::new(plan.people, seed, &mut draw);
        let script = script(&people, plan.events, plan.faults, START, &mut draw);
        let mut world = Self {
            plan,
            meddle,
            seed,
            draw,
            truth: START,
            error: 0,
            seq: 0,
            queue: BTreeMap::new(),
            queued: 0,
            people,
            acknowledged: vec![false; script.len()],
            cells: (0..SHARDS).map(|_| Cell::new(seed)).collect(),
            up: true,
            process: 1,
            storm: false,
            wire: BTreeMap::new(),
            oracle: Oracle::default(),
            report: Report { events: script.len(), ..Report::default() },
            script,
        };
        world.plan_all();
        world
    }

    fn plan_all(&mut self) {
        let mut last = START;
        let arrivals: Vec<_> = self
            .script
            .iter()
            .enumerate()
            .flat_map(|(number, scripted)| scripted.arrives.iter().map(move |at| (number, *at)))
            .collect();
        for (number, at) in arrivals {
            last = last.max(at);
            self.at(at, Next::Arrive(number));
        }
        if self.plan.faults == Faults::None {
            return;
        }
        let span = last.since(START).as_millis() as u64;
        for _ in 0..span / 120_000 {
            let at = START + self.draw.ms(0, span);
            let who = self.draw.index(self.people.people.len());
            self.at(at, Next::Register(who));
        }
        for _ in 0..=span / 600_000 {
            let at = START + self.draw.ms(0, span);
            let over = at + self.draw.ms(1_000, 30_000);
            self.at(at, Next::Storm(true));
            self.at(over, Next::Storm(false));
        }
        if self.plan.faults == Faults::Hell {
            for _ in 0..=span / 300_000 {
                let at = START + self.draw.ms(0, span);
                let error = match self.draw.below(5) {
                    0 | 1 => 0,
                    2 => self.draw.below(30_000) as i64 - 15_000,
                    // A jump over an hour is longer than ids of events and rung devices are remembered.
                    3 => self.draw.below(1_500_000) as i64,
                    _ => -(self.draw.below(1_500_000) as i64),
                };
                self.at(at, Next::SetClock(error));
            }
        }
    }

    fn at(&mut self, at: UnixTime, next: Next) {
        self.queued += 1;
        self.queue.insert((at.max(self.truth), self.queued), next);
    }

    fn after(&mut self, wait: Duration, next: Next) {
        self.at(self.truth + wait, next);
    }

    /// What the process's clock shows.
    fn now(&self) -> UnixTime {
        UnixTime::from_millis(self.truth.as_millis().saturating_add_signed(self.error))
    }

    fn next_seq(&mut self) -> u64 {
        self.seq += 1;
        self.seq
    }

    /// When a shard wants a tick, in true time.
    fn wakeup(&self) -> Option<(UnixTime, usize)> {
        if !self.up || self.meddle.never_ticks() {
            return None;
        }
        let wakeups = self.cells.iter().enumerate().filter_map(|(shard, cell)| {
            let at = cell.shard.next_wakeup()?.at.as_millis().saturating_add_signed(-self.error);
            Some((UnixTime::from_millis(at).max(self.truth), shard))
        });
        wakeups.min()
    }

    pub(super) fn run(mut self) -> Report {
        // A machine that never comes to rest is a fault, too.
        for _ in 0..self.script.len() * 400 + 10_000 {
            let next = self.queue.keys().next().copied();
            match (next, self.wakeup()) {
                (None, None) => break,
                (Some((at, _)), Some((due, shard))) if due < at => self.tick(due, shard),
                (None, Some((due, shard))) => self.tick(due, shard),
                (Some(key), _) => {
                    self.truth = self.truth.max(key.0);
                    if let Some(next) = self.queue.remove(&key) {
                        self.happens(next);
                    }
                }
            }
        }
        let open: u64 = self.cells.iter().map(|cell| cell.shard.gateway().open_jobs()).sum();
        let pending: u64 =
            self.cells.iter().map(|cell| cell.shard.gateway().counters().of("messages_pending")).sum();
        self.oracle.at_rest(open, pending, self.queue.len());
        self.report.violations = self.oracle.judge(&self.script, &self.people);
        for cell in &self.cells {
            let mut bytes = self.report.fingerprint.to_le_bytes().to_vec();
            cell.shard.snapshot(&mut bytes);
            self.report.fingerprint = check_sum(&bytes);
        }
        self.report
    }

    fn tick(&mut self, due: UnixTime, shard: usize) {
        self.truth = self.truth.max(due);
        self.commit(shard, true);
    }

    fn happens(&mut self, next: Next) {
        match next {
            Next::Arrive(event) => self.arrive(event),
            Next::Answer { process, shard, input } if self.up && process == self.process => {
                if let Some(input) = self.meddle.input(*input) {
                    self.admit(shard, input);
                }
            }
            Next::Resolve { process, shard, recipient } if self.up && process == self.process => {
                let devices = Devices::new(recipient.job, self.people.choose(&recipient));
                if let Some(input) = self.meddle.input(devices.into()) {
                    self.admit(shard, input);
                }
            }
            Next::Answer { .. } | Next::Resolve { .. } => {}
            Next::Start(request) => self.start(request),
            Next::Commit(shard) => self.commit(shard, false),
            Next::Restart => self.restart(),
            Next::SetClock(error) => self.set_clock(error),
            Next::Register(person) => {
                let seq = self.next_seq();
                self.people.register(person, self.seed, seq, &mut self.draw);
            }
            Next::Storm(storm) => self.storm = storm,
        }
    }

    fn arrive(&mut self, number: usize) {
        if !self.up {
            return self.after(Duration::from_secs(1), Next::Arrive(number));
        }
        let Some(scripted) = self.script.get(number) else { return };
        let event = Box::new(scripted.event.clone());
        let shard = usize::from(self.seed.shard(&event.conversation)) % SHARDS;
        let input = Input::Event { source: reveille_gateway::SourceId(1), event };
        let Some(cell) = self.cells.get_mut(shard) else { return };
        let ticket = cell.admit(input);
        cell.tickets.push((ticket, number));
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

    fn admit(&mut self, shard: usize, input: Input) {
        if let Some(cell) = self.cells.get_mut(shard) {
            cell.admit(input);
        }
        self.schedule(shard);
    }

    /// Groups are as small or large as chance will have it; what hurries closes its group.
    fn schedule(&mut self, shard: usize) {
        let hurries = self.cells.get(shard).is_some_and(|cell| cell.admission.hurries());
        let wait = if hurries || self.draw.per_mille(600) { 0 } else { 20 };
        self.after(Duration::from_millis(wait), Next::Commit(shard));
    }

    /// One group: from the queue to the outputs, with a crash anywhere.
    fn commit(&mut self, shard: usize, tick: bool) {
        let now = self.now();
        let crash = self.plan.faults == Faults::Hell && self.draw.per_mille(4);
        let crash_at = if crash { Some(self.draw.below(4)) } else { None };
        let Some(cell) = self.cells.get_mut(shard).filter(|_| self.up) else { return };
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
        let early = self.meddle.releases_early();
        if crash_at == Some(0) && !early {
            return self.crash();
        }
        let entry = (sealed.number(), sealed.now(), sealed.bytes().to_vec());
        let ticket = sealed.ticket();
        if !early {
            cell.log.push(entry.clone());
        }
        let outputs: Vec<_> = sealed.committed().collect();
        let committed = if early { entry.0.saturating_sub(1) } else { cell.shard.next_number() - 1 };
        cell.groups += 1;
        if cell.groups.is_multiple_of(40) && !early {
            cell.snapshot();
        }
        let done: Vec<usize> = match ticket {
            Some(ticket) => {
                let done = cell.tickets.extract_if(.., |(known, _)| *known <= ticket);
                done.map(|(_, number)| number).collect()
            }
            None => Vec::new(),
        };
        if !early {
            for number in &done {
                let seq = self.next_seq();
                self.oracle.committed(*number, seq, self.truth, self.error.unsigned_abs() > 1_000);
                self.acknowledge(*number);
            }
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
            self.let_go(shard, number, committed, output);
        }
        if crash_at.is_some() {
            return self.crash();
        }
        if early {
            if let Some(cell) = self.cells.get_mut(shard) {
                cell.log.push(entry);
            }
            for number in &done {
                let seq = self.next_seq();
                self.oracle.committed(*number, seq, self.truth, self.error.unsigned_abs() > 1_000);
                self.acknowledge(*number);
            }
        }
    }

    fn fingerprint(&mut self, output: &Output) {
        let mut bytes = self.report.fingerprint.to_le_bytes().to_vec();
        output.encode(&mut bytes);
        self.report.fingerprint = check_sum(&bytes);
    }

    fn let_go(&mut self, shard: usize, number: u64, committed: u64, output: Output) {
        let process = self.process;
        let hell = self.plan.faults == Faults::Hell;
        match output {
            Output::LookUp(LookUp::Name(lookup)) => {
                let wait = self.draw.ms(1, if hell { 600 } else { 200 });
                let answer =
                    reveille_conversation::lookup::Answer { of: lookup.of, text: Some("Carol".into()) };
                let input = Box::new(Input::Answer(answer));
                self.after(wait, Next::Answer { process, shard, input });
            }
            Output::LookUp(LookUp::Devices(recipient)) => {
                let urgent = recipient.priority == reveille_delivery::Priority::Urgent;
                let wait = self.draw.ms(1, 60);
                if hell && self.draw.per_mille(5) {
                    return self.oracle.disturbed(self.truth);
                }
                if self.plan.faults != Faults::None && !urgent && self.draw.per_mille(40) {
                    let until = self.now() + self.draw.ms(1_000, 90_000);
                    let input = Box::new(Deferred::person(recipient.job, until, HeldBy::Quiet).into());
                    return self.after(wait, Next::Answer { process, shard, input });
                }
                self.after(wait, Next::Resolve { process, shard, recipient: Box::new(recipient) });
            }
            Output::Attempt { job, device, attempt } => {
                let input = Box::new(Input::Attempt { job, device, attempt });
                let wait = self.draw.ms(0, 20);
                self.after(wait, Next::Answer { process, shard, input });
            }
            Output::Send(job) | Output::FallBack(job) => self.offer(shard, number, committed, *job),
            Output::Withdraw { job, device } => self.withdraw(shard, job, device),
            Output::Device { device, effect, .. } => {
                let seq = self.next_seq();
                self.people.apply(device, effect, seq);
            }
            _ => {}
        }
    }

    /// The pacer: a request waits for its turn, or is held back.
    fn offer(&mut self, shard: usize, cause: u64, committed: u64, job: Job) {
        let urgent = job.priority == reveille_delivery::Priority::Urgent;
        if self.plan.faults != Faults::None && !urgent && self.draw.per_mille(20) {
            let until = self.now() + self.draw.ms(100, 3_000);
            let input = Box::new(Deferred::attempt(&job, until, HeldBy::Rate).into());
            let process = self.process;
            return self.after(Duration::ZERO, Next::Answer { process, shard, input });
        }
        let job = self.meddle.job(job);
        self.oracle.offered(cause, committed);
        self.queued += 1;
        let request = self.queued;
        self.wire.insert(request, (shard, job));
        let wait = self.draw.ms(0, 250);
        self.after(wait, Next::Start(request));
    }

    fn withdraw(&mut self, shard: usize, job: JobId, device: DeviceId) {
        if self.meddle.ignores_withdrawals() {
            return;
        }
        let found =
            self.wire.iter().find(|(_, (_, waiting))| waiting.job == job && waiting.target.id() == device);
        let Some(request) = found.map(|(request, _)| *request) else { return };
        let Some((_, job)) = self.wire.remove(&request) else { return };
        let input = Box::new(Outcome::of(&job, Verdict::NotSent).into());
        let process = self.process;
        self.after(Duration::ZERO, Next::Answer { process, shard, input });
    }

    /// The first byte leaves.
    fn start(&mut self, request: u64) {
        let Some((shard, job)) = self.wire.remove(&request) else { return };
        if job.not_after <= self.now() {
            // The writer looks once more before it writes.
            let input = Box::new(Outcome::of(&job, Verdict::NotSent).into());
            let process = self.process;
            return self.after(Duration::ZERO, Next::Answer { process, shard, input });
        }
        self.send(shard, job.clone());
        if self.meddle.retries_by_itself() && self.draw.per_mille(200) {
            self.send(shard, job);
        }
    }

    fn send(&mut self, shard: usize, job: Job) {
        let (faults, storm, now) = (self.plan.faults, self.storm, self.now());
        let (started, end, answers) = serve(&job, &mut self.people, faults, storm, now, &mut self.draw);
        let seq = self.next_seq();
        for answer in answers {
            let input = Box::new(Outcome::of(&job, answer.verdict).into());
            let process = self.process;
            self.after(answer.after, Next::Answer { process, shard, input });
        }
        if started {
            self.report.requests += 1;
            self.report.accepted += usize::from(end == super::wire::End::Accepted);
            self.report.fallbacks += usize::from(job.target == Target::Sms);
        }
        let record = Record { seq, at: self.truth, job, started, end };
        self.report.repeated += usize::from(self.oracle.received(record));
    }

    /// Everything that is not durable is gone.
    fn crash(&mut self) {
        self.report.crashes += 1;
        self.oracle.disturbed(self.truth);
        (self.up, self.process) = (false, self.process + 1);
        self.wire.clear();
        let wait = self.draw.ms(50, 20_000);
        self.after(wait, Next::Restart);
    }

    fn restart(&mut self) {
        self.up = true;
        self.oracle.disturbed(self.truth);
        let (seed, tail) = (self.seed, !self.meddle.forgets_the_tail());
        for shard in 0..SHARDS {
            let which = self.draw.index(3);
            let Some(cell) = self.cells.get_mut(shard) else { continue };
            let replayed = cell.restart(seed, which, tail);
            let last = cell.shard.next_number() - 1;
            for (number, output) in replayed {
                if output.is_effect() || self.meddle.lets_the_replay_go() {
                    self.let_go(shard, number, last, output);
                }
            }
            self.commit_soon(shard);
        }
        // What a source has no acknowledgement for comes again.
        let missing: Vec<usize> = (0..self.script.len())
            .filter(|number| !self.acknowledged.get(*number).copied().unwrap_or(true))
            .filter(|number| {
                self.script.get(*number).is_some_and(|one| one.arrives.iter().any(|at| *at <= self.truth))
            })
            .collect();
        for number in missing {
            let wait = self.draw.ms(0, 2_000);
            self.after(wait, Next::Arrive(number));
        }
    }

    fn commit_soon(&mut self, shard: usize) {
        self.after(Duration::ZERO, Next::Commit(shard));
    }

    /// The driver compares the wall clock with a monotonic one, and says what it sees.
    fn set_clock(&mut self, error: i64) {
        let was = self.now();
        self.error = error;
        self.oracle.disturbed(self.truth);
        self.oracle.stepped(self.truth);
        if !self.up {
            return;
        }
        for shard in 0..SHARDS {
            if let Some(cell) = self.cells.get_mut(shard) {
                cell.stepped.get_or_insert(was);
            }
            self.schedule(shard);
        }
    }
}
