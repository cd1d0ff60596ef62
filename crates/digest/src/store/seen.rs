//! Event ids that mean something for a while: those that came (what comes again is a duplicate), and those that were
//! cancelled (what comes then comes too late). Exact: no id is taken for another.
//!
//! Ids are written one behind the other in a queue, in the order in which they are noted, and go at its front. What finds
//! them is an index of nine short marks to a cache line: an event that is new touches one such line and the queue's end,
//! which is in the cache. A mark is never taken out; what has left the queue may be written over.

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
    place: Places,
}

impl Seen {
    pub(crate) fn new(limit: u32, seed: &Seed) -> Self {
        let place = Places(seed.places());
        Self { came: Queue::new(), cancelled: Queue::new(), limit: limit as usize, place }
    }

    /// Over the limit the oldest go at once: a snapshot brings back no more than it allows.
    pub(crate) fn set_limit(&mut self, limit: u32) {
        self.limit = limit as usize;
        for queue in [&mut self.came, &mut self.cancelled] {
            let over = queue.len().saturating_sub(self.limit.max(1));
            queue.first += over as u32;
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.came.is_empty() && self.cancelled.is_empty()
    }

    pub(crate) const fn memory(&self) -> usize {
        self.came.memory() + self.cancelled.memory()
    }

    /// Ids in the queues.
    pub(crate) fn len(&self) -> usize {
        self.came.len() + self.cancelled.len()
    }

    #[inline]
    pub(crate) fn hash(&self, id: EventId) -> u64 {
        self.place.of(id)
    }

    /// Reading it ahead of time brings it into the cache.
    #[inline(always)]
    pub(crate) fn touch(&self, hash: u64) -> u32 {
        self.came.line(hash as usize).map_or(0, |line| line.passed)
    }

    /// What is known of an id, by its hash.
    #[inline(always)]
    pub(crate) fn get(&self, id: EventId, hash: u64, now: u64) -> Option<Known> {
        if !self.cancelled.is_empty() && self.cancelled.find(id, hash, now).is_some() {
            return Some(Known::Cancelled);
        }
        self.came.find(id, hash, now).map(|_| Known::Came)
    }

    /// Notes an id that came and of which nothing is known.
    #[inline(always)]
    pub(crate) fn note(&mut self, id: EventId, hash: u64, until: u64, now: u64) {
        if until > now {
            self.came.push(id, hash, until, now, self.limit, &self.place);
        }
    }

    /// Notes until when an id counts as cancelled, at least as long as it counted before. Gives what was known of it.
    pub(crate) fn cancel(&mut self, id: EventId, hash: u64, until: u64, now: u64) -> Option<Known> {
        let came = self.came.find(id, hash, now);
        let cancelled = if self.cancelled.is_empty() { None } else { self.cancelled.find(id, hash, now) };
        match cancelled {
            _ if until <= now => {}
            Some(number) => self.cancelled.prolong(number, until),
            None => {
                let came = came.and_then(|number| self.came.one(number)).map_or(0, |one| one.until);
                // Two go for one that comes, not counting those that can never count again.
                for _ in 0..2 {
                    self.cancelled.pop_over(now);
                    self.cancelled.pop_dead();
                }
                self.cancelled.push(id, hash, until.max(came), 0, self.limit, &self.place);
                self.cancelled.pop_dead();
            }
        }
        cancelled.map(|_| Known::Cancelled).or_else(|| came.map(|_| Known::Came))
    }

    /// Gives memory back for what can never count again: a tombstone that is over counts again when the clock steps back.
    pub(crate) fn shrink(&mut self, now: u64) {
        while self.came.pop_over(now) {}
        for queue in [&mut self.came, &mut self.cancelled] {
            if queue.is_empty() {
                *queue = Queue::new();
            } else if queue.len() * 8 < queue.ids.len() {
                queue.rebuild(&self.place);
            }
        }
    }

    /// The clock stepped: all of these are spans. A duplicate that is over stays so. A tombstone may be over only because
    /// the clock was wrong for a moment: it counts again, until its own time.
    pub(crate) fn shift(&mut self, step: Step) {
        for (queue, again) in [(&mut self.came, false), (&mut self.cancelled, true)] {
            for number in queue.first..queue.next {
                let Some(one) = queue.one_mut(number) else { continue };
                if one.until > step.was {
                    one.until = step.shift(one.until).max(1);
                } else if !again || one.until <= step.is {
                    one.until = 0;
                }
            }
        }
        self.cancelled.pop_dead();
    }

    /// For a snapshot: what came or was cancelled, in the order of the queue.
    pub(crate) fn entries(&self, known: Known, now: u64) -> impl ExactSizeIterator<Item = (u128, u64)> {
        let queue = if known == Known::Came { &self.came } else { &self.cancelled };
        let now = if known == Known::Came { now } else { 0 };
        let over = |number: &u32| queue.one(*number).is_some_and(|one| one.until <= now);
        let first = (queue.first..queue.next).find(|number| !over(number)).unwrap_or(queue.next);
        (first..queue.next).map(|number| queue.one(number).map_or((0, 0), |one| (one.id().0, one.until)))
    }

    /// For restoring: the next entry of a queue.
    pub(crate) fn restore(&mut self, known: Known, id: u128, until: u64) {
        let id = EventId(id);
        let queue = if known == Known::Came { &mut self.came } else { &mut self.cancelled };
        queue.push(id, self.place.of(id), until, 0, self.limit, &self.place);
    }

    /// When the last tombstone is over; `NEVER` stays.
    pub(crate) const fn until(now: u64, span: u64) -> u64 {
        match crate::time::after(now, span) {
            NEVER => NEVER - 1,
            until => until,
        }
    }
}

/// Where ids are looked for. Ids are compared whole, so this need not tell them apart, only spread them: multiply-shift
/// under secret numbers (Dietzfelbinger 1996; Thorup, "High Speed Hashing for Integers and Strings", section 3.5), which
/// lets two ids that somebody chose without them meet no more often than chance would.
struct Places([u128; 3]);

impl Places {
    #[inline(always)]
    const fn of(&self, id: EventId) -> u64 {
        let Self([low, high, add]) = self;
        let low = low.wrapping_mul(id.0 as u64 as u128);
        let high = high.wrapping_mul(id.0 >> 64);
        (low.wrapping_add(high).wrapping_add(*add) >> 64) as u64
    }
}

/// It holds while `now < until`. In three words: a whole id would be aligned to 16 bytes, and take four.
#[derive(Clone, Copy, Default)]
struct One {
    low: u64,
    high: u64,
    until: u64,
}

impl One {
    const fn new(id: EventId, until: u64) -> Self {
        Self { low: id.0 as u64, high: (id.0 >> 64) as u64, until }
    }

    const fn id(&self) -> EventId {
        EventId((self.high as u128) << 64 | self.low as u128)
    }
}

const WAYS: usize = 9;
/// Up to so many places the queue becomes four times as large, and beyond twice.
const SMALL: usize = 4096;

/// Marks of ids: 16 bits of the hash, and the id's number, which counts from one on.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line {
    /// The highest number that belongs here and found no room.
    passed: u32,
    /// They are written in turn, and go in turn: the next place is that of the oldest.
    numbers: [u32; WAYS],
    tags: [u16; WAYS],
    next: u8,
}

impl Line {
    const NEW: Self = Self { passed: 0, numbers: [0; WAYS], tags: [0; WAYS], next: 0 };

    #[inline(always)]
    fn has(&self, tag: u16) -> bool {
        self.tags.iter().fold(false, |any, other| any | (*other == tag))
    }
}

struct Queue {
    /// A ring: an id's place is the low bits of its number.
    ids: Vec<One>,
    /// The number of the first of them; what is lower is over.
    first: u32,
    next: u32,
    lines: Vec<Line>,
}

impl Queue {
    const fn new() -> Self {
        Self { ids: Vec::new(), first: 1, next: 1, lines: Vec::new() }
    }

    const fn len(&self) -> usize {
        (self.next - self.first) as usize
    }

    const fn memory(&self) -> usize {
        self.ids.capacity() * size_of::<One>() + self.lines.capacity() * size_of::<Line>()
    }

    #[inline(always)]
    const fn is_empty(&self) -> bool {
        self.next == self.first
    }

    #[inline(always)]
    fn one(&self, number: u32) -> Option<&One> {
        self.ids.get(number as usize & self.ids.len().wrapping_sub(1))
    }

    #[inline(always)]
    fn one_mut(&mut self, number: u32) -> Option<&mut One> {
        let mask = self.ids.len().wrapping_sub(1);
        self.ids.get_mut(number as usize & mask)
    }

    #[inline(always)]
    fn line(&self, at: usize) -> Option<&Line> {
        self.lines.get(at & self.lines.len().wrapping_sub(1))
    }

    /// The number of an id.
    #[inline(always)]
    fn find(&self, id: EventId, hash: u64, now: u64) -> Option<u32> {
        let (at, tag) = (hash as usize, tag(hash));
        let line = self.line(at)?;
        // All at once, because there is almost never one.
        if line.has(tag) {
            let found = self.find_in(line, id, tag, now);
            if found.is_some() {
                return found;
            }
        }
        if line.passed < self.first {
            return None;
        }
        self.find_behind(at, id, tag, now)
    }

    /// The lines behind the one where an id belongs, each once: where there are few, something may have passed all of them.
    #[cold]
    #[inline(never)]
    fn find_behind(&self, at: usize, id: EventId, tag: u16, now: u64) -> Option<u32> {
        for behind in 1..self.lines.len() {
            let line = self.line(at.wrapping_add(behind))?;
            let found = if line.has(tag) { self.find_in(line, id, tag, now) } else { None };
            if found.is_some() || line.passed < self.first {
                return found;
            }
        }
        None
    }

    #[inline(never)]
    fn find_in(&self, line: &Line, id: EventId, tag: u16, now: u64) -> Option<u32> {
        let tagged = line.numbers.iter().zip(&line.tags).filter(|(_, other)| **other == tag);
        let mut numbers = tagged.map(|(number, _)| *number).filter(|number| *number >= self.first);
        numbers.find(|number| self.one(*number).is_some_and(|one| one.id() == id && one.until > now))
    }

    fn prolong(&mut self, number: u32, until: u64) {
        if let Some(one) = self.one_mut(number) {
            one.until = one.until.max(until);
        }
    }

    /// Adds an id that is not there. Over the limit, the oldest goes.
    #[inline(always)]
    fn push(&mut self, id: EventId, hash: u64, until: u64, now: u64, limit: usize, places: &Places) {
        // Two go for one that comes: nobody pays for all at once.
        let _ = self.pop_over(now) && self.pop_over(now);
        if self.len() >= limit {
            self.first = self.next - (limit.max(1) - 1) as u32;
        }
        if self.len() == self.ids.len() || self.next == u32::MAX {
            self.rebuild(places);
        }
        let number = self.next;
        self.next += 1;
        if let Some(one) = self.one_mut(number) {
            *one = One::new(id, until);
        }
        self.mark(hash, number);
    }

    #[inline(always)]
    fn mark(&mut self, hash: u64, number: u32) {
        let (mut at, mask, first) = (hash as usize, self.lines.len().wrapping_sub(1), self.first);
        while let Some(line) = self.lines.get_mut(at & mask) {
            let way = usize::from(line.next);
            if let (Some(place), Some(mark)) = (line.numbers.get_mut(way), line.tags.get_mut(way))
                && *place < first
            {
                (*place, *mark) = (number, tag(hash));
                line.next = if way + 1 < WAYS { line.next + 1 } else { 0 };
                return;
            }
            line.passed = number;
            at = at.wrapping_add(1);
        }
    }

    /// The first one goes, if it is over.
    #[inline(always)]
    fn pop_over(&mut self, now: u64) -> bool {
        let over = !self.is_empty() && self.one(self.first).is_some_and(|one| one.until <= now);
        self.first += u32::from(over);
        over
    }

    /// Those at the front that a step of the clock ended for good.
    fn pop_dead(&mut self) {
        while self.pop_over(0) {}
    }

    /// Makes ring and index anew, with room for as many again.
    #[cold]
    #[inline(never)]
    fn rebuild(&mut self, places: &Places) {
        let ids: Vec<One> = (self.first..self.next).filter_map(|number| self.one(number).copied()).collect();
        // A small one grows faster: to find each id's place anew is what growing costs.
        let size = (ids.len() + 1).next_power_of_two().max(4);
        let size = if size < SMALL { size * 2 } else { size };
        self.ids = vec![One::default(); size];
        // At most 8/9 full; what is over is written over.
        self.lines = vec![Line::NEW; (size / 8).max(1)];
        (self.first, self.next) = (1, 1);
        for one in ids {
            let number = self.next;
            self.next += 1;
            if let Some(place) = self.one_mut(number) {
                *place = one;
            }
            self.mark(places.of(one.id()), number);
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

    #[test]
    fn numbers_begin_anew_when_they_end() {
        let mut seen = Seen::new(100, &Seed::new([1; 16]));
        let id = |n: u64| EventId(n.into());
        seen.note(id(100), seen.hash(id(100)), 5, 1);
        seen.came.first = u32::MAX - 3;
        seen.came.next = u32::MAX - 3;
        for n in 0..10 {
            seen.note(id(n), seen.hash(id(n)), 50, 10);
        }
        assert!((0..10).all(|n| seen.get(id(n), seen.hash(id(n)), 20) == Some(Known::Came)));
        assert!(seen.came.next < 20 && seen.get(id(100), seen.hash(id(100)), 20).is_none());
    }

    /// Of few lines each may have passed something on that still counts: then a look-up went round for ever.
    #[test]
    fn what_passed_every_line_ends_a_search() {
        for (seed, span) in (0..64).flat_map(|seed| [8, 16, 31, 32].map(|span| (seed, span))) {
            let mut seen = Seen::new(1 << 20, &Seed::new([seed; 16]));
            for n in 0..500_u64 {
                let (id, other) = (EventId(n.into()), EventId(u128::from(n) << 64));
                seen.note(id, seen.hash(id), n + span, n);
                assert_eq!(seen.get(id, seen.hash(id), n), Some(Known::Came));
                assert_eq!(seen.get(other, seen.hash(other), n), (n == 0).then_some(Known::Came));
            }
        }
    }

    proptest! {
        #[test]
        fn behaves_like_a_map_with_deadlines(
            ops in proptest::collection::vec((0u128..40, 0u64..6, 1u64..30, any::<bool>()), 0..400),
        ) {
            let mut seen = Seen::new(1 << 20, &Seed::new([1; 16]));
            let (mut model, mut now) = (BTreeMap::new(), 0_u64);
            for (id, wait, span, cancel) in ops {
                now += wait;
                model.retain(|_, (until, _)| *until > now);
                let (id, known) = (EventId(id), if cancel { Known::Cancelled } else { Known::Came });
                let hash = seen.hash(id);
                prop_assert_eq!(seen.get(id, hash, now), model.get(&id).map(|(_, known)| *known));
                let was = model.get(&id).copied();
                match (known, was) {
                    (Known::Came, None) => seen.note(id, hash, now + span, now),
                    // What came before is no news.
                    (Known::Came, Some(_)) => continue,
                    (Known::Cancelled, _) => {
                        let found = seen.cancel(id, hash, now + span, now);
                        prop_assert_eq!(found, was.map(|(_, known)| known));
                    }
                }
                let entry = model.entry(id).or_insert((0, known));
                *entry = (entry.0.max(now + span), entry.1.max(known));
                for (id, (until, known)) in &model {
                    let id = *id;
                    let queue = if *known == Known::Came { &seen.came } else { &seen.cancelled };
                    let number = queue.find(id, seen.hash(id), now).unwrap();
                    prop_assert_eq!(queue.one(number).unwrap().until, *until);
                }
                for id in (0..40).map(EventId).filter(|id| !model.contains_key(id)) {
                    prop_assert_eq!(seen.get(id, seen.hash(id), now), None);
                }
            }
            seen.shrink(now + 100);
            prop_assert!(seen.came.is_empty() && seen.came.lines.is_empty());
        }

        #[test]
        fn over_the_limit_the_oldest_go(limit in 2u32..40) {
            let mut seen = Seen::new(limit, &Seed::new([1; 16]));
            for id in 0..1_000_u64 {
                let event = EventId(id.into());
                seen.note(event, seen.hash(event), 10_000 + id, 0);
                prop_assert_eq!(seen.get(event, seen.hash(event), 0), Some(Known::Came));
            }
            let known = (0..1_000_u64).map(|id| EventId(id.into()));
            let known = known.filter(|id| seen.get(*id, seen.hash(*id), 0).is_some()).count();
            prop_assert_eq!((known, seen.came.len()), (limit as usize, limit as usize));
        }
    }
}
