//! The notifications' own JSON form: what a queue keeps, and what `pushtool` reads.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // Test helpers.

mod support;

use reveille_apns::{Broadcast, Notification, Push as _};
use serde_json::{Value, json};

/// One full example per type: the documented form, and the payload it stands for.
fn forms() -> Vec<(Value, Value)> {
    let custom = json!({"k": {"z": 1, "a": [null, 0.5, "é"]}});
    vec![
        (json!({"push_type": "alert", "alert": "text"}), json!({"aps": {"alert": "text"}})),
        (
            json!({
                "push_type": "alert",
                "alert": {"title": "t", "body": "b", "loc": {"key": "K", "args": ["1"]}},
                "badge": 3, "sound": "default", "thread_id": "c", "category": "x", "target_content_id": "w",
                "filter_criteria": "f", "content_available": true, "mutable_content": true,
                "interruption_level": "time-sensitive", "relevance_score": 0.5, "url_args": ["u"],
                "custom": custom, "optional_custom": {"o": 1},
                "delivery": {"id": "eabeae54-14a8-11e5-b60b-1697f925ec7b", "expiration": 1_700_000_000_000_u64,
                             "priority": 5, "collapse_id": "c-1"},
            }),
            json!({
                "aps": {"alert": {"title": "t", "body": "b", "loc-key": "K", "loc-args": ["1"]}, "badge": 3,
                        "sound": "default", "thread-id": "c", "category": "x", "target-content-id": "w",
                        "filter-criteria": "f", "content-available": 1, "mutable-content": 1,
                        "interruption-level": "time-sensitive", "relevance-score": 0.5, "url-args": ["u"]},
                "k": {"z": 1, "a": [null, 0.5, "é"]}, "o": 1,
            }),
        ),
        (
            json!({"push_type": "alert", "critical_sound": {"name": "x", "volume": 0.5}, "interruption_level": "critical"}),
            json!({"aps": {"sound": {"critical": 1, "name": "x", "volume": 0.5}, "interruption-level": "critical"}}),
        ),
        (
            json!({"push_type": "background", "custom": {"a": 1}, "delivery": {"priority": 5}}),
            json!({"aps": {"content-available": 1}, "a": 1}),
        ),
        (json!({"push_type": "voip", "delivery": {"expiration": "once"}}), json!({"aps": {}})),
        (json!({"push_type": "complication"}), json!({"aps": {}})),
        (json!({"push_type": "location", "delivery": {"priority": 5}}), json!({"aps": {}})),
        (json!({"push_type": "pushtotalk"}), json!({"aps": {}})),
        (json!({"push_type": "controls"}), json!({"aps": {"content-changed": true}})),
        (json!({"push_type": "widgets"}), json!({"aps": {"content-changed": true}})),
        (
            json!({"push_type": "fileprovider", "container_identifier": "c", "domain": "d"}),
            json!({"container-identifier": "c", "domain": "d"}),
        ),
        (json!({"push_type": "mdm", "push_magic": "m"}), json!({"mdm": "m"})),
        (
            json!({"push_type": "raw", "type": "alert", "payload": {"aps": {"alert": "x", "new": 1}}}),
            json!({"aps": {"alert": "x", "new": 1}}),
        ),
        (
            json!({"push_type": "liveactivity", "activity": {
                "event": "start", "timestamp": 1_700_000_000_000_u64, "attributes_type": "A", "attributes": {"a": 1},
                "content_state": {}, "alert": {"title": {"key": "T", "args": ["x"]}, "body": "b", "sound": "s"},
                "input_push": {"channel": "Y2g="}, "stale_date": 1_700_000_001_000_u64, "relevance_score": 9.0,
            }, "delivery": {"priority": 10}}),
            json!({"aps": {
                "timestamp": 1_700_000_000, "event": "start", "attributes-type": "A", "attributes": {"a": 1},
                "content-state": {}, "alert": {"title": {"loc-key": "T", "loc-args": ["x"]}, "body": "b", "sound": "s"},
                "input-push-channel": "Y2g=", "stale-date": 1_700_000_001, "relevance-score": 9.0,
            }}),
        ),
        (
            json!({"push_type": "liveactivity", "activity": {
                "event": "end", "timestamp": 1_700_000_000_000_u64, "dismissal_date": 1_700_000_001_000_u64}}),
            json!({"aps": {"timestamp": 1_700_000_000, "event": "end", "dismissal-date": 1_700_000_001}}),
        ),
    ]
}

#[test]
fn every_form_is_read_and_written_back_the_same() {
    for (form, payload) in forms() {
        let push: Notification<'_> =
            serde_json::from_value(form.clone()).unwrap_or_else(|e| panic!("{form}: {e}"));
        assert_eq!(serde_json::from_slice::<Value>(&push.payload()).unwrap(), payload);
        assert_eq!(serde_json::to_value(&push).unwrap(), form);
        let again: Notification<'_> = serde_json::from_str(&serde_json::to_string(&push).unwrap()).unwrap();
        assert_eq!(again.payload(), push.payload(), "byte for byte");
    }
}

#[test]
fn an_unknown_field_is_refused_wherever_it_stands() {
    for (form, _) in forms() {
        let Value::Object(mut fields) = form.clone() else { panic!() };
        fields.insert("unknown".into(), json!(1));
        assert!(serde_json::from_value::<Notification<'_>>(fields.into()).is_err(), "{form}");
        for nested in ["alert", "delivery", "activity", "critical_sound"] {
            let mut form = form.clone();
            if let Some(object) = form.get_mut(nested).and_then(Value::as_object_mut) {
                object.insert("unknown".into(), json!(1));
                assert!(serde_json::from_value::<Notification<'_>>(form.clone()).is_err(), "{form}");
            }
        }
    }
}

fn refusal(form: Value) -> String {
    serde_json::from_value::<Notification<'_>>(form).unwrap_err().to_string()
}

#[test]
fn wrong_mixes_are_refused_with_the_rule() {
    insta::assert_snapshot!(refusal(json!({"push_type": "background", "alert": "x"})), @"unknown field `alert`, expected one of `custom`, `optional_custom`, `delivery`");
    insta::assert_snapshot!(refusal(json!({"push_type": "background", "delivery": {"priority": 10}})), @"apns-priority must be 5 for a background push");
    insta::assert_snapshot!(refusal(json!({"push_type": "liveactivity", "activity": {"event": "end", "timestamp": 1}, "delivery": {"priority": 1}})), @"apns-priority must be 10 or 5 for this push type");
    insta::assert_snapshot!(refusal(json!({"push_type": "alert"})), @"an alert push needs an alert, a badge or a sound; to wake the app silently, use a background push");
    insta::assert_snapshot!(refusal(json!({"push_type": "alert", "critical_sound": {"name": "x"}})), @"a critical sound needs interruption level critical, got none");
    insta::assert_snapshot!(refusal(json!({"push_type": "alert", "alert": "a", "sound": "s", "critical_sound": {"name": "x"}, "interruption_level": "critical"})), @"a notification has either a sound or a critical sound, not both");
    insta::assert_snapshot!(refusal(json!({"push_type": "alert", "alert": "a", "custom": {"aps": 1}})), @"the custom key aps is reserved");
    insta::assert_snapshot!(refusal(json!({"push_type": "alert", "alert": "a", "custom": {"k": 1}, "optional_custom": {"k": 2}})), @r#"the custom key "k" is given twice"#);
    insta::assert_snapshot!(refusal(json!({"push_type": "alert", "alert": "a", "relevance_score": 1.5})), @"relevance score or volume must be from 0 to 1");
    insta::assert_snapshot!(refusal(json!({"push_type": "alert", "alert": "a", "delivery": {"collapse_id": "x".repeat(65)}})), @"apns-collapse-id of 65 bytes is longer than 64");
    insta::assert_snapshot!(refusal(json!({"push_type": "liveactivity", "activity": {"event": "start", "timestamp": 1, "content_state": {}, "alert": {"title": "t", "body": "b"}, "attributes_type": "A"}})), @"missing field `attributes`");
    insta::assert_snapshot!(refusal(json!({"push_type": "liveactivity", "activity": {"event": "update", "timestamp": 1, "content_state": 3}})), @"expected a JSON object");
    insta::assert_snapshot!(refusal(json!({"push_type": "raw", "type": "background", "payload": {"aps": {"content-available": 1}}, "delivery": {"priority": 10}})), @"a push of type background cannot have priority 10");
    insta::assert_snapshot!(refusal(json!({"push_type": "sms"})), @"unknown variant `sms`, expected one of `alert`, `background`, `complication`, `controls`, `fileprovider`, `liveactivity`, `location`, `mdm`, `pushtotalk`, `raw`, `voip`, `widgets`");
}

#[test]
fn a_broadcast_cannot_start_an_activity() {
    let broadcast = |event: &str| json!({"activity": {"event": event, "timestamp": 1_000, "content_state": {"a": 1}}, "priority": 5, "expiration": "once"});
    let update: Broadcast<'_> = serde_json::from_value(broadcast("update")).unwrap();
    assert_eq!(serde_json::to_value(&update).unwrap(), broadcast("update"));
    let refused = serde_json::from_value::<Broadcast<'_>>(broadcast("start")).unwrap_err();
    insta::assert_snapshot!(refused, @"unknown variant `start`, expected `update` or `end`");
}

#[test]
fn a_key_given_twice_is_refused() {
    let json = r#"{"push_type":"voip","custom":{"k":1,"k":2}}"#;
    let refused = serde_json::from_str::<Notification<'_>>(json).unwrap_err();
    insta::assert_snapshot!(refused, @r#"the custom key "k" is given twice"#);
}
