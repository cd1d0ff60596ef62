//! Where the value with a hash lies: a table of 8 bytes a place, beside values that lie in a slab. A look-up that fails
//! touches one line of memory, and no value.

/// No place.
pub(crate) const NONE: u32 = u32::MAX;
const EMPTY: u64 = u64::MAX;
const SMALLEST: u32 = 4;

/// Open addressing with linear probing; a place holds 32 bits of a keyed hash and the number of the value. Its order never
/// shows.
#[derive(Debug, Default)]
pub(crate) struct Index {
    places: Vec<u64>,
    used: usize,
    /// Two to this many places.
    bits: u32,
}

impl Index {
    /// The number of the value with this tag that `is` the one.
    #[inline]
    pub(crate) fn find(&self, tag: u32, mut is: impl FnMut(u32) -> bool) -> Option<u32> {
        let mut at = self.home(tag);
        loop {
            let place = *self.places.get(at)?;
            if place == EMPTY {
                return None;
            }
            if (place >> 32) as u32 == tag && is(place as u32) {
                return Some(place as u32);
            }
            at = self.after(at);
        }
    }

    /// Reads the place where a look-up will begin, so that it comes from memory.
    #[inline]
    pub(crate) fn touch(&self, tag: u32) -> u64 {
        self.places.get(self.home(tag)).copied().unwrap_or_default()
    }

    /// Adds a value that is not there; its number is not [`NONE`].
    #[inline]
    pub(crate) fn insert(&mut self, tag: u32, number: u32) {
        if self.used * 4 >= self.places.len() * 3 {
            self.grow(self.bits.max(SMALLEST - 1) + 1);
        }
        self.put(u64::from(tag) << 32 | u64::from(number));
        self.used += 1;
    }

    /// Room for so many, so that the table does not have to grow on the way.
    pub(crate) fn reserve(&mut self, values: usize) {
        let places = values.saturating_add(values / 2).max(1 << SMALLEST);
        let bits = usize::BITS - (places - 1).leading_zeros();
        if bits > self.bits {
            self.grow(bits);
        }
    }

    fn grow(&mut self, bits: u32) {
        let bits = bits.min(32).min(usize::BITS - 5);
        let old = std::mem::replace(&mut self.places, vec![EMPTY; 1 << bits]);
        self.bits = bits;
        // The upper bits of a tag are its home: this writes from the front to the back.
        for place in old.into_iter().filter(|place| *place != EMPTY) {
            self.put(place);
        }
    }

    fn put(&mut self, value: u64) {
        let mut at = self.home((value >> 32) as u32);
        while let Some(place) = self.places.get_mut(at) {
            if *place == EMPTY {
                *place = value;
                return;
            }
            at = self.after(at);
        }
    }

    /// Takes a value out, and moves up what was pushed behind it.
    #[inline]
    pub(crate) fn remove(&mut self, tag: u32, number: u32) {
        let value = u64::from(tag) << 32 | u64::from(number);
        let mut hole = self.home(tag);
        loop {
            match self.places.get(hole) {
                Some(place) if *place == value => break,
                Some(place) if *place != EMPTY => hole = self.after(hole),
                _ => return,
            }
        }
        self.used -= 1;
        let mask = self.places.len() - 1;
        let mut at = hole;
        loop {
            at = self.after(at);
            let Some(place) = self.places.get(at).copied().filter(|place| *place != EMPTY) else { break };
            let home = self.home((place >> 32) as u32);
            // It may not move in front of its home.
            if at.wrapping_sub(home) & mask >= at.wrapping_sub(hole) & mask {
                if let Some(empty) = self.places.get_mut(hole) {
                    *empty = place;
                }
                hole = at;
            }
        }
        if let Some(empty) = self.places.get_mut(hole) {
            *empty = EMPTY;
        }
    }

    #[inline]
    fn home(&self, tag: u32) -> usize {
        (u64::from(tag) << self.bits >> 32) as usize
    }

    #[inline]
    fn after(&self, at: usize) -> usize {
        (at + 1) & self.places.len().wrapping_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        /// Few tags, so that many collide; also at the end of the table, where probing wraps around.
        #[test]
        fn like_a_map(ops in proptest::collection::vec((0..24_u32, any::<bool>(), any::<bool>()), 0..400)) {
            let (mut index, mut model) = (Index::default(), BTreeMap::new());
            for (number, insert, high) in ops {
                let tag = if high { u32::MAX - number % 3 } else { number.wrapping_mul(0x0900_0000) };
                let key = (tag, number);
                if insert && !model.contains_key(&key) {
                    index.insert(tag, number);
                    model.insert(key, ());
                } else if !insert {
                    index.remove(tag, number);
                    model.remove(&key);
                }
                for (tag, number) in model.keys() {
                    prop_assert_eq!(index.find(*tag, |other| other == *number), Some(*number));
                }
                if !model.contains_key(&key) {
                    prop_assert_eq!(index.find(tag, |other| other == number), None);
                }
                prop_assert_eq!(index.used, model.len());
            }
        }
    }

    #[test]
    fn reserved_is_enough() {
        for values in [0, 1, 12, 13, 1_000, 4_097] {
            let mut index = Index::default();
            index.reserve(values);
            let places = index.places.len();
            (0..values as u32).for_each(|number| index.insert(number.wrapping_mul(0x9E37_79B9), number));
            assert_eq!(index.places.len(), places, "{values}");
        }
    }
}
