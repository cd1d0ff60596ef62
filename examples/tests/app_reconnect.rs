//! A socket that breaks and is refused for half a minute: every message once and in order, over HTTP meanwhile.

#[allow(dead_code)]
#[path = "../app_reconnect/main.rs"]
mod app_reconnect;

#[tokio::test(flavor = "multi_thread")]
async fn c11_no_message_is_lost_or_shown_twice() {
    // That all were shown once and in order is checked inside.
    let report = app_reconnect::run().await.unwrap();
    assert!(report.over_http >= 10, "{report:?}");
    assert!(report.shown.len() - report.over_http >= 10, "the socket came back: {report:?}");
    assert!(report.refused >= 2 && report.attempts <= 12, "progressive, no storm: {report:?}");
    assert!(!report.connected.is_empty());
}
