//! Who owns a shard, and for how long.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::Epoch;

/// One of the 256 shards: [`Seed::shard`](crate::Seed::shard) says which is a conversation's. Give it to a
/// [`Store`](super::Store) to name a shard's log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs, reason = "a number under a name")]
pub struct ShardId(pub u8);

impl ShardId {
    /// All 256 of them, rising.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..=u8::MAX).map(Self)
    }
}

/// The right to write to a shard: returned by [`Store::claim`](super::Store::claim), to be shown with every write.
///
/// It proves nothing by itself: the store compares the epoch with each write, so a claim that was overtaken is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(clippy::exhaustive_structs, reason = "plain data that users make and take apart")]
pub struct Claim {
    /// Of which shard.
    pub shard: ShardId,
    /// Under which epoch. Admit it as [`Input::Owner`](crate::Input::Owner) after the replay.
    pub epoch: Epoch,
}

/// Somebody else has the shard: the answer of [`Store::claim`](super::Store::claim) then. Ask again when its lease is over,
/// or when the owner has released it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("shard {} has another owner, whose lease lasts {} ms more", .shard.0, .remaining.as_millis())]
#[allow(clippy::exhaustive_structs, reason = "it says all there is to say")]
pub struct Held {
    /// Which shard.
    pub shard: ShardId,
    /// How long the lease lasts if it is not renewed; never more than was asked for when it was taken.
    pub remaining: Duration,
}

/// Somebody else has claimed the shard since, or it was released: the answer of [`Store::renew`](super::Store::renew) then.
/// Drop the shard; whatever it has not committed is the new owner's to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("shard {} is at epoch {}, which is not this owner's", .shard.0, .epoch.0)]
#[allow(clippy::exhaustive_structs, reason = "it says all there is to say")]
pub struct Lost {
    /// Which shard.
    pub shard: ShardId,
    /// The epoch that it is at.
    pub epoch: Epoch,
}
