//! Event ids that mean something for a while: those that came (what comes again is a duplicate), and those that were
//! cancelled (what comes then comes too late). Exact: no id is taken for another.
//!
//! Open addressing, two entries to a cache line. What is over is not taken out, it is written over: an event costs one
//! access to memory, where a map and a queue of deadlines cost three. A full table is made anew from what still holds.

use crate::time::{NEVER, Step};
use crate::{EventId, Seed};

/// What is known of an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Known {
    Came = 1,
    Cancelled = 2,
}

/// An entry holds while `now < until`; 0 is an empty place.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C, align(32))]
struct Entry {
    id: u128,
    until: u64,
    known: Option<Known>,
}

pub(crate) struct Seen {
    entries: Vec<Entry>,
    /// Places that are not empty.
    used: usize,
    limit: usize,
    seed: Seed,
}

impl Seen {
    pub(crate) const fn new(limit: u32, seed: Seed) -> Self {
        Self { entries: Vec::new(), used: 0, limit: limit as usize, seed }
    }

    pub(crate) const fn set_limit(&mut self, limit: u32) {
        self.limit = limit as usize;
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.used == 0
    }

    #[inline]
    pub(crate) fn hash(&self, id: EventId) -> u64 {
        self.seed.seen(id)
    }

    fn mask(&self) -> usize {
        self.entries.len().wrapping_sub(1)
    }

    /// Reading it ahead of time brings it into the cache.
    #[inline]
    pub(crate) fn touch(&self, hash: u64) -> u64 {
        self.entries.get(hash as usize & self.mask()).map_or(0, |entry| entry.until)
    }

    /// What is known of an id, by its hash.
    #[inline]
    pub(crate) fn get(&self, id: EventId, hash: u64, now: u64) -> Option<Known> {
        let mut at = hash as usize & self.mask();
        loop {
            let entry = self.entries.get(at)?;
            if entry.until == 0 {
                return None;
            }
            if entry.id == id.0 && entry.until > now {
                return entry.known;
            }
            at = (at + 1) & self.mask();
        }
    }

    /// Notes an id until then. What is known already changes; a cancelled one stays cancelled.
    pub(crate) fn insert(&mut self, id: EventId, hash: u64, known: Known, until: u64, now: u64) {
        if until <= now {
            return;
        }
        if (self.used + 1) * 4 > self.entries.len() * 3 {
            self.grow(now);
        }
        let mask = self.mask();
        let mut at = hash as usize & mask;
        let mut free = None;
        while let Some(entry) = self.entries.get_mut(at) {
            if entry.until == 0 {
                break;
            }
            if entry.until <= now {
                free.get_or_insert(at);
            } else if entry.id == id.0 {
                entry.until = entry.until.max(until);
                entry.known = entry.known.max(Some(known));
                return;
            }
            at = (at + 1) & mask;
        }
        self.used += usize::from(free.is_none());
        if let Some(entry) = self.entries.get_mut(free.unwrap_or(at)) {
            *entry = Entry { id: id.0, until, known: Some(known) };
        }
    }

    /// Makes room: what is over goes; over the limit, the older half goes.
    #[cold]
    fn grow(&mut self, now: u64) {
        let mut live = self.live(now);
        if live.len() >= self.limit.max(2) {
            live.sort_unstable_by_key(|entry| (std::cmp::Reverse(entry.until), entry.id));
            live.truncate(self.limit / 2);
        }
        self.rebuild(&live);
    }

    fn live(&self, now: u64) -> Vec<Entry> {
        self.entries.iter().filter(|entry| entry.until > now).copied().collect()
    }

    fn rebuild(&mut self, live: &[Entry]) {
        // From 3/8 full to 3/4. The memory is used again if it fits: fresh pages would cost more than all the rest.
        let size = ((live.len() + 1) * 2).next_power_of_two();
        if size == self.entries.len() {
            self.entries.fill(Entry::default());
        } else {
            self.entries = Vec::new();
            self.entries.resize(size, Entry::default());
        }
        self.used = live.len();
        let mask = self.mask();
        for entry in live {
            let mut at = self.seed.seen(EventId(entry.id)) as usize & mask;
            while self.entries.get(at).is_some_and(|other| other.until != 0) {
                at = (at + 1) & mask;
            }
            if let Some(place) = self.entries.get_mut(at) {
                *place = *entry;
            }
        }
    }

    /// Gives memory back for what is over.
    pub(crate) fn shrink(&mut self, now: u64) {
        let live = self.live(now);
        if live.is_empty() {
            (self.entries, self.used) = (Vec::new(), 0);
        } else if live.len() * 16 < self.entries.len() {
            self.rebuild(&live);
        }
    }

    /// The clock stepped: all of these are spans.
    pub(crate) fn shift(&mut self, step: Step) {
        let mut live = self.live(step.was);
        for entry in &mut live {
            entry.until = step.shift(entry.until).max(1);
        }
        self.rebuild(&live);
    }

    /// For a snapshot: what still holds, in an order of its own.
    pub(crate) fn entries(&self, now: u64) -> Vec<(u128, u64, Known)> {
        let live = self.entries.iter().filter(|entry| entry.until > now);
        let mut all: Vec<_> = live.filter_map(|entry| Some((entry.id, entry.until, entry.known?))).collect();
        all.sort_unstable_by_key(|(id, until, _)| (*until, *id));
        all
    }

    /// When the last tombstone is over; `NEVER` stays.
    pub(crate) const fn until(now: u64, span: u64) -> u64 {
        match crate::time::after(now, span) {
            NEVER => NEVER - 1,
            until => until,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn behaves_like_a_map_with_deadlines(
            ops in proptest::collection::vec((0u128..40, 0u64..6, 1u64..30, any::<bool>()), 0..400),
        ) {
            let mut seen = Seen::new(1 << 20, Seed::new([1; 16]));
            let (mut model, mut now) = (BTreeMap::new(), 0_u64);
            for (id, wait, span, cancel) in ops {
                now += wait;
                model.retain(|_, (until, _)| *until > now);
                let (id, known) = (EventId(id), if cancel { Known::Cancelled } else { Known::Came });
                let hash = seen.hash(id);
                prop_assert_eq!(seen.get(id, hash, now), model.get(&id).map(|(_, known)| *known));
                seen.insert(id, hash, known, now + span, now);
                let entry = model.entry(id).or_insert((0, known));
                *entry = (entry.0.max(now + span), entry.1.max(known));
                prop_assert_eq!(seen.entries(now).len(), model.len());
            }
            seen.shrink(now + 100);
            prop_assert!(seen.is_empty() && seen.entries.is_empty());
        }

        #[test]
        fn over_the_limit_the_oldest_go(limit in 2u32..40) {
            let mut seen = Seen::new(limit, Seed::new([1; 16]));
            for id in 0..1_000_u64 {
                let event = EventId(id.into());
                seen.insert(event, seen.hash(event), Known::Came, 10_000 + id, 0);
                prop_assert_eq!(seen.get(event, seen.hash(event), 0), Some(Known::Came));
            }
            prop_assert!(seen.entries(0).len() <= 4 * limit as usize + 8);
        }
    }
}
