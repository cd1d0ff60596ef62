//! A ring leaves after one commit: the second one may take as long as it likes.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use reveille_example_service::settings::Settings;
use reveille_example_service::twins::Received;
use serde_json::json;

use crate::common::gated::Scene;
use crate::service::{of, offer, wait};

/// A service with devices that is at rest, and may commit once; and how often it has.
async fn one_commit(name: &str) -> (Scene, u64) {
    let scene = Scene::new(name, Settings::default()).await;
    let (store, mut before) = (&scene.store, u64::MAX);
    while store.commits.load(Relaxed) != before {
        before = store.commits.load(Relaxed);
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    store.permits.forget_permits(usize::MAX);
    store.permits.add_permits(1);
    (scene, before)
}

fn cancels(pushes: &[Received]) -> usize {
    pushes.iter().filter(|push| push.data["type"] == "CALL_CANCEL").count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ring_leaves_after_one_commit() {
    let (scene, before) = one_commit("one-commit").await;
    let Scene { store, caller, twins, .. } = &scene;
    assert_eq!(caller.event("o1", "call_offered", offer("call")).await.unwrap(), 202);
    let pushes = wait(twins, "the ring", |pushes| pushes.len() >= 2).await;
    assert_eq!((of(&pushes, "apns").len(), of(&pushes, "fcm").len()), (1, 1));
    assert_eq!(store.commits.load(Relaxed), before + 1, "that of the event");

    // The devices are committed, and nothing is sent because of it; the cancel knows them.
    store.permits.add_permits(1 << 20);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(twins.take().is_empty());
    assert_eq!(caller.event("e1", "call_ended", json!({"conversation": "call"})).await.unwrap(), 202);
    wait(twins, "the cancels", |pushes| cancels(pushes) >= 2).await;
    scene.service.stop().await.unwrap();
}

/// The caller hangs up while the devices wait for their commit: the cancel reaches the telephones that ring.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancel_reaches_what_left_before_its_devices_were_committed() {
    let (scene, _) = one_commit("one-cancel").await;
    let Scene { store, caller, twins, .. } = &scene;
    assert_eq!(caller.event("o1", "call_offered", offer("call")).await.unwrap(), 202);
    wait(twins, "the ring", |pushes| pushes.len() >= 2).await;
    let cancel = async { caller.event("e1", "call_ended", json!({"conversation": "call"})).await };
    let allow = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        store.permits.add_permits(1 << 20);
    };
    let (taken, ()) = tokio::join!(cancel, allow);
    assert_eq!(taken.unwrap(), 202);
    wait(twins, "the cancels", |pushes| cancels(pushes) >= 2).await;
    scene.service.stop().await.unwrap();
}
