//! What must last: the trait [`Store`], its plain data, and [sealing](seal) of what lies in it.
//!
//! A store keeps the shards' logs and snapshots, the devices and wishes of persons, dead letters, used tokens, secrets, and
//! who owns which shard. Any process may own any shard: nothing here assumes that there is one process, or one file.
//! `reveille_testkit::store` has a store in memory, and the conformance suite that every store has to pass.
//!
//! | at a start | in operation | at the end |
//! |---|---|---|
//! | [`claim`](Store::claim) shards | [`commit`](Store::commit) groups and effects | [`save`](Store::save) a last snapshot |
//! | [`load`](Store::load), [`snapshot`](Store::snapshot), [`entries`](Store::entries) | [`renew`](Store::renew) the leases | [`release`](Store::release) |
//! | [`Shard::replay`](crate::Shard::replay), effects from [`Loaded::done`] on | [`save`](Store::save) snapshots | |

mod effects;
mod error;
mod lease;
mod log;
mod person;
pub mod seal;
mod token;

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use reveille_conversation::id::PersonId;
use reveille_core::UnixTime;
use reveille_delivery::DeviceId;
use reveille_registry::{Conflict, Device, DeviceKey, TokenValue};
use reveille_resume::store::StoreCommand;

pub use effects::{DeviceWrite, Effects, Letter, LetterKey, Subject};
pub use error::StoreError;
pub use lease::{Claim, Held, Lost, ShardId};
pub use log::{Committed, Entry, Loaded, Part, Refused, Snapshot};
pub use person::{Erased, InvalidWishes, Person, QuietWish, Versioned, Wishes};
pub use token::TokenAnswer;

/// Where a gateway keeps what must last. Implement it for a database; drivers of [`Shard`](crate::Shard)s are written
/// against it, and run on any runtime: the futures are polled by whoever has one.
///
/// Promises of every store, which the conformance suite in `reveille_testkit::store` checks:
///
/// 1. **`Ok` is durable.** What a method changed is there after any crash, once its future is ready. Whoever drops a future
///    before does not know whether its change is there.
/// 2. **Everything or nothing.** A [`Part`], a [`DeviceWrite`], a snapshot is there as a whole, or not at all. A crash may keep
///    some parts of a commit and not others, but only of one whose future was not ready.
/// 3. **One owner writes.** A shard's log, snapshots and effects take what has the shard's present [`Epoch`](crate::Epoch),
///    and nothing else: a process that slept finds out by its first write.
/// 4. **Reads are fresh.** What was acknowledged before a read began is seen by it, also in another process.
/// 5. **Shards fail alone.** One that is refused keeps no other one from being committed.
/// 6. **An error loses nothing.** [`StoreError::is_certain`] says whether nothing was changed for certain.
///
/// Bytes come [sealed](seal), and are kept as they are.
///
/// `now` is the caller's time. A store that several machines share measures leases and expiry with its own clock instead:
/// then nobody's clock has to be right.
pub trait Store: Send + Sync + 'static {
    /// Takes the leases of shards, each by itself, in the order given. A shard is free if nobody has it, if its lease is
    /// over, or if `owner` has it, who was restarted then. Every claim raises the shard's epoch, so that no two owners
    /// ever write under the same.
    ///
    /// `owner` names a process: the same after a restart, another one for every process that may run at the same time. Two
    /// that share a name take each other's shards away, but lose nothing.
    ///
    /// # Errors
    /// [`StoreError`]
    fn claim(
        &self,
        shards: &[ShardId],
        owner: &str,
        lease: Duration,
        now: UnixTime,
    ) -> impl Future<Output = Result<Vec<Result<Claim, Held>>, StoreError>> + Send;

    /// Makes leases last until `now + lease`, each by itself, in the order given. Also one that is over, as long as nobody
    /// else has claimed the shard. Measure the time that is left from before the call.
    ///
    /// # Errors
    /// [`StoreError`]: the leases are as they were, or renewed.
    fn renew(
        &self,
        claims: &[Claim],
        lease: Duration,
        now: UnixTime,
    ) -> impl Future<Output = Result<Vec<Result<(), Lost>>, StoreError>> + Send;

    /// Gives shards back: others can claim them at once, and nothing more is taken under these claims. Claims that are lost
    /// already are passed over.
    ///
    /// # Errors
    /// [`StoreError`]: then the leases run out by themselves.
    fn release(&self, claims: &[Claim]) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Appends groups to the logs of many shards, with the effects of earlier ones, in one go. One answer for each part, in
    /// their order; each part is taken as a whole or refused as a whole, and several parts of one shard are taken in their
    /// order. A change of a device that came too late refuses nothing: it is in [`Committed::conflicts`].
    ///
    /// # Errors
    /// [`StoreError`] for all parts. Unless it [is certain](StoreError::is_certain), [`load`](Self::load) each shard to see
    /// which parts are there.
    fn commit(
        &self,
        parts: Vec<Part>,
        now: UnixTime,
    ) -> impl Future<Output = Result<Vec<Result<Committed, Refused>>, StoreError>> + Send;

    /// Keeps a snapshot. Two are kept, the newest ones; entries of the log that the older one covers are deleted. One with
    /// the number of the newest takes its place.
    ///
    /// # Errors
    /// [`StoreError`]
    fn save(
        &self,
        claim: Claim,
        snapshot: Snapshot,
    ) -> impl Future<Output = Result<Result<(), Refused>, StoreError>> + Send;

    /// How far a shard is. Anybody may ask; a shard that nobody ever claimed is at its beginning.
    ///
    /// # Errors
    /// [`StoreError`]
    fn load(&self, shard: ShardId) -> impl Future<Output = Result<Loaded, StoreError>> + Send;

    /// One of the snapshots that [`Loaded::snapshots`] names, or `None` if it is not kept any more.
    ///
    /// # Errors
    /// [`StoreError`]
    fn snapshot(
        &self,
        shard: ShardId,
        next: u64,
    ) -> impl Future<Output = Result<Option<Bytes>, StoreError>> + Send;

    /// Entries of the log with inputs numbered `from` or higher, in order: at least one if there is one, and then as many as
    /// fit into `bytes`. Ask again from the last one's [`Entry::next`] until none comes.
    ///
    /// # Errors
    /// [`StoreError`]
    fn entries(
        &self,
        shard: ShardId,
        from: u64,
        bytes: usize,
    ) -> impl Future<Output = Result<Vec<Entry>, StoreError>> + Send;

    /// What is known of persons: one answer for each, in the order given; who is not known has no devices and no wishes.
    ///
    /// # Errors
    /// [`StoreError`]
    fn people(&self, people: &[PersonId]) -> impl Future<Output = Result<Vec<Person>, StoreError>> + Send;

    /// A device by its name.
    ///
    /// # Errors
    /// [`StoreError`]
    fn device(&self, key: &DeviceKey) -> impl Future<Output = Result<Option<Device>, StoreError>> + Send;

    /// A device by the id that the gateway gives it ([`Seed::device_of`](crate::Seed::device_of)).
    ///
    /// # Errors
    /// [`StoreError`]
    fn device_by_id(&self, id: DeviceId) -> impl Future<Output = Result<Option<Device>, StoreError>> + Send;

    /// The devices of an app that have this token, whatever it is for, in the order of their names.
    ///
    /// # Errors
    /// [`StoreError`]
    fn devices_with(
        &self,
        app: &str,
        token: &TokenValue,
    ) -> impl Future<Output = Result<Vec<Device>, StoreError>> + Send;

    /// Up to `limit` devices behind `after`, in the order of their names (app, then device, as bytes): for sweeps over all.
    ///
    /// # Errors
    /// [`StoreError`]
    fn devices(
        &self,
        after: Option<&DeviceKey>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Device>, StoreError>> + Send;

    /// Commits decisions of the registry, each by itself: one whose record has another revision by now is a [`Conflict`].
    /// Answers in the order given.
    ///
    /// # Errors
    /// [`StoreError`]
    fn put_devices(
        &self,
        writes: Vec<DeviceWrite>,
    ) -> impl Future<Output = Result<Vec<Result<(), Conflict>>, StoreError>> + Send;

    /// Sets what a person wishes, if the revision is `expected` (`None`: there are none), or deletes it. Gives the new
    /// revision.
    ///
    /// # Errors
    /// [`StoreError`]
    fn put_wishes(
        &self,
        person: &PersonId,
        expected: Option<u64>,
        wishes: Option<&Wishes>,
    ) -> impl Future<Output = Result<Result<u64, Conflict>, StoreError>> + Send;

    /// Shards in which something of a person or a queue is live, rising.
    ///
    /// # Errors
    /// [`StoreError`]
    fn live(&self, subject: &Subject) -> impl Future<Output = Result<Vec<ShardId>, StoreError>> + Send;

    /// Deletes what is kept of a person outside the logs: devices, wishes, count of unread messages, dead letters.
    ///
    /// What shards hold of them is dropped by an input to each of the shards that [`live`](Self::live) names, which also
    /// takes them out of that index; log and snapshots forget them when two newer snapshots are [saved](Self::save), within
    /// the retention that the driver sets. Erase once more after that, if devices may have been registered meanwhile.
    ///
    /// # Errors
    /// [`StoreError`]
    fn erase(&self, person: &PersonId) -> impl Future<Output = Result<Erased, StoreError>> + Send;

    /// Up to `limit` dead letters behind `after`, in the order of their keys.
    ///
    /// # Errors
    /// [`StoreError`]
    fn letters(
        &self,
        after: Option<LetterKey>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Letter>, StoreError>> + Send;

    /// Deletes dead letters. Says how many were there.
    ///
    /// # Errors
    /// [`StoreError`]
    fn remove_letters(&self, letters: &[LetterKey])
    -> impl Future<Output = Result<usize, StoreError>> + Send;

    /// Runs a command of [`reveille_resume`]'s single use, as one step.
    ///
    /// # Errors
    /// [`StoreError`]: give [`StoreReply::Unavailable`](reveille_resume::store::StoreReply::Unavailable) or
    /// [`StoreChange::Unavailable`](reveille_resume::store::StoreChange::Unavailable) to whoever asked.
    fn token(
        &self,
        command: &StoreCommand,
        now: UnixTime,
    ) -> impl Future<Output = Result<TokenAnswer, StoreError>> + Send;

    /// Deletes up to `limit` uses of tokens whose time is over, and says how many. Call it now and then; nothing but the
    /// size of the store depends on it.
    ///
    /// # Errors
    /// [`StoreError`]
    fn sweep(&self, limit: usize, now: UnixTime) -> impl Future<Output = Result<usize, StoreError>> + Send;

    /// A secret by its name: a credential, a key. It comes sealed as it was put.
    ///
    /// # Errors
    /// [`StoreError`]
    fn secret(&self, name: &str)
    -> impl Future<Output = Result<Option<Versioned<Bytes>>, StoreError>> + Send;

    /// The names of all secrets, in the order of their bytes.
    ///
    /// # Errors
    /// [`StoreError`]
    fn secrets(&self) -> impl Future<Output = Result<Vec<String>, StoreError>> + Send;

    /// Sets a secret, if its revision is `expected` (`None`: there is none), or deletes it. Gives the new revision. With
    /// `expected: None`, two processes that start for the first time make one key.
    ///
    /// # Errors
    /// [`StoreError`]
    fn put_secret(
        &self,
        name: &str,
        expected: Option<u64>,
        bytes: Option<Bytes>,
    ) -> impl Future<Output = Result<Result<u64, Conflict>, StoreError>> + Send;
}
