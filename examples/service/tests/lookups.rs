//! Names and presence, asked of the platform while a call waits.

use std::time::{Duration, Instant};

use reveille_example_service::clock::Clock;
use reveille_example_service::settings::Settings;
use reveille_example_service::twins::Twins;
use serde_json::{Value, json};

use crate::common::Folder;
use crate::common::platform::{LocalPlatform, Reply};
use crate::service::{Running, of, register, start, wait};

fn with(platform: &LocalPlatform) -> impl Fn(&mut Settings) {
    |settings| {
        settings.platform = Some(platform.settings());
        settings.allowed_origins.push(platform.origin.clone());
    }
}

fn offered(conversation: &str, caller: &str, queue: &str) -> Value {
    json!({"conversation": conversation, "person": "kate", "caller": caller, "queue": queue})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ring_says_names_that_the_event_does_not() {
    let (folder, clock) = (Folder::new("names"), Clock::default());
    let twins = Twins::start(None, clock.clone()).await.unwrap();
    let platform = LocalPlatform::start().await;
    platform.says("/api/v2/users/ann", Reply::Json(json!({"id": "ann", "name": "Ann Bauer"})));
    platform.says("/api/v2/routing/queues/q1", Reply::Json(json!({"name": "Bicycles"})));
    let Running { service, caller } = start(&folder, &twins, &clock, with(&platform)).await;
    register(&caller, &twins).await;

    for conversation in ["c1", "c2"] {
        let offer = offered(conversation, "ann", "q1");
        assert_eq!(caller.event(conversation, "call_offered", offer).await.unwrap(), 202);
        let pushes = wait(&twins, "the ring", |pushes| pushes.len() >= 2).await;
        let text = of(&pushes, "apns")[0].to_string();
        assert!(text.contains("Ann Bauer") && text.contains("Bicycles"), "{text}");
    }
    assert_eq!(platform.asked("/api/v2/users/ann"), 1, "asked once, and kept");

    // Nobody knows the name; or the platform fails, takes its time, or tells something else: it rings in time without.
    platform.says("/api/v2/users/slow", Reply::Late(2_000, json!({"name": "Slow"})));
    platform.says("/api/v2/users/broken", Reply::Status(500));
    platform.says("/api/v2/users/endless", Reply::Endless);
    platform.says("/api/v2/users/other", Reply::Json(json!(["no", "name"])));
    for who in ["unknown", "slow", "broken", "endless", "other"] {
        let begun = Instant::now();
        assert_eq!(caller.event(who, "call_offered", offered(who, who, "q1")).await.unwrap(), 202);
        let pushes = wait(&twins, "the ring", |pushes| pushes.len() >= 2).await;
        assert!(begun.elapsed() < Duration::from_millis(1_500), "{who}: {:?}", begun.elapsed());
        assert!(of(&pushes, "apns")[0].to_string().contains("Bicycles"), "{who}: what is known is said");
    }
    // What came too late for one call is there for the next.
    tokio::time::sleep(Duration::from_millis(2_200)).await;
    assert_eq!(caller.event("s2", "call_offered", offered("s2", "slow", "q1")).await.unwrap(), 202);
    let pushes = wait(&twins, "the ring", |pushes| pushes.len() >= 2).await;
    assert!(of(&pushes, "apns")[0].to_string().contains("Slow"));
    for (kind, least) in [("found", 2.0), ("kept", 3.0), ("unknown", 1.0), ("late", 1.0), ("failed", 1.0)] {
        let value = caller.metric(&format!("reveille_names_total{{kind=\"{kind}\"}}")).await;
        assert!(value.is_some_and(|value| value >= least), "{kind}: {value:?}");
    }
    service.stop().await.unwrap();
}

/// Strict rules: presence decides, if it is known.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn presence_is_asked_for_where_it_decides() {
    let (folder, clock) = (Folder::new("presence"), Clock::default());
    let twins = Twins::start(None, clock.clone()).await.unwrap();
    let platform = LocalPlatform::start().await;
    let rules = folder.path().join("rules.toml");
    std::fs::write(&rules, "calls.presence = \"strict\"\n").unwrap();
    let Running { service, caller } = start(&folder, &twins, &clock, |settings| {
        with(&platform)(settings);
        settings.rules = Some(rules);
        settings.platform.as_mut().unwrap().ask_presence = true;
    })
    .await;
    register(&caller, &twins).await;
    let path = "/api/v2/users/kate/presences/purecloud";
    let presence = |word: &str| Reply::Json(json!({"presenceDefinition": {"systemPresence": word}}));
    let offer =
        |conversation: &str| json!({"conversation": conversation, "person": "kate", "caller_name": "Ann"});

    // She is away: it does not ring. A moment later it is not asked for again.
    platform.says(path, presence("Away"));
    for conversation in ["c1", "c2"] {
        assert_eq!(caller.event(conversation, "call_offered", offer(conversation)).await.unwrap(), 202);
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(twins.take().is_empty());
    assert_eq!(platform.asked(path), 1);
    let obeyed = caller.metric("reveille_presence_decided_total{kind=\"obeyed\"}").await;
    assert_eq!(obeyed, Some(2.0));

    // Nobody knows, nobody answers, or not in time, or in words that say nothing: it rings.
    for (number, reply) in [
        presence("On Queue"),
        Reply::Status(404),
        Reply::Status(500),
        Reply::Late(3_000, json!({})),
        Reply::Json(json!({"presenceDefinition": 7})),
    ]
    .into_iter()
    .enumerate()
    {
        tokio::time::sleep(Duration::from_millis(2_100)).await;
        platform.says(path, reply);
        let (conversation, begun) = (format!("n{number}"), Instant::now());
        assert_eq!(caller.event(&conversation, "call_offered", offer(&conversation)).await.unwrap(), 202);
        wait(&twins, "the ring", |pushes| pushes.len() >= 2).await;
        assert!(begun.elapsed() < Duration::from_millis(1_500), "{number}: {:?}", begun.elapsed());
    }
    for kind in ["found", "kept", "unknown", "refused", "late"] {
        let value = caller.metric(&format!("reveille_presence_total{{kind=\"{kind}\"}}")).await;
        assert!(value.is_some_and(|value| value >= 1.0), "{kind}: {value:?}");
    }
    service.stop().await.unwrap();
}
