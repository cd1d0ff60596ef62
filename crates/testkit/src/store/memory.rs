//! A store in memory: with a disk that can be pulled away, and answers that can be late.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use reveille_conversation::id::PersonId;
use reveille_core::{Jitter, UnixTime};
use reveille_delivery::DeviceId;
use reveille_gateway::store::{
    Claim, Committed, DeviceWrite, Entry, Erased, Held, Letter, LetterKey, Loaded, Lost, Part, Person,
    Refused, ShardId, Snapshot, Store, StoreError, Subject, TokenAnswer, Versioned, Wishes,
};
use reveille_registry::{Conflict, Device, DeviceKey, TokenValue};
use reveille_resume::store::StoreCommand;

use super::data::Data;

/// A store in memory: the model that other stores are compared with, and a store for the tests of whatever drives shards.
/// Clones are other processes that use the same store.
///
/// It can die at any step and forget what was not synced, refuse, and answer late:
///
/// ```
/// use reveille_core::UnixTime;
/// use reveille_gateway::store::{ShardId, Store, StoreError};
/// use reveille_testkit::store::{MemoryStore, block_on};
/// use std::time::Duration;
///
/// let (now, lease) = (UnixTime::from_secs(1_800_000_000), Duration::from_secs(10));
/// let store = MemoryStore::default().with_late_answers(3);
/// // It takes a call in (1), changes (2), syncs (3): it dies after the change, before the sync.
/// store.die_at(2);
/// let answer = block_on(store.claim(&[ShardId(1)], "a", lease, now));
/// assert!(matches!(answer, Err(StoreError::Unknown { .. })));
///
/// let store = store.restart(); // forgot it
/// let claims = block_on(store.claim(&[ShardId(1)], "b", lease, now))?;
/// assert_eq!(claims[0].map(|claim| claim.epoch.0), Ok(1));
/// # Ok::<(), StoreError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    shared: Arc<Mutex<Shared>>,
    /// Handles of before a crash are of no use.
    life: u64,
    late: u32,
}

#[derive(Default)]
struct Shared {
    /// What calls see.
    data: Data,
    /// What was synced.
    disk: Data,
    /// What was not.
    unsynced: Vec<Change>,
    life: u64,
    dead: bool,
    /// How many steps are left before it dies.
    steps: Option<u64>,
    refusals: Vec<StoreError>,
    never_syncs: bool,
}

type Change = Arc<dyn Fn(&mut Data) + Send + Sync>;

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("data", &self.data).finish_non_exhaustive()
    }
}

impl MemoryStore {
    /// Every call is polled this often before its answer is there.
    #[must_use]
    pub fn with_late_answers(self, polls: u32) -> Self {
        Self { late: polls, ..self }
    }

    /// It acknowledges without a sync, as a store must not: what was acknowledged is gone after a crash.
    #[must_use]
    pub fn without_sync(self) -> Self {
        self.lock().never_syncs = true;
        self
    }

    /// It dies at the n-th step from now on. Calls that change something have three: they are taken in, change, and are
    /// synced. 1 is the first step.
    pub fn die_at(&self, step: u64) {
        self.lock().steps = Some(step);
    }

    /// The next call is answered with this error, and does nothing. Several stand in a queue.
    pub fn refuse(&self, error: StoreError) {
        self.lock().refusals.insert(0, error);
    }

    /// The machine loses its power, if it has not died yet, and comes back: what was not synced is gone. Other handles are
    /// of no use from then on.
    #[must_use]
    pub fn restart(&self) -> Self {
        self.restart_with(|_| false)
    }

    /// The same, but some of what was not synced is there, as the order of writes to a disk may have it.
    #[must_use]
    pub fn restart_keeping(&self, seed: u64) -> Self {
        let mut jitter = Jitter::new(seed);
        self.restart_with(|_| jitter.up_to_u64(1) == 0)
    }

    fn restart_with(&self, mut keep: impl FnMut(usize) -> bool) -> Self {
        let mut shared = self.lock();
        let unsynced = std::mem::take(&mut shared.unsynced);
        for (at, change) in unsynced.iter().enumerate() {
            if keep(at) {
                change(&mut shared.disk);
            }
        }
        shared.data = shared.disk.clone();
        (shared.dead, shared.steps) = (false, None);
        shared.refusals.clear();
        shared.life += 1;
        Self { shared: Arc::clone(&self.shared), life: shared.life, late: self.late }
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn wait(&self) {
        let mut polls = self.late;
        std::future::poll_fn(|context| {
            if polls == 0 {
                return Poll::Ready(());
            }
            polls -= 1;
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    async fn read<T>(&self, read: impl FnOnce(&Data) -> T + Send) -> Result<T, StoreError> {
        self.wait().await;
        let mut shared = self.lock();
        shared.open(self.life)?;
        Ok(read(&shared.data))
    }

    async fn write<T>(
        &self,
        change: impl Fn(&mut Data) -> T + Send + Sync + 'static,
    ) -> Result<T, StoreError> {
        let answers = self.write_all(vec![change]).await?;
        answers.into_iter().next().ok_or(StoreError::Closed)
    }

    /// Changes that are synced together, each of which may survive a crash before that by itself.
    async fn write_all<T>(
        &self,
        changes: Vec<impl Fn(&mut Data) -> T + Send + Sync + 'static>,
    ) -> Result<Vec<T>, StoreError> {
        self.wait().await;
        let mut shared = self.lock();
        shared.open(self.life)?;
        if shared.step() {
            return Err(StoreError::Unavailable { detail: "it died before it changed anything".into() });
        }
        let mut answers = Vec::new();
        for change in changes {
            answers.push(change(&mut shared.data));
            shared.unsynced.push(Arc::new(move |data: &mut Data| drop(change(data))));
        }
        if shared.step() {
            return Err(StoreError::Unknown { detail: "it died before the sync".into() });
        }
        if !shared.never_syncs {
            shared.sync();
        }
        if shared.step() {
            return Err(StoreError::Unknown { detail: "it died before the answer".into() });
        }
        Ok(answers)
    }
}

impl Shared {
    fn open(&mut self, life: u64) -> Result<(), StoreError> {
        if self.dead || life != self.life {
            return Err(StoreError::Closed);
        }
        self.refusals.pop().map_or(Ok(()), Err)
    }

    /// Whether it dies here.
    fn step(&mut self) -> bool {
        let Some(left) = &mut self.steps else { return false };
        *left = left.saturating_sub(1);
        self.dead = *left == 0;
        self.dead
    }

    fn sync(&mut self) {
        for change in std::mem::take(&mut self.unsynced) {
            change(&mut self.disk);
        }
    }
}

impl Store for MemoryStore {
    async fn claim(
        &self,
        shards: &[ShardId],
        owner: &str,
        lease: Duration,
        now: UnixTime,
    ) -> Result<Vec<Result<Claim, Held>>, StoreError> {
        let (shards, owner) = (shards.to_vec(), owner.to_owned());
        self.write(move |data| shards.iter().map(|shard| data.claim(*shard, &owner, lease, now)).collect())
            .await
    }

    async fn renew(
        &self,
        claims: &[Claim],
        lease: Duration,
        now: UnixTime,
    ) -> Result<Vec<Result<(), Lost>>, StoreError> {
        let claims = claims.to_vec();
        self.write(move |data| claims.iter().map(|claim| data.renew(*claim, lease, now)).collect()).await
    }

    async fn release(&self, claims: &[Claim]) -> Result<(), StoreError> {
        let claims = claims.to_vec();
        self.write(move |data| claims.iter().for_each(|claim| data.release(*claim))).await
    }

    async fn commit(
        &self,
        parts: Vec<Part>,
        now: UnixTime,
    ) -> Result<Vec<Result<Committed, Refused>>, StoreError> {
        let change = |part: Part| move |data: &mut Data| data.part(&part, now);
        self.write_all(parts.into_iter().map(change).collect()).await
    }

    async fn save(&self, claim: Claim, snapshot: Snapshot) -> Result<Result<(), Refused>, StoreError> {
        self.write(move |data| data.save(claim, &snapshot)).await
    }

    async fn load(&self, shard: ShardId) -> Result<Loaded, StoreError> {
        self.read(|data| data.load(shard)).await
    }

    async fn snapshot(&self, shard: ShardId, next: u64) -> Result<Option<Bytes>, StoreError> {
        self.read(|data| data.snapshot(shard, next)).await
    }

    async fn entries(&self, shard: ShardId, from: u64, bytes: usize) -> Result<Vec<Entry>, StoreError> {
        self.read(|data| data.entries(shard, from, bytes)).await
    }

    async fn people(&self, people: &[PersonId]) -> Result<Vec<Person>, StoreError> {
        self.read(|data| people.iter().map(|person| data.person(person)).collect()).await
    }

    async fn device(&self, key: &DeviceKey) -> Result<Option<Device>, StoreError> {
        self.read(|data| data.device(key)).await
    }

    async fn device_by_id(&self, id: DeviceId) -> Result<Option<Device>, StoreError> {
        self.read(|data| data.device_by_id(id)).await
    }

    async fn devices_with(&self, app: &str, token: &TokenValue) -> Result<Vec<Device>, StoreError> {
        self.read(|data| data.devices_with(app, token)).await
    }

    async fn devices(&self, after: Option<&DeviceKey>, limit: usize) -> Result<Vec<Device>, StoreError> {
        self.read(|data| data.devices(after, limit)).await
    }

    async fn put_devices(&self, writes: Vec<DeviceWrite>) -> Result<Vec<Result<(), Conflict>>, StoreError> {
        let change = |write: DeviceWrite| move |data: &mut Data| data.put_device(&write);
        self.write_all(writes.into_iter().map(change).collect()).await
    }

    async fn put_wishes(
        &self,
        person: &PersonId,
        expected: Option<u64>,
        wishes: Option<&Wishes>,
    ) -> Result<Result<u64, Conflict>, StoreError> {
        let (person, wishes) = (person.clone(), wishes.cloned());
        self.write(move |data| data.put_wishes(&person, expected, wishes.as_ref())).await
    }

    async fn live(&self, subject: &Subject) -> Result<Vec<ShardId>, StoreError> {
        self.read(|data| data.live(subject)).await
    }

    async fn erase(&self, person: &PersonId) -> Result<Erased, StoreError> {
        let person = person.clone();
        self.write(move |data| data.erase(&person)).await
    }

    async fn letters(&self, after: Option<LetterKey>, limit: usize) -> Result<Vec<Letter>, StoreError> {
        self.read(|data| data.letters(after, limit)).await
    }

    async fn remove_letters(&self, letters: &[LetterKey]) -> Result<usize, StoreError> {
        let letters = letters.to_vec();
        self.write(move |data| data.remove_letters(&letters)).await
    }

    async fn token(&self, command: &StoreCommand, now: UnixTime) -> Result<TokenAnswer, StoreError> {
        let command = command.clone();
        self.write(move |data| data.token(&command, now)).await
    }

    async fn sweep(&self, limit: usize, now: UnixTime) -> Result<usize, StoreError> {
        self.write(move |data| data.sweep(limit, now)).await
    }

    async fn secret(&self, name: &str) -> Result<Option<Versioned<Bytes>>, StoreError> {
        self.read(|data| data.secret(name)).await
    }

    async fn secrets(&self) -> Result<Vec<String>, StoreError> {
        self.read(Data::secrets).await
    }

    async fn put_secret(
        &self,
        name: &str,
        expected: Option<u64>,
        bytes: Option<Bytes>,
    ) -> Result<Result<u64, Conflict>, StoreError> {
        let name = name.to_owned();
        self.write(move |data| data.put_secret(&name, expected, bytes.as_ref())).await
    }
}
