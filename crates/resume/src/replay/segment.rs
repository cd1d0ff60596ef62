//! One of 256 hash tables with open addressing.

use super::slot::Slot;
use crate::TokenId;

/// Linear probing over slots. Token ids are random, so a piece of the id is the hash. Slots whose time is over stay
/// until their place is needed or the table is rebuilt.
#[derive(Default)]
pub(super) struct Segment {
    slots: Vec<Slot>,
    /// Slots that are not empty, those whose time is over included.
    occupied: usize,
}

/// Where an id is, or where it would go.
#[derive(Clone, Copy)]
pub(super) enum Place {
    /// A live slot of the id.
    Found(usize),
    /// An empty slot or a left-over.
    Free(usize),
    /// No free slot that keeps the table quick.
    Crowded,
}

/// What a rebuild threw out.
#[derive(Clone, Copy, Default)]
pub(super) struct Swept {
    /// The latest `keep until` of all left-overs; 0 if there were none.
    pub(super) forgotten: u32,
}

impl Segment {
    pub(super) const fn occupied(&self) -> usize {
        self.occupied
    }

    pub(super) const fn capacity(&self) -> usize {
        self.slots.capacity()
    }

    pub(super) fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.slots.iter().filter(|slot| !slot.is_empty())
    }

    pub(super) fn slot(&self, at: usize) -> Option<&Slot> {
        self.slots.get(at)
    }

    pub(super) fn slot_mut(&mut self, at: usize) -> Option<&mut Slot> {
        self.slots.get_mut(at)
    }

    /// Looks for a live slot of `id`, else for a place.
    pub(super) fn find(&self, id: &TokenId, now: u32) -> Place {
        let mut left_over = None;
        let mut at = self.home(id);
        for _ in 0..self.slots.len() {
            let Some(slot) = self.slots.get(at) else { break };
            if slot.is_of(id) && slot.keep_until() > now {
                return Place::Found(at);
            }
            if slot.is_empty() {
                return match left_over {
                    Some(left_over) => Place::Free(left_over),
                    None if self.is_crowded() => Place::Crowded,
                    None => Place::Free(at),
                };
            }
            if slot.keep_until() <= now {
                left_over = left_over.or(Some(at));
            }
            at = if at + 1 == self.slots.len() { 0 } else { at + 1 };
        }
        left_over.map_or(Place::Crowded, Place::Free)
    }

    /// Puts a slot where [`find`](Self::find) said; the `keep until` of the left-over it replaces, or 0.
    pub(super) fn put(&mut self, at: usize, slot: Slot) -> u32 {
        let Some(place) = self.slots.get_mut(at) else { return 0 };
        let old = std::mem::replace(place, slot);
        if old.is_empty() {
            self.occupied += 1;
        }
        old.keep_until()
    }

    /// Throws the left-overs out, and grows or shrinks to between 60 % and 80 % of load.
    pub(super) fn rebuild(&mut self, now: u32) -> Swept {
        let mut swept = Swept::default();
        let old = std::mem::take(&mut self.slots);
        let mut live = 0;
        for slot in old.iter().filter(|slot| !slot.is_empty()) {
            if slot.keep_until() > now {
                live += 1;
            } else {
                swept.forgotten = swept.forgotten.max(slot.keep_until());
            }
        }
        let len = new_len(old.len(), live);
        self.slots = Vec::with_capacity(len);
        self.slots.resize(len, Slot::EMPTY);
        self.occupied = 0;
        for slot in old.iter().filter(|slot| slot.keep_until() > now) {
            if let Place::Free(at) = self.find(&slot.token_id(), now) {
                self.put(at, *slot);
            }
        }
        swept
    }

    /// The slot at which the search begins: bytes 1 to 8 of the id, scaled. Byte 0 chose the segment.
    fn home(&self, id: &TokenId) -> usize {
        let [_, a, b, c, d, e, f, g, h, ..] = *id.as_bytes();
        let hash = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
        let scaled = (u128::from(hash) * self.slots.len() as u128) >> 64;
        usize::try_from(scaled).unwrap_or_default()
    }

    /// From 80 % of load on, linear probing becomes slow.
    const fn is_crowded(&self) -> bool {
        self.occupied * 5 >= self.slots.len() * 4
    }
}

/// As long as it was, if that leaves room for a while; else such that the load is about 70 %.
const fn new_len(old: usize, live: usize) -> usize {
    let roomy = live * 10 <= old * 7;
    let wasteful = live * 3 < old;
    if roomy && !wasteful && old >= MIN_LEN {
        old
    } else {
        let len = live * 10 / 7 + live / 200 + 2;
        if len < MIN_LEN { MIN_LEN } else { len }
    }
}

const MIN_LEN: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u64) -> TokenId {
        let mut bytes = [0; 16];
        bytes[1..9].copy_from_slice(&n.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes());
        TokenId::new(bytes)
    }

    fn insert(segment: &mut Segment, id: TokenId, keep_until: u32, now: u32) {
        if let Place::Crowded = segment.find(&id, now) {
            segment.rebuild(now);
        }
        let Place::Free(at) = segment.find(&id, now) else { panic!("no place") };
        segment.put(at, Slot::committed(&id, keep_until));
    }

    #[test]
    fn everything_put_in_is_found_while_it_lives() {
        let mut segment = Segment::default();
        for n in 0..5_000 {
            insert(&mut segment, id(n), 100 + n as u32, 0);
        }
        for n in 0..5_000 {
            let found = |now| matches!(segment.find(&id(n), now), Place::Found(_));
            assert!(found(99 + n as u32) && !found(100 + n as u32), "{n}");
        }
    }

    #[test]
    fn what_is_forgotten_gives_its_memory_back() {
        assert_eq!(new_len(30, 10), 30, "a third is in use: it stays");
        assert!(new_len(31, 10) < 31, "less than a third: it shrinks");
        assert_eq!(new_len(31, 0), MIN_LEN, "and never below");
        let mut segment = Segment::default();
        for n in 0..5_000 {
            insert(&mut segment, id(n), if n < 50 { 300 } else { 200 }, 0);
        }
        assert!(segment.slots.len() >= 5_000);
        segment.rebuild(250);
        assert!(segment.slots.len() <= 3 * 50, "{}", segment.slots.len());
    }

    #[test]
    fn a_rebuild_forgets_what_is_over_and_says_so() {
        let mut segment = Segment::default();
        for n in 0..1_000 {
            insert(&mut segment, id(n), 100 + n as u32, 0);
        }
        let before = segment.capacity();
        assert_eq!(segment.rebuild(600).forgotten, 600);
        assert_eq!((segment.occupied(), segment.slots().count()), (499, 499));
        segment.rebuild(1_050);
        assert_eq!(segment.occupied(), 49);
        assert!(segment.capacity() < before / 5, "{}", segment.capacity());
    }

    #[test]
    fn the_load_stays_in_its_bounds_while_growing() {
        let mut segment = Segment::default();
        for n in 0..20_000 {
            insert(&mut segment, id(n), 100, 0);
            if n > 1_000 {
                let load = segment.occupied() as f64 / segment.capacity() as f64;
                assert!((0.69..=0.81).contains(&load), "{load} at {n}");
            }
        }
    }
}
