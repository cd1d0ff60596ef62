//! An event comes in.

use reveille_core::UnixTime;

use super::MAX_FLIGHTS;
use super::flush::Flushed;
use super::pending::item;
use crate::dedup::Reserved;
use crate::error::Limit;
use crate::hash::Identity;
use crate::record::{MORE_ACTORS, bit};
use crate::{Collect, Engine, Error, Event, Excess, Fate, Host, Item, Lane, Urgent};

/// How many events are looked up ahead of their turn.
const GROUP: usize = 64;

impl<H: Host> Engine<H> {
    /// Takes an event in and says where it stands now: waiting, in a notification that is to be polled, or dropped
    /// for a reason. Later changes come as [`Output`](crate::Output)s; [`explain`](Self::explain) has the sums.
    ///
    /// # Errors
    /// [`Error::Full`] if a limit is reached. The event is counted as refused; hand it in again later.
    // Inlined, so that on the short way the caller's event is never written to memory.
    #[inline(always)]
    pub fn handle_event(&mut self, event: Event<H>, now: UnixTime) -> Result<Fate, Error> {
        let now = self.clock.observe(now, self.derived.tolerance);
        let (identity, found) = self.find_place(self.seed.place(&event.key));
        self.take_in(event, identity, found, now)
    }

    /// Takes many events in, which all came at `now`, and tells `fates` of each, in order. It does what
    /// [`handle_event`](Self::handle_event) does one after the other; with millions of keys it is faster, because the
    /// memory of the next events is fetched while the first are at work.
    ///
    /// ```
    /// use reveille_core::UnixTime;
    /// use reveille_digest::{Engine, Event, EventId, Fate, Limits, Plain, Policy, Seed};
    ///
    /// let mut engine = Engine::new(Plain::new(), Policy::default(), Limits::default(), Seed::new([7; 16]))?;
    /// let events = (0..100_u64).map(|n| Event::new(n % 10, EventId((n / 2).into()), ()));
    /// let mut duplicates = 0;
    /// engine.handle_events(events, UnixTime::from_secs(1), |fate| duplicates += u32::from(fate == Ok(Fate::Duplicate)));
    /// assert_eq!((engine.keys(), duplicates), (5, 50));
    /// # Ok::<(), reveille_digest::InvalidPolicy>(())
    /// ```
    pub fn handle_events(
        &mut self,
        events: impl IntoIterator<Item = Event<H>>,
        now: UnixTime,
        mut fates: impl FnMut(Result<Fate, Error>),
    ) {
        let mut events = events.into_iter();
        let mut group = Vec::with_capacity(GROUP);
        let mut identities = [Identity::default(); GROUP];
        loop {
            for (event, identity) in events.by_ref().take(GROUP).zip(&mut identities) {
                *identity = self.seed.identity(&event.key);
                group.push(event);
            }
            if group.is_empty() {
                return;
            }
            let now = self.clock.observe(now, self.derived.tolerance);
            self.fetch(identities.get(..group.len()).unwrap_or_default());
            for (event, identity) in group.drain(..).zip(&identities) {
                fates(self.take_in(event, *identity, self.find(*identity), now));
            }
        }
    }

    /// Brings what these keys need into the cache: rows of loads that do not depend on each other, so that their
    /// misses overlap. The less stands between two loads, the more of them are under way at once.
    fn fetch(&self, identities: &[Identity]) {
        let touch = |sum: u32, identity: &Identity| sum.wrapping_add(self.table.touch(identity.tag()));
        std::hint::black_box(identities.iter().fold(0, touch));
        let touch = |sum: u64, identity: &Identity| {
            let hot = self.slab.hot(self.table.guess(identity.tag()));
            sum.wrapping_add(hot.map_or(0, |hot| hot.fingerprint))
        };
        std::hint::black_box(identities.iter().fold(0, touch));
    }

    #[inline(always)]
    fn take_in(
        &mut self,
        event: Event<H>,
        identity: Identity,
        found: Option<u32>,
        now: u64,
    ) -> Result<Fate, Error> {
        self.ledger.events += 1;
        if self.derived.lean
            && let Some(index) = found
            && self.join(index, &event, now)
        {
            return Ok(Fate::Pending);
        }
        let result = self.admit(event, identity, found, now);
        if result.is_err() {
            self.ledger.add(Fate::Refused, 1);
        }
        result
    }

    /// The short way: an ordinary event, an open window, nothing but counters. `false` if it is not that simple.
    #[inline(always)]
    fn join(&mut self, index: u32, event: &Event<H>, now: u64) -> bool {
        let bytes_left = self.limits.bytes.saturating_sub(self.bytes);
        let Some(hot) = self.slab.hot_mut(index) else {
            return false;
        };
        let plain = hot.state & (bit::OPEN | bit::HELD | bit::EXTRA | bit::TRACKED) == bit::OPEN;
        let deadline = self.derived.deadline.of(hot.opened, now);
        // After a hold the deadline may come nearer, and the timer with it: that is not the short way.
        if !plain
            || event.urgent
            || now >= hot.deadline
            || deadline < hot.deadline
            || u64::from(event.bytes) > bytes_left
            || hot.total == 0
        {
            return false;
        }
        let (Some(total), Some(bytes)) = (hot.total.checked_add(1), hot.bytes.checked_add(event.bytes))
        else {
            return false;
        };
        (hot.total, hot.bytes, hot.last) = (total, bytes, now);
        hot.seq_hi = hot.seq_hi.max(event.seq);
        hot.class = hot.class.max(event.class);
        if hot.actor != event.actor {
            hot.actors |= MORE_ACTORS;
        }
        hot.deadline = deadline;
        self.ledger.pending += 1;
        self.bytes += u64::from(event.bytes);
        if const { size_of::<H::Fold>() > 0 } {
            self.fold_in(index, event, now);
        }
        if self.front.1 == index {
            self.settle();
        }
        true
    }

    fn fold_in(&mut self, index: u32, event: &Event<H>, now: u64) {
        let (_, item) = item(event.clone(), UnixTime::from_millis(now));
        if let Some(cold) = self.slab.cold_mut(index) {
            self.host.fold(&mut cold.fold, &item);
        }
    }

    #[inline(never)]
    fn admit(
        &mut self,
        event: Event<H>,
        identity: Identity,
        found: Option<u32>,
        now: u64,
    ) -> Result<Fate, Error> {
        if self.outputs.len() >= self.limits.outputs as usize {
            return Err(Error::Full { limit: Limit::Outputs });
        }
        let id = event.id;
        let at = UnixTime::from_millis(now);
        if let Some(dedup) = &mut self.dedup {
            match dedup.reserve(id, at) {
                Ok(Reserved::Fresh) => {}
                Ok(Reserved::Held | Reserved::Duplicate) => {
                    self.ledger.add(Fate::Duplicate, 1);
                    return Ok(Fate::Duplicate);
                }
                Err(_) => return Err(Error::Full { limit: Limit::Ids }),
            }
        }
        let found = found.and_then(|index| self.run_due(index, identity, now));
        let result = self.place(event, identity, found, now);
        if let Some(dedup) = &mut self.dedup {
            // Two phases: an event that was refused is not a duplicate when it comes again.
            if result.is_ok() {
                dedup.commit(id)
            } else {
                dedup.abort(id)
            };
        }
        result
    }

    /// Lets everything of this record happen that is due, so that a late driver changes nothing. The record may be
    /// gone after it.
    pub(crate) fn run_due(&mut self, index: u32, identity: Identity, now: u64) -> Option<u32> {
        let timer = self.timer(index);
        if timer > now || timer == u64::MAX {
            return Some(index);
        }
        self.fire(index, now);
        self.find(identity)
    }

    fn place(
        &mut self,
        event: Event<H>,
        identity: Identity,
        found: Option<u32>,
        now: u64,
    ) -> Result<Fate, Error> {
        if let Some(extra) = found.and_then(|index| self.extra(index)) {
            if event.seq != 0 && event.seq <= extra.mark {
                self.ledger.add(Fate::ReadBefore, 1);
                return Ok(Fate::ReadBefore);
            }
            let drops = self.policy.refractory.is_some_and(|refractory| refractory.excess == Excess::Drop);
            if drops && !event.urgent && now < extra.refractory_until {
                self.ledger.add(Fate::Throttled, 1);
                return Ok(Fate::Throttled);
            }
        }
        self.check_room(&event, found)?;
        let index = match found {
            Some(index) => index,
            None => {
                let index = self
                    .slab
                    .insert(identity.fingerprint(), event.key.clone())
                    .ok_or(Error::Full { limit: Limit::Windows })?;
                self.table.insert(identity.tag(), index);
                index
            }
        };
        let urgent = event.urgent;
        let (key, item) = item(event, UnixTime::from_millis(now));
        let fate = if urgent && self.may_overtake(index, &key, item.class, now) {
            self.urgent(index, item, now)
        } else {
            self.ordinary(index, item, now)
        };
        self.finish(index, now);
        Ok(fate)
    }

    fn check_room(&self, event: &Event<H>, found: Option<u32>) -> Result<(), Error> {
        if found.is_none() && self.slab.used() >= self.limits.windows {
            return Err(Error::Full { limit: Limit::Windows });
        }
        if self.policy.collect != Collect::Totals && self.items >= self.limits.items {
            return Err(Error::Full { limit: Limit::Items });
        }
        if self.bytes.saturating_add(u64::from(event.bytes)) > self.limits.bytes {
            return Err(Error::Full { limit: Limit::Bytes });
        }
        let Some(hot) = found.and_then(|index| self.slab.hot(index)) else {
            return Ok(());
        };
        if hot.total == u32::MAX {
            return Err(Error::Full { limit: Limit::Items });
        }
        if hot.bytes.checked_add(event.bytes).is_none() {
            return Err(Error::Full { limit: Limit::Bytes });
        }
        Ok(())
    }

    fn may_overtake(&self, index: u32, key: &H::Key, class: u8, now: u64) -> bool {
        self.extra(index).is_none_or(|extra| extra.flights.len() < MAX_FLIGHTS)
            && self.host.quiet(key, class, self.wall(now)).is_none()
    }

    fn urgent(&mut self, index: u32, item: Item<H::Payload>, now: u64) -> Fate {
        match self.policy.urgent {
            Urgent::Flush => {
                self.open_if_closed(index, now);
                self.add_pending(index, item, now);
                Fate::Notified { generation: self.flush(index, Lane::Digest, now) }
            }
            Urgent::Overtake => {
                let waiting = self.take_pending(index);
                let last = self.slab.hot(index).map_or(now, |hot| hot.last);
                self.add_pending(index, item, now);
                let generation = self.send(index, Lane::Urgent, waiting.total, now);
                if let Some(hot) = self.slab.hot_mut(index) {
                    hot.last = last;
                }
                self.put_pending(index, waiting);
                Fate::Notified { generation }
            }
        }
    }

    fn ordinary(&mut self, index: u32, item: Item<H::Payload>, now: u64) -> Fate {
        self.make_room(index, item.bytes, now);
        let open = self.slab.hot(index).is_some_and(|hot| hot.has(bit::OPEN));
        let class = item.class;
        if !open {
            self.open_if_closed(index, now);
            self.add_pending(index, item, now);
            if self.policy.leading && self.hold(index, now).is_none() {
                return Fate::Notified { generation: self.flush(index, Lane::Digest, now) };
            }
        } else {
            let held_class = self.slab.hot(index).map_or(0, |hot| hot.class);
            self.add_pending(index, item, now);
            let wait = reveille_core::millis(self.policy.window.wait());
            let deadline = self.derived.deadline;
            if let Some(hot) = self.slab.hot_mut(index) {
                if !hot.has(bit::HELD) {
                    // After a hold that may be past. The end of time is never.
                    hot.deadline = deadline.of(hot.opened, hot.last).max(now.min(u64::MAX - 1));
                } else if class > held_class {
                    // It may pass where the others had to wait: ask again at the end of an ordinary wait.
                    hot.unset(bit::HELD);
                    hot.deadline = hot.deadline.min(now.saturating_add(wait));
                }
            }
        }
        let full =
            self.policy.max_items.is_some_and(|max| self.slab.hot(index).is_some_and(|hot| hot.total >= max));
        if !full {
            return Fate::Pending;
        }
        match self.try_flush(index, now) {
            Flushed::Sent(generation) => Fate::Notified { generation },
            Flushed::Held => Fate::Pending,
            Flushed::Dropped(fate) => fate,
        }
    }

    /// Flushes what is pending if the next event would not fit under the byte cap.
    fn make_room(&mut self, index: u32, bytes: u32, now: u64) {
        let Some(max) = self.policy.max_bytes else {
            return;
        };
        let would_not_fit =
            self.slab.hot(index).is_some_and(|hot| hot.total > 0 && hot.bytes.saturating_add(bytes) > max);
        if would_not_fit {
            self.try_flush(index, now);
        }
    }

    /// Opens a window if there is none.
    pub(crate) fn open_if_closed(&mut self, index: u32, now: u64) {
        let deadline = self.derived.deadline.of(now, now);
        if let Some(hot) = self.slab.hot_mut(index)
            && !hot.has(bit::OPEN)
        {
            hot.set(bit::OPEN);
            hot.unset(bit::HELD);
            (hot.opened, hot.last, hot.deadline) = (now, now, deadline);
        }
    }
}
