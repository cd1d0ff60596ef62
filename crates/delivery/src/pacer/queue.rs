//! What waits: one slab for all lanes, linked lists through it.

use reveille_core::UnixTime;

use crate::index::NONE;
use crate::{LegId, PayloadDigest};

const CHUNK_BITS: u32 = 12;
const CHUNK: usize = 1 << CHUNK_BITS;
/// Recipients of a lane are dealt to so many lists, which take turns (stochastic fairness queueing, McKenney 1990): whoever
/// has much waiting holds up those few only who share his list.
const LISTS: usize = 16;

/// One request that waits, beside its content.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) leg: [u64; 2],
    pub(super) recipient: u64,
    pub(super) device: u64,
    pub(super) conversation: u64,
    pub(super) not_after: UnixTime,
    pub(super) digest: PayloadDigest,
    pub(super) credential: u32,
    pub(super) platform: u32,
    pub(super) bytes: u32,
    pub(super) lane: u32,
    pub(super) next: u32,
    /// What its leg is found by.
    pub(super) tag: u32,
    pub(super) attempt: u8,
}

pub(super) const fn halves(leg: LegId) -> [u64; 2] {
    [leg.to_bits() as u64, (leg.to_bits() >> 64) as u64]
}

pub(super) fn whole([low, high]: [u64; 2]) -> LegId {
    LegId::from_bits(u128::from(high) << 64 | u128::from(low))
}

/// A place: in use with its content, withdrawn (still in a list), or free.
#[derive(Debug)]
struct Place<T> {
    entry: Entry,
    content: Option<T>,
}

/// Places by number, in chunks: growing moves nothing.
#[derive(Debug)]
pub(super) struct Slab<T> {
    chunks: Vec<Vec<Place<T>>>,
    free: u32,
    made: u32,
}

impl<T> Slab<T> {
    pub(super) const fn new() -> Self {
        Self { chunks: Vec::new(), free: NONE, made: 0 }
    }

    #[inline]
    fn get(&self, at: u32) -> Option<&Place<T>> {
        self.chunks.get((at >> CHUNK_BITS) as usize)?.get(at as usize & (CHUNK - 1))
    }

    #[inline]
    fn place(&mut self, at: u32) -> Option<&mut Place<T>> {
        self.chunks.get_mut((at >> CHUNK_BITS) as usize)?.get_mut(at as usize & (CHUNK - 1))
    }

    #[inline]
    pub(super) fn entry(&self, at: u32) -> Option<&Entry> {
        self.get(at).map(|place| &place.entry)
    }

    #[inline]
    pub(super) fn entry_mut(&mut self, at: u32) -> Option<&mut Entry> {
        self.place(at).map(|place| &mut place.entry)
    }

    fn is_withdrawn(&self, at: u32) -> bool {
        self.get(at).is_none_or(|place| place.content.is_none())
    }

    /// `None` if all numbers are taken.
    pub(super) fn insert(&mut self, entry: Entry, content: T) -> Option<u32> {
        if self.free != NONE {
            let at = self.free;
            let place = self.place(at)?;
            let next = place.entry.next;
            *place = Place { entry, content: Some(content) };
            self.free = next;
            return Some(at);
        }
        let at = self.made;
        if at == NONE {
            return None;
        }
        if at as usize & (CHUNK - 1) == 0 {
            self.chunks.push(Vec::with_capacity(if at == 0 { 0 } else { CHUNK }));
        }
        self.chunks.last_mut()?.push(Place { entry, content: Some(content) });
        self.made += 1;
        Some(at)
    }

    /// Another content in the same place.
    pub(super) fn replace(&mut self, at: u32, content: T) -> Option<T> {
        self.place(at)?.content.replace(content)
    }

    /// The content; the place stays in its list.
    pub(super) fn withdraw(&mut self, at: u32) -> Option<T> {
        self.place(at)?.content.take()
    }

    /// Frees a place that is in no list.
    pub(super) fn remove(&mut self, at: u32) -> Option<(Entry, Option<T>)> {
        let free = self.free;
        let place = self.place(at)?;
        let taken = (place.entry, place.content.take());
        place.entry.next = free;
        self.free = at;
        Some(taken)
    }
}

/// First in, first out.
#[derive(Clone, Copy, Debug)]
struct List {
    head: u32,
    tail: u32,
}

/// What waits in a lane with one priority.
#[derive(Debug)]
pub(super) struct Class {
    lists: [List; LISTS],
    /// Which lists have something.
    waiting: u16,
    /// Whose turn it is.
    turn: u8,
}

impl Default for Class {
    fn default() -> Self {
        Self { lists: [List { head: NONE, tail: NONE }; LISTS], waiting: 0, turn: 0 }
    }
}

impl Class {
    pub(super) const fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    pub(super) fn push<T>(&mut self, slab: &mut Slab<T>, at: u32, key: u64, in_front: bool) {
        let which = list_of(key);
        let Some(list) = self.lists.get_mut(which) else { return };
        let head = list.head;
        if in_front && let Some(entry) = slab.entry_mut(at) {
            entry.next = head;
        }
        if head == NONE {
            *list = List { head: at, tail: at };
        } else if in_front {
            list.head = at;
        } else {
            if let Some(last) = slab.entry_mut(list.tail) {
                last.next = at;
            }
            list.tail = at;
        }
        self.waiting |= 1 << which;
    }

    /// Reads the end of the list that a key belongs to, so that it comes from memory.
    #[inline]
    pub(super) fn touch(&self, key: u64) -> u32 {
        self.lists.get(list_of(key)).map_or(NONE, |list| list.tail)
    }

    /// The first list that has something, from the one whose turn it is on.
    #[inline]
    fn next_list(&self, from: u32) -> Option<usize> {
        let turned = self.waiting.rotate_right(from);
        (turned != 0).then(|| (from + turned.trailing_zeros()) as usize % LISTS)
    }

    /// What will be looked at in the next turn, most likely.
    #[inline]
    pub(super) fn ahead(&self) -> Option<u32> {
        let list = self.lists.get(self.next_list(self.turn.into())?)?;
        Some(list.head)
    }

    /// The first of the list whose turn it is, of those that `is_free` lets through. It stays where it is.
    pub(super) fn peek<T>(
        &mut self,
        slab: &mut Slab<T>,
        mut is_free: impl FnMut(&Entry) -> bool,
    ) -> Option<(usize, u32)> {
        let from = u32::from(self.turn);
        let mut step = 0;
        while let Some(which) = self.next_list(from + step) {
            // How far around the lists this one is.
            let far = (which as u32 + LISTS as u32 - from) % LISTS as u32;
            if far < step {
                return None;
            }
            step = far + 1;
            // What was withdrawn goes on the way.
            while let Some(head) = self.lists.get(which).map(|list| list.head)
                && head != NONE
                && slab.is_withdrawn(head)
            {
                self.pop(slab, which);
                slab.remove(head);
            }
            let Some(head) = self.lists.get(which).map(|list| list.head).filter(|head| *head != NONE) else {
                continue;
            };
            if slab.entry(head).is_some_and(&mut is_free) {
                self.turn = (which as u8 + 1) % LISTS as u8;
                return Some((which, head));
            }
        }
        None
    }

    /// Takes the first of a list out of it.
    pub(super) fn pop<T>(&mut self, slab: &Slab<T>, which: usize) {
        let Some(list) = self.lists.get_mut(which) else { return };
        list.head = slab.entry(list.head).map_or(NONE, |entry| entry.next);
        if list.head == NONE {
            list.tail = NONE;
            self.waiting &= !(1 << which);
        }
    }
}

/// Keys are spread already where they are hashes, and need not be where they are not.
const fn list_of(key: u64) -> usize {
    (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 60) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(recipient: u64) -> Entry {
        Entry {
            leg: [recipient, 0],
            recipient,
            device: 0,
            conversation: 0,
            not_after: UnixTime::MAX,
            digest: PayloadDigest::default(),
            credential: 0,
            platform: 0,
            bytes: 0,
            lane: 0,
            next: NONE,
            tag: 0,
            attempt: 1,
        }
    }

    #[test]
    fn whoever_has_much_waiting_does_not_hold_up_others() {
        let (mut slab, mut class) = (Slab::new(), Class::default());
        for number in 0..1_000 {
            let at = slab.insert(entry(1), number).unwrap();
            class.push(&mut slab, at, 1, false);
        }
        let other = (2..100).find(|key| list_of(*key) != list_of(1)).unwrap();
        let at = slab.insert(entry(other), 1_000).unwrap();
        class.push(&mut slab, at, other, false);
        let mut order = Vec::new();
        while let Some((which, at)) = class.peek(&mut slab, |_| true) {
            class.pop(&slab, which);
            order.push(slab.remove(at).unwrap().1.unwrap());
        }
        assert_eq!(order.len(), 1_001);
        assert!(order.iter().position(|number| *number == 1_000).unwrap() <= 1);
        let own: Vec<_> = order.into_iter().filter(|number| *number < 1_000).collect();
        assert!(own.is_sorted());
        assert!(class.is_empty());
    }

    #[test]
    fn places_are_used_again_and_withdrawn_ones_are_passed_over() {
        let (mut slab, mut class) = (Slab::new(), Class::default());
        for round in 0..100 {
            let places: Vec<_> = (0..10).map(|n| slab.insert(entry(3), n).unwrap()).collect();
            for at in &places {
                class.push(&mut slab, *at, 3, false);
            }
            for at in places.iter().step_by(2) {
                assert!(slab.withdraw(*at).is_some());
                assert!(slab.withdraw(*at).is_none());
            }
            let mut left = 0;
            while let Some((which, at)) = class.peek(&mut slab, |_| true) {
                class.pop(&slab, which);
                slab.remove(at).unwrap();
                left += 1;
            }
            assert_eq!((left, slab.made), (5, 10), "round {round}");
        }
    }
}
