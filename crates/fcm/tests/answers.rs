//! Every code FCM documents, with and without what comes beside it, into the next step.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, StatusCode};
use proptest::prelude::*;
use reveille_core::{Action, Outcome, Rejection, RetrySource, Scope, UnixTime};
use reveille_fcm::answer::{ErrorBody, ErrorCode, Quota, classify_response, classify_subscription};
use reveille_fcm::{Fid, RegistrationToken, Target, Topic, classify};
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
    match classify(None, StatusCode::from_u16(status).unwrap(), &map, body.as_bytes(), NOW) {
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
const STALE: Action = Action::RefreshCredential { also_reconnect: false };
const WRONG: Action = Action::FixCredential { scope: Scope::Credential };
const PLATFORM: Action = Action::FixCredential { scope: Scope::Platform };

/// A wait that the answer does not name.
fn guessed(secs: u64) -> Action {
    Action::Retry { not_before: after(secs), source: RetrySource::Guess }
}

fn slow(scope: Scope, secs: u64) -> Action {
    Action::SlowDown { scope, until: after(secs), source: RetrySource::Guess }
}

fn fix(field: &'static str) -> Action {
    Action::FixRequest { field: Some(field.into()) }
}

#[test]
fn all_codes() {
    let retry = guessed;
    let slow = |secs| slow(Scope::Credential, secs);
    let slow_target =
        |secs| Action::SlowDown { scope: Scope::Target, until: after(secs), source: RetrySource::Guess };
    let table = [
        (404, "NOT_FOUND", "UNREGISTERED", vec![], DROP),
        (403, "PERMISSION_DENIED", "SENDER_ID_MISMATCH", vec![], Action::SuspectTarget),
        (401, "UNAUTHENTICATED", "THIRD_PARTY_AUTH_ERROR", vec![], PLATFORM),
        (401, "UNAUTHENTICATED", "APNS_AUTH_ERROR", vec![], PLATFORM),
        (429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED", vec![], slow(60)),
        (429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED", vec![quota("project:1")], slow(60)),
        (429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED", vec![quota("topic")], slow_target(60)),
        (429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED", vec![quota("device")], slow_target(60)),
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
    let retry = guessed(10);
    for (status, word, action) in [
        (400, "INVALID_ARGUMENT", Action::FixRequest { field: None }),
        (400, "FAILED_PRECONDITION", Action::FixRequest { field: None }),
        (401, "UNAUTHENTICATED", STALE),
        (403, "PERMISSION_DENIED", WRONG),
        (404, "NOT_FOUND", Action::SuspectTarget),
        (400, "OUT_OF_RANGE", Action::FixRequest { field: None }),
        (409, "ABORTED", retry.clone()),
        (409, "ALREADY_EXISTS", Action::GiveUp),
        (500, "DATA_LOSS", Action::GiveUp),
        (500, "UNKNOWN", retry.clone()),
        (429, "RESOURCE_EXHAUSTED", slow(Scope::Credential, 60)),
        (499, "CANCELLED", retry.clone()),
        (500, "INTERNAL", retry.clone()),
        (501, "UNIMPLEMENTED", Action::GiveUp),
        (503, "UNAVAILABLE", retry.clone()),
        (504, "DEADLINE_EXCEEDED", retry),
    ] {
        // Also where a proxy in between has changed the HTTP status.
        for status in [status, 418, 502, 600] {
            let rejection = run(status, &[], &body(status, word, None, &[]));
            assert_eq!((&rejection.action, rejection.reason.as_deref()), (&action, Some(word)), "{status}");
        }
    }
}

#[test]
fn without_a_body_the_http_status_decides() {
    let retry = guessed(10);
    for (status, action) in [
        (400, Action::FixRequest { field: None }),
        (401, STALE),
        (403, WRONG),
        (404, fix("uri")),
        (405, fix("uri")),
        (408, retry.clone()),
        (425, retry.clone()),
        (402, Action::FixRequest { field: None }),
        (499, Action::FixRequest { field: None }),
        (413, fix("body")),
        (421, Action::Reconnect),
        (429, slow(Scope::Credential, 60)),
        (500, retry.clone()),
        (502, retry.clone()),
        (501, retry.clone()),
        (503, retry.clone()),
        (504, retry.clone()),
        (599, retry),
        (399, Action::GiveUp),
        (302, Action::GiveUp),
        (100, Action::GiveUp),
        (600, Action::GiveUp),
    ] {
        for body in ["", "<html>502 Bad Gateway</html>", "{}", "[]", "{\"error\":", "\u{0}", "{\"error\":{}}"]
        {
            let rejection = run(status, &[], body);
            assert_eq!((&rejection.action, rejection.reason), (&action, None), "{status} {body:?}");
            assert_eq!(rejection.detail, None, "{status} {body:?}");
        }
    }
}

#[test]
fn retry_after_is_honoured_in_both_forms_but_never_below_ten_seconds() {
    let unavailable = body(503, "UNAVAILABLE", Some("UNAVAILABLE"), &[]);
    let exhausted = body(429, "RESOURCE_EXHAUSTED", Some("QUOTA_EXCEEDED"), &[]);
    for (value, secs) in [
        ("30", 30),
        ("3", 10),
        ("0", 10),
        ("Wed, 18 Nov 2026 11:08:20 GMT", 100),
        ("soon", 60),
        ("99999999999999999999", 3_600),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 10),
    ] {
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

fn apns(status: u16, reason: &str) -> serde_json::Value {
    json!({"@type": "type.googleapis.com/google.firebase.fcm.v1.ApnsError", "statusCode": status, "reason": reason})
}

/// Apple's word decides, whatever FCM's code beside it is.
#[test]
fn what_apple_says_behind_fcm() {
    let table = [
        (410, "Unregistered", DROP),
        (410, "ExpiredToken", DROP),
        (400, "BadDeviceToken", Action::SuspectTarget),
        (400, "DeviceTokenNotForTopic", Action::SuspectTarget),
        (413, "PayloadTooLarge", fix("apns.payload")),
        (400, "PayloadEmpty", fix("apns.payload")),
        (400, "BadPriority", fix("apns.headers.apns-priority")),
        (400, "InvalidPushType", fix("apns.headers.apns-push-type")),
        (400, "BadCollapseId", fix("apns.headers.apns-collapse-id")),
        (400, "BadExpirationDate", fix("apns.headers.apns-expiration")),
        (400, "BadMessageId", fix("apns.headers.apns-id")),
        (400, "TopicDisallowed", fix("apns.headers.apns-topic")),
        (400, "DuplicateHeaders", fix("apns.headers")),
        (403, "InvalidProviderToken", PLATFORM),
        (403, "BadCertificateEnvironment", PLATFORM),
        (429, "TooManyRequests", slow(Scope::Target, 60)),
        (429, "TooManyProviderTokenUpdates", guessed(10)),
        (500, "InternalServerError", guessed(10)),
        (503, "Shutdown", guessed(10)),
        // Words of tomorrow: Apple's status decides.
        (410, "GoneFishing", Action::SuspectTarget),
        (400, "BadMood", fix("apns")),
        (413, "TooMuch", fix("apns.payload")),
        (403, "NotYou", PLATFORM),
        (429, "Slower", slow(Scope::Target, 60)),
        (504, "Later", guessed(10)),
    ];
    for (status, reason, action) in table {
        for code in ["INVALID_ARGUMENT", "INTERNAL", "THIRD_PARTY_AUTH_ERROR"] {
            let rejection =
                run(400, &[], &body(400, "INVALID_ARGUMENT", Some(code), &[apns(status, reason)]));
            assert_eq!(rejection.action, action, "{status} {reason} {code}");
            assert_eq!(rejection.reason.as_deref(), Some(code));
            assert!(rejection.detail.unwrap().contains(&format!("APNs: {status} {reason}")));
        }
    }
    // Neither word nor status: FCM's code decides.
    let silent = json!({"@type": "type.googleapis.com/google.firebase.fcm.v1.ApnsError"});
    assert_eq!(run(404, &[], &body(404, "NOT_FOUND", Some("UNREGISTERED"), &[silent])).action, DROP);
}

/// Without a status only the word can decide.
#[test]
fn every_word_of_apple_is_known_without_its_status() {
    let header = |name: &str| Action::FixRequest { field: Some(format!("apns.headers{name}").into()) };
    let table: [(Action, &[&str]); 14] = [
        (DROP, &["Unregistered", "ExpiredToken"]),
        (Action::SuspectTarget, &["BadDeviceToken", "DeviceTokenNotForTopic"]),
        (fix("apns.payload"), &["PayloadTooLarge", "PayloadEmpty"]),
        (header(".apns-collapse-id"), &["BadCollapseId"]),
        (header(".apns-expiration"), &["BadExpirationDate"]),
        (header(".apns-id"), &["BadMessageId"]),
        (header(".apns-priority"), &["BadPriority"]),
        (header(".apns-topic"), &["BadTopic", "MissingTopic", "TopicDisallowed"]),
        (header(""), &["DuplicateHeaders"]),
        (header(".apns-push-type"), &["InvalidPushType"]),
        (
            PLATFORM,
            &[
                "BadCertificate",
                "BadCertificateEnvironment",
                "ExpiredProviderToken",
                "Forbidden",
                "InvalidProviderToken",
                "MissingProviderToken",
            ],
        ),
        (slow(Scope::Target, 60), &["TooManyRequests"]),
        (
            guessed(10),
            &[
                "IdleTimeout",
                "InternalServerError",
                "ServiceUnavailable",
                "Shutdown",
                "TooManyProviderTokenUpdates",
            ],
        ),
        // Not a word of Apple's: FCM's own code decides.
        (Action::GiveUp, &["Unheard", "", "unregistered"]),
    ];
    for (action, words) in table {
        for word in words {
            let detail =
                json!({"@type": "x/google.firebase.fcm.v1.ApnsError", "reason": word, "statusCode": "410"});
            let said = body(400, "INVALID_ARGUMENT", Some("UNSPECIFIED_ERROR"), &[detail]);
            assert_eq!(run(400, &[], &said).action, action, "{word}");
        }
    }
    // Nor is every status a word.
    for (status, action) in [
        (200, Action::GiveUp),
        (401, Action::GiveUp),
        (499, Action::GiveUp),
        (500, guessed(10)),
        (599, guessed(10)),
        (600, Action::GiveUp),
    ] {
        let said = body(400, "INVALID_ARGUMENT", Some("UNSPECIFIED_ERROR"), &[apns(status, "Unheard")]);
        assert_eq!(run(400, &[], &said).action, action, "{status}");
    }
}

#[test]
fn every_code_is_read_and_written_as_fcm_writes_it() {
    let known = [
        ("UNSPECIFIED_ERROR", ErrorCode::Unspecified),
        ("INVALID_ARGUMENT", ErrorCode::InvalidArgument),
        ("UNREGISTERED", ErrorCode::Unregistered),
        ("SENDER_ID_MISMATCH", ErrorCode::SenderIdMismatch),
        ("QUOTA_EXCEEDED", ErrorCode::QuotaExceeded),
        ("UNAVAILABLE", ErrorCode::Unavailable),
        ("INTERNAL", ErrorCode::Internal),
        ("THIRD_PARTY_AUTH_ERROR", ErrorCode::ThirdPartyAuthError),
        ("OF_TOMORROW", ErrorCode::Other("OF_TOMORROW".to_owned())),
    ];
    for (word, code) in known {
        assert_eq!(ErrorCode::new(word), code);
        assert_eq!(code.as_str(), word);
    }
    assert_eq!(ErrorCode::new("APNS_AUTH_ERROR").as_str(), "THIRD_PARTY_AUTH_ERROR");
}

/// What the operator reads: Google's sentence, what is wrong with the field, Apple's word, and a hint.
#[test]
fn a_detail_says_what_to_look_at() {
    let detail = |code: Option<&str>, more: &[serde_json::Value]| {
        run(400, &[], &body(400, "X", code, more)).detail.unwrap()
    };
    let disabled = json!({"@type": "x/google.rpc.ErrorInfo", "reason": "SERVICE_DISABLED"});
    insta::assert_snapshot!([
        detail(None, &[]),
        detail(Some("SENDER_ID_MISMATCH"), &[]),
        detail(Some("THIRD_PARTY_AUTH_ERROR"), &[]),
        detail(None, std::slice::from_ref(&disabled)),
        detail(Some("INTERNAL"), &[disabled]),
        detail(None, &[quota("project")]),
        detail(None, &[quota("topic")]),
        detail(None, &[quota("device")]),
        detail(None, &[quota("x")]),
        detail(None, &[bad_request(&["message.data", "message.token"])]),
        detail(None, &[json!({"@type": "x/google.firebase.fcm.v1.ApnsError"})]),
    ].join("\n"), @r"
    said
    said; the target belongs to another Firebase project
    said; check the APNs key or the Web Push certificate in the Firebase console
    said; enable the Firebase Cloud Messaging API in this project
    said
    said; quota: project
    said; quota: topic
    said; quota: device
    said; quota: unknown
    said; wrong
    said; APNs: no reason given
    ");
}

#[test]
fn violations_that_name_the_target_alone_drop_it() {
    for (fields, action) in [
        (&["message.token"][..], DROP),
        (&["message.fid"], DROP),
        (&["token"], DROP),
        (&["fid", "message.token"], DROP),
        (&["message.topic"], fix("message.topic")),
        (&["token", "message.data"], fix("token")),
        (&["", "message.data"], fix("message.data")),
        (&[""], Action::FixRequest { field: None }),
    ] {
        for code in [None, Some("INVALID_ARGUMENT")] {
            let said = body(400, "INVALID_ARGUMENT", code, &[bad_request(fields)]);
            assert_eq!(run(400, &[], &said).action, action, "{fields:?} {code:?}");
        }
    }
}

/// Words that somebody else writes are kept up to a limit.
#[test]
fn what_is_kept_of_a_body_is_bounded() {
    let long = "W".repeat(65);
    let details = [
        json!({"@type": "x/google.firebase.fcm.v1.FcmError", "errorCode": long}),
        json!({"@type": "x/google.firebase.fcm.v1.ApnsError", "reason": long, "statusCode": 65_535}),
        json!({"@type": "x/google.rpc.ErrorInfo", "reason": long, "metadata": {"quota_limit": ""}}),
        bad_request(&["f"; 33]),
    ];
    let error = ErrorBody::parse(body(400, &long, None, &details).as_bytes()).unwrap();
    let cut = "W".repeat(64);
    assert_eq!(error.status.as_deref(), Some(cut.as_str()));
    assert_eq!(error.code, Some(ErrorCode::Other(cut.clone())));
    assert_eq!(error.info.as_deref(), Some(cut.as_str()));
    let apns = error.apns.unwrap();
    assert_eq!((apns.status, apns.reason.as_deref()), (Some(65_535), Some(cut.as_str())));
    assert_eq!((error.violations.len(), error.quota), (32, None));
    // Of quotas as well: the 33rd is not looked at.
    let violations = |count: usize| {
        let mut list = vec![json!({"subject": "x"}); count];
        list.push(json!({"description": "of this device"}));
        let failure = json!({"@type": "x/google.rpc.QuotaFailure", "violations": list});
        ErrorBody::parse(body(429, "X", None, &[failure]).as_bytes()).unwrap().quota
    };
    assert_eq!((violations(31), violations(32)), (Some(Quota::Device), Some(Quota::Unknown)));
}

/// Topics are no secret, and the operator has to know which it was.
#[test]
fn a_topic_stays_in_the_text() {
    let topic = Target::from(Topic::new("weather-in-cologne").unwrap());
    let said = body(400, "INVALID_ARGUMENT", None, &[]).replace("said", "weather-in-cologne is wrong");
    let response = http::Response::builder().status(400).body(said).unwrap();
    let Outcome::Rejected(rejection) = classify_response(&topic, &response, NOW) else { panic!() };
    assert_eq!(rejection.detail.as_deref(), Some("weather-in-cologne is wrong"));
}

/// A sentence that blames the message makes no target suspect.
#[test]
fn googles_sentences() {
    let said = |sentence: &str| {
        let body = json!({"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": sentence, "details": [
            {"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": "INVALID_ARGUMENT"}]}});
        run(400, &[], &body.to_string()).action
    };
    let nobody = Action::FixRequest { field: None };
    for (sentence, action) in [
        ("Android message is too big", nobody.clone()),
        ("APNs message is too large", nobody.clone()),
        ("Invalid data payload key: from", fix("message.data")),
        ("Invalid value at 'message.data[0].value' (TYPE_STRING), 1", fix("message.data")),
        ("Invalid TTL", fix("message.android.ttl")),
        ("Invalid JSON payload received. Unknown name \"x\"", nobody),
        ("Invalid package name", fix("message.android.restricted_package_name")),
        ("Invalid condition expression provided.", fix("message.condition")),
        ("A payload key is wrong", fix("message.data")),
        ("Wrong data key", fix("message.data")),
        ("The time to live is too long", fix("message.android.ttl")),
        ("Bad collapse key", fix("message.android.collapse_key")),
        ("Bad analytics label", fix("message.fcm_options.analytics_label")),
        ("Unknown priority", fix("message.android.priority")),
        ("The notification has no title", fix("message.notification")),
        ("Invalid value at 'message.x'", Action::FixRequest { field: None }),
        ("Not a valid FID", DROP),
        ("Topic name is invalid", fix("message.topic")),
        ("Request contains an invalid argument.", Action::SuspectTarget),
        ("The registration token is not a valid FCM registration token", DROP),
        ("", Action::SuspectTarget),
    ] {
        assert_eq!(said(sentence), action, "{sentence}");
    }
}

#[test]
fn retry_info_is_read_and_the_header_comes_first() {
    let info = json!({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "30.5s"});
    let unavailable = body(503, "UNAVAILABLE", Some("UNAVAILABLE"), &[info]);
    let named = |millis| Action::Retry {
        not_before: NOW + Duration::from_millis(millis),
        source: RetrySource::Service,
    };
    assert_eq!(run(503, &[], &unavailable).action, named(30_500));
    assert_eq!(run(503, &[("retry-after", "20")], &unavailable).action, named(20_000));
}

#[test]
fn what_names_the_device_is_in_no_text() {
    for target in [
        Target::from(Fid::new("cE8xY_short-fid-22-chr").unwrap()),
        Target::from(RegistrationToken::new("cE8xY_r:APA91bSECRET").unwrap()),
    ] {
        let name = match &target {
            Target::Fid(fid) => fid.expose(),
            Target::Token(token) => token.expose(),
            other => panic!("{other:?} names no device"),
        };
        let details = [
            json!({"@type": "x/google.rpc.BadRequest", "fieldViolations": [{"field": "message.token", "description": format!("bad {name}")}]}),
            apns(400, name),
        ];
        for code in ["INVALID_ARGUMENT", name] {
            let body = body(400, name, Some(code), &details).replace("said", name);
            for outcome in [
                classify(&target, StatusCode::BAD_REQUEST, &HeaderMap::new(), body.as_bytes(), NOW),
                classify_subscription(
                    &target,
                    StatusCode::BAD_REQUEST,
                    &HeaderMap::new(),
                    body.as_bytes(),
                    NOW,
                ),
            ] {
                let text = format!("{outcome:?}");
                assert!(!text.contains("SECRET") && !text.contains("short-fid"), "{text}");
            }
        }
    }
}

/// firebase-admin-java #1064, #972, firebase-admin-go #719: real bodies.
#[test]
fn bodies_from_the_field() {
    let invalid = r#"{"error":{"code":400,"message":"The registration token is not a valid FCM registration token","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.firebase.fcm.v1.FcmError","errorCode":"INVALID_ARGUMENT"}]}}"#;
    assert_eq!(run(400, &[], invalid).action, DROP);
    let rate = r#"{"error":{"code":429,"message":"Quota exceeded for quota metric 'Send requests' and limit 'Send requests per minute' of service 'fcm.googleapis.com' for consumer 'project_number:1'.","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"RATE_LIMIT_EXCEEDED","domain":"googleapis.com","metadata":{"quota_limit":"SendsPerMinutePerProject"}}]}}"#;
    let rejection = run(429, &[], rate);
    assert_eq!(rejection.action, slow(Scope::Credential, 60));
    assert!(rejection.detail.unwrap().ends_with("; quota: project"));
    let html = "<HTML>\n<HEAD>\n<TITLE>PROJECT_NOT_PERMITTED</TITLE>\n</HEAD></HTML>";
    assert_eq!(run(401, &[], html).action, STALE);
}

#[test]
fn an_accepted_message_has_its_name() {
    let headers = HeaderMap::new();
    for (body, name) in [
        (r#"{"name":"projects/p/messages/0:1"}"#, Some("projects/p/messages/0:1")),
        ("", None),
        ("<html>", None),
        (r#"{"name":7}"#, None),
        (&format!(r#"{{"name":"n"{:1$}}}"#, "", 64 * 1024 - 12), Some("n")),
        (&format!(r#"{{"name":"n"{:1$}}}"#, "", 64 * 1024 - 11), None),
    ] {
        let Outcome::Accepted(receipt) = classify(None, StatusCode::OK, &headers, body.as_bytes(), NOW)
        else {
            panic!()
        };
        assert_eq!((receipt.status, receipt.message.as_deref()), (200, name));
    }
}

#[test]
fn a_missing_subscription_is_not_a_missing_device() {
    let run = |status, body: &str| {
        classify_subscription(
            None,
            StatusCode::from_u16(status).unwrap(),
            &HeaderMap::new(),
            body.as_bytes(),
            NOW,
        )
        .action()
        .cloned()
    };
    assert_eq!(run(404, &body(404, "NOT_FOUND", None, &[])), Some(Action::GiveUp));
    assert_eq!(run(409, &body(409, "ALREADY_EXISTS", None, &[])), Some(Action::GiveUp));
    assert_eq!(run(409, &body(409, "ABORTED", None, &[])), Some(Action::GiveUp));
    assert_eq!(run(400, &body(400, "ABORTED", None, &[])), Some(guessed(10)));
    assert_eq!(run(404, &body(404, "NOT_FOUND", Some("UNREGISTERED"), &[])), Some(DROP));
    assert_eq!(run(503, ""), Some(guessed(10)));
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
        let outcome = classify(None, status, &headers, &body, now);
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
