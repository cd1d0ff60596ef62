//! Each rule, refused with the field's path, and its nearest neighbour that is fine.

use reveille_payload::JsonObject;
use serde_json::{Value, json};

use super::*;
use crate::message::{ApnsConfig, ApnsHeaders};

fn check(message: &Value) -> String {
    let message = Message::from_json(message.to_string().as_bytes()).unwrap();
    message.check().map_or_else(|error| error.to_string(), |()| "fine".to_owned())
}

fn payload(payload: Value) -> String {
    check(&json!({"apns": {"payload": payload}}))
}

fn aps(aps: Value) -> String {
    payload(json!({"aps": aps}))
}

/// What `firebase-admin` refuses, Node's, Python's or both.
#[test]
fn what_the_official_clients_refuse() {
    insta::assert_snapshot!(check(&json!({"notification": {"image": "cat.png"}})), @"notification.image: expected an absolute http or https URL");
    insta::assert_snapshot!(check(&json!({"apns": {"fcmOptions": {"image": "//a/b"}}})), @"apns.fcmOptions.image: expected an absolute http or https URL");
    insta::assert_snapshot!(check(&json!({"android": {"notification": {"image": "https://"}}})), @"android.notification.image: expected an absolute http or https URL");
    insta::assert_snapshot!(check(&json!({"android": {"notification": {"bodyLocArgs": ["a"]}}})), @"android.notification.bodyLocArgs: arguments need a bodyLocKey that they belong to");
    insta::assert_snapshot!(check(&json!({"android": {"notification": {"titleLocArgs": ["a"], "titleLocKey": ""}}})), @"android.notification.titleLocArgs: arguments need a titleLocKey that they belong to");
    insta::assert_snapshot!(check(&json!({"androidV2": {"remoteNotification": {"notification": {"bodyLocArgs": ["a"]}}}})), @"androidV2.remoteNotification.notification.bodyLocArgs: arguments need a bodyLocKey that they belong to");
    insta::assert_snapshot!(check(&json!({"android": {"notification": {"vibrateTimings": []}}})), @"android.notification.vibrateTimings: expected at least one duration, found none");
    insta::assert_snapshot!(payload(json!({"aps": null})), @"apns.payload.aps: expected an object, found null");
    insta::assert_snapshot!(payload(json!({"aps": 5})), @"apns.payload.aps: expected an object, found a number");
    insta::assert_snapshot!(aps(json!({"alert": 7})), @"apns.payload.aps.alert: expected a string or an object, found a number");
    insta::assert_snapshot!(aps(json!({"alert": null})), @"apns.payload.aps.alert: expected a string or an object, found null");
    insta::assert_snapshot!(aps(json!({"alert": {"loc-args": ["a"]}})), @"apns.payload.aps.alert.loc-args: arguments need a loc-key that they belong to");
    insta::assert_snapshot!(aps(json!({"alert": {"subtitle-loc-args": ["a"]}})), @"apns.payload.aps.alert.subtitle-loc-args: arguments need a subtitle-loc-key that they belong to");
    insta::assert_snapshot!(aps(json!({"sound": ""})), @"apns.payload.aps.sound: expected a name, found an empty string");
    insta::assert_snapshot!(aps(json!({"sound": {"volume": 1}})), @"apns.payload.aps.sound.name: expected a name that is not empty, found nothing");
    insta::assert_snapshot!(aps(json!({"sound": {"name": "a", "volume": 2}})), @"apns.payload.aps.sound.volume: expected a number from 0 to 1, found a number");
    for fine in [
        json!({"notification": {"image": "http://a.example/i"}}),
        json!({"android": {"notification": {"bodyLocArgs": ["a"], "bodyLocKey": "K", "titleLocArgs": []}}}),
        json!({"android": {"notification": {"vibrateTimings": ["1s"]}}}),
    ] {
        assert_eq!(check(&fine), "fine", "{fine}");
    }
}

#[test]
fn the_payload_has_apples_types() {
    insta::assert_snapshot!(payload(json!({"v": 1, "alert": {"title": "the form of a queue"}})), @"apns.payload.aps: expected an object, found nothing");
    insta::assert_snapshot!(aps(json!({"badge": -1})), @"apns.payload.aps.badge: expected a number from 0 on, found a number");
    insta::assert_snapshot!(aps(json!({"content-available": true})), @"apns.payload.aps.content-available: expected 0 or 1, found a boolean");
    insta::assert_snapshot!(aps(json!({"thread-id": 1})), @"apns.payload.aps.thread-id: expected a string, found a number");
    insta::assert_snapshot!(aps(json!({"interruption-level": "loud"})), @"apns.payload.aps.interruption-level: expected passive, active, time-sensitive or critical, found a string");
    insta::assert_snapshot!(aps(json!({"relevance-score": "1"})), @"apns.payload.aps.relevance-score: expected a number, found a string");
    insta::assert_snapshot!(aps(json!({"alert": {"title": 1}})), @"apns.payload.aps.alert.title: expected a string, found a number");
    insta::assert_snapshot!(aps(json!({"alert": {"loc-key": "K", "loc-args": [1]}})), @"apns.payload.aps.alert.loc-args: expected an array of strings, found an array");
    insta::assert_snapshot!(aps(json!({"sound": {"name": "a", "critical": true}})), @"apns.payload.aps.sound.critical: expected 0 or 1, found a boolean");
    insta::assert_snapshot!(aps(json!({"sound": 1})), @"apns.payload.aps.sound: expected a string or an object, found a number");
    for fine in [
        json!({}),
        json!({"alert": "a", "badge": 0, "sound": "default", "mutable-content": 1, "custom": null}),
        json!({"alert": {"title": null, "loc-key": "K", "loc-args": ["a"]}, "sound": {"name": "a", "critical": 1, "volume": 0.5}}),
        json!({"interruption-level": "time-sensitive", "relevance-score": 0.5, "thread-id": "t", "badge": 4_294_967_296_u64}),
    ] {
        assert_eq!(aps(fine.clone()), "fine", "{fine}");
    }
}

#[test]
fn headers_and_payload_agree() {
    let run = |headers: Value, aps: Value, notification: Value| {
        check(&json!({"notification": notification, "apns": {"headers": headers, "payload": {"aps": aps}}}))
    };
    let background = |priority: Value| json!({"apns-push-type": "background", "apns-priority": priority});
    let wake = || json!({"content-available": 1});
    insta::assert_snapshot!(run(background(json!("10")), wake(), Value::Null), @"apns.headers.apns-priority: a background push needs 5, and FCM sends 10 by itself");
    insta::assert_snapshot!(run(json!({"apns-push-type": "background"}), wake(), Value::Null), @"apns.headers.apns-priority: a background push needs 5, and FCM sends 10 by itself");
    insta::assert_snapshot!(run(background(json!("5")), json!({}), Value::Null), @"apns.payload.aps.content-available: a background push needs it to be 1");
    insta::assert_snapshot!(run(background(json!("5")), json!({"content-available": 1, "badge": 1}), Value::Null), @"apns.headers.apns-push-type: a background push shows nothing, and this one has an alert, a badge or a sound");
    insta::assert_snapshot!(run(background(json!("5")), wake(), json!({"body": "b"})), @"apns.headers.apns-push-type: a background push shows nothing, and this one has an alert, a badge or a sound");
    insta::assert_snapshot!(run(json!({"apns-priority": "10"}), wake(), Value::Null), @"apns.headers.apns-priority: a push that shows nothing needs 5, Apple refuses 10");
    for (headers, aps, shared) in [
        (background(json!("5")), wake(), Value::Null),
        (background(json!("1")), wake(), Value::Null),
        (
            json!({"apns-push-type": "alert", "apns-priority": "10"}),
            json!({"alert": "a", "content-available": 1}),
            Value::Null,
        ),
        (json!({"apns-priority": "10"}), wake(), json!({"title": "t"})),
        (json!({"apns-priority": "5"}), wake(), Value::Null),
    ] {
        assert_eq!(run(headers.clone(), aps, shared), "fine", "{headers}");
    }
    let activity = |aps: Value| check(&json!({"apns": {"liveActivityToken": "t", "payload": {"aps": aps}}}));
    insta::assert_snapshot!(activity(json!({"timestamp": 1})), @"apns.payload.aps.event: expected start, update or end, found nothing");
    insta::assert_snapshot!(activity(json!({"event": "end"})), @"apns.payload.aps.timestamp: expected seconds since 1970, found nothing");
    assert_eq!(activity(json!({"event": "end", "timestamp": 1, "content-state": {}})), "fine");
}

#[test]
fn parts_of_another_crate_are_checked_when_they_come() {
    let headers =
        || vec![("apns-push-type", "background"), ("apns-priority", "5"), ("apns-topic", "com.example.App")];
    let config = ApnsConfig::from_parts(r#"{"aps":{"content-available":1},"id":7}"#, headers()).unwrap();
    let expected = ApnsConfig::new()
        .with_headers(ApnsHeaders::new(headers()).unwrap())
        .with_payload(JsonObject::from_json(br#"{"aps":{"content-available":1},"id":7}"#).unwrap());
    assert_eq!(config, expected);
    let error = |payload: &str, name: &'static str, value: &'static str| {
        let mut headers = headers();
        headers.push((name, value));
        ApnsConfig::from_parts(payload, headers).unwrap_err().to_string()
    };
    let wake = r#"{"aps":{"content-available":1}}"#;
    insta::assert_snapshot!(error(wake, "apns-priority", "10"), @"apns.headers.apns-priority: a background push needs 5, and FCM sends 10 by itself");
    insta::assert_snapshot!(error(wake, "apns-priority", "11"), @r#"apns.headers: header "apns-priority" must be 1, 5 or 10"#);
    insta::assert_snapshot!(error("{", "x", "y"), @"apns.payload: JSON, line 1 column 1: EOF while parsing an object");
    insta::assert_snapshot!(error("{}", "x", "y"), @"apns.payload.aps: expected an object, found nothing");
}

/// Each member at its ends, with every kind of value that it is not.
#[test]
fn every_member_of_the_payload_has_its_type() {
    let kinds = [
        (Value::Null, "null"),
        (json!(true), "a boolean"),
        (json!(7), "a number"),
        (json!("x"), "a string"),
        (json!(["x", 1]), "an array"),
        (json!({"x": 1}), "an object"),
    ];
    // A member, what is expected, values that are fine, and the kinds of which no value is.
    for (member, expected, fine, never) in [
        (
            "badge",
            "a number from 0 on",
            vec![json!(0), json!(7)],
            "null, a boolean, a string, an array, an object",
        ),
        (
            "sound",
            "a string or an object",
            vec![json!("x"), json!({"name": "x"})],
            "null, a boolean, a number, an array",
        ),
        (
            "content-available",
            "0 or 1",
            vec![json!(0), json!(1)],
            "null, a boolean, a number, a string, an array, an object",
        ),
        (
            "mutable-content",
            "0 or 1",
            vec![json!(0), json!(1)],
            "null, a boolean, a number, a string, an array, an object",
        ),
        ("category", "a string", vec![json!("x")], "null, a boolean, a number, an array, an object"),
        ("thread-id", "a string", vec![json!("x")], "null, a boolean, a number, an array, an object"),
        ("target-content-id", "a string", vec![json!("x")], "null, a boolean, a number, an array, an object"),
        ("filter-criteria", "a string", vec![json!("x")], "null, a boolean, a number, an array, an object"),
        (
            "interruption-level",
            "passive, active, time-sensitive or critical",
            vec![json!("passive"), json!("active"), json!("time-sensitive"), json!("critical")],
            "null, a boolean, a number, a string, an array, an object",
        ),
        (
            "relevance-score",
            "a number",
            vec![json!(0.5), json!(100)],
            "null, a boolean, a string, an array, an object",
        ),
        (
            "alert.title",
            "a string",
            vec![json!("x"), Value::Null],
            "a boolean, a number, an array, an object",
        ),
        (
            "alert.subtitle",
            "a string",
            vec![json!("x"), Value::Null],
            "a boolean, a number, an array, an object",
        ),
        ("alert.body", "a string", vec![json!("x"), Value::Null], "a boolean, a number, an array, an object"),
        (
            "alert.loc-key",
            "a string",
            vec![json!("x"), Value::Null],
            "a boolean, a number, an array, an object",
        ),
        ("alert.title-loc-key", "a string", vec![json!("x")], "a boolean, a number, an array, an object"),
        ("alert.subtitle-loc-key", "a string", vec![json!("x")], "a boolean, a number, an array, an object"),
        ("alert.action-loc-key", "a string", vec![json!("x")], "a boolean, a number, an array, an object"),
        ("alert.launch-image", "a string", vec![json!("x")], "a boolean, a number, an array, an object"),
        (
            "alert.title-loc-args",
            "an array of strings",
            vec![Value::Null, json!([])],
            "a boolean, a number, a string, an array, an object",
        ),
        (
            "sound.critical",
            "0 or 1",
            vec![json!(0), json!(1)],
            "null, a boolean, a number, a string, an array, an object",
        ),
        (
            "sound.volume",
            "a number from 0 to 1",
            vec![json!(0), json!(1), json!(0.5)],
            "null, a boolean, a number, a string, an array, an object",
        ),
    ] {
        let with = |value: &Value| match member.split_once('.') {
            Some(("sound", name)) => aps(json!({"sound": {"name": "x", name: value}})),
            Some((outer, name)) => aps(json!({ outer: { name: value } })),
            None => aps(json!({ member: value })),
        };
        for value in fine {
            assert_eq!(with(&value), "fine", "{member} {value}");
        }
        for (value, kind) in kinds.iter().filter(|(_, kind)| never.split(", ").any(|never| never == *kind)) {
            let text = format!("apns.payload.aps.{member}: expected {expected}, found {kind}");
            assert_eq!(with(value), text, "{value}");
        }
    }
    for volume in [json!(1.01), json!(-0.01)] {
        assert!(aps(json!({"sound": {"name": "x", "volume": volume}})).contains("volume"), "{volume}");
    }
    for badge in [json!(-1), json!(0.5)] {
        assert!(aps(json!({ "badge": badge })).contains("badge"), "{badge}");
    }
    insta::assert_snapshot!(aps(json!({"sound": {"name": ""}})), @"apns.payload.aps.sound.name: expected a name that is not empty, found a string");
    insta::assert_snapshot!(aps(json!({"sound": {"name": 7}})), @"apns.payload.aps.sound.name: expected a name that is not empty, found a number");
}

#[test]
fn arguments_belong_to_a_key_of_their_own() {
    for (arguments, key) in [
        ("loc-args", "loc-key"),
        ("title-loc-args", "title-loc-key"),
        ("subtitle-loc-args", "subtitle-loc-key"),
    ] {
        let said = |given: Value| aps(json!({"alert": given}));
        let missing =
            format!("apns.payload.aps.alert.{arguments}: arguments need a {key} that they belong to");
        assert_eq!(said(json!({ arguments: ["a"] })), missing);
        assert_eq!(said(json!({ arguments: ["a"], key: "" })), missing);
        assert_eq!(said(json!({ arguments: ["a"], key: null })), missing);
        assert_eq!(said(json!({ arguments: ["a"], "action-loc-key": "K" })), missing);
        assert_eq!(said(json!({ arguments: ["a"], key: "K" })), "fine");
        assert_eq!(said(json!({ arguments: [], key: "" })), "fine");
    }
}

/// Headers are looked at also where there is no payload to compare them with.
#[test]
fn headers_without_a_payload() {
    let headers = |headers: Value, notification: Value| {
        check(&json!({"notification": notification, "apns": {"headers": headers}}))
    };
    let background = json!({"apns-push-type": "background", "apns-priority": "5"});
    insta::assert_snapshot!(headers(background.clone(), Value::Null), @"apns.payload.aps.content-available: a background push needs it to be 1");
    insta::assert_snapshot!(headers(background.clone(), json!({"title": "t"})), @"apns.headers.apns-push-type: a background push shows nothing, and this one has an alert, a badge or a sound");
    // An image alone is not shown by Apple devices.
    insta::assert_snapshot!(headers(background, json!({"image": "https://a.example/i"})), @"apns.payload.aps.content-available: a background push needs it to be 1");
    assert_eq!(headers(json!({"apns-push-type": "alert"}), Value::Null), "fine");
    assert_eq!(headers(json!({"apns-priority": "10"}), Value::Null), "fine");
}

/// What shows something is an alert, a badge or a sound; what wakes the app is `1`, not `0`.
#[test]
fn a_background_push_shows_nothing_of_all_three() {
    let run = |aps: Value, priority: &str| {
        let headers = json!({"apns-push-type": "background", "apns-priority": priority});
        check(&json!({"apns": {"headers": headers, "payload": {"aps": aps}}}))
    };
    for name in ["alert", "badge", "sound"] {
        let value = if name == "badge" { json!(1) } else { json!("x") };
        let said = run(json!({"content-available": 1, name: value}), "5");
        assert!(
            said.starts_with("apns.headers.apns-push-type: a background push shows nothing"),
            "{name}: {said}"
        );
    }
    assert_eq!(run(json!({"content-available": 1, "thread-id": "x"}), "5"), "fine");
    assert!(run(json!({"content-available": 0}), "5").starts_with("apns.payload.aps.content-available"));
    assert!(run(json!({"mutable-content": 1}), "5").starts_with("apns.payload.aps.content-available"));
}

#[test]
fn a_live_activity_has_an_event_and_a_time() {
    let run = |aps: Value| check(&json!({"apns": {"liveActivityToken": "t", "payload": {"aps": aps}}}));
    for event in ["start", "update", "end"] {
        assert_eq!(run(json!({"event": event, "timestamp": 0})), "fine", "{event}");
    }
    insta::assert_snapshot!(run(json!({"event": "stop", "timestamp": 1})), @"apns.payload.aps.event: expected start, update or end, found a string");
    insta::assert_snapshot!(run(json!({"event": "end", "timestamp": -1})), @"apns.payload.aps.timestamp: expected seconds since 1970, found a number");
    insta::assert_snapshot!(run(json!({"event": "end", "timestamp": "1"})), @"apns.payload.aps.timestamp: expected seconds since 1970, found a string");
    // Without the token it is no Live Activity, and these are anybody's members.
    assert_eq!(aps(json!({"event": "stop"})), "fine");
}
