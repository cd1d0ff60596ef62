//! The whole service in this process, over local services.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reveille_example_service::clock::Clock;
use reveille_example_service::credentials::LOCAL_APP;
use reveille_example_service::keys::Keys;
use reveille_example_service::redb_store::{RedbSettings, RedbStore};
use reveille_example_service::service::Service;
use reveille_example_service::settings::Settings;
use reveille_example_service::twins::{Received, Twins};
use reveille_gateway::store::StoreError;
use reveille_testkit::store::MemoryStore;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::common::{Caller, Folder, event};

pub(crate) struct Running {
    pub(crate) service: Service<RedbStore>,
    pub(crate) caller: Caller,
}

pub(crate) async fn start(
    folder: &Folder,
    twins: &Twins,
    clock: &Clock,
    change: impl FnOnce(&mut Settings),
) -> Running {
    let mut settings = Settings {
        listen: ([127, 0, 0, 1], 0).into(),
        data: folder.path().to_owned(),
        digest_ms: 200,
        ..Settings::default()
    };
    // Tests ask as fast as they can; the one about rates sets its own.
    settings.limits.user_rate = 1_000;
    change(&mut settings);
    let keys = Keys::open(&folder.path().join("keys.toml")).unwrap();
    let store = RedbStore::open(folder.path().join("store.redb"), RedbSettings::new(keys.sealer())).unwrap();
    let service =
        Service::start(&settings, &keys, Arc::new(store), Some(twins), clock.clone()).await.unwrap();
    let caller = Caller::new(service.address, keys.api.expose());
    Running { service, caller }
}

pub(crate) async fn register(caller: &Caller, twins: &Twins) {
    let browser = json!({"owner": "guest", "platform": "web", "subscription": twins.browser().unwrap()});
    assert_eq!(caller.register(LOCAL_APP, "browser", browser).await, 201);
    let (alert, voip) = twins.iphone();
    let iphone = json!({"owner": "kate", "platform": "ios", "apns_alert": alert, "apns_voip": voip});
    assert_eq!(caller.register(LOCAL_APP, "iphone", iphone).await, 201);
    let android = json!({"owner": "kate", "platform": "android", "fcm_token": twins.android()});
    assert_eq!(caller.register(LOCAL_APP, "android", android).await, 201);
}

pub(crate) async fn wait(twins: &Twins, what: &str, enough: impl Fn(&[Received]) -> bool) -> Vec<Received> {
    let (begun, mut all) = (Instant::now(), Vec::new());
    while begun.elapsed() < Duration::from_secs(30) {
        all.extend(twins.take());
        if enough(&all) {
            return all;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{what}: {all:?}");
}

pub(crate) fn of<'p>(pushes: &'p [Received], service: &str) -> Vec<&'p Value> {
    pushes.iter().filter(|push| push.service == service).map(|push| &push.data).collect()
}

pub(crate) fn offer(conversation: &str) -> Value {
    json!({"conversation": conversation, "person": "kate", "caller_name": "Ann", "queue_name": "Sales"})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chat_a_call_its_cancel_and_a_restart() {
    let (folder, clock) = (Folder::new("service"), Clock::default());
    let twins = Twins::start(None, clock.clone()).await.unwrap();
    let Running { service, caller } = start(&folder, &twins, &clock, |_| {}).await;
    register(&caller, &twins).await;

    // A digest: three messages, one push.
    let joined = json!({"conversation": "chat", "person": "guest", "role": "visitor"});
    assert_eq!(caller.event("1", "joined", joined).await.unwrap(), 202);
    for number in 0..3 {
        let data = json!({"conversation": "chat", "sender": "kate", "role": "primary", "preview": "hi"});
        assert_eq!(caller.event(&format!("m{number}"), "message_sent", data).await.unwrap(), 202);
    }
    let pushes = wait(&twins, "the digest", |pushes| !pushes.is_empty()).await;
    assert_eq!((pushes.len(), of(&pushes, "web_push").len()), (1, 1));

    // A ring on both phones, once, however often the source says so.
    for _ in 0..2 {
        assert_eq!(caller.event("o1", "call_offered", offer("call")).await.unwrap(), 202);
    }
    let pushes = wait(&twins, "the ring", |pushes| pushes.len() >= 2).await;
    assert_eq!((of(&pushes, "apns").len(), of(&pushes, "fcm").len()), (1, 1));
    tokio::time::sleep(Duration::from_millis(300)).await;
    let (status, ringing) = caller.call("GET", "/v1/ringing/kate", "text/plain", "").await.unwrap();
    assert_eq!((status.as_u16(), ringing["ringing"][0]["conversation"].as_str()), (200, Some("call")));

    // Every part is counted: the shards together, the writer, the pacer.
    for (name, least) in [
        ("reveille_gateway_jobs_total", 2.0),
        ("reveille_writer_written_total{kind=\"apns\"}", 1.0),
        ("reveille_pacer_in_flight", 0.0),
        ("reveille_writer_batch_legs_count", 1.0),
    ] {
        let value = caller.metric(name).await;
        assert!(value.is_some_and(|value| value >= least), "{name}: {value:?}");
    }

    // The service stops and starts: it still knows that it rings, and where.
    service.stop().await.unwrap();
    assert!(twins.take().is_empty(), "nothing is sent again");
    let Running { service, caller } = start(&folder, &twins, &clock, |_| {}).await;
    let (_, ringing) = caller.call("GET", "/v1/ringing/kate", "text/plain", "").await.unwrap();
    assert_eq!(ringing["ringing"][0]["conversation"], "call");
    let answered = json!({"conversation": "call", "person": "kate", "device": format!("{LOCAL_APP}/iphone")});
    assert_eq!(caller.event("a1", "call_answered", answered).await.unwrap(), 202);
    let pushes = wait(&twins, "the cancel", |pushes| !pushes.is_empty()).await;
    assert_eq!(
        (of(&pushes, "apns").len(), of(&pushes, "fcm").len()),
        (0, 1),
        "not on the phone that answered"
    );
    assert!(of(&pushes, "fcm")[0].get("action").is_some());
    service.stop().await.unwrap();
}

/// Nobody counts what kate has not read, and 0 would clear the badge that her app has set.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_badge_is_sent_that_nobody_counts() {
    let (folder, clock) = (Folder::new("badge"), Clock::default());
    let twins = Twins::start(None, clock.clone()).await.unwrap();
    let Running { service, caller } = start(&folder, &twins, &clock, |_| {}).await;
    register(&caller, &twins).await;
    let joined = json!({"conversation": "chat", "person": "kate", "role": "primary"});
    assert_eq!(caller.event("1", "joined", joined).await.unwrap(), 202);
    let data = json!({"conversation": "chat", "sender": "guest", "role": "visitor", "preview": "hi"});
    assert_eq!(caller.event("2", "message_sent", data).await.unwrap(), 202);
    let pushes = wait(&twins, "the message", |pushes| !of(pushes, "apns").is_empty()).await;
    let aps = &of(&pushes, "apns")[0]["aps"];
    assert!(aps["alert"].is_object() && aps.get("badge").is_none(), "{aps}");
    service.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_fails_for_a_while_and_a_device_that_logs_out() {
    let (folder, clock) = (Folder::new("fails"), Clock::default());
    let twins = Twins::start(None, clock.clone()).await.unwrap();
    let Running { service, caller } = start(&folder, &twins, &clock, |_| {}).await;
    register(&caller, &twins).await;
    // Refused twice, told at the third attempt: Web Push names no least time between two.
    twins.refuse(2);
    let joined = json!({"conversation": "chat", "person": "guest", "role": "visitor"});
    assert_eq!(caller.event("1", "joined", joined).await.unwrap(), 202);
    let message = json!({"conversation": "chat", "sender": "kate", "role": "primary", "preview": "hi"});
    assert_eq!(caller.event("2", "message_sent", message).await.unwrap(), 202);
    let pushes = wait(&twins, "the message after two refusals", |pushes| !pushes.is_empty()).await;
    assert_eq!((pushes.len(), of(&pushes, "web_push").len()), (1, 1));

    assert_eq!(caller.event("o1", "call_offered", offer("call-1")).await.unwrap(), 202);
    let pushes = wait(&twins, "the ring", |pushes| pushes.len() >= 2).await;
    assert_eq!((of(&pushes, "apns").len(), of(&pushes, "fcm").len()), (1, 1));

    let path = format!("/v1/devices/{LOCAL_APP}/android");
    assert_eq!(caller.call("DELETE", &path, "text/plain", "").await.unwrap().0, 204);
    let _ = twins.take();
    assert_eq!(caller.event("o2", "call_offered", offer("call-2")).await.unwrap(), 202);
    let pushes = wait(&twins, "the second ring", |pushes| !of(pushes, "apns").is_empty()).await;
    let to_android = of(&pushes, "fcm").iter().filter(|push| push["conversationId"] == "call-2").count();
    assert_eq!(to_android, 0, "logged out");
    service.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_error_is_a_problem_document() {
    let (folder, clock) = (Folder::new("problems"), Clock::default());
    let twins = Twins::start(None, clock.clone()).await.unwrap();
    let running = start(&folder, &twins, &clock, |settings| {
        settings.limits.batch = 2;
        settings.limits.body_bytes = 10_000;
        settings.limits.waiting_events = 2;
    })
    .await;
    let caller = &running.caller;
    let ce = "application/cloudevents+json";
    let batch = "application/cloudevents-batch+json";
    let events = |count: usize| {
        let all = (0..count).map(|number| event(&format!("b{number}"), "call_offered", offer("c1")));
        Value::Array(all.collect()).to_string()
    };
    let half = Value::Array(vec![event("h1", "call_offered", offer("c1")), json!({"specversion": "1.0"})]);
    let private = json!({"owner": "x", "platform": "web", "subscription": {"endpoint": "https://10.0.0.1/x", "keys": {
        "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        "auth": "BTBZMqHH6r4Tts7J_aSIgg"}}});
    let device = format!("/v1/devices/{LOCAL_APP}/d1");
    for (method, path, kind, body, status, problem) in [
        ("POST", "/v1/events", ce, "{".to_owned(), 400, "bad-request"),
        ("POST", "/v1/events", ce, r#"{"specversion":"1.0","id":"1"}"#.to_owned(), 400, "bad-request"),
        ("POST", "/v1/events", "text/plain", "x".to_owned(), 415, "media-type"),
        ("POST", "/v1/events", batch, events(3), 413, "too-many"),
        ("POST", "/v1/events", batch, half.to_string(), 400, "bad-request"),
        ("POST", "/v1/events", ce, "x".repeat(20_000), 413, "too-large"),
        ("GET", "/v1/events", ce, String::new(), 405, "method"),
        ("GET", "/v2/events", ce, String::new(), 404, "not-found"),
        ("GET", "/v1/ringing/%00", ce, String::new(), 400, "bad-request"),
        ("PUT", &device, "application/json", "{}".to_owned(), 400, "bad-request"),
        (
            "PUT",
            &device,
            "application/json",
            r#"{"owner":"x","platform":"ios"}"#.to_owned(),
            400,
            "bad-request",
        ),
        ("PUT", &device, "application/json", private.to_string(), 400, "bad-request"),
        ("DELETE", &device, "application/json", String::new(), 404, "not-found"),
    ] {
        let (given, document) = caller.call(method, path, kind, body).await.unwrap();
        assert_eq!(given.as_u16(), status, "{method} {path}: {document}");
        assert_eq!(
            document["type"],
            format!("urn:reveille:problem:{problem}"),
            "{method} {path}: {document}"
        );
        assert_eq!(document["status"], status, "{method} {path}");
        assert!(document["detail"].as_str().is_some_and(|detail| !detail.contains("10.0.0.1")), "{document}");
    }
    // Presence concerns all shards, and two events may wait: the bound has a name.
    let presence = event("p1", "presence_changed", json!({"person": "kate", "presence": "away"})).to_string();
    let (status, document) = caller.call("POST", "/v1/events", ce, presence).await.unwrap();
    assert_eq!((status.as_u16(), document["bound"].as_str()), (429, Some("waiting_events")), "{document}");

    let stranger = Caller::new(running.service.address, "another key");
    for (method, path) in
        [("GET", "/v1/ringing/kate"), ("GET", "/metrics"), ("POST", "/v1/events"), ("PUT", &device)]
    {
        let (status, document) = stranger.call(method, path, ce, "").await.unwrap();
        assert_eq!((status.as_u16(), &document["status"]), (401, &json!(401)), "{path}");
    }
    assert_eq!(stranger.call("GET", "/health", ce, "").await.unwrap().0, 200);
    assert!(caller.metric("reveille_commits_total").await.unwrap() > 0.0);
    running.service.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silent_connections_end_and_honest_ones_are_served() {
    let (folder, clock) = (Folder::new("silent"), Clock::default());
    let twins = Twins::start(None, clock.clone()).await.unwrap();
    let running = start(&folder, &twins, &clock, |settings| {
        settings.limits.connections = 20;
        settings.limits.head_ms = 500;
    })
    .await;
    let mut silent = Vec::new();
    for _ in 0..60 {
        let mut tcp = TcpStream::connect(running.service.address).await.unwrap();
        tcp.write_all(b"GET /health HTTP/1.1\r\n").await.unwrap();
        silent.push(tcp);
    }
    let (status, _) = running.caller.call("GET", "/health", "text/plain", "").await.unwrap();
    assert_eq!(status, 200);
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(10), silent[0].read_to_end(&mut rest)).await;
    assert!(ended.is_ok(), "a silent connection is closed");
    drop(silent);
    running.service.stop().await.unwrap();
}

/// Somebody sets the clock by an hour, forth and back, while a call rings: the ring goes on, and is taken back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_clock_jumps() {
    let (folder, clock) = (Folder::new("clock"), Clock::default());
    let services = Clock::default();
    let twins = Twins::start(None, services).await.unwrap();
    let running = start(&folder, &twins, &clock, |_| {}).await;
    register(&running.caller, &twins).await;
    assert_eq!(running.caller.event("o1", "call_offered", offer("call")).await.unwrap(), 202);
    wait(&twins, "the ring", |pushes| pushes.len() >= 2).await;
    for error in [600_000, 0] {
        clock.set_error(error);
        let joined = json!({"conversation": "call", "person": "ben", "role": "secondary"});
        assert_eq!(running.caller.event(&format!("j{error}"), "joined", joined).await.unwrap(), 202);
        let (_, ringing) = running.caller.call("GET", "/v1/ringing/kate", "text/plain", "").await.unwrap();
        assert_eq!(ringing["ringing"][0]["conversation"], "call", "with the clock {error} ms ahead");
    }
    let ended = json!({"conversation": "call"});
    assert_eq!(running.caller.event("e1", "call_ended", ended).await.unwrap(), 202);
    wait(&twins, "the cancel", |pushes| {
        pushes.iter().filter(|push| push.data.get("action").is_some()).count() >= 2
    })
    .await;
    running.service.stop().await.unwrap();
}

/// A store that fails for a while: sources hear 503 or 202, never anything else, and what was accepted is told once. One
/// that fails for good stops the service, with a clear word.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_fails() {
    let (folder, clock) = (Folder::new("store"), Clock::default());
    let twins = Twins::start(None, clock.clone()).await.unwrap();
    let settings = Settings { listen: ([127, 0, 0, 1], 0).into(), ..Settings::default() };
    let keys = Keys::open(&folder.path().join("keys.toml")).unwrap();
    let store = Arc::new(MemoryStore::default());
    let mut service =
        Service::start(&settings, &keys, Arc::clone(&store), Some(&twins), clock.clone()).await.unwrap();
    let caller = Caller::new(service.address, keys.api.expose());
    register(&caller, &twins).await;
    let detail = || "on purpose".to_owned();
    let errors = [
        StoreError::Unavailable { detail: detail() },
        StoreError::Full,
        StoreError::Unknown { detail: detail() },
    ];
    let mut refused = 0;
    for (number, error) in errors.into_iter().enumerate() {
        let conversation = format!("call-{number}");
        (0..4).for_each(|_| store.refuse(error.clone()));
        loop {
            let status =
                caller.event(&format!("o{number}"), "call_offered", offer(&conversation)).await.unwrap();
            if status == 202 {
                break;
            }
            assert_eq!(status, 503);
            refused += 1;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let pushes = wait(&twins, &conversation, |pushes| pushes.len() >= 2).await;
        assert_eq!((of(&pushes, "apns").len(), of(&pushes, "fcm").len()), (1, 1), "{pushes:?}");
    }
    assert!(refused > 0, "the store failed, and nobody heard of it");
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(twins.take().is_empty(), "nothing is sent again");

    store.refuse(StoreError::ReadOnly);
    assert_eq!(caller.event("last", "call_offered", offer("last")).await.unwrap(), 503);
    let out = tokio::time::timeout(Duration::from_secs(10), service.failed()).await.unwrap();
    assert_eq!(out.to_string(), "the store: the store can only be read");
}

/// A process that slept finds out by its first write that another one has its shards, and lets nothing go any more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_successor_takes_over() {
    let (folder, clock) = (Folder::new("successor"), Clock::default());
    let twins = Twins::start(None, clock.clone()).await.unwrap();
    let settings = Settings { listen: ([127, 0, 0, 1], 0).into(), ..Settings::default() };
    let keys = Keys::open(&folder.path().join("keys.toml")).unwrap();
    let store = Arc::new(MemoryStore::default());
    let start = async || {
        let service = Service::start(&settings, &keys, Arc::clone(&store), Some(&twins), clock.clone()).await;
        let service = service.unwrap();
        let caller = Caller::new(service.address, keys.api.expose());
        (service, caller)
    };
    let (mut sleeper, to_sleeper) = start().await;
    register(&to_sleeper, &twins).await;
    assert_eq!(to_sleeper.event("o1", "call_offered", offer("call")).await.unwrap(), 202);
    wait(&twins, "the ring", |pushes| pushes.len() >= 2).await;
    tokio::time::sleep(Duration::from_millis(300)).await;

    // The same name is the same process, restarted: its lease is no obstacle.
    let (successor, to_successor) = start().await;
    let ended = json!({"conversation": "call"});
    assert_eq!(to_sleeper.event("e1", "call_ended", ended.clone()).await.unwrap(), 503);
    let out = tokio::time::timeout(Duration::from_secs(10), sleeper.failed()).await.unwrap().to_string();
    assert!(out.ends_with("another process has claimed it"), "{out}");

    let (_, ringing) = to_successor.call("GET", "/v1/ringing/kate", "text/plain", "").await.unwrap();
    assert_eq!(ringing["ringing"][0]["conversation"], "call");
    assert_eq!(to_successor.event("e1", "call_ended", ended).await.unwrap(), 202);
    let cancels =
        |pushes: &[Received]| pushes.iter().filter(|push| push.data.get("action").is_some()).count();
    let pushes = wait(&twins, "the cancels", |pushes| cancels(pushes) >= 2).await;
    let rings = pushes
        .iter()
        .filter(|push| push.data["kind"] == "incoming_call" && push.data.get("action").is_none());
    assert_eq!((cancels(&pushes), rings.count()), (2, 0), "each phone once, and nothing rings again");
    successor.stop().await.unwrap();
}
