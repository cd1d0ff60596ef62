//! A message for everybody with a device in an app.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use reveille_example_service::clock::Clock;
use reveille_example_service::credentials::LOCAL_APP;
use reveille_example_service::twins::Twins;
use serde_json::{Value, json};

use crate::common::platform::{LocalPlatform, Reply};
use crate::common::{Caller, Folder};
use crate::service::{Running, of, start, wait};

const PEOPLE: usize = 1_000;

async fn call(caller: &Caller, verb: &str, path: &str, body: Value) -> (u16, Value) {
    let (status, document) = caller.call(verb, path, "application/json", body.to_string()).await.unwrap();
    (status.as_u16(), document)
}

async fn ended(caller: &Caller, path: &str) -> Value {
    let begun = Instant::now();
    loop {
        let (status, progress) = call(caller, "GET", path, json!({})).await;
        assert_eq!(status, 200, "{progress}");
        if (progress["ended"].is_string() && progress["open"] == 0)
            || begun.elapsed() > Duration::from_secs(60)
        {
            return progress;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_people_are_told_in_pages() {
    let (folder, clock) = (Folder::new("announce"), Clock::default());
    let twins = Twins::start(None, clock.clone()).await.unwrap();
    let Running { service, caller } = start(&folder, &twins, &clock, |_| {}).await;
    let mut tokens = BTreeMap::new();
    let all: Vec<_> = (0..PEOPLE)
        .map(|number| {
            let token = twins.android();
            tokens.insert(token.clone(), 0_u32);
            // Not in the order of their devices.
            let person = format!("person-{}", (number * 7_919) % PEOPLE);
            (number, json!({"owner": person, "platform": "android", "fcm_token": token}))
        })
        .collect();
    for portion in all.chunks(50) {
        let put = portion.iter().map(|(number, form)| {
            let device = format!("device-{number}");
            let caller = &caller;
            async move { caller.register(LOCAL_APP, &device, form.clone()).await }
        });
        for status in futures_util::future::join_all(put).await {
            assert_eq!(status, 201);
        }
    }
    // Somebody of another app is not told.
    let stranger = json!({"owner": "stranger", "platform": "android", "fcm_token": twins.android()});
    assert_eq!(caller.register("zz.another.app", "phone", stranger).await, 201);

    let form = json!({"id": "a-17", "conversation": "news", "audience": format!("app:{LOCAL_APP}"),
        "text": "We move on Monday.", "from": "Example Shop"});
    let (status, announced) = call(&caller, "POST", "/v1/announcements", form.clone()).await;
    assert_eq!(status, 202, "{announced}");
    // The same once more is the same one.
    assert_eq!(call(&caller, "POST", "/v1/announcements", form).await, (202, announced.clone()));
    let path = format!("/v1/announcements/news/{}", announced["announcement"].as_str().unwrap());
    let progress = ended(&caller, &path).await;
    assert_eq!(
        (&progress["ended"], &progress["told"], &progress["pages_refused"], &progress["open"]),
        (&json!("all"), &json!(PEOPLE), &json!(0), &json!(0)),
        "{progress}"
    );
    assert!(progress["pages"].as_u64().unwrap() >= 4, "{progress}");
    let pushes = wait(&twins, "all pushes", |pushes| pushes.len() >= PEOPLE).await;
    for push in &pushes {
        *tokens.get_mut(&push.device).expect("a device of the app") += 1;
    }
    assert!(tokens.values().all(|times| *times == 1), "each once");
    assert!(of(&pushes, "fcm").iter().all(|data| data["conversationId"] == "news"), "{:?}", pushes[0]);

    for (form, problem) in [
        (json!({"id": "1", "conversation": "c", "audience": "nobody", "text": "x"}), 400),
        (json!({"id": "1", "conversation": "c", "audience": "app:x", "text": " "}), 400),
        (json!({"id": "1", "conversation": "c", "audience": "app:x", "text": "x", "not_after_ms": 1}), 400),
    ] {
        assert_eq!(call(&caller, "POST", "/v1/announcements", form).await.0, problem);
    }
    let nowhere = format!("/v1/announcements/news/{}", "0".repeat(32));
    assert_eq!(call(&caller, "GET", &nowhere, json!({})).await.0, 404);
    assert_eq!(call(&caller, "DELETE", "/v1/announcements/news/x", json!({})).await.0, 400);
    service.stop().await.unwrap();
}

/// The list is the platform's; it fails at first. Then it is called off.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_of_the_platform_and_a_cancel() {
    let (folder, clock) = (Folder::new("announce-list"), Clock::default());
    let twins = Twins::start(None, clock.clone()).await.unwrap();
    let platform = LocalPlatform::start().await;
    let Running { service, caller } = start(&folder, &twins, &clock, |settings| {
        settings.platform = Some(platform.settings());
        settings.allowed_origins.push(platform.origin.clone());
        let list = "[[audiences]]\nid = \"vips\"\npath = \"/lists/vips?after={after}&limit={limit}\"\n";
        settings.audiences =
            reveille_example_service::settings::Settings::from_toml(list, "list").unwrap().audiences;
    })
    .await;
    for person in ["ann", "ben", "zoe"] {
        let form = json!({"owner": person, "platform": "android", "fcm_token": twins.android()});
        assert_eq!(caller.register(LOCAL_APP, &format!("{person}s"), form).await, 201);
    }
    platform.says("/lists/vips?after=&limit=256", Reply::Json(json!({"people": ["ann", "zoe"]})));
    let form = |id: &str| json!({"id": id, "conversation": "vip", "audience": "vips", "text": "Sale"});
    let (status, announced) = call(&caller, "POST", "/v1/announcements", form("1")).await;
    assert_eq!(status, 202, "{announced}");
    let path =
        |announced: &Value| format!("/v1/announcements/vip/{}", announced["announcement"].as_str().unwrap());
    assert_eq!(ended(&caller, &path(&announced)).await["told"], json!(2));
    let pushes = wait(&twins, "both", |pushes| pushes.len() >= 2).await;
    assert_eq!(pushes.len(), 2);

    // It does not answer: nobody is told, and the announcement can be called off.
    platform.says("/lists/vips?after=&limit=256", Reply::Status(500));
    let (_, announced) = call(&caller, "POST", "/v1/announcements", form("2")).await;
    let (_, progress) = call(&caller, "GET", &path(&announced), json!({})).await;
    assert_eq!((&progress["told"], &progress["ended"]), (&json!(0), &Value::Null), "{progress}");
    assert_eq!(call(&caller, "DELETE", &path(&announced), json!({})).await.0, 204);
    assert_eq!(ended(&caller, &path(&announced)).await["ended"], json!("cancelled"));
    assert!(twins.take().is_empty());
    service.stop().await.unwrap();
}
