//! What waits: places in one slab for all lanes, linked lists through it.

use reveille_core::UnixTime;

use super::metrics::Came;
use crate::index::NONE;
use crate::slab::Slab;
use crate::{LegId, PayloadDigest};

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
    /// What its leg is found by.
    pub(super) tag: u32,
    pub(super) attempt: u8,
    pub(super) came: Came,
}

impl Entry {
    /// Reads a word of each line of memory that it lies in.
    #[inline]
    pub(super) fn touch(&self) -> u64 {
        self.leg[0] ^ self.recipient ^ self.digest.to_bits() ^ u64::from(self.tag) ^ u64::from(self.attempt)
    }
}

pub(super) const fn halves(leg: LegId) -> [u64; 2] {
    [leg.to_bits() as u64, (leg.to_bits() >> 64) as u64]
}

pub(super) fn whole([low, high]: [u64; 2]) -> LegId {
    LegId::from_bits(u128::from(high) << 64 | u128::from(low))
}

/// A place: in use with its content, withdrawn (still in a list), or free.
#[derive(Debug)]
pub(super) struct Place<T> {
    pub(super) entry: Entry,
    pub(super) content: Option<T>,
}

/// The places, and the links of the lists through them: these are apart, so that a push writes to no place but its own.
#[derive(Debug)]
pub(super) struct Places<T> {
    slab: Slab<Place<T>>,
    next: Vec<u32>,
}

impl<T> Places<T> {
    pub(super) fn new() -> Self {
        Self { slab: Slab::default(), next: Vec::new() }
    }

    #[inline]
    pub(super) fn get(&self, at: u32) -> Option<&Place<T>> {
        self.slab.get(at)
    }

    #[inline]
    pub(super) fn get_mut(&mut self, at: u32) -> Option<&mut Place<T>> {
        self.slab.get_mut(at)
    }

    /// `None` if all numbers are taken.
    pub(super) fn insert(&mut self, entry: Entry, content: T) -> Option<u32> {
        let at = self.slab.insert(Place { entry, content: Some(content) })?;
        match self.next.get_mut(at as usize) {
            Some(next) => *next = NONE,
            None => self.next.push(NONE),
        }
        Some(at)
    }

    /// Frees a place that is in no list.
    pub(super) fn release(&mut self, at: u32) {
        self.slab.release(at);
    }

    /// The place behind another one in its list.
    #[inline]
    pub(super) fn next(&self, at: u32) -> u32 {
        self.next.get(at as usize).copied().unwrap_or(NONE)
    }

    #[inline]
    fn link(&mut self, at: u32, next: u32) {
        if let Some(link) = self.next.get_mut(at as usize) {
            *link = next;
        }
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
#[repr(C)]
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

    pub(super) fn push<T>(&mut self, places: &mut Places<T>, at: u32, key: u64, in_front: bool) {
        let which = list_of(key);
        let Some(list) = self.lists.get_mut(which) else { return };
        let head = list.head;
        if in_front {
            places.link(at, head);
        }
        if head == NONE {
            *list = List { head: at, tail: at };
        } else if in_front {
            list.head = at;
        } else {
            places.link(list.tail, at);
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
    #[inline]
    pub(super) fn peek<T>(
        &mut self,
        places: &mut Places<T>,
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
            while let Some(head) = self.lists.get(which).map(|list| list.head)
                && let Some(place) = places.get(head)
            {
                if place.content.is_some() {
                    if !is_free(&place.entry) {
                        break;
                    }
                    self.turn = (which as u8 + 1) % LISTS as u8;
                    return Some((which, head));
                }
                // What was withdrawn goes on the way.
                self.pop(which, places.next(head));
                places.release(head);
            }
        }
        None
    }

    /// Takes the first of a list out of it; the one behind it is the first then.
    #[inline]
    pub(super) fn pop(&mut self, which: usize, next: u32) {
        let Some(list) = self.lists.get_mut(which) else { return };
        list.head = next;
        if next == NONE {
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
            tag: 0,
            attempt: 1,
            came: Came::at(UnixTime::EPOCH),
        }
    }

    /// The next in turn, taken out.
    fn take(class: &mut Class, places: &mut Places<usize>) -> Option<usize> {
        let (which, at) = class.peek(places, |_| true)?;
        class.pop(which, places.next(at));
        let content = places.get_mut(at).unwrap().content.take();
        places.release(at);
        content
    }

    #[test]
    fn whoever_has_much_waiting_does_not_hold_up_others() {
        let (mut places, mut class) = (Places::new(), Class::default());
        for number in 0..1_000 {
            let at = places.insert(entry(1), number).unwrap();
            class.push(&mut places, at, 1, false);
        }
        let other = (2..100).find(|key| list_of(*key) != list_of(1)).unwrap();
        let at = places.insert(entry(other), 1_000).unwrap();
        class.push(&mut places, at, other, false);
        let order: Vec<_> = std::iter::from_fn(|| take(&mut class, &mut places)).collect();
        assert_eq!(order.len(), 1_001);
        assert!(order.iter().position(|number| *number == 1_000).unwrap() <= 1);
        let own: Vec<_> = order.into_iter().filter(|number| *number < 1_000).collect();
        assert!(own.is_sorted());
        assert!(class.is_empty());
    }

    #[test]
    fn places_are_used_again_and_withdrawn_ones_are_passed_over() {
        let (mut places, mut class) = (Places::new(), Class::default());
        for round in 0..100 {
            let all: Vec<_> = (0..10).map(|number| places.insert(entry(3), number).unwrap()).collect();
            for at in &all {
                class.push(&mut places, *at, 3, false);
            }
            for at in all.iter().step_by(2) {
                assert!(places.get_mut(*at).unwrap().content.take().is_some());
            }
            let left: Vec<_> = std::iter::from_fn(|| take(&mut class, &mut places)).collect();
            assert_eq!((left, places.slab.made()), (vec![1, 3, 5, 7, 9], 10), "round {round}");
            assert_eq!(places.slab.len(), 0);
        }
    }
}
