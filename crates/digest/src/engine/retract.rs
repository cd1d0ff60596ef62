//! Events are read or taken back.

use reveille_core::UnixTime;

use crate::batch::{Flight, Gone, Removed, Select};
use crate::delivered::Delivered;
use crate::store::record::flag;
use crate::store::seen::{Known, Seen};
use crate::{Cause, Engine, Error, EventId, Fate, Host, Lane, Output};

/// How much of a conversation was read: give it to [`Engine::handle_read`]. Use [`UpTo`](Self::UpTo) where the events
/// have numbers, and [`Through`](Self::Through) where they have none; a plain `u64` becomes `UpTo`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_enums,
    reason = "users match all of it; another variant is another behaviour version"
)]
pub enum Read {
    /// Everything up to and including this number ([`Event::seq`](crate::Event)), and what has none and is there. Remembered:
    /// an event that arrives after its own read is not notified.
    UpTo(u64),
    /// Everything up to and including this event, and what came in the same millisecond: for conversations without
    /// numbers. Nothing, if the event is not known any more.
    Through(EventId),
    /// Everything that has come so far.
    All,
}

impl From<u64> for Read {
    fn from(seq: u64) -> Self {
        Self::UpTo(seq)
    }
}

/// Which events of a key are to be cancelled: give it to [`Engine::handle_cancel`] when something is not wanted any
/// more, for example a deleted message, or a ring after the call has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_enums,
    reason = "users match all of it; another variant is another behaviour version"
)]
pub enum Selector {
    /// One event. Remembered: an event that arrives after its own cancel is not notified.
    Event(EventId),
    /// All events of a kind.
    Kind(u16),
    /// All.
    All,
}

/// How many events a read or a cancel took back: returned by [`Engine::handle_read`] and [`Engine::handle_cancel`]. Use
/// it for logs and statistics; what has to be sent because of it comes as an [`Output`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_structs,
    reason = "plain data that users make and take apart; another field is another version of the log"
)]
pub struct Retracted {
    /// Events that were pending: they are not notified.
    pub pending: u32,
    /// Events that were in flight or delivered.
    pub notified: u32,
}

impl<H: Host> Engine<H> {
    /// The recipient has read the conversation. What is pending is not notified; when nothing that was sent is left, a
    /// [`Clear`](crate::Clear) follows, also if all of it was forgotten. The same read again changes nothing.
    ///
    /// Where events are only counted, a read takes back a batch if it covers all of it, and otherwise nothing of it.
    ///
    /// # Errors
    /// [`Error::Full`] if outputs have to be polled first.
    pub fn handle_read(
        &mut self,
        key: &H::Key,
        read: impl Into<Read>,
        now: UnixTime,
    ) -> Result<Retracted, Error> {
        let now = self.observe(now);
        self.bring_up(now)?;
        Ok(self.read(key, read.into(), now))
    }

    pub(crate) fn read(&mut self, key: &H::Key, read: Read, now: u64) -> Retracted {
        let identity = self.seed.identity(key);
        let Some(index) = self.store.find(identity) else {
            if let Read::Through(_) = read {
                return Retracted::default();
            }
            self.clear_unknown(key, Cause::Read);
            if self.derived.remember > 0
                && let Some(index) = self.store.insert(identity, key.clone())
            {
                self.set_mark(index, read);
                self.finish(index, now);
            }
            return Retracted::default();
        };
        let select = match read {
            Read::UpTo(mark) if self.store.extra(index).map_or(0, |extra| extra.mark) < mark => {
                Select::UpTo(mark)
            }
            // The same again, or an older one that came late.
            Read::UpTo(_) => return Retracted::default(),
            Read::Through(id) => match self.time_of(index, id) {
                Some(at) => Select::Until(at),
                None => return Retracted::default(),
            },
            Read::All if self.unread_of(index) == 0 => return Retracted::default(),
            Read::All => Select::All,
        };
        self.revive(index);
        self.set_mark(index, read);
        let retracted = self.retract(index, select, Cause::Read);
        self.finish(index, now);
        retracted
    }

    fn set_mark(&mut self, index: u32, read: Read) {
        if let Some(extra) = self.store.extra_mut(index)
            && let Read::UpTo(mark) = read
        {
            extra.mark = mark;
        }
    }

    /// Takes events back. What is pending is not notified; for what went out, a [`Clear`](crate::Clear) follows.
    /// A window that becomes empty closes without a notification. An event whose cancel comes first is dropped as
    /// [`Fate::Cancelled`].
    ///
    /// Of events that are only counted, [`Selector::All`] is the only one that finds any.
    ///
    /// # Errors
    /// [`Error::Full`] if outputs have to be polled first.
    pub fn handle_cancel(&mut self, key: &H::Key, what: Selector, now: UnixTime) -> Result<Retracted, Error> {
        let now = self.observe(now);
        self.bring_up(now)?;
        Ok(self.cancel(key, what, now))
    }

    pub(crate) fn cancel(&mut self, key: &H::Key, what: Selector, now: u64) -> Retracted {
        let found = self.store.find(self.seed.identity(key));
        let (select, unknown) = match what {
            Selector::Event(id) => {
                let hash = self.seen.hash(id);
                let until = Seen::until(now, self.derived.remember);
                let known = self.seen.cancel(id, hash, until, now);
                (Select::Event(id), known == Some(Known::Came))
            }
            Selector::Kind(kind) => (Select::Kind(kind), false),
            Selector::All => (Select::All, true),
        };
        let Some(index) = found else {
            // It may have gone out and been forgotten.
            if unknown {
                self.clear_unknown(key, Cause::Cancelled);
            }
            return Retracted::default();
        };
        if !self.holds(index, select) {
            return Retracted::default();
        }
        self.revive(index);
        let retracted = self.retract(index, select, Cause::Cancelled);
        self.finish(index, now);
        retracted
    }

    /// Whether anything of this record may be meant.
    fn holds(&self, index: u32, select: Select) -> bool {
        match select {
            Select::Event(id) => self.time_of(index, id).is_some(),
            _ => self.unread_of(index) > 0,
        }
    }

    /// When an event of this key came, if it is kept.
    fn time_of(&self, index: u32, id: EventId) -> Option<u64> {
        let listed = self.store.time_listed(index, id);
        let kept = || {
            let mut kept = self.store.cold(index)?.kept().iter();
            kept.find(|item| item.id == id).map(|item| item.at.as_millis())
        };
        let sent = || {
            let extra = self.store.extra(index)?;
            let in_flight = extra.flights.iter().find_map(|flight| flight.batch.time_of(id));
            in_flight.or_else(|| extra.all_delivered().find_map(|delivered| delivered.time_of(id)))
        };
        listed.or_else(kept).or_else(sent)
    }

    fn retract(&mut self, index: u32, select: Select, cause: Cause) -> Retracted {
        let fate = if cause == Cause::Read { Fate::ReadBefore } else { Fate::Cancelled };
        let mut pending = self.drop_pending(index, select, fate);
        if pending > 0 {
            self.emptied(index);
        }
        let (held, sent) = self.sent_of(index);
        if held {
            pending += self.drop_held(index, select, fate);
        }
        let mut notified = 0;
        for (lane, sent) in [Lane::Digest, Lane::Urgent].into_iter().zip(sent).filter(|(_, sent)| *sent > 0) {
            let removed = self.remove_sent(index, lane, select, cause);
            if removed.count == 0 {
                continue;
            }
            notified += removed.count;
            let remaining = sent.saturating_sub(removed.count);
            if cause == Cause::Cancelled || remaining == 0 {
                self.clear(index, lane, cause, removed.events, remaining);
            }
        }
        self.tell_unread(index);
        Retracted { pending, notified }
    }

    /// Takes events out of what is pending, with a fate. Returns how many.
    pub(crate) fn drop_pending(&mut self, index: u32, select: Select, fate: Fate) -> u32 {
        let Some(hot) = self.store.hot(index).filter(|hot| hot.total > 0) else { return 0 };
        let gone = if hot.has(flag::LISTED) {
            self.store.remove_listed(index, select)
        } else {
            let mut batch = self.store.take_pending(index);
            let removed = batch.remove(select);
            self.store.put_pending(index, batch);
            removed.into()
        };
        let count = gone.count;
        self.let_drop(index, fate, gone);
        count
    }

    /// The same for urgent events that are held.
    fn drop_held(&mut self, index: u32, select: Select, fate: Fate) -> u32 {
        let Some(extra) = self.store.extra_there(index) else { return 0 };
        let mut all = Removed::default();
        for flight in extra.flights.iter_mut().filter(|flight| flight.held) {
            all.join(flight.batch.remove(select));
        }
        extra.flights.retain(|flight| !flight.held || flight.batch.sums.total > 0);
        let count = all.count;
        self.let_drop(index, fate, all.into());
        count
    }

    /// Pending events ended without a notification.
    pub(crate) fn let_drop(&mut self, index: u32, fate: Fate, gone: Gone) {
        let Gone { count, bytes, ids } = gone;
        if count == 0 {
            return;
        }
        self.kept = self.kept.saturating_sub(ids.len() as u64);
        self.bytes = self.bytes.saturating_sub(u64::from(bytes));
        self.ledger.settle(fate, count);
        if let Some(key) = self.store.key(index).cloned() {
            self.outputs.push_back(Output::Dropped { key, fate, count, ids });
        }
    }

    /// Takes events out of what is in flight or delivered in a lane.
    fn remove_sent(&mut self, index: u32, lane: Lane, select: Select, cause: Cause) -> Removed {
        let Some(extra) = self.store.extra_there(index) else { return Removed::default() };
        // The bytes of what was delivered were given back when it was.
        let mut all = extra.delivered_in(lane).map(|delivered| delivered.remove(select)).unwrap_or_default();
        let (delivered, mut bytes) = (all.kept(), 0);
        let sent =
            |flight: &&mut Flight<H>| flight.lane == lane && !flight.held && flight.batch.sums.total > 0;
        for flight in extra.flights.iter_mut().filter(sent) {
            let removed = flight.batch.remove(select);
            match cause {
                Cause::Read => flight.read += removed.count,
                Cause::Cancelled => flight.cancelled += removed.count,
            }
            bytes += u64::from(removed.bytes);
            all.join(removed);
        }
        self.kept = self.kept.saturating_sub(all.kept() - delivered);
        self.bytes = self.bytes.saturating_sub(bytes);
        self.delivered = self.delivered.saturating_sub(delivered);
        all
    }

    /// Whether urgent events are held, and how many events of each lane are in flight or delivered, and not read.
    fn sent_of(&self, index: u32) -> (bool, [u32; 2]) {
        let Some(extra) = self.store.extra(index) else { return (false, [0; 2]) };
        let overtook = extra.overtook.as_deref().map_or(0, Delivered::total);
        let (mut held, mut digest, mut urgent) = (false, extra.delivered.total(), overtook);
        for flight in extra.flights.iter() {
            let total = flight.batch.sums.total;
            match flight.lane {
                _ if flight.held => held = true,
                Lane::Digest => digest = digest.saturating_add(total),
                Lane::Urgent => urgent = urgent.saturating_add(total),
            }
        }
        (held, [digest, urgent])
    }

    /// Says the unread count, if it is not the one the caller knows.
    pub(crate) fn tell_unread(&mut self, index: u32) {
        let count = self.unread_of(index);
        // Who was told nothing, or 0, need not hear of events that are still waiting.
        let Some(extra) =
            self.store.extra_there(index).filter(|extra| extra.told != 0 && extra.told != count)
        else {
            return;
        };
        extra.told = count;
        if let Some(key) = self.store.key(index).cloned() {
            self.outputs.push_back(Output::Unread { key, count });
        }
    }
}
