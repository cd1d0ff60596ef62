//! A store in memory that commits when it may, and fails when it is told to.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use bytes::Bytes;
use reveille_conversation::id::PersonId;
use reveille_core::UnixTime;
use reveille_delivery::DeviceId;
use reveille_example_service::clock::Clock;
use reveille_example_service::keys::Keys;
use reveille_example_service::service::Service;
use reveille_example_service::settings::Settings;
use reveille_example_service::twins::Twins;
use reveille_gateway::store::{
    Claim, Committed, DeviceWrite, Entry, Erased, Held, Letter, LetterKey, Loaded, Lost, Part, Person,
    Refused, ShardId, Snapshot, Store, StoreError, Subject, TokenAnswer, Versioned, Wishes,
};
use reveille_registry::{Conflict, Device, DeviceKey, TokenValue};
use reveille_resume::store::StoreCommand;
use reveille_testkit::store::MemoryStore;
use tokio::sync::Semaphore;

use super::{Caller, Folder};
use crate::service::register;

/// A service on such a store, with devices.
pub struct Scene {
    pub store: Arc<Gated>,
    pub service: Service<Gated>,
    pub caller: Caller,
    pub twins: Twins,
    _folder: Folder,
}

impl Scene {
    pub async fn new(name: &str, settings: Settings) -> Self {
        let (folder, clock) = (Folder::new(name), Clock::default());
        let twins = Twins::start(None, clock.clone()).await.unwrap();
        let settings = Settings { listen: ([127, 0, 0, 1], 0).into(), ..settings };
        let keys = Keys::open(&folder.path().join("keys.toml")).unwrap();
        let store = Arc::new(Gated::default());
        let service =
            Service::start(&settings, &keys, Arc::clone(&store), Some(&twins), clock).await.unwrap();
        let caller = Caller::new(service.address, keys.api.expose());
        register(&caller, &twins).await;
        Self { store, service, caller, twins, _folder: folder }
    }
}

/// A store that commits when it is allowed to, counts, and fails when it is told to.
pub struct Gated {
    inner: MemoryStore,
    pub permits: Semaphore,
    pub commits: AtomicU64,
    /// So many commits fail.
    pub no_commit: AtomicU32,
    /// So many look-ups of people are answered, then so many fail.
    pub people: AtomicU32,
    pub no_people: AtomicU32,
    /// So many renewals of leases fail.
    pub no_renewal: AtomicU32,
}

impl Default for Gated {
    fn default() -> Self {
        Self {
            inner: MemoryStore::default(),
            permits: Semaphore::new(1 << 20),
            commits: AtomicU64::new(0),
            no_commit: AtomicU32::new(0),
            people: AtomicU32::new(0),
            no_people: AtomicU32::new(0),
            no_renewal: AtomicU32::new(0),
        }
    }
}

/// Whether there was one more to take.
fn take(times: &AtomicU32) -> bool {
    times.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok()
}

/// Everything else goes straight on.
macro_rules! through {
    ($($name:ident($($arg:ident: $type:ty),*) -> $ok:ty;)*) => {$(
        async fn $name(&self, $($arg: $type),*) -> Result<$ok, StoreError> {
            self.inner.$name($($arg),*).await
        }
    )*};
}

impl Store for Gated {
    async fn commit(
        &self,
        parts: Vec<Part>,
        now: UnixTime,
    ) -> Result<Vec<Result<Committed, Refused>>, StoreError> {
        if take(&self.no_commit) {
            return Err(StoreError::Unavailable { detail: "told to".to_owned() });
        }
        self.permits.acquire().await.unwrap().forget();
        self.commits.fetch_add(1, Relaxed);
        self.inner.commit(parts, now).await
    }

    async fn people(&self, people: &[PersonId]) -> Result<Vec<Person>, StoreError> {
        if !take(&self.people) && take(&self.no_people) {
            return Err(StoreError::Damaged { detail: "told to".to_owned() });
        }
        self.inner.people(people).await
    }

    async fn renew(
        &self,
        claims: &[Claim],
        lease: Duration,
        now: UnixTime,
    ) -> Result<Vec<Result<(), Lost>>, StoreError> {
        if take(&self.no_renewal) {
            return Err(StoreError::Unavailable { detail: "told to".to_owned() });
        }
        self.inner.renew(claims, lease, now).await
    }

    through! {
        claim(shards: &[ShardId], owner: &str, lease: Duration, now: UnixTime) -> Vec<Result<Claim, Held>>;
        release(claims: &[Claim]) -> ();
        save(claim: Claim, snapshot: Snapshot) -> Result<(), Refused>;
        load(shard: ShardId) -> Loaded;
        snapshot(shard: ShardId, next: u64) -> Option<Bytes>;
        entries(shard: ShardId, from: u64, bytes: usize) -> Vec<Entry>;
        device(key: &DeviceKey) -> Option<Device>;
        device_by_id(id: DeviceId) -> Option<Device>;
        devices_with(app: &str, token: &TokenValue) -> Vec<Device>;
        devices(after: Option<&DeviceKey>, limit: usize) -> Vec<Device>;
        put_devices(writes: Vec<DeviceWrite>) -> Vec<Result<(), Conflict>>;
        put_wishes(person: &PersonId, expected: Option<u64>, wishes: Option<&Wishes>) -> Result<u64, Conflict>;
        live(subject: &Subject) -> Vec<ShardId>;
        erase(person: &PersonId) -> Erased;
        letters(after: Option<LetterKey>, limit: usize) -> Vec<Letter>;
        remove_letters(letters: &[LetterKey]) -> usize;
        token(command: &StoreCommand, now: UnixTime) -> TokenAnswer;
        sweep(limit: usize, now: UnixTime) -> usize;
        secret(name: &str) -> Option<Versioned<Bytes>>;
        secrets() -> Vec<String>;
        put_secret(name: &str, expected: Option<u64>, bytes: Option<Bytes>) -> Result<u64, Conflict>;
    }
}
