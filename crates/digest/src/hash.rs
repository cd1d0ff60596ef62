//! Everything that is keyed with the caller's secret seed: identities, collapse ids, spreading.

use std::fmt;
use std::hash::Hash;
use std::time::Duration;

use crate::{CollapseId, Lane};
use reveille_core::UnixTime;
use reveille_core::siphash::{Halfway, Sip13};

/// A secret of 16 random bytes, the same on every machine and across restarts: collapse ids depend on it, and on what
/// the key's [`Hash`] writes. Another key type, or another order of its fields, gives other ids: the notification
/// that is shown is then not replaced.
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
    #[inline(always)]
    fn hash(&self, domain: u64, value: &impl Hash) -> Halfway {
        let mut hasher = Sip13::new(self.k0, self.k1 ^ domain);
        value.hash(&mut hasher);
        hasher.halfway()
    }

    fn hash128(&self, domain: u64, value: &impl Hash) -> u128 {
        self.hash(domain, value).both()
    }

    /// Where a key is, and what it takes to be sure of it.
    #[inline(always)]
    pub(crate) fn place(&self, key: &impl Hash) -> Place {
        Place(self.hash(0, key))
    }

    #[inline]
    pub(crate) fn identity(&self, key: &impl Hash) -> Identity {
        self.place(key).identity()
    }

    /// The collapse id of a key's notifications in a lane: a function of seed, key and lane, so that what was sent can be
    /// named even when nothing is remembered of it.
    ///
    /// ```
    /// use reveille_digest::{Lane, Seed};
    /// let seed = Seed::new([7; 16]);
    /// assert_eq!(seed.collapse_id(&("ada", 42), Lane::Digest), seed.collapse_id(&("ada", 42), Lane::Digest));
    /// assert_ne!(seed.collapse_id(&("ada", 42), Lane::Digest), seed.collapse_id(&("ada", 42), Lane::Urgent));
    /// ```
    #[must_use]
    pub fn collapse_id(&self, key: &impl Hash, lane: Lane) -> CollapseId {
        self.collapse_id_of(self.identity(key), lane)
    }

    /// Tells two seeds apart, and says nothing about them: for the head of a snapshot.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        self.hash128(18, &()) as u64
    }

    /// For tables of the standard library.
    pub(crate) const fn keyed(&self) -> Keyed {
        Keyed(Self { k0: self.k0, k1: self.k1 ^ 20 })
    }

    /// Secret numbers by which ids get their places.
    pub(crate) fn places(&self) -> [u128; 3] {
        [0_u64, 1, 2].map(|n| self.hash128(19, &n))
    }

    /// Hashed once more: what is sent out says nothing about the table.
    pub(crate) fn collapse_id_of(&self, identity: Identity, lane: Lane) -> CollapseId {
        CollapseId::from_bits(self.hash128(1 + lane as u64, &identity.0))
    }

    pub(crate) fn event_id(&self, name: &impl Hash) -> u128 {
        self.hash128(16, name)
    }

    /// How long after the end of a quiet time at `until` a key's turn is: somewhere in `0..=span`, always the same for a
    /// key and an end ([`Policy::spread`](crate::Policy)).
    #[must_use]
    pub fn spread(&self, key: &impl Hash, until: UnixTime, span: Duration) -> Duration {
        let hash = self.hash128(17, &(until.as_millis(), key)) as u64;
        let span = u128::from(crate::time::span(span));
        Duration::from_millis(((u128::from(hash) * (span + 1)) >> 64) as u64)
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(…)")
    }
}

/// Hashes with the seed.
#[derive(Clone, Copy)]
pub(crate) struct Keyed(Seed);

impl std::hash::BuildHasher for Keyed {
    type Hasher = Sip13;

    fn build_hasher(&self) -> Sip13 {
        Sip13::new(self.0.k0, self.0.k1)
    }
}

/// An identity whose second half is not computed yet.
#[derive(Clone, Copy)]
pub(crate) struct Place(Halfway);

impl Place {
    #[inline(always)]
    pub(crate) const fn tag(&self) -> u32 {
        self.0.first as u32
    }

    #[inline(always)]
    pub(crate) fn identity(self) -> Identity {
        Identity(self.0.both())
    }
}

/// What stands for a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Identity(u128);

impl Identity {
    pub(crate) const NONE: Self = Self(0);

    /// 32 bits for the table.
    #[inline]
    pub(crate) const fn tag(self) -> u32 {
        self.0 as u32
    }

    /// 64 others for the part of the record that every event touches.
    #[inline]
    pub(crate) const fn fingerprint(self) -> u64 {
        (self.0 >> 64) as u64
    }

    /// The other half: kept beside the key, so that no key is hashed twice.
    pub(crate) const fn low(self) -> u64 {
        self.0 as u64
    }

    pub(crate) const fn of_halves(low: u64, fingerprint: u64) -> Self {
        Self((fingerprint as u128) << 64 | low as u128)
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
        insta::assert_snapshot!(seed.collapse_id_of(identity, Lane::Digest), @"fr2te7YPPBHGE6bsuoU2lA");
        insta::assert_snapshot!(seed.collapse_id_of(identity, Lane::Urgent), @"kj4NLjU_5ZMFncBFUf4nHw");
        assert_eq!(format!("{seed:?}"), "Seed(…)");
    }

    proptest! {
        #[test]
        fn spread_stays_in_its_span(key: u64, until: u64, span: u64) {
            let seed = Seed::new([3; 16]);
            let (until, span) = (UnixTime::from_millis(until), Duration::from_millis(span));
            prop_assert!(seed.spread(&key, until, span) <= span);
            prop_assert_eq!(seed.spread(&key, until, Duration::ZERO), Duration::ZERO);
        }
    }
}
