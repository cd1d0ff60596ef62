//! Outgoing events, at least once.

use std::time::Duration;

use reveille_example_service::credentials::LOCAL_APP;
use serde_json::{Value, json};

use super::receiver::{Asked, Do, Receiver};
use super::{Clock, Scene, hook};
use crate::service::start;

fn of<'a>(all: &'a [Asked], name: &str) -> Vec<&'a Asked> {
    all.iter().filter(|asked| asked.name() == name).collect()
}

async fn scene(name: &str, receiver: &Receiver) -> Scene {
    Scene::new(name, Clock::default(), |settings| {
        settings.outgoing = Some(hook(settings, receiver, ""));
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn devices_failures_and_recoveries_are_told() {
    let receiver = Receiver::new(|_, _| Do::Answer(204)).await;
    let scene = scene("told", &receiver).await;
    let all = receiver.wait("three devices", |all| of(all, "device.registered").len() >= 3).await;
    for asked in &all {
        let body = asked.verified();
        assert!(body["data"]["revision"].as_u64().is_some(), "{body}");
        for token in [scene.twins.android(), scene.twins.iphone().0] {
            assert!(!asked.body.contains(&token), "no token is told");
        }
    }
    // Registered again with the same token: nothing happened.
    let phone = format!("/v1/devices/{LOCAL_APP}/android");
    let token = scene.twins.android();
    let form = json!({"owner": "kate", "platform": "android", "fcm_token": token});
    assert_eq!(scene.call("PUT", &phone, form.clone()).await.0, 200);
    let all = receiver.wait("another token", |all| of(all, "device.rotated").len() == 1).await;
    assert_eq!(of(&all, "device.rotated")[0].verified()["data"]["device"], "android");
    assert_eq!(scene.call("PUT", &phone, form).await.0, 200);
    assert_eq!(scene.call("DELETE", &phone, json!({})).await.0, 204);
    let all = receiver.wait("logged out", |all| !of(all, "device.retired").is_empty()).await;
    assert_eq!(of(&all, "device.retired")[0].verified()["data"]["why"], "logged_out");
    assert_eq!(of(&all, "device.rotated").len(), 1);

    // Nobody is there: a push fails; then somebody is.
    scene.event("j1", "joined", json!({"conversation": "a", "person": "ann", "role": "visitor"})).await;
    scene.message("m1", "a", "hello").await;
    let all = receiver.wait("it failed", |all| !of(all, "push.failed").is_empty()).await;
    let failed = of(&all, "push.failed")[0].verified();
    assert_eq!((&failed["data"]["person"], &failed["data"]["kind"]), (&json!("ann"), &json!("new_message")));
    let anns = json!({"owner": "ann", "platform": "android", "fcm_token": scene.twins.android()});
    assert_eq!(scene.call("PUT", &format!("/v1/devices/{LOCAL_APP}/anns"), anns).await.0, 201);
    scene.message("m2", "a", "hello again").await;
    let all = receiver.wait("it works again", |all| !of(all, "push.recovered").is_empty()).await;
    assert_eq!(of(&all, "push.recovered")[0].verified()["data"]["person"], "ann");
    scene.stop().await;
}

/// What was not taken is told after a restart, and what was taken is not told again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_is_away_hears_it_later() {
    let receiver = Receiver::new(|_, _| Do::Answer(204)).await;
    let scene = scene("later", &receiver).await;
    receiver.wait("three devices", |all| of(all, "device.registered").len() >= 3).await;
    // The last of them may still have to be deleted.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let taken = receiver.asked().len();

    receiver.behave(|number, _| match number % 3 {
        0 => Do::Answer(503),
        1 => Do::Reset,
        _ => Do::Answer(401),
    });
    scene.event("j1", "joined", json!({"conversation": "a", "person": "ann", "role": "visitor"})).await;
    scene.message("m1", "a", "hello").await;
    receiver.wait("nobody is there", |all| !of(&all[taken..], "push.failed").is_empty()).await;
    let anns = json!({"owner": "ann", "platform": "android", "fcm_token": scene.twins.android()});
    assert_eq!(scene.call("PUT", &format!("/v1/devices/{LOCAL_APP}/anns"), anns).await.0, 201);
    let both = |all: &[Asked]| {
        let new = &all[taken..];
        !of(new, "push.failed").is_empty() && !of(new, "device.registered").is_empty()
    };
    let refused = receiver.wait("both are tried", both).await;
    let ids = |all: &[Asked]| {
        let mut ids: Vec<String> = all.iter().map(|asked| asked.header("webhook-id").to_owned()).collect();
        ids.sort();
        ids.dedup();
        ids
    };
    let wanted = ids(&refused[taken..]);
    let Scene { folder, twins, clock, running } = scene;
    running.service.stop().await.unwrap();
    let stored = std::fs::read(folder.path().join("store.redb")).unwrap();
    let holds = |text: &str| stored.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(holds("outgoing/") && !holds("push.failed"), "what lies there is sealed");

    receiver.behave(|_, _| Do::Answer(200));
    let before = receiver.asked().len();
    let origin = receiver.origin.clone();
    let running = start(&folder, &twins, &clock, |settings| {
        settings.allowed_origins.push(origin.clone());
        settings.outgoing = Some(hook(settings, &receiver, ""));
    })
    .await;
    let all = receiver.wait("after the restart", |all| ids(&all[before..]).len() >= wanted.len()).await;
    assert_eq!(ids(&all[before..]), wanted, "the same ids");
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(receiver.asked().len() - before, wanted.len(), "each once, and nothing that was taken before");
    running.service.stop().await.unwrap();
}

/// A store that is copied while the service runs is what a crash leaves.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_crash_interrupts_is_told() {
    let receiver = Receiver::new(|_, _| Do::Stall).await;
    let scene = scene("crash", &receiver).await;
    scene.event("j1", "joined", json!({"conversation": "a", "person": "ann", "role": "visitor"})).await;
    scene.message("m1", "a", "hello").await;
    receiver.wait("four events are under way", |all| all.len() >= 4).await;
    let copy = crate::common::Folder::new("copy");
    for file in ["store.redb", "keys.toml"] {
        std::fs::copy(scene.folder.path().join(file), copy.path().join(file)).unwrap();
    }
    let other = Receiver::new(|_, _| Do::Answer(200)).await;
    let running = start(&copy, &scene.twins, &scene.clock, |settings| {
        settings.outgoing = Some(hook(settings, &other, ""));
    })
    .await;
    let all = other.wait("all four", |all| all.len() >= 4).await;
    assert_eq!((of(&all, "device.registered").len(), of(&all, "push.failed").len()), (3, 1));
    let first: Vec<Value> = receiver.asked().iter().map(|asked| json!(asked.header("webhook-id"))).collect();
    assert!(all.iter().all(|asked| first.contains(&json!(asked.header("webhook-id")))), "the same ids");
    running.service.stop().await.unwrap();
    scene.stop().await;
}
