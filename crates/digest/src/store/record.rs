//! What is kept per key: one cache line that every event touches, a second one with the key and the kept events, and
//! an extra for what went out.

use reveille_core::UnixTime;

use super::items;
use crate::batch::{Removed, Select};
use crate::delivered::Delivered;
use crate::flights::{Flight, Flights};
use crate::hash::Identity;
use crate::sums::Sums;
use crate::time::NEVER;
use crate::{Cause, CollapseId, Host, Item, Lane};

/// What a record waits for. The one place where that is said; [`Hot::deadline`] makes a time of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Wait {
    /// The record is in no use.
    #[default]
    Free = 0,
    /// Nothing is pending; something else keeps the record alive (in flight, a reminder, the refractory period).
    Idle = 1,
    /// Nothing is pending or running: it is a memory, and may be evicted.
    Remembered = 2,
    /// The window collects: until `end`, or until it was quiet for the policy's time.
    Open = 3,
    /// The window is over; a digest of this key is not answered yet.
    InFlight = 4,
    /// The window is over; the refractory period ends at `end`.
    Refractory = 5,
    /// The window is over; the calendar says quiet until `end`.
    Quiet = 6,
    /// The notification was given back to be held until `end`.
    Held = 7,
    /// It goes at `end`, whatever comes: its turn in a catch-up, a retry, a higher class, a flush on request.
    Turn = 8,
}

impl Wait {
    pub(crate) fn from_byte(byte: u8) -> Option<Self> {
        use Wait::{Held, Idle, InFlight, Open, Quiet, Refractory, Remembered, Turn};
        [Idle, Remembered, Open, InFlight, Refractory, Quiet, Held, Turn]
            .into_iter()
            .find(|w| *w as u8 == byte)
    }

    /// Whether events are, or may be, pending.
    pub(crate) const fn is_window(self) -> bool {
        !matches!(self, Self::Free | Self::Idle | Self::Remembered)
    }
}

/// Facts about a record that save a look elsewhere.
pub(crate) mod flag {
    /// There are more actors than are counted.
    pub(crate) const MORE: u8 = 1 << 0;
    /// Some events are kept one by one in [`Counted`](super::Counted), others are counted.
    pub(crate) const KEPT: u8 = 1 << 1;
    /// There is an [`Extra`](super::Extra) with a history.
    pub(crate) const EXTRA: u8 = 1 << 2;
    /// The wheel has an entry for `Hot::armed`.
    pub(crate) const ARMED: u8 = 1 << 3;
    /// That entry was put into the far set: its time is not known from its low half.
    pub(crate) const FAR: u8 = 1 << 4;
    /// It was taken out of the wheel and will have its turn now.
    pub(crate) const DUE: u8 = 1 << 5;
    /// All pending events are kept, in the store's list; `Hot::actor` has the number of the last one.
    pub(crate) const LISTED: u8 = 1 << 6;
    /// Of the listed events one may become useless at a time of its own, or all that are only counted at a time.
    pub(crate) const PERISHES: u8 = 1 << 7;
    /// What the timers own.
    pub(crate) const TIMER: u8 = ARMED | FAR | DUE;
}

/// The part that every event touches: 64 bytes, one cache line. The sums are those of [`Sums`].
#[derive(Clone, Debug, Default)]
#[repr(C, align(64))]
pub(crate) struct Hot {
    /// 64 of the 96 identity bits of the key.
    pub(crate) fingerprint: u64,
    /// When the wait ends at the latest.
    pub(crate) end: u64,
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) seq_hi: u64,
    pub(crate) actor: u64,
    pub(crate) total: u32,
    pub(crate) bytes: u32,
    /// The low half of the time of the wheel's entry; in a free record, the next free one.
    pub(crate) armed: u32,
    pub(crate) actors: u8,
    pub(crate) class: u8,
    pub(crate) wait: Wait,
    pub(crate) flags: u8,
}

impl Hot {
    /// When this record's window has to be looked at: the one function that knows.
    #[inline(always)]
    pub(crate) const fn deadline(&self, sliding: u64) -> u64 {
        match self.wait {
            Wait::Free | Wait::Idle | Wait::Remembered | Wait::InFlight => NEVER,
            Wait::Open => {
                // An empty one, after a leading edge, does not slide.
                let quiet = if self.total == 0 { NEVER } else { self.last.saturating_add(sliding) };
                if quiet < self.end { quiet } else { self.end }
            }
            Wait::Refractory | Wait::Quiet | Wait::Held | Wait::Turn => self.end,
        }
    }

    pub(crate) const fn has(&self, flags: u8) -> bool {
        self.flags & flags != 0
    }

    pub(crate) const fn set(&mut self, flags: u8, on: bool) {
        if on {
            self.flags |= flags;
        } else {
            self.flags &= !flags;
        }
    }

    pub(crate) const fn wait_for(&mut self, wait: Wait, end: u64) {
        self.wait = wait;
        self.end = end;
    }

    /// Whether the wheel's entry with this low half of a time is the one that wakes this record.
    pub(crate) const fn relies_on(&self, low: u32) -> bool {
        self.has(flag::ARMED) && self.armed == low
    }

    pub(crate) const fn sums(&self) -> Sums {
        Sums {
            first: self.first,
            last: self.last,
            seq_hi: self.seq_hi,
            // An exact batch counts no actors; the place is used for another number then.
            actor: if self.has(flag::LISTED) { 0 } else { self.actor },
            actors: self.actors,
            more: self.has(flag::MORE),
            total: self.total,
            bytes: self.bytes,
            class: self.class,
        }
    }

    pub(crate) const fn set_sums(&mut self, sums: Sums) {
        (self.first, self.last, self.seq_hi, self.actor) = (sums.first, sums.last, sums.seq_hi, sums.actor);
        (self.actors, self.total, self.bytes, self.class) = (sums.actors, sums.total, sums.bytes, sums.class);
        self.set(flag::MORE, sums.more);
    }

    /// Adds an event to all sums but those of the actors: [`Sums::add`] in the record's own line.
    #[inline(always)]
    pub(crate) fn count(&mut self, at: u64, bytes: u32, seq: u64, class: u8) {
        self.first = if self.total == 0 { at } else { self.first.min(at) };
        self.last = self.last.max(at);
        self.total = self.total.saturating_add(1);
        self.bytes = self.bytes.saturating_add(bytes);
        self.seq_hi = self.seq_hi.max(seq);
        self.class = self.class.max(class);
    }

    /// Adds an event to the list of this record, and gives its number; there must be room for one.
    #[inline(always)]
    pub(crate) fn list<T>(&mut self, items: &mut items::Items<T>, item: Item<T>) -> u32 {
        self.count(item.at.as_millis(), item.bytes, item.seq, item.class);
        if item.useful_until != UnixTime::MAX {
            self.set(flag::PERISHES, true);
        }
        let number = items.push(item, self.last_listed());
        self.set_last_listed(number);
        number
    }

    /// The number of the last of the listed events.
    #[inline(always)]
    pub(crate) const fn last_listed(&self) -> u32 {
        if self.has(flag::LISTED) { self.actor as u32 } else { items::NONE }
    }

    #[inline(always)]
    pub(crate) fn set_last_listed(&mut self, number: u32) {
        self.set(flag::LISTED, true);
        self.actor = u64::from(number);
    }
}

/// The part with the key. With a small key it is one cache line, too.
#[repr(align(64))]
pub(crate) struct Cold<H: Host> {
    pub(crate) key: Option<H::Key>,
    /// The other half of the identity.
    pub(crate) low: u64,
    /// Without [`flag::EXTRA`] there is no history in it, only [`Extra::counted`].
    pub(crate) extra: Option<Box<Extra<H>>>,
    /// Of pending events that are only counted.
    pub(crate) fold: H::Fold,
}

impl<H: Host> Cold<H> {
    /// Pending events that are kept although others are only counted, oldest first.
    pub(crate) fn kept(&self) -> &[Item<H::Payload>] {
        self.extra.as_deref().and_then(|extra| extra.counted.as_deref()).map_or(&[], |counted| &counted.kept)
    }
}

impl<H: Host> Default for Cold<H> {
    fn default() -> Self {
        Self { key: None, low: 0, extra: None, fold: H::Fold::default() }
    }
}

/// The identity of a record's key.
pub(crate) const fn identity<H: Host>(hot: &Hot, cold: &Cold<H>) -> Identity {
    Identity::of_halves(cold.low, hot.fingerprint)
}

/// What only keys with a history need. A key that is remembered has one for as long, so what only some of them need has no
/// place here until it comes.
pub(crate) struct Extra<H: Host> {
    /// The read watermark.
    pub(crate) mark: u64,
    /// Since when it is a memory; `NEVER` if it is none.
    pub(crate) since: u64,
    /// Its entry in the queue of memories.
    pub(crate) entry: u32,
    /// The unread count that the caller was last told.
    pub(crate) told: u32,
    /// How often in a row a digest failed.
    pub(crate) failures: u8,
    /// Nothing can be on a screen that this record knows nothing of.
    pub(crate) known: bool,
    /// Of each lane: its last notification may be shown, though nobody said so. It had no answer in time.
    pub(crate) silent: [bool; 2],
    pub(crate) flights: Flights<H>,
    /// What was delivered and is unread: digests, and urgent events that overtook.
    pub(crate) delivered: Delivered,
    pub(crate) overtook: Option<Box<Delivered>>,
    pub(crate) counted: Option<Box<Counted<H>>>,
    pub(crate) paces: Option<Box<Paces>>,
}

/// Whether urgent events are held, and how many events of each lane are in flight or delivered.
#[derive(Default)]
pub(crate) struct Sent {
    pub(crate) held: bool,
    pub(crate) lanes: [u32; 2],
}

/// Events that were taken out of what went out in a lane.
#[derive(Default)]
pub(crate) struct TakenBack {
    pub(crate) all: Removed,
    /// How many of those that were kept had been delivered; the others were in flight.
    pub(crate) delivered: u64,
    /// Of those in flight.
    pub(crate) bytes: u64,
    /// If something of the lane is in flight: then it need not be hashed again.
    pub(crate) collapse_id: Option<CollapseId>,
}

/// What is known of pending events that are not all kept.
pub(crate) struct Counted<H: Host> {
    pub(crate) kept: Vec<Item<H::Payload>>,
    pub(crate) kept_bytes: u64,
    /// Until when any of them is of use; `NEVER` if one has no limit.
    pub(crate) useful_until: u64,
    /// The actors after the first.
    pub(crate) actors: Vec<u64>,
}

impl<H: Host> Default for Counted<H> {
    fn default() -> Self {
        Self { kept: Vec::new(), kept_bytes: 0, useful_until: NEVER, actors: Vec::new() }
    }
}

/// The refractory period and reminders, where the policy has any. Times are `NEVER` for none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Paces {
    pub(crate) refractory_level: u8,
    pub(crate) refractory_until: u64,
    /// The last notification that counts for the refractory period.
    pub(crate) notified_at: u64,
    /// Level and time from before it: they hold again if it is held, which says that it was not sent.
    pub(crate) before: (u8, u64),
    /// The next reminder and its place on the ladder.
    pub(crate) remind_at: u64,
    pub(crate) remind_step: u8,
    /// It waits for the end of a quiet time.
    pub(crate) remind_held: bool,
}

impl Paces {
    pub(crate) const NONE: Self = Self {
        refractory_level: 0,
        refractory_until: 0,
        notified_at: NEVER,
        before: (0, NEVER),
        remind_at: NEVER,
        remind_step: 0,
        remind_held: false,
    };
}

impl Default for Paces {
    fn default() -> Self {
        Self::NONE
    }
}

impl<H: Host> Default for Extra<H> {
    fn default() -> Self {
        Self {
            mark: 0,
            since: NEVER,
            entry: 0,
            told: 0,
            failures: 0,
            known: false,
            silent: [false; 2],
            flights: Flights::default(),
            delivered: Delivered::default(),
            overtook: None,
            counted: None,
            paces: None,
        }
    }
}

impl<H: Host> Extra<H> {
    /// Whether a digest waits for its answer.
    pub(crate) fn digest_in_flight(&self) -> bool {
        self.flights.iter().any(|flight| flight.lane == Lane::Digest)
    }

    /// Whether the last notification of a lane may be shown, though nobody said so.
    pub(crate) const fn silent_mut(&mut self, lane: Lane) -> &mut bool {
        let [digest, urgent] = &mut self.silent;
        match lane {
            Lane::Digest => digest,
            Lane::Urgent => urgent,
        }
    }

    /// What may be shown of each lane, though nobody said so, while so many events are pending: where any are, the
    /// notification that they will be in takes the digest's place.
    pub(crate) const fn may_show(&self, pending: u32) -> [bool; 2] {
        let [digest, urgent] = self.silent;
        [digest && pending == 0, urgent]
    }

    /// What was delivered in a lane, if anything was.
    pub(crate) fn delivered_in(&mut self, lane: Lane) -> Option<&mut Delivered> {
        match lane {
            Lane::Digest => Some(&mut self.delivered),
            Lane::Urgent => self.overtook.as_deref_mut(),
        }
    }

    /// What went out, or is held, and is not read.
    #[inline]
    pub(crate) fn sent(&self) -> Sent {
        let (mut held, mut digest) = (false, self.delivered.total());
        let mut urgent = self.overtook.as_deref().map_or(0, Delivered::total);
        for flight in self.flights.iter() {
            let total = flight.batch.sums.total;
            match flight.lane {
                _ if flight.held => held = true,
                Lane::Digest => digest = digest.saturating_add(total),
                Lane::Urgent => urgent = urgent.saturating_add(total),
            }
        }
        Sent { held, lanes: [digest, urgent] }
    }

    /// Takes events out of what is in flight or delivered in a lane.
    #[inline(always)]
    pub(crate) fn take_sent(&mut self, lane: Lane, select: Select, cause: Cause) -> TakenBack {
        let mut taken = TakenBack::default();
        if let Some(here) = self.delivered_in(lane).filter(|here| !here.is_empty()) {
            taken.all = here.remove(select);
            taken.delivered = taken.all.kept();
        }
        let sent =
            |flight: &&mut Flight<H>| flight.lane == lane && !flight.held && flight.batch.sums.total > 0;
        for flight in self.flights.iter_mut().filter(sent) {
            let removed = flight.batch.remove(select);
            match cause {
                Cause::Read => flight.read += removed.count,
                Cause::Cancelled => flight.cancelled += removed.count,
            }
            taken.collapse_id = Some(flight.collapse_id);
            // The bytes of what was delivered were given back when it was.
            taken.bytes += removed.bytes;
            taken.all.join(removed);
        }
        taken
    }

    /// How many events of the key are not read, of which so many are pending.
    #[inline(always)]
    pub(crate) fn unread(&self, pending: u32) -> u32 {
        let flights = self.flights.iter().map(|flight| flight.batch.sums.total);
        let sent = flights.fold(self.delivered.total(), u32::saturating_add);
        let overtook = self.overtook.as_deref().map_or(0, Delivered::total);
        pending.saturating_add(sent).saturating_add(overtook)
    }

    pub(crate) fn all_delivered(&self) -> impl Iterator<Item = &Delivered> {
        std::iter::once(&self.delivered).chain(self.overtook.as_deref())
    }

    pub(crate) fn paces(&self) -> &Paces {
        self.paces.as_deref().unwrap_or(&Paces::NONE)
    }

    pub(crate) fn paces_mut(&mut self) -> &mut Paces {
        self.paces.get_or_insert_default()
    }

    /// Pending actors after the first, of what is only counted.
    pub(crate) fn actors(&self) -> &[u64] {
        self.counted.as_deref().map_or(&[], |counted| &counted.actors)
    }

    /// Whether nothing is to come of it.
    pub(crate) fn rests(&self) -> bool {
        let paces = self.paces();
        let reminds = !self.delivered.is_empty() && (paces.remind_at != NEVER || paces.remind_held);
        self.flights.is_empty() && paces.refractory_until == 0 && !reminds
    }

    /// The next reminder, if there is something to remind of, and nothing is on its way that would say it anyway.
    pub(crate) fn reminder(&self, pending: u32) -> u64 {
        let due = pending == 0 && !self.delivered.is_empty() && !self.digest_in_flight();
        if due { self.paces().remind_at } else { NEVER }
    }

    /// The earliest of the timers that are not the window's.
    pub(crate) fn timer(&self, hot: &Hot) -> u64 {
        let flight = self.flights.iter().map(|flight| flight.until).min().unwrap_or(NEVER);
        let Some(paces) = self.paces.as_deref() else { return flight };
        let until = paces.refractory_until;
        let rest = if hot.wait == Wait::Idle && until > 0 { until } else { NEVER };
        flight.min(self.reminder(hot.total)).min(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Plain;

    #[test]
    fn the_layout_keeps_its_promise() {
        assert_eq!((size_of::<Hot>(), align_of::<Hot>()), (64, 64));
        assert_eq!(size_of::<Cold<Plain<(String, String)>>>(), 64, "room for a key of 48 bytes with a niche");
        assert_eq!(size_of::<Extra<Plain<u64>>>(), 104);
    }
}
