//! E6: the customer's webhook.

use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::{Duration, Instant};

use reveille_example_service::credentials::LOCAL_APP;
use serde_json::{Value, json};

use super::receiver::{Asked, Do, Receiver};
use super::{Clock, Scene, hook};
use crate::service::offer;

fn names(asked: &[Asked]) -> Vec<String> {
    asked.iter().map(Asked::name).collect()
}

async fn scene(name: &str, receiver: &Receiver, more: &str) -> Scene {
    Scene::new(name, Clock::default(), |settings| {
        settings.webhook = Some(hook(settings, receiver, more));
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_events_signed_with_the_tokens_of_phones() {
    let receiver = Receiver::new(|_, _| Do::Answer(204)).await;
    let scene = scene("hook", &receiver, "").await;
    // Kate is an agent with two phones; a visitor writes to her and calls.
    let agent = json!({"conversation": "chat", "person": "kate", "role": "primary"});
    scene.event("j1", "joined", agent).await;
    scene.joined("chat").await;
    let said = json!({"conversation": "chat", "sender": "guest", "role": "visitor", "preview": "hello"});
    scene.event("m1", "message_sent", said).await;
    let has = |name: &'static str| {
        move |all: &[Asked]| all.iter().any(|asked| asked.name() == format!("push_notification.{name}"))
    };
    receiver.wait("the message", has("new_message")).await;
    scene.event("r1", "read_up_to", json!({"conversation": "chat", "person": "kate"})).await;
    receiver.wait("it is read", has("read_message")).await;
    scene.event("o1", "call_offered", offer("call")).await;
    receiver.wait("the call", has("incoming_call")).await;
    scene.event("e1", "call_ended", json!({"conversation": "call"})).await;
    receiver.wait("the end", has("revoked_call")).await;
    let all = receiver.wait("it was missed", has("missed_call")).await;

    let mut seen = names(&all);
    seen.sort();
    seen.dedup();
    let five = ["incoming_call", "missed_call", "new_message", "read_message", "revoked_call"];
    assert_eq!(seen, five.map(|name| format!("push_notification.{name}")));
    assert_eq!(all.len(), 5, "each once: {:?}", names(&all));
    for asked in &all {
        let body = asked.verified();
        assert_eq!(body["data"]["id"], asked.header("webhook-id"), "the job's name");
        assert_eq!(body["data"]["person"], "kate");
        let devices = body["data"]["devices"].as_array().unwrap();
        let mut purposes: Vec<&Value> = devices
            .iter()
            .flat_map(|device| device["tokens"].as_array().unwrap())
            .map(|token| &token["purpose"])
            .collect();
        purposes.sort_by_key(|purpose| purpose.to_string());
        assert_eq!(purposes, [&json!("apns_alert"), &json!("apns_voip"), &json!("fcm_token")]);
        assert!(devices.iter().all(|device| device["app"] == LOCAL_APP));
    }
    let call = all.iter().find(|asked| has("incoming_call")(std::slice::from_ref(asked))).unwrap();
    assert_eq!(call.verified()["data"]["from"], "Ann");
    scene.stop().await;
}

/// Whatever goes wrong with the first one, the second one of the conversation comes after it, and another conversation does
/// not wait.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_overtakes_whatever_the_receiver_does() {
    for (what, wrong) in [
        ("503", Do::Answer(503)),
        ("500", Do::Answer(500)),
        ("429", Do::With(429, "retry-after", "1".to_owned())),
        ("503 with a time", Do::With(503, "retry-after", "1".to_owned())),
        ("reset", Do::Reset),
    ] {
        let failed = AtomicU32::new(0);
        let receiver = Receiver::new(move |_, asked| {
            // The first message fails twice.
            let is_first = asked.body.contains("\"snippet\":\"one\"");
            if is_first && failed.fetch_add(1, SeqCst) < 2 { wrong.clone() } else { Do::Answer(200) }
        })
        .await;
        let scene = scene("order", &receiver, "").await;
        for conversation in ["a", "b"] {
            scene.joined(conversation).await;
        }
        // Each is a digest of its own.
        scene.message("m1", "a", "one").await;
        receiver.wait(what, |all| !all.is_empty()).await;
        scene.message("m2", "a", "two").await;
        scene.message("m3", "b", "three").await;
        let all = receiver.wait(what, |all| all.iter().any(|asked| asked.body.contains("\"two\""))).await;
        let said = |text: &str| {
            let of = format!("\"snippet\":\"{text}\"");
            let at = all.iter().enumerate().filter(|(_, asked)| asked.body.contains(&of));
            at.map(|(at, asked)| (at, asked.header("webhook-id").to_owned())).collect::<Vec<_>>()
        };
        let (one, two) = (said("one"), said("two"));
        assert_eq!((one.len(), two.len()), (3, 1), "{what}: {one:?} {two:?}");
        assert!(
            one.iter().all(|(at, id)| *at < two[0].0 && *id == one[0].1),
            "{what}: the same id, and first"
        );
        receiver.wait(what, |all| all.iter().any(|asked| asked.body.contains("\"three\""))).await;
        scene.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_rang_while_the_receiver_was_down_is_stale() {
    let receiver = Receiver::new(|_, _| Do::Answer(503)).await;
    let scene = scene("stale", &receiver, "stale_calls_secs = 1").await;
    scene.event("o1", "call_offered", offer("call")).await;
    receiver.wait("the first attempts", |all| !all.is_empty()).await;
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    receiver.behave(|_, _| Do::Answer(200));
    let before = receiver.asked().len();
    let begun = Instant::now();
    while scene.caller().metric("reveille_webhook_total{kind=\"give_up\"}").await.is_none() {
        assert!(begun.elapsed() < Duration::from_secs(40), "not dropped");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(receiver.asked().len(), before, "nobody is told of a call that rang a while ago");
    // What is not a call is told.
    scene.joined("chat").await;
    scene.message("m1", "chat", "hello").await;
    receiver.wait("the message", |all| all.iter().any(|asked| asked.name().ends_with("new_message"))).await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redirects_bodies_without_end_and_silence() {
    let inside = Receiver::new(|_, _| Do::Answer(200)).await;
    let away = inside.origin.clone();
    let receiver = Receiver::new(move |number, _| match number {
        0 => Do::With(307, "location", away.clone()),
        1 => Do::Endless,
        _ => Do::Answer(200),
    })
    .await;
    let scene = scene("odd", &receiver, "").await;
    for (number, conversation) in ["a", "b", "c"].into_iter().enumerate() {
        scene.joined(conversation).await;
        scene.message(&format!("m{number}"), conversation, "hello").await;
        receiver.wait(conversation, |all| all.len() > number).await;
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(
        receiver.asked().len(),
        3,
        "a redirect ends it, and a body without end is cut: neither is tried again"
    );
    assert!(inside.asked().is_empty(), "a redirect is not followed");
    let given_up = scene.caller().metric("reveille_webhook_total{kind=\"give_up\"}").await;
    assert_eq!(given_up, Some(1.0), "the redirect is counted");

    // One that says nothing holds up its own conversation only.
    receiver.behave(|_, asked| if asked.body.contains("\"quiet\"") { Do::Stall } else { Do::Answer(200) });
    scene.joined("quiet").await;
    scene.message("m8", "quiet", "hello").await;
    scene.joined("loud").await;
    scene.message("m9", "loud", "hello").await;
    receiver.wait("the other one", |all| all.iter().any(|asked| asked.body.contains("\"loud\""))).await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn addresses_are_checked_by_the_rules_of_the_wire() {
    use reveille_example_service::keys::Keys;
    use reveille_example_service::service::Service;
    use reveille_example_service::settings::Settings;
    use reveille_testkit::store::MemoryStore;
    let folder = crate::common::Folder::new("checked");
    let keys = Keys::open(&folder.path().join("keys.toml")).unwrap();
    let twins = reveille_example_service::twins::Twins::start(None, Clock::default()).await.unwrap();
    let secret = super::SECRET;
    for (text, problem) in [
        (
            format!("[webhook]\nurl = \"http://shop.example/x\"\nsecrets = [\"{secret}\"]"),
            "webhook.url: must be https",
        ),
        (
            format!("[webhook]\nurl = \"https://u@shop.example\"\nsecrets = [\"{secret}\"]"),
            "webhook.url: must be https",
        ),
        (format!("[sms]\nurl = \"ftp://shop.example\"\nsecrets = [\"{secret}\"]"), "sms.url: expected https"),
        (
            "[sms]\nurl = \"https://shop.example\"\nsecrets = [\"whsec_x\"]".to_owned(),
            "sms.secrets: a secret is",
        ),
        ("[outgoing]\nurl = \"https://shop.example\"".to_owned(), "outgoing.secrets: give one to three"),
        (
            "[fallback]\nmissed_call = \"email\"".to_owned(),
            "fallback.missed_call: names a channel that is not",
        ),
    ] {
        let mut settings = Settings::from_toml(&text, "x").unwrap();
        settings.listen = ([127, 0, 0, 1], 0).into();
        let store = std::sync::Arc::new(MemoryStore::default());
        let started = Service::start(&settings, &keys, store, Some(&twins), Clock::default()).await;
        let error = started.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.starts_with(problem), "{text}: {error}");
        assert!(!error.contains("MfKQ"), "no secret: {error}");
    }
    // https to a private address passes the settings, and not the wire.
    let scene = Scene::new("private", Clock::default(), |settings| {
        let text = format!("url = \"https://127.0.0.1:1/x\"\nsecrets = [\"{secret}\"]");
        settings.webhook = Some(toml::from_str(&text).unwrap());
    })
    .await;
    scene.joined("a").await;
    scene.message("m1", "a", "hello").await;
    let begun = Instant::now();
    while scene.caller().metric("reveille_webhook_total{kind=\"not_sent\"}").await.is_none() {
        assert!(begun.elapsed() < Duration::from_secs(20));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    scene.stop().await;
}
