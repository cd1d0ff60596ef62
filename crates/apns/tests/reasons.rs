//! Every reason of Apple's two tables, and those that were only seen: status, action, time.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // Test helpers.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, StatusCode};
use proptest::prelude::*;
use reveille_apns::{Reason, classify};
use reveille_core::{Action, Outcome, Rejection, UnixTime};

const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);
const GONE: UnixTime = UnixTime::from_millis(1_699_999_999_123);

fn fix(field: &'static str) -> Action {
    Action::FixRequest { field: Some(field.into()) }
}

fn in_minutes(minutes: u64) -> UnixTime {
    NOW + Duration::from_secs(60 * minutes)
}

/// "Handling notification responses from APNs" and "Handling error responses from Apple Push Notification service
/// [for broadcasts]".
fn table() -> Vec<(u16, &'static str, Action)> {
    let retry = || Action::Retry { not_before: in_minutes(15) };
    let gone = || Action::DropTarget { if_registered_before: Some(GONE) };
    vec![
        (400, "BadCollapseId", fix("apns-collapse-id")),
        (400, "BadDeviceToken", Action::SuspectTarget),
        (400, "BadExpirationDate", fix("apns-expiration")),
        (400, "BadMessageId", fix("apns-id")),
        (400, "BadPriority", fix("apns-priority")),
        (400, "BadTopic", fix("apns-topic")),
        (400, "DeviceTokenNotForTopic", Action::SuspectTarget),
        (400, "DuplicateHeaders", fix("headers")),
        (400, "IdleTimeout", Action::Reconnect),
        (400, "InvalidPushType", fix("apns-push-type")),
        (400, "MissingDeviceToken", fix(":path")),
        (400, "MissingTopic", fix("apns-topic")),
        (400, "PayloadEmpty", fix("body")),
        (400, "TopicDisallowed", fix("apns-topic")),
        (403, "BadCertificate", Action::FixCredential),
        (403, "BadCertificateEnvironment", Action::FixCredential),
        (403, "ExpiredProviderToken", Action::RefreshCredential),
        (403, "Forbidden", Action::FixCredential),
        (403, "InvalidProviderToken", Action::FixCredential),
        (403, "MissingProviderToken", fix("authorization")),
        (403, "UnrelatedKeyIdInToken", Action::Reconnect),
        (403, "BadEnvironmentKeyIdInToken", Action::FixCredential),
        (404, "BadPath", fix(":path")),
        (405, "MethodNotAllowed", fix(":method")),
        (410, "ExpiredToken", gone()),
        (410, "Unregistered", gone()),
        (413, "PayloadTooLarge", fix("body")),
        (429, "TooManyProviderTokenUpdates", Action::SlowDown { until: in_minutes(20) }),
        (429, "TooManyRequests", Action::SlowDown { until: in_minutes(1) }),
        (500, "InternalServerError", retry()),
        (503, "ServiceUnavailable", retry()),
        (503, "Shutdown", Action::Reconnect),
        // Channels and broadcasts.
        (400, "FeatureNotEnabled", Action::FixCredential),
        (400, "MissingChannelId", fix("apns-channel-id")),
        (400, "BadChannelId", fix("apns-channel-id")),
        (400, "ChannelNotRegistered", gone()),
        (400, "BadRequestParams", fix("headers")),
        (400, "BadRequestPayload", fix("body")),
        (400, "MissingPushType", fix("apns-push-type")),
        (400, "CannotCreateChannelConfig", fix("channel")),
        (403, "TopicMismatch", Action::FixCredential),
        (503, "Service Unavailable", retry()),
        // Seen, not documented.
        (403, "BadEnvironmentKeyInToken", Action::FixCredential),
        (400, "MissingChannelQueueSize", fix("body")),
        (400, "BadDate", fix("apns-expiration")),
    ]
}

fn answer(status: u16, body: &str) -> Rejection {
    let status = StatusCode::from_u16(status).unwrap();
    match classify(status, &HeaderMap::new(), body.as_bytes(), NOW) {
        Outcome::Rejected(rejection) => rejection,
        Outcome::Accepted(_) => panic!("accepted"),
    }
}

#[test]
fn every_reason() {
    let table = table();
    for (status, reason, action) in &table {
        let body = format!(r#"{{"reason":"{reason}","timestamp":{}}}"#, GONE.as_millis());
        let rejection = answer(*status, &body);
        assert_eq!(rejection.status, *status, "{reason}");
        assert_eq!(rejection.action, *action, "{reason}");
        assert_eq!(rejection.reason.as_deref(), Some(reason.replace(' ', "").as_str()));
        assert_eq!(Reason::parse(reason).unwrap().status(), *status, "{reason}");
    }
    // One name has two spellings.
    assert_eq!(table.len(), Reason::ALL.len() + 1);
}

#[test]
fn hints_for_the_operator() {
    insta::assert_snapshot!(answer(400, r#"{"reason":"BadDeviceToken"}"#).detail.unwrap(), @"the token may be of the other environment: sandbox tokens are unknown in production, and the reverse");
    insta::assert_snapshot!(answer(403, r#"{"reason":"ExpiredProviderToken"}"#).detail.unwrap(), @"close the connection: it stays unusable, also with a new token");
    insta::assert_snapshot!(answer(429, r#"{"reason":"TooManyProviderTokenUpdates"}"#).detail.unwrap(), @"several signers are at work: share one provider token among all connections and processes");
}

#[test]
fn an_unknown_reason_keeps_its_text_and_the_status_decides() {
    for (status, action) in [
        (400, Action::FixRequest { field: None }),
        (403, Action::FixCredential),
        (410, Action::DropTarget { if_registered_before: Some(GONE) }),
        (429, Action::SlowDown { until: in_minutes(1) }),
        (502, Action::Retry { not_before: in_minutes(15) }),
        (301, Action::GiveUp),
    ] {
        let rejection = answer(status, r#"{"reason":"BrandNew","timestamp":1699999999123}"#);
        assert_eq!((rejection.action, rejection.reason.as_deref()), (action, Some("BrandNew")), "{status}");
    }
}

#[test]
fn a_body_that_is_none_of_apples() {
    for body in ["", "<html>", "[]", "null", "{\"reason\":3}", "{\"reason\":\"\"}", "{\"timestamp\":\"x\"}"] {
        let rejection = answer(410, body);
        assert_eq!(rejection.action, Action::DropTarget { if_registered_before: None }, "{body}");
        assert_eq!(rejection.reason, None, "{body}");
    }
}

#[test]
fn the_servers_own_advice_counts() {
    let mut headers = HeaderMap::new();
    headers.insert("retry-after", HeaderValue::from_static("5"));
    for (status, reason) in [(429, "TooManyRequests"), (503, "ServiceUnavailable"), (502, "")] {
        let body = format!(r#"{{"reason":"{reason}"}}"#);
        let outcome = classify(StatusCode::from_u16(status).unwrap(), &headers, body.as_bytes(), NOW);
        let not_before = outcome.action().unwrap().not_before();
        assert_eq!(not_before, Some(NOW + Duration::from_secs(5)), "{status}");
    }
}

#[test]
fn a_receipt_names_the_push() {
    let mut headers = HeaderMap::new();
    headers.insert("apns-id", HeaderValue::from_static("eabeae54-14a8-11e5-b60b-1697f925ec7b"));
    headers.insert("apns-unique-id", HeaderValue::from_static("u-1"));
    let Outcome::Accepted(receipt) = classify(StatusCode::OK, &headers, b"", NOW) else { panic!() };
    assert_eq!(receipt.message.as_deref(), Some("eabeae54-14a8-11e5-b60b-1697f925ec7b"));
    assert_eq!(receipt.reference.as_deref(), Some("u-1"));
}

proptest! {
    #[test]
    fn classify_is_total(status in 100_u16..1000, body: Vec<u8>, retry_after: Vec<u8>, now: u64) {
        let status = StatusCode::from_u16(status).unwrap();
        let mut headers = HeaderMap::new();
        if let Ok(value) = HeaderValue::from_bytes(&retry_after) {
            headers.insert("retry-after", value);
        }
        let now = UnixTime::from_millis(now);
        let outcome = classify(status, &headers, &body, now);
        prop_assert_eq!(matches!(outcome, Outcome::Accepted(_)), status.is_success());
        if let Some(at) = outcome.action().and_then(Action::not_before) {
            prop_assert!(at >= now);
        }
    }
}
