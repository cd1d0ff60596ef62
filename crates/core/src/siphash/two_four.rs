//! SipHash-2-4, shaped for several short messages that begin alike: a general hasher costs twice as much here.

use std::fmt;

use super::round;

/// SipHash-2-4 with a secret key: use it to hash ids that a stranger chooses, several for each key, 64 bits each.
#[derive(Clone, Copy)]
pub struct SipHash24 {
    v: [u64; 4],
    length: u64,
}

impl SipHash24 {
    /// An empty hash under a key.
    #[must_use]
    pub fn new(key: &[u8; 16]) -> Self {
        let key = u128::from_le_bytes(*key);
        let (k0, k1) = (key as u64, (key >> 64) as u64);
        let v = [
            k0 ^ 0x736f_6d65_7073_6575,
            k1 ^ 0x646f_7261_6e64_6f6d,
            k0 ^ 0x6c79_6765_6e65_7261,
            k1 ^ 0x7465_6462_7974_6573,
        ];
        Self { v, length: 0 }
    }

    /// Takes 16 bytes into the hash.
    pub fn absorb(&mut self, block: &[u8; 16]) {
        let block = u128::from_le_bytes(*block);
        self.word(block as u64);
        self.word((block >> 64) as u64);
        self.length += 16;
    }

    /// The hash of what was absorbed ‖ `message` ‖ `last`.
    #[must_use]
    pub fn finish(mut self, message: &[u8], last: u8) -> u64 {
        let (words, rest) = message.as_chunks::<8>();
        for word in words {
            self.word(u64::from_le_bytes(*word));
        }
        // `last` behind the rest, little-endian; the final word is filled up with the length.
        let tail = rest.iter().rev().fold(u64::from(last), |tail, byte| tail << 8 | u64::from(*byte));
        let length = (self.length + message.len() as u64 + 1) << 56;
        if rest.len() == 7 {
            self.word(tail);
            self.word(length);
        } else {
            self.word(tail | length);
        }
        self.v[2] ^= 0xff;
        self.rounds::<4>();
        self.v[0] ^ self.v[1] ^ self.v[2] ^ self.v[3]
    }

    #[inline(always)]
    fn word(&mut self, word: u64) {
        self.v[3] ^= word;
        self.rounds::<2>();
        self.v[0] ^= word;
    }

    #[inline(always)]
    fn rounds<const N: usize>(&mut self) {
        for _ in 0..N {
            self.v = round(self.v);
        }
    }
}

/// The state says something about the key.
impl fmt::Debug for SipHash24 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SipHash24").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::hash::Hasher as _;

    #[test]
    fn the_authors_example() {
        // Appendix A of the paper: 00 01 … 0e under the key 00 01 … 0f.
        let key = std::array::from_fn(|at| at as u8);
        let message: [u8; 14] = std::array::from_fn(|at| at as u8);
        assert_eq!(SipHash24::new(&key).finish(&message, 14), 0xa129_ca61_49be_45e5);
    }

    #[test]
    fn nothing_of_the_key_is_printed() {
        insta::assert_snapshot!(format!("{:?}", SipHash24::new(&[7; 16])), @"SipHash24 { .. }");
    }

    proptest! {
        #[test]
        fn the_same_as_a_general_hasher(key: [u8; 16], start: Option<[u8; 16]>, message in proptest::collection::vec(any::<u8>(), 0..300), last: u8) {
            let mut ours = SipHash24::new(&key);
            let mut theirs = siphasher::sip::SipHasher24::new_with_key(&key);
            if let Some(start) = start {
                ours.absorb(&start);
                theirs.write(&start);
            }
            theirs.write(&message);
            theirs.write(&[last]);
            prop_assert_eq!(ours.finish(&message, last), theirs.finish());
        }
    }
}
