//! The legacy converter: every field of the old API, and what it says of the rest.

use proptest::prelude::*;
use reveille_core::UnixTime;
use reveille_fcm::answer::ErrorCode;
use reveille_fcm::legacy::{Converted, convert, legacy_error_code};
use reveille_fcm::{Prepared, SizeLimit, Target};
use reveille_testkit::fcm::{SEND_MESSAGE_REQUEST, validate};
use serde_json::{Value, json};

const NOW: UnixTime = UnixTime::from_secs(1_000_000);

fn run(old: &Value) -> Converted {
    convert(old.to_string().as_bytes(), NOW).unwrap()
}

fn v1(old: &Value) -> Value {
    serde_json::from_slice(&run(old).message.to_json()).unwrap()
}

fn notes(old: &Value) -> String {
    run(old).notes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_field() {
    let old = json!({
        "registration_ids": ["a", "b"], "dry_run": true, "priority": "normal", "time_to_live": 0, "collapse_key": "chat",
        "content_available": true, "mutable_content": true, "restricted_package_name": "com.example",
        "direct_boot_ok": true, "fcm_options": {"analytics_label": "old"},
        "notification": {
            "title": "t", "body": "b", "image": "https://a.example/i.png", "android_channel_id": "calls", "icon": "ic",
            "color": "#FF0000", "tag": "chat", "sound": "default", "click_action": "OPEN", "subtitle": "s", "badge": "3",
            "title_loc_key": "tk", "title_loc_args": ["x"], "body_loc_key": "bk", "body_loc_args": "[\"y\",\"z\"]",
        },
        "data": {"id": "1"},
    });
    let new = run(&old);
    assert_eq!((new.targets.len(), new.validate_only, new.notes.len()), (2, true, 0));
    assert_eq!(
        v1(&old),
        json!({
            "data": {"id": "1"},
            "notification": {"title": "t", "body": "b", "image": "https://a.example/i.png"},
            "fcmOptions": {"analyticsLabel": "old"},
            "android": {
                "collapseKey": "chat", "priority": "NORMAL", "ttl": "0s", "restrictedPackageName": "com.example",
                "directBootOk": true,
                "notification": {
                    "channelId": "calls", "icon": "ic", "color": "#ff0000", "tag": "chat", "sound": "default",
                    "clickAction": "OPEN", "titleLocKey": "tk", "titleLocArgs": ["x"], "bodyLocKey": "bk",
                    "bodyLocArgs": ["y", "z"],
                },
            },
            "apns": {
                "headers": {"apns-priority": "5", "apns-expiration": "0", "apns-collapse-id": "chat"},
                "payload": {"aps": {
                    "alert": {"title": "t", "body": "b", "subtitle": "s", "title-loc-key": "tk", "title-loc-args": ["x"],
                              "loc-key": "bk", "loc-args": ["y", "z"]},
                    "badge": 3, "category": "OPEN", "sound": "default", "content-available": 1, "mutable-content": 1,
                }},
            },
            "webpush": {"headers": {"TTL": "0", "Urgency": "normal", "Topic": "chat"}, "notification": {"tag": "chat"}},
        })
    );
}

#[test]
fn targets() {
    let target = |old: Value| run(&old).targets.remove(0);
    assert!(matches!(target(json!({"to": "abc"})), Target::Token(token) if token.expose() == "abc"));
    assert!(
        matches!(target(json!({"to": "/topics/news"})), Target::Topic(topic) if topic.as_str() == "news")
    );
    assert!(matches!(target(json!({"condition": "'a' in topics"})), Target::Condition(_)));
    let error = |old: Value| convert(old.to_string().as_bytes(), NOW).unwrap_err().to_string();
    insta::assert_snapshot!(error(json!({})), @"legacy request needs exactly one of to, registration_ids and condition; found 0");
    insta::assert_snapshot!(error(json!({"to": "SECRET", "condition": "x"})), @"legacy request needs exactly one of to, registration_ids and condition; found 2");
    insta::assert_snapshot!(error(json!({"to": 7})), @"legacy request: to: expected a string");
    insta::assert_snapshot!(error(json!({"to": "/topics/a b"})), @"legacy request: to: topic has a character at byte 1 that is not allowed; allowed: A-Z a-z 0-9 - _ . ~ %");
    insta::assert_snapshot!(error(json!({"registration_ids": vec!["a"; 1_001]})), @"legacy request has 1001 registration_ids, the limit is 1000");
    insta::assert_snapshot!(error(json!({"registration_ids": []})), @"legacy request needs exactly one of to, registration_ids and condition; found 0");
    insta::assert_snapshot!(error(json!(["SECRET"])), @"legacy request: JSON, line 1 column 0: expected a map, found an array");
}

#[test]
fn what_could_not_be_mapped_is_listed() {
    insta::assert_snapshot!(notes(&json!({
        "to": "t", "ttl": "3600s", "priority": "urgent", "delay_while_idle": true, "notification_key": "k", "new": 1, "old": null,
        "collapse_key": "a key with blanks and more than thirty-two characters", "dry_run": "yes", "content_available": 1,
        "notification": {"title": 7, "color": "red", "badge": "many", "body_loc_args": "x", "fresh": true},
        "data": {"from": "x", "n": 1, "b": true, "o": {"a": [1]}, "z": null},
        "fcm_options": {"analytics_label": "a b", "more": 1},
    })), @r#"
    dry_run not mapped: is not a boolean
    data.b changed: values are strings in v1
    data.from not mapped: data key "from" is reserved by FCM (the word `from`)
    data.n changed: values are strings in v1
    data.o changed: is now its JSON text
    data.z changed: values are strings in v1
    notification.title not mapped: is not a string
    notification.color not mapped: color is not #rrggbb
    notification.body_loc_args not mapped: is not a list of strings
    notification.badge not mapped: is not a number
    notification.fresh not mapped: unknown field
    content_available not mapped: is not a boolean
    priority not mapped: is neither high nor normal
    ttl changed: was never a field of the legacy API; taken as time_to_live
    collapse_key changed: is no Topic (32 characters of base64url): not for Web Push
    fcm_options.more not mapped: unknown field
    fcm_options.analytics_label not mapped: analytics label has a character at byte 1 that is not allowed; allowed: A-Z a-z 0-9 - _ . ~ %
    delay_while_idle not mapped: has had no effect since 2016
    new not mapped: unknown field
    notification_key not mapped: a device group is addressed with its key as token
    "#);
    assert_eq!(run(&json!({"to": "t", "ttl": 5, "new": 1})).unmapped().count(), 1);
    let old = json!({"to": "t", "time_to_live": 9_999_999, "content_available": true, "priority": "high"});
    insta::assert_snapshot!(notes(&old), @"
    priority changed: is 5 for Apple devices: content_available alone is a background push
    time_to_live changed: cut to 4 weeks
    ");
    assert_eq!(
        v1(&old)["apns"]["headers"],
        json!({"apns-expiration": "3419200", "apns-priority": "5", "apns-push-type": "background"})
    );
}

#[test]
fn a_priority_is_a_word_or_one_of_apples_numbers() {
    for (old, new) in [
        (json!("high"), json!("HIGH")),
        (json!("HIGH"), json!("HIGH")),
        (json!(10), json!("HIGH")),
        (json!("normal"), json!("NORMAL")),
        (json!("Normal"), json!("NORMAL")),
        (json!(5), json!("NORMAL")),
        (json!(1), Value::Null),
        (json!(0), Value::Null),
        (json!("10"), Value::Null),
        (json!(true), Value::Null),
    ] {
        let request = json!({"to": "t", "priority": old});
        assert_eq!(v1(&request)["android"]["priority"], new, "{old}");
        let said = if new.is_null() { "priority not mapped: is neither high nor normal" } else { "" };
        assert_eq!(notes(&request), said, "{old}");
    }
}

#[test]
fn what_is_of_the_wrong_kind_is_listed_and_null_is_nothing() {
    insta::assert_snapshot!(notes(&json!({
        "to": "t", "collapse_key": 7, "restricted_package_name": ["x"], "direct_boot_ok": "yes", "mutable_content": 1,
        "time_to_live": true, "data": [], "fcm_options": "x",
        "notification": {"title_loc_args": ["a", 7], "body_loc_args": "[1]", "badge": -1, "tag": 1},
    })), @r"
    notification.tag not mapped: is not a string
    notification.title_loc_args not mapped: is not a list of strings
    notification.body_loc_args not mapped: is not a list of strings
    notification.badge not mapped: is not a number
    mutable_content not mapped: is not a boolean
    time_to_live not mapped: is not a number of seconds
    collapse_key not mapped: is not a string
    restricted_package_name not mapped: is not a string
    direct_boot_ok not mapped: is not a boolean
    ");
    let empty = json!({
        "to": "t", "registration_ids": null, "collapse_key": null, "priority": null, "time_to_live": null, "ttl": null,
        "data": null, "fcm_options": null, "dry_run": null, "content_available": false, "mutable_content": false,
        "notification": {"title": null, "sound": null, "x": null},
    });
    assert_eq!((notes(&empty).as_str(), v1(&empty)), ("", json!({})));
    let error = |old: Value| convert(old.to_string().as_bytes(), NOW).unwrap_err().to_string();
    for many in [json!("a"), json!({"0": "a"}), json!(7), json!(true)] {
        assert_eq!(
            error(json!({"registration_ids": many})),
            "legacy request: registration_ids: expected a list"
        );
    }
    insta::assert_snapshot!(error(json!({"registration_ids": ["a", 7]})), @"legacy request: registration_ids: expected a string");
    insta::assert_snapshot!(error(json!({"condition": 7})), @"legacy request: condition: expected a string");
    insta::assert_snapshot!(error(json!({"condition": "x"})), @"legacy request: condition at byte 0: expected a topic in single quotes");
}

#[test]
fn a_badge_is_a_number_or_its_text() {
    for (old, new) in [
        (json!(0), json!(0)),
        (json!("7"), json!(7)),
        (json!(4_294_967_295_u32), json!(4_294_967_295_u32)),
        (json!(4_294_967_296_u64), Value::Null),
        (json!("4294967296"), Value::Null),
        (json!(-1), Value::Null),
        (json!(1.5), Value::Null),
        (json!(""), Value::Null),
        (json!(true), Value::Null),
    ] {
        let request = json!({"to": "t", "notification": {"badge": old}});
        assert_eq!(v1(&request)["apns"]["payload"]["aps"]["badge"], new, "{old}");
        let said = if new.is_null() { "notification.badge not mapped: is not a number" } else { "" };
        assert_eq!(notes(&request), said, "{old}");
    }
}

#[test]
fn a_time_to_live_is_a_number_or_its_text() {
    for (old, secs, until) in [
        (json!(0), 0, 0),
        (json!(1), 1, 1_000_001),
        (json!("60"), 60, 1_000_060),
        (json!("60s"), 60, 1_000_060),
        (json!(2_419_200), 2_419_200, 3_419_200),
    ] {
        let new = run(&json!({"to": "t", "time_to_live": old}));
        assert_eq!(new.notes, [], "{old}");
        let new: Value = serde_json::from_slice(&new.message.to_json()).unwrap();
        assert_eq!(new["android"]["ttl"], format!("{secs}s"), "{old}");
        assert_eq!(new["webpush"]["headers"]["TTL"], secs.to_string(), "{old}");
        assert_eq!(new["apns"]["headers"]["apns-expiration"], until.to_string(), "{old}");
    }
    assert_eq!(notes(&json!({"to": "t", "time_to_live": 2_419_201})), "time_to_live changed: cut to 4 weeks");
    for wrong in [json!(-1), json!(1.5), json!("1h"), json!("s"), json!([])] {
        let request = json!({"to": "t", "time_to_live": wrong});
        assert_eq!(notes(&request), "time_to_live not mapped: is not a number of seconds", "{wrong}");
        assert_eq!(v1(&request), json!({}));
    }
}

/// What wakes the app alone is a background push, with the priority that Apple takes.
#[test]
fn a_silent_message_is_a_background_push() {
    let headers = |old: Value| v1(&old)["apns"]["headers"].clone();
    let shown = json!({"title": "t"});
    let silent = json!({"apns-priority": "5", "apns-push-type": "background"});
    for priority in ["high", "normal"] {
        let old = json!({"to": "t", "content_available": true, "priority": priority});
        assert_eq!(headers(old.clone()), silent);
        assert_eq!(run(&old).notes.len(), usize::from(priority == "high"));
    }
    assert_eq!(headers(json!({"to": "t", "content_available": true})), silent);
    let number = |priority| json!({"apns-priority": priority});
    assert_eq!(
        headers(json!({"to": "t", "content_available": true, "priority": "high", "notification": shown})),
        number("10")
    );
    assert_eq!(headers(json!({"to": "t", "content_available": false, "priority": "normal"})), number("5"));
    assert_eq!(headers(json!({"to": "t", "content_available": true, "notification": shown})), Value::Null);
}

#[test]
fn a_web_address_as_click_action_is_a_link() {
    let old = json!({"to": "t", "notification": {"click_action": "https://a.example/chat", "icon": "https://a.example/i.png"}});
    let new = v1(&old);
    assert_eq!(new["webpush"]["fcmOptions"]["link"], "https://a.example/chat");
    assert_eq!(new["webpush"]["notification"]["icon"], "https://a.example/i.png");
    assert!(new.get("apns").is_none());
}

#[test]
fn old_words_for_errors() {
    use ErrorCode as E;
    let table = [
        ("NotRegistered", E::Unregistered),
        ("InvalidRegistration", E::InvalidArgument),
        ("MissingRegistration", E::InvalidArgument),
        ("MismatchSenderId", E::SenderIdMismatch),
        ("MessageTooBig", E::InvalidArgument),
        ("InvalidDataKey", E::InvalidArgument),
        ("InvalidTtl", E::InvalidArgument),
        ("InvalidPackageName", E::InvalidArgument),
        ("InvalidParameters", E::InvalidArgument),
        ("Unavailable", E::Unavailable),
        ("InternalServerError", E::Internal),
        ("DeviceMessageRateExceeded", E::QuotaExceeded),
        ("TopicsMessageRateExceeded", E::QuotaExceeded),
        ("InvalidApnsCredential", E::ThirdPartyAuthError),
    ];
    for (word, code) in table {
        assert_eq!(legacy_error_code(word), Some(code), "{word}");
    }
    assert_eq!(legacy_error_code("DeprecatedApi"), None);
}

proptest! {
    #[test]
    fn any_json_is_converted_into_the_schema_or_refused(
        key in "to|registration_ids|condition|priority|time_to_live|ttl|collapse_key|content_available|data|notification|x",
        inner in "title|badge|color|sound|click_action|title_loc_args|body_loc_args|from|x",
        text in "\\PC{0,40}", number: i64, kind in 0..6_usize,
    ) {
        let value = [json!(text), json!(number), json!(null), json!([text]), json!({inner.clone(): text}), json!({inner: number})][kind].clone();
        let mut old = json!({"to": "token"});
        old[key] = value;
        if let Ok(new) = convert(old.to_string().as_bytes(), NOW) {
            let message: Value = serde_json::from_slice(&new.message.to_json()).unwrap();
            prop_assert_eq!(validate(&SEND_MESSAGE_REQUEST, &json!({"message": message})), vec![]);
            prop_assert!(Prepared::new(&new.message, SizeLimit::Provider).is_ok());
        }
    }

    #[test]
    fn convert_is_total(bytes: Vec<u8>) {
        let _ = convert(&bytes, NOW);
    }
}
