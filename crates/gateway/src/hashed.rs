//! Tables whose keys are hashes: they need no other. Their order never shows.

use std::hash::{BuildHasher, Hasher};

/// For keys of 64 or 128 bits that are keyed hashes themselves, so that nobody can choose which meet.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Hashed;

/// The two halves, laid on one another.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Halves(u64);

impl BuildHasher for Hashed {
    type Hasher = Halves;

    fn build_hasher(&self) -> Halves {
        Halves(0)
    }
}

impl Hasher for Halves {
    #[inline]
    fn write_u64(&mut self, key: u64) {
        self.0 ^= key;
    }

    #[inline]
    fn write_u128(&mut self, key: u128) {
        self.0 ^= key as u64 ^ ((key >> 64) as u64).rotate_left(32);
    }

    /// No key here comes as bytes; if one did, it would still be found.
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }
}
