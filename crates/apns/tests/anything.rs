//! For any input: an error, or a request that Apple takes. Never oversize; and what `fit` leaves is still text.

use std::collections::BTreeMap;

use crate::support::{NOW, app, bearer, service};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use reveille_apns::channel::{Broadcast, Channel, Channels, StoragePolicy};
use reveille_apns::message::{Cut, PushType};
use reveille_apns::{App, DeviceToken, Notification, Prepared, Push, SizeLimit};
use serde_json::{Value, json};
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
        .map(|(name, value)| prop::option::weighted(0.5, value).prop_map(move |value| (name, value)))
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

/// Mostly what is right, sometimes anything: a form has many fields, and one that is wrong is enough to refuse it.
fn mostly(right: impl Strategy<Value = Value> + 'static) -> BoxedStrategy<Value> {
    let anything = prop_oneof![
        texts(),
        (-1_i64..3).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        Just(Value::Null)
    ];
    prop_oneof![40 => right, 1 => anything].boxed()
}

fn badge() -> BoxedStrategy<Value> {
    mostly(any::<u32>().prop_map(Value::from))
}

fn fraction() -> BoxedStrategy<Value> {
    mostly(prop_oneof![Just(0.0), Just(1.0), 0.0..=1.0].prop_map(Value::from))
}

fn delivery() -> BoxedStrategy<Value> {
    let id = mostly(Just(json!("EABEAE54-14A8-11E5-B60B-1697F925EC7B")));
    let expiration = prop_oneof![Just(json!("once")), any::<u64>().prop_map(Value::from)];
    let priority = prop_oneof![3 => Just(json!(5)), 1 => Just(json!(10)), 1 => Just(json!(1))];
    let collapse_id =
        prop_oneof![9 => "[!-~]{1,64}", 1 => "[ -~]{0,70}", 1 => ".{0,9}"].prop_map(Value::from);
    some_of(vec![
        ("id", id),
        ("expiration", mostly(expiration)),
        ("priority", mostly(priority)),
        ("collapse_id", collapse_id.boxed()),
    ])
}

fn activity() -> BoxedStrategy<Value> {
    let words = || prop_oneof![3 => texts(), 1 => localized().boxed()].boxed();
    let alert = (words(), words(), prop::option::of(texts()))
        .prop_map(|(title, body, sound)| json!({"title": title, "body": body, "sound": sound}));
    let event = prop_oneof![Just("start"), Just("update"), Just("end")];
    let input = prop_oneof![Just(json!("token")), Just(json!({"channel": "Y2g="})), Just(Value::Null)];
    let score = prop::option::of(any::<f64>());
    (event, any::<u64>(), object(), object(), alert, prop::option::of(any::<u64>()), input, score)
        .prop_map(|(event, timestamp, attributes, state, alert, date, input, score)| match event {
            "start" => json!({"event": event, "timestamp": timestamp, "attributes_type": "A", "attributes": attributes,
                              "content_state": state, "alert": alert, "stale_date": date, "input_push": input,
                              "relevance_score": score}),
            "update" => json!({"event": event, "timestamp": timestamp, "content_state": state, "stale_date": date,
                               "alert": alert, "relevance_score": score}),
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
        ("action_loc_key", texts()),
        ("summary_arg", texts()),
        ("summary_arg_count", badge()),
    ]);
    let fields = some_of(vec![
        ("alert", prop_oneof![texts(), alert_text.clone(), alert_text].boxed()),
        ("badge", badge()),
        ("interruption_level", mostly(prop_oneof![Just(json!("passive")), Just(json!("time-sensitive"))])),
        ("relevance_score", fraction()),
        ("thread_id", texts()),
        ("category", texts()),
        ("target_content_id", texts()),
        ("filter_criteria", texts()),
        ("content_available", any::<bool>().prop_map(Value::from).boxed()),
        ("mutable_content", any::<bool>().prop_map(Value::from).boxed()),
        ("url_args", prop::collection::vec(text(), 0..3).prop_map(Value::from).boxed()),
    ]);
    // A plain sound, a critical one with its level, or a mix that is mostly wrong.
    let critical =
        (text(), fraction()).prop_map(|(name, volume)| json!({"name": name, "volume": volume})).boxed();
    let sounds = prop_oneof![
        4 => some_of(vec![("sound", texts())]),
        2 => critical.clone().prop_map(|sound| json!({"critical_sound": sound, "interruption_level": "critical"})),
        1 => some_of(vec![("sound", texts()), ("critical_sound", critical)]),
    ];
    let fields = (fields, sounds).prop_map(|(mut fields, sounds)| {
        for (name, value) in sounds.as_object().into_iter().flatten() {
            fields[name] = value.clone();
        }
        fields
    });
    let kind = prop_oneof![
        12 => Just("alert"), 1 => Just("mdm"), 2 => Just("background"), 2 => Just("voip"), 1 => Just("complication"),
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
                "mdm" => json!({"push_magic": "m"}),
                "raw" => json!({"type": raw_type, "payload": raw}),
                _ => json!({}),
            };
            form["push_type"] = kind.into();
            form["delivery"] = delivery;
            if !matches!(kind, "fileprovider" | "raw" | "mdm") {
                form["custom"] = custom;
                form["optional_custom"] = optional;
            }
            form
        })
        .boxed()
}

/// All texts and some optional keys at once: every cut has another behind it.
fn full_alert() -> BoxedStrategy<Value> {
    (text(), text(), text(), prop::collection::btree_map("[a-z]{1,6}", text(), 0..3))
        .prop_map(|(title, subtitle, body, optional)| {
            json!({"push_type": "alert", "alert": {"title": title, "subtitle": subtitle, "body": body},
                   "optional_custom": optional})
        })
        .boxed()
}

/// Sends it through the service; whether it was a notification at all.
fn apple_takes(push: &Notification<'_>, limit: SizeLimit) -> Result<bool, TestCaseError> {
    let mdm = push.push_type() == PushType::Mdm;
    let app = if mdm { App::production("com.apple.mgmt.External.x".parse().unwrap()) } else { app() };
    let Ok(prepared) = Prepared::new(push, limit) else {
        return Ok(false);
    };
    prop_assert!(prepared.payload().len() <= push.push_type().max_payload());
    let device: DeviceToken = "00fc13ad".parse().unwrap();
    let response = service().handle(&prepared.request(&app, &device, &bearer()).unwrap(), NOW);
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
            apple_takes(&push, SizeLimit::Provider)?;
            // And it survives a queue.
            let json = serde_json::to_string(&push).unwrap();
            let again: Notification<'_> = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(again.payload(), push.payload());
        }
    }

    #[test]
    fn what_fit_leaves_fits_and_is_text(form in prop_oneof![notification(), full_alert()], part in 0_usize..=1_000) {
        let Ok(before) = serde_json::from_value::<Notification<'_>>(form) else { return Ok(()) };
        let limit = before.payload().len() * part / 1_000;
        let mut push = before.clone();
        let Ok(cuts) = push.fit(SizeLimit::Bytes(limit)) else {
            prop_assert_eq!(push, before, "nothing is cut in vain");
            return Ok(());
        };
        let payload = push.payload();
        prop_assert!(payload.len() <= limit.min(push.push_type().max_payload()));
        cuts_are_exact(&before.payload(), &payload, &cuts)?;
        prop_assert!(apple_takes(&push, SizeLimit::Bytes(limit))?);
    }

    /// The same for a broadcast, which is no `Push`.
    #[test]
    fn any_broadcast(activity in activity(), part in 0_usize..=1_100, priority in mostly(prop_oneof![Just(json!(1)), Just(json!(5))]), once: bool) {
        let expiration = if once { json!("once") } else { json!(1_700_000_100_000_u64) };
        let form = json!({"activity": activity, "priority": priority, "expiration": expiration});
        let Ok(before) = serde_json::from_value::<Broadcast<'_>>(form) else { return Ok(()) };
        let json = serde_json::to_string(&before).unwrap();
        prop_assert_eq!(serde_json::from_str::<Broadcast<'_>>(&json).unwrap().payload(), before.payload());
        let limit = before.payload().len() * part / 1_000;
        let mut push = before.clone();
        let Ok(cuts) = push.fit(SizeLimit::Bytes(limit)) else {
            prop_assert_eq!(push, before, "nothing is cut in vain");
            return Ok(());
        };
        cuts_are_exact(&before.payload(), &push.payload(), &cuts)?;
        let mut service = service();
        let stored = StoragePolicy::MostRecentMessage;
        let created = service.handle(&Channels::new(app()).create(stored, &bearer()).unwrap(), NOW);
        let channel = created.headers()["apns-channel-id"].to_str().unwrap().parse().unwrap();
        let channel = Channel::new(channel, stored);
        let request = push.request(&app(), &channel, &bearer(), SizeLimit::Bytes(limit), NOW);
        let Err(refused) = &request else {
            let response = service.handle(&request.unwrap(), NOW);
            prop_assert_eq!(response.status(), 200, "{:?} to {:?}", response.body(), push);
            return Ok(());
        };
        prop_assert!(matches!(refused, reveille_apns::request::InvalidRequest::Seconds { .. }), "{}", refused);
    }
}

/// What is left is JSON, as long as the cuts say, and its texts are whole graphemes of the old ones.
fn cuts_are_exact(before: &[u8], after: &[u8], cuts: &[Cut]) -> Result<(), TestCaseError> {
    let saved: usize = cuts.iter().map(|cut| cut.before - cut.after).sum();
    prop_assert_eq!(after.len() + saved, before.len(), "sizes are exact");
    let parsed: Value = serde_json::from_slice(after).expect("valid JSON in valid UTF-8");
    let original: Value = serde_json::from_slice(before).unwrap();
    for cut in cuts {
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
    Ok(())
}

/// The strategies above reach what they are for: enough of what they make is a notification, of every type, and enough
/// of it is cut, in every way.
#[test]
fn the_random_notifications_are_worth_their_name() {
    let mut runner = TestRunner::deterministic();
    let mut seen = BTreeMap::<String, u32>::new();
    for _ in 0..2_000 {
        let form = notification().new_tree(&mut runner).unwrap().current();
        let Ok(mut push) = serde_json::from_value::<Notification<'_>>(form) else { continue };
        let kind = push.push_type();
        let kind = if matches!(push, Notification::Raw(_)) { "raw" } else { kind.as_str() };
        *seen.entry(kind.to_owned()).or_default() += 1;
        for cut in push.fit(SizeLimit::Bytes(push.payload().len() * 3 / 4)).unwrap_or_default() {
            let what = if cut.is_dropped() { "a key" } else { &cut.name };
            *seen.entry(format!("{kind} without {what}")).or_default() += 1;
        }
    }
    for (what, least) in [
        ("alert", 200),
        ("background", 40),
        ("complication", 20),
        ("controls", 20),
        ("fileprovider", 20),
        ("liveactivity", 60),
        ("location", 20),
        ("mdm", 20),
        ("pushtotalk", 20),
        ("raw", 60),
        ("voip", 40),
        ("widgets", 20),
        ("alert without a key", 60),
        ("alert without alert", 10),
        ("alert without alert.body", 8),
        ("alert without alert.subtitle", 5),
        ("alert without alert.title", 5),
        ("background without a key", 20),
        ("liveactivity without a key", 20),
        ("liveactivity without alert.body", 10),
        ("liveactivity without alert.title", 5),
    ] {
        assert!(seen.get(what).is_some_and(|count| *count >= least), "{what}: {seen:#?}");
    }
}
