//! Events are read or taken back.

use reveille_core::UnixTime;

use crate::batch::{Removed, Select};
use crate::record::bit;
use crate::{Cause, Engine, Error, EventId, Fate, Host, Lane, Output, error::Limit};

/// What to cancel of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selector {
    /// One event.
    Event(EventId),
    /// All events of a kind.
    Kind(u16),
    /// All.
    All,
}

/// What a read or a cancel took back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retracted {
    /// Events that were pending: they are not notified.
    pub pending: u32,
    /// Events that were in flight or delivered.
    pub notified: u32,
}

impl<H: Host> Engine<H> {
    /// The recipient has read the conversation up to and including `up_to`. A lower number than before changes
    /// nothing. It is remembered, so that an event that arrives after its own read is not notified.
    ///
    /// Where events are only counted, a read takes back a batch if it covers all of it, and otherwise nothing of it.
    ///
    /// # Errors
    /// [`Error::Full`] if the key is new and there is no room to remember it, or outputs have to be polled first.
    pub fn handle_read(&mut self, key: &H::Key, up_to: u64, now: UnixTime) -> Result<Retracted, Error> {
        let now = self.clock.observe(now, self.derived.tolerance);
        if self.outputs.len() >= self.limits.outputs as usize {
            return Err(Error::Full { limit: Limit::Outputs });
        }
        let identity = self.seed.identity(key);
        let found = self.find(identity);
        let found = found.and_then(|index| self.run_due(index, identity, now));
        let index = match found {
            Some(index) => index,
            None if self.policy.remember.is_zero() => return Ok(Retracted::default()),
            None => {
                if self.slab.used() >= self.limits.windows {
                    return Err(Error::Full { limit: Limit::Windows });
                }
                let index = self.slab.insert(identity.fingerprint(), key.clone());
                let index = index.ok_or(Error::Full { limit: Limit::Windows })?;
                self.table.insert(identity.tag(), index);
                index
            }
        };
        let newer = self.extra(index).map_or(0, |extra| extra.mark) < up_to;
        let mut retracted = Retracted::default();
        if newer {
            if let Some(extra) = self.extra_mut(index) {
                extra.mark = up_to;
            }
            retracted = self.retract(index, Select::UpTo(up_to), Cause::Read, now);
        }
        self.finish(index, now);
        Ok(retracted)
    }

    /// Takes events back. What is pending is not notified; for what went out, a [`Clear`](crate::Clear) follows.
    /// A window that becomes empty closes without a notification.
    ///
    /// Where events are only counted, [`Selector::All`] is the only one that finds any.
    ///
    /// # Errors
    /// [`Error::Full`] if outputs have to be polled first.
    pub fn handle_cancel(&mut self, key: &H::Key, what: Selector, now: UnixTime) -> Result<Retracted, Error> {
        let now = self.clock.observe(now, self.derived.tolerance);
        if self.outputs.len() >= self.limits.outputs as usize {
            return Err(Error::Full { limit: Limit::Outputs });
        }
        let identity = self.seed.identity(key);
        let found = self.find(identity);
        let Some(index) = found.and_then(|index| self.run_due(index, identity, now)) else {
            return Ok(Retracted::default());
        };
        let select = match what {
            Selector::Event(id) => Select::Event(id),
            Selector::Kind(kind) => Select::Kind(kind),
            Selector::All => Select::All,
        };
        let retracted = self.retract(index, select, Cause::Cancelled, now);
        self.finish(index, now);
        Ok(retracted)
    }

    fn retract(&mut self, index: u32, select: Select, cause: Cause, now: u64) -> Retracted {
        let fate = if cause == Cause::Read { Fate::ReadBefore } else { Fate::Cancelled };
        let pending = self.drop_pending(index, select, fate);
        if pending > 0 && self.slab.hot(index).is_some_and(|hot| hot.total == 0) {
            self.close(index);
        }
        let mut notified = 0;
        for lane in [Lane::Digest, Lane::Urgent] {
            let removed = self.remove_sent(index, lane, select, cause);
            notified += removed;
            let remaining = self.sent_of(index, lane);
            if removed > 0 && (cause == Cause::Cancelled || remaining == 0) {
                self.clear(index, lane, cause, remaining, now);
            }
        }
        self.tell_unread(index);
        Retracted { pending, notified }
    }

    /// Takes events out of what is pending, with a fate. Returns how many.
    pub(crate) fn drop_pending(&mut self, index: u32, select: Select, fate: Fate) -> u32 {
        if self.slab.hot(index).is_none_or(|hot| hot.total == 0) {
            return 0;
        }
        let mut batch = self.take_pending(index);
        let removed = batch.remove(select);
        self.put_pending(index, batch);
        self.forget_items(&removed);
        self.ledger.settle(fate, removed.count);
        self.tell_dropped(index, fate, removed)
    }

    /// Says which pending events ended without a notification.
    pub(crate) fn tell_dropped(&mut self, index: u32, fate: Fate, removed: Removed) -> u32 {
        let Removed { count, ids, .. } = removed;
        if count > 0
            && let Some(key) = self.slab.cold(index).and_then(|cold| cold.key.clone())
        {
            self.outputs.push_back(Output::Dropped { key, fate, count, ids });
        }
        count
    }

    fn forget_items(&mut self, removed: &Removed) {
        self.items = self.items.saturating_sub(removed.items);
        self.bytes = self.bytes.saturating_sub(u64::from(removed.bytes));
    }

    /// Takes events out of what is in flight or delivered in a lane.
    fn remove_sent(&mut self, index: u32, lane: Lane, select: Select, cause: Cause) -> u32 {
        if self.slab.hot(index).is_none_or(|hot| !hot.has(bit::EXTRA)) {
            return 0;
        }
        let Some(extra) = self.extra_mut(index) else {
            return 0;
        };
        let mut all = Removed::default();
        for flight in extra.flights.iter_mut().filter(|flight| flight.lane == lane) {
            let removed = flight.batch.remove(select);
            match cause {
                Cause::Read => flight.read += removed.count,
                Cause::Cancelled => flight.cancelled += removed.count,
            }
            all.count = all.count.saturating_add(removed.count);
            all.items += removed.items;
            all.bytes = all.bytes.saturating_add(removed.bytes);
        }
        let mut count = all.count;
        let mut items = 0;
        if let Some(delivered) = extra.delivered.get_mut(usize::from(lane == Lane::Urgent)) {
            // Its bytes were given back when it was delivered.
            let removed = delivered.remove(select);
            count = count.saturating_add(removed.count);
            items = removed.items;
        }
        self.forget_items(&all);
        self.items = self.items.saturating_sub(items);
        self.stop_reminders(index);
        count
    }

    /// No reminder of what is read or taken back.
    pub(crate) fn stop_reminders(&mut self, index: u32) {
        if self.sent_of(index, Lane::Digest) == 0
            && let Some(Some(extra)) = self.slab.cold_mut(index).map(|cold| cold.extra.as_deref_mut())
        {
            extra.remind_at = u64::MAX;
        }
    }

    /// How many events of a lane are in flight or delivered, and not read.
    fn sent_of(&self, index: u32, lane: Lane) -> u32 {
        let Some(extra) = self.extra(index) else {
            return 0;
        };
        let flights = extra.flights.iter().filter(|flight| flight.lane == lane);
        let delivered = extra.delivered.get(usize::from(lane == Lane::Urgent)).map_or(0, |batch| batch.total);
        flights.fold(delivered, |sum, flight| sum.saturating_add(flight.batch.total))
    }

    /// Says the unread count, if it is not the one the caller knows.
    fn tell_unread(&mut self, index: u32) {
        let count = self.unread_of(index);
        let Some(key) = self.slab.cold(index).and_then(|cold| cold.key.clone()) else {
            return;
        };
        // Who was told nothing, or 0, need not hear of events that are still waiting.
        if self.extra(index).is_none_or(|extra| extra.told == 0 || extra.told == count) {
            return;
        }
        if let Some(extra) = self.extra_mut(index) {
            extra.told = count;
            self.outputs.push_back(Output::Unread { key, count });
        }
    }
}
