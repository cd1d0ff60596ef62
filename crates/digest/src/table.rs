//! From a key's identity to its record: open addressing, linear probing, 8 bytes a slot, no tombstones.
//!
//! A slot holds the record's number and 32 bits of the key's keyed hash. Those bits say where the slot belongs, so
//! growing and removing never touch a record.

const EMPTY: u64 = u64::MAX;
const SMALLEST: usize = 16;

pub(crate) struct Table {
    slots: Vec<u64>,
    len: usize,
}

fn pack(tag: u32, index: u32) -> u64 {
    (u64::from(tag) << 32) | u64::from(index)
}

fn tag_of(slot: u64) -> u32 {
    (slot >> 32) as u32
}

fn index_of(slot: u64) -> u32 {
    slot as u32
}

impl Table {
    pub(crate) const fn new() -> Self {
        Self { slots: Vec::new(), len: 0 }
    }

    fn mask(&self) -> usize {
        self.slots.len().wrapping_sub(1)
    }

    /// The record with this tag that `is_it` accepts.
    #[inline]
    pub(crate) fn find(&self, tag: u32, mut is_it: impl FnMut(u32) -> bool) -> Option<u32> {
        let mask = self.mask();
        let mut at = tag as usize & mask;
        loop {
            let slot = *self.slots.get(at)?;
            if slot == EMPTY {
                return None;
            }
            if tag_of(slot) == tag && is_it(index_of(slot)) {
                return Some(index_of(slot));
            }
            at = (at + 1) & mask;
        }
    }

    /// The slot where a tag belongs: reading it ahead of time brings it into the cache.
    pub(crate) fn touch(&self, tag: u32) -> u64 {
        self.slots.get(tag as usize & self.mask()).copied().unwrap_or_default()
    }

    /// Adds a record that is not there.
    pub(crate) fn insert(&mut self, tag: u32, index: u32) {
        // At most 4/5 full.
        if (self.len + 1) * 5 > self.slots.len() * 4 {
            self.grow();
        }
        self.place(pack(tag, index));
        self.len += 1;
    }

    fn place(&mut self, slot: u64) {
        let mask = self.mask();
        let mut at = tag_of(slot) as usize & mask;
        while let Some(old) = self.slots.get_mut(at) {
            if *old == EMPTY {
                *old = slot;
                return;
            }
            at = (at + 1) & mask;
        }
    }

    fn grow(&mut self) {
        let size = (self.slots.len() * 2).max(SMALLEST);
        let old = std::mem::replace(&mut self.slots, vec![EMPTY; size]);
        for slot in old.into_iter().filter(|slot| *slot != EMPTY) {
            self.place(slot);
        }
    }

    /// Takes a record out and moves those behind it up.
    pub(crate) fn remove(&mut self, tag: u32, index: u32) {
        let mask = self.mask();
        let wanted = pack(tag, index);
        let mut hole = tag as usize & mask;
        loop {
            match self.slots.get(hole) {
                Some(slot) if *slot == wanted => break,
                Some(slot) if *slot != EMPTY => hole = (hole + 1) & mask,
                _ => return,
            }
        }
        self.len -= 1;
        let mut at = hole;
        loop {
            at = (at + 1) & mask;
            let slot = self.slots.get(at).copied().unwrap_or(EMPTY);
            if slot == EMPTY {
                break;
            }
            // It may move up only if the hole is not before its home.
            let home = tag_of(slot) as usize & mask;
            if (at.wrapping_sub(home) & mask) >= (at.wrapping_sub(hole) & mask) {
                if let Some(place) = self.slots.get_mut(hole) {
                    *place = slot;
                }
                hole = at;
            }
        }
        if let Some(place) = self.slots.get_mut(hole) {
            *place = EMPTY;
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
                let tag = (index % 7) + spread * 0x100;
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
