//! The desk between the shards and the wire: looks devices up, has requests written, lets them go at the pacer's word, reads
//! the answers. One task, so that a cancel never overtakes its ring: what the shards say is done in the order in which they
//! say it.

mod cargo;
mod people;
mod writing;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Response;
use reveille_conversation::Noted;
use reveille_core::UnixTime;
use reveille_core::metrics::Counters;
use reveille_delivery::pacer::{Pacer, PacerSettings, Ticket};
use reveille_delivery::{DeviceId, HeldBy, JobId, LegId, Verdict};
use reveille_gateway::store::{ShardId, Store, Subject};
use reveille_gateway::{AtOnce, Deferred, Devices, Input, Job, LookUp, Note, Outcome, Output, Recipient};
use reveille_writer::credential::{Credential, Fetch, WriterOutput};
use reveille_writer::{Answer as Picked, Writer, Written};
use tokio::sync::{mpsc, oneshot};

use crate::channels::{self, is_channel};
use crate::clock::Clock;
use crate::lookups::Lookups;
use crate::metrics::Metrics;
use crate::outgoing::Outgoing;
use crate::quiet::Zones;
use crate::shards::{Lease, Shards};
use crate::wire::{Failure, Wire};

use cargo::{Cargo, Sending, push};
use writing::Writing;

/// Legs that are written together: as many as share all that can be shared.
const BATCH: usize = 64;
/// Timers are looked at as often at least.
const LOOK: Duration = Duration::from_secs(1);
/// What this process cannot send at the moment comes again after this.
pub(crate) const SOON: Duration = Duration::from_secs(1);
/// How often connections that nobody uses are looked for.
const SWEEP: Duration = Duration::from_secs(30);

/// What comes to the desk.
pub enum Mail {
    /// What a shard wants done, in its order.
    Outputs {
        /// Which shard.
        shard: ShardId,
        /// What.
        outputs: Vec<Output>,
    },
    /// A device is not to be told any more.
    Dropped {
        /// Whose it was.
        owner: String,
        /// Which.
        device: DeviceId,
    },
    /// Devices were picked.
    #[doc(hidden)]
    Picked(Vec<(ShardId, Recipient, Picked)>),
    /// Requests were written.
    #[doc(hidden)]
    Written(Vec<(ShardId, Job, Option<Written>)>),
    /// A request has ended.
    #[doc(hidden)]
    Ended(Box<Sending>, Result<Response<Bytes>, Failure>),
    /// A token server has answered.
    #[doc(hidden)]
    Fetched(Credential, reveille_fcm::credential::FetchId, Result<Response<Bytes>, Failure>),
    /// Credentials were changed: this one writes from now on.
    Writer(Arc<Writer>),
    /// Somebody wants to know what the writer and the pacer have counted.
    Counters(oneshot::Sender<(Counters, Counters)>),
    /// Nothing new leaves; says so when nothing is under way any more.
    Close(oneshot::Sender<()>),
}

/// What the desk works with.
pub struct Desk<S> {
    /// Where people and devices are.
    pub store: Arc<S>,
    /// The shards, for answers.
    pub shards: Shards,
    /// Who knows names and audiences.
    pub lookups: Lookups<S>,
    /// Who writes.
    pub writer: Arc<Writer>,
    /// What carries.
    pub wire: Arc<Wire>,
    /// What is no push goes there.
    pub channels: mpsc::UnboundedSender<channels::Mail>,
    /// When it is night where.
    pub zones: Arc<Zones>,
    /// Whether the shards are ours.
    pub lease: Lease,
    /// The time.
    pub clock: Clock,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Who is told of alerts, if anybody.
    pub(crate) outgoing: Option<Arc<Outgoing<S>>>,
    /// At what pace.
    pub pacing: PacerSettings,
    /// Batches that are written at the same time.
    pub writers: usize,
}

struct Running<S> {
    desk: Desk<S>,
    pacer: Pacer<Cargo>,
    mail: mpsc::UnboundedSender<Mail>,
    urgent: VecDeque<(ShardId, Job)>,
    others: VecDeque<(ShardId, Job)>,
    lookups: Vec<(ShardId, Recipient)>,
    /// What leaves while it is being committed to which devices.
    at_once: AtOnce,
    writing: Writing,
    writers: usize,
    in_flight: usize,
    closing: Option<oneshot::Sender<()>>,
    swept: Instant,
}

impl<S: Store> Desk<S> {
    /// Runs until it is [closed](Mail::Close).
    pub async fn run(self, mail: mpsc::UnboundedSender<Mail>, mut inbox: mpsc::UnboundedReceiver<Mail>) {
        let seed = self.clock.uptime().as_millis() ^ u64::from(std::process::id()).rotate_left(32);
        let mut running = Running {
            pacer: Pacer::new(self.pacing.clone(), seed),
            desk: self,
            mail,
            urgent: VecDeque::new(),
            others: VecDeque::new(),
            lookups: Vec::new(),
            at_once: AtOnce::default(),
            writing: Writing::default(),
            writers: 0,
            in_flight: 0,
            closing: None,
            swept: Instant::now(),
        };
        let mut portion = Vec::new();
        running.desk.writer.warm(running.now());
        running.credentials();
        loop {
            tokio::select! {
                biased;
                count = inbox.recv_many(&mut portion, 1_024) => if count == 0 { return },
                () = tokio::time::sleep(running.wait()) => running.desk.writer.handle_timeout(running.now()),
            }
            for mail in portion.drain(..) {
                running.open(mail);
            }
            running.look_up();
            running.write();
            running.credentials();
            running.pump();
            if running.rest() {
                return;
            }
        }
    }
}

impl<S: Store> Running<S> {
    fn now(&self) -> UnixTime {
        self.desk.clock.now()
    }

    fn wait(&self) -> Duration {
        let pacer = self.pacer.next_wakeup().filter(|_| self.closing.is_none());
        let all = pacer.into_iter().chain(self.desk.writer.next_wakeup());
        let wait = all.map(|wakeup| wakeup.at.since(self.now())).min().unwrap_or(LOOK);
        wait.clamp(Duration::from_millis(1), LOOK)
    }

    fn open(&mut self, mail: Mail) {
        match mail {
            Mail::Outputs { shard, outputs } => {
                for output in outputs {
                    self.output(shard, output);
                }
            }
            Mail::Dropped { owner, device } => {
                let (store, shards) = (Arc::clone(&self.desk.store), self.desk.shards.clone());
                tokio::spawn(async move { drop_device(&*store, &shards, &owner, device).await });
            }
            Mail::Picked(picked) => {
                for (shard, recipient, answer) in picked {
                    self.picked(shard, &recipient, answer);
                }
            }
            Mail::Written(written) => {
                self.writers = self.writers.saturating_sub(1);
                for (shard, job, written) in written {
                    self.written(shard, job, written);
                }
            }
            Mail::Ended(sending, result) => self.ended(*sending, result),
            Mail::Fetched(credential, fetch, result) => match result {
                Ok(response) => self.desk.writer.handle_fetched(credential, fetch, &response, self.now()),
                Err(_) => self.desk.writer.handle_fetch_failure(credential, fetch, self.now()),
            },
            Mail::Writer(writer) => {
                writer.warm(self.now());
                self.desk.writer = writer;
            }
            Mail::Counters(answer) => {
                let _ = answer.send((self.desk.writer.counters(), self.pacer.counters()));
            }
            Mail::Close(done) => self.closing = Some(done),
        }
    }

    fn output(&mut self, shard: ShardId, output: Output) {
        let shards = &self.desk.shards;
        match output {
            Output::LookUp(LookUp::Name(lookup)) => self.desk.lookups.name(shard, lookup),
            Output::LookUp(LookUp::Audience(wanted)) => self.desk.lookups.page(shard, wanted),
            Output::LookUp(LookUp::Devices(recipient)) => {
                self.at_once.ask(&recipient);
                self.lookups.push((shard, recipient));
            }
            Output::CallOff { job } => {
                for device in self.at_once.call_off(job) {
                    self.withdraw(shard, job, device);
                }
            }
            Output::Attempt { job, device, attempt } => {
                shards.answer(shard, Input::Attempt { job, device, attempt });
            }
            Output::Send(job) => self.enqueue(shard, *job),
            Output::FallBack(job) => self.channel(channels::Mail::Job(shard, job)),
            Output::Withdraw { job, device } if is_channel(device) => {
                self.channel(channels::Mail::Withdraw { shard, job, device });
            }
            Output::Withdraw { job, device } => self.withdraw(shard, job, device),
            Output::Note(note) => self.note(&note),
            _ => {}
        }
    }

    /// First attempts leave now; their answer is on its way into the log, in front of their outcomes.
    fn picked(&mut self, shard: ShardId, recipient: &Recipient, answer: Picked) {
        let shards = &self.desk.shards;
        match answer {
            Picked::Deferred(deferred) => {
                self.at_once.defer(recipient.job);
                shards.answer(shard, deferred.into());
            }
            Picked::Devices(devices) => {
                if self.closing.is_some() {
                    // Nothing leaves any more: after the restart it is sent as if it had been committed first.
                    self.at_once.defer(recipient.job);
                }
                let hand_in = |devices: Devices| shards.answer(shard, devices.into());
                for job in self.at_once.let_go(recipient, devices, hand_in) {
                    self.enqueue(shard, job);
                }
            }
        }
    }

    fn enqueue(&mut self, shard: ShardId, job: Job) {
        self.writing.begin(job.leg, job.attempt);
        let urgent = job.priority == reveille_delivery::Priority::Urgent;
        if urgent { &mut self.urgent } else { &mut self.others }.push_back((shard, job));
    }

    /// In the order of the outputs, as everything here.
    fn channel(&self, mail: channels::Mail) {
        // Channels that are gone carry nothing any more.
        let _ = self.desk.channels.send(mail);
    }

    fn withdraw(&mut self, shard: ShardId, job: JobId, device: DeviceId) {
        let leg = LegId::of(job, device);
        self.writing.withdraw(leg);
        if let Some(cargo) = self.pacer.withdraw(leg) {
            self.desk.shards.answer(shard, Outcome::of(&cargo.job, Verdict::NotSent).into());
        }
    }

    fn note(&mut self, note: &Note) {
        match note {
            Note::LegSettled { job, device, .. } if is_channel(*device) => {
                self.channel(channels::Mail::Settled(LegId::of(*job, *device)));
            }
            Note::LegSettled { job, device, .. } => {
                let leg = LegId::of(*job, *device);
                self.writing.withdraw(leg);
                self.pacer.settled(leg);
            }
            Note::Settled { job, fate } => {
                self.at_once.settled(*job);
                self.desk.metrics.count("settled", fate.name());
            }
            Note::PushFailed { kind, .. } => self.desk.metrics.count("push_failed", kind.as_str()),
            // The audit of B8.
            Note::Rules(note) => match note.what {
                Noted::PresenceObeyed { .. } => self.desk.metrics.count("presence_decided", "obeyed"),
                Noted::PresenceOverridden { .. } => {
                    self.desk.metrics.count("presence_decided", "overridden");
                }
                _ => {}
            },
            Note::HandshakeFailed { .. } => self.desk.metrics.count("handshake_failed", "all"),
            _ => {}
        }
    }

    fn look_up(&mut self) {
        if self.lookups.is_empty() {
            return;
        }
        let lookups = std::mem::take(&mut self.lookups);
        let (store, mail) = (Arc::clone(&self.desk.store), self.mail.clone());
        let (writer, clock) = (Arc::clone(&self.desk.writer), self.desk.clock.clone());
        let zones = Arc::clone(&self.desk.zones);
        tokio::spawn(async move {
            let picked = people::pick(&*store, &writer, &clock, &zones, lookups).await;
            let _ = mail.send(Mail::Picked(picked));
        });
    }

    /// Gives batches to whoever is free. While all are busy the next batches grow.
    fn write(&mut self) {
        while self.writers < self.desk.writers && !(self.urgent.is_empty() && self.others.is_empty()) {
            let (urgent, others) = (self.urgent.len().min(BATCH), self.others.len());
            let mut batch: Vec<_> = self.urgent.drain(..urgent).collect();
            batch.extend(self.others.drain(..others.min(BATCH - urgent)));
            self.writers += 1;
            let (store, writer) = (Arc::clone(&self.desk.store), Arc::clone(&self.desk.writer));
            let (clock, mail) = (self.desk.clock.clone(), self.mail.clone());
            let zones = Arc::clone(&self.desk.zones);
            tokio::spawn(async move {
                let written = people::write(&*store, &writer, &clock, &zones, batch).await;
                let _ = mail.send(Mail::Written(written));
            });
        }
    }

    fn written(&mut self, shard: ShardId, job: Job, written: Option<Written>) {
        if !self.writing.end(job.leg, job.attempt) {
            return self.desk.shards.answer(shard, Outcome::of(&job, Verdict::NotSent).into());
        }
        match written {
            Some(Written::Ready(ready)) => {
                if let Err(held) = self.pacer.offer(push(shard, job, *ready), self.now()) {
                    let deferred = Deferred::attempt(&held.content.job, held.until, held.by);
                    self.desk.shards.answer(held.content.shard, deferred.into());
                }
            }
            Some(other) => {
                if let Written::Unwritten { why, .. } = &other {
                    self.desk.metrics.count("unwritten", why.name());
                }
                if let Some(input) = other.input() {
                    self.desk.shards.answer(shard, input);
                }
            }
            // The store did not say whose device it is.
            None => self.cannot(shard, &job),
        }
    }

    /// It is this process that cannot send: no attempt is counted.
    fn cannot(&self, shard: ShardId, job: &Job) {
        let deferred = Deferred::attempt(job, self.now() + SOON, HeldBy::Process);
        self.desk.shards.answer(shard, deferred.into());
    }

    /// Lets go whatever the pacer lets go.
    fn pump(&mut self) {
        let now = self.now();
        while self.closing.is_none() {
            let Some(leave) = self.pacer.next(now) else { break };
            let cargo = leave.content;
            if cargo.job.not_after <= now {
                self.pacer.give_back(leave.ticket, now);
                self.desk.shards.answer(cargo.shard, Outcome::of(&cargo.job, Verdict::NotSent).into());
            } else if self.desk.lease.is_ours() {
                self.start(leave.ticket, cargo, now);
            } else {
                self.pacer.give_back(leave.ticket, now);
                self.cannot(cargo.shard, &cargo.job);
            }
        }
        while let Some(held) = self.pacer.poll_held() {
            let deferred = Deferred::attempt(&held.content.job, held.until, held.by);
            self.desk.metrics.count("held", &format!("{:?}", held.by).to_lowercase());
            self.desk.shards.answer(held.content.shard, deferred.into());
        }
        while let Some(alert) = self.pacer.poll_alert() {
            self.desk.metrics.count("alerts", "pacer");
            eprintln!("alert: {alert:?}");
            channels::alerted(self.desk.outgoing.as_ref(), "pushes", &alert, now);
        }
    }

    /// The first byte leaves.
    fn start(&mut self, ticket: Ticket, cargo: Cargo, now: UnixTime) {
        self.in_flight += 1;
        self.desk.metrics.left.record(now.since(cargo.job.decided));
        let (wire, mail) = (Arc::clone(&self.desk.wire), self.mail.clone());
        let (sending, request) = Sending::new(ticket, cargo);
        tokio::spawn(async move {
            let answer = wire.send(request).await;
            let _ = mail.send(Mail::Ended(Box::new(sending), answer));
        });
    }

    fn ended(&mut self, sending: Sending, result: Result<Response<Bytes>, Failure>) {
        self.in_flight = self.in_flight.saturating_sub(1);
        let now = self.now();
        let verdict = match result {
            Ok(response) => {
                self.desk.metrics.answered.record(sending.since.elapsed());
                self.desk.writer.read(&sending.sent, &response, now).outcome.verdict
            }
            Err(failure) => {
                self.desk.metrics.count("wire_failures", failure.why().name());
                failure.verdict()
            }
        };
        self.desk.metrics.count("attempts", verdict.name());
        if matches!(&verdict, Verdict::Refused { action, .. } if action.reconnects()) {
            self.desk.wire.reconnect(&sending.uri);
        }
        let judged = self.pacer.report(sending.ticket, verdict, now);
        self.desk.shards.answer(sending.shard, Outcome::of(&sending.job, judged.verdict).into());
    }

    /// What credentials ask for.
    fn credentials(&mut self) {
        while let Some(output) = self.desk.writer.poll_output() {
            match output {
                WriterOutput::Fetch { credential, fetch, request: Fetch(request) } => {
                    let (wire, mail) = (Arc::clone(&self.desk.wire), self.mail.clone());
                    tokio::spawn(async move {
                        let answer = wire.send(request).await;
                        let _ = mail.send(Mail::Fetched(credential, fetch, answer));
                    });
                }
                // All keys sign here.
                WriterOutput::Sign { credential, request } => {
                    self.desk.writer.handle_signing_failure(credential, &request, self.now());
                }
                WriterOutput::Failed { credential, failure } => {
                    self.desk.metrics.count("credential_failures", "fetch");
                    eprintln!("alert: {credential:?}: {failure:?}");
                }
                _ => {}
            }
        }
    }

    /// What has to be done now and then. Whether it is closed, and nothing is under way any more.
    fn rest(&mut self) -> bool {
        if self.swept.elapsed() >= SWEEP {
            self.swept = Instant::now();
            self.desk.wire.sweep();
        }
        if self.in_flight > 0 || self.closing.is_none() {
            return false;
        }
        if let Some(done) = self.closing.take() {
            let _ = done.send(());
        }
        true
    }
}

/// Tells the shards in which something of the owner is live.
pub async fn drop_device<S: Store>(store: &S, shards: &Shards, owner: &str, device: DeviceId) {
    let Ok(person) = owner.parse() else { return };
    // A store that does not answer has the record all the same: nothing new goes to the device.
    for shard in store.live(&Subject::Person(person)).await.unwrap_or_default() {
        shards.answer(shard, Input::DropDevice(device));
    }
}
