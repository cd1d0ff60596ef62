//! The testkit's service refuses what Apple refuses, in Apple's words and in Apple's order.

use std::time::Duration;

use crate::support::{self, NOW, request, service};
use bytes::Bytes;
use http::{HeaderValue, Method, Request};
use reveille_apns::message::PushType;
use reveille_apns::{Alert, Background, classify_response};
use reveille_core::{Action, RetrySource, Scope, UnixTime};
use reveille_testkit::apns::Refusal;

type Break = fn(&mut Request<Bytes>);

fn set(request: &mut Request<Bytes>, name: &'static str, value: &'static str) {
    request.headers_mut().insert(name, HeaderValue::from_static(value));
}

fn path(request: &mut Request<Bytes>, path: &str) {
    *request.uri_mut() = format!("https://api.push.apple.com{path}").parse().unwrap();
}

/// In the order in which they are looked for: status, reason, and how to earn it.
fn breaks() -> Vec<(u16, &'static str, Break)> {
    vec![
        (403, "MissingProviderToken", |r| drop(r.headers_mut().remove("authorization"))),
        (403, "InvalidProviderToken", |r| set(r, "authorization", "bearer a.b.c")),
        (405, "MethodNotAllowed", |r| *r.method_mut() = Method::PUT),
        (404, "BadPath", |r| path(r, "/2/device/00")),
        (400, "MissingDeviceToken", |r| path(r, "/3/device/")),
        (400, "MissingTopic", |r| drop(r.headers_mut().remove("apns-topic"))),
        (400, "BadMessageId", |r| set(r, "apns-id", "no-uuid")),
        (400, "InvalidPushType", |r| set(r, "apns-push-type", "sms")),
        (400, "BadTopic", |r| set(r, "apns-topic", "com/example")),
        (400, "TopicDisallowed", |r| set(r, "apns-topic", "com.other.app")),
        (400, "BadPriority", |r| set(r, "apns-priority", "7")),
        (400, "BadExpirationDate", |r| set(r, "apns-expiration", "-1")),
        (400, "BadCollapseId", |r| {
            set(r, "apns-collapse-id", "12345678901234567890123456789012345678901234567890123456789012345");
        }),
        (400, "PayloadEmpty", |r| *r.body_mut() = Bytes::new()),
        (413, "PayloadTooLarge", |r| *r.body_mut() = Bytes::from(vec![b' '; 4_097])),
    ]
}

fn refused(request: &Request<Bytes>) -> (u16, String) {
    let response = service().handle(request, NOW);
    let body: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
    (response.status().as_u16(), body["reason"].as_str().unwrap().to_owned())
}

#[test]
fn each_fault_has_its_reason() {
    for (status, reason, fault) in breaks() {
        let mut request = request(&Alert::new("t", "b"));
        fault(&mut request);
        assert_eq!(refused(&request), (status, reason.to_owned()));
    }
}

#[test]
fn of_two_faults_the_first_in_order_is_named() {
    let breaks = breaks();
    for (first, (_, reason, fault)) in breaks.iter().enumerate() {
        for (_, _, later) in breaks.iter().skip(first + 1) {
            let mut request = request(&Alert::new("t", "b"));
            later(&mut request);
            fault(&mut request);
            assert_eq!(refused(&request).1, *reason);
        }
    }
}

#[test]
fn a_header_twice() {
    let mut request = request(&Alert::new("t", "b"));
    request.headers_mut().append("apns-topic", HeaderValue::from_static("com.example.app"));
    assert_eq!(refused(&request), (400, "DuplicateHeaders".to_owned()));
}

#[test]
fn a_payload_that_does_not_fit_its_type() {
    let mut wrong = request(&Background::new());
    *wrong.body_mut() = Bytes::from_static(br#"{"aps":{"alert":"x","content-available":1}}"#);
    assert_eq!(refused(&wrong).1, "InvalidPushType");
    set(&mut wrong, "apns-priority", "10");
    assert_eq!(refused(&wrong).1, "BadPriority");
    let mut suffix = request(&reveille_apns::Voip::new());
    set(&mut suffix, "apns-topic", "com.example.app");
    assert_eq!(refused(&suffix).1, "BadTopic");
    assert_eq!(PushType::Voip.topic_suffix(), ".voip");
}

#[test]
fn scripted_answers_and_dead_devices() {
    let mut service = service();
    let push = request(&Alert::new("t", "b"));
    service.script([
        Refusal::too_many_requests(),
        Refusal::internal(),
        Refusal::unavailable().retry_after(7),
        Refusal::shutdown(),
    ]);
    let actions: Vec<Action> = (0..4)
        .map(|_| {
            let answer = service.handle(&push, NOW);
            classify_response(&support::device(), &answer, NOW).action().unwrap().clone()
        })
        .collect();
    let after = |seconds| NOW + Duration::from_secs(seconds);
    assert_eq!(
        actions,
        [
            Action::SlowDown { scope: Scope::Target, until: after(60), source: RetrySource::Guess },
            Action::Retry { not_before: after(900), source: RetrySource::Guess },
            Action::Retry { not_before: after(7), source: RetrySource::Service },
            Action::Reconnect,
        ]
    );
    let since = UnixTime::from_millis(1_699_999_999_001);
    service.unregister(support::device().expose(), since);
    let answer = service.handle(&push, NOW);
    let outcome = classify_response(&support::device(), &answer, NOW);
    assert_eq!(outcome.action(), Some(&Action::DropTarget { if_registered_before: Some(since) }));
    assert!(service.take_pushes().is_empty());
}

#[test]
fn two_tokens_of_one_key_within_twenty_minutes() {
    let mut service = service();
    let mut send = |minutes: u64| {
        let issued_at = NOW + Duration::from_secs(60 * minutes);
        // As two processes that do not share.
        let tokens = reveille_apns::TokenSource::new(support::key(), reveille_apns::TokenSettings::default());
        let mut push = request(&Alert::new("t", "b"));
        let token = tokens.token(issued_at).unwrap();
        push.headers_mut().insert("authorization", token.authorization().clone());
        service.handle(&push, issued_at).status().as_u16()
    };
    assert_eq!([send(0), send(19), send(20), send(20)], [200, 429, 200, 200]);
}
