//! Event ids that mean something for a while: those that came (what comes again is a duplicate), and those that were
//! cancelled (what comes then comes too late). Exact: no id is taken for another.
//!
//! Ids are written one behind the other in a queue, in the order in which they are noted, and go at its front. What finds
//! them is an index of ten short marks to a cache line: an event that is new touches one such line and the queue's end,
//! which is in the cache. A mark is never taken out; what has left the queue may be written over.

use std::collections::VecDeque;

use crate::time::{NEVER, Step};
use crate::{EventId, Seed};

/// What is known of an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Known {
    Came = 1,
    Cancelled = 2,
}

pub(crate) struct Seen {
    came: Queue,
    cancelled: Queue,
    limit: usize,
    seed: Seed,
}

impl Seen {
    pub(crate) const fn new(limit: u32, seed: Seed) -> Self {
        Self { came: Queue::new(), cancelled: Queue::new(), limit: limit as usize, seed }
    }

    pub(crate) const fn set_limit(&mut self, limit: u32) {
        self.limit = limit as usize;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.came.ids.is_empty() && self.cancelled.ids.is_empty()
    }

    /// Ids in the queues.
    pub(crate) fn len(&self) -> usize {
        self.came.ids.len() + self.cancelled.ids.len()
    }

    #[inline]
    pub(crate) fn hash(&self, id: EventId) -> u64 {
        self.seed.seen(id)
    }

    /// Reading it ahead of time brings it into the cache.
    #[inline(always)]
    pub(crate) fn touch(&self, hash: u64) -> u32 {
        self.came.line(hash as usize).map_or(0, |line| line.passed)
    }

    /// What is known of an id, by its hash.
    #[inline(always)]
    pub(crate) fn get(&self, id: EventId, hash: u64, now: u64) -> Option<Known> {
        if !self.cancelled.ids.is_empty() && self.cancelled.find(id, hash, now).is_some() {
            return Some(Known::Cancelled);
        }
        self.came.find(id, hash, now).map(|_| Known::Came)
    }

    /// Notes an id that came and of which nothing is known.
    #[inline(always)]
    pub(crate) fn note(&mut self, id: EventId, hash: u64, until: u64, now: u64) {
        if until > now {
            self.came.push(id, hash, until, now, self.limit, &self.seed);
        }
    }

    /// Notes an id until then. What is known already changes; a cancelled one stays cancelled.
    pub(crate) fn insert(&mut self, id: EventId, hash: u64, known: Known, until: u64, now: u64) {
        if until <= now {
            return;
        }
        let came = self.came.find(id, hash, now);
        let cancelled = self.cancelled.find(id, hash, now);
        match (known, came, cancelled) {
            (_, _, Some(at)) => self.cancelled.prolong(at, until),
            (Known::Came, Some(at), None) => self.came.prolong(at, until),
            (Known::Came, None, None) => self.note(id, hash, until, now),
            (Known::Cancelled, came, None) => {
                let came = came.and_then(|at| self.came.ids.get(at)).map_or(0, |one| one.until);
                self.cancelled.push(id, hash, until.max(came), now, self.limit, &self.seed);
            }
        }
    }

    /// Gives memory back for what is over.
    pub(crate) fn shrink(&mut self, now: u64) {
        for queue in [&mut self.came, &mut self.cancelled] {
            queue.pop_over(now, usize::MAX);
            if queue.ids.is_empty() {
                *queue = Queue::new();
            } else if queue.ids.len() * 8 < queue.lines.len() * WAYS {
                queue.ids.shrink_to_fit();
                queue.rebuild(&self.seed);
            }
        }
    }

    /// The clock stepped: all of these are spans.
    pub(crate) fn shift(&mut self, step: Step) {
        for queue in [&mut self.came, &mut self.cancelled] {
            for one in &mut queue.ids {
                // What is over stays so.
                one.until = if one.until > step.was { step.shift(one.until).max(1) } else { 0 };
            }
        }
    }

    /// For a snapshot: what came or was cancelled, in the order of the queue.
    pub(crate) fn entries(&self, known: Known, now: u64) -> impl ExactSizeIterator<Item = (u128, u64)> {
        let queue = if known == Known::Came { &self.came } else { &self.cancelled };
        let over = queue.ids.iter().position(|one| one.until > now).unwrap_or(queue.ids.len());
        queue.ids.range(over..).map(|one| (one.id, one.until))
    }

    /// For restoring: the next entry of a queue.
    pub(crate) fn restore(&mut self, known: Known, id: u128, until: u64) {
        let id = EventId(id);
        let queue = if known == Known::Came { &mut self.came } else { &mut self.cancelled };
        queue.push(id, self.seed.seen(id), until, 0, self.limit, &self.seed);
    }

    /// When the last tombstone is over; `NEVER` stays.
    pub(crate) const fn until(now: u64, span: u64) -> u64 {
        match crate::time::after(now, span) {
            NEVER => NEVER - 1,
            until => until,
        }
    }
}

/// It holds while `now < until`.
#[derive(Clone, Copy)]
struct One {
    id: u128,
    until: u64,
}

const WAYS: usize = 10;

/// Marks of ids: 16 bits of the hash, and the id's number, which counts from one on.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line {
    /// The highest number that belongs here and found no room.
    passed: u32,
    numbers: [u32; WAYS],
    tags: [u16; WAYS],
}

impl Line {
    const NEW: Self = Self { passed: 0, numbers: [0; WAYS], tags: [0; WAYS] };
}

struct Queue {
    ids: VecDeque<One>,
    /// The number of the first of them; what is lower is over.
    first: u32,
    lines: Vec<Line>,
}

impl Queue {
    const fn new() -> Self {
        Self { ids: VecDeque::new(), first: 1, lines: Vec::new() }
    }

    #[inline(always)]
    fn line(&self, at: usize) -> Option<&Line> {
        self.lines.get(at & self.lines.len().wrapping_sub(1))
    }

    /// The place of an id in the queue.
    #[inline(always)]
    fn find(&self, id: EventId, hash: u64, now: u64) -> Option<usize> {
        let (mut at, tag) = (hash as usize, tag(hash));
        loop {
            let line = self.line(at)?;
            // Without a branch, because there is almost never one.
            let same = |(number, other): (&u32, &u16)| (*other == tag) & (*number >= self.first);
            if line.numbers.iter().zip(&line.tags).fold(false, |any, one| any | same(one)) {
                let found = line.numbers.iter().zip(&line.tags).filter(|one| same(*one)).find_map(|(n, _)| {
                    let place = (n - self.first) as usize;
                    self.ids.get(place).filter(|one| one.id == id.0 && one.until > now).map(|_| place)
                });
                if found.is_some() {
                    return found;
                }
            }
            if line.passed < self.first {
                return None;
            }
            at = at.wrapping_add(1);
        }
    }

    fn prolong(&mut self, place: usize, until: u64) {
        if let Some(one) = self.ids.get_mut(place) {
            one.until = one.until.max(until);
        }
    }

    /// Adds an id that is not there. Over the limit, the oldest goes.
    #[inline(always)]
    fn push(&mut self, id: EventId, hash: u64, until: u64, now: u64, limit: usize, seed: &Seed) {
        // Two go for one that comes: nobody pays for all at once.
        self.pop_over(now, 2);
        while self.ids.len() >= limit.max(1) {
            self.pop();
        }
        self.ids.push_back(One { id: id.0, until });
        // At most 5/8 full.
        if self.ids.len() * 8 > self.lines.len() * WAYS * 5 || self.last() == u32::MAX {
            self.rebuild(seed);
        } else {
            self.mark(hash, self.last());
        }
    }

    fn last(&self) -> u32 {
        self.first.saturating_add(self.ids.len() as u32) - 1
    }

    #[inline(always)]
    fn mark(&mut self, hash: u64, number: u32) {
        let (mut at, mask) = (hash as usize, self.lines.len().wrapping_sub(1));
        while let Some(line) = self.lines.get_mut(at & mask) {
            let first = self.first;
            if let Some(way) = line.numbers.iter().position(|other| *other < first) {
                if let (Some(place), Some(mark)) = (line.numbers.get_mut(way), line.tags.get_mut(way)) {
                    (*place, *mark) = (number, tag(hash));
                }
                return;
            }
            line.passed = number;
            at = at.wrapping_add(1);
        }
    }

    /// What is over goes, so many at most.
    #[inline(always)]
    fn pop_over(&mut self, now: u64, most: usize) {
        for _ in 0..most {
            if self.ids.front().is_none_or(|one| one.until > now) {
                return;
            }
            self.pop();
        }
    }

    #[inline(always)]
    fn pop(&mut self) {
        if self.ids.pop_front().is_some() {
            self.first += 1;
        }
    }

    /// Makes the index anew, with room for as many again.
    #[cold]
    #[inline(never)]
    fn rebuild(&mut self, seed: &Seed) {
        let size = (self.ids.len() * 16 / (WAYS * 5)).next_power_of_two();
        self.lines.clear();
        self.lines.resize(size, Line::NEW);
        self.lines.shrink_to_fit();
        self.first = 1;
        for (place, number) in (1..).take(self.ids.len()).enumerate() {
            if let Some(id) = self.ids.get(place).map(|one| one.id) {
                self.mark(seed.seen(EventId(id)), number);
            }
        }
    }
}

/// Bits that do not say which line.
const fn tag(hash: u64) -> u16 {
    (hash >> 48) as u16
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
                for (id, (until, known)) in &model {
                    let id = *id;
                    let queue = if *known == Known::Came { &seen.came } else { &seen.cancelled };
                    let place = queue.find(id, seen.hash(id), now).unwrap();
                    prop_assert_eq!(queue.ids[place].until, *until);
                }
                for id in (0..40).map(EventId).filter(|id| !model.contains_key(id)) {
                    prop_assert_eq!(seen.get(id, seen.hash(id), now), None);
                }
            }
            seen.shrink(now + 100);
            prop_assert!(seen.is_empty() && seen.came.lines.is_empty());
        }

        #[test]
        fn over_the_limit_the_oldest_go(limit in 2u32..40) {
            let mut seen = Seen::new(limit, Seed::new([1; 16]));
            for id in 0..1_000_u64 {
                let event = EventId(id.into());
                seen.insert(event, seen.hash(event), Known::Came, 10_000 + id, 0);
                prop_assert_eq!(seen.get(event, seen.hash(event), 0), Some(Known::Came));
            }
            let known = (0..1_000_u64).map(|id| EventId(id.into()));
            let known = known.filter(|id| seen.get(*id, seen.hash(*id), 0).is_some()).count();
            prop_assert_eq!((known, seen.came.ids.len()), (limit as usize, limit as usize));
        }
    }
}
