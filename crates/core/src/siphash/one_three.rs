//! SipHash-1-3 with 128 bits of output, in two steps: the first 64 bits are ready after two thirds of the work. The look-up of a key starts with them, and the rest is
//! computed while the memory is still on its way.

use std::fmt;
use std::hash::Hasher;

use super::round;

/// SipHash-1-3 with 128 bits of output: use it as a [`Hasher`] for the keys of a table, with a secret seed. The hash
/// is the same on machines of either byte order and any word size, but for slices of integers: the standard library
/// hands those in as they are in memory.
#[derive(Clone, Copy)]
pub struct Sip13 {
    v: [u64; 4],
    /// Bytes that do not fill a word yet, and how many.
    tail: u64,
    in_tail: u32,
    length: u64,
}

/// The first 64 bits of a hash, and what the other 64 are made from: look a bucket up with the first, then compute
/// the rest with [`second`](Self::second) or [`both`](Self::both).
#[derive(Clone, Copy)]
pub struct Halfway {
    /// The first 64 bits.
    pub first: u64,
    v: [u64; 4],
}

impl Sip13 {
    /// An empty hash under the key `k0`, `k1`.
    #[inline(always)]
    #[must_use]
    pub const fn new(k0: u64, k1: u64) -> Self {
        let v = [
            k0 ^ 0x736f_6d65_7073_6575,
            k1 ^ 0x646f_7261_6e64_6f83,
            k0 ^ 0x6c79_6765_6e65_7261,
            k1 ^ 0x7465_6462_7974_6573,
        ];
        Self { v, tail: 0, in_tail: 0, length: 0 }
    }

    /// Two thirds of the work: the first half of the hash is there.
    #[inline(always)]
    #[must_use]
    pub fn halfway(&self) -> Halfway {
        let mut v = word(self.v, (self.length << 56) | self.tail);
        v[2] ^= 0xee;
        v = round(round(round(v)));
        Halfway { first: v[0] ^ v[1] ^ v[2] ^ v[3], v }
    }

    /// Takes in the lowest `size` bytes of `value`, at most 8; the others are zero.
    #[inline(always)]
    fn push(&mut self, value: u64, size: u32) {
        self.length += u64::from(size);
        self.tail |= value << (8 * self.in_tail);
        let room = 8 - self.in_tail;
        if size < room {
            self.in_tail += size;
            return;
        }
        self.v = word(self.v, self.tail);
        self.in_tail = size - room;
        self.tail = if room < 8 { value >> (8 * room) } else { 0 };
    }
}

impl Halfway {
    /// Returns the second 64 bits of the hash.
    #[inline(always)]
    #[must_use]
    pub fn second(self) -> u64 {
        let mut v = self.v;
        v[1] ^= 0xdd;
        v = round(round(round(v)));
        v[0] ^ v[1] ^ v[2] ^ v[3]
    }

    /// All 128 bits, the first half in the low ones.
    #[inline(always)]
    #[must_use]
    pub fn both(self) -> u128 {
        u128::from(self.first) | u128::from(self.second()) << 64
    }
}

#[inline(always)]
const fn word(mut v: [u64; 4], word: u64) -> [u64; 4] {
    v[3] ^= word;
    v = round(v);
    v[0] ^= word;
    v
}

impl Hasher for Sip13 {
    #[inline]
    fn finish(&self) -> u64 {
        self.halfway().first
    }

    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        if self.in_tail == 0 {
            self.v = words.iter().fold(self.v, |v, bytes| word(v, u64::from_le_bytes(*bytes)));
            self.length += words.len() as u64 * 8;
        } else {
            words.iter().for_each(|word| self.push(u64::from_le_bytes(*word), 8));
        }
        let last = rest.iter().rev().fold(0, |last, byte| last << 8 | u64::from(*byte));
        self.push(last, rest.len() as u32);
    }

    #[inline(always)]
    fn write_u8(&mut self, n: u8) {
        self.push(n.into(), 1);
    }
    #[inline(always)]
    fn write_u16(&mut self, n: u16) {
        self.push(n.into(), 2);
    }
    #[inline(always)]
    fn write_u32(&mut self, n: u32) {
        self.push(n.into(), 4);
    }
    #[inline(always)]
    fn write_u64(&mut self, n: u64) {
        self.push(n, 8);
    }
    #[inline(always)]
    fn write_u128(&mut self, n: u128) {
        self.push(n as u64, 8);
        self.push((n >> 64) as u64, 8);
    }
    #[inline(always)]
    fn write_usize(&mut self, n: usize) {
        self.push(n as u64, 8);
    }
}

/// The state says something about the key.
impl fmt::Debug for Sip13 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sip13").finish_non_exhaustive()
    }
}

impl fmt::Debug for Halfway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Halfway").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use siphasher::sip128::{Hasher128, SipHasher13};

    #[derive(Clone, Debug)]
    enum Piece {
        Bytes(Vec<u8>),
        U8(u8),
        U16(u16),
        U32(u32),
        U64(u64),
        U128(u128),
        Usize(usize),
    }

    fn piece() -> impl Strategy<Value = Piece> {
        prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..40).prop_map(Piece::Bytes),
            any::<u8>().prop_map(Piece::U8),
            any::<u16>().prop_map(Piece::U16),
            any::<u32>().prop_map(Piece::U32),
            any::<u64>().prop_map(Piece::U64),
            any::<u128>().prop_map(Piece::U128),
            any::<usize>().prop_map(Piece::Usize),
        ]
    }

    #[test]
    fn nothing_of_the_key_is_printed() {
        let mut hash = Sip13::new(7, 9);
        hash.push(5, 8);
        insta::assert_snapshot!(format!("{hash:?} {:?}", hash.halfway()), @"Sip13 { .. } Halfway { .. }");
    }

    proptest! {
        #[test]
        fn the_same_as_a_general_hasher(k0: u64, k1: u64, pieces in proptest::collection::vec(piece(), 0..12)) {
            let (mut ours, mut theirs) = (Sip13::new(k0, k1), SipHasher13::new_with_keys(k0, k1));
            for piece in pieces {
                match piece {
                    Piece::Bytes(bytes) => (ours.write(&bytes), theirs.write(&bytes)),
                    Piece::U8(n) => (ours.write_u8(n), theirs.write(&n.to_le_bytes())),
                    Piece::U16(n) => (ours.write_u16(n), theirs.write(&n.to_le_bytes())),
                    Piece::U32(n) => (ours.write_u32(n), theirs.write(&n.to_le_bytes())),
                    Piece::U64(n) => (ours.write_u64(n), theirs.write(&n.to_le_bytes())),
                    Piece::U128(n) => (ours.write_u128(n), theirs.write(&n.to_le_bytes())),
                    // Eight bytes, whatever the word size.
                    Piece::Usize(n) => (ours.write_usize(n), theirs.write(&(n as u64).to_le_bytes())),
                };
            }
            prop_assert_eq!(ours.halfway().both(), u128::from(theirs.finish128()));
            prop_assert_eq!(ours.finish(), theirs.finish128().h1);
        }
    }
}
