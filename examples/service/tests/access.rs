//! Who may do what: every operation with nobody, a stranger, a token that is over, a token for something else, a key without
//! the right.

use bytes::Bytes;
use http::Request;
use reveille_example_service::api::operations;
use reveille_example_service::auth::Right;
use reveille_example_service::clock::Clock;
use reveille_example_service::credentials::LOCAL_APP;
use reveille_example_service::openapi::{Operation, Who};
use reveille_example_service::twins::Twins;
use reveille_example_service::wire::{AllowedOrigins, Wire, WireSettings};
use serde_json::{Value, json};

use crate::common::{Caller, Folder, claims, sign, user_token};
use crate::service::{offer, register, start, wait};

/// A path that is there: kate's, on her phone.
fn path(operation: &Operation) -> String {
    let mut path = operation.path.to_owned();
    for (name, value) in [
        ("{app}", LOCAL_APP),
        ("{device}", "android"),
        ("{person}", "kate"),
        ("{channel}", "mobile"),
        ("{conversation}", "call"),
        ("{source}", "1"),
        ("{event}", "o1"),
        ("{job}", "00000000000000000000000000000000"),
        ("{letter}", "1-1"),
        ("{announcement}", "00000000000000000000000000000000"),
        ("{name}", "reader"),
        ("{test}", "00000000000000000000000000000000"),
    ] {
        path = path.replace(name, value);
    }
    path
}

/// A body that says "kate" wherever it can.
fn body(operation: &Operation) -> Value {
    match operation.bodies.first().map_or("", |(_, schema)| *schema) {
        "Registration" => json!({"owner": "kate", "platform": "android", "fcm_token": "stolen"}),
        "Rotation" => json!({"fcm_token": "stolen"}),
        "Answered" | "Read" => json!({"person": "kate"}),
        "ResumeRequest" => json!({
            "person": "kate", "token": "t", "conversation": "call", "app": LOCAL_APP, "device": "android",
            "channel": "fcm", "attempt": "1",
        }),
        "Redrive" => json!({"from_ms": 0, "to_ms": 1}),
        "Announcement" => {
            json!({"id": "1", "conversation": "news", "audience": format!("app:{LOCAL_APP}"), "text": "stolen"})
        }
        "KeyRequest" => json!({"rights": ["keys"]}),
        _ => json!({}),
    }
}

async fn all(caller: &Caller, of: impl Fn(&Operation) -> bool) -> Vec<(&'static Operation, u16)> {
    let mut answers = Vec::new();
    for operation in operations().into_iter().filter(|operation| of(operation)) {
        let (path, body) = (path(operation), body(operation).to_string());
        let verb = operation.verb.name().to_uppercase();
        let (status, document) = caller.call(&verb, &path, "application/json", body).await.unwrap();
        if status.as_u16() >= 400 {
            assert!(
                document["type"].as_str().is_some_and(|kind| kind.starts_with("urn:reveille:problem:")),
                "{path}"
            );
        }
        answers.push((operation, status.as_u16()));
    }
    answers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_gets_at_what_is_somebody_elses() {
    let (folder, clock) = (Folder::new("access"), Clock::default());
    let twins = Twins::start(None, clock.clone()).await.unwrap();
    // Every operation is asked for in one go.
    let running = start(&folder, &twins, &clock, |settings| settings.limits.user_rate = 1_000).await;
    let (address, key) = (running.service.address, &running.caller);
    register(key, &twins).await;
    assert_eq!(key.event("o1", "call_offered", offer("call")).await.unwrap(), 202);
    wait(&twins, "the ring", |pushes| pushes.len() >= 2).await;
    let closed = |operation: &Operation| operation.who != Who::Anyone;

    // Nobody, and whoever shows what is no good.
    let with = |name: &str, value: Value| {
        let mut all = claims("kate");
        all[name] = value;
        user_token(folder.path(), all)
    };
    let long = "x".repeat(5_000);
    for (what, token) in [
        ("nothing", String::new()),
        ("a wrong key", "rvk_AAAA".to_owned()),
        ("a long one", long),
        ("expired", with("exp", json!(1_000_000))),
        ("of another service", with("aud", json!("another"))),
        ("signed by somebody", sign(&[9; 32], claims("kate"))),
    ] {
        for (operation, status) in all(&Caller::new(address, &token), closed).await {
            assert_eq!(status, 401, "{what}: {}", operation.path);
        }
    }

    // An end user who is somebody else.
    let ann = Caller::new(address, &user_token(folder.path(), claims("ann")));
    for (operation, status) in
        all(&ann, |operation| matches!(operation.who, Who::Key(_) | Who::Person(_))).await
    {
        let said = match (operation.who, operation.id) {
            // The body says so; or it is as if kate's device were not there.
            (Who::Person(_), "rotateDevice" | "deleteDevice") => 404,
            (Who::Person(_), "getDevices") => 200,
            _ => 403,
        };
        assert_eq!(status, said, "{} {}", operation.id, operation.path);
    }
    // … also one who does not name kate.
    let json = "application/json";
    let android = format!("/v1/devices/{LOCAL_APP}/android");
    for (verb, path, body, said) in [
        ("PUT", android.as_str(), json!({"platform": "android", "fcm_token": "ann-1"}), 403),
        ("PUT", "/v1/devices/made.up/phone", json!({"platform": "android", "fcm_token": "ann-1"}), 403),
        ("POST", "/v1/answered/call", json!({}), 404),
        ("POST", "/v1/answered/call", json!({"app": LOCAL_APP, "device": "android"}), 404),
        ("GET", "/v1/devices?person=kate", json!({}), 403),
    ] {
        let (status, document) = ann.call(verb, path, json, body.to_string()).await.unwrap();
        assert_eq!(status, said, "{verb} {path}: {document}");
    }
    assert_eq!(ann.call("GET", "/v1/devices", json, "").await.unwrap().1["devices"], json!([]));

    // kate with a token for another app.
    let mut other = claims("kate");
    other["app"] = json!("another.app");
    let other = Caller::new(address, &user_token(folder.path(), other));
    for (verb, path) in [("PUT", &android), ("DELETE", &android), ("POST", &format!("{android}/rotate"))] {
        let body = json!({"fcm_token": "stolen"});
        let body = if verb == "PUT" { json!({"platform": "android", "fcm_token": "stolen"}) } else { body };
        assert_eq!(other.call(verb, path, json, body.to_string()).await.unwrap().0, 403, "{verb} {path}");
    }
    assert_eq!(other.call("GET", "/v1/devices", json, "").await.unwrap().1["devices"], json!([]));

    // Nothing of all that has changed anything: kate's call rings, and her devices are as they were.
    let kate = Caller::new(address, &user_token(folder.path(), claims("kate")));
    let (status, ringing) = kate.call("GET", "/v1/ringing/kate", json, "").await.unwrap();
    assert_eq!((status.as_u16(), ringing["ringing"][0]["conversation"].as_str()), (200, Some("call")));
    let (_, devices) = kate.call("GET", "/v1/devices", json, "").await.unwrap();
    let states: Vec<_> =
        devices["devices"].as_array().unwrap().iter().map(|device| &device["state"]).collect();
    assert_eq!(states, ["active", "active"]);
    assert!(!devices.to_string().contains("android-1"), "no token is shown");

    // A key with one right has that one only.
    for right in Right::ALL {
        let form = json!({"rights": [right]}).to_string();
        let (status, made) = key.call("PUT", "/v1/keys/single", json, form).await.unwrap();
        assert_eq!(status, 200, "{made}");
        let single = Caller::new(address, made["key"].as_str().unwrap());
        let needs = |operation: &Operation| match operation.who {
            Who::Key(needs) | Who::Person(needs) => needs != right,
            _ => false,
        };
        for (operation, status) in all(&single, needs).await {
            assert_eq!(status, 403, "{right:?}: {}", operation.path);
        }
        assert_eq!(single.call("GET", "/v1/me", json, "").await.unwrap().1["rights"], json!([right]));
    }
    running.service.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_kept_replaced_and_taken_away() {
    let (folder, clock) = (Folder::new("keys"), Clock::default());
    let twins = Twins::start(None, clock.clone()).await.unwrap();
    let running = start(&folder, &twins, &clock, |_| {}).await;
    let json = "application/json";
    let put = json!({"rights": ["events"]}).to_string();
    let made = async |caller: &Caller| {
        let (status, made) = caller.call("PUT", "/v1/keys/crm", json, put.clone()).await.unwrap();
        assert_eq!(status, 200, "{made}");
        (made["key"].as_str().unwrap().to_owned(), made["source"].clone())
    };
    let (first, source) = made(&running.caller).await;
    let (second, same) = made(&running.caller).await;
    assert_eq!(source, same, "the same source of events: ids that were taken stay taken");
    assert_ne!(first, second);
    running.service.stop().await.unwrap();

    let running = start(&folder, &twins, &clock, |_| {}).await;
    let address = running.service.address;
    assert_eq!(Caller::new(address, &first).call("GET", "/v1/me", json, "").await.unwrap().0, 401);
    let crm = Caller::new(address, &second);
    assert_eq!(crm.call("GET", "/v1/me", json, "").await.unwrap().1["source"], same);
    assert_eq!(
        crm.event("1", "joined", json!({"conversation": "c", "person": "p", "role": "visitor"}))
            .await
            .unwrap(),
        202
    );
    let (_, list) = running.caller.call("GET", "/v1/keys", json, "").await.unwrap();
    assert!(!list.to_string().contains(&second) && list["keys"].as_array().unwrap().len() == 2, "{list}");
    let stored = std::fs::read(folder.path().join("store.redb")).unwrap();
    assert!(!stored.windows(second.len()).any(|part| part == second.as_bytes()), "only a hash is at rest");
    assert_eq!(running.caller.call("DELETE", "/v1/keys/crm", json, "").await.unwrap().0, 204);
    assert_eq!(crm.call("GET", "/v1/me", json, "").await.unwrap().0, 401);
    assert_eq!(running.caller.call("DELETE", "/v1/keys/crm", json, "").await.unwrap().0, 404);
    assert_eq!(running.caller.call("DELETE", "/v1/keys/first", json, "").await.unwrap().0, 400);
    running.service.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_names_the_user_and_rates_hold_everybody_back() {
    let (folder, clock) = (Folder::new("proxy"), Clock::default());
    let twins = Twins::start(None, clock.clone()).await.unwrap();
    for (peers, status) in [("127.0.0.0/8", 200), ("10.0.0.0/8", 401)] {
        let running = start(&folder, &twins, &clock, |settings| {
            settings.users.header = Some("x-user".to_owned());
            settings.users.peers = vec![peers.to_owned()];
            settings.limits.user_rate = 5;
        })
        .await;
        let origin = format!("http://{}", running.service.address);
        let http =
            Wire::new(WireSettings::default(), AllowedOrigins::new([origin.as_str()]).unwrap(), &[]).unwrap();
        let ask = async |path: &str| {
            let request = Request::get(format!("{origin}{path}")).header("x-user", "kate");
            http.send(request.body(Bytes::new()).unwrap()).await.unwrap()
        };
        assert_eq!(ask("/v1/ringing/kate").await.status(), status, "{peers}");
        if status == 200 {
            assert_eq!(ask("/v1/ringing/ann").await.status(), 403);
            let mut refused = None;
            for _ in 0..30 {
                refused = refused.or(Some(ask("/v1/me").await).filter(|answer| answer.status() == 429));
            }
            assert!(refused.unwrap().headers().contains_key("retry-after"));
        }
        running.service.stop().await.unwrap();
    }
}
