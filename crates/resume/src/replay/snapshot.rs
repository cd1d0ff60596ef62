//! A replay set as bytes.

use reveille_core::UnixTime;
use thiserror::Error;

use super::set::{ReplayLimits, ReplaySet, floor_secs};
use super::slot::{SLOT_LEN, Slot};

const MAGIC: &[u8; 4] = b"rrs1";
const HEADER_LEN: usize = 26;

/// Whether uses can have happened between a snapshot and its restoration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Continuity {
    /// None: the process stopped in order, or every commit since is going to be [`record`](ReplaySet::record)ed.
    Unbroken,
    /// Some, perhaps: the process crashed. Tokens issued until now are then refused; those that the snapshot knows as
    /// used stay known as such. Reservations lapse: since the snapshot their tokens may have been used by others.
    Broken,
}

/// Why bytes are not a snapshot that can be restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// Not a snapshot, or of another version.
    #[error("not a snapshot of a replay set, or of another version")]
    Format,
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
        /// Tokens allowed.
        capacity: usize,
    },
}

impl ReplaySet {
    /// Everything that is needed to go on: 26 bytes, and 27 for each live token. Keep it where nobody can change it:
    /// whoever can, can use tokens twice.
    ///
    /// ```text
    /// "rrs1" │shard 1 │warm 1 │complete since, ms 8 │forgotten, s 4 │count 8 │slots 27 each
    /// ```
    #[must_use]
    pub fn snapshot(&self, now: UnixTime) -> Vec<u8> {
        let now_s = floor_secs(now);
        let count = self.live_slots(now_s).count();
        // What is left out counts as forgotten.
        let swept = self.live_slots(0).map(Slot::keep_until).filter(|end| *end <= now_s).max();
        let forgotten = self.forgotten.max(swept.unwrap_or_default());
        let mut out = Vec::with_capacity(HEADER_LEN + count * SLOT_LEN);
        out.extend_from_slice(MAGIC);
        out.push(self.shard);
        out.push(u8::from(self.complete_since.is_none()));
        out.extend_from_slice(&self.complete_since.unwrap_or_default().as_millis().to_be_bytes());
        out.extend_from_slice(&forgotten.to_be_bytes());
        out.extend_from_slice(&(count as u64).to_be_bytes());
        for slot in self.live_slots(now_s) {
            out.extend_from_slice(&slot.to_bytes());
        }
        out
    }

    /// A set from its snapshot.
    ///
    /// # Errors
    /// [`RestoreError`].
    pub fn restore(
        snapshot: &[u8],
        limits: ReplayLimits,
        continuity: Continuity,
        now: UnixTime,
    ) -> Result<Self, RestoreError> {
        let (header, slots) = snapshot.split_first_chunk::<HEADER_LEN>().ok_or(RestoreError::Format)?;
        let (magic, header) = header.split_first_chunk::<4>().ok_or(RestoreError::Format)?;
        let ([shard, warm], header) = header.split_first_chunk::<2>().ok_or(RestoreError::Format)?;
        let (since, header) = header.split_first_chunk::<8>().ok_or(RestoreError::Format)?;
        let (forgotten, count) = header.split_first_chunk::<4>().ok_or(RestoreError::Format)?;
        let count = u64::from_be_bytes(count.try_into().map_err(|_| RestoreError::Format)?);
        if magic != MAGIC || *warm > 1 {
            return Err(RestoreError::Format);
        }
        let (chunks, rest) = slots.as_chunks::<SLOT_LEN>();
        if chunks.len() as u64 != count || !rest.is_empty() {
            return Err(RestoreError::Length {
                expected: count.saturating_mul(SLOT_LEN as u64).saturating_add(HEADER_LEN as u64),
                given: snapshot.len() as u64,
            });
        }
        let mut set = Self::complete(*shard, limits);
        set.complete_since = (*warm == 0).then_some(UnixTime::from_millis(u64::from_be_bytes(*since)));
        set.forgotten = u32::from_be_bytes(*forgotten);
        for chunk in chunks {
            let mut slot = Slot::from_bytes(chunk).ok_or(RestoreError::Format)?;
            if continuity == Continuity::Broken {
                slot.release();
            }
            set.adopt(slot, floor_secs(now))
                .map_err(|_| RestoreError::Capacity { capacity: limits.capacity })?;
        }
        if continuity == Continuity::Broken {
            set.mark_cold(now);
        }
        Ok(set)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        let restore = |bytes: &[u8], capacity| {
            let limits = ReplayLimits { capacity, ..ReplayLimits::default() };
            ReplaySet::restore(bytes, limits, Continuity::Unbroken, UnixTime::EPOCH).unwrap_err()
        };
        insta::assert_snapshot!(restore(b"", 1), @"not a snapshot of a replay set, or of another version");
        let mut set = ReplaySet::complete(3, ReplayLimits::default());
        set.record(crate::TokenId::new([1; 16]), UnixTime::from_secs(9), UnixTime::EPOCH).unwrap();
        let good = set.snapshot(UnixTime::EPOCH);
        insta::assert_snapshot!(restore(&good[..52], 1), @"snapshot of 53 bytes has 52");
        insta::assert_snapshot!(restore(&good, 0), @"snapshot holds more than 0 tokens");
        let mut other = good.clone();
        other[3] = b'2';
        insta::assert_snapshot!(restore(&other, 1), @"not a snapshot of a replay set, or of another version");
        let mut huge = good;
        huge[18..26].fill(0xff);
        insta::assert_snapshot!(restore(&huge, 1), @"snapshot of 18446744073709551615 bytes has 53");
    }
}
