//! A shard of the store, as files, is what the service has lived through.

use reveille_core::UnixTime;
use reveille_core::log::{LogEntries, Snapshot as _};
use reveille_example_service::clock::Clock;
use reveille_example_service::export::{Exported, export};
use reveille_example_service::keys::Keys;
use reveille_example_service::redb_store::{RedbSettings, RedbStore};
use reveille_example_service::twins::Twins;
use reveille_gateway::store::ShardId;
use reveille_gateway::{Gateway, GatewaySettings, Seed, Shard};

use crate::common::Folder;
use crate::service::{Running, offer, register, start, wait};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shard_is_exported_whole_or_from_its_older_snapshot_on() {
    let (folder, clock) = (Folder::new("export"), Clock::default());
    let twins = Twins::start(None, clock.clone()).await.unwrap();
    let mut cut = false;
    for round in 0..4 {
        let Running { service, caller } = start(&folder, &twins, &clock, |_| {}).await;
        if round == 0 {
            register(&caller, &twins).await;
            assert_eq!(caller.event("o", "call_offered", offer("call")).await.unwrap(), 202);
            wait(&twins, "the ring", |pushes| pushes.len() >= 2).await;
        }
        service.stop().await.unwrap();
        let keys = Keys::open(&folder.path().join("keys.toml")).unwrap();
        let store =
            RedbStore::open(folder.path().join("store.redb"), RedbSettings::new(keys.sealer())).unwrap();
        let shard = ShardId(keys.seed.shard(&"call".parse().unwrap()));
        let exported = export(&store, &keys.sealer(), shard).await.unwrap();
        cut |= exported.snapshot.is_some();
        assert!(exported.groups > 0);
        let shard = replay(&exported, keys.seed);
        if round == 0 {
            // Later it may have stopped.
            let ringing = shard.gateway().ringing(&"kate".parse().unwrap(), UnixTime::EPOCH);
            assert_eq!(ringing.len(), 1);
        }
    }
    assert!(cut, "no log was cut");
}

fn replay(exported: &Exported, seed: Seed) -> Shard {
    let mut shard = match &exported.snapshot {
        Some(snapshot) => Shard::restore(seed, snapshot).unwrap(),
        None => Shard::new(Gateway::new(Default::default(), GatewaySettings::default(), seed).unwrap()),
    };
    for entry in LogEntries::new(&exported.log, Gateway::BEHAVIOUR).unwrap() {
        shard.replay(&entry).unwrap().for_each(drop);
    }
    shard
}
