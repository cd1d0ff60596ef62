//! Everything that is keyed with the caller's secret seed: identities, collapse ids, spreading.

use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher};

use siphasher::sip128::{Hasher128, SipHasher13};

use crate::{CollapseId, Lane};

/// A secret of 16 random bytes, the same on every machine and across restarts: collapse ids depend on it.
///
/// Without it nobody can choose keys or event ids that collide.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Seed {
    k0: u64,
    k1: u64,
}

impl Seed {
    /// From 16 random bytes.
    #[must_use]
    pub const fn new(key: [u8; 16]) -> Self {
        let key = u128::from_le_bytes(key);
        Self { k0: key as u64, k1: (key >> 64) as u64 }
    }

    /// Every use has a key of its own.
    #[inline]
    fn hash128(&self, domain: u64, value: &impl Hash) -> u128 {
        let mut hasher = LittleEndian(SipHasher13::new_with_keys(self.k0, self.k1 ^ domain));
        value.hash(&mut hasher);
        hasher.0.finish128().into()
    }

    #[inline]
    pub(crate) fn identity(&self, key: &impl Hash) -> Identity {
        Identity(self.hash128(0, key))
    }

    /// Hashed once more: what is sent out says nothing about the table.
    pub(crate) fn collapse_id(&self, identity: Identity, lane: Lane) -> CollapseId {
        CollapseId::from_bits(self.hash128(1 + lane as u64, &identity.0))
    }

    pub(crate) fn event_id(&self, name: &impl Hash) -> u128 {
        self.hash128(16, name)
    }

    /// Where in `0..=span` a key's flush falls when a quiet time ends at `until`.
    pub(crate) fn spread(&self, key: &impl Hash, until: u64, span: u64) -> u64 {
        let hash = self.hash128(17, &(until, key)) as u64;
        ((u128::from(hash) * (u128::from(span) + 1)) >> 64) as u64
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(…)")
    }
}

/// What stands for a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Identity(u128);

impl Identity {
    /// 32 bits for the table.
    #[inline]
    pub(crate) const fn tag(self) -> u32 {
        (self.0 >> 64) as u32
    }

    /// 64 others for the record.
    #[inline]
    pub(crate) const fn fingerprint(self) -> u64 {
        self.0 as u64
    }
}

/// For the standard maps: a seed that attackers do not know, and that gives the same order in every run.
impl BuildHasher for Seed {
    type Hasher = siphasher::sip::SipHasher13;

    fn build_hasher(&self) -> Self::Hasher {
        siphasher::sip::SipHasher13::new_with_keys(self.k0, self.k1)
    }
}

/// The same hash on machines of either byte order and any word size.
struct LittleEndian(SipHasher13);

impl Hasher for LittleEndian {
    #[inline]
    fn finish(&self) -> u64 {
        self.0.finish()
    }
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }
    #[inline]
    fn write_u16(&mut self, n: u16) {
        self.0.write_u16(n.to_le());
    }
    #[inline]
    fn write_u32(&mut self, n: u32) {
        self.0.write_u32(n.to_le());
    }
    #[inline]
    fn write_u64(&mut self, n: u64) {
        self.0.write_u64(n.to_le());
    }
    #[inline]
    fn write_u128(&mut self, n: u128) {
        self.0.write(&n.to_le_bytes());
    }
    #[inline]
    fn write_usize(&mut self, n: usize) {
        self.0.write_u64((n as u64).to_le());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn collapse_ids_are_stable() {
        let seed = Seed::new(*b"0123456789abcdef");
        let identity = seed.identity(&("alice", 7_u64));
        insta::assert_snapshot!(seed.collapse_id(identity, Lane::Digest), @"fr2te7YPPBHGE6bsuoU2lA");
        insta::assert_snapshot!(seed.collapse_id(identity, Lane::Urgent), @"kj4NLjU_5ZMFncBFUf4nHw");
        assert_eq!(format!("{seed:?}"), "Seed(…)");
    }

    proptest! {
        #[test]
        fn spread_stays_in_its_span(key: u64, until: u64, span: u64) {
            let seed = Seed::new([3; 16]);
            prop_assert!(seed.spread(&key, until, span) <= span);
            prop_assert_eq!(seed.spread(&key, until, 0), 0);
        }
    }
}
