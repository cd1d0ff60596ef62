//! Webhooks in: signed, once, on disk.

use bytes::Bytes;
use reveille_crypto::base64url;
use reveille_crypto_ring::PROVIDER;
use reveille_example_service::clock::Clock;
use reveille_example_service::settings::Settings;
use reveille_example_service::twins::Twins;
use serde_json::{Value, json};

use crate::common::{Caller, Folder, event};
use crate::service::{Running, of, offer, register, start, wait};

const NEW: &[u8] = b"the new secret of the crm";
const OLD: &[u8] = b"the old secret of the crm";
const CE: &str = "application/cloudevents+json";
const BATCH: &str = "application/cloudevents-batch+json";

fn hooks(settings: &mut Settings) {
    let text = format!(
        r#"
[[hooks]]
name = "crm"
secrets = ["whsec_{}", "{}"]

[[hooks]]
name = "shop"
form = "genesys"
secrets = ["a secret of the shop"]
signature = {{ header = "x-hub-signature-256", id = "x-delivery" }}

[[hooks]]
name = "desk"
form = "platform"
secrets = ["a secret of the desk"]
signature = {{ header = "x-signature", prefix = "", encoding = "base64", timestamp = "x-time" }}
"#,
        base64url::encode(NEW),
        base64url::encode(OLD)
    );
    settings.hooks = Settings::from_toml(&text, "hooks.toml").unwrap().hooks;
}

/// In the form of Standard Webhooks.
async fn send(caller: &Caller, secret: &[u8], id: &str, time: u64, kind: &str, body: &str) -> (u16, Value) {
    let time = time.to_string();
    let tag = PROVIDER.hmac_sha256.key(secret).sign(&[format!("{id}.{time}.{body}").as_bytes()]);
    let signature = format!("v1,{}", base64url::encode(&tag));
    let headers = [
        ("webhook-id", id),
        ("webhook-timestamp", time.as_str()),
        ("webhook-signature", signature.as_str()),
        ("content-type", kind),
    ];
    post(caller, "crm", &headers, body).await
}

async fn post(caller: &Caller, name: &str, headers: &[(&str, &str)], body: &str) -> (u16, Value) {
    let path = format!("/v1/hooks/{name}");
    let body = Bytes::copy_from_slice(body.as_bytes());
    let (status, document) = caller.call_with("POST", &path, headers, body).await.unwrap();
    (status.as_u16(), document)
}

fn hex(secret: &[u8], body: &str) -> String {
    let tag = PROVIDER.hmac_sha256.key(secret).sign(&[body.as_bytes()]);
    tag.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_signed_is_taken_once_and_nothing_else() {
    let (folder, clock) = (Folder::new("hooks"), Clock::default());
    let twins = Twins::start(None, clock.clone()).await.unwrap();
    let Running { service, caller } = start(&folder, &twins, &clock, hooks).await;
    register(&caller, &twins).await;
    let now = clock.now().as_secs();
    let call = |id: &str, conversation: &str| event(id, "call_offered", offer(conversation)).to_string();

    // Twice the same event, with the new secret and with the old one: it rings once.
    let body = call("o1", "c1");
    for (message, secret) in [("m1", NEW), ("m2", OLD)] {
        let (status, answer) = send(&caller, secret, message, now, CE, &body).await;
        assert_eq!((status, &answer["result"]), (202, &json!("accepted")), "{answer}");
    }
    let mut pushes = wait(&twins, "the ring", |pushes| pushes.len() >= 2).await;
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    pushes.extend(twins.take());
    assert_eq!((of(&pushes, "apns").len(), of(&pushes, "fcm").len()), (1, 1));

    // A batch, of which one event was there before, and one cannot be read.
    let joined = event("j1", "joined", json!({"conversation": "c2", "person": "ann", "role": "visitor"}));
    let batch =
        Value::Array(vec![serde_json::from_str(&body).unwrap(), joined, json!({"id": "x"})]).to_string();
    let (status, answer) = send(&caller, NEW, "m3", now, BATCH, &batch).await;
    assert_eq!((status, answer["results"].as_array().map(Vec::len)), (400, Some(3)), "{answer}");

    // Strangers, old messages, and those of the future.
    for (secret, time, body, status) in [
        (b"another secret of the crm".as_slice(), now, body.as_str(), 401),
        (NEW, now - 400, &body, 401),
        (NEW, now + 400, &body, 401),
        (NEW, now, "{", 400),
        (NEW, now, "\u{0}", 400),
    ] {
        let (given, answer) = send(&caller, secret, "m4", time, CE, body).await;
        assert_eq!(given, status, "{answer}");
        assert!(answer["type"].as_str().unwrap().starts_with("urn:reveille:problem:"));
    }
    let (status, answer) = send(&caller, NEW, "m5", now, "text/plain", &body).await;
    assert_eq!((status, &answer["type"]), (415, &json!("urn:reveille:problem:media-type")));
    // Neither a key nor the name of no hook tells anything.
    let key = format!("Bearer {}", caller.key);
    let (status, same) = post(&caller, "crm", &[("authorization", &key), ("content-type", CE)], &body).await;
    assert_eq!(status, 401);
    let (status, answer) = post(&caller, "nobody", &[("content-type", CE)], &body).await;
    assert_eq!((status, answer), (401, same));
    service.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_forms_of_bodies_and_signatures() {
    let (folder, clock) = (Folder::new("hook-forms"), Clock::default());
    let twins = Twins::start(None, clock.clone()).await.unwrap();
    let Running { service, caller } = start(&folder, &twins, &clock, hooks).await;
    register(&caller, &twins).await;

    // Genesys, GitHub's way to sign. The event has no id, so the message's counts.
    let added = json!({"topicName": "routing.queue.member.added", "eventBody": {
        "conversationId": "c1", "userId": "kate", "mediaType": "voice"}})
    .to_string();
    let signature = format!("sha256={}", hex(b"a secret of the shop", &added));
    let headers = [
        ("content-type", "application/json"),
        ("x-hub-signature-256", signature.as_str()),
        ("x-delivery", "d-1"),
    ];
    assert_eq!(post(&caller, "shop", &headers, &added).await.0, 202);
    wait(&twins, "the ring", |pushes| pushes.len() >= 2).await;
    // Ten seconds later it would be another call, if its id were not known.
    clock.set_error(10_000);
    assert_eq!(post(&caller, "shop", &headers, &added).await.0, 202);
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    assert!(twins.take().is_empty(), "taken once");
    clock.set_error(0);

    // A conversation platform's, with a time that is signed.
    let body = json!({"eventType": "conversation.call_state_changed", "conversationId": "c2",
        "person": {"id": "kate"}, "call": {"state": "RINGING"}})
    .to_string();
    let time = clock.now().as_secs().to_string();
    let tag = PROVIDER.hmac_sha256.key(b"a secret of the desk").sign(&[format!("{time}.{body}").as_bytes()]);
    let tag = base64url::encode(&tag);
    let headers =
        [("content-type", "application/json"), ("x-signature", tag.as_str()), ("x-time", time.as_str())];
    assert_eq!(post(&caller, "desk", &headers, &body).await.0, 202);
    wait(&twins, "the second ring", |pushes| pushes.len() >= 2).await;
    service.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bounds_of_hooks() {
    let (folder, clock) = (Folder::new("hook-bounds"), Clock::default());
    let twins = Twins::start(None, clock.clone()).await.unwrap();
    let Running { service, caller } = start(&folder, &twins, &clock, |settings| {
        hooks(settings);
        settings.limits.body_bytes = 5_000;
        settings.limits.batch = 2;
        settings.limits.waiting_events = 2;
        settings.limits.key_rate = 5;
    })
    .await;
    let now = clock.now().as_secs();
    let (status, answer) = send(&caller, NEW, "m1", now, CE, &"x".repeat(6_000)).await;
    assert_eq!((status, &answer["type"]), (413, &json!("urn:reveille:problem:too-large")));
    let three = (0..3).map(|number| event(&number.to_string(), "call_offered", offer("c")));
    let three = Value::Array(three.collect()).to_string();
    let (status, answer) = send(&caller, NEW, "m2", now, BATCH, &three).await;
    assert_eq!((status, &answer["type"]), (413, &json!("urn:reveille:problem:too-many")));
    let presence = event("p1", "presence_changed", json!({"person": "kate", "presence": "away"})).to_string();
    let (status, answer) = send(&caller, NEW, "m3", now, CE, &presence).await;
    assert_eq!((status, &answer["bound"]), (429, &json!("waiting_events")));
    // Who does not sign takes nothing from the rate of who does.
    for _ in 0..50 {
        assert_eq!(send(&caller, b"another secret of the crm", "m4", now, CE, "{}").await.0, 401);
    }
    let mut statuses = Vec::new();
    for number in 0..30 {
        statuses.push(send(&caller, NEW, &format!("n{number}"), now, CE, "{}").await.0);
    }
    assert_eq!((statuses[0], statuses[29]), (400, 429), "{statuses:?}");
    service.stop().await.unwrap();
}
