//! A replay set as bytes.

use reveille_core::UnixTime;
use reveille_crypto::{CryptoProvider, Expand, HmacKey};
use std::fmt;
use std::sync::Arc;
use thiserror::Error;
use zeroize::Zeroizing;

use super::set::{ReplayLimits, ReplaySet, floor_secs};
use super::slot::{SLOT_LEN, Slot};
use super::watch::Watch;
use crate::TokenSecret;
use crate::keys::InvalidSecret;

const MAGIC: &[u8; 4] = b"rrs2";
const HEADER_LEN: usize = 42;
const TAG_LEN: usize = 16;
const SALT: &[u8] = b"reveille/resume";
const TAG_INFO: &[u8] = b"rrs2 tag";

/// The set knows of every use.
const WARM: u8 = 1;
/// A cold set that still watches its clock.
const WATCHING: u8 = 2;

/// Whether uses can have happened between a snapshot and its restoration, for
/// [`ReplaySet::restore`](crate::ReplaySet::restore).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "users match all of it: there is nothing else")]
pub enum Continuity {
    /// None: the process stopped in order, or every commit since is going to be [`record`](ReplaySet::record)ed.
    Unbroken,
    /// Some, perhaps: the process crashed. Tokens issued until now, or until the snapshot if the clock is behind it, are
    /// then refused; those that the snapshot knows as used stay known as such. Reservations lapse: since the snapshot
    /// their tokens may have been used by others.
    Broken,
}

/// What snapshots are sealed with: a flipped bit on a disk, a file of another service and one that somebody has edited
/// are refused. An older snapshot of the same set is not: whoever can put one back can use tokens twice.
///
/// ```
/// use reveille_core::UnixTime;
/// use reveille_crypto_ring::PROVIDER;
/// use reveille_resume::*;
/// use reveille_resume::replay::{Continuity, RestoreError, SnapshotKey};
///
/// let key = SnapshotKey::new(PROVIDER, &TokenSecret::from_bytes(&[7; 32])?)?;
/// let now = UnixTime::from_secs(1_700_000_000);
/// let mut bytes = ReplaySet::complete(0, ReplayLimits::default()).snapshot(&key, now);
/// let restore = |bytes: &[u8]| ReplaySet::restore(bytes, &key, ReplayLimits::default(), Continuity::Unbroken, now);
/// assert!(restore(&bytes).is_ok());
/// bytes[9] ^= 1;
/// assert!(matches!(restore(&bytes), Err(RestoreError::Altered)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct SnapshotKey(Arc<dyn HmacKey>);

impl SnapshotKey {
    /// Derives the key; the secret of the tokens will do.
    ///
    /// ```text
    /// tag_key = HKDF-Expand(HKDF-Extract(salt = "reveille/resume", secret), "rrs2 tag", 32)
    /// ```
    ///
    /// # Errors
    /// [`InvalidSecret::Crypto`] if the backend fails.
    pub fn new(crypto: CryptoProvider, secret: &TokenSecret) -> Result<Self, InvalidSecret> {
        let mut key = Zeroizing::new([0; 32]);
        let out = Expand { info: &[TAG_INFO], out: key.as_mut_slice() };
        crypto.hkdf_sha256.derive(SALT, secret.expose(), &mut [out])?;
        Ok(Self(crypto.hmac_sha256.key(key.as_slice())))
    }
}

impl fmt::Debug for SnapshotKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SnapshotKey").finish_non_exhaustive()
    }
}

/// Why bytes are not a snapshot that can be restored; the error of [`ReplaySet::restore`](crate::ReplaySet::restore).
/// Begin with a cold set then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// Not a snapshot, or of another version.
    #[error("not a snapshot of a replay set, or of another version")]
    Format,
    /// Its tag is wrong: altered, damaged, or made with another key.
    #[error("snapshot was altered, or made with another key")]
    Altered,
    /// Cut off, or with something behind it.
    #[error("snapshot of {expected} bytes has {given}")]
    Length {
        /// Bytes it should have.
        expected: u64,
        /// Bytes it has.
        given: u64,
    },
    /// It holds more live tokens than the capacity allows.
    #[error("snapshot holds more than {capacity} tokens")]
    Capacity {
        /// How many tokens are allowed.
        capacity: usize,
    },
}

impl ReplaySet {
    /// Everything that is needed to go on: 58 bytes, and 27 for each live token. For [`Continuity::Broken`], a time is
    /// part of it: the closer it is to the crash, the less a wrong clock at the next start matters.
    ///
    /// ```text
    /// "rrs2" │shard 1 │flags 1 │taken at, ms 8 │complete since, ms 8 │watch left, ms 8 │forgotten, s 4 │count 8
    /// slots 27 each
    /// first 16 bytes of HMAC-SHA256(tag_key, all before)
    /// ```
    #[must_use]
    pub fn snapshot(&self, key: &SnapshotKey, now: UnixTime) -> Vec<u8> {
        let now_s = floor_secs(now);
        let count = self.live_slots(now_s).count();
        // What is left out counts as forgotten.
        let swept = self.live_slots(0).map(Slot::keep_until).filter(|end| *end <= now_s).max();
        let forgotten = self.forgotten.max(swept.unwrap_or_default());
        // Taking it is a look at the clock: the time it carries must not hide a jump from the set that is restored.
        let (complete_since, watch) = self.observed(now);
        // Of threads that come in the wrong order, the time that was seen last.
        let taken_at = watch.map_or(now, |watch| watch.last.max(now));
        let warm = if complete_since.is_none() { WARM } else { 0 };
        let watching = if watch.is_some() { WATCHING } else { 0 };
        let mut out = Vec::with_capacity(HEADER_LEN + count * SLOT_LEN + TAG_LEN);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&[self.shard, warm | watching]);
        out.extend_from_slice(&taken_at.as_millis().to_be_bytes());
        out.extend_from_slice(&complete_since.unwrap_or_default().as_millis().to_be_bytes());
        out.extend_from_slice(&watch.map_or(0, |watch| watch.left_ms).to_be_bytes());
        out.extend_from_slice(&forgotten.to_be_bytes());
        out.extend_from_slice(&(count as u64).to_be_bytes());
        for slot in self.live_slots(now_s) {
            out.extend_from_slice(&slot.to_bytes());
        }
        let tag = key.0.sign(&[&out]);
        out.extend(tag.iter().take(TAG_LEN));
        out
    }

    /// A set from its snapshot.
    ///
    /// After [`Continuity::Broken`], tokens that were issued until the later of `now` and the snapshot's time are refused;
    /// that clock may be slow. A snapshot that was taken while the clock was ahead by years therefore locks everybody
    /// out: then begin with [`cold`](Self::cold).
    ///
    /// # Errors
    /// [`RestoreError`].
    pub fn restore(
        snapshot: &[u8],
        key: &SnapshotKey,
        limits: ReplayLimits,
        continuity: Continuity,
        now: UnixTime,
    ) -> Result<Self, RestoreError> {
        let Parts { shard, flags, taken_at, complete_since, watch_left, forgotten, slots } =
            Parts::open(snapshot, key)?;
        let mut set = Self::complete(shard, limits);
        set.complete_since = (flags & WARM == 0).then_some(complete_since);
        set.forgotten = forgotten;
        set.watch = (flags & WATCHING != 0).then_some(Watch { last: taken_at, left_ms: watch_left });
        for slot in slots {
            let mut slot = Slot::from_bytes(slot).ok_or(RestoreError::Format)?;
            if continuity == Continuity::Broken {
                slot.release();
            }
            set.adopt(slot, floor_secs(now))
                .map_err(|_| RestoreError::Capacity { capacity: limits.capacity })?;
        }
        if continuity == Continuity::Broken {
            set.mark_cold(taken_at);
            set.mark_cold(now);
        }
        Ok(set)
    }

    /// Whether [`Continuity::Broken`] would need a newer snapshot than the one of `taken_at` to be exact under any clock:
    /// half of [`ReplayLimits::with_skew`] has passed. Ask before each [`reserve`](Self::reserve), or take one every
    /// second or two; a journal of commits needs neither.
    #[must_use]
    pub fn is_snapshot_due(&self, taken_at: UnixTime, now: UnixTime) -> bool {
        now.since(taken_at) > self.skew() / 2
    }
}

/// A snapshot whose tag is right.
struct Parts<'a> {
    shard: u8,
    flags: u8,
    taken_at: UnixTime,
    complete_since: UnixTime,
    watch_left: u64,
    forgotten: u32,
    slots: &'a [[u8; SLOT_LEN]],
}

impl<'a> Parts<'a> {
    fn open(snapshot: &'a [u8], key: &SnapshotKey) -> Result<Self, RestoreError> {
        let mut rest = snapshot;
        let magic: [u8; 4] = take(&mut rest)?;
        if magic != *MAGIC {
            return Err(RestoreError::Format);
        }
        let [shard, flags] = take(&mut rest)?;
        let taken_at = UnixTime::from_millis(u64::from_be_bytes(take(&mut rest)?));
        let complete_since = UnixTime::from_millis(u64::from_be_bytes(take(&mut rest)?));
        let watch_left = u64::from_be_bytes(take(&mut rest)?);
        let forgotten = u32::from_be_bytes(take(&mut rest)?);
        let count = u64::from_be_bytes(take(&mut rest)?);
        let expected = count.saturating_mul(SLOT_LEN as u64).saturating_add((HEADER_LEN + TAG_LEN) as u64);
        if expected != snapshot.len() as u64 {
            return Err(RestoreError::Length { expected, given: snapshot.len() as u64 });
        }
        let (signed, tag) = snapshot.split_last_chunk::<TAG_LEN>().ok_or(RestoreError::Format)?;
        key.0.verify(&[signed], tag).map_err(|_| RestoreError::Altered)?;
        let (slots, _) = rest.as_chunks::<SLOT_LEN>();
        let count = usize::try_from(count).map_err(|_| RestoreError::Format)?;
        let slots = slots.get(..count).ok_or(RestoreError::Format)?;
        Ok(Self { shard, flags, taken_at, complete_since, watch_left, forgotten, slots })
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], RestoreError> {
    let (head, tail) = rest.split_first_chunk::<N>().ok_or(RestoreError::Format)?;
    *rest = tail;
    Ok(*head)
}

#[cfg(test)]
mod tests {
    use super::*;
    use reveille_crypto_ring::PROVIDER;

    #[test]
    fn texts() {
        let key = SnapshotKey::new(PROVIDER, &TokenSecret::from_bytes(&[7; 32]).unwrap()).unwrap();
        let restore = |bytes: &[u8], capacity| {
            let limits = ReplayLimits::default().with_capacity(capacity);
            ReplaySet::restore(bytes, &key, limits, Continuity::Unbroken, UnixTime::EPOCH).unwrap_err()
        };
        insta::assert_snapshot!(restore(b"", 1), @"not a snapshot of a replay set, or of another version");
        let mut set = ReplaySet::complete(3, ReplayLimits::default());
        set.record(crate::TokenId::new([1; 16]), UnixTime::from_secs(9), UnixTime::EPOCH).unwrap();
        let good = set.snapshot(&key, UnixTime::EPOCH);
        insta::assert_snapshot!(restore(&good[..84], 1), @"snapshot of 85 bytes has 84");
        insta::assert_snapshot!(restore(&good, 0), @"snapshot holds more than 0 tokens");
        let mut other = good.clone();
        other[3] = b'1';
        insta::assert_snapshot!(restore(&other, 1), @"not a snapshot of a replay set, or of another version");
        let mut huge = good.clone();
        huge[34..42].fill(0xff);
        insta::assert_snapshot!(restore(&huge, 1), @"snapshot of 18446744073709551615 bytes has 85");
        let mut altered = good;
        altered[50] ^= 1;
        insta::assert_snapshot!(restore(&altered, 1), @"snapshot was altered, or made with another key");
        insta::assert_snapshot!(format!("{key:?}"), @"SnapshotKey { .. }");
    }
}
