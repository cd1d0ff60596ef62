//! At what pace: lanes, rates, breakers, and what only shows across jobs. Volatile: one for each process, not logged. It
//! never loses anything, since the [`Delivery`](crate::Delivery) holds every job: what a pacer forgets in a crash is sent
//! again.

mod breaker;
mod budget;
mod door;
mod keyed;
mod lane;
mod lanes;
mod metrics;
mod offer;
mod order;
mod pauses;
mod poison;
mod queue;
mod rate;
mod report;
mod settings;
mod shared;
mod streams;
mod take;
mod throttle;
mod turn;
mod until;
mod window;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use reveille_core::{UnixTime, Wakeup};

use crate::PayloadDigest;
use crate::index::{Hiding, Index};

pub use breaker::{Breaker, BreakerChange, BreakerSettings, Permit};
pub use budget::RetryBudget;
pub use keyed::Keyed;
pub use offer::{Alert, CredentialId, Held, Judged, LaneId, Leave, Offer, PlatformId, Ticket};
pub use poison::{PoisonWatch, PruneBreaker, Pruning};
pub use rate::{InvalidRate, Level, Rate};
pub use settings::{LaneSettings, PacerSettings, ServiceId};
pub use streams::{ConnectionId, Streams};
pub use throttle::Throttle;

use lane::Lane;
use metrics::Counting;
use order::Order;
use pauses::Pauses;
use queue::Places;
use shared::Shared;

/// How long what found no room, or no retry budget, waits.
const CROWDED: Duration = Duration::from_secs(1);

/// When which request may leave: fair between lanes and, in a lane, between recipients; by priority; within rates; not to
/// services and with credentials that fail.
///
/// The loop:
///
/// 1. [`offer`](Self::offer) every [`Send`](crate::Send); [`withdraw`](Self::withdraw) on `Withdraw`, and
///    [`settled`](Self::settled) on `LegSettled`;
/// 2. while [`next`](Self::next) gives a request: send it, and [`report`](Self::report) when it has ended;
/// 3. tell the delivery what [`poll_held`](Self::poll_held) gives back; show [`poll_alert`](Self::poll_alert) to somebody;
/// 4. sleep until [`next_wakeup`](Self::next_wakeup), or until something is offered or reported.
///
/// ```
/// use reveille_core::{Machine, UnixTime};
/// use reveille_delivery::pacer::{CredentialId, LaneId, Offer, Pacer, PacerSettings, ServiceId};
/// use reveille_delivery::{
///     Delivery, DeliverySettings, Device, DeviceId, Fate, Input, Job, JobId, Output, RecipientId, SlotId, Verdict,
/// };
///
/// let mut delivery = Delivery::new(DeliverySettings::default(), 7);
/// let mut pacer = Pacer::new(PacerSettings::default(), 8);
/// let (now, phone) = (UnixTime::from_secs(1_000), DeviceId::from_bits(3));
/// let job = Job::new(JobId::from_bits(1), RecipientId::from_bits(2), SlotId::from_bits(4), 1, "hello");
/// let job = job.with_devices([Device::new(phone, 1)]).into();
/// for output in delivery.apply(Input::Submit { job }, now) {
///     let Output::Send(send) = output else { continue };
///     let (lane, service, key) = (LaneId::from_bits(1), ServiceId(1), CredentialId::from_bits(1));
///     pacer.offer(Offer::new(&send, lane, service, key, send.clone()), now).unwrap();
/// }
/// let mut settled = Vec::new();
/// while let Some(leave) = pacer.next(now) {
///     // … the request leaves, and an answer comes …
///     let judged = pacer.report(leave.ticket, Verdict::Accepted { status: 201 }, now);
///     let (job, attempt) = (leave.content.job, leave.content.attempt);
///     let outcome = Input::Outcome { job, device: phone, attempt, verdict: judged.verdict };
///     settled.extend(delivery.apply(outcome, now).filter(|output| matches!(output, Output::Settled { .. })));
/// }
/// assert_eq!(settled, [Output::Settled { job: JobId::from_bits(1), fate: Fate::Accepted }]);
/// ```
#[derive(Debug)]
pub struct Pacer<T> {
    settings: PacerSettings,
    seed: u64,
    /// What hides the places of legs and lanes in their tables.
    hiding: Hiding,
    places: Places<T>,
    by_leg: Index,
    queued: usize,
    queued_bytes: u64,
    lanes: Vec<Lane>,
    by_lane: Index,
    /// Lanes that have something of a class, in turn.
    rings: [VecDeque<u32>; 3],
    /// For how many turns of each class memory was read ahead.
    ahead: [usize; 3],
    turns: u32,
    blocked: BTreeSet<(UnixTime, u32)>,
    /// The latest time that it was asked at.
    latest: UnixTime,
    global: Level,
    global_until: Option<UnixTime>,
    recipients: Option<Shared>,
    devices: Option<Shared>,
    device_pauses: Pauses<u64>,
    conversations: Option<Shared>,
    clients: Keyed,
    pauses: Pauses<pauses::Scope>,
    credentials: BTreeMap<(CredentialId, Option<PlatformId>), Breaker>,
    prune: BTreeMap<CredentialId, PruneBreaker>,
    poison: PoisonWatch,
    budget: RetryBudget,
    throttle: Option<Throttle>,
    order: Order,
    held: VecDeque<Held<T>>,
    alerts: VecDeque<Alert>,
    counting: Counting,
}

impl<T> Pacer<T> {
    /// A pacer with nothing in it. The seed spreads its decisions, and keeps others from choosing keys that collide.
    #[must_use]
    pub fn new(settings: PacerSettings, seed: u64) -> Self {
        let keys = settings.keys;
        let shared = |rate: Option<Rate>, salt: u64| rate.map(|rate| Shared::new(rate, keys, seed ^ salt));
        Self {
            seed,
            hiding: Hiding::new(seed, *b"tables\0\0"),
            places: Places::new(),
            by_leg: Index::default(),
            queued: 0,
            queued_bytes: 0,
            lanes: Vec::new(),
            by_lane: Index::default(),
            rings: [VecDeque::new(), VecDeque::new(), VecDeque::new()],
            ahead: [0; 3],
            turns: 0,
            blocked: BTreeSet::new(),
            latest: UnixTime::EPOCH,
            global: Level::EMPTY,
            global_until: None,
            recipients: shared(settings.recipient, 1),
            devices: shared(settings.device, 2),
            device_pauses: Pauses::new(settings.longest_pause, settings.keys),
            conversations: shared(settings.conversation, 3),
            clients: Keyed::checked(settings.api, keys, seed ^ 4),
            pauses: Pauses::new(settings.longest_pause, settings.keys),
            credentials: BTreeMap::new(),
            prune: BTreeMap::new(),
            poison: PoisonWatch::checked(settings.poison_devices, settings.poison_keep, settings.keys),
            budget: RetryBudget::checked(settings.retry_per_mille, settings.retry_reserve),
            throttle: settings.throttle.map(|k| Throttle::checked(k, seed ^ 5)),
            order: Order::default(),
            held: VecDeque::new(),
            alerts: VecDeque::new(),
            counting: Counting::default(),
            settings,
        }
    }

    /// How many requests wait, in all lanes.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.queued
    }

    /// Whether no request waits.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.queued == 0
    }

    /// What went back: tell the delivery. Poll it whenever [`next`](Self::next) has given `None`.
    pub fn poll_held(&mut self) -> Option<Held<T>> {
        self.held.pop_front().inspect(|held| self.counting.held(held.by))
    }

    /// What the operator should know.
    pub fn poll_alert(&mut self) -> Option<Alert> {
        self.alerts.pop_front()
    }

    /// When [`next`](Self::next) may give something again, once it has given `None`; before that: at once.
    #[must_use]
    pub fn next_wakeup(&self) -> Option<Wakeup> {
        let ready = self.rings.iter().any(|ring| !ring.is_empty());
        match self.global_until {
            Some(at) if ready => return Some(Wakeup { at, reason: "the global rate allows one" }),
            None if ready => return Some(Wakeup { at: UnixTime::EPOCH, reason: "something may leave" }),
            _ => {}
        }
        self.blocked.first().map(|(at, _)| Wakeup { at: *at, reason: "a lane may go on" })
    }
}

/// A message at one service: what is wrong for one may be right for another.
const fn at_service(digest: PayloadDigest, service: ServiceId) -> PayloadDigest {
    let salt = (service.0 as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    PayloadDigest::from_bits(digest.to_bits() ^ salt)
}
