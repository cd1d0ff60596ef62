//! For any input: an error, or a request that Apple takes. Never oversize; and what `fit` leaves is still text.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // Test helpers.

mod support;

use proptest::prelude::*;
use reveille_apns::{DeviceToken, Endpoints, Notification, Prepared, Push, PushType, SizeLimit};
use serde_json::{Value, json};
use support::{NOW, app, bearer, service};
use unicode_segmentation::UnicodeSegmentation as _;

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => ".{0,40}",
        1 => "(👩\u{200d}👩\u{200d}👧|é|\"|\\\\|\n|x| ){0,400}",
        1 => "[a-z ]{2000,4000}",
        1 => Just(String::new()),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(".{0,4}", inner, 0..4).prop_map(|map| json!(map)),
        ]
    })
}

fn object() -> impl Strategy<Value = Value> {
    prop::collection::btree_map(prop_oneof![9 => ".{0,6}", 1 => Just("aps".to_owned())], value(), 0..4)
        .prop_map(|map| json!(map))
}

fn localized() -> impl Strategy<Value = Value> {
    (text(), prop::collection::vec(text(), 0..3)).prop_map(|(key, args)| json!({"key": key, "args": args}))
}

/// Some fields of those given, each with a value from its strategy.
fn some_of(fields: Vec<(&'static str, BoxedStrategy<Value>)>) -> BoxedStrategy<Value> {
    let fields: Vec<_> = fields
        .into_iter()
        .map(|(name, value)| prop::option::weighted(0.4, value).prop_map(move |value| (name, value)))
        .collect();
    fields
        .prop_map(|fields| {
            fields
                .into_iter()
                .filter_map(|(name, value)| Some((name.to_owned(), value?)))
                .collect::<serde_json::Map<_, _>>()
        })
        .prop_map(Value::from)
        .boxed()
}

fn texts() -> BoxedStrategy<Value> {
    text().prop_map(Value::from).boxed()
}

fn number() -> BoxedStrategy<Value> {
    prop_oneof![
        (-1_i64..3).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from)
    ]
    .boxed()
}

fn delivery() -> BoxedStrategy<Value> {
    some_of(vec![
        ("id", prop_oneof![Just(json!("EABEAE54-14A8-11E5-B60B-1697F925EC7B")), texts()].boxed()),
        ("expiration", prop_oneof![Just(json!("once")), number()].boxed()),
        ("priority", prop_oneof![Just(json!(10)), Just(json!(5)), Just(json!(1)), number()].boxed()),
        ("collapse_id", prop_oneof!["[ -~]{0,70}", ".{0,9}"].prop_map(Value::from).boxed()),
    ])
}

fn activity() -> BoxedStrategy<Value> {
    let words = || prop_oneof![texts(), localized().boxed()].boxed();
    let alert = (words(), words(), prop::option::of(texts()))
        .prop_map(|(title, body, sound)| json!({"title": title, "body": body, "sound": sound}));
    let event = prop_oneof![Just("start"), Just("update"), Just("end")];
    (event, any::<u64>(), object(), object(), alert, prop::option::of(any::<u64>()))
        .prop_map(|(event, timestamp, attributes, state, alert, date)| match event {
            "start" => json!({"event": event, "timestamp": timestamp, "attributes_type": "A", "attributes": attributes,
                              "content_state": state, "alert": alert, "stale_date": date, "input_push": "token"}),
            "update" => json!({"event": event, "timestamp": timestamp, "content_state": state, "stale_date": date}),
            _ => json!({"event": event, "timestamp": timestamp, "content_state": state, "dismissal_date": date,
                        "alert": alert}),
        })
        .boxed()
}

/// The JSON of a notification, right or wrong.
fn notification() -> BoxedStrategy<Value> {
    let alert_text = some_of(vec![
        ("title", texts()),
        ("subtitle", texts()),
        ("body", texts()),
        ("launch_image", texts()),
        ("title_loc", localized().boxed()),
        ("subtitle_loc", localized().boxed()),
        ("loc", localized().boxed()),
        ("action", texts()),
        ("summary_arg_count", number()),
    ]);
    let fields = some_of(vec![
        ("alert", prop_oneof![texts(), alert_text.clone(), alert_text].boxed()),
        ("badge", number()),
        ("sound", texts()),
        (
            "critical_sound",
            (text(), 0.0_f64..1.1).prop_map(|(name, volume)| json!({"name": name, "volume": volume})).boxed(),
        ),
        ("interruption_level", prop_oneof![Just(json!("critical")), Just(json!("active")), texts()].boxed()),
        ("relevance_score", number()),
        ("thread_id", texts()),
        ("content_available", any::<bool>().prop_map(Value::from).boxed()),
        ("url_args", prop::collection::vec(text(), 0..3).prop_map(Value::from).boxed()),
    ]);
    let kind = prop_oneof![
        8 => Just("alert"), 2 => Just("background"), 2 => Just("voip"), 1 => Just("complication"),
        1 => Just("location"), 1 => Just("pushtotalk"), 1 => Just("controls"), 1 => Just("widgets"),
        3 => Just("liveactivity"), 1 => Just("fileprovider"), 3 => Just("raw"),
    ];
    let raw_type = prop::sample::select(PushType::ALL.as_slice());
    let raw_aps = prop_oneof![
        Just(json!({"aps": {"content-available": 1}})),
        object(),
        Just(json!({"aps": {"alert": "x"}}))
    ];
    (kind, fields, object(), object(), delivery(), activity(), raw_type, raw_aps)
        .prop_map(|(kind, fields, custom, optional, delivery, activity, raw_type, raw)| {
            let mut form = match kind {
                "alert" => fields,
                "liveactivity" => json!({"activity": activity}),
                "fileprovider" => json!({"container_identifier": "c"}),
                "raw" => json!({"type": raw_type, "payload": raw}),
                _ => json!({}),
            };
            form["push_type"] = kind.into();
            form["delivery"] = delivery;
            if !matches!(kind, "fileprovider" | "raw") {
                form["custom"] = custom;
                form["optional_custom"] = optional;
            }
            form
        })
        .boxed()
}

/// Sends it through the service; whether it was a notification at all.
fn apple_takes(push: &Notification<'_>, limit: SizeLimit) -> Result<bool, TestCaseError> {
    let Ok(prepared) = Prepared::new(push, &app(), &Endpoints::production(), limit) else {
        return Ok(false);
    };
    prop_assert!(prepared.payload().len() <= push.push_type().max_payload());
    if push.push_type() == PushType::Mdm {
        return Ok(true);
    }
    let device: DeviceToken = "00fc13ad".parse().unwrap();
    let response = service().handle(&prepared.authorized(&bearer()).for_device(&device), NOW);
    // For what stands in a raw payload its author vouches, not we.
    let own_fault =
        matches!(push, Notification::Raw(_)) && response.body().ends_with(b"\"InvalidPushType\"}");
    prop_assert!(response.status() == 200 || own_fault, "{:?} to {:?}", response.body(), push);
    Ok(true)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(600) })]

    #[test]
    fn an_error_or_a_request_that_apple_takes(form in notification()) {
        if let Ok(push) = serde_json::from_value::<Notification<'_>>(form) {
            apple_takes(&push, SizeLimit::Apple)?;
            // And it survives a queue.
            let json = serde_json::to_string(&push).unwrap();
            let again: Notification<'_> = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(again.payload(), push.payload());
        }
    }

    #[test]
    fn what_fit_leaves_fits_and_is_text(form in notification(), limit in 40_usize..5_200) {
        let Ok(before) = serde_json::from_value::<Notification<'_>>(form) else { return Ok(()) };
        let mut push = before.clone();
        let Ok(cuts) = push.fit(SizeLimit::Bytes(limit)) else {
            prop_assert_eq!(push, before, "nothing is cut in vain");
            return Ok(());
        };
        let payload = push.payload();
        prop_assert!(payload.len() <= limit.min(push.push_type().max_payload()));
        let saved: usize = cuts.iter().map(|cut| cut.before - cut.after).sum();
        prop_assert_eq!(payload.len() + saved, before.payload().len(), "sizes are exact");
        let parsed: Value = serde_json::from_slice(&payload).expect("valid JSON in valid UTF-8");
        let original: Value = serde_json::from_slice(&before.payload()).unwrap();
        for cut in &cuts {
            match (&cut.text, cut.name.as_str()) {
                (None, key) => prop_assert!(parsed.get(key).is_none()),
                (Some(short), name) => {
                    let place = format!("/aps/{}", name.replace('.', "/"));
                    prop_assert_eq!(parsed.pointer(&place).and_then(Value::as_str), Some(short.as_str()));
                    let long = original.pointer(&place).and_then(Value::as_str).unwrap();
                    let head = short.strip_suffix('…').unwrap();
                    let whole = long.grapheme_indices(true).any(|(at, _)| at == head.len());
                    prop_assert!(long.starts_with(head) && whole, "{:?} of {:?}", short, long);
                }
            }
        }
        prop_assert!(apple_takes(&push, SizeLimit::Bytes(limit))?);
    }
}
