//! Every reason of Apple's two tables, and those that were only seen: status, action, time.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, StatusCode};
use proptest::prelude::*;
use reveille_apns::answer::Reason;
use reveille_apns::{DeviceToken, classify};
use reveille_core::{Action, Outcome, Rejection, RetrySource, Scope, UnixTime};

const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);
const GONE: UnixTime = UnixTime::from_millis(1_699_999_999_123);

fn device() -> DeviceToken {
    "00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0".parse().unwrap()
}

fn fix(field: &'static str) -> Action {
    Action::FixRequest { field: Some(field.into()) }
}

fn in_minutes(minutes: u64) -> UnixTime {
    NOW + Duration::from_secs(60 * minutes)
}

fn slow_down(scope: Scope, minutes: u64) -> Action {
    Action::SlowDown { scope, until: in_minutes(minutes), source: RetrySource::Guess }
}

fn retry() -> Action {
    Action::Retry { not_before: in_minutes(15), source: RetrySource::Guess }
}

const WRONG_KEY: Action = Action::FixCredential { scope: Scope::Credential };

/// "Handling notification responses from APNs" and "Handling error responses from Apple Push Notification service
/// [for broadcasts]".
fn table() -> Vec<(u16, &'static str, Action)> {
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
        (403, "BadCertificate", WRONG_KEY),
        (403, "BadCertificateEnvironment", WRONG_KEY),
        (403, "ExpiredProviderToken", Action::RefreshCredential { also_reconnect: true }),
        (403, "Forbidden", WRONG_KEY),
        (403, "InvalidProviderToken", WRONG_KEY),
        (403, "MissingProviderToken", fix("authorization")),
        (403, "UnrelatedKeyIdInToken", Action::Reconnect),
        (403, "BadEnvironmentKeyIdInToken", WRONG_KEY),
        (404, "BadPath", fix(":path")),
        (405, "MethodNotAllowed", fix(":method")),
        (410, "ExpiredToken", gone()),
        (410, "Unregistered", gone()),
        (413, "PayloadTooLarge", fix("body")),
        (429, "TooManyProviderTokenUpdates", slow_down(Scope::Credential, 20)),
        (429, "TooManyRequests", slow_down(Scope::Target, 1)),
        (500, "InternalServerError", retry()),
        (503, "ServiceUnavailable", retry()),
        (503, "Shutdown", Action::Reconnect),
        // Channels and broadcasts.
        (400, "FeatureNotEnabled", fix(":path")),
        (400, "MissingChannelId", fix("apns-channel-id")),
        (400, "BadChannelId", fix("apns-channel-id")),
        (400, "ChannelNotRegistered", gone()),
        (400, "BadRequestParams", fix("headers")),
        (400, "BadRequestPayload", fix("body")),
        (400, "MissingPushType", fix("apns-push-type")),
        (400, "CannotCreateChannelConfig", fix("channel")),
        (403, "TopicMismatch", fix(":path")),
        (503, "Service Unavailable", retry()),
        // Seen, not documented.
        (403, "BadEnvironmentKeyInToken", WRONG_KEY),
        (400, "MissingChannelQueueSize", fix("body")),
        (400, "BadDate", fix("apns-expiration")),
    ]
}

fn answer(status: u16, body: &str) -> Rejection {
    let status = StatusCode::from_u16(status).unwrap();
    match classify(&device(), status, &HeaderMap::new(), body.as_bytes(), NOW) {
        Outcome::Rejected(rejection) => rejection,
        Outcome::Accepted(_) => panic!("accepted"),
    }
}

#[test]
fn a_body_is_read_up_to_its_limit() {
    let padded = |length: usize| format!("{:<length$}", r#"{"reason":"BadDeviceToken"}"#);
    assert_eq!(answer(400, &padded(16 * 1024)).reason.as_deref(), Some("BadDeviceToken"));
    assert_eq!(answer(400, &padded(16 * 1024 + 1)).reason, None);
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
        (403, WRONG_KEY),
        (410, Action::DropTarget { if_registered_before: Some(GONE) }),
        (429, slow_down(Scope::Target, 1)),
        (502, retry()),
        (301, Action::GiveUp),
    ] {
        let rejection = answer(status, r#"{"reason":"BrandNew","timestamp":1699999999123}"#);
        assert_eq!((rejection.action, rejection.reason.as_deref()), (action, Some("BrandNew")), "{status}");
    }
}

/// A 410 proves that an app is gone if APNs says so, or since when; whoever else answers 410, proves nothing.
#[test]
fn a_bare_410_is_suspicion() {
    for body in
        ["", "<html>", "[]", "null", "{\"reason\":3}", "{\"reason\":\"\"}", "{\"timestamp\":\"x\"}", "{}"]
    {
        let rejection = answer(410, body);
        assert_eq!(rejection.action, Action::SuspectTarget, "{body}");
        assert_eq!(rejection.reason, None, "{body}");
    }
    assert_eq!(answer(410, r#"{"reason":"BrandNew"}"#).action, Action::SuspectTarget);
    let gone = |at| Action::DropTarget { if_registered_before: at };
    assert_eq!(answer(410, r#"{"timestamp":1699999999123}"#).action, gone(Some(GONE)));
    assert_eq!(answer(410, r#"{"reason":"Unregistered"}"#).action, gone(None));
    let too_long = format!(r#"{{"reason":"Unregistered","x":"{}"}}"#, "x".repeat(20_000));
    assert_eq!(answer(410, &too_long).action, Action::SuspectTarget);
}

#[test]
fn a_fault_of_one_app_or_of_the_way_does_not_stop_the_key() {
    for (status, reason) in [(400, "FeatureNotEnabled"), (403, "TopicMismatch"), (400, "TopicDisallowed")] {
        let rejection = answer(status, &format!(r#"{{"reason":"{reason}"}}"#));
        assert_eq!(rejection.action.scope(), None, "{reason}");
    }
    assert_eq!(answer(407, "").action, Action::FixCredential { scope: Scope::Service });
    assert_eq!(answer(421, "").action, Action::Reconnect);
}

#[test]
fn the_servers_own_advice_counts_within_reason() {
    let advised = |status: u16, reason: &str, advice: &str| {
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", HeaderValue::from_str(advice).unwrap());
        let body = format!(r#"{{"reason":"{reason}"}}"#);
        let status = StatusCode::from_u16(status).unwrap();
        let outcome = classify(&device(), status, &headers, body.as_bytes(), NOW);
        let action = outcome.action().unwrap();
        (action.not_before().unwrap().since(NOW).as_secs(), action.retry_source().unwrap())
    };
    for (status, reason) in [(429, "TooManyRequests"), (503, "ServiceUnavailable"), (502, ""), (429, "")] {
        for (advice, seconds) in [
            ("5", 5),
            ("0", 1),
            ("3600", 3_600),
            ("99999999999999999999", 3_600),
            ("Sun, 06 Nov 1994 08:49:37 GMT", 1),
            ("Tue, 14 Nov 2023 22:13:50 GMT", 30),
            ("Sun, 14 Nov 2123 22:13:50 GMT", 3_600),
        ] {
            assert_eq!(advised(status, reason, advice), (seconds, RetrySource::Service), "{status} {advice}");
        }
        // What cannot be read is as good as nothing.
        assert_eq!(advised(status, reason, "soon").1, RetrySource::Guess, "{status}");
    }
}

/// Whoever answers may quote the path; the token in it is as good as the device.
#[test]
fn no_text_holds_the_device_token() {
    let token = device().expose().to_owned();
    for said in [
        format!("Cannot POST /3/device/{token}"),
        format!("no such device {}", token.to_uppercase()),
        format!("{}…", &token[..20]),
        format!("{token}{token}"),
    ] {
        let rejection = answer(404, &serde_json::json!({"reason": said}).to_string());
        let shown = format!("{rejection:?}").to_lowercase();
        assert!(!shown.contains(&token[..12]), "{shown}");
        assert!(rejection.reason.is_some_and(|reason| reason.contains('…')));
    }
}

#[test]
fn a_whole_response_reads_the_same() {
    let response = http::Response::builder()
        .status(410)
        .header("retry-after", "5")
        .body(br#"{"reason":"Unregistered","timestamp":1699999999123}"#.to_vec())
        .unwrap();
    let outcome = reveille_apns::classify_response(&device(), &response, NOW);
    assert_eq!(outcome.action(), Some(&Action::DropTarget { if_registered_before: Some(GONE) }));
    let with_none = reveille_apns::classify_response(None, &response, NOW);
    assert_eq!(outcome, with_none);
}

#[test]
fn a_receipt_names_the_push() {
    let mut headers = HeaderMap::new();
    headers.insert("apns-id", HeaderValue::from_static("eabeae54-14a8-11e5-b60b-1697f925ec7b"));
    headers.insert("apns-unique-id", HeaderValue::from_static("u-1"));
    let Outcome::Accepted(receipt) = classify(None, StatusCode::OK, &headers, b"", NOW) else { panic!() };
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
        let outcome = classify(&device(), status, &headers, &body, now);
        prop_assert_eq!(matches!(outcome, Outcome::Accepted(_)), status.is_success());
        if let Some(at) = outcome.action().and_then(Action::not_before) {
            prop_assert!(at >= now && at.since(now) <= Duration::from_secs(3_600));
        }
    }

    #[test]
    fn no_twelve_digits_of_a_token_get_out(before in ".{0,20}", after in ".{0,20}", token in "[0-9a-fA-F]{12,100}", cut in 12_usize..100) {
        let quoted = token.get(..cut).unwrap_or(&token);
        let body = serde_json::json!({"reason": format!("{before}{quoted}{after}")}).to_string();
        let device: DeviceToken = token.parse().unwrap();
        let outcome = classify(&device, StatusCode::BAD_REQUEST, &HeaderMap::new(), body.as_bytes(), NOW);
        let shown = format!("{outcome:?}").to_lowercase();
        prop_assert!(!shown.contains(&token[..12].to_lowercase()), "{}", shown);
    }
}
