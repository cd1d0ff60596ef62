//! What goes wrong with processes, stores and clocks, and what is changed while they run.

use std::time::Duration;

use reveille_conversation::rules::{KillSwitch, Rules};
use reveille_delivery::Verdict;
use reveille_gateway::{Input, Outcome, Output};

use super::next::Next;
use super::node::{Cell, Done, Node, settings};
use super::post::{Cargo, Post};
use super::world::{SHARDS, World};

/// How long a lease holds that nobody renews.
const LEASE: Duration = Duration::from_secs(10);
/// Under some settings an attempt is given up so long after it was given out, wherever it is.
pub(super) const SHORT_PATIENCE: Duration = Duration::from_secs(20);
/// How far clocks of machines drift apart meanwhile.
const DRIFT: Duration = Duration::from_secs(1);

impl World {
    /// Everything that is not durable is gone.
    pub(super) fn crash(&mut self) {
        self.report.crashes += 1;
        self.oracle.disturbed(self.truth);
        self.oracle.cut_off(self.truth);
        self.node = None;
        let wait = self.draw.ms(50, 20_000);
        self.after(wait, Next::Restart);
    }

    pub(super) fn restart(&mut self) {
        if self.node.is_some() {
            return;
        }
        self.oracle.disturbed(self.truth);
        let (seed, tail) = (self.seed, !self.meddle.forgets_the_tail());
        let epoch = self.next_epoch();
        let number = self.processes;
        let (mut cells, mut effects) = (Vec::new(), Vec::new());
        for (shard, store) in self.stores.iter_mut().enumerate() {
            // Seldom none: a whole log is long.
            let which = if self.draw.per_mille(50) { 2 } else { self.draw.index(2) };
            store.owner = number;
            let (cell, replayed) = Cell::restart(store, seed, which, tail, epoch);
            let last = cell.shard.next_number() - 1;
            effects.extend(replayed.into_iter().map(|(number, output)| (shard, number, last, output)));
            cells.push(cell);
        }
        let lease = self.truth + LEASE;
        self.node = Some(Node { number, cells, post: Post::new(), mail: Vec::new(), lease });
        for (shard, cause, last, output) in effects {
            if let Output::Resume(effect) = &output {
                self.tokens.again(effect);
                continue;
            }
            if output.is_effect() || self.meddle.lets_the_replay_go() {
                self.let_go(number, shard, cause, last, output);
            }
        }
        for shard in 0..SHARDS {
            self.after(Duration::ZERO, Next::Commit { process: number, shard });
        }
        self.send_again();
    }

    /// What a source has no acknowledgement for comes again, and so does what an operator wanted.
    fn send_again(&mut self) {
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
        for (number, shard) in self.oracle.changes.missing() {
            self.admit_change(number, shard);
        }
        self.send_news_again();
    }

    /// The driver compares the wall clock with a monotonic one, and says what it sees.
    pub(super) fn set_clock(&mut self, error: i64) {
        let was = self.now();
        if error == self.error {
            return;
        }
        self.error = error;
        self.oracle.disturbed(self.truth);
        self.oracle.stepped(self.truth);
        if let Some(node) = &mut self.node {
            for cell in &mut node.cells {
                cell.stepped.get_or_insert(was);
            }
        }
        for shard in 0..SHARDS {
            self.schedule(shard);
        }
    }

    /// An operator stops everything new, or lets it go again; and changes a setting.
    pub(super) fn change(&mut self) {
        let number = self.oracle.changes.add(self.truth);
        for shard in 0..SHARDS {
            self.admit_change(number, shard);
        }
        if self.oracle.changes.is_off(number) {
            let wait = self.draw.ms(5_000, 60_000);
            self.after(wait, Next::Change);
        }
    }

    fn admit_change(&mut self, number: usize, shard: usize) {
        let off = self.oracle.changes.is_off(number);
        let rules = Rules::default().with_kill(KillSwitch::default().with_all(off));
        let changed = if off { settings().with_answer_within(SHORT_PATIENCE) } else { settings() };
        let inputs = [Input::Settings(Box::new(changed)), Input::Rules(Box::new(rules))];
        let Some(cell) = self.node.as_mut().and_then(|node| node.cells.get_mut(shard)) else { return };
        for input in inputs {
            if let Some(input) = self.meddle.input(input).into_iter().next() {
                cell.admit(input);
            }
        }
        // Whoever breaks the driver believes that it was done.
        let ticket = cell.admit(Input::Tick);
        cell.tickets.push((ticket, Done::Change { change: number, shard }));
        self.schedule(shard);
    }

    /// The process stops. Whoever waits for its lease takes over.
    pub(super) fn sleep(&mut self) {
        let is_idle = self.node.as_ref().is_some_and(|node| node.post.pacer.is_empty());
        if is_idle && self.draw.per_mille(990) {
            // What does harm is what waits in it meanwhile.
            return self.after(Duration::from_millis(250), Next::Sleep);
        }
        let Some(mut node) = self.node.take() else { return };
        self.oracle.disturbed(self.truth);
        self.oracle.cut_off(self.truth);
        node.lease = self.truth + LEASE;
        let wait = LEASE + DRIFT + self.draw.ms(0, 5_000);
        let more = self.draw.ms(0, 60_000);
        let process = node.number;
        self.sleeper = Some(node);
        self.after(wait, Next::Restart);
        self.after(wait + more, Next::Wake { process });
    }

    /// It wakes, and goes on as if nothing had happened, until it finds that something has. One that fell asleep after it is
    /// not the one to wake: nobody has taken over from that yet.
    pub(super) fn wake(&mut self, process: u32) {
        let Some(mut node) = self.sleeper.take_if(|node| node.number == process) else { return };
        let now = self.now();
        let is_owner = node.lease > self.truth;
        while let Some(leave) = node.post.pacer.next(now) {
            // The check before the first byte.
            if is_owner || self.meddle.ignores_the_lease() {
                self.contradict(node.number, &leave.content);
            } else {
                let (shard, outcome) =
                    (leave.content.shard, Outcome::of(&leave.content.job, Verdict::NotSent));
                node.post.pacer.give_back(leave.ticket, now);
                node.mail.push((shard, outcome.into()));
            }
        }
        let mut mail = std::mem::take(&mut node.mail);
        for (shard, cell) in node.cells.iter_mut().enumerate() {
            for (_, input) in mail.extract_if(.., |(at, _)| *at == shard) {
                cell.admit(input);
            }
            let sealed = cell.shard.group(now).fill(&mut cell.admission).tick().seal();
            let entry = super::world::entry(&sealed, self.truth);
            let blind = self.meddle.appends_blindly();
            let taken = self.stores.get_mut(shard).is_some_and(|store| !store.fits(&entry, node.number));
            if !taken {
                self.oracle.violated("two owners: an append of the one that slept was taken");
            }
            if taken && !blind {
                sealed.abandon(&mut cell.admission);
                continue;
            }
            let outputs: Vec<(u64, Output)> = sealed.committed().collect();
            for (_, output) in outputs {
                if let Output::Send(job) | Output::FallBack(job) = output {
                    let lane = reveille_delivery::pacer::LaneId::from_bits(1);
                    let cargo = Cargo { shard, job: *job, letter: None, lane, offered: self.truth };
                    self.contradict(node.number, &cargo);
                }
            }
        }
        // It reads that the shards have another owner, and ends.
    }

    /// What a process sends that is not the owner any more.
    fn contradict(&mut self, process: u32, cargo: &Cargo) {
        match &cargo.letter {
            Some((request, _)) => drop(self.transmit(process, cargo, Some(request))),
            None => {
                let person = self.people.load(&cargo.job.person);
                let leg = reveille_writer::Leg { job: &cargo.job, person: &person };
                let written = self.writer.write(&[leg], self.now()).pop();
                if let Some(reveille_writer::Written::Ready(ready)) = written {
                    self.transmit(process, cargo, Some(&ready.request));
                } else {
                    self.transmit(process, cargo, None);
                }
            }
        }
    }

    /// All stores are what they were `ago`; whoever sent something since sends it again.
    pub(super) fn restore_backup(&mut self, ago: Duration) {
        if self.node.is_none() || self.sleeper.is_some() {
            return;
        }
        let to = self.truth - ago;
        self.oracle.rolled_back_at(self.truth);
        let mut lost = Vec::new();
        for store in &mut self.stores {
            lost.extend(store.roll_back(to));
        }
        for done in lost {
            match done {
                Done::Event(event) => {
                    if let Some(done) = self.acknowledged.get_mut(event) {
                        *done = false;
                    }
                    self.oracle.uncommitted(event);
                }
                Done::Change { change, shard } => self.oracle.changes.undo(change, shard),
                Done::Announced(news) => {
                    self.oracle.not_announced(news);
                    self.crowd.set_taken(news, false);
                }
                Done::CalledOff(news) => {
                    self.oracle.not_called_off(news);
                    self.crowd.set_called_off(news, false);
                }
                Done::ListRead(news) => self.oracle.list_not_read(news),
                Done::LoggedOut { number, shard } => self.oracle.not_logged_out(number, shard),
            }
        }
        self.crash();
    }
}
