//! What single use is counted by.

use std::fmt;

use reveille_crypto::{CryptoError, CryptoProvider};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A token's 128 random bits. Not a secret once the token is out, but uniformly distributed: the replay set relies on
/// it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenId([u8; 16]);

impl TokenId {
    /// From 16 bytes that are uniformly distributed.
    #[must_use]
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// 32 digits, lower case.
impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenId({self})")
    }
}

/// Random bytes fetched for 32 ids at a time, so that not every token costs a system call. What was handed out is
/// wiped here.
///
/// A process that forks with bytes in here hands out some ids twice. That fails safe: the second token counts as used.
pub struct RandomPool {
    crypto: CryptoProvider,
    bytes: [u8; POOL_LEN],
    left: usize,
}

const POOL_LEN: usize = 512;

impl RandomPool {
    pub(crate) const fn new(crypto: CryptoProvider) -> Self {
        Self { crypto, bytes: [0; POOL_LEN], left: 0 }
    }

    pub(crate) fn take<const N: usize>(&mut self) -> Result<[u8; N], CryptoError> {
        if self.left < N {
            self.left = 0;
            self.crypto.random.fill(&mut self.bytes)?;
            self.left = POOL_LEN;
        }
        let (rest, taken) = self
            .bytes
            .get_mut(..self.left)
            .and_then(|live| live.split_last_chunk_mut::<N>())
            .ok_or(CryptoError)?;
        let out = *taken;
        taken.zeroize();
        self.left = rest.len();
        Ok(out)
    }
}

impl Drop for RandomPool {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

impl ZeroizeOnDrop for RandomPool {}

impl fmt::Debug for RandomPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RandomPool").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reveille_crypto::SecureRandom;
    use std::collections::BTreeSet;

    #[test]
    fn no_byte_is_handed_out_twice_or_kept() {
        let mut pool = RandomPool::new(reveille_crypto_ring::PROVIDER);
        let mut seen = BTreeSet::new();
        for _ in 0..200 {
            assert!(seen.insert(pool.take::<16>().unwrap()));
            assert!(seen.insert([&pool.take::<12>().unwrap()[..], &[0; 4]].concat().try_into().unwrap()));
            assert!(pool.bytes[pool.left..].iter().all(|byte| *byte == 0));
        }
    }

    #[derive(Debug)]
    struct Broken;
    impl SecureRandom for Broken {
        fn fill(&self, out: &mut [u8]) -> Result<(), CryptoError> {
            out.fill(7);
            Err(CryptoError)
        }
    }

    #[test]
    fn a_source_that_fails_gives_no_id() {
        let crypto = CryptoProvider { random: &Broken, ..reveille_crypto_ring::PROVIDER };
        let mut pool = RandomPool::new(crypto);
        assert_eq!(pool.take::<16>(), Err(CryptoError));
        assert_eq!(pool.take::<16>(), Err(CryptoError));
    }

    #[test]
    fn prints_as_hexadecimal() {
        insta::assert_snapshot!(format!("{:?}", TokenId::new([0xA5; 16])), @"TokenId(a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5)");
    }
}
