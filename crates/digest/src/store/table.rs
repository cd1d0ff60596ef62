//! From a key's identity to its record: open addressing by buckets of one cache line, no tombstones.
//!
//! A bucket holds eight records' numbers, and 32 bits of each key's keyed hash. Those bits say where an entry belongs,
//! so growing and removing never touch a record; and eight are compared at once, so that a look-up almost never
//! depends on a guess of the branch predictor.

const WAYS: usize = 8;
const EMPTY: u32 = u32::MAX;

#[derive(Clone)]
#[repr(C, align(64))]
struct Bucket {
    tags: [u32; WAYS],
    indices: [u32; WAYS],
}

impl Bucket {
    const NEW: Self = Self { tags: [0; WAYS], indices: [EMPTY; WAYS] };

    /// The entry with this tag if there is exactly one, else anything. There is no branch in it, and the compiler
    /// compares eight at once.
    #[inline(always)]
    fn guess(&self, tag: u32) -> u32 {
        let masked = |(other, index): (&u32, &u32)| if *other == tag { *index } else { 0 };
        self.tags.iter().zip(&self.indices).map(masked).fold(0, |all, one| all | one)
    }

    /// Entries are kept in front.
    fn is_full(&self) -> bool {
        self.indices.last().is_some_and(|last| *last != EMPTY)
    }

    /// Whether any entry has this tag; for a key that is not here this is almost always the answer.
    #[inline(always)]
    fn has(&self, tag: u32) -> bool {
        self.tags.iter().fold(false, |any, other| any | (*other == tag))
    }

    fn position(&self, mut is_it: impl FnMut(u32, u32) -> bool) -> Option<usize> {
        self.tags.iter().zip(&self.indices).position(|(tag, index)| *index != EMPTY && is_it(*tag, *index))
    }

    /// `false` if it is full.
    fn push(&mut self, tag: u32, index: u32) -> bool {
        for (old_tag, old) in self.tags.iter_mut().zip(&mut self.indices) {
            if *old == EMPTY {
                (*old_tag, *old) = (tag, index);
                return true;
            }
        }
        false
    }

    /// Takes an entry out; the last one takes its place.
    fn take(&mut self, way: usize) -> Option<(u32, u32)> {
        let last = self.indices.iter().position(|index| *index == EMPTY).unwrap_or(WAYS).checked_sub(1)?;
        let taken = (*self.tags.get(way)?, *self.indices.get(way)?);
        self.tags.swap(way, last);
        self.indices.swap(way, last);
        if let (Some(tag), Some(index)) = (self.tags.get_mut(last), self.indices.get_mut(last)) {
            (*tag, *index) = (0, EMPTY);
        }
        Some(taken)
    }
}

pub(crate) struct Table {
    buckets: Vec<Bucket>,
    len: usize,
}

impl Table {
    pub(crate) const fn new() -> Self {
        Self { buckets: Vec::new(), len: 0 }
    }

    fn mask(&self) -> usize {
        self.buckets.len().wrapping_sub(1)
    }

    /// The record with this tag if there is exactly one in its first bucket, else anything.
    #[inline(always)]
    pub(crate) fn guess(&self, tag: u32) -> u32 {
        self.buckets.get(tag as usize & self.mask()).map_or(EMPTY, |bucket| bucket.guess(tag))
    }

    /// The record with this tag that `is_it` accepts.
    pub(crate) fn find(&self, tag: u32, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let mask = self.mask();
        let mut at = tag as usize & mask;
        loop {
            let bucket = self.buckets.get(at)?;
            if bucket.has(tag)
                && let Some(way) = bucket.position(|other, index| other == tag && is_it(index))
            {
                return bucket.indices.get(way).copied();
            }
            if !bucket.is_full() {
                return None;
            }
            at = (at + 1) & mask;
        }
    }

    /// Something of the bucket where a tag belongs: reading it ahead of time brings it into the cache.
    #[inline]
    pub(crate) fn touch(&self, tag: u32) -> u32 {
        let bucket = self.buckets.get(tag as usize & self.mask());
        bucket.and_then(|bucket| bucket.tags.first().copied()).unwrap_or_default()
    }

    /// Adds a record that is not there.
    pub(crate) fn insert(&mut self, tag: u32, index: u32) {
        // At most 3/4 full.
        if (self.len + 1) * 4 > self.buckets.len() * WAYS * 3 {
            let size = (self.buckets.len() * 2).max(1);
            let old = std::mem::replace(&mut self.buckets, vec![Bucket::NEW; size]);
            for bucket in old {
                for (tag, index) in bucket.tags.into_iter().zip(bucket.indices) {
                    if index != EMPTY {
                        self.place(tag, index);
                    }
                }
            }
        }
        self.place(tag, index);
        self.len += 1;
    }

    pub(crate) const fn memory(&self) -> usize {
        self.buckets.capacity() * size_of::<Bucket>()
    }

    /// Gives all memory back, if it is empty.
    pub(crate) fn shrink(&mut self) {
        if self.len == 0 {
            self.buckets = Vec::new();
        }
    }

    fn place(&mut self, tag: u32, index: u32) {
        let mask = self.mask();
        let mut at = tag as usize & mask;
        while let Some(bucket) = self.buckets.get_mut(at) {
            if bucket.push(tag, index) {
                return;
            }
            at = (at + 1) & mask;
        }
    }

    /// Takes a record out. What had to go to a later bucket because this one was full comes back.
    pub(crate) fn remove(&mut self, tag: u32, index: u32) {
        let mask = self.mask();
        let mut at = tag as usize & mask;
        let mut was_full = loop {
            let Some(bucket) = self.buckets.get_mut(at) else {
                return;
            };
            let full = bucket.is_full();
            if let Some(way) = bucket.position(|_, other| other == index) {
                bucket.take(way);
                break full;
            }
            if !full {
                return;
            }
            at = (at + 1) & mask;
        };
        self.len -= 1;
        let mut hole = at;
        while was_full {
            at = (at + 1) & mask;
            let Some(bucket) = self.buckets.get_mut(at) else {
                return;
            };
            was_full = bucket.is_full();
            // An entry may move up to the hole if its home is not behind it.
            let distance = at.wrapping_sub(hole) & mask;
            let movable = bucket.position(|tag, _| (at.wrapping_sub(tag as usize) & mask) >= distance);
            if let Some((tag, index)) = movable.and_then(|way| bucket.take(way)) {
                if let Some(bucket) = self.buckets.get_mut(hole) {
                    bucket.push(tag, index);
                }
                hole = at;
            } else if at == hole {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        /// Few tags, so that they collide all the time.
        #[test]
        fn behaves_like_a_map(ops in proptest::collection::vec((any::<bool>(), 0u32..64, 0u32..4), 0..600)) {
            let (mut table, mut model) = (Table::new(), BTreeMap::new());
            for (insert, index, spread) in ops {
                let tag = (index % 3) + spread * 0x100;
                if insert {
                    if let std::collections::btree_map::Entry::Vacant(entry) = model.entry(index) {
                        entry.insert(tag);
                        table.insert(tag, index);
                    }
                } else if let Some(tag) = model.remove(&index) {
                    table.remove(tag, index);
                }
                for index in 0..64 {
                    let expected = model.get(&index).copied();
                    let found = expected.and_then(|tag| table.find(tag, |found| found == index));
                    prop_assert_eq!(found, expected.map(|_| index));
                }
                prop_assert_eq!(table.len, model.len());
            }
            for tag in 0..0x400 {
                prop_assert_eq!(
                    table.find(tag, |_| true).is_some(),
                    model.values().any(|other| *other == tag)
                );
            }
        }
    }
}
