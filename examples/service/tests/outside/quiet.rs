//! Quiet hours, in the person's zone.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{Clock, Scene};
use crate::service::{of, offer, wait};

/// A clock that shows this time of day, in UTC.
fn clock_at(hours: u64, minutes: u64, seconds: u64) -> Clock {
    let clock = Clock::default();
    let day = 86_400_000;
    let wanted = ((hours * 60 + minutes) * 60 + seconds) * 1_000;
    let of_day = clock.now().as_millis() % day;
    clock.set_error(i64::try_from((wanted + day - of_day) % day).unwrap());
    clock
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_waits_for_the_end_and_a_call_as_the_person_wishes() {
    // In Kathmandu it is 5:45 later, the whole year.
    let scene = Scene::new("quiet", clock_at(6, 14, 50), |_| {}).await;
    let quiet = |passes: bool| {
        let spans = json!([{"from": "11:00", "to": "12:00"}]);
        json!({"quiet": {"time_zone": "Asia/Kathmandu", "spans": spans, "urgent_passes": passes}})
    };
    let (status, wishes) = scene.call("PUT", "/v1/wishes/guest", quiet(false)).await;
    assert_eq!((status, &wishes["quiet"]["spans"][0]["to"]), (200, &json!("12:00")), "{wishes}");
    assert_eq!(wishes["quiet"]["spans"][0]["days"].as_array().unwrap().len(), 7);
    assert_eq!(scene.call("PUT", "/v1/wishes/kate", quiet(true)).await.0, 200);

    let begun = Instant::now();
    scene.joined("chat").await;
    scene.message("m1", "chat", "hello").await;
    scene.event("o1", "call_offered", offer("call")).await;
    let rung = wait(&scene.twins, "kate's calls come through", |pushes| pushes.len() >= 2).await;
    assert!(of(&rung, "web_push").is_empty(), "the guest has quiet");
    assert!(begun.elapsed() < Duration::from_secs(8), "this machine is too slow for this test");
    scene.event("e1", "call_ended", json!({"conversation": "call"})).await;
    scene.message("m2", "chat", "are you there?").await;

    let pushes = wait(&scene.twins, "the end of quiet", |pushes| !of(pushes, "web_push").is_empty()).await;
    assert!(scene.clock.now().as_millis() % 86_400_000 >= (6 * 60 + 15) * 60_000, "not before 12:00");
    assert_eq!(of(&pushes, "web_push").len(), 1, "what came meanwhile is one notification");
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_does_not_pass_is_not_rung_later() {
    let scene = Scene::new("night", clock_at(22, 0, 0), |_| {}).await;
    let quiet = json!({"quiet": {"time_zone": "Etc/UTC", "spans": [{"from": "21:00", "to": "07:00"}]}});
    assert_eq!(scene.call("PUT", "/v1/wishes/kate", quiet).await.0, 200);
    scene.event("o1", "call_offered", offer("call")).await;
    let begun = Instant::now();
    while scene.fate("o1").await != "expired" {
        assert!(begun.elapsed() < Duration::from_secs(20), "{}", scene.fate("o1").await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(scene.twins.take().is_empty());
    // She takes it back, and the next one rings.
    assert_eq!(scene.call("PUT", "/v1/wishes/kate", json!({})).await.1["quiet"], json!(null));
    scene.event("o2", "call_offered", offer("call-2")).await;
    wait(&scene.twins, "the ring", |pushes| pushes.len() >= 2).await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_quiet_is_refused_with_its_name() {
    let scene = Scene::new("wrong", Clock::default(), |_| {}).await;
    for (zone, from, to, problem) in [
        ("Europe/Atlantis", "22:00", "07:00", "time_zone"),
        ("Europe/Berlin", "24:00", "07:00", "spans"),
        ("Europe/Berlin", "2200", "07:00", "a time is like"),
        ("Europe/Berlin", "22:60", "07:00", "a time is like"),
        ("Europe/Berlin", "22:00", "24:01", "a time is like"),
        ("Europe/Berlin", "+1:00", "07:00", "a time is like"),
    ] {
        let quiet = json!({"quiet": {"time_zone": zone, "spans": [{"from": from, "to": to}]}});
        let (status, document) = scene.call("PUT", "/v1/wishes/kate", quiet).await;
        assert_eq!(status, 400, "{zone} {from} {to}");
        assert!(document["detail"].as_str().unwrap().contains(problem), "{document}");
    }
    scene.stop().await;
}
