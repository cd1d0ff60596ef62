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
