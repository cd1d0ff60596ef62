//! The timers: a hierarchical wheel of 1 ms ticks whose entries are 8 bytes each and are never moved one by one.
//!
//! Five levels of 64 slots cover 2³⁰ ms (12 days); what is farther waits in an ordered set, so any `u64` is a legal
//! time. A slot is a plain list; the one slot that has to name its earliest entry becomes a heap. An entry is never
//! taken out of the middle: it carries the time for which it was made, and its owner says at the end whether that
//! still holds (lazy re-arm).

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

const LEVELS: usize = 5;
const SLOT_BITS: u32 = 6;
const NEAR_BITS: u32 = SLOT_BITS * LEVELS as u32;
const NEAR: u64 = (1 << NEAR_BITS) - 1;
/// A drained slot that was larger than this gives its memory back.
const KEEP_CAPACITY: usize = 256;

/// The low half of a time, and a record's number.
type Packed = Reverse<u64>;

enum Slot {
    List(Vec<Packed>),
    Heap(BinaryHeap<Packed>),
}

impl Slot {
    fn push(&mut self, entry: Packed) {
        match self {
            Self::List(list) => list.push(entry),
            Self::Heap(heap) => heap.push(entry),
        }
    }

    fn heap(&mut self) -> &mut BinaryHeap<Packed> {
        if let Self::List(list) = self {
            *self = Self::Heap(std::mem::take(list).into());
        }
        match self {
            Self::Heap(heap) => heap,
            // Just made a heap; an empty list costs nothing.
            Self::List(_) => {
                *self = Self::Heap(BinaryHeap::new());
                self.heap()
            }
        }
    }

    fn capacity(&self) -> usize {
        match self {
            Self::List(list) => list.capacity(),
            Self::Heap(heap) => heap.capacity(),
        }
    }

    fn iter(&self) -> std::slice::Iter<'_, Packed> {
        match self {
            Self::List(list) => list.iter(),
            Self::Heap(heap) => heap.as_slice().iter(),
        }
    }

    fn take(&mut self) -> Vec<Packed> {
        match std::mem::replace(self, Self::List(Vec::new())) {
            Self::List(list) => list,
            Self::Heap(heap) => heap.into_vec(),
        }
    }
}

/// Where an entry was put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Armed {
    /// The time of the entry: the one asked for, or the wheel's own if that is later.
    pub(crate) at: u64,
    pub(crate) far: bool,
}

pub(crate) struct Wheel {
    /// No entry is earlier.
    base: u64,
    occupied: [u64; LEVELS],
    slots: Vec<Slot>,
    far: BTreeSet<(u64, u32)>,
    len: usize,
}

impl Wheel {
    pub(crate) const fn new() -> Self {
        Self { base: 0, occupied: [0; LEVELS], slots: Vec::new(), far: BTreeSet::new(), len: 0 }
    }

    /// Throws all entries away, and the memory with them; the time is `base` then.
    pub(crate) fn reset(&mut self, base: u64) {
        *self = Self { base, ..Self::new() };
    }

    /// Bytes that are held; the far set's more or less.
    pub(crate) fn memory(&self) -> usize {
        let entries: usize = self.slots.iter().map(Slot::capacity).sum();
        self.slots.capacity() * size_of::<Slot>()
            + entries * size_of::<Packed>()
            + self.far.len() * 2 * size_of::<(u64, u32)>()
    }

    /// Entries, valid or not.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// Adds an entry.
    pub(crate) fn push(&mut self, at: u64, index: u32) -> Armed {
        let at = at.max(self.base);
        let far = at >> NEAR_BITS != self.base >> NEAR_BITS;
        if far {
            self.len += usize::from(self.far.insert((at, index)));
        } else {
            self.len += 1;
            self.push_near(at, index);
        }
        Armed { at, far }
    }

    fn push_near(&mut self, at: u64, index: u32) {
        let differs = (at ^ self.base) | 1;
        let level = (u64::BITS - 1 - differs.leading_zeros()) / SLOT_BITS;
        let digit = (at >> (level * SLOT_BITS)) & 63;
        if self.slots.is_empty() {
            // Not before the first entry: an idle engine is small.
            self.slots.extend((0..LEVELS * 64).map(|_| Slot::List(Vec::new())));
        }
        if let Some(occupied) = self.occupied.get_mut(level as usize) {
            *occupied |= 1 << digit;
        }
        if let Some(slot) = self.slots.get_mut((level as usize) * 64 + digit as usize) {
            slot.push(Reverse((at << 32) | u64::from(index)));
        }
    }

    /// The time of an entry that is in a slot, from its low half.
    pub(crate) fn near_time(&self, armed: u32) -> u64 {
        (self.base & !NEAR) | (u64::from(armed) & NEAR)
    }

    /// The level and digit of the first slot that is not empty: lower levels are earlier.
    fn front(&self) -> Option<(usize, u32)> {
        self.occupied
            .iter()
            .position(|slots| *slots != 0)
            .and_then(|level| Some((level, self.occupied.get(level)?.trailing_zeros())))
    }

    /// When that slot begins.
    fn start(&self, level: usize, digit: u32) -> u64 {
        let shift = SLOT_BITS * level as u32;
        let above = !((1_u64 << (shift + SLOT_BITS)) - 1);
        (self.base & above) | (u64::from(digit) << shift)
    }

    /// Moves on to `now`: slots that have begun are dealt out to the levels below.
    pub(crate) fn advance(&mut self, now: u64) {
        // The end of time is "never": it does not come.
        let now = now.min(u64::MAX - 1);
        loop {
            match self.front() {
                Some((level, digit)) => {
                    let start = self.start(level, digit);
                    if start > now {
                        // Not into the slot: its entries would then belong elsewhere.
                        self.base = self.base.max(now);
                        return;
                    }
                    self.base = self.base.max(start);
                    if level == 0 {
                        return;
                    }
                    self.deal_out(level, digit);
                }
                None => {
                    let Some((at, _)) = self.far.first().copied() else {
                        self.base = self.base.max(now);
                        return;
                    };
                    // The beginning of the far entry's range, or now if that is earlier.
                    self.base = self.base.max(now.min(at & !NEAR));
                    if self.base >> NEAR_BITS != at >> NEAR_BITS {
                        return;
                    }
                    self.pull_far();
                }
            }
        }
    }

    fn deal_out(&mut self, level: usize, digit: u32) {
        if let Some(occupied) = self.occupied.get_mut(level) {
            *occupied &= !(1 << digit);
        }
        let Some(mut entries) = self.slots.get_mut(level * 64 + digit as usize).map(Slot::take) else {
            return;
        };
        for Reverse(packed) in entries.drain(..) {
            self.push_near(self.near_time((packed >> 32) as u32), packed as u32);
        }
        self.give_back(level * 64 + digit as usize, entries);
    }

    /// Keeps the memory of a small slot for its next turn.
    fn give_back(&mut self, slot: usize, entries: Vec<Packed>) {
        if entries.capacity() <= KEEP_CAPACITY
            && let Some(slot @ Slot::List(_)) = self.slots.get_mut(slot)
            && slot.iter().len() == 0
        {
            *slot = Slot::List(entries);
        }
    }

    /// Takes what is now near out of the far set.
    fn pull_far(&mut self) {
        while let Some((at, index)) = self.far.first().copied() {
            if at >> NEAR_BITS != self.base >> NEAR_BITS {
                return;
            }
            self.far.pop_first();
            self.push_near(at, index);
        }
    }

    /// One of the earliest entries.
    pub(crate) fn peek(&mut self) -> Option<(u64, u32)> {
        let Some((level, digit)) = self.front() else {
            return self.far.first().copied();
        };
        let slot = self.slots.get_mut(level * 64 + digit as usize)?;
        let Reverse(packed) = match slot {
            // One millisecond: all are equally early.
            Slot::List(list) if level == 0 => *list.last()?,
            slot => *slot.heap().peek()?,
        };
        Some((self.near_time((packed >> 32) as u32), packed as u32))
    }

    /// Takes out the entry that [`peek`](Self::peek) shows.
    pub(crate) fn pop(&mut self) {
        self.len = self.len.saturating_sub(1);
        let Some((level, digit)) = self.front() else {
            self.far.pop_first();
            return;
        };
        let at = level * 64 + digit as usize;
        let empty = match self.slots.get_mut(at) {
            Some(Slot::List(list)) if level == 0 => {
                list.pop();
                list.is_empty()
            }
            Some(slot) => {
                slot.heap().pop();
                slot.iter().len() == 0
            }
            None => return,
        };
        if empty {
            self.empty(level, digit);
        }
    }

    /// Takes out the entries of the earliest millisecond that is due at `now`, and gives that time. They come in the
    /// order of their numbers, the other way round: the first to go is the last.
    pub(crate) fn take_due(&mut self, now: u64, due: &mut Vec<u32>) -> Option<u64> {
        self.advance(now);
        let (_, digit) = self.front().filter(|(level, digit)| *level == 0 && self.start(0, *digit) <= now)?;
        let time = self.start(0, digit);
        let entries = self.slots.get_mut(digit as usize).map(Slot::take)?;
        self.len = self.len.saturating_sub(entries.len());
        due.clear();
        due.extend(entries.iter().map(|Reverse(packed)| *packed as u32));
        due.sort_unstable_by_key(|index| Reverse(*index));
        if let Some(occupied) = self.occupied.get_mut(0) {
            *occupied &= !(1 << digit);
        }
        let mut entries = entries;
        entries.clear();
        self.give_back(digit as usize, entries);
        Some(time)
    }

    /// A slot has been emptied.
    fn empty(&mut self, level: usize, digit: u32) {
        if let Some(occupied) = self.occupied.get_mut(level) {
            *occupied &= !(1 << digit);
        }
        let at = level * 64 + digit as usize;
        if let Some(entries) = self.slots.get_mut(at).map(Slot::take) {
            self.give_back(at, entries);
        }
    }

    /// Throws out every entry that `keep` refuses (time's low half, number).
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(u32, u32) -> bool) {
        let mut len = 0;
        for (at, slot) in self.slots.iter_mut().enumerate() {
            let mut entries = slot.take();
            if entries.is_empty() {
                *slot = Slot::List(entries);
                continue;
            }
            entries.retain(|Reverse(packed)| keep((packed >> 32) as u32, *packed as u32));
            entries.shrink_to(KEEP_CAPACITY);
            len += entries.len();
            if entries.is_empty()
                && let Some(occupied) = self.occupied.get_mut(at / 64)
            {
                *occupied &= !(1 << (at % 64));
            }
            *slot = Slot::List(entries);
        }
        self.far.retain(|(at, index)| keep(*at as u32, *index));
        self.len = len + self.far.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn times() -> impl Strategy<Value = u64> {
        prop_oneof![0..200_u64, 0..300_000_u64, (0..64_u32).prop_map(|bit| 1 << bit), any::<u64>()]
    }

    proptest! {
        #[test]
        fn gives_all_entries_in_order(ops in proptest::collection::vec((times(), any::<bool>()), 1..80)) {
            let (mut wheel, mut model, mut now) = (Wheel::new(), BTreeSet::new(), 0_u64);
            for (index, (time, push)) in ops.into_iter().enumerate() {
                if push {
                    let at = now.saturating_add(time);
                    let armed = wheel.push(at, index as u32);
                    prop_assert_eq!(armed.at, at);
                    model.insert((at, index as u32));
                } else {
                    now = now.saturating_add(time);
                    wheel.advance(now);
                    let mut due = Vec::new();
                    while let Some(at) = wheel.take_due(now, &mut due) {
                        for found in due.drain(..).rev() {
                            prop_assert_eq!(Some((at, found)), model.pop_first());
                        }
                    }
                    // The end of time does not come.
                    let first = model.first().map(|(at, _)| *at);
                    prop_assert!(first.is_none_or(|at| at > now || at == u64::MAX));
                }
                let earliest = wheel.peek();
                prop_assert_eq!(earliest.map(|(at, _)| at), model.first().map(|(at, _)| *at));
                prop_assert!(earliest.is_none_or(|earliest| model.contains(&earliest)));
                prop_assert_eq!(wheel.len(), model.len());
                if let Some(earliest) = earliest.filter(|_| time % 5 == 0) {
                    wheel.pop();
                    model.remove(&earliest);
                }
            }
        }
    }

    #[test]
    fn a_crowded_millisecond_comes_in_order() {
        let mut wheel = Wheel::new();
        for index in (0..5_000).rev() {
            wheel.push(100_000, index);
        }
        let mut due = Vec::new();
        assert_eq!(wheel.take_due(99_999, &mut due), None);
        assert_eq!(wheel.take_due(100_000, &mut due), Some(100_000));
        assert!(due.into_iter().rev().eq(0..5_000));
        assert_eq!((wheel.len(), wheel.peek()), (0, None));
    }

    #[test]
    fn a_far_entry_that_comes_twice_counts_once() {
        let mut wheel = Wheel::new();
        for _ in 0..2 {
            assert!(wheel.push(1 << 40, 7).far);
        }
        assert_eq!(wheel.len(), 1);
        wheel.pop();
        assert_eq!((wheel.len(), wheel.peek()), (0, None));
    }

    #[test]
    fn delays_beyond_two_to_the_36_are_fine() {
        // DelayQueue panics there: two years of milliseconds.
        let mut wheel = Wheel::new();
        for bit in 30..64 {
            wheel.push(1 << bit, bit);
        }
        wheel.push(u64::MAX, 64);
        for bit in 30..64 {
            wheel.advance(1 << bit);
            assert_eq!(wheel.peek(), Some((1 << bit, bit)));
            wheel.pop();
        }
        assert_eq!(wheel.peek(), Some((u64::MAX, 64)));
    }
}
