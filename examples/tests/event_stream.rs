//! A server that drops, refuses, stalls, floods and closes: nothing rings twice, nothing is lost, nobody is stormed.

#[allow(dead_code)]
#[path = "../event_stream/main.rs"]
mod event_stream;

use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn b2_whatever_the_server_does() {
    // That each call rang once and was cancelled once is checked inside.
    let report = event_stream::run().await.unwrap();
    assert_eq!(report.connections, 7, "one per scene: {report:?}");
    assert!(report.shortest_wait >= Duration::from_secs(1), "{report:?}");
    assert!(report.most_open <= 2, "the old channel and the new one: {report:?}");
    assert_eq!(report.resyncs, 3, "at the start, after each gap, none for the renewal: {report:?}");
    assert_eq!(report.malformed, 400, "{report:?}");
    assert!(report.documents > 20_000 && report.unknown > 19_000, "{report:?}");
    assert!(report.duplicates >= 1, "the overlap says again what was said: {report:?}");
}
