//! Events are read or taken back.

use reveille_core::UnixTime;

use crate::batch::{Gone, Removed, Select};
use crate::store::record::{Extra, Sent, TakenBack, flag, identity};
use crate::store::seen::{Known, Seen};
use crate::{Cause, Clear, Engine, Error, EventId, Fate, Host, Lane, Output};

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
    /// numbers. If the event is not known (any more), it takes nothing back that is. If two with this id wait, because it came again
    /// when it was not known any more, the later counts; if some of what waits is only counted, the earlier that is known.
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
    /// [`Clear`](crate::Clear) follows, also if it had no answer in time, because then it may be shown all the same, and also if
    /// all of it was forgotten: the first read of a key of which nothing is known, or
    /// nothing from before it was last forgotten, clears whatever may be shown and says the unread count. The same read
    /// again changes nothing; where nothing is remembered ([`Policy::remember`](crate::Policy) is 0), each read of a key
    /// without a record says it again.
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
        self.has_room_to_say()?;
        Ok(self.read(key, read.into(), now))
    }

    pub(crate) fn read(&mut self, key: &H::Key, read: Read, now: u64) -> Retracted {
        let identity = self.seed.identity(key);
        let Some(index) = self.store.find(identity) else {
            self.read_unknown(key, read, now);
            return Retracted::default();
        };
        let unsure = self.is_unsure(index);
        let select = match read {
            Read::UpTo(mark) if self.store.extra(index).map_or(0, |extra| extra.mark) < mark => {
                Some(Select::UpTo(mark))
            }
            // The same again, or an older one that came late.
            Read::UpTo(_) => return Retracted::default(),
            Read::Through(id) => self.time_of(index, id).map(Select::Until),
            Read::All if self.unread_of(index) == 0 => None,
            Read::All => Some(Select::All),
        };
        if select.is_none() && !unsure && !self.is_in_doubt(index) {
            return Retracted::default();
        }
        self.revive(index);
        self.set_mark(index, read);
        let retracted = self.retract(index, select, Cause::Read, unsure);
        if unsure && let Some(extra) = self.store.extra_mut(index) {
            // Nobody knows which count was told before: this one is said.
            extra.told = u32::MAX;
        }
        self.tell_unread(index);
        self.finish(index, now);
        retracted
    }

    /// A read of a key without a record: it may have been forgotten, so whatever may be shown is taken away. That it was
    /// read is remembered, if anything is, so that the same read again changes nothing.
    fn read_unknown(&mut self, key: &H::Key, read: Read, now: u64) {
        self.clear_unknown(key, Cause::Read);
        self.outputs.push_back(Output::Unread { key: key.clone(), count: 0 });
        if self.derived.remember > 0
            && let Some(index) = self.store.insert(self.seed.identity(key), key.clone())
        {
            self.set_mark(index, read);
            self.finish(index, now);
        }
    }

    /// Whether something may be shown that this record knows nothing of: it was made after something was forgotten, and
    /// nothing was cleared since.
    fn is_unsure(&self, index: u32) -> bool {
        self.forgot && self.store.extra(index).is_none_or(|extra| !extra.known)
    }

    /// Whether something may be shown of a lane of which nothing is known to be sent, because nobody said that it arrived.
    fn is_in_doubt(&self, index: u32) -> bool {
        let Some(extra) = self.store.extra(index).filter(|extra| extra.silent.contains(&true)) else {
            return false;
        };
        let pending = self.store.hot(index).map_or(0, |hot| hot.total);
        let mut lanes = extra.may_show(pending).into_iter().zip(extra.sent().lanes);
        lanes.any(|(may_show, sent)| may_show && sent == 0)
    }

    fn set_mark(&mut self, index: u32, read: Read) {
        if let Some(extra) = self.store.extra_mut(index) {
            extra.known = true;
            if let Read::UpTo(mark) = read {
                extra.mark = mark;
            }
        }
    }

    /// Takes events back. What is pending is not notified; for what went out, a [`Clear`](crate::Clear) follows.
    /// A window that becomes empty closes without a notification. An event whose cancel comes first is dropped as
    /// [`Fate::Cancelled`]. Once something was forgotten that may still be shown, or had no answer in time, a cancel that may
    /// mean it clears what is shown of the key, as far as nothing newer stands in its place.
    ///
    /// Of events that are only counted, [`Selector::All`] is the only one that finds any.
    ///
    /// # Errors
    /// [`Error::Full`] if outputs have to be polled first.
    pub fn handle_cancel(&mut self, key: &H::Key, what: Selector, now: UnixTime) -> Result<Retracted, Error> {
        let now = self.observe(now);
        self.bring_up(now)?;
        self.has_room_to_say()?;
        Ok(self.cancel(key, what, now))
    }

    #[inline(always)]
    pub(crate) fn cancel(&mut self, key: &H::Key, what: Selector, now: u64) -> Retracted {
        let found = self.store.find(self.seed.identity(key));
        let (select, known) = match what {
            Selector::Event(id) => {
                let hash = self.seen.hash(id);
                let until = Seen::until(now, self.derived.remember);
                (Select::Event(id), self.seen.cancel(id, hash, until, now))
            }
            Selector::Kind(kind) => (Select::Kind(kind), None),
            Selector::All => (Select::All, Some(Known::Came)),
        };
        let Some(index) = found else {
            // It may have gone out and been forgotten.
            if known == Some(Known::Came) || known.is_none() && self.forgot {
                self.clear_unknown(key, Cause::Cancelled);
            }
            return Retracted::default();
        };
        let mut unsure = self.is_unsure(index) && known != Some(Known::Cancelled);
        // One event is looked for where it is taken out, and nowhere before.
        let one = matches!(select, Select::Event(_));
        if !one && self.unread_of(index) == 0 && !unsure && !self.is_in_doubt(index) {
            return Retracted::default();
        }
        let retracted = self.retract(index, Some(select), Cause::Cancelled, unsure && !one);
        if one {
            // If it was here, nothing else is meant.
            let nowhere = retracted == Retracted::default();
            unsure = unsure && nowhere;
            if nowhere {
                if !unsure && (known == Some(Known::Cancelled) || !self.is_in_doubt(index)) {
                    return retracted;
                }
                self.retract(index, None, Cause::Cancelled, unsure);
            }
        }
        if unsure && let Some(extra) = self.store.extra_mut(index) {
            extra.known = true;
        }
        self.tell_unread(index);
        // What waits for an answer goes on waiting, and for nothing else than before.
        let waits = |extra: &Extra<H>| !extra.flights.is_empty() && extra.paces.is_none();
        if retracted.pending > 0 || !self.store.extra(index).is_some_and(waits) {
            self.revive(index);
            self.finish(index, now);
        }
        retracted
    }

    /// When an event of this key came, if it is kept.
    fn time_of(&self, index: u32, id: EventId) -> Option<u64> {
        let sent = || {
            let extra = self.store.extra(index)?;
            let in_flight = extra.flights.iter().find_map(|flight| flight.batch.time_of(id));
            in_flight.or_else(|| extra.all_delivered().find_map(|delivered| delivered.time_of(id)))
        };
        self.time_of_pending(index, id).or_else(sent)
    }

    fn time_of_pending(&self, index: u32, id: EventId) -> Option<u64> {
        let kept = || {
            let mut kept = self.store.cold(index)?.kept().iter();
            kept.find(|item| item.id == id).map(|item| item.at.as_millis())
        };
        self.store.time_listed(index, id).or_else(kept)
    }

    /// Takes events out wherever they are, and says what that clears; where it is unsure what may be shown of a lane of
    /// which nothing is known, that is cleared, too.
    #[inline(always)]
    fn retract(&mut self, index: u32, select: Option<Select>, cause: Cause, unsure: bool) -> Retracted {
        let fate = if cause == Cause::Read { Fate::ReadBefore } else { Fate::Cancelled };
        let mut pending = 0;
        if let Some(select) = select
            && self.may_be_pending(index, select)
        {
            pending = self.drop_pending(index, select, fate);
        }
        if pending > 0 {
            self.emptied(index);
        }
        let sent = self.store.extra(index).map(Extra::sent);
        if sent.is_none() && !unsure {
            return Retracted { pending, notified: 0 };
        }
        let Sent { held, lanes } = sent.unwrap_or_default();
        let mut rings = 0;
        if held && let Some(select) = select {
            rings = self.drop_held(index, select, fate);
        }
        let mut notified = 0;
        let waited = [(Lane::Digest, pending), (Lane::Urgent, rings)];
        for ((lane, waited), before) in waited.into_iter().zip(lanes) {
            if before == 0 {
                // One event that waited elsewhere is not what may be shown here.
                let meant = waited > 0 || !matches!(select, Some(Select::Event(_)));
                self.clear_unsure(index, lane, cause, unsure, meant);
            } else if let Some(select) = select {
                notified += self.take_back_sent(index, lane, before, select, cause);
            }
        }
        Retracted { pending: pending + rings, notified }
    }

    /// Of a lane of which nothing is known to be sent: whatever may be shown is taken away.
    fn clear_unsure(&mut self, index: u32, lane: Lane, cause: Cause, unsure: bool, meant: bool) {
        let mut clears = unsure && self.uses(lane);
        let Some((hot, cold)) = self.store.both_mut(index) else { return };
        if let Some(extra) = cold.extra.as_deref_mut() {
            let [digest, urgent] = extra.may_show(hot.total);
            clears |= meant && if lane == Lane::Digest { digest } else { urgent };
            *extra.silent_mut(lane) &= !clears;
        }
        if clears && let Some(key) = cold.key.clone() {
            self.clear_lane(&key, lane, cause);
        }
    }

    /// Whether any of these may be pending. A single event is looked up, so that nobody's list is written anew for
    /// nothing.
    fn may_be_pending(&self, index: u32, select: Select) -> bool {
        self.store.hot(index).is_some_and(|hot| hot.total > 0)
            && match select {
                Select::Event(id) => self.time_of_pending(index, id).is_some(),
                _ => true,
            }
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
        if all.count == 0 {
            return 0;
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
        self.bytes = self.bytes.saturating_sub(bytes);
        self.ledger.settle(fate, count);
        if let Some(key) = self.store.key(index).cloned() {
            self.outputs.push_back(Output::Dropped { key, fate, count, ids });
        }
    }

    /// Takes events out of the `before` that are in flight or delivered in a lane, and says what that clears. Returns how
    /// many.
    fn take_back_sent(&mut self, index: u32, lane: Lane, before: u32, select: Select, cause: Cause) -> u32 {
        let Some((hot, cold)) = self.store.both_mut(index) else { return 0 };
        let Some(extra) = cold.extra.as_deref_mut() else { return 0 };
        let TakenBack { all: Removed { count, bytes: _, events }, delivered, bytes, collapse_id } =
            extra.take_sent(lane, select, cause);
        self.kept = self.kept.saturating_sub(events.len() as u64 - delivered);
        self.bytes = self.bytes.saturating_sub(bytes);
        self.delivered = self.delivered.saturating_sub(delivered);
        let remaining = before.saturating_sub(count);
        if count > 0 && remaining == 0 {
            *extra.silent_mut(lane) = false;
        }
        if count > 0
            && (cause == Cause::Cancelled || remaining == 0)
            && let Some(key) = cold.key.clone()
        {
            let collapse_id =
                collapse_id.unwrap_or_else(|| self.seed.collapse_id_of(identity(hot, cold), lane));
            let generation = self.next_generation();
            let clear = Clear { key, generation, collapse_id, lane, cause, events, remaining };
            self.outputs.push_back(Output::Clear(clear));
        }
        count
    }

    /// Says the unread count, if it is not the one the caller knows.
    #[inline]
    pub(crate) fn tell_unread(&mut self, index: u32) {
        let Some((hot, cold)) = self.store.both_mut(index) else { return };
        let Some(extra) = cold.extra.as_deref_mut() else { return };
        let count = extra.unread(hot.total);
        // Who was told nothing, or 0, need not hear of events that are still waiting.
        if extra.told == 0 || extra.told == count {
            return;
        }
        extra.told = count;
        if let Some(key) = cold.key.clone() {
            self.outputs.push_back(Output::Unread { key, count });
        }
    }
}
