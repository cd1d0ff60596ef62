//! At what pace: lanes, rates, breakers, and what only shows across jobs. Volatile: one for each process, not logged. It
//! never loses anything, since the [`Delivery`](crate::Delivery) holds every job: what a pacer forgets in a crash is sent
//! again.

mod breaker;
mod budget;
mod keyed;
mod lane;
mod offer;
mod order;
mod pauses;
mod poison;
mod queue;
mod rate;
mod report;
mod settings;
mod streams;
mod throttle;
mod window;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::hash::{BuildHasher as _, Hasher as _};
use std::hint::black_box;
use std::time::Duration;

use reveille_core::{UnixTime, Wakeup};

use crate::delivery::Keyed as Hashing;
use crate::index::{Index, NONE};
use crate::{HeldBy, LegId, PayloadDigest, Priority};

pub use breaker::{Breaker, BreakerChange, BreakerSettings, InvalidBreaker, Permit};
pub use budget::RetryBudget;
pub use keyed::Keyed;
pub use offer::{Alert, CredentialId, Held, Judged, LaneId, Leave, Offer, PlatformId, Ticket};
pub use poison::{PoisonWatch, PruneBreaker, Pruning};
pub use rate::{InvalidRate, Level, Rate};
pub use settings::{LaneSettings, PacerSettings, ServiceId};
pub use streams::{ConnectionId, Streams};
pub use throttle::Throttle;

use lane::{CLASSES, Lane};
use order::Order;
use pauses::Pauses;
use queue::{Entry, Slab, halves, whole};

/// How long what found no room, or no retry budget, waits.
const CROWDED: Duration = Duration::from_secs(1);
/// What goes back from a lane that is stopped, at once.
const RETURNED_AT_ONCE: usize = 256;
/// Each so many turns, the lowest class has the first word.
const LOW_TURN: u32 = 16;

/// When which request may leave: fair between lanes and, in a lane, between recipients; by priority; within rates; not to
/// services and with credentials that fail.
///
/// The loop:
///
/// 1. [`offer`](Self::offer) every [`Send`](crate::Send); [`withdraw`](Self::withdraw) on `Withdraw` and `LegSettled`;
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
    slab: Slab<T>,
    by_leg: Index,
    queued: usize,
    queued_bytes: u64,
    lanes: Vec<Lane>,
    by_lane: Index,
    /// Lanes that have something of a class, in turn.
    rings: [VecDeque<u32>; 3],
    turns: u32,
    blocked: BTreeSet<(UnixTime, u32)>,
    global: Level,
    global_until: Option<UnixTime>,
    recipients: Option<Keyed>,
    devices: Option<Keyed>,
    device_pauses: Pauses<u64>,
    conversations: Option<Keyed>,
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
}

/// What stops a request, and whether the whole lane with it.
enum Stop {
    Lane(UnixTime, HeldBy),
    /// Until a report makes room.
    Park,
    Request(UnixTime, HeldBy),
}

impl<T> Pacer<T> {
    /// A pacer with nothing in it. The seed spreads its decisions, and keeps others from choosing keys that collide.
    #[must_use]
    pub fn new(settings: PacerSettings, seed: u64) -> Self {
        let keys = settings.keys;
        let keyed = |rate: Option<Rate>, salt: u64| rate.map(|rate| Keyed::new(rate, keys, seed ^ salt));
        Self {
            seed,
            slab: Slab::new(),
            by_leg: Index::default(),
            queued: 0,
            queued_bytes: 0,
            lanes: Vec::new(),
            by_lane: Index::default(),
            rings: [VecDeque::new(), VecDeque::new(), VecDeque::new()],
            turns: 0,
            blocked: BTreeSet::new(),
            global: Level::EMPTY,
            global_until: None,
            recipients: keyed(settings.recipient, 1),
            devices: keyed(settings.device, 2),
            device_pauses: Pauses::new(settings.longest_pause, settings.keys),
            conversations: keyed(settings.conversation, 3),
            clients: Keyed::new(settings.api, keys, seed ^ 4),
            pauses: Pauses::new(settings.longest_pause, settings.keys),
            credentials: BTreeMap::new(),
            prune: BTreeMap::new(),
            poison: PoisonWatch::new(settings.poison_devices, settings.poison_keep, settings.keys),
            budget: RetryBudget::new(settings.retry_per_mille, settings.retry_reserve),
            throttle: settings.throttle.map(|k| Throttle::new(k, seed ^ 5)),
            order: Order::default(),
            held: VecDeque::new(),
            alerts: VecDeque::new(),
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

    /// Puts a request into its lane. A later attempt of a leg that waits already takes its place.
    ///
    /// # Errors
    /// [`Held`]: not now. Nothing is kept; tell the delivery.
    pub fn offer(&mut self, offer: Offer<T>, now: UnixTime) -> Result<(), Held<T>> {
        let tag = self.tag(offer.leg);
        // What will be needed comes from memory all at once, not one after the other.
        let known = self.known_lane(offer.lane);
        black_box(
            known.and_then(|at| self.lanes.get(at as usize)).map(|lane| lane.touch_end(offer.recipient)),
        );
        if let Some(at) = self.queued_at(tag, offer.leg) {
            if let Some(entry) = self.slab.entry_mut(at) {
                entry.attempt = offer.attempt;
            }
            self.slab.replace(at, offer.content);
            return Ok(());
        }
        let (leg, not_after) = (offer.leg, offer.not_after);
        let stopped = self.stopped_at_the_door(&offer, now);
        let refused =
            |content, (until, by)| Held { leg, until: UnixTime::min(until, not_after), by, content };
        if let Some(stop) = stopped {
            return Err(refused(offer.content, stop));
        }
        let Some(lane) = known.or_else(|| self.new_lane(offer.lane, offer.service, now)) else {
            return Err(refused(offer.content, (now + CROWDED, HeldBy::Full)));
        };
        self.enqueue(lane, tag, offer);
        Ok(())
    }

    /// What makes it useless to queue a request.
    fn stopped_at_the_door(&mut self, offer: &Offer<T>, now: UnixTime) -> Option<(UnixTime, HeldBy)> {
        let full = self.queued >= self.settings.queued
            || self.queued_bytes.saturating_add(offer.bytes.into()) > self.settings.queued_bytes;
        if full {
            return Some((now + CROWDED, HeldBy::Full));
        }
        if let Some(until) = self.poison.is_poison(at_service(offer.digest, offer.service), now) {
            return Some((until, HeldBy::Poison));
        }
        if self.settings.lane(offer.service).ordered {
            // It keeps its place in the order, and waits there.
            return None;
        }
        let stop = self.pause_of(offer.service, offer.credential, offer.platform, offer.device, now);
        stop.filter(|(until, _)| *until > now + self.settings.hold)
    }

    fn pause_of(
        &self,
        service: ServiceId,
        credential: CredentialId,
        platform: PlatformId,
        device: u64,
        now: UnixTime,
    ) -> Option<(UnixTime, HeldBy)> {
        let scopes = [
            pauses::Scope::Service(service),
            pauses::Scope::Credential(credential),
            pauses::Scope::Platform(credential, platform),
        ];
        let paused = scopes.into_iter().filter_map(|scope| self.pauses.until(&scope, now));
        let paused = paused.chain(self.device_pauses.until(&device, now)).max();
        let bad = [(credential, None), (credential, Some(platform))].into_iter();
        let bad = bad.filter_map(|key| self.credentials.get(&key)?.peek(now).err()).max();
        match (paused, bad) {
            (None, None) => None,
            (paused, bad) if paused >= bad => Some((paused?, HeldBy::SlowDown)),
            (_, bad) => Some((bad?, HeldBy::Credential)),
        }
    }

    fn enqueue(&mut self, lane: u32, tag: u32, offer: Offer<T>) {
        let Some(known) = self.lanes.get_mut(lane as usize) else { return };
        let ordered = known.settings.ordered;
        let priority = if ordered { Priority::Normal } else { offer.priority };
        let entry = Entry {
            leg: halves(offer.leg),
            recipient: offer.recipient,
            device: offer.device,
            conversation: offer.conversation,
            not_after: offer.not_after,
            digest: offer.digest,
            credential: offer.credential.to_bits(),
            platform: offer.platform.to_bits(),
            bytes: offer.bytes,
            lane,
            next: NONE,
            tag,
            attempt: offer.attempt,
        };
        // What is tried again in an ordered lane goes before what came later.
        let (key, in_front) = if ordered {
            (offer.conversation, self.order.is_owner(lane, offer.conversation, offer.leg))
        } else {
            (offer.recipient, false)
        };
        let Some(at) = self.slab.insert(entry, offer.content) else { return };
        known.push(&mut self.slab, at, priority, key, in_front);
        self.by_leg.insert(tag, at);
        self.queued += 1;
        self.queued_bytes = self.queued_bytes.saturating_add(offer.bytes.into());
        if ordered {
            // Its conversation may be free while those that wait are not.
            self.unblock(lane);
        }
        self.ring(lane);
    }

    fn queued_at(&self, tag: u32, leg: LegId) -> Option<u32> {
        let leg = halves(leg);
        self.by_leg.find(tag, |at| self.slab.entry(at).is_some_and(|entry| entry.leg == leg))
    }

    /// What a leg is found by.
    #[inline]
    fn tag(&self, leg: LegId) -> u32 {
        let mut hash = Hashing(self.seed).build_hasher();
        hash.write_u128(leg.to_bits());
        (hash.finish() >> 32) as u32
    }

    fn lane_tag(&self, lane: LaneId) -> u32 {
        let mut hash = Hashing(self.seed).build_hasher();
        hash.write_u64(lane.to_bits());
        (hash.finish() >> 32) as u32
    }

    fn known_lane(&self, id: LaneId) -> Option<u32> {
        let is = |at: u32| self.lanes.get(at as usize).is_some_and(|lane| lane.id == id);
        self.by_lane.find(self.lane_tag(id), is)
    }

    /// The lane's number; it is made when there is room.
    fn lane(&mut self, id: LaneId, service: ServiceId, now: UnixTime) -> Option<u32> {
        self.known_lane(id).or_else(|| self.new_lane(id, service, now))
    }

    fn new_lane(&mut self, id: LaneId, service: ServiceId, now: UnixTime) -> Option<u32> {
        let lane = Lane::new(id, service, *self.settings.lane(service), self.seed);
        let at = if self.lanes.len() < self.settings.most_lanes {
            self.lanes.push(lane);
            self.lanes.len() - 1
        } else {
            // In the place of one that nobody misses.
            let at = self.lanes.iter().position(|lane| lane.is_idle(now) && lane.in_rings == 0)?;
            let old = self.lane_tag(self.lanes.get(at)?.id);
            self.by_lane.remove(old, at as u32);
            let place = self.lanes.get_mut(at)?;
            if let Some(until) = place.blocked {
                self.blocked.remove(&(until, at as u32));
            }
            *place = lane;
            at
        };
        let at = u32::try_from(at).ok()?;
        self.by_lane.insert(self.lane_tag(id), at);
        Some(at)
    }

    /// Takes a leg's request out, wherever it waits: it was withdrawn, or its leg has ended. What has left already is not
    /// found. Report [`Verdict::NotSent`](crate::Verdict::NotSent) for what is found, if its leg still lives.
    pub fn withdraw(&mut self, leg: LegId) -> Option<T> {
        if let Some(lane) = self.order.finish(leg) {
            self.unblock(lane);
        }
        let at = self.queued_at(self.tag(leg), leg)?;
        let content = self.slab.withdraw(at)?;
        let entry = *self.slab.entry(at)?;
        self.forget(at, &entry);
        Some(content)
    }

    /// An entry waits no more.
    fn forget(&mut self, at: u32, entry: &Entry) {
        self.by_leg.remove(entry.tag, at);
        self.queued = self.queued.saturating_sub(1);
        self.queued_bytes = self.queued_bytes.saturating_sub(entry.bytes.into());
        if let Some(lane) = self.lanes.get_mut(entry.lane as usize) {
            lane.waiting = lane.waiting.saturating_sub(1);
        }
    }

    /// Puts a lane into the rings of the classes that have something.
    fn ring(&mut self, at: u32) {
        let Some(lane) = self.lanes.get_mut(at as usize).filter(|lane| lane.blocked.is_none()) else {
            return;
        };
        let missing = lane.not_in_rings();
        lane.in_rings |= missing;
        for (class, ring) in self.rings.iter_mut().enumerate() {
            if missing & (1 << class) != 0 {
                ring.push_back(at);
            }
        }
    }

    fn block(&mut self, at: u32, until: UnixTime) {
        if let Some(lane) = self.lanes.get_mut(at as usize) {
            lane.blocked = Some(until);
            if until != UnixTime::MAX {
                self.blocked.insert((until, at));
            }
        }
    }

    fn unblock(&mut self, at: u32) {
        if let Some(lane) = self.lanes.get_mut(at as usize)
            && let Some(until) = lane.blocked.take()
        {
            self.blocked.remove(&(until, at));
            self.ring(at);
        }
    }

    /// The next request that may leave; `None` if none may before [`next_wakeup`](Self::next_wakeup). Call it until then.
    pub fn next(&mut self, now: UnixTime) -> Option<Leave<T>> {
        while let Some((until, at)) = self.blocked.first().copied().filter(|(until, _)| *until <= now) {
            self.blocked.remove(&(until, at));
            self.unblock(at);
        }
        self.global_until = None;
        loop {
            if let Some(global) = &self.settings.global
                && let Err(until) = self.global.peek(global, now)
            {
                self.global_until = Some(until);
                return None;
            }
            let (at, priority) = self.turn()?;
            self.look_ahead(priority);
            if let Some(leave) = self.try_lane(at, priority, now) {
                return Some(leave);
            }
        }
    }

    /// Whose turn it is.
    fn turn(&mut self) -> Option<(u32, Priority)> {
        self.turns = self.turns.wrapping_add(1);
        let mut order = [0, 1, 2];
        if self.turns.is_multiple_of(LOW_TURN) {
            order.reverse();
        }
        for class in order {
            while let Some(at) = self.rings.get_mut(class).and_then(VecDeque::pop_front) {
                let Some(lane) = self.lanes.get_mut(at as usize) else { continue };
                lane.in_rings &= !(1 << class);
                if lane.blocked.is_none()
                    && let Some(priority) = CLASSES.get(class)
                {
                    return Some((at, *priority));
                }
            }
        }
        None
    }

    /// Reads a little of what the next turns will look at, so that it is on its way from memory meanwhile: with a million
    /// requests in ten thousand lanes, nothing else takes longer.
    #[inline]
    fn look_ahead(&self, priority: Priority) {
        let Some(ring) = self.rings.get(priority as usize) else { return };
        let lane = |turn: usize| self.lanes.get(*ring.get(turn)? as usize);
        let entry = |turn| lane(turn).and_then(Lane::ahead).and_then(|at| self.slab.entry(at));
        // Three turns ahead the lane, then its request, then what that one is known by: each has come when its turn is next.
        if let Some(entry) = entry(0) {
            black_box(self.by_leg.touch(entry.tag));
            black_box(self.devices.as_ref().map(|keyed| keyed.touch(entry.device)));
        }
        if let Some(entry) = entry(1) {
            black_box((entry.leg[0], entry.attempt));
        }
        if let Some(lane) = lane(2) {
            black_box(lane.touch());
        }
    }

    fn try_lane(&mut self, at: u32, priority: Priority, now: UnixTime) -> Option<Leave<T>> {
        let lane = self.lanes.get_mut(at as usize)?;
        let ordered = lane.settings.ordered;
        let order = &self.order;
        let free = |entry: &Entry| !ordered || order.is_free(at, entry.conversation, whole(entry.leg), now);
        let Some((list, place)) = lane.peek(priority, &mut self.slab, free) else {
            // Empty, or every conversation of it is under way.
            if ordered && lane.waiting > 0 {
                let until = self.order.next_free(at, now);
                self.block(at, until);
            }
            return None;
        };
        let entry = *self.slab.entry(place)?;
        match self.try_entry(at, &entry, ordered, now) {
            Ok(ticket) => {
                let content = self.take_out(at, priority, list, place)?;
                self.ring(at);
                Some(Leave { connection: ticket.connection, ticket, content })
            }
            Err(Stop::Park) => {
                self.block(at, UnixTime::MAX);
                None
            }
            Err(Stop::Lane(until, by)) => {
                if until > now + self.settings.hold && !ordered {
                    self.return_some(at, until, by);
                }
                self.block(at, until);
                None
            }
            Err(Stop::Request(until, by)) => {
                if ordered && until < entry.not_after {
                    self.order.hold(at, entry.conversation, until);
                } else if let Some(content) = self.take_out(at, priority, list, place) {
                    let until = until.min(entry.not_after);
                    self.held.push_back(Held { leg: whole(entry.leg), until, by, content });
                }
                self.ring(at);
                None
            }
        }
    }

    fn take_out(&mut self, at: u32, priority: Priority, list: usize, place: u32) -> Option<T> {
        let lane = self.lanes.get_mut(at as usize)?;
        lane.pop(priority, &self.slab, list);
        let (entry, content) = self.slab.remove(place)?;
        self.forget(place, &entry);
        content
    }

    /// The lane is stopped for long: what waits in it goes back, a part at a time.
    fn return_some(&mut self, at: u32, until: UnixTime, by: HeldBy) {
        for _ in 0..RETURNED_AT_ONCE {
            let Some(lane) = self.lanes.get_mut(at as usize) else { return };
            let Some(priority) = lane.first_class() else { return };
            let Some((list, place)) = lane.peek(priority, &mut self.slab, |_| true) else { return };
            let Some(entry) = self.slab.entry(place).copied() else { return };
            let Some(content) = self.take_out(at, priority, list, place) else { return };
            self.held.push_back(Held {
                leg: whole(entry.leg),
                until: until.min(entry.not_after),
                by,
                content,
            });
        }
    }

    /// Everything that has to be free, taken together or not at all.
    fn try_entry(&mut self, at: u32, entry: &Entry, ordered: bool, now: UnixTime) -> Result<Ticket, Stop> {
        if entry.not_after <= now && entry.not_after != UnixTime::MAX {
            return Err(Stop::Request(entry.not_after, HeldBy::Rate));
        }
        let lane = self.lanes.get(at as usize).ok_or(Stop::Park)?;
        if let Some(until) = self.poison.is_poison(at_service(entry.digest, lane.service), now) {
            return Err(Stop::Request(until, HeldBy::Poison));
        }
        let (credential, platform) =
            (CredentialId::from_bits(entry.credential), PlatformId::from_bits(entry.platform));
        let service = lane.service;
        if let Some((until, by)) = self.pause_of(service, credential, platform, entry.device, now) {
            return Err(Stop::Request(until, by));
        }
        let lane = self.lanes.get_mut(at as usize).ok_or(Stop::Park)?;
        lane.breaker.peek(now).map_err(|until| Stop::Lane(until, HeldBy::Breaker))?;
        if !lane.has_room() {
            return Err(Stop::Park);
        }
        lane.take(now).map_err(|until| Stop::Lane(until, HeldBy::Rate))?;
        let taken = self.take_keys(entry, now);
        let lane = self.lanes.get_mut(at as usize).ok_or(Stop::Park)?;
        if let Err(until) = taken {
            lane.refund(now);
            return Err(Stop::Request(until, HeldBy::Rate));
        }
        let connection = lane.streams.acquire();
        let stop = if connection.is_none() && !lane.streams.is_empty() {
            Some(Stop::Park)
        } else if entry.attempt > 1 && !self.budget.allows(now) {
            Some(Stop::Request(now + CROWDED, HeldBy::RetryBudget))
        } else if self.throttle.as_mut().is_some_and(|throttle| !throttle.start(now)) {
            Some(Stop::Request(now + CROWDED, HeldBy::Throttle))
        } else {
            None
        };
        let permit = match (stop, lane.breaker.admit(now)) {
            (None, Ok(permit)) => permit,
            (stop, admitted) => {
                if let Ok(permit) = admitted {
                    lane.breaker.release(permit);
                }
                if let Some(connection) = connection {
                    lane.streams.release(connection);
                }
                lane.refund(now);
                self.refund_keys(entry.recipient, entry.device, entry.conversation, now);
                let breaker = Stop::Lane(admitted.err().unwrap_or(now + CROWDED), HeldBy::Breaker);
                return Err(stop.unwrap_or(breaker));
            }
        };
        lane.in_flight += 1;
        if entry.attempt > 1 {
            self.budget.retry(now);
        } else {
            self.budget.request(now);
        }
        if ordered {
            self.order.begin(at, entry.conversation, whole(entry.leg), now);
        }
        let mut probe = |key| self.credentials.get_mut(&key).and_then(|breaker| breaker.admit(now).ok());
        Ok(Ticket {
            leg: whole(entry.leg),
            lane: at,
            credential,
            platform,
            recipient: entry.recipient,
            device: entry.device,
            conversation: entry.conversation,
            digest: entry.digest,
            started: now,
            connection,
            permit,
            credential_permit: probe((credential, None)),
            platform_permit: probe((credential, Some(platform))),
        })
    }

    fn take_keys(&mut self, entry: &Entry, now: UnixTime) -> Result<(), UnixTime> {
        let mut levels = [
            (&mut self.recipients, entry.recipient),
            (&mut self.devices, entry.device),
            (&mut self.conversations, entry.conversation),
        ];
        let mut taken = 0;
        let mut blocked = None;
        for (keyed, key) in &mut levels {
            if let Some(Err(until)) = keyed.as_mut().map(|keyed| keyed.take(*key, now)) {
                blocked = Some(until);
                break;
            }
            taken += 1;
        }
        if let Some(mut until) = blocked {
            // All together or not at all.
            for (at, (keyed, key)) in levels.into_iter().enumerate() {
                match keyed {
                    Some(keyed) if at < taken => keyed.refund(key, now),
                    Some(keyed) if at > taken => {
                        until = until.max(keyed.peek(key, now).err().unwrap_or(until));
                    }
                    _ => {}
                }
            }
            return Err(until);
        }
        if let Some(rate) = &self.settings.global {
            self.global.take(rate, now)?;
        }
        Ok(())
    }

    fn refund_keys(&mut self, recipient: u64, device: u64, conversation: u64, now: UnixTime) {
        let levels = [
            (&mut self.recipients, recipient),
            (&mut self.devices, device),
            (&mut self.conversations, conversation),
        ];
        for (keyed, key) in levels {
            if let Some(keyed) = keyed {
                keyed.refund(key, now);
            }
        }
        if let Some(rate) = &self.settings.global {
            self.global.refund(rate, now);
        }
    }

    /// Asks for one call of the platform's API (presence, look-ups, re-sync, write-back share it), by this client.
    ///
    /// # Errors
    /// When to ask again.
    pub fn take_api(&mut self, client: u64, now: UnixTime) -> Result<(), UnixTime> {
        self.clients.take(client, now)
    }

    /// A lane's share of its service's limit, leased until then by whoever shares it out among processes; afterwards the
    /// lane's own rate holds again.
    pub fn lease_rate(
        &mut self,
        lane: LaneId,
        service: ServiceId,
        rate: Rate,
        until: UnixTime,
        now: UnixTime,
    ) {
        if let Some(at) = self.lane(lane, service, now) {
            if let Some(lane) = self.lanes.get_mut(at as usize) {
                lane.lease(rate, until);
            }
            self.unblock(at);
        }
    }

    /// A lane has a connection, or the limit of its streams has changed.
    pub fn connection_open(
        &mut self,
        lane: LaneId,
        service: ServiceId,
        connection: ConnectionId,
        streams: u32,
        now: UnixTime,
    ) {
        if let Some(at) = self.lane(lane, service, now) {
            if let Some(lane) = self.lanes.get_mut(at as usize) {
                lane.streams.open(connection, streams);
            }
            self.unblock(at);
        }
    }

    /// A connection takes no more requests.
    pub fn connection_closed(&mut self, lane: LaneId, connection: ConnectionId) {
        if let Some(at) = self.known_lane(lane) {
            if let Some(lane) = self.lanes.get_mut(at as usize) {
                lane.streams.close(connection);
            }
            self.unblock(at);
        }
    }

    /// What went back: tell the delivery. Poll it whenever [`next`](Self::next) has given `None`.
    pub fn poll_held(&mut self) -> Option<Held<T>> {
        self.held.pop_front()
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
