//! Where the value with a hash lies: a table of 8 bytes a place, beside values that lie in a slab. A look-up that fails
//! touches one line of memory, and no value.

use std::hint::black_box;

use reveille_core::siphash::Sip13;

/// No place.
pub(crate) const NONE: u32 = u32::MAX;
/// Places of a line.
const WAYS: usize = 8;
/// So many are written at a time.
const RECENT: usize = 16;

/// What makes tags of names. These are hashes, or numbers of the user's own: one multiplication by what nobody knows is
/// enough to hide where they lie.
#[derive(Clone, Copy)]
pub(crate) struct Hiding([u64; 2]);

impl Hiding {
    pub(crate) fn new(seed: u64, for_what: [u8; 8]) -> Self {
        let both = Sip13::new(seed, u64::from_le_bytes(for_what)).halfway().both();
        Self([both as u64, (both >> 64) as u64])
    }

    /// Of the two halves of a name.
    #[inline]
    pub(crate) fn tag(self, [low, high]: [u64; 2]) -> u32 {
        let [one, other] = self.0;
        let product = u128::from(low ^ one) * u128::from(high ^ other);
        (((product >> 64) ^ product) >> 32) as u32
    }
}

/// The words are nobody's business.
impl std::fmt::Debug for Hiding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hiding(…)")
    }
}

/// Open addressing by lines of memory. Of each place there is a byte in a small table, which says in most look-ups that the
/// value is not there; a line of it is looked at as a whole, so that what is there decides no branch before it has come from
/// memory. The order never shows.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// A byte for each place: 0 where it is empty, else a part of the tag.
    hints: Vec<Hints>,
    lines: Vec<Line>,
    /// In the lines.
    used: usize,
    /// Two to this many lines.
    bits: u32,
    recent: Recent,
}

/// What was added last and is in no line yet: lines are written several at a time, since memory takes many words nearly as
/// fast as one.
#[derive(Debug)]
struct Recent {
    places: usize,
    tags: [u32; RECENT],
    /// [`NONE`] where there is none.
    numbers: [u32; RECENT],
}

impl Default for Recent {
    fn default() -> Self {
        Self { places: 0, tags: [0; RECENT], numbers: [NONE; RECENT] }
    }
}

impl Recent {
    /// The first way with this tag and a number that `is` the one.
    #[inline]
    fn way(&self, tag: u32, mut is: impl FnMut(u32) -> bool) -> Option<usize> {
        // All at once: hardly ever is it one of them.
        if !self.tags.iter().fold(false, |any, known| any | (*known == tag)) {
            return None;
        }
        let mut places = self.tags.iter().zip(&self.numbers);
        places.position(|(known, number)| *known == tag && *number != NONE && is(*number))
    }
}

/// 32 bits of a keyed hash, and the number of the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    tag: u32,
    number: u32,
}

#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct Line([Place; WAYS]);

/// Eight bytes that are compared at once.
#[derive(Clone, Copy, Debug, Default)]
struct Hints(u64);

const ONES: u64 = 0x0101_0101_0101_0101;
const TOPS: u64 = 0x8080_8080_8080_8080;

impl Hints {
    /// The hint of a tag, which is not 0. Its home is by the upper bits.
    #[inline]
    const fn of(tag: u32) -> u64 {
        tag as u64 & 0x7F | 0x80
    }

    /// The ways that have this hint, and perhaps some above the first that have not.
    #[inline]
    fn ways(self, hint: u64) -> impl Iterator<Item = usize> {
        let differ = self.0 ^ hint.wrapping_mul(ONES);
        let mut found = differ.wrapping_sub(ONES) & !differ & TOPS;
        std::iter::from_fn(move || {
            let way = (found != 0).then(|| found.trailing_zeros() as usize / 8)?;
            found &= found - 1;
            Some(way)
        })
    }

    #[inline]
    fn first_empty(self) -> Option<usize> {
        self.ways(0).next()
    }

    #[inline]
    const fn is_full(self) -> bool {
        self.0 & TOPS == TOPS
    }

    #[inline]
    const fn set(&mut self, way: usize, hint: u64) {
        let shift = way as u32 * 8;
        self.0 = self.0 & !(0xFF << shift) | hint << shift;
    }
}

impl Index {
    /// The number of the value with this tag that `is` the one.
    #[inline]
    pub(crate) fn find(&self, tag: u32, mut is: impl FnMut(u32) -> bool) -> Option<u32> {
        if let Some(way) = self.recent.way(tag, &mut is) {
            return self.recent.numbers.get(way).copied();
        }
        self.place_of(tag, |place| place.tag == tag && is(place.number)).map(|(_, _, number)| number)
    }

    /// Line, way and number of the first place that `is` the one.
    #[inline]
    fn place_of(&self, tag: u32, mut is: impl FnMut(Place) -> bool) -> Option<(usize, usize, u32)> {
        let mut at = self.home(tag);
        loop {
            let hints = *self.hints.get(at)?;
            for way in hints.ways(Hints::of(tag)) {
                let place = *self.lines.get(at)?.0.get(way)?;
                if is(place) {
                    return Some((at, way, place.number));
                }
            }
            if !hints.is_full() {
                return None;
            }
            at = self.after(at);
        }
    }

    /// Reads where a look-up will begin, so that it comes from memory.
    #[inline]
    pub(crate) fn touch(&self, tag: u32) -> u64 {
        self.hints.get(self.home(tag)).map_or(0, |hints| hints.0)
    }

    /// Reads where the value itself will most likely be.
    #[inline]
    pub(crate) fn touch_place(&self, tag: u32) -> u64 {
        let line = self.lines.get(self.home(tag)).map_or(0, |Line([place, ..])| place.tag);
        self.touch(tag) ^ u64::from(line)
    }

    /// Adds a value that is not there.
    #[inline]
    pub(crate) fn insert(&mut self, tag: u32, number: u32) {
        if self.recent.places == RECENT {
            self.write_recent();
        }
        let way = self.recent.places;
        if let Some((known, place)) = self.recent.tags.get_mut(way).zip(self.recent.numbers.get_mut(way)) {
            (*known, *place) = (tag, number);
            self.recent.places += 1;
        }
    }

    fn write_recent(&mut self) {
        let recent = std::mem::take(&mut self.recent);
        if (self.used + RECENT) * 4 > self.lines.len() * WAYS * 3 {
            let lines = ((self.used + RECENT) * 4).div_ceil(WAYS * 3).next_power_of_two();
            self.grow(lines.trailing_zeros());
        }
        black_box(recent.tags.iter().fold(0, |all, tag| all ^ self.touch_place(*tag)));
        for (tag, number) in recent.tags.into_iter().zip(recent.numbers).take(recent.places) {
            self.put(Place { tag, number });
            self.used += 1;
        }
    }

    /// Room for so many, so that the table does not have to grow on the way.
    pub(crate) fn reserve(&mut self, values: usize) {
        let lines = values.saturating_add(values / 2).saturating_add(RECENT).div_ceil(WAYS);
        let bits = usize::BITS - (lines - 1).leading_zeros();
        if bits > self.bits || self.lines.is_empty() {
            self.grow(bits);
        }
    }

    fn grow(&mut self, bits: u32) {
        let bits = bits.min(32).min(usize::BITS - 8);
        let empty = Line([Place { tag: 0, number: NONE }; WAYS]);
        let lines = std::mem::replace(&mut self.lines, vec![empty; 1 << bits]);
        let hints = std::mem::replace(&mut self.hints, vec![Hints::default(); 1 << bits]);
        self.bits = bits;
        // The upper bits of a tag are its home: this writes from the front to the back.
        for (Line(places), hints) in lines.into_iter().zip(hints) {
            for (way, place) in places.into_iter().enumerate() {
                if hints.0 >> (way * 8) & 0xFF != 0 {
                    self.put(place);
                }
            }
        }
    }

    #[inline]
    fn put(&mut self, place: Place) {
        let mut at = self.home(place.tag);
        while let Some(hints) = self.hints.get(at) {
            if let Some(way) = hints.first_empty() {
                return self.set(at, way, Some(place));
            }
            at = self.after(at);
        }
    }

    #[inline]
    fn set(&mut self, at: usize, way: usize, place: Option<Place>) {
        if let Some(hints) = self.hints.get_mut(at) {
            hints.set(way, place.map_or(0, |place| Hints::of(place.tag)));
        }
        if let Some(new) = place
            && let Some(place) = self.lines.get_mut(at).and_then(|line| line.0.get_mut(way))
        {
            *place = new;
        }
    }

    /// Takes a value out.
    #[inline]
    pub(crate) fn remove(&mut self, tag: u32, number: u32) {
        if let Some(way) = self.recent.way(tag, |known| known == number) {
            self.recent.places -= 1;
            let last = self.recent.places;
            self.recent.tags.swap(way, last);
            self.recent.numbers.swap(way, last);
            if let Some(place) = self.recent.numbers.get_mut(last) {
                *place = NONE;
            }
            return;
        }
        let Some((at, way, _)) = self.place_of(tag, |place| place == Place { tag, number }) else { return };
        let was_full = self.hints.get(at).is_some_and(|hints| hints.is_full());
        self.set(at, way, None);
        self.used -= 1;
        if was_full {
            self.fill(at);
        }
    }

    /// A line that was full has a hole, where look-ups would end now: something that was pushed behind it moves up.
    #[cold]
    fn fill(&mut self, mut hole: usize) {
        let mask = self.lines.len().wrapping_sub(1);
        let (first, mut at) = (hole, hole);
        loop {
            at = self.after(at);
            let Some((hints, line)) = self.hints.get(at).copied().zip(self.lines.get(at).copied()) else {
                return;
            };
            if at == first {
                return;
            }
            // It may not move in front of its home.
            let far = at.wrapping_sub(hole) & mask;
            let may_move = |place: &Place| at.wrapping_sub(self.home(place.tag)) & mask >= far;
            let is_used = |way: usize| hints.0 >> (way * 8) & 0xFF != 0;
            let moved = line.0.into_iter().enumerate().find(|(way, place)| is_used(*way) && may_move(place));
            if let Some((way, place)) = moved
                && let Some(empty) = self.hints.get(hole).and_then(|hints| hints.first_empty())
            {
                self.set(hole, empty, Some(place));
                self.set(at, way, None);
                hole = at;
            }
            if !hints.is_full() {
                return;
            }
        }
    }

    #[inline]
    fn home(&self, tag: u32) -> usize {
        (u64::from(tag) << self.bits >> 32) as usize
    }

    #[inline]
    fn after(&self, at: usize) -> usize {
        (at + 1) & self.lines.len().wrapping_sub(1)
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
                prop_assert_eq!(index.used + index.recent.places, model.len());
            }
        }
    }

    #[test]
    fn reserved_is_enough() {
        for values in [0, 1, 12, 13, 1_000, 4_097] {
            let mut index = Index::default();
            index.reserve(values);
            let lines = index.lines.len();
            (0..values as u32).for_each(|number| index.insert(number.wrapping_mul(0x9E37_79B9), number));
            assert_eq!(index.lines.len(), lines, "{values}");
        }
    }
}
