//! The replay set of one shard.

use std::fmt;
use std::time::Duration;

use reveille_core::{UnixTime, Wakeup};

use super::attempt::{Attempt, Reservation, ReservationError};
use super::segment::{Place, Segment};
use super::slot::{MAX_KEEP, Slot, Use};
use super::watch::{Seen, Watch};
use crate::{Reason, TokenId};

/// Segments, so that a rebuild touches a 256th of the tokens.
const SEGMENTS: usize = 256;

/// What a replay set may cost in memory, and how it judges what it cannot know; given to [`ReplaySet`] when it is
/// made.
///
/// ```
/// use reveille_resume::{ReplayLimits, ReplaySet};
/// let set = ReplaySet::complete(0, ReplayLimits::default().with_capacity(4_000_000));
/// assert_eq!(set.occupied(), 0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplayLimits {
    pub(super) capacity: usize,
    lease: Duration,
    pub(super) skew: Duration,
    pub(super) watch: Duration,
}

impl ReplayLimits {
    /// With room for another number of tokens than a million; each costs 34 to 39 bytes. Let it be twice what is
    /// used in the life of a token.
    #[must_use]
    pub const fn with_capacity(self, capacity: usize) -> Self {
        Self { capacity, ..self }
    }

    /// With another time than 10 s for which a reservation holds without a commit, and the same attempt gets the same
    /// answer; rounded up to a whole second.
    #[must_use]
    pub const fn with_lease(self, lease: Duration) -> Self {
        Self { lease, ..self }
    }

    /// With another margin than 10 s between the start of a cold set and the first token that it takes: how far the
    /// issuers' clocks may be ahead of this one at that moment.
    #[must_use]
    pub const fn with_skew(self, skew: Duration) -> Self {
        Self { skew, ..self }
    }

    /// With another time than 310 s for which a cold set watches its clock: at least
    /// [`Policy::overlap`](crate::Policy::overlap).
    #[must_use]
    pub const fn with_watch(self, watch: Duration) -> Self {
        Self { watch, ..self }
    }
}

impl Default for ReplayLimits {
    fn default() -> Self {
        Self {
            capacity: 1_000_000,
            lease: Duration::from_secs(10),
            skew: Duration::from_secs(10),
            watch: Duration::from_secs(310),
        }
    }
}

/// What there is to know about a token whose uses are to be counted; a store of your own takes it from
/// [`Authentic::single_use`](crate::verdict::Authentic::single_use).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "users make it from its parts")]
pub struct SingleUse {
    /// Its id, uniformly distributed.
    pub token_id: TokenId,
    /// The shard that remembers it.
    pub shard: u8,
    /// When it was issued.
    pub issued_at: UnixTime,
    /// Until when it could be presented again, leeway included.
    pub keep_until: UnixTime,
}

/// Remembers the tokens of one shard that were used, until they expire. Use one where a single process verifies the
/// tokens of a shard, and [`ExternalStore`](crate::ExternalStore) where several do.
///
/// ```text
///            reserve               commit
///   unknown ─────────► reserved ───────────► used ──► forgotten, when the token has expired
///      ▲                   │
///      └───────────────────┘ abort, or the lease is over
/// ```
///
/// It is exact: no token is granted to two attempts, none is refused by accident. Where it cannot know, because it was
/// started after the token was issued, or because the clock stepped back behind what it has forgotten, it refuses
/// ([`Reason::ColdStart`]).
///
/// A cold set relies on the clock of the moment at which it starts, and that is when clocks are wrong. So it watches: for
/// 310 s of time that passes in small steps, a step of more than 5 s is the clock being set, and the set is cold again. Call
/// [`handle_timeout`](Self::handle_timeout) when [`next_wakeup`](Self::next_wakeup) says, or a quiet minute
/// looks like such a step.
///
/// Not `Clone`: two copies would let one token in twice. A cloned machine needs a shard of its own.
///
/// ```
/// use reveille_core::{UnixTime, Wakeup};
/// use reveille_resume::replay::SingleUse;
/// use reveille_resume::{Attempt, Reason, ReplayLimits, ReplaySet, TokenId};
/// use std::time::Duration;
///
/// let now = UnixTime::from_secs(1_000);
/// let token = SingleUse { token_id: TokenId::new([9; 16]), shard: 0, issued_at: now, keep_until: now + Duration::from_secs(305) };
/// let (phone, thief) = (Attempt::new(1), Attempt::new(2));
///
/// let mut set = ReplaySet::complete(0, ReplayLimits::default());
/// let held = set.reserve(&token, phone, now).unwrap();
/// assert_eq!(set.reserve(&token, thief, now), Err(Reason::InUse));
/// assert_eq!(set.reserve(&token, phone, now).map(|again| again.repeated), Ok(true));
/// set.commit(&held, now)?;
/// assert_eq!(set.reserve(&token, thief, now), Err(Reason::Replayed));
/// # Ok::<(), reveille_resume::replay::ReservationError>(())
/// ```
pub struct ReplaySet {
    pub(super) shard: u8,
    limits: ReplayLimits,
    pub(super) watch: Option<Watch>,
    segments: Vec<Segment>,
    occupied: usize,
    /// Tokens issued at or before this may have been used without this set knowing.
    pub(super) complete_since: Option<UnixTime>,
    /// The latest end, in seconds, of all tokens thrown out: whatever ends no later may have been among them.
    pub(super) forgotten: u32,
    /// When full: nothing can have expired before this second, so do not look.
    full_until: u32,
}

impl ReplaySet {
    /// A set that knows of every use, because no token of its shard was ever used before: a new shard, or a test.
    #[must_use]
    pub fn complete(shard: u8, limits: ReplayLimits) -> Self {
        Self {
            shard,
            limits,
            watch: None,
            segments: (0..SEGMENTS).map(|_| Segment::default()).collect(),
            occupied: 0,
            complete_since: None,
            forgotten: 0,
            full_until: 0,
        }
    }

    /// A set that was started at `now` and does not know what was used before: it refuses the tokens issued until
    /// now, plus [`ReplayLimits::with_skew`] (RFC 8446 §8.2 has the same rule for 0-RTT).
    ///
    /// A clock that is behind by more than that, and goes on being so, is not noticed: where that can be, restore a
    /// snapshot, which carries a time, or let the clock be set before the service starts.
    #[must_use]
    pub fn cold(shard: u8, limits: ReplayLimits, now: UnixTime) -> Self {
        let mut set = Self::complete(shard, limits);
        set.mark_cold(now);
        set
    }

    /// From now on this set refuses the tokens issued until now: uses may have been lost.
    pub fn mark_cold(&mut self, now: UnixTime) {
        (self.complete_since, self.watch) = self.chilled(now);
    }

    /// Lets a cold set look at the clock. Early, late and needless calls do no harm.
    pub fn handle_timeout(&mut self, now: UnixTime) {
        (self.complete_since, self.watch) = self.observed(now);
    }

    /// While a cold set watches its clock: when it wants to see it again.
    #[must_use]
    pub fn next_wakeup(&self) -> Option<Wakeup> {
        self.watch
            .as_ref()
            .map(|watch| Wakeup { at: watch.due(), reason: "watch the clock after a cold start" })
    }

    /// Phase one: holds a token for an attempt.
    ///
    /// # Errors
    /// The [`Reason`] why not: [`WrongShard`](Reason::WrongShard), [`Replayed`](Reason::Replayed),
    /// [`InUse`](Reason::InUse), [`ColdStart`](Reason::ColdStart), [`Expired`](Reason::Expired), [`Full`](Reason::Full).
    /// The attempt that holds the token gets the same reservation again, also for the rest of its lease when it has
    /// committed.
    pub fn reserve(
        &mut self,
        token: &SingleUse,
        attempt: Attempt,
        now: UnixTime,
    ) -> Result<Reservation, Reason> {
        if token.shard != self.shard {
            return Err(Reason::WrongShard);
        }
        self.handle_timeout(now);
        let (now_s, keep_until) = (floor_secs(now), ceil_secs(token.keep_until));
        if keep_until <= now_s {
            return Err(Reason::Expired);
        }
        if keep_until - now_s > MAX_KEEP {
            return Err(Reason::Full);
        }
        let lease_end = ceil_secs(now + self.limits.lease).min(keep_until);
        let reserved = Slot::reserved(&token.token_id, keep_until, attempt.tag(), lease_end);
        let granted = Reservation {
            token_id: token.token_id,
            attempt,
            until: UnixTime::from_secs(lease_end.into()),
            keep_until: token.keep_until,
            repeated: false,
        };
        match self.look_up(&token.token_id, now_s) {
            Place::Found(at) => {
                let slot = self.slot_mut(&token.token_id, at).ok_or(Reason::Full)?;
                let same = slot.is_by(attempt.tag());
                match slot.state(now_s) {
                    Use::Committed { in_lease: true } | Use::Reserved if same => {
                        let until = UnixTime::from_secs(slot.lease_end().into());
                        Ok(Reservation { until, repeated: true, ..granted })
                    }
                    Use::Committed { .. } => Err(Reason::Replayed),
                    Use::Reserved => Err(Reason::InUse),
                    Use::Lapsed if self.may_lack(token, keep_until) => Err(Reason::ColdStart),
                    Use::Lapsed => self.put(&token.token_id, at, reserved).map(|()| granted),
                }
            }
            _ if self.may_lack(token, keep_until) => Err(Reason::ColdStart),
            place => self.insert(place, &token.token_id, reserved, now_s).map(|()| granted),
        }
    }

    /// Phase two: the token is used. Only then let the user in. Once more is harmless.
    ///
    /// # Errors
    /// [`ReservationError::Lapsed`]: the lease is over, or somebody else has the token now.
    pub fn commit(&mut self, reservation: &Reservation, now: UnixTime) -> Result<(), ReservationError> {
        match self.held(reservation, now)? {
            (_, Use::Lapsed) => Err(ReservationError::Lapsed),
            (slot, _) => {
                slot.commit();
                Ok(())
            }
        }
    }

    /// Phase two, the other way: the user could not be let in, the token stays good.
    ///
    /// # Errors
    /// [`ReservationError::Lapsed`] if there is nothing to abort, [`ReservationError::Committed`] if it is too late.
    pub fn abort(&mut self, reservation: &Reservation, now: UnixTime) -> Result<(), ReservationError> {
        match self.held(reservation, now)? {
            (_, Use::Lapsed) => Err(ReservationError::Lapsed),
            (_, Use::Committed { .. }) => Err(ReservationError::Committed),
            (slot, Use::Reserved) => {
                slot.abort();
                Ok(())
            }
        }
    }

    /// Notes a use that happened elsewhere: replays a journal of commits, or takes over from a peer.
    ///
    /// # Errors
    /// [`Reason::Full`]; [`Reason::Expired`] if it need not be remembered any more.
    pub fn record(&mut self, token_id: TokenId, keep_until: UnixTime, now: UnixTime) -> Result<(), Reason> {
        let (now_s, keep_until) = (floor_secs(now), ceil_secs(keep_until));
        if keep_until <= now_s {
            self.forgotten = self.forgotten.max(keep_until);
            return Err(Reason::Expired);
        }
        match self.look_up(&token_id, now_s) {
            Place::Found(at) => {
                // Whoever wrote the journal may have had another leeway: the later end counts.
                let known = self.slot_mut(&token_id, at).map_or(0, |slot| slot.keep_until());
                self.put(&token_id, at, Slot::committed(&token_id, keep_until.max(known)))
            }
            place => self.insert(place, &token_id, Slot::committed(&token_id, keep_until), now_s),
        }
    }

    /// The shard whose tokens this set remembers.
    #[must_use]
    pub const fn shard(&self) -> u8 {
        self.shard
    }

    /// Tokens issued at or before this time are refused; `None` if the set knows of every use.
    #[must_use]
    pub const fn complete_since(&self) -> Option<UnixTime> {
        self.complete_since
    }

    /// Slots taken, those of tokens that have expired since and were not yet swept out included.
    #[must_use]
    pub const fn occupied(&self) -> usize {
        self.occupied
    }

    /// Memory of the tables, in bytes.
    #[must_use]
    pub fn memory(&self) -> usize {
        let slots: usize = self.segments.iter().map(Segment::capacity).sum();
        slots * size_of::<Slot>() + self.segments.capacity() * size_of::<Segment>()
    }

    /// What a look at the clock makes of "complete since" and of the watch.
    pub(super) fn observed(&self, now: UnixTime) -> (Option<UnixTime>, Option<Watch>) {
        let Some(mut watch) = self.watch else { return (self.complete_since, None) };
        match watch.observe(now) {
            Seen::Step => (self.complete_since, Some(watch)),
            Seen::Enough => (self.complete_since, None),
            Seen::Jump => self.chilled(now),
        }
    }

    fn chilled(&self, now: UnixTime) -> (Option<UnixTime>, Option<Watch>) {
        let since = now + self.limits.skew;
        let since = self.complete_since.map_or(since, |before| before.max(since));
        (Some(since), Some(Watch::new(self.limits.watch, now)))
    }

    pub(super) const fn skew(&self) -> Duration {
        self.limits.skew
    }

    /// Throws out everything that has expired. [`reserve`](Self::reserve) does it by and by; this frees the memory
    /// of a quiet set.
    pub fn sweep(&mut self, now: UnixTime) {
        self.sweep_secs(floor_secs(now));
    }

    pub(super) fn live_slots(&self, now: u32) -> impl Iterator<Item = &Slot> {
        self.segments.iter().flat_map(Segment::slots).filter(move |slot| slot.keep_until() > now)
    }

    /// Takes a slot over from a snapshot.
    pub(super) fn adopt(&mut self, slot: Slot, now: u32) -> Result<(), Reason> {
        if slot.keep_until() <= now {
            self.forgotten = self.forgotten.max(slot.keep_until());
            return Ok(());
        }
        let id = slot.token_id();
        match self.look_up(&id, now) {
            Place::Found(at) => self.put(&id, at, slot),
            place => self.insert(place, &id, slot, now),
        }
    }

    fn may_lack(&self, token: &SingleUse, keep_until: u32) -> bool {
        self.complete_since.is_some_and(|since| token.issued_at <= since) || keep_until <= self.forgotten
    }

    /// The slot a reservation is about, if it is still about the same attempt and lease.
    fn held(
        &mut self,
        reservation: &Reservation,
        now: UnixTime,
    ) -> Result<(&mut Slot, Use), ReservationError> {
        let now_s = floor_secs(now);
        let Place::Found(at) = self.look_up(&reservation.token_id, now_s) else {
            return Err(ReservationError::Lapsed);
        };
        let slot = self.slot_mut(&reservation.token_id, at).ok_or(ReservationError::Lapsed)?;
        let same_lease = UnixTime::from_secs(slot.lease_end().into()) == reservation.until;
        if !slot.is_by(reservation.attempt.tag()) || !same_lease {
            return Err(ReservationError::Lapsed);
        }
        let state = slot.state(now_s);
        Ok((slot, state))
    }

    fn insert(&mut self, place: Place, id: &TokenId, slot: Slot, now: u32) -> Result<(), Reason> {
        if self.occupied >= self.limits.capacity {
            if now < self.full_until {
                return Err(Reason::Full);
            }
            self.sweep_secs(now);
            if self.occupied >= self.limits.capacity {
                self.full_until = self.live_slots(now).map(Slot::keep_until).min().unwrap_or_default();
                return Err(Reason::Full);
            }
            return self.insert_growing(id, slot, now);
        }
        match place {
            Place::Free(at) => self.put(id, at, slot),
            Place::Found(_) | Place::Crowded => self.insert_growing(id, slot, now),
        }
    }

    fn insert_growing(&mut self, id: &TokenId, slot: Slot, now: u32) -> Result<(), Reason> {
        if let Place::Crowded = self.look_up(id, now) {
            self.rebuild(usize::from(segment_of(id)), now);
        }
        match self.look_up(id, now) {
            Place::Free(at) => self.put(id, at, slot),
            Place::Found(_) | Place::Crowded => Err(Reason::Full),
        }
    }

    fn put(&mut self, id: &TokenId, at: usize, slot: Slot) -> Result<(), Reason> {
        let segment = self.segments.get_mut(usize::from(segment_of(id))).ok_or(Reason::Full)?;
        let before = segment.occupied();
        let (is_other, old) = (segment.slot(at).is_some_and(|old| !old.is_of(id)), segment.put(at, slot));
        self.occupied += segment.occupied() - before;
        if is_other {
            self.forgotten = self.forgotten.max(old);
        }
        Ok(())
    }

    fn sweep_secs(&mut self, now: u32) {
        for at in 0..self.segments.len() {
            self.rebuild(at, now);
        }
    }

    fn rebuild(&mut self, at: usize, now: u32) {
        if let Some(segment) = self.segments.get_mut(at) {
            let before = segment.occupied();
            self.forgotten = self.forgotten.max(segment.rebuild(now).forgotten);
            self.occupied = self.occupied.saturating_sub(before).saturating_add(segment.occupied());
        }
    }

    fn look_up(&self, id: &TokenId, now: u32) -> Place {
        self.segments.get(usize::from(segment_of(id))).map_or(Place::Crowded, |segment| segment.find(id, now))
    }

    fn slot_mut(&mut self, id: &TokenId, at: usize) -> Option<&mut Slot> {
        self.segments.get_mut(usize::from(segment_of(id)))?.slot_mut(at)
    }
}

const fn segment_of(id: &TokenId) -> u8 {
    let [first, ..] = *id.as_bytes();
    first
}

/// Whole seconds, rounded down; the set counts them in 32 bits, until 2106.
pub(super) fn floor_secs(time: UnixTime) -> u32 {
    u32::try_from(time.as_secs()).unwrap_or(u32::MAX)
}

fn ceil_secs(time: UnixTime) -> u32 {
    u32::try_from(time.as_millis().div_ceil(1_000)).unwrap_or(u32::MAX)
}

impl fmt::Debug for ReplaySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplaySet")
            .field("shard", &self.shard)
            .field("occupied", &self.occupied)
            .field("complete_since", &self.complete_since)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A snapshot is made by whoever has its key, not always by this code.
    #[test]
    fn a_slot_that_comes_twice_is_taken_over_once() {
        let mut set = ReplaySet::complete(0, ReplayLimits::default());
        let id = TokenId::new([5; 16]);
        for keep_until in [200, 300] {
            set.adopt(Slot::committed(&id, keep_until), 100).unwrap();
        }
        assert_eq!((set.occupied(), set.live_slots(299).count(), set.live_slots(300).count()), (1, 1, 0));
        // One that is over is not taken; what it may have stood for is not forgotten either.
        set.adopt(Slot::committed(&TokenId::new([6; 16]), 100), 100).unwrap();
        assert_eq!((set.occupied(), set.forgotten), (1, 100));
    }
}
