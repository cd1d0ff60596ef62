//! The platform's client, against a platform that misbehaves.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reveille_example_service::clock::Clock;
use reveille_example_service::metrics::Metrics;
use reveille_example_service::platform::{Haste, Platform, PlatformFailure, PlatformSettings};
use reveille_example_service::wire::{AllowedOrigins, Why, WireSettings};
use serde_json::{Value, json};

use crate::common::platform::{LocalPlatform, Reply};

fn client(settings: &PlatformSettings, allowed: &[&str]) -> Platform {
    let allowed = AllowedOrigins::new(allowed.iter().copied()).unwrap();
    let (clock, metrics) = (Clock::default(), Arc::new(Metrics::default()));
    Platform::new(settings, &WireSettings::default(), allowed, &[], clock, metrics).unwrap()
}

async fn get(client: &Platform, path: &str, ms: u64) -> Result<Option<Value>, PlatformFailure> {
    client.get(path, Haste::Hurries, client.within(Duration::from_millis(ms))).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_are_kept_renewed_early_and_replaced_once_when_refused() {
    let platform = LocalPlatform::start().await;
    platform.says("/x", Reply::Json(json!({"name": "X"})));
    platform.expires_in(json!(3));
    let client = Arc::new(client(&platform.settings(), &[&platform.origin]));
    // Twenty at once: one token.
    let all: Vec<_> = (0..20)
        .map(|_| {
            let client = Arc::clone(&client);
            tokio::spawn(async move { get(&client, "/x", 5_000).await })
        })
        .collect();
    for one in all {
        assert_eq!(one.await.unwrap(), Ok(Some(json!({"name": "X"}))));
    }
    assert_eq!(platform.tokens(), 1);
    // Before its end another one is fetched, and nobody waits for it.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert!(get(&client, "/x", 5_000).await.is_ok());
    for _ in 0..50 {
        if platform.tokens() > 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(platform.tokens(), 2, "renewed before its end");
    platform.expires_in(json!(3_600));
    assert!(get(&client, "/x", 5_000).await.is_ok());

    // It is taken back: another one, and the question again.
    platform.takes_back();
    let tokens = platform.tokens();
    assert_eq!(get(&client, "/x", 5_000).await, Ok(Some(json!({"name": "X"}))));
    assert_eq!(platform.tokens(), tokens + 1);
    // Another one is refused as well: it is not the token's fault.
    platform.says("/forbidden", Reply::Status(401));
    let tokens = platform.tokens();
    assert_eq!(get(&client, "/forbidden", 5_000).await, Err(PlatformFailure::Refused { status: 401 }));
    assert_eq!((platform.tokens(), platform.asked("/forbidden")), (tokens + 1, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_that_fails_is_not_asked_all_the_time() {
    let platform = LocalPlatform::start().await;
    platform.says("/x", Reply::Json(json!(1)));
    platform.refuses(Reply::Status(500));
    let client = client(&platform.settings(), &[&platform.origin]);
    for _ in 0..20 {
        assert_eq!(get(&client, "/x", 1_000).await, Err(PlatformFailure::Login { status: 500 }));
    }
    assert_eq!(platform.asked("/oauth/token"), 1);
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!(get(&client, "/x", 1_000).await, Ok(Some(json!(1))));
    for (reply, failure) in [
        (Reply::Json(json!({"token_type": "bearer"})), PlatformFailure::Malformed),
        (Reply::Json(json!({"access_token": "a\nb"})), PlatformFailure::Malformed),
        (Reply::Json(json!({"access_token": "a", "token_type": "mac"})), PlatformFailure::Malformed),
        (Reply::Endless, PlatformFailure::Malformed),
        (
            Reply::Header(302, "location", "http://127.0.0.1:9/".to_owned()),
            PlatformFailure::Login { status: 302 },
        ),
    ] {
        let platform = LocalPlatform::start().await;
        platform.refuses(reply);
        let client = self::client(&platform.settings(), &[&platform.origin]);
        assert_eq!(get(&client, "/x", 1_000).await, Err(failure));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_rate_and_its_word_are_kept() {
    let platform = LocalPlatform::start().await;
    platform.says("/x", Reply::Json(json!(1)));
    let mut settings = platform.settings();
    (settings.per_minute, settings.burst) = (600, 5);
    let client = client(&settings, &[&platform.origin]);
    let begun = Instant::now();
    for _ in 0..10 {
        assert!(get(&client, "/x", 5_000).await.is_ok());
    }
    assert!(begun.elapsed() >= Duration::from_millis(450), "five at once, and then ten a second");
    assert_eq!(get(&client, "/x", 10).await, Err(PlatformFailure::Late), "no turn in time");

    platform.says_once("/slow", Reply::Header(429, "retry-after", "2".to_owned()));
    platform.says("/slow", Reply::Json(json!(2)));
    assert_eq!(get(&client, "/slow", 500).await, Err(PlatformFailure::Late));
    // Everybody waits, whatever they ask for.
    assert_eq!(get(&client, "/x", 500).await, Err(PlatformFailure::Late));
    assert_eq!(get(&client, "/slow", 5_000).await, Ok(Some(json!(2))));
    let times = platform.times("/slow");
    assert!(times[1] - times[0] >= Duration::from_millis(1_900), "{:?}", times[1] - times[0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_it_answers() {
    let (platform, other) = (LocalPlatform::start().await, LocalPlatform::start().await);
    other.says("/", Reply::Json(json!("another's")));
    let mut settings = platform.settings();
    (settings.answer_ms, settings.body_bytes) = (400, 10_000);
    let client = client(&settings, &[&platform.origin, &other.origin]);
    for (path, reply, expected) in [
        ("/none", Reply::Status(404), Ok(None)),
        ("/nothing", Reply::Status(204), Ok(Some(Value::Null))),
        ("/broken", Reply::Status(500), Err(PlatformFailure::Refused { status: 500 })),
        // The token goes to nobody else.
        (
            "/moved",
            Reply::Header(307, "location", other.origin.clone()),
            Err(PlatformFailure::Refused { status: 307 }),
        ),
        ("/endless", Reply::Endless, Err(PlatformFailure::Malformed)),
        ("/long", Reply::Json(json!("x".repeat(20_000))), Err(PlatformFailure::Malformed)),
        ("/late", Reply::Late(2_000, json!(1)), Err(PlatformFailure::Wire(Why::TimedOut))),
    ] {
        platform.says(path, reply);
        let begun = Instant::now();
        assert_eq!(get(&client, path, 3_000).await, expected, "{path}");
        assert!(begun.elapsed() < Duration::from_secs(2), "{path}: {:?}", begun.elapsed());
    }
    assert_eq!(other.asked("/"), 0);

    // Nothing is connected to that is not public, unless the settings name it.
    let closed = self::client(&platform.settings(), &[]);
    assert_eq!(get(&closed, "/x", 1_000).await, Err(PlatformFailure::Wire(Why::Address)));
}

#[test]
fn settings_that_cannot_work() {
    let read = |change: &str| -> String {
        let base =
            "api = \"https://api.example\"\nlogin = \"https://login.example/token\"\nclient_id = \"a\"\n";
        let settings: PlatformSettings = toml::from_str(&format!("{base}{change}")).unwrap();
        let (clock, metrics) = (Clock::default(), Arc::new(Metrics::default()));
        let made = Platform::new(
            &settings,
            &WireSettings::default(),
            AllowedOrigins::default(),
            &[],
            clock,
            metrics,
        );
        made.err().map(|error| error.to_string()).unwrap_or_default()
    };
    assert_eq!(read("client_secret = \"s\""), "");
    assert_eq!(read("client_secret = \"\""), "platform.client_secret: a secret is empty");
    assert_eq!(
        read("client_secret = \"s\"\nper_minute = 0"),
        "platform.per_minute: and burst must be at least 1"
    );
    assert_eq!(
        read("client_secret = \"s\"\nperson = { path = \"/people\", text = \"/name\" }"),
        "platform.person: the path begins with / and has {id}"
    );
}
