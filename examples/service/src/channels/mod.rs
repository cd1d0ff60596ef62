//! The channels beside pushes: e-mail, text message, and the customer's webhook. What the machine wants told there comes as
//! [`Output::FallBack`](reveille_gateway::Output::FallBack); each attempt ends with an outcome or a deferral, so that retries,
//! time limits and dead letters are the machine's, as they are for pushes.

pub mod address;
pub(crate) mod answer;
mod carrier;
mod email;
mod line;
mod settings;
mod sign;
pub(crate) mod webhook;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use reveille_core::UnixTime;
use reveille_delivery::pacer::{
    Alert, CredentialId, LaneId, LaneSettings, Offer, Pacer, PacerSettings, Rate, ServiceId, Ticket,
};
use reveille_delivery::{DeviceId, HeldBy, JobId, LegId, Verdict};
use reveille_gateway::store::{ShardId, Store};
use reveille_gateway::{Deferred, Input, Job, Outcome, Target};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use crate::clock::Clock;
use crate::desk::SOON;
use crate::metrics::Metrics;
use crate::outgoing::{Event, Outgoing};
use crate::shards::{Lease, Shards};

pub use settings::{Fallback, Fallbacks, ReceiverSettings, SmtpSettings, SmtpTls};
pub use sign::Signer;

pub(crate) use carrier::{Carrier, Parts};
pub(crate) use settings::{Hook, check};

use carrier::Carried;
use line::Line;

/// The machine takes an attempt that it hears nothing of for lost after 5 min: what waits here longer than this goes back, and
/// comes again.
const MOST_WAIT: Duration = Duration::from_secs(240);
/// … after this.
const AGAIN: Duration = Duration::from_secs(30);
/// Jobs that wait here. What comes then goes back at once.
const MOST_WAITING: usize = 100_000;
/// Timers are looked at as often at least.
const LOOK: Duration = Duration::from_secs(1);

/// What comes to the channels.
pub enum Mail {
    /// One attempt.
    Job(ShardId, Box<Job>),
    /// It is not to be made, if it is not under way yet.
    Withdraw {
        /// Who says so.
        shard: ShardId,
        /// Which job.
        job: JobId,
        /// On which channel.
        device: DeviceId,
    },
    /// A job on a channel has ended, in whatever way.
    Settled(LegId),
    /// An attempt has ended.
    #[doc(hidden)]
    Ended(Box<Sending>, Carried),
    /// Nothing new leaves; says so when nothing is under way any more.
    Close(oneshot::Sender<()>),
}

/// An attempt that is under way.
pub struct Sending {
    shard: ShardId,
    job: Job,
    ticket: Ticket,
}

struct Load {
    shard: ShardId,
    job: Job,
}

/// Everything that the channels work with.
pub struct Channels<S> {
    /// Who knows how to send on each.
    pub(crate) carrier: Arc<Carrier<S>>,
    /// The shards, for outcomes.
    pub(crate) shards: Shards,
    /// Whether they are ours.
    pub(crate) lease: Lease,
    /// The time.
    pub(crate) clock: Clock,
    /// What is counted.
    pub(crate) metrics: Arc<Metrics>,
    /// Who is told of alerts, if anybody.
    pub(crate) outgoing: Option<Arc<Outgoing<S>>>,
}

struct Running<S> {
    all: Channels<S>,
    pacer: Pacer<Load>,
    line: Line,
    mail: mpsc::UnboundedSender<Mail>,
    /// What waits here, and since when; the queue has the same, the oldest first, and perhaps what is gone.
    since: HashMap<LegId, Instant>,
    waiting: VecDeque<(Instant, LegId, Target)>,
    in_flight: usize,
    /// They end with this task, so that nothing holds the store when the service has stopped.
    tasks: JoinSet<()>,
    closing: Option<oneshot::Sender<()>>,
    looked: Instant,
}

impl<S: Store> Channels<S> {
    /// Runs until it is [closed](Mail::Close).
    pub async fn run(self, mail: mpsc::UnboundedSender<Mail>, mut inbox: mpsc::UnboundedReceiver<Mail>) {
        let seed = self.clock.uptime().as_millis() ^ u64::from(std::process::id()).rotate_left(16);
        let mut running = Running {
            pacer: Pacer::new(pacing(&self.carrier), seed),
            all: self,
            line: Line::default(),
            mail,
            since: HashMap::new(),
            waiting: VecDeque::new(),
            in_flight: 0,
            tasks: JoinSet::new(),
            closing: None,
            looked: Instant::now(),
        };
        let mut portion = Vec::new();
        loop {
            tokio::select! {
                biased;
                count = inbox.recv_many(&mut portion, 256) => if count == 0 { return },
                () = tokio::time::sleep(running.wait()) => {}
            }
            for mail in portion.drain(..) {
                running.open(mail);
            }
            while running.tasks.try_join_next().is_some() {}
            running.look();
            running.pump();
            if running.in_flight == 0
                && let Some(done) = running.closing.take()
            {
                let _ = done.send(());
                return;
            }
        }
    }
}

impl<S: Store> Running<S> {
    fn now(&self) -> UnixTime {
        self.all.clock.now()
    }

    fn wait(&self) -> Duration {
        let due = self.pacer.next_wakeup().filter(|_| self.closing.is_none());
        due.map_or(LOOK, |due| due.at.since(self.now())).clamp(Duration::from_millis(1), LOOK)
    }

    fn open(&mut self, mail: Mail) {
        match mail {
            Mail::Job(shard, job) => self.come(shard, *job),
            Mail::Withdraw { shard, job, device } => self.withdraw(shard, job, device),
            Mail::Settled(leg) => self.settled(leg),
            Mail::Ended(sending, carried) => self.ended(*sending, carried),
            Mail::Close(done) => self.closing = Some(done),
        }
    }

    fn come(&mut self, shard: ShardId, job: Job) {
        if let Some(reason) = self.all.carrier.refuses(&job, self.now()) {
            return self.refuse(shard, &job, reason);
        }
        let (leg, target) = (job.leg, job.target);
        if self.since.len() >= MOST_WAITING || self.line.len() >= MOST_WAITING {
            return self.defer(shard, &job, self.now() + AGAIN, HeldBy::Full);
        }
        let now = Instant::now();
        self.since.insert(leg, now);
        self.waiting.push_back((now, leg, target));
        match target {
            Target::Webhook => {
                if let Some((shard, job)) = self.line.come(shard, job) {
                    self.offer(shard, job);
                }
            }
            _ => self.offer(shard, job),
        }
    }

    fn offer(&mut self, shard: ShardId, job: Job) {
        let service = service(job.target);
        let lane = LaneId::from_bits(u64::from(service.0));
        let credential = CredentialId::from_bits(u32::from(service.0));
        let (leg, attempt, priority, not_after, digest) =
            (job.leg, job.attempt, job.priority, job.not_after, job.digest);
        let mut offer = Offer::of_leg(leg, lane, service, credential, Load { shard, job });
        (offer.attempt, offer.priority, offer.not_after, offer.digest) =
            (attempt, priority, not_after, digest);
        if let Err(held) = self.pacer.offer(offer, self.now()) {
            self.held(held.content, held.until, held.by);
        }
    }

    fn held(&mut self, load: Load, until: UnixTime, by: HeldBy) {
        self.all.metrics.count("channels_held", &format!("{by:?}").to_lowercase());
        self.defer(load.shard, &load.job, until, by);
    }

    fn withdraw(&mut self, shard: ShardId, job: JobId, device: DeviceId) {
        let leg = LegId::of(job, device);
        let at_pacer = self.pacer.withdraw(leg).map(|load| load.job);
        let found = at_pacer.or_else(|| self.line.take(leg).map(|(_, job)| job));
        if let Some(job) = found {
            self.outcome(shard, &job, Verdict::NotSent);
        }
    }

    fn settled(&mut self, leg: LegId) {
        self.since.remove(&leg);
        self.pacer.settled(leg);
        if let Some((shard, job)) = self.line.settle(leg) {
            self.offer(shard, job);
        }
    }

    fn ended(&mut self, sending: Sending, carried: Carried) {
        self.in_flight = self.in_flight.saturating_sub(1);
        let Sending { shard, job, ticket } = sending;
        let now = self.now();
        match carried {
            Carried::Answered(verdict) => {
                let judged = self.pacer.report(ticket, verdict, now);
                self.outcome(shard, &job, judged.verdict);
            }
            Carried::Kept(verdict) => {
                self.pacer.give_back(ticket, now);
                self.outcome(shard, &job, verdict);
            }
            Carried::Waits { until, by } => {
                self.pacer.give_back(ticket, now);
                self.defer(shard, &job, until, by);
            }
        }
    }

    /// Lets go whatever the pacer lets go.
    fn pump(&mut self) {
        let now = self.now();
        while self.closing.is_none() {
            let Some(leave) = self.pacer.next(now) else { break };
            let Load { shard, job } = leave.content;
            let reason = self.all.carrier.refuses(&job, now);
            let late = job.not_after <= now;
            if reason.is_some() || late || !self.all.lease.is_ours() {
                self.pacer.give_back(leave.ticket, now);
                match reason {
                    Some(reason) => self.refuse(shard, &job, reason),
                    None if late => self.outcome(shard, &job, Verdict::NotSent),
                    None => self.defer(shard, &job, now + SOON, HeldBy::Process),
                }
                continue;
            }
            self.in_flight += 1;
            self.since.remove(&job.leg);
            let (carrier, mail) = (Arc::clone(&self.all.carrier), self.mail.clone());
            self.tasks.spawn(async move {
                let carried = carrier.carry(&job).await;
                let sending = Sending { shard, job, ticket: leave.ticket };
                let _ = mail.send(Mail::Ended(Box::new(sending), carried));
            });
        }
        while let Some(held) = self.pacer.poll_held() {
            self.held(held.content, held.until, held.by);
        }
        while let Some(alert) = self.pacer.poll_alert() {
            self.all.metrics.count("alerts", "channels");
            eprintln!("alert: {alert:?}");
            alerted(self.all.outgoing.as_ref(), "channels", &alert, now);
        }
    }

    /// What has waited here for too long goes back, in the order in which it came.
    fn look(&mut self) {
        if self.looked.elapsed() < LOOK {
            return;
        }
        self.looked = Instant::now();
        for (shard, job) in self.line.sweep(self.now()) {
            self.offer(shard, job);
        }
        let (mut place, until) = (0, self.now() + AGAIN);
        while let Some((came, leg, _)) =
            self.waiting.front().copied().filter(|(came, ..)| came.elapsed() > MOST_WAIT)
        {
            self.waiting.pop_front();
            if self.since.get(&leg) != Some(&came) {
                continue;
            }
            let at_pacer = self.pacer.withdraw(leg).map(|load| (load.shard, load.job));
            if let Some((shard, job)) = at_pacer.or_else(|| self.line.take(leg)) {
                // One after the other, so that they come back as they went.
                self.defer(shard, &job, until + Duration::from_millis(place), HeldBy::Full);
                place += 1;
            }
        }
    }

    fn refuse(&mut self, shard: ShardId, job: &Job, reason: &'static str) {
        let action = reveille_core::Action::GiveUp;
        self.outcome(shard, job, Verdict::Refused { status: 0, reason: Some(reason.into()), action });
    }

    fn outcome(&mut self, shard: ShardId, job: &Job, verdict: Verdict) {
        self.all.metrics.count(name(job.target), verdict.name());
        self.back(job.leg);
        self.all.shards.answer(shard, Outcome::of(job, verdict).into());
    }

    fn defer(&mut self, shard: ShardId, job: &Job, until: UnixTime, by: HeldBy) {
        self.back(job.leg);
        let deferred: Input = Deferred::attempt(job, until, by).into();
        self.all.shards.answer(shard, deferred);
    }

    /// The machine has it, and says when it has ended.
    fn back(&mut self, leg: LegId) {
        self.since.remove(&leg);
        self.line.away(leg);
    }
}

/// Tells of an alert, if the process lives.
pub(crate) fn alerted<S: Store>(
    outgoing: Option<&Arc<Outgoing<S>>>,
    of: &'static str,
    alert: &Alert,
    now: UnixTime,
) {
    if let (Some(outgoing), Some(event)) = (outgoing, Event::of_alert(of, alert, now)) {
        let outgoing = Arc::clone(outgoing);
        tokio::spawn(async move { outgoing.tell(event).await });
    }
}

/// Whether a device is one of the channels of this module.
pub(crate) fn is_channel(device: DeviceId) -> bool {
    [Target::Webhook, Target::Email, Target::Sms].iter().any(|target| target.id() == device)
}

/// Its name in metrics.
fn name(target: Target) -> &'static str {
    match target {
        Target::Webhook => "webhook",
        Target::Email => "email",
        _ => "sms",
    }
}

fn service(target: Target) -> ServiceId {
    ServiceId(match target {
        Target::Webhook => 0,
        Target::Email => 1,
        _ => 2,
    })
}

/// A lane for each channel. A receiver that was silent is not spared: it is one machine of the operator's.
fn pacing<S>(carrier: &Carrier<S>) -> PacerSettings {
    let lane = |rate: u32, in_flight: u32| {
        let lane = LaneSettings::default()
            .with_rate(Rate::new(rate, Duration::from_secs(1), rate).unwrap_or(Rate::PUSH_SERVICE));
        let lane = lane.with_in_flight(in_flight).unwrap_or(lane);
        lane.with_ramp(Duration::ZERO).unwrap_or(lane)
    };
    let [webhook, email, sms] = carrier.bounds();
    let mut pacing = PacerSettings::default();
    for (target, (rate, in_flight)) in
        [(Target::Webhook, webhook), (Target::Email, email), (Target::Sms, sms)]
    {
        pacing = pacing.with_lane(service(target), lane(rate, in_flight));
    }
    pacing
}
