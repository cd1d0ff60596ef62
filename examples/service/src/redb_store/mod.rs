//! The store of one machine: a file of [redb], a thread of its own that commits, and nothing to set up.
//!
//! Every change is a piece of work that the thread takes up; what waits while one commit is under way goes into the next,
//! as one transaction with one sync (group commit), all shards together. Reads go past the thread, from whatever was
//! committed last. They read from the file what is not in the cache, in the task that asks.
//!
//! | trouble | what happens |
//! |---|---|
//! | `kill -9`, loss of power | what was acknowledged is there at the next start: tested on a disk that forgets what was not synced |
//! | the disk is full | [`StoreError::Full`], nothing of that group was changed, and it goes on by itself when there is room |
//! | the disk became read-only | [`StoreError::ReadOnly`], the same |
//! | a sync fails | [`StoreError::Unknown`], then [`StoreError::Closed`]: what the system's cache shows may not be on the disk |
//! | the file is damaged, foreign, or of a newer release | it is not opened, and not changed |
//! | a second process | [`StoreError::InUse`] |
//!
//! Devices are sealed with the store's key, tokens are found by a keyed hash: a copy of the file holds no token, endpoint or
//! key. Names of persons, apps and devices are in clear, because they are what is looked up.
//!
//! That no two processes have the file open is what lets a start take all shards at once: leases of a process that is gone
//! are void, their epochs are not.

mod answers;
mod disk;
mod failure;
mod forgetful;
mod reads;
mod rows;
mod tables;
mod thread;
mod writes;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reveille_conversation::id::PersonId;
use reveille_core::UnixTime;
use reveille_delivery::DeviceId;
use reveille_gateway::store::seal::Sealer;
use reveille_gateway::store::{
    Claim, Committed, DeviceWrite, Entry, Erased, Held, Letter, LetterKey, Loaded, Lost, Part, Person,
    Refused, ShardId, Snapshot, Store, StoreError, Subject, TokenAnswer, Versioned, Wishes,
};
use reveille_registry::{Conflict, Device, DeviceKey, TokenValue};
use reveille_resume::store::StoreCommand;

pub use answers::CommitTimes;
pub use disk::{Disk, FileDisk};
pub use forgetful::ForgetfulDisk;
use thread::Thread;

/// How a [`RedbStore`] works.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RedbSettings {
    /// How long a commit waits for more work after the first piece has come. 0 by default: what comes while the disk syncs
    /// is together anyway.
    pub linger: Duration,
    /// How many pieces of work one commit takes at most.
    pub group: usize,
    /// How much memory is used for pages of the file, in bytes. 256 MiB by default.
    pub cache: usize,
    /// Whether a start after a crash is quick, at the price of a second sync for every commit. Without it the first start
    /// after a crash reads the whole file.
    pub quick_repair: bool,
    /// Seals the devices with their tokens, endpoints and keys, and makes the hashes by which tokens are found.
    pub sealer: Sealer,
}

impl RedbSettings {
    /// With the store's key. What it sealed before can be read as long as the keys of before are
    /// [beside it](Sealer::with_old), and is sealed anew by [`RedbStore::reseal`].
    #[must_use]
    pub const fn new(sealer: Sealer) -> Self {
        Self { linger: Duration::ZERO, group: 1_024, cache: 256 << 20, quick_repair: true, sealer }
    }
}

/// A [`Store`] in one file. Clones share it; the file is closed when the last one is dropped, after all work is done.
#[derive(Clone, Debug)]
pub struct RedbStore {
    thread: Arc<Thread>,
}

impl RedbStore {
    /// Opens the store in a file, or makes a new one that only its owner may read.
    ///
    /// # Errors
    /// [`StoreError`] says what is in the way. The file is as it was.
    pub fn open(path: impl Into<PathBuf>, settings: RedbSettings) -> Result<Self, StoreError> {
        Self::on(Arc::new(FileDisk::new(path)), settings)
    }

    /// Opens the store on another disk: for tests of crashes.
    ///
    /// # Errors
    /// [`StoreError`]
    pub fn on(disk: Arc<dyn Disk>, settings: RedbSettings) -> Result<Self, StoreError> {
        Ok(Self { thread: Arc::new(Thread::start(disk, settings)?) })
    }

    /// Seals the devices of up to `limit` persons behind this one anew that an older key sealed. Gives the last person that
    /// was looked at; `None` if there are no more.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn reseal(&self, after: &str, limit: usize) -> Result<Option<String>, StoreError> {
        let after = after.to_owned();
        self.thread.write(move |writes| writes.reseal(&after, limit)).await
    }

    /// How long commits took so far.
    #[must_use]
    pub fn times(&self) -> CommitTimes {
        self.thread.times()
    }
}

impl Store for RedbStore {
    async fn claim(
        &self,
        shards: &[ShardId],
        owner: &str,
        lease: Duration,
        now: UnixTime,
    ) -> Result<Vec<Result<Claim, Held>>, StoreError> {
        let (shards, owner) = (shards.to_vec(), owner.to_owned());
        self.thread
            .write(move |writes| {
                shards.into_iter().map(|shard| writes.claim(shard, &owner, lease, now)).collect()
            })
            .await
    }

    async fn renew(
        &self,
        claims: &[Claim],
        lease: Duration,
        now: UnixTime,
    ) -> Result<Vec<Result<(), Lost>>, StoreError> {
        let claims = claims.to_vec();
        self.thread
            .write(move |writes| claims.into_iter().map(|claim| writes.renew(claim, lease, now)).collect())
            .await
    }

    async fn release(&self, claims: &[Claim]) -> Result<(), StoreError> {
        let claims = claims.to_vec();
        self.thread.write(move |writes| claims.into_iter().try_for_each(|claim| writes.release(claim))).await
    }

    async fn commit(
        &self,
        parts: Vec<Part>,
        now: UnixTime,
    ) -> Result<Vec<Result<Committed, Refused>>, StoreError> {
        self.thread.write(move |writes| parts.into_iter().map(|part| writes.part(part, now)).collect()).await
    }

    async fn save(&self, claim: Claim, snapshot: Snapshot) -> Result<Result<(), Refused>, StoreError> {
        self.thread.write(move |writes| writes.save(claim, &snapshot)).await
    }

    async fn load(&self, shard: ShardId) -> Result<Loaded, StoreError> {
        self.thread.read(|reads| reads.load(shard))
    }

    async fn snapshot(&self, shard: ShardId, next: u64) -> Result<Option<Bytes>, StoreError> {
        self.thread.read(|reads| reads.snapshot(shard, next))
    }

    async fn entries(&self, shard: ShardId, from: u64, bytes: usize) -> Result<Vec<Entry>, StoreError> {
        self.thread.read(|reads| reads.entries(shard, from, bytes))
    }

    async fn people(&self, people: &[PersonId]) -> Result<Vec<Person>, StoreError> {
        self.thread.read(|reads| reads.people(people))
    }

    async fn device(&self, key: &DeviceKey) -> Result<Option<Device>, StoreError> {
        self.thread.read(|reads| reads.device(key))
    }

    async fn device_by_id(&self, id: DeviceId) -> Result<Option<Device>, StoreError> {
        self.thread.read(|reads| reads.device_by_id(id))
    }

    async fn devices_with(&self, app: &str, token: &TokenValue) -> Result<Vec<Device>, StoreError> {
        self.thread.read(|reads| reads.devices_with(app, token))
    }

    async fn devices(&self, after: Option<&DeviceKey>, limit: usize) -> Result<Vec<Device>, StoreError> {
        self.thread.read(|reads| reads.devices(after, limit))
    }

    async fn put_devices(&self, writes: Vec<DeviceWrite>) -> Result<Vec<Result<(), Conflict>>, StoreError> {
        self.thread
            .write(move |tables| writes.into_iter().map(|write| tables.put_device(&write)).collect())
            .await
    }

    async fn put_wishes(
        &self,
        person: &PersonId,
        expected: Option<u64>,
        wishes: Option<&Wishes>,
    ) -> Result<Result<u64, Conflict>, StoreError> {
        let (person, json) = (person.clone(), wishes.map(Wishes::to_json));
        self.thread
            .write(move |writes| {
                writes.put_wishes(person.as_str(), expected, json.as_deref().map(str::as_bytes))
            })
            .await
    }

    async fn live(&self, subject: &Subject) -> Result<Vec<ShardId>, StoreError> {
        self.thread.read(|reads| reads.live(subject))
    }

    async fn erase(&self, person: &PersonId) -> Result<Erased, StoreError> {
        let person = person.clone();
        self.thread.write(move |writes| writes.erase(person.as_str())).await
    }

    async fn letters(&self, after: Option<LetterKey>, limit: usize) -> Result<Vec<Letter>, StoreError> {
        self.thread.read(|reads| reads.letters(after, limit))
    }

    async fn remove_letters(&self, letters: &[LetterKey]) -> Result<usize, StoreError> {
        let letters = letters.to_vec();
        self.thread
            .write(move |writes| {
                letters.into_iter().try_fold(0, |all, key| Ok(all + usize::from(writes.remove_letter(key)?)))
            })
            .await
    }

    async fn token(&self, command: &StoreCommand, now: UnixTime) -> Result<TokenAnswer, StoreError> {
        let command = command.clone();
        self.thread.write(move |writes| writes.token(&command, now)).await
    }

    async fn sweep(&self, limit: usize, now: UnixTime) -> Result<usize, StoreError> {
        self.thread.write(move |writes| writes.sweep(limit, now)).await
    }

    async fn secret(&self, name: &str) -> Result<Option<Versioned<Bytes>>, StoreError> {
        self.thread.read(|reads| reads.secret(name))
    }

    async fn secrets(&self) -> Result<Vec<String>, StoreError> {
        self.thread.read(|reads| reads.secrets())
    }

    async fn put_secret(
        &self,
        name: &str,
        expected: Option<u64>,
        bytes: Option<Bytes>,
    ) -> Result<Result<u64, Conflict>, StoreError> {
        let name = name.to_owned();
        self.thread.write(move |writes| writes.put_secret(&name, expected, bytes.as_deref())).await
    }
}
