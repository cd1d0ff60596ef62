//! A shard's log: groups, snapshots, and what is refused.

use bytes::Bytes;
use reveille_core::UnixTime;
use reveille_registry::{Conflict, DeviceKey};
use thiserror::Error;

use super::{Claim, Effects};
use crate::Epoch;

/// What one shard contributes to a [`commit`](super::Store::commit): a group, effects, or both. It is taken as a whole, or
/// refused as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "plain data that users make and take apart")]
pub struct Part {
    /// Of which shard, and by which right.
    pub claim: Claim,
    /// The group that is appended.
    pub entry: Option<Entry>,
    /// What follows from earlier groups, or from this one.
    pub effects: Option<Effects>,
}

impl Part {
    /// A group without effects.
    #[must_use]
    pub const fn new(claim: Claim, entry: Entry) -> Self {
        Self { claim, entry: Some(entry), effects: None }
    }

    /// Effects without a group.
    #[must_use]
    pub const fn of_effects(claim: Claim, effects: Effects) -> Self {
        Self { claim, entry: None, effects: Some(effects) }
    }

    /// Adds the effects of earlier groups, or of this one.
    #[must_use]
    pub fn with_effects(self, effects: Effects) -> Self {
        Self { effects: Some(effects), ..self }
    }
}

/// One group in a shard's log: make it of a [`Sealed`](crate::log::Sealed), and of it a
/// [`LogEntry`](reveille_core::log::LogEntry) for [`Shard::replay`](crate::Shard::replay).
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "plain data that users make and take apart")]
pub struct Entry {
    /// The number of its first input ([`Sealed::number`](crate::log::Sealed::number)): the first entry has 1, each later one
    /// the [`next`](Self::next) of the one before.
    pub number: u64,
    /// The number that the entry after it has ([`Sealed::next_number`](crate::log::Sealed::next_number)): higher than `number`.
    pub next: u64,
    /// When it happens.
    pub now: UnixTime,
    /// The group, sealed.
    pub bytes: Bytes,
}

/// A whole shard between two groups. Keep it with [`Store::save`](super::Store::save).
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "plain data that users make and take apart")]
pub struct Snapshot {
    /// The number of the first input that is not in it ([`Shard::next_number`](crate::Shard::next_number)).
    pub next: u64,
    /// What [`Shard::snapshot`](crate::Shard::snapshot) wrote, sealed.
    pub bytes: Bytes,
}

/// How far a shard is: returned by [`Store::load`](super::Store::load). Restore the first snapshot that can be read, replay
/// the [`entries`](super::Store::entries) from there on, and apply effects of inputs after `done`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "plain data that users make and take apart")]
pub struct Loaded {
    /// Under which epoch it is; 0 if it was never claimed.
    pub epoch: Epoch,
    /// The number that the next entry has to have; 1 for an empty log.
    pub next: u64,
    /// Effects are applied up to the input with this number; 0 for none.
    pub done: u64,
    /// The snapshots that are kept, by [`Snapshot::next`], the newest first. Two at most.
    pub snapshots: Vec<u64>,
}

/// A part was taken in: returned by [`Store::commit`](super::Store::commit) with what is still to be said about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "plain data that users make and take apart")]
pub struct Committed {
    /// Changes of devices that were not made, because the record has another revision. Read it again and decide again:
    /// [`Store::put_devices`](super::Store::put_devices).
    pub conflicts: Vec<(DeviceKey, Conflict)>,
}

/// Why a shard's write was not taken: the answer of [`Store::commit`](super::Store::commit) and
/// [`Store::save`](super::Store::save) then. Nothing of the part is there. Drop the shard, and load it again if it is still
/// yours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Refused {
    /// Somebody has claimed the shard since, or it was released.
    #[error("the shard is at epoch {}, which is not this owner's", .epoch.0)]
    Stale {
        /// The epoch that it is at.
        epoch: Epoch,
    },
    /// The entry is not the next one, or ends before it begins; or the snapshot is behind the newest, or ahead of the log.
    #[error("number {given} does not fit: the log goes on at {next}")]
    Number {
        /// The number that the next entry has to have.
        next: u64,
        /// What the entry or the snapshot has.
        given: u64,
    },
    /// The effects are not those that come next, or of inputs that are not in the log.
    #[error("effects after {given} do not fit: they are done up to {done}")]
    Effects {
        /// Up to which input effects are done.
        done: u64,
        /// After which input these begin.
        given: u64,
    },
}
