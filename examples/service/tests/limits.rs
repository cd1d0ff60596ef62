//! What an address may take: connections, calls of strangers; and how long anything may take.

use std::time::{Duration, Instant};

use reveille_example_service::clock::Clock;
use reveille_example_service::settings::Settings;
use reveille_example_service::twins::Twins;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::common::{Folder, raw};
use crate::service::{Running, start};

async fn limited(folder: &Folder, change: impl FnOnce(&mut Settings)) -> Running {
    let clock = Clock::default();
    let twins = Twins::start(None, clock.clone()).await.unwrap();
    start(folder, &twins, &clock, change).await
}

async fn health(running: &Running) -> u16 {
    raw(running.service.address, ("GET", "/health"), &[("host", "localhost")], &Value::Null).await.0
}

/// Until the other side closes.
async fn ends(mut tcp: TcpStream) -> bool {
    let mut rest = Vec::new();
    tokio::time::timeout(Duration::from_secs(10), tcp.read_to_end(&mut rest)).await.is_ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_has_so_many_connections_and_gets_them_back() {
    let folder = Folder::new("places");
    let running = limited(&folder, |settings| settings.limits.connections_per_address = 8).await;
    let mut crowd = Vec::new();
    for _ in 0..8 {
        crowd.push(TcpStream::connect(running.service.address).await.unwrap());
    }
    assert_eq!(health(&running).await, 0, "closed at once, without an answer");
    crowd.clear();
    let begun = Instant::now();
    while health(&running).await != 200 {
        assert!(begun.elapsed() < Duration::from_secs(10), "places do not come back");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let refused = running.caller.metric("reveille_turned_away_total{kind=\"connections\"}").await;
    assert!(refused.is_some_and(|count| count >= 1.0), "{refused:?}");
    running.service.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proxies_have_as_many_connections_and_calls_as_they_like() {
    let folder = Folder::new("proxies");
    let running = limited(&folder, |settings| {
        (settings.limits.connections_per_address, settings.limits.stranger_rate) = (2, 1);
        settings.users.header = Some("x-user".to_owned());
        settings.users.peers = vec!["127.0.0.0/8".to_owned()];
    })
    .await;
    let mut crowd = Vec::new();
    for _ in 0..20 {
        crowd.push(TcpStream::connect(running.service.address).await.unwrap());
        assert_eq!(health(&running).await, 200);
    }
    running.service.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_have_a_rate_that_callers_do_not_share() {
    let folder = Folder::new("strangers");
    let running = limited(&folder, |settings| settings.limits.stranger_rate = 5).await;
    let address = running.service.address;
    let mut answers = Vec::new();
    for number in 0..40 {
        let token = format!("Bearer wrong-{number}");
        let headers = [("host", "localhost"), ("authorization", token.as_str())];
        answers.push(raw(address, ("GET", "/v1/me"), &headers, &Value::Null).await);
    }
    let of = |status: u16| answers.iter().filter(|answer| answer.0 == status).count();
    assert!(of(401) >= 10 && of(429) >= 10 && of(401) + of(429) == 40, "{} and {}", of(401), of(429));
    let late = answers.iter().find(|answer| answer.0 == 429).unwrap();
    assert!(late.1.contains("retry-after: 1") && late.2.contains("urn:reveille:problem:rate"), "{late:?}");
    for path in ["/health", "/", "/v1/openapi.json", "/v1/vapid"] {
        let (status, ..) = raw(address, ("GET", path), &[("host", "localhost")], &Value::Null).await;
        assert_eq!(status, 429, "{path}");
    }
    for _ in 0..20 {
        let (status, _) = running.caller.call("GET", "/v1/me", "text/plain", "").await.unwrap();
        assert_eq!(status, 200, "a key has its own rate");
    }
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    assert_eq!(health(&running).await, 200);
    running.service.stop().await.unwrap();
}

/// Whoever says nothing at all, the start of something, or a head without an end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_does_not_speak_is_hung_up_on() {
    let folder = Folder::new("mute");
    let running = limited(&folder, |settings| settings.limits.head_ms = 400).await;
    let starts: [&[u8]; 5] = [
        b"",
        b"P",
        b"PRI * HTTP/2.0\r\n\r\nSM",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: ",
    ];
    for start in starts {
        let mut tcp = TcpStream::connect(running.service.address).await.unwrap();
        tcp.write_all(start).await.unwrap();
        if start.len() != 24 {
            assert!(ends(tcp).await, "{:?}", String::from_utf8_lossy(start));
        }
    }
    assert_eq!(health(&running).await, 200);
    running.service.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_waits_for_nobody_for_long() {
    let folder = Folder::new("deadline");
    let running = limited(&folder, |settings| settings.limits.stop_ms = 500).await;
    let address = running.service.address;
    let key = running.caller.key.clone();
    let mut slow = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /v1/events HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{{"
    );
    slow.write_all(head.as_bytes()).await.unwrap();
    let mute = TcpStream::connect(address).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let stopped = tokio::time::timeout(Duration::from_secs(15), running.service.stop()).await;
    stopped.expect("the stop waits for a request that does not end").unwrap();
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
    drop((slow, mute));
}
