//! What each push type sends: payload, topic, headers; and that Apple takes it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // Test helpers.

mod support;

use reveille_apns::{
    ActivityAlert, ActivityEnd, ActivityStart, ActivityUpdate, Alert, AlertText, Background, CollapseId,
    Complication, Controls, CriticalSound, Expiration, FileProvider, Fraction, InputPush, InterruptionLevel,
    InvalidNotification, JsonObject, LiveActivity, Localized, Location, Mdm, Notification, Prepared,
    Priority, Push, PushToTalk, PushType, Raw, SizeLimit, Voip, WakingPriority, Widgets,
};
use serde_json::{Value, json};
use support::{NOW, app, bearer, device, request, service};

fn payload(push: &impl Push) -> Value {
    serde_json::from_slice(&push.payload()).unwrap()
}

/// The headers that are not the same for all.
fn headers(push: &impl Push) -> Vec<(String, String)> {
    let request = request(push);
    let common = ["content-type", "authorization", "apns-topic", "apns-push-type"];
    let mut headers: Vec<_> = request
        .headers()
        .iter()
        .filter(|(name, _)| !common.contains(&name.as_str()))
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    headers.sort();
    headers
}

fn state() -> JsonObject {
    JsonObject::new(&json!({"position": 2})).unwrap()
}

fn all() -> Vec<Notification<'static>> {
    let start = ActivityStart::new("QueueAttributes", state(), state(), ActivityAlert::new("t", "b"), NOW);
    vec![
        Alert::new("t", "b").into(),
        Background::new().into(),
        Complication::new().into(),
        Controls::new().into(),
        FileProvider::new("NSFileProviderRootContainerItemIdentifier").into(),
        LiveActivity::new(start).into(),
        LiveActivity::new(ActivityUpdate::new(state(), NOW)).into(),
        LiveActivity::new(ActivityEnd::new(state(), NOW)).into(),
        Location::new().into(),
        PushToTalk::new().into(),
        Voip::new().into(),
        Widgets::new().into(),
        Raw::new(PushType::Alert, JsonObject::from_json(br#"{"aps":{"alert":"x"}}"#).unwrap())
            .unwrap()
            .into(),
    ]
}

#[test]
fn apple_takes_every_type() {
    let mut service = service();
    for push in all() {
        let response = service.handle(&request(&push), NOW);
        assert_eq!(response.status(), 200, "{}: {:?}", push.push_type(), response.body());
        let accepted = service.take_pushes().remove(0);
        assert_eq!(accepted.push_type, push.push_type().as_str());
        assert_eq!(accepted.topic, app().topic(push.push_type()));
        assert_eq!(accepted.payload, push.payload());
    }
    let mdm_topic = "com.apple.mgmt.External.x".parse().unwrap();
    let mdm =
        Prepared::new(&Mdm::new("m"), &mdm_topic, &reveille_apns::Endpoints::production(), SizeLimit::Apple);
    let request = mdm.unwrap().authorized(&bearer()).for_device(&device());
    assert_eq!(service.handle(&request, NOW).status(), 200);
}

#[test]
fn every_alert_key() {
    let text = AlertText {
        title: Some("T".into()),
        subtitle: Some("S".into()),
        body: Some("B".into()),
        launch_image: Some("img".into()),
        title_loc: Some(Localized::new("TK").arg("1")),
        subtitle_loc: Some(Localized::new("SK").arg("2")),
        loc: Some(Localized::new("LK").arg("3").arg("4")),
        action: Some("A".into()),
        action_loc_key: Some("AK".into()),
        summary_arg: Some("SA".into()),
        summary_arg_count: Some(7),
    };
    let push = Alert::with(text)
        .unwrap()
        .badge(0)
        .critical_sound(CriticalSound::new("alarm.caf").volume(Fraction::try_from(0.5).unwrap()))
        .thread_id("th")
        .category("cat")
        .target_content_id("win")
        .filter_criteria("work")
        .content_available()
        .mutable_content()
        .relevance_score(Fraction::try_from(0.75).unwrap())
        .url_args(vec!["a".into(), "b".into()]);
    assert_eq!(
        payload(&push),
        json!({"aps": {
            "alert": {
                "title": "T", "subtitle": "S", "body": "B", "launch-image": "img",
                "title-loc-key": "TK", "title-loc-args": ["1"],
                "subtitle-loc-key": "SK", "subtitle-loc-args": ["2"],
                "loc-key": "LK", "loc-args": ["3", "4"],
                "action": "A", "action-loc-key": "AK", "summary-arg": "SA", "summary-arg-count": 7,
            },
            "badge": 0,
            "sound": {"critical": 1, "name": "alarm.caf", "volume": 0.5},
            "thread-id": "th", "category": "cat", "target-content-id": "win", "filter-criteria": "work",
            "content-available": 1, "mutable-content": 1,
            "interruption-level": "critical", "relevance-score": 0.75, "url-args": ["a", "b"],
        }})
    );
    assert_eq!(service().handle(&request(&push), NOW).status(), 200);
}

#[test]
fn short_forms_of_an_alert() {
    assert_eq!(payload(&Alert::with("hi").unwrap()), json!({"aps": {"alert": "hi"}}));
    assert_eq!(payload(&Alert::badge_only(0)), json!({"aps": {"badge": 0}}));
    assert_eq!(payload(&Alert::sound_only("default")), json!({"aps": {"sound": "default"}}));
}

#[test]
fn live_activities() {
    let channel = "dHN0LXNyY2gtY2hubA==".parse().unwrap();
    let alert = ActivityAlert::new(Localized::new("TITLE").arg("x"), "body").sound("chime.aiff");
    let start = ActivityStart::new(
        "QueueAttributes",
        JsonObject::new(&json!({"q": 1})).unwrap(),
        state(),
        alert,
        NOW,
    )
    .input_push(InputPush::Channel(channel))
    .stale_date(NOW)
    .relevance_score(100.0.try_into().unwrap());
    let push = LiveActivity::new(start).custom("k", &1).unwrap();
    assert_eq!(
        payload(&push),
        json!({"aps": {
            "timestamp": 1_700_000_000, "event": "start", "attributes-type": "QueueAttributes",
            "attributes": {"q": 1}, "content-state": {"position": 2},
            "alert": {"title": {"loc-key": "TITLE", "loc-args": ["x"]}, "body": "body", "sound": "chime.aiff"},
            "input-push-channel": "dHN0LXNyY2gtY2hubA==",
            "stale-date": 1_700_000_000, "relevance-score": 100.0,
        }, "k": 1})
    );
    assert_eq!(service().handle(&request(&push), NOW).status(), 200);

    let token = ActivityStart::new("A", state(), state(), ActivityAlert::new("t", "b"), NOW)
        .input_push(InputPush::Token);
    assert_eq!(payload(&LiveActivity::new(token))["aps"]["input-push-token"], 1);

    let end = ActivityEnd::as_it_is(NOW).dismissal_date(NOW).with_alert(ActivityAlert::new("t", "b"));
    assert_eq!(
        payload(&LiveActivity::new(end)),
        json!({"aps": {"timestamp": 1_700_000_000, "event": "end", "dismissal-date": 1_700_000_000,
                       "alert": {"title": "t", "body": "b"}}})
    );
}

#[test]
fn headers_are_only_what_was_said() {
    assert_eq!(headers(&Alert::new("t", "b")), []);
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(headers(&Background::new()), [pair("apns-priority", "5")]);
    assert_eq!(headers(&PushToTalk::new()), [pair("apns-expiration", "0"), pair("apns-priority", "10")]);
    let full = Alert::new("t", "b")
        .id("EABEAE54-14A8-11E5-B60B-1697F925EC7B".parse().unwrap())
        .priority(Priority::Asleep)
        .expiration(Expiration::At(NOW))
        .collapse_id("c-1".parse::<CollapseId>().unwrap());
    assert_eq!(
        headers(&full),
        [
            pair("apns-collapse-id", "c-1"),
            pair("apns-expiration", "1700000000"),
            pair("apns-id", "eabeae54-14a8-11e5-b60b-1697f925ec7b"),
            pair("apns-priority", "1"),
        ]
    );
    assert_eq!(service().handle(&request(&full), NOW).status(), 200);
    let activity = LiveActivity::new(ActivityUpdate::new(state(), NOW)).priority(WakingPriority::Considerate);
    assert_eq!(headers(&activity), [pair("apns-priority", "5")]);
}

#[test]
fn each_device_gets_its_own_id() {
    let prepared =
        Prepared::new(&Alert::new("t", "b"), &app(), &reveille_apns::Endpoints::sandbox(), SizeLimit::Apple)
            .unwrap()
            .authorized(&bearer());
    let id = reveille_apns::ApnsId::from_bytes([0xab; 16]);
    let request = prepared.for_device_with_id(&device(), id);
    assert_eq!(request.headers()["apns-id"], "abababab-abab-abab-abab-abababababab");
    let mut service = service();
    let response = service.handle(&request, NOW);
    assert_eq!(response.headers()["apns-id"], "abababab-abab-abab-abab-abababababab");
}

#[test]
fn wrong_mixes_are_refused_with_the_rule() {
    let raw = |kind, json: &str| Raw::new(kind, JsonObject::from_json(json.as_bytes()).unwrap());
    assert_eq!(Alert::with(AlertText::default()).unwrap_err(), InvalidNotification::NothingToShow);
    let critical = Alert::new("t", "b").critical_sound(CriticalSound::new("x"));
    assert_eq!(
        critical.interruption_level(InterruptionLevel::Active).unwrap_err(),
        InvalidNotification::CriticalSoundLevel { level: Some(InterruptionLevel::Active) }
    );
    assert_eq!(Background::new().custom("aps", &1).unwrap_err(), InvalidNotification::ReservedKey);
    let twice = Voip::new().custom("k", &1).unwrap().optional_custom("k", &2).unwrap_err();
    assert_eq!(twice, InvalidNotification::DuplicateKey { key: "k".into() });
    for aps in [r#"{"alert":"x","content-available":1}"#, r#"{"content-available":0}"#, "{}"] {
        let refused = raw(PushType::Background, &format!(r#"{{"aps":{aps}}}"#)).unwrap_err();
        assert_eq!(refused, InvalidNotification::BackgroundAps);
    }
    assert_eq!(
        raw(PushType::Alert, "{}").unwrap_err(),
        InvalidNotification::NoAps { push_type: PushType::Alert }
    );
    let priority = reveille_apns::Delivery { priority: Some(Priority::Immediate), ..Default::default() };
    let background = raw(PushType::Background, r#"{"aps":{"content-available":1}}"#).unwrap();
    assert_eq!(
        background.delivery(priority).unwrap_err(),
        InvalidNotification::Priority { push_type: PushType::Background, priority: 10 }
    );
}

#[test]
fn all_of_a_structs_fields_become_custom_keys() {
    #[derive(serde::Serialize)]
    struct Route {
        contact: &'static str,
        channel: &'static str,
    }
    let push = Voip::new().custom_from(&Route { contact: "k", channel: "chat" }).unwrap();
    assert_eq!(payload(&push), json!({"aps": {}, "channel": "chat", "contact": "k"}));
    assert!(Voip::new().custom_from(&3).is_err());
}

#[test]
fn nothing_secret_in_debug() {
    let push = Alert::new("t", "b").custom("resumeToken", "SECRET").unwrap();
    let prepared =
        Prepared::new(&push, &app(), &reveille_apns::Endpoints::production(), SizeLimit::Apple).unwrap();
    let shown = format!("{push:?} {:?} {:?}", device(), prepared.authorized(&bearer()));
    assert!(!shown.contains("SECRET"), "{shown}");
    assert!(!shown.contains("00fc13ad") && !shown.contains("eyJ"), "{shown}");
}
