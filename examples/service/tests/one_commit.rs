//! A ring leaves after one commit: the second one may take as long as it likes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use bytes::Bytes;
use reveille_conversation::id::PersonId;
use reveille_core::UnixTime;
use reveille_delivery::DeviceId;
use reveille_example_service::clock::Clock;
use reveille_example_service::keys::Keys;
use reveille_example_service::service::Service;
use reveille_example_service::settings::Settings;
use reveille_example_service::twins::{Received, Twins};
use reveille_gateway::store::{
    Claim, Committed, DeviceWrite, Entry, Erased, Held, Letter, LetterKey, Loaded, Lost, Part, Person,
    Refused, ShardId, Snapshot, Store, StoreError, Subject, TokenAnswer, Versioned, Wishes,
};
use reveille_registry::{Conflict, Device, DeviceKey, TokenValue};
use reveille_resume::store::StoreCommand;
use reveille_testkit::store::MemoryStore;
use serde_json::json;
use tokio::sync::Semaphore;

use crate::common::{Caller, Folder};
use crate::service::{of, offer, register, wait};

/// A store that commits when it is allowed to, and counts.
struct Gated {
    inner: MemoryStore,
    permits: Semaphore,
    commits: AtomicU64,
}

/// Everything but commits goes straight on.
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
        self.permits.acquire().await.unwrap().forget();
        self.commits.fetch_add(1, Relaxed);
        self.inner.commit(parts, now).await
    }

    through! {
        claim(shards: &[ShardId], owner: &str, lease: Duration, now: UnixTime) -> Vec<Result<Claim, Held>>;
        renew(claims: &[Claim], lease: Duration, now: UnixTime) -> Vec<Result<(), Lost>>;
        release(claims: &[Claim]) -> ();
        save(claim: Claim, snapshot: Snapshot) -> Result<(), Refused>;
        load(shard: ShardId) -> Loaded;
        snapshot(shard: ShardId, next: u64) -> Option<Bytes>;
        entries(shard: ShardId, from: u64, bytes: usize) -> Vec<Entry>;
        people(people: &[PersonId]) -> Vec<Person>;
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

struct Running {
    store: Arc<Gated>,
    service: Service<Gated>,
    caller: Caller,
    twins: Twins,
    /// Commits until now.
    before: u64,
    _folder: Folder,
}

/// A service with devices that is at rest, and may commit once.
async fn one_commit(name: &str) -> Running {
    let (folder, clock) = (Folder::new(name), Clock::default());
    let twins = Twins::start(None, clock.clone()).await.unwrap();
    let settings = Settings { listen: ([127, 0, 0, 1], 0).into(), ..Settings::default() };
    let keys = Keys::open(&folder.path().join("keys.toml")).unwrap();
    let store = Arc::new(Gated {
        inner: MemoryStore::default(),
        permits: Semaphore::new(1 << 20),
        commits: AtomicU64::new(0),
    });
    let service =
        Service::start(&settings, &keys, Arc::clone(&store), Some(&twins), clock.clone()).await.unwrap();
    let caller = Caller::new(service.address, keys.api.expose());
    register(&caller, &twins).await;
    let mut before = u64::MAX;
    while store.commits.load(Relaxed) != before {
        before = store.commits.load(Relaxed);
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    store.permits.forget_permits(usize::MAX);
    store.permits.add_permits(1);
    Running { store, service, caller, twins, before, _folder: folder }
}

fn cancels(pushes: &[Received]) -> usize {
    pushes.iter().filter(|push| push.data["type"] == "CALL_CANCEL").count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ring_leaves_after_one_commit() {
    let Running { store, service, caller, twins, before, _folder } = one_commit("one-commit").await;
    assert_eq!(caller.event("o1", "call_offered", offer("call")).await.unwrap(), 202);
    let pushes = wait(&twins, "the ring", |pushes| pushes.len() >= 2).await;
    assert_eq!((of(&pushes, "apns").len(), of(&pushes, "fcm").len()), (1, 1));
    assert_eq!(store.commits.load(Relaxed), before + 1, "that of the event");

    // The devices are committed, and nothing is sent because of it; the cancel knows them.
    store.permits.add_permits(1 << 20);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(twins.take().is_empty());
    assert_eq!(caller.event("e1", "call_ended", json!({"conversation": "call"})).await.unwrap(), 202);
    wait(&twins, "the cancels", |pushes| cancels(pushes) >= 2).await;
    service.stop().await.unwrap();
}

/// The caller hangs up while the devices wait for their commit: the cancel reaches the telephones that ring.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancel_reaches_what_left_before_its_devices_were_committed() {
    let Running { store, service, caller, twins, _folder, .. } = one_commit("one-cancel").await;
    assert_eq!(caller.event("o1", "call_offered", offer("call")).await.unwrap(), 202);
    wait(&twins, "the ring", |pushes| pushes.len() >= 2).await;
    let cancel = async { caller.event("e1", "call_ended", json!({"conversation": "call"})).await };
    let allow = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        store.permits.add_permits(1 << 20);
    };
    let (taken, ()) = tokio::join!(cancel, allow);
    assert_eq!(taken.unwrap(), 202);
    wait(&twins, "the cancels", |pushes| cancels(pushes) >= 2).await;
    service.stop().await.unwrap();
}
