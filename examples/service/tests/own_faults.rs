//! What this process cannot do costs no attempt: a store that does not answer for a while makes no dead letter.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use reveille_example_service::settings::Settings;
use serde_json::Value;

use crate::common::gated::{Gated, Scene};
use crate::service::{of, offer, wait};

/// A ring for two telephones, which both ring after a time that the attempts of one would not survive.
async fn they_ring(name: &str, fail: impl AsyncFnOnce(&Gated), mend: impl FnOnce(&Gated)) {
    let settings = Settings { lease_secs: 1, ..Settings::default() };
    let scene = Scene::new(name, settings).await;
    let Scene { store, caller, twins, .. } = &scene;
    fail(store).await;
    assert_eq!(caller.event("1", "call_offered", offer("call")).await.unwrap(), 202);
    // Three attempts at Apple, 1 s and 2 s apart, would be over.
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert!(twins.take().is_empty(), "nothing can leave");
    mend(store);
    let pushes = wait(twins, "the ring", |pushes| pushes.len() >= 2).await;
    assert_eq!((of(&pushes, "apns").len(), of(&pushes, "fcm").len()), (1, 1));
    let (status, letters) = caller.call("GET", "/v1/letters", "text/plain", "").await.unwrap();
    assert_eq!((status.as_u16(), &letters["letters"]), (200, &Value::Array(Vec::new())));
    scene.service.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_does_not_know_anybody_for_a_while() {
    let fail = async |store: &Gated| {
        // The devices are picked; nothing can be written for them.
        store.people.store(1, Relaxed);
        store.no_people.store(u32::MAX, Relaxed);
    };
    they_ring("no-people", fail, |store| store.no_people.store(0, Relaxed)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_that_is_not_renewed_for_a_while() {
    let fail = async |store: &Gated| {
        store.no_renewal.store(u32::MAX, Relaxed);
        tokio::time::sleep(Duration::from_millis(1_500)).await;
    };
    they_ring("no-lease", fail, |store| store.no_renewal.store(0, Relaxed)).await;
}
