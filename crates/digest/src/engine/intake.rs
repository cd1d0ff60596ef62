//! An event comes in.

use reveille_core::UnixTime;

use super::MAX_FLIGHTS;
use super::window::Flushed;
use crate::batch::{Batch, Room};
use crate::error::Limit;
use crate::hash::Identity;
use crate::options::{Excess, Urgent};
use crate::store::record::{Hot, Wait, flag};
use crate::store::seen::{Known, Seen};
use crate::time::{after, point};
use crate::{Engine, Error, Event, EventId, Fate, Generation, Host, Item, Lane, Output};

/// How many events are looked up ahead of their turn.
const GROUP: usize = 64;

/// What is known of an event's id, and where that was looked up. Nothing, and nowhere, if ids mean nothing now.
#[derive(Clone, Copy)]
pub(crate) struct Asked {
    hash: u64,
    known: Option<Known>,
}

impl<H: Host> Engine<H> {
    /// Takes an event in and says where it stands now: waiting, in a notification that is to be polled, or dropped
    /// for a reason. Later changes come as [`Output`]s; [`explain`](Self::explain) has the sums.
    ///
    /// # Errors
    /// [`Error::Full`] if a limit is reached. The event is counted as refused; hand it in again later.
    // Inlined, so that on the short way the caller's event is never written to memory.
    #[inline(always)]
    pub fn handle_event(&mut self, event: Event<H>, now: UnixTime) -> Result<Fate, Error> {
        let now = self.observe(now);
        let brought_up = self.bring_up(now);
        if event.urgent {
            return self.handle_urgent(event, brought_up, now);
        }
        // In this order the memory of key and id is under way together, and little stands between the record that this event
        // waits for and the first load of the next one: the processor has two events under way at once.
        let place = self.seed.place(&event.key);
        let guess = self.store.guess(&place);
        let asked = self.ask(event.id, now);
        let identity = place.identity();
        let found = self.store.find_guessed(guess, identity);
        self.admit(event, identity, found, asked, brought_up, now)
    }

    /// An urgent event never goes the short way. What comes in twice is most often a ring: so its id is looked at before its
    /// key is hashed.
    #[inline(never)]
    fn handle_urgent(
        &mut self,
        event: Event<H>,
        brought_up: Result<(), Error>,
        now: u64,
    ) -> Result<Fate, Error> {
        let asked = self.ask(event.id, now);
        self.ledger.events += 1;
        if let Some(known) = asked.known
            && brought_up.is_ok()
            && self.has_room_for_any()
        {
            return Ok(self.count_known(known));
        }
        let identity = self.seed.identity(&event.key);
        let found = self.store.find(identity);
        match brought_up.and_then(|()| self.has_room(found)) {
            Ok(()) => Ok(self.take_in_here(event, identity, found, asked, now)),
            Err(full) => {
                self.ledger.add(Fate::Refused, 1);
                Err(full)
            }
        }
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
    /// # Ok::<(), reveille_digest::options::InvalidPolicy>(())
    /// ```
    pub fn handle_events(
        &mut self,
        events: impl IntoIterator<Item = Event<H>>,
        now: UnixTime,
        mut fates: impl FnMut(Result<Fate, Error>),
    ) {
        let mut events = events.into_iter();
        let mut group = Vec::with_capacity(GROUP);
        let (mut identities, mut guesses, mut hashes) = ([Identity::NONE; GROUP], [0; GROUP], [0; GROUP]);
        loop {
            for (event, identity) in events.by_ref().take(GROUP).zip(&mut identities) {
                *identity = self.seed.identity(&event.key);
                group.push(event);
            }
            if group.is_empty() {
                return;
            }
            let now = self.observe(now);
            let row = identities.get(..group.len()).unwrap_or_default();
            let asks = self.asks();
            if asks {
                group.iter().zip(&mut hashes).for_each(|(event, hash)| *hash = self.seen.hash(event.id));
                let touch = |sum: u32, hash: &u64| sum ^ self.seen.touch(*hash);
                std::hint::black_box(hashes.iter().take(group.len()).fold(0, touch));
            }
            self.store.fetch(row, &mut guesses);
            for (event, ((identity, guess), hash)) in
                group.drain(..).zip(identities.iter().zip(&guesses).zip(&hashes))
            {
                let brought_up = self.bring_up(now);
                let known = if asks { self.seen.get(event.id, *hash, now) } else { None };
                let asked = Asked { hash: *hash, known };
                let found = self.store.find_guessed(*guess, *identity);
                fates(self.admit(event, *identity, found, asked, brought_up, now));
            }
        }
    }

    /// Whether ids mean anything now.
    #[inline(always)]
    fn asks(&self) -> bool {
        self.derived.dedup > 0 || !self.seen.is_empty()
    }

    #[inline(always)]
    fn ask(&self, id: EventId, now: u64) -> Asked {
        if !self.asks() {
            return Asked { hash: 0, known: None };
        }
        let hash = self.seen.hash(id);
        Asked { hash, known: self.seen.get(id, hash, now) }
    }

    /// Notes the id of an event that is taken in.
    #[inline(always)]
    fn note(&mut self, id: EventId, hash: u64, now: u64) {
        if self.derived.dedup > 0 {
            self.seen.note(id, hash, Seen::until(now, self.derived.dedup), now);
        }
    }

    #[inline(always)]
    fn admit(
        &mut self,
        event: Event<H>,
        identity: Identity,
        found: Option<u32>,
        asked: Asked,
        brought_up: Result<(), Error>,
        now: u64,
    ) -> Result<Fate, Error> {
        self.ledger.events += 1;
        let mut event = event;
        if let Some(index) = found
            && asked.known.is_none()
            && self.derived.uncapped
            && !event.urgent
            && event.useful_until.is_none()
            && brought_up.is_ok()
            && self.outputs.len() < self.limits.outputs as usize
        {
            if self.derived.keep == 0 {
                if self.join(index, &event, asked.hash, now) {
                    return Ok(Fate::Pending);
                }
            } else {
                event = match self.join_list(index, event, asked.hash, now) {
                    Ok(()) => return Ok(Fate::Pending),
                    Err(event) => event,
                };
            }
        }
        let admitted = brought_up.and_then(|()| self.has_room(found));
        match admitted {
            Ok(()) => Ok(self.take_in(event, identity, found, asked, now)),
            Err(full) => {
                self.ledger.add(Fate::Refused, 1);
                Err(full)
            }
        }
    }

    /// Whether an event for this key would be taken in now: what is to be refused is refused here, before the event is
    /// written to a log. [`apply`](reveille_core::Machine::apply) refuses nothing.
    ///
    /// # Errors
    /// [`Error::Full`] says which limit is reached.
    pub fn admits(&self, key: &H::Key) -> Result<(), Error> {
        self.has_room(self.store.find(self.seed.identity(key)))
    }

    /// Whether an event would be taken in, whatever its key.
    fn has_room_for_any(&self) -> bool {
        self.outputs.len() < self.limits.outputs as usize
            && self.store.used() - self.memories.len < self.limits.windows
    }

    /// Whether fewer outputs wait than may.
    #[inline]
    pub(crate) fn has_room_to_say(&self) -> Result<(), Error> {
        let full = self.outputs.len() >= self.limits.outputs as usize;
        if full { Err(Error::Full { limit: Limit::Outputs }) } else { Ok(()) }
    }

    #[inline]
    fn has_room(&self, found: Option<u32>) -> Result<(), Error> {
        self.has_room_to_say()?;
        let live =
            found.and_then(|index| self.store.hot(index)).is_some_and(|hot| hot.wait != Wait::Remembered);
        if !live && self.store.used() - self.memories.len >= self.limits.windows {
            return Err(Error::Full { limit: Limit::Windows });
        }
        Ok(())
    }

    /// The short way where events are only counted: an ordinary event, an open window, and an actor who is noted
    /// already. `false` if it is not that simple.
    #[inline(always)]
    fn join(&mut self, index: u32, event: &Event<H>, hash: u64, now: u64) -> bool {
        let Some((hot, cold)) = self.store.both_mut(index) else { return false };
        let bound = self.policy.actors;
        let is_first = hot.actor == event.actor;
        // No further actor will be noted: only that there are more.
        let full = hot.has(flag::MORE) && hot.actors >= bound || hot.actors == 1 && bound == 1;
        let is_noted = || cold.extra.as_deref().is_some_and(|extra| extra.actors().contains(&event.actor));
        if hot.wait != Wait::Open
            || hot.has(flag::KEPT | flag::LISTED | flag::PERISHES)
            // None, or as many as can be counted.
            || hot.total.wrapping_add(1) <= 1
            || !is_unread(hot, event.seq)
            || !(is_first || full || is_noted())
        {
            return false;
        }
        hot.count(now, event.bytes, event.seq, event.class);
        if full && !is_first {
            hot.set(flag::MORE, true);
        }
        self.note(event.id, hash, now);
        self.ledger.pending += 1;
        if const { size_of::<H::Fold>() > 0 } {
            self.fold_in(index, event, now);
        }
        self.store.put_off(index);
        true
    }

    /// The short way where events are kept: all that is to be done for this event is to add it to an open window. Gives it
    /// back if it is not that simple.
    #[inline(always)]
    fn join_list(&mut self, index: u32, event: Event<H>, hash: u64, now: u64) -> Result<(), Event<H>> {
        let Some((hot, items)) = self.store.open_list(index) else { return Err(event) };
        let bytes = self.bytes.saturating_add(u64::from(event.bytes));
        if !is_unread(hot, event.seq)
            || self.kept >= self.limits.items
            || bytes > self.limits.bytes
            || hot.bytes.saturating_add(event.bytes) > self.derived.keep_bytes
            || hot.total as usize >= self.derived.keep
        {
            return Err(event);
        }
        let (id, (_, item)) = (event.id, event.into_item(now));
        let (number, total) = (hot.list(items, item), hot.total);
        self.store.was_listed(index, id, number, total);
        self.note(id, hash, now);
        self.ledger.pending += 1;
        self.bytes = bytes;
        self.kept += 1;
        self.store.put_off(index);
        Ok(())
    }

    fn fold_in(&mut self, index: u32, event: &Event<H>, now: u64) {
        let (_, item) = event.clone().into_item(now);
        if let Some((_, cold)) = self.store.both_mut(index) {
            self.host.fold(&mut cold.fold, &item);
        }
    }

    /// The event from the log. What ends at once is told, because nobody hears the fate.
    pub(crate) fn apply_event(&mut self, event: Event<H>, now: u64) {
        self.ledger.events += 1;
        let identity = self.seed.identity(&event.key);
        let (key, id) = (event.key.clone(), event.id);
        let (before, asked) = (self.outputs.len(), self.ask(id, now));
        let fate = self.take_in(event, identity, self.store.find(identity), asked, now);
        let told = self.outputs.len() > before;
        if !told && fate != Fate::Pending {
            self.outputs.push_back(Output::Dropped { key, fate, count: 1, ids: vec![id] });
        }
    }

    /// Takes an event in. Total.
    #[inline(never)]
    fn take_in(
        &mut self,
        event: Event<H>,
        identity: Identity,
        found: Option<u32>,
        asked: Asked,
        now: u64,
    ) -> Fate {
        self.take_in_here(event, identity, found, asked, now)
    }

    #[inline(always)]
    fn take_in_here(
        &mut self,
        event: Event<H>,
        identity: Identity,
        found: Option<u32>,
        asked: Asked,
        now: u64,
    ) -> Fate {
        if let Some(known) = asked.known {
            return self.count_known(known);
        }
        self.note(event.id, asked.hash, now);
        let refused = self.in_vain(&event, found, now);
        if let Some(fate) = refused {
            self.ledger.add(fate, 1);
            return fate;
        }
        self.place(event, identity, found, now)
    }

    /// An event whose id says what becomes of it.
    fn count_known(&mut self, known: Known) -> Fate {
        let fate = if known == Known::Came { Fate::Duplicate } else { Fate::Cancelled };
        self.ledger.add(fate, 1);
        fate
    }

    /// Why an event ends before it is looked at.
    #[inline]
    fn in_vain(&self, event: &Event<H>, found: Option<u32>, now: u64) -> Option<Fate> {
        if event.useful_until.is_some_and(|until| point(until) < now) {
            return Some(Fate::Expired);
        }
        let extra = self.store.extra(found?)?;
        if event.seq != 0 && event.seq <= extra.mark {
            return Some(Fate::ReadBefore);
        }
        let drops = self.policy.refractory.is_some_and(|refractory| refractory.excess == Excess::Drop);
        (drops && !event.urgent && now < extra.paces().refractory_until).then_some(Fate::Throttled)
    }

    #[inline(always)]
    fn place(&mut self, event: Event<H>, identity: Identity, found: Option<u32>, now: u64) -> Fate {
        let Some(index) = found.or_else(|| self.store.insert(identity, event.key.clone())) else {
            // Four thousand million keys: there is no number left.
            self.ledger.add(Fate::Refused, 1);
            return Fate::Refused;
        };
        if self.store.hot(index).is_some_and(|hot| hot.total == u32::MAX) {
            // No more can be counted.
            self.ledger.add(Fate::Refused, 1);
            return Fate::Refused;
        }
        self.revive(index);
        let urgent = event.urgent;
        let (key, item) = event.into_item(now);
        if urgent && self.may_overtake(index, &key, item.class, now) {
            let generation = self.overtake(index, item, now);
            self.finish(index, now);
            return Fate::Notified { generation };
        }
        let joins = self.store.hot(index).is_some_and(|hot| hot.wait == Wait::Open && hot.total > 0);
        if joins && self.derived.uncapped {
            // It can only put the deadline off.
            self.add_pending(index, item);
            self.store.put_off(index);
            return Fate::Pending;
        }
        let fate = self.ordinary(index, item, now);
        self.finish(index, now);
        fate
    }

    #[inline(always)]
    fn may_overtake(&self, index: u32, key: &H::Key, class: u8, now: u64) -> bool {
        self.store.extra(index).is_none_or(|extra| extra.flights.len() < MAX_FLIGHTS)
            && self.host.quiet(&self.calendar, key, class, crate::time::wall(now)).is_none()
    }

    /// An urgent event goes at once: with what is pending, or alone. Never as a second digest in flight, and never with what
    /// somebody above had held.
    #[inline(always)]
    fn overtake(&mut self, index: u32, item: Item<H::Payload>, now: u64) -> Generation {
        let busy = self.store.extra(index).is_some_and(|extra| extra.digest_in_flight());
        let held = self.store.hot(index).is_some_and(|hot| hot.wait == Wait::Held);
        if self.policy.urgent == Urgent::Flush && !busy && !held {
            self.add_pending(index, item);
            self.drop_useless(index, now);
            return self.flush(index, now);
        }
        self.ledger.pending += 1;
        if self.derived.keep > 0 {
            self.kept += 1;
            self.bytes = self.bytes.saturating_add(u64::from(item.bytes));
            return self.send_here(index, Lane::Urgent, Batch::of_one(item), 0, now);
        }
        let mut counted = Batch::default();
        counted.push(item, Room { events: 0, bytes: 0 }, &self.host, self.policy.actors);
        self.send(index, Lane::Urgent, counted, 0, now)
    }

    #[inline(never)]
    fn ordinary(&mut self, index: u32, item: Item<H::Payload>, now: u64) -> Fate {
        self.make_room(index, item.bytes, now);
        let Some(hot) = self.store.hot(index) else { return Fate::Refused };
        let (wait, before, class) = (hot.wait, hot.class, item.class);
        self.add_pending(index, item);
        if !wait.is_window() {
            self.wait_for(index, Wait::Open, after(now, self.derived.max_wait));
            if self.policy.leading && self.hold(index, now).is_none() {
                return Fate::Notified { generation: self.flush(index, now) };
            }
        } else if wait == Wait::Quiet && class > before {
            self.raise(index, class, now);
        }
        let full = self
            .store
            .hot(index)
            .is_some_and(|hot| self.policy.max_items.is_some_and(|max| hot.total >= max));
        // What somebody asked to hold, and what waits for its turn, goes then and not before.
        let may_close = !matches!(wait, Wait::Held | Wait::Turn);
        if !(full && may_close) {
            return Fate::Pending;
        }
        match self.let_go(index, now) {
            Flushed::Sent(generation) => Fate::Notified { generation },
            Flushed::Waits => Fate::Pending,
            Flushed::Dropped(fate) => fate,
        }
    }

    /// Flushes what is pending if the next event would not fit under the byte cap.
    fn make_room(&mut self, index: u32, bytes: u32, now: u64) {
        let Some(max) = self.policy.max_bytes else { return };
        let would_not_fit = self.store.hot(index).is_some_and(|hot| {
            let waits = matches!(hot.wait, Wait::Held | Wait::Turn);
            !waits && hot.total > 0 && hot.bytes.saturating_add(bytes) > max
        });
        if would_not_fit {
            let _: Flushed = self.let_go(index, now);
        }
    }
}

/// Whether an event with this number is unread for certain: above that of an event that waits is above the read watermark.
#[inline(always)]
const fn is_unread(hot: &Hot, seq: u64) -> bool {
    !hot.has(flag::EXTRA) || seq == 0 || (hot.seq_hi != 0 && seq > hot.seq_hi)
}
