//! The task that owns a shard: inbox, group, commit, outputs.

use std::time::{Duration, Instant};

use reveille_core::UnixTime;
use reveille_gateway::admission::Ticket;
use reveille_gateway::store::seal::Place;
use reveille_gateway::store::{Claim, Entry, Part, Refused, Snapshot, Store, StoreError};
use reveille_gateway::{Admission, AdmissionLimits, CatchUp, Input, Output, Shard};
use reveille_registry::DeviceKey;
use tokio::sync::{mpsc, oneshot, watch};

use super::effects::{Found, Leaving, Pending, decide_again};
use super::open::Opened;
use super::{Ask, Credit, NotTaken, Out, ShardSettings, Shared};
use crate::clock::Steps;
use crate::desk::Mail;
use crate::outgoing::Kept;

/// How many asks are looked at before a group is closed.
const AT_ONCE: usize = 4_096;
/// A store that failed is asked again after this.
const PAUSE: Duration = Duration::from_millis(200);
/// Timers are looked at as often at least: somebody may set the wall clock.
const LOOK: Duration = Duration::from_secs(1);

pub(super) struct Owner<S> {
    claim: Claim,
    shard: Shard,
    admission: Admission,
    pending: Pending,
    shared: Shared<S>,
    settings: ShardSettings,
    steps: Steps,
    /// Sources that wait for their commit, by the last ticket of what they gave.
    waiting: Vec<Waiting>,
    refused: Vec<Input>,
    /// The number behind the last snapshot, and when that was.
    saved: (u64, Instant),
    pause: Option<Instant>,
}

struct Waiting {
    ticket: Ticket,
    answer: oneshot::Sender<Result<(), NotTaken>>,
    _credit: Credit,
    since: Instant,
}

/// What became of a commit.
enum Fate {
    There(Vec<DeviceKey>),
    NotThere(StoreError),
}

impl<S: Store> Owner<S> {
    /// Reads the shard, and admits what follows a restart.
    pub(super) async fn open(claim: Claim, settings: ShardSettings, shared: Shared<S>) -> Result<Self, Out> {
        let opened = super::open::open(claim, &shared).await;
        let Opened { shard, pending, saved } =
            opened.map_err(|failure| Out::Open { shard: claim.shard.0, failure })?;
        let saved = (saved, Instant::now());
        let admission = Admission::new(AdmissionLimits::default());
        let steps = Steps::new(&shared.clock);
        let mut owner = Self {
            claim,
            shard,
            admission,
            pending,
            shared,
            settings,
            steps,
            waiting: Vec::new(),
            refused: Vec::new(),
            saved,
            pause: None,
        };
        owner.admit(Input::Owner(claim.epoch));
        owner.admit(Input::Recovered(CatchUp::default()));
        if owner.shard.gateway().settings() != &owner.settings.gateway {
            owner.admit(Input::Settings(Box::new(owner.settings.gateway.clone())));
        }
        if owner.shard.gateway().rules() != &owner.settings.rules {
            owner.admit(Input::Rules(Box::new(owner.settings.rules.clone())));
        }
        Ok(owner)
    }

    pub(super) async fn run(
        mut self,
        mut inbox: mpsc::UnboundedReceiver<Ask>,
        mut stop: watch::Receiver<bool>,
    ) -> Result<(), Out> {
        self.work().await?;
        while !*stop.borrow() {
            let wait = self.wait();
            tokio::select! {
                biased;
                changed = stop.changed() => if changed.is_err() { break },
                ask = inbox.recv() => match ask {
                    Some(ask) => self.take(ask),
                    None => break,
                },
                () = tokio::time::sleep(wait.unwrap_or(LOOK)), if wait.is_some() => {}
            }
            for _ in 0..AT_ONCE {
                let Ok(ask) = inbox.try_recv() else { break };
                self.take(ask);
            }
            self.work().await?;
        }
        // What was admitted before the end, answers of services above all, is not asked for again after a restart.
        while let Ok(ask) = inbox.try_recv() {
            self.take(ask);
        }
        self.close().await
    }

    fn take(&mut self, ask: Ask) {
        match ask {
            Ask::Answer(input) => self.admit(input),
            Ask::Question(question) => question(self.shard.gateway()),
            Ask::Events { inputs, credit, answer } => {
                let mut last = Ticket(0);
                for input in inputs {
                    match self.admission.admit(input, self.shard.gateway()) {
                        Ok(ticket) => last = ticket,
                        Err(refused) => {
                            self.shared.metrics.count("events_refused", refused.bound.name());
                            return drop(answer.send(Err(refused.into())));
                        }
                    }
                }
                self.waiting.push(Waiting { ticket: last, answer, _credit: credit, since: Instant::now() });
            }
        }
    }

    /// Nobody waits for it and nobody would send it again: what is refused, such as a device that was dropped while the queue
    /// is full, waits here until the next group has left.
    fn admit(&mut self, input: Input) {
        if self.admission.admit(input.clone(), self.shard.gateway()).is_err() {
            self.refused.push(input);
        }
    }

    /// How long nothing has to be done if nothing comes.
    fn wait(&self) -> Option<Duration> {
        let now = Instant::now();
        if let Some(pause) = self.pause {
            return Some(pause.saturating_duration_since(now));
        }
        if !self.admission.is_empty() {
            return Some(Duration::ZERO);
        }
        let wakeup =
            self.shard.next_wakeup().map(|wakeup| wakeup.at.since(self.shared.clock.now()).min(LOOK));
        let effects = self.pending.due().map(|due| due.saturating_duration_since(now));
        wakeup.into_iter().chain(effects).min()
    }

    async fn work(&mut self) -> Result<(), Out> {
        if self.pause.is_some_and(|pause| pause > Instant::now()) {
            return Ok(());
        }
        self.pause = None;
        let now = self.shared.clock.now();
        let due = self.shard.next_wakeup().is_some_and(|wakeup| wakeup.at <= now);
        if due || !self.admission.is_empty() {
            self.group().await?;
        } else if self.pending.due().is_some_and(|due| due <= Instant::now()) {
            self.effects_alone(now).await?;
        }
        let (behind, at) = self.saved;
        let inputs = self.shard.next_number().saturating_sub(behind);
        let old = inputs > 0 && at.elapsed() >= self.settings.snapshot_age;
        if (inputs >= self.settings.snapshot_inputs || old) && self.pause.is_none() {
            // What lies behind a snapshot is not made again.
            if self.pending.due().is_some() {
                self.effects_alone(now).await?;
            }
            if self.pause.is_some() {
                return Ok(());
            }
            self.snapshot().await?;
        }
        Ok(())
    }

    /// One group: from the queue to the outputs.
    async fn group(&mut self) -> Result<(), Out> {
        let (claim, hurries) = (self.claim, self.admission.hurries());
        let now = self.shared.clock.now();
        let mut leaving = match self.leave(now).await {
            Ok(leaving) => leaving,
            Err(error) => return self.failed(error),
        };
        let look = self.steps.look(&self.shared.clock);
        let mut group = self.shard.group(look.now).fill(&mut self.admission);
        if group.is_empty() {
            group = group.tick();
        }
        if let Some(was) = look.was {
            group = group.after_step(was);
        }
        let sealed = group.seal();
        let (number, next) = (sealed.number(), sealed.next_number());
        let bytes = self.shared.sealer.seal(Place::Entry(claim.shard, number), sealed.bytes());
        let entry = Entry { number, next, now: sealed.now(), bytes: bytes.map_err(|_| Out::Seal)? };
        let part = Part::new(claim, entry).with_effects(leaving.effects.clone());
        let answer = self.shared.committer.commit(part, hurries).await;
        match judge(claim, Some(next), &leaving, &*self.shared.store, answer).await? {
            Fate::NotThere(error) => {
                sealed.abandon(&mut self.admission);
                self.pending.again(leaving);
                self.failed(error)
            }
            Fate::There(conflicts) => {
                let applied = sealed.committed();
                let ticket = applied.ticket();
                let outputs: Vec<(u64, Output)> = applied.collect();
                self.steps.taken(look);
                self.pending.done(&leaving);
                self.pending.logged(next.saturating_sub(1));
                self.pending.take_in(outputs.iter().map(|(number, output)| (*number, output)), now);
                self.pending.grouped(self.shard.gateway());
                let again = Pending::conflicts(&leaving, &conflicts);
                let kept = std::mem::take(&mut leaving.kept);
                self.let_go(leaving, outputs);
                self.acknowledge(ticket);
                for input in std::mem::take(&mut self.refused) {
                    self.admit(input);
                }
                self.told(kept, &conflicts).await?;
                self.decide_again(&again, now).await
            }
        }
    }

    async fn leave(&mut self, now: UnixTime) -> Result<Leaving, StoreError> {
        let Shared { store, sealer, outgoing, .. } = &self.shared;
        self.pending.leave(&**store, sealer, outgoing.as_deref(), now).await
    }

    fn let_go(&self, leaving: Leaving, outputs: Vec<(u64, Output)>) {
        for (owner, device) in leaving.dropped {
            let _ = self.shared.desk.send(Mail::Dropped { owner, device });
        }
        let outputs: Vec<Output> =
            outputs.into_iter().map(|(_, output)| output).filter(|output| !output.is_effect()).collect();
        if !outputs.is_empty() {
            let _ = self.shared.desk.send(Mail::Outputs { shard: self.claim.shard, outputs });
        }
    }

    fn acknowledge(&mut self, ticket: Option<Ticket>) {
        let Some(ticket) = ticket else { return };
        for done in self.waiting.extract_if(.., |waiting| waiting.ticket <= ticket) {
            self.shared.metrics.accepted.record(done.since.elapsed());
            let _ = done.answer.send(Ok(()));
        }
    }

    async fn effects_alone(&mut self, now: UnixTime) -> Result<(), Out> {
        let mut leaving = match self.leave(now).await {
            Ok(leaving) => leaving,
            Err(error) => return self.failed(error),
        };
        let part = Part::of_effects(self.claim, leaving.effects.clone());
        let answer = self.shared.committer.commit(part, false).await;
        match judge(self.claim, None, &leaving, &*self.shared.store, answer).await? {
            Fate::NotThere(error) => {
                self.pending.again(leaving);
                self.failed(error)
            }
            Fate::There(conflicts) => {
                self.pending.done(&leaving);
                let again = Pending::conflicts(&leaving, &conflicts);
                let kept = std::mem::take(&mut leaving.kept);
                self.let_go(leaving, Vec::new());
                self.told(kept, &conflicts).await?;
                self.decide_again(&again, now).await
            }
        }
    }

    async fn told(&mut self, kept: Vec<Kept>, conflicts: &[DeviceKey]) -> Result<(), Out> {
        let Some(outgoing) = &self.shared.outgoing else { return Ok(()) };
        match outgoing.settle(kept, conflicts).await {
            Err(error) => self.failed(error),
            Ok(()) => Ok(()),
        }
    }

    async fn decide_again(&mut self, found: &[Found], now: UnixTime) -> Result<(), Out> {
        let Shared { store, outgoing, .. } = &self.shared;
        match decide_again(&**store, outgoing.as_deref(), found, now).await {
            Err(error) => self.failed(error),
            Ok(()) => Ok(()),
        }
    }

    async fn snapshot(&mut self) -> Result<(), Out> {
        let next = self.shard.next_number();
        let mut bytes = Vec::new();
        self.shard.snapshot(&mut bytes);
        let sealed = self.shared.sealer.seal(Place::Snapshot(self.claim.shard, next), &bytes);
        let snapshot = Snapshot { next, bytes: sealed.map_err(|_| Out::Seal)? };
        match self.shared.store.save(self.claim, snapshot).await {
            Ok(Ok(())) => self.saved = (next, Instant::now()),
            Ok(Err(refused)) => return Err(refuse(self.claim, refused)),
            Err(error) => return self.failed(error),
        }
        Ok(())
    }

    /// The sources are told, and what they gave waits: its ids are taken once, whenever they send it again.
    fn failed(&mut self, error: StoreError) -> Result<(), Out> {
        if !error.passes() {
            return Err(error.into());
        }
        for waiting in self.waiting.drain(..) {
            let _ = waiting.answer.send(Err(NotTaken::Store(error.clone())));
        }
        self.pause = Some(Instant::now() + PAUSE);
        Ok(())
    }

    /// The last group, the last effects, and a snapshot, so that the next start is short and another release can read it.
    async fn close(mut self) -> Result<(), Out> {
        self.pause = None;
        while !self.admission.is_empty() && self.pause.is_none() {
            self.group().await?;
        }
        if self.pending.due().is_some() && self.pause.is_none() {
            self.effects_alone(self.shared.clock.now()).await?;
        }
        for waiting in self.waiting.drain(..) {
            let _ = waiting.answer.send(Err(NotTaken::Stopping));
        }
        if self.pause.is_none() && self.shard.next_number() > self.saved.0 {
            self.snapshot().await?;
        }
        Ok(())
    }
}

/// Whether the part is in the store. Where the store does not know, its log does.
async fn judge<S: Store>(
    claim: Claim,
    next: Option<u64>,
    leaving: &Leaving,
    store: &S,
    answer: crate::committer::Answer,
) -> Result<Fate, Out> {
    let all = || leaving.effects.devices.iter().map(|write| write.key.clone()).collect();
    match answer {
        Ok(Ok(committed)) => Ok(Fate::There(committed.conflicts.into_iter().map(|(key, _)| key).collect())),
        Ok(Err(refused)) => Err(refuse(claim, refused)),
        Err(error) if error.is_certain() => Ok(Fate::NotThere(error)),
        Err(error) => loop {
            match store.load(claim.shard).await {
                Ok(loaded) if loaded.epoch != claim.epoch => return Err(Out::Stale { shard: claim.shard.0 }),
                Ok(loaded) => {
                    let there = next.map_or(loaded.done >= leaving.effects.upto, |next| loaded.next >= next);
                    // Which changes of devices met a conflict is not known: all are decided again, which changes nothing
                    // where they were made.
                    return Ok(if there { Fate::There(all()) } else { Fate::NotThere(error) });
                }
                Err(error) if error.passes() => tokio::time::sleep(PAUSE).await,
                Err(error) => return Err(error.into()),
            }
        },
    }
}

fn refuse(claim: Claim, refused: Refused) -> Out {
    match refused {
        Refused::Stale { .. } => Out::Stale { shard: claim.shard.0 },
        refused => Out::Log { shard: claim.shard.0, refused },
    }
}
