//! Every code FCM documents, with and without what comes beside it, into the next step.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use std::time::Duration;

use http::{HeaderMap, HeaderValue, StatusCode};
use proptest::prelude::*;
use reveille_core::{Action, Outcome, Rejection, UnixTime};
use reveille_fcm::{ErrorBody, classify, classify_subscription};
use serde_json::json;

const NOW: UnixTime = UnixTime::from_secs(1_795_000_000);

fn after(secs: u64) -> UnixTime {
    NOW + Duration::from_secs(secs)
}

fn run(status: u16, headers: &[(&'static str, &str)], body: &str) -> Rejection {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(*name, HeaderValue::from_str(value).unwrap());
    }
    match classify(StatusCode::from_u16(status).unwrap(), &map, body.as_bytes(), NOW) {
        Outcome::Rejected(rejection) => rejection,
        Outcome::Accepted(_) => panic!("{status} must not be accepted"),
    }
}

/// A body with an `FcmError` and perhaps more details.
fn body(status: u16, word: &str, code: Option<&str>, more: &[serde_json::Value]) -> String {
    let mut details: Vec<_> = code
        .map(
            |code| json!({"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code}),
        )
        .into_iter()
        .collect();
    details.extend_from_slice(more);
    json!({"error": {"code": status, "status": word, "message": "said", "details": details}}).to_string()
}

fn bad_request(fields: &[&str]) -> serde_json::Value {
    let list: Vec<_> = fields.iter().map(|field| json!({"field": field, "description": "wrong"})).collect();
    json!({"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": list})
}

fn quota(subject: &str) -> serde_json::Value {
    json!({"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"subject": subject, "description": "rate"}]})
}

const DROP: Action = Action::DropTarget { if_registered_before: None };

fn fix(field: &'static str) -> Action {
    Action::FixRequest { field: Some(field.into()) }
}

#[test]
fn all_codes() {
    let retry = |secs| Action::Retry { not_before: after(secs) };
    let slow = |secs| Action::SlowDown { until: after(secs) };
    let table = [
        (404, "NOT_FOUND", "UNREGISTERED", vec![], DROP),
        (403, "PERMISSION_DENIED", "SENDER_ID_MISMATCH", vec![], Action::SuspectTarget),
        (401, "UNAUTHENTICATED", "THIRD_PARTY_AUTH_ERROR", vec![], Action::FixCredential),
        (401, "UNAUTHENTICATED", "APNS_AUTH_ERROR", vec![], Action::FixCredential),
        (429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED", vec![], slow(60)),
        (429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED", vec![quota("project:1")], slow(60)),
        (429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED", vec![quota("topic")], slow(60)),
        (429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED", vec![quota("device")], retry(60)),
        (503, "UNAVAILABLE", "UNAVAILABLE", vec![], retry(10)),
        (500, "INTERNAL", "INTERNAL", vec![], retry(10)),
        (500, "UNKNOWN", "UNSPECIFIED_ERROR", vec![], Action::GiveUp),
        (400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", vec![], Action::SuspectTarget),
        (
            400,
            "INVALID_ARGUMENT",
            "INVALID_ARGUMENT",
            vec![bad_request(&["message.android.ttl"])],
            fix("message.android.ttl"),
        ),
        (400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", vec![bad_request(&["message.token"])], DROP),
        (
            400,
            "INVALID_ARGUMENT",
            "INVALID_ARGUMENT",
            vec![bad_request(&["message.token", "message.data"])],
            fix("message.token"),
        ),
        (400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", vec![bad_request(&[])], Action::SuspectTarget),
        // A code of tomorrow: the rest of the evidence decides.
        (503, "UNAVAILABLE", "TOO_BUSY", vec![], retry(10)),
        (400, "INVALID_ARGUMENT", "TOO_ODD", vec![bad_request(&["message.webpush"])], fix("message.webpush")),
        (418, "TEAPOT", "TEAPOT", vec![], Action::FixRequest { field: None }),
    ];
    for (status, word, code, details, action) in table {
        let rejection = run(status, &[], &body(status, word, Some(code), &details));
        assert_eq!(rejection.action, action, "{status} {code} {details:?}");
        let expected = if code == "APNS_AUTH_ERROR" { "THIRD_PARTY_AUTH_ERROR" } else { code };
        assert_eq!(rejection.reason.as_deref(), Some(expected));
    }
}

#[test]
fn without_a_code_the_status_word_decides() {
    let retry = Action::Retry { not_before: after(10) };
    for (status, word, action) in [
        (400, "INVALID_ARGUMENT", Action::FixRequest { field: None }),
        (400, "FAILED_PRECONDITION", Action::FixRequest { field: None }),
        (401, "UNAUTHENTICATED", Action::RefreshCredential),
        (403, "PERMISSION_DENIED", Action::FixCredential),
        (404, "NOT_FOUND", Action::SuspectTarget),
        (409, "ABORTED", retry.clone()),
        (429, "RESOURCE_EXHAUSTED", Action::SlowDown { until: after(60) }),
        (499, "CANCELLED", retry.clone()),
        (500, "INTERNAL", retry.clone()),
        (501, "UNIMPLEMENTED", Action::GiveUp),
        (503, "UNAVAILABLE", retry.clone()),
        (504, "DEADLINE_EXCEEDED", retry),
    ] {
        let rejection = run(status, &[], &body(status, word, None, &[]));
        assert_eq!((rejection.action, rejection.reason.as_deref()), (action, Some(word)), "{status}");
    }
}

#[test]
fn without_a_body_the_http_status_decides() {
    let retry = Action::Retry { not_before: after(10) };
    for (status, action) in [
        (400, Action::FixRequest { field: None }),
        (401, Action::RefreshCredential),
        (403, Action::FixCredential),
        (404, fix("uri")),
        (408, retry.clone()),
        (413, fix("body")),
        (421, Action::Reconnect),
        (429, Action::SlowDown { until: after(60) }),
        (500, retry.clone()),
        (502, retry.clone()),
        (503, retry.clone()),
        (599, retry),
        (302, Action::GiveUp),
        (100, Action::GiveUp),
        (600, Action::GiveUp),
    ] {
        for body in ["", "<html>502 Bad Gateway</html>", "{}", "[]", "{\"error\":", "\u{0}"] {
            let rejection = run(status, &[], body);
            assert_eq!((&rejection.action, rejection.reason), (&action, None), "{status} {body:?}");
        }
    }
}

#[test]
fn retry_after_is_honoured_in_both_forms_but_never_below_ten_seconds() {
    let unavailable = body(503, "UNAVAILABLE", Some("UNAVAILABLE"), &[]);
    let exhausted = body(429, "RESOURCE_EXHAUSTED", Some("QUOTA_EXCEEDED"), &[]);
    for (value, secs) in
        [("30", 30), ("3", 10), ("0", 10), ("Wed, 18 Nov 2026 11:08:20 GMT", 100), ("soon", 60)]
    {
        let until = run(429, &[("retry-after", value)], &exhausted).action.not_before();
        assert_eq!(until, Some(after(secs)), "429 {value}");
        let secs = if value == "soon" { 10 } else { secs };
        assert_eq!(
            run(503, &[("retry-after", value)], &unavailable).action.not_before(),
            Some(after(secs)),
            "503 {value}"
        );
    }
}

/// firebase-admin-java #1064, #972, firebase-admin-go #719: real bodies.
#[test]
fn bodies_from_the_field() {
    let invalid = r#"{"error":{"code":400,"message":"The registration token is not a valid FCM registration token","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.firebase.fcm.v1.FcmError","errorCode":"INVALID_ARGUMENT"}]}}"#;
    assert_eq!(run(400, &[], invalid).action, DROP);
    let rate = r#"{"error":{"code":429,"message":"Quota exceeded for quota metric 'Send requests' and limit 'Send requests per minute' of service 'fcm.googleapis.com' for consumer 'project_number:1'.","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"RATE_LIMIT_EXCEEDED","domain":"googleapis.com","metadata":{"quota_limit":"SendsPerMinutePerProject"}}]}}"#;
    let rejection = run(429, &[], rate);
    assert_eq!(rejection.action, Action::SlowDown { until: after(60) });
    assert!(rejection.detail.unwrap().ends_with("; quota: project"));
    let html = "<HTML>\n<HEAD>\n<TITLE>PROJECT_NOT_PERMITTED</TITLE>\n</HEAD></HTML>";
    assert_eq!(run(401, &[], html).action, Action::RefreshCredential);
}

#[test]
fn an_accepted_message_has_its_name() {
    let headers = HeaderMap::new();
    for (body, name) in [
        (r#"{"name":"projects/p/messages/0:1"}"#, Some("projects/p/messages/0:1")),
        ("", None),
        ("<html>", None),
        (r#"{"name":7}"#, None),
    ] {
        let Outcome::Accepted(receipt) = classify(StatusCode::OK, &headers, body.as_bytes(), NOW) else {
            panic!()
        };
        assert_eq!((receipt.status, receipt.message.as_deref()), (200, name));
    }
}

#[test]
fn a_missing_subscription_is_not_a_missing_device() {
    let run = |status, body: &str| {
        classify_subscription(StatusCode::from_u16(status).unwrap(), &HeaderMap::new(), body.as_bytes(), NOW)
            .action()
            .cloned()
    };
    assert_eq!(run(404, &body(404, "NOT_FOUND", None, &[])), Some(Action::GiveUp));
    assert_eq!(run(409, &body(409, "ALREADY_EXISTS", None, &[])), Some(Action::GiveUp));
    assert_eq!(run(404, &body(404, "NOT_FOUND", Some("UNREGISTERED"), &[])), Some(DROP));
    assert_eq!(run(503, ""), Some(Action::Retry { not_before: after(10) }));
    assert_eq!(run(200, "{}"), None);
}

proptest! {
    #[test]
    fn any_answer_has_a_meaning(status in 100..1000_u16, body: Vec<u8>, retry_after in "\\PC{0,20}", now: u64) {
        let mut headers = HeaderMap::new();
        if let Ok(value) = HeaderValue::from_str(&retry_after) {
            headers.insert("retry-after", value);
        }
        let (status, now) = (StatusCode::from_u16(status).unwrap(), UnixTime::from_millis(now));
        let outcome = classify(status, &headers, &body, now);
        prop_assert_eq!(matches!(outcome, Outcome::Accepted(_)), status.is_success());
        if let Some(at) = outcome.action().and_then(Action::not_before) {
            prop_assert!(at >= now);
        }
    }

    #[test]
    fn any_error_object_is_read(
        code in "[A-Z_]{0,12}", word in "[A-Z_]{0,12}", field in "\\PC{0,30}", kind in 0..4_usize, message in "\\PC{0,600}",
    ) {
        let kinds = ["google.firebase.fcm.v1.FcmError", "google.rpc.BadRequest", "google.rpc.QuotaFailure", "x"];
        let detail = json!({"@type": format!("type.googleapis.com/{}", kinds[kind]), "errorCode": code,
                            "fieldViolations": [{"field": field}, 7], "violations": [null, {"subject": message}]});
        let body = json!({"error": {"status": word, "message": message, "details": [detail, null, "x"]}}).to_string();
        let error = ErrorBody::parse(body.as_bytes()).unwrap();
        prop_assert!(error.message.unwrap().len() <= Rejection::MAX_TEXT);
        let rejection = run(400, &[], &body);
        prop_assert!(rejection.reason.is_none_or(|reason| reason.len() <= Rejection::MAX_TEXT));
    }
}
