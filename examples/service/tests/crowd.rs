//! Many who say nothing, and some who do. `REVEILLE_SILENT=3000` for more of the first.

use std::time::{Duration, Instant};

use reveille_example_service::clock::Clock;
use reveille_example_service::twins::Twins;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::common::{Caller, Folder};
use crate::service::start;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn honest_callers_are_served_beside_silent_ones() {
    let silent = std::env::var("REVEILLE_SILENT").ok().and_then(|count| count.parse().ok()).unwrap_or(300);
    let (folder, clock) = (Folder::new("crowd"), Clock::default());
    let twins = Twins::start(None, clock.clone()).await.unwrap();
    let running = start(&folder, &twins, &clock, |settings| {
        settings.limits.head_ms = 20_000;
        settings.limits.request_ms = 1_000;
    })
    .await;
    let address = running.service.address;
    // A third says nothing, a third half a head, a third a head and no body.
    let key = running.caller.key.clone();
    let head = format!(
        "POST /v1/events HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{{"
    );
    let mut crowd = Vec::new();
    for number in 0..silent {
        let mut tcp = TcpStream::connect(address).await.unwrap();
        match number % 3 {
            0 => {}
            1 => tcp.write_all(b"GET /health HTTP/1.1\r\nhost:").await.unwrap(),
            _ => tcp.write_all(head.as_bytes()).await.unwrap(),
        }
        crowd.push(tcp);
    }
    // Connections of their own, one after the other, and events that come to disk.
    let begun = Instant::now();
    for number in 0..50 {
        let caller = Caller::new(address, &key);
        let data = json!({"conversation": format!("c{number}"), "person": "p", "role": "visitor"});
        assert_eq!(caller.event(&format!("e{number}"), "joined", data).await.unwrap(), 202);
    }
    println!(
        "{silent} silent connections; 50 callers, each with a connection of its own, took {:?}",
        begun.elapsed()
    );
    // Who began a request has a time for it.
    let mut answer = Vec::new();
    let last = crowd.get_mut(2).unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(30), last.read_buf(&mut answer)).await;
    ended.unwrap().unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 503"), "{}", String::from_utf8_lossy(&answer));
    drop(crowd);
    running.service.stop().await.unwrap();
}
