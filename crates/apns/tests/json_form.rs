//! The notifications' own JSON form: what a queue keeps, and what `pushtool` reads.

use reveille_apns::channel::Broadcast;
use reveille_apns::{Notification, Push as _};
use serde_json::{Value, json};

/// One full example per type: the documented form, and the payload it stands for.
fn forms() -> Vec<(Value, Value)> {
    let custom = json!({"k": {"z": 1, "a": [null, 0.5, "é"]}});
    vec![
        (json!({"v": 1, "push_type": "alert", "alert": "text"}), json!({"aps": {"alert": "text"}})),
        (
            json!({
                "v": 1, "push_type": "alert",
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
            json!({"v": 1, "push_type": "alert", "critical_sound": {"name": "x", "volume": 0.5}, "interruption_level": "critical"}),
            json!({"aps": {"sound": {"critical": 1, "name": "x", "volume": 0.5}, "interruption-level": "critical"}}),
        ),
        (
            json!({"v": 1, "push_type": "background", "custom": {"a": 1}, "delivery": {"priority": 5}}),
            json!({"aps": {"content-available": 1}, "a": 1}),
        ),
        (json!({"v": 1, "push_type": "voip", "delivery": {"expiration": "once"}}), json!({"aps": {}})),
        (json!({"v": 1, "push_type": "complication"}), json!({"aps": {}})),
        (json!({"v": 1, "push_type": "location", "delivery": {"priority": 5}}), json!({"aps": {}})),
        (json!({"v": 1, "push_type": "pushtotalk"}), json!({"aps": {}})),
        (json!({"v": 1, "push_type": "controls"}), json!({"aps": {"content-changed": true}})),
        (json!({"v": 1, "push_type": "widgets"}), json!({"aps": {"content-changed": true}})),
        (
            json!({"v": 1, "push_type": "fileprovider", "container_identifier": "c", "domain": "d"}),
            json!({"container-identifier": "c", "domain": "d"}),
        ),
        (json!({"v": 1, "push_type": "mdm", "push_magic": "m"}), json!({"mdm": "m"})),
        (
            json!({"v": 1, "push_type": "raw", "type": {"name": "hologram", "topic_suffix": ".x"}, "payload": {"a": 1}}),
            json!({"a": 1}),
        ),
        (
            json!({"v": 1, "push_type": "raw", "type": "alert", "payload": {"aps": {"alert": "x", "new": 1}}}),
            json!({"aps": {"alert": "x", "new": 1}}),
        ),
        (
            json!({"v": 1, "push_type": "liveactivity", "activity": {
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
            json!({"v": 1, "push_type": "liveactivity", "activity": {
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

/// A payload is written into memory that is there: the guess is enough for plain text, and not many times as much.
#[test]
fn every_payload_fits_into_the_memory_that_was_guessed() {
    let long = "x".repeat(1_000);
    let localized = json!({"key": long, "args": [long, long]});
    let texts = ["title", "subtitle", "body", "launch_image", "action", "action_loc_key", "summary_arg"];
    let alerts = texts
        .into_iter()
        .map(|text| json!({text: long}))
        .chain(["title_loc", "subtitle_loc", "loc"].into_iter().map(|text| json!({text: localized})));
    let alerts = alerts.chain([json!(long)]).map(|alert| json!({"push_type": "alert", "alert": alert}));
    let activities = [
        json!({"event": "start", "timestamp": 0, "attributes_type": "A", "attributes": {"a": long},
               "content_state": {"s": long}, "alert": {"title": long, "body": {"key": long, "args": [long]}}}),
        json!({"event": "update", "timestamp": 0, "content_state": {"s": long}, "alert": {"title": long, "body": long}}),
        json!({"event": "end", "timestamp": 0, "content_state": {"s": long}, "alert": {"title": long, "body": long}}),
    ];
    let activities = activities.into_iter().map(|activity| {
        json!({"push_type": "liveactivity", "activity": activity, "custom": {"c": long}, "optional_custom": {"o": long}})
    });
    for form in forms().into_iter().map(|(form, _)| form).chain(alerts).chain(activities) {
        let push: Notification<'_> = serde_json::from_value(form.clone()).unwrap();
        let (guess, length) = (push.size_hint(), push.payload().len());
        assert!(
            guess >= length && guess <= length + 512,
            "{guess} bytes for {length}: {:.300}",
            form.to_string()
        );
    }
}

#[test]
fn the_version_may_be_left_out_but_not_be_another() {
    for (form, _) in forms() {
        let Value::Object(mut fields) = form.clone() else { panic!() };
        fields.remove("v");
        let push: Notification<'_> = serde_json::from_value(fields.clone().into()).unwrap();
        assert_eq!(serde_json::to_value(&push).unwrap(), form);
        for other in [json!(0), json!(2), json!("1"), json!(null), json!(1.0)] {
            fields.insert("v".into(), other.clone());
            assert!(serde_json::from_value::<Notification<'_>>(fields.clone().into()).is_err(), "v {other}");
        }
    }
    insta::assert_snapshot!(refusal(json!({"v": 2, "push_type": "voip"})), @"JSON at v, line 1 column 26: this version of the form is not known, expected v 1");
}

#[test]
fn a_member_that_stands_twice_is_refused() {
    for json in [
        r#"{"v":1,"v":1,"push_type":"voip"}"#,
        r#"{"push_type":"voip","push_type":"voip"}"#,
        r#"{"push_type":"alert","alert":"a","alert":"b"}"#,
        r#"{"push_type":"alert","alert":{"title":"a","title":"b"}}"#,
        r#"{"push_type":"voip","custom":{"k":{"a":1,"a":2}}}"#,
        r#"{"push_type":"raw","type":"alert","payload":{"aps":{},"aps":{}}}"#,
    ] {
        assert!(serde_json::from_str::<Notification<'_>>(json).is_err(), "{json}");
        assert!(Notification::from_json(json.as_bytes()).is_err(), "{json}");
    }
}

#[test]
fn an_unknown_field_is_refused_wherever_it_stands() {
    for (form, _) in forms() {
        let Value::Object(mut fields) = form.clone() else { panic!() };
        fields.insert("unknown".into(), json!(1));
        assert!(serde_json::from_value::<Notification<'_>>(fields.clone().into()).is_err(), "{form}");
        // Every type says where.
        assert!(refusal(fields.into()).starts_with("JSON at unknown: unknown field `unknown`"), "{form}");
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
    Notification::from_json(form.to_string().as_bytes()).unwrap_err().to_string()
}

#[test]
fn wrong_mixes_are_refused_with_the_rule() {
    insta::assert_snapshot!(refusal(json!({"v": 1, "push_type": "background", "alert": "x"})), @"JSON at alert: unknown field `alert`, expected one of `custom`, `optional_custom`, `delivery`");
    insta::assert_snapshot!(refusal(json!({"v": 1, "push_type": "background", "delivery": {"priority": 10}})), @"JSON at delivery.priority: apns-priority must be 5 for a background push");
    insta::assert_snapshot!(refusal(json!({"v": 1, "push_type": "liveactivity", "activity": {"event": "end", "timestamp": 1}, "delivery": {"priority": 1}})), @"JSON at delivery.priority: apns-priority must be 10 or 5 for this push type");
    insta::assert_snapshot!(refusal(json!({"v": 1, "push_type": "alert"})), @"JSON: an alert push needs an alert, a badge or a sound; to wake the app silently, use a background push");
    insta::assert_snapshot!(refusal(json!({"v": 1, "push_type": "alert", "critical_sound": {"name": "x"}})), @"JSON: a critical sound needs interruption level critical, got none");
    insta::assert_snapshot!(refusal(json!({"v": 1, "push_type": "alert", "alert": "a", "sound": "s", "critical_sound": {"name": "x"}, "interruption_level": "critical"})), @"JSON: a notification has either a sound or a critical sound, not both");
    insta::assert_snapshot!(refusal(json!({"v": 1, "push_type": "alert", "alert": "a", "custom": {"aps": 1}})), @"JSON at custom: the custom key aps is reserved");
    insta::assert_snapshot!(refusal(json!({"v": 1, "push_type": "alert", "alert": "a", "custom": {"k": 1}, "optional_custom": {"k": 2}})), @r#"JSON: the custom key "k" is given twice"#);
    insta::assert_snapshot!(refusal(json!({"v": 1, "push_type": "alert", "alert": "a", "relevance_score": 1.5})), @"JSON at relevance_score: relevance score or volume must be from 0 to 1");
    insta::assert_snapshot!(refusal(json!({"v": 1, "push_type": "alert", "alert": "a", "delivery": {"collapse_id": "x".repeat(65)}})), @"JSON at delivery.collapse_id: apns-collapse-id has 65 bytes, the limit is 64");
    insta::assert_snapshot!(refusal(json!({"v": 1, "push_type": "liveactivity", "activity": {"event": "start", "timestamp": 1, "content_state": {}, "alert": {"title": "t", "body": "b"}, "attributes_type": "A"}})), @"JSON at activity: missing field `attributes`");
    insta::assert_snapshot!(refusal(json!({"v": 1, "push_type": "liveactivity", "activity": {"event": "update", "timestamp": 1, "content_state": 3}})), @"JSON at activity: expected an object, found a number");
    insta::assert_snapshot!(refusal(json!({"v": 1, "push_type": "raw", "type": "background", "payload": {"aps": {"content-available": 1}}, "delivery": {"priority": 10}})), @"JSON: a push of type background cannot have priority 10");
    insta::assert_snapshot!(refusal(json!({"v": 1, "push_type": "sms"})), @"JSON, line 1 column 25: unknown variant `sms`, expected one of `alert`, `background`, `complication`, `controls`, `fileprovider`, `liveactivity`, `location`, `mdm`, `pushtotalk`, `raw`");
}

#[test]
fn a_broadcast_cannot_start_an_activity() {
    let broadcast = |event: &str| json!({"v": 1, "activity": {"event": event, "timestamp": 1_000, "content_state": {"a": 1}}, "priority": 5, "expiration": "once"});
    let update: Broadcast<'_> = serde_json::from_value(broadcast("update")).unwrap();
    assert_eq!(serde_json::to_value(&update).unwrap(), broadcast("update"));
    let refused = serde_json::from_value::<Broadcast<'_>>(broadcast("start")).unwrap_err();
    insta::assert_snapshot!(refused, @"unknown variant `start`, expected `update` or `end`");
}

#[test]
fn a_key_given_twice_is_refused() {
    let json = r#"{"push_type":"voip","custom":{"k":1,"k":2}}"#;
    let refused = serde_json::from_str::<Notification<'_>>(json).unwrap_err();
    insta::assert_snapshot!(refused, @r#"the custom key "k" is given twice at line 1 column 43"#);
}
