//! What a shard's groups change outside the shard.

use bytes::Bytes;
use reveille_conversation::id::{PersonId, QueueId};
use reveille_core::UnixTime;
use reveille_delivery::dead::DeadId;
use reveille_delivery::{DeviceId, JobId};
use reveille_registry::{Decision, DeviceKey};
use reveille_resume::store::StoreCommand;

use super::ShardId;

/// What follows from the inputs numbered `after + 1` to `upto` of a shard, for the rest of the store. Make it of the
/// outputs that [are effects](crate::Output::is_effect), and give it to [`Store::commit`](super::Store::commit).
///
/// Effects are applied exactly once: they are taken only if the shard's effects are done up to `after`, and then they are
/// done up to `upto`. Effects that are done already (`upto` is not beyond that) are passed over without a word, so whoever
/// got no answer may give them again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "plain data that users make and take apart")]
pub struct Effects {
    /// Up to which input effects are done before this.
    pub after: u64,
    /// Up to which input they are done afterwards: an input that is in the log, or is appended in the same part.
    pub upto: u64,
    /// Changes of devices. One that comes too late is reported, and the rest is done.
    pub devices: Vec<DeviceWrite>,
    /// Dead letters that are added; one with the same number takes the other's place.
    pub letters: Vec<Letter>,
    /// Dead letters that are no more: sent again, or discarded.
    pub discarded: Vec<DeadId>,
    /// Persons and queues of which something is live in this shard now (`true`), or nothing is any more.
    pub live: Vec<(Subject, bool)>,
    /// By how much the sum changes that the store keeps for a person over all shards, for the badge of their apps. No output of
    /// the gateway says it: fill it if you count yourself what is not read. If nobody does, apps count for themselves.
    pub badges: Vec<(PersonId, i64)>,
    /// Uses of tokens. Their answers are not reported.
    pub tokens: Vec<StoreCommand>,
}

impl Effects {
    /// No effects yet, of inputs numbered `after + 1` to `upto`.
    #[must_use]
    pub fn new(after: u64, upto: u64) -> Self {
        Self { after, upto, ..Self::default() }
    }
}

/// A decision of the registry about one device, to be committed if the record still has the revision that it was made on.
/// Give it to [`Store::put_devices`](super::Store::put_devices), or put it into [`Effects`].
///
/// `Debug` shows no token.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "plain data that users make and take apart")]
pub struct DeviceWrite {
    /// The device's name.
    pub key: DeviceKey,
    /// Its id in the gateway ([`Seed::device_of`](crate::Seed::device_of)), by which
    /// [`Store::device_by_id`](super::Store::device_by_id) finds it.
    pub id: DeviceId,
    /// What was decided. Its consequences are the caller's to see to.
    pub decision: Decision,
}

/// Something that could not be delivered, for an operator's list. The shard keeps what is needed to send it again
/// ([`Command::Redrive`](crate::Command::Redrive)); this is what people read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "plain data that users make and take apart")]
pub struct Letter {
    /// Its name.
    pub key: LetterKey,
    /// The job that it is about.
    pub job: JobId,
    /// Whom it was for: their letters go when they are [erased](super::Store::erase).
    pub person: PersonId,
    /// When it died.
    pub died: UnixTime,
    /// What else is to be shown, sealed.
    pub bytes: Bytes,
}

/// The name of a dead letter in all shards. Give it to [`Store::remove_letters`](super::Store::remove_letters); letters are
/// listed in the order of their keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(clippy::exhaustive_structs, reason = "plain data that users make and take apart")]
pub struct LetterKey {
    /// The shard that has it.
    pub shard: ShardId,
    /// Its number there.
    pub letter: DeadId,
}

/// Whom an event concerns that belongs to no conversation: give it to [`Store::live`](super::Store::live) to learn which
/// shards have to be told.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Subject {
    /// A person: presence, log-out, "what rings for me".
    Person(PersonId),
    /// A queue: estimated wait, closing time.
    Queue(QueueId),
}
