//! What each push type sends: payload, topic, headers; and that Apple takes it.

use crate::support::{NOW, app, bearer, device, request, service};
use reveille_apns::live_activity::{
    ActivityAlert, ActivityEnd, ActivityStart, ActivityUpdate, InputPush, LiveActivity,
};
use reveille_apns::message::{
    AlertText, Complication, Controls, CriticalSound, Delivery, FileProvider, Fraction, InterruptionLevel,
    InvalidNotification, Localized, Location, Mdm, PushToTalk, PushType, Sacrifice, WakingPriority, Widgets,
};
use reveille_apns::request::InvalidRequest;
use reveille_apns::{
    Alert, App, Background, CollapseId, Expiration, JsonObject, Notification, Prepared, Priority, Push, Raw,
    SizeLimit, Voip,
};
use reveille_core::UnixTime;
use serde_json::{Value, json};

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
    JsonObject::from_serialize(&json!({"position": 2})).unwrap()
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
        assert_eq!(accepted.topic, app().bundle_id().topic(&push.push_type()));
        assert_eq!(accepted.payload, push.payload());
    }
    let mdm_topic = App::production("com.apple.mgmt.External.x".parse().unwrap());
    let request = Mdm::new("m").request(&mdm_topic, &device(), &bearer()).unwrap();
    assert_eq!(service.handle(&request, NOW).status(), 200);
}

#[test]
fn every_alert_key() {
    let text = AlertText {
        title: Some("T".into()),
        subtitle: Some("S".into()),
        body: Some("B".into()),
        launch_image: Some("img".into()),
        title_loc: Some(Localized::new("TK").with_arg("1")),
        subtitle_loc: Some(Localized::new("SK").with_arg("2")),
        loc: Some(Localized::new("LK").with_arg("3").with_arg("4")),
        action: Some("A".into()),
        action_loc_key: Some("AK".into()),
        summary_arg: Some("SA".into()),
        summary_arg_count: Some(7),
    };
    let push = Alert::from_content(text)
        .unwrap()
        .with_badge(0)
        .with_critical_sound(CriticalSound::new("alarm.caf").with_volume(Fraction::try_from(0.5).unwrap()))
        .with_thread_id("th")
        .with_category("cat")
        .with_target_content_id("win")
        .with_filter_criteria("work")
        .with_content_available()
        .with_mutable_content()
        .with_relevance_score(Fraction::try_from(0.75).unwrap())
        .with_url_args(vec!["a".into(), "b".into()]);
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
    assert_eq!(payload(&Alert::from_content("hi").unwrap()), json!({"aps": {"alert": "hi"}}));
    assert_eq!(payload(&Alert::badge_only(0)), json!({"aps": {"badge": 0}}));
    assert_eq!(payload(&Alert::sound_only("default")), json!({"aps": {"sound": "default"}}));
}

#[test]
fn live_activities() {
    let channel = "dHN0LXNyY2gtY2hubA==".parse().unwrap();
    let alert = ActivityAlert::new(Localized::new("TITLE").with_arg("x"), "body").with_sound("chime.aiff");
    let start = ActivityStart::new(
        "QueueAttributes",
        JsonObject::from_serialize(&json!({"q": 1})).unwrap(),
        state(),
        alert,
        NOW,
    )
    .with_input_push(InputPush::Channel(channel))
    .with_stale_date(NOW)
    .with_relevance_score(100.0.try_into().unwrap());
    let push = LiveActivity::new(start).with_custom("k", &1).unwrap();
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
        .with_input_push(InputPush::Token);
    assert_eq!(payload(&LiveActivity::new(token))["aps"]["input-push-token"], 1);

    let end = ActivityEnd::as_it_is(NOW).with_dismissal_date(NOW).with_alert(ActivityAlert::new("t", "b"));
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
        .with_id("EABEAE54-14A8-11E5-B60B-1697F925EC7B".parse().unwrap())
        .with_priority(Priority::Asleep)
        .with_expiration(Expiration::At(NOW))
        .with_collapse_id("c-1".parse::<CollapseId>().unwrap());
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
    let activity =
        LiveActivity::new(ActivityUpdate::new(state(), NOW)).with_priority(WakingPriority::Considerate);
    assert_eq!(headers(&activity), [pair("apns-priority", "5")]);
}

#[test]
fn each_device_gets_its_own_id() {
    let fan_out =
        Prepared::new(&Alert::new("t", "b"), SizeLimit::Own).unwrap().fan_out(&app(), &bearer()).unwrap();
    let id = reveille_apns::message::ApnsId::from_bytes([0xab; 16]);
    let request = fan_out.request_with_id(&device(), id).unwrap();
    assert_eq!(request.headers()["apns-id"], "abababab-abab-abab-abab-abababababab");
    let mut service = service();
    let response = service.handle(&request, NOW);
    assert_eq!(response.headers()["apns-id"], "abababab-abab-abab-abab-abababababab");
}

#[test]
fn wrong_mixes_are_refused_with_the_rule() {
    let raw = |kind, json: &str| Raw::new(kind, JsonObject::from_json(json.as_bytes()).unwrap());
    assert_eq!(Alert::from_content(AlertText::default()).unwrap_err(), InvalidNotification::NothingToShow);
    let critical = Alert::new("t", "b").with_critical_sound(CriticalSound::new("x"));
    assert_eq!(
        critical.with_interruption_level(InterruptionLevel::Active).unwrap_err(),
        InvalidNotification::CriticalSoundLevel { level: Some(InterruptionLevel::Active) }
    );
    assert_eq!(Background::new().with_custom("aps", &1).unwrap_err(), InvalidNotification::ReservedKey);
    let twice = Voip::new().with_custom("k", &1).unwrap().with_optional_custom("k", &2).unwrap_err();
    assert_eq!(twice, InvalidNotification::DuplicateKey { key: "k".into() });
    for aps in [r#"{"alert":"x","content-available":1}"#, r#"{"content-available":0}"#, "{}"] {
        let refused = raw(PushType::Background, &format!(r#"{{"aps":{aps}}}"#)).unwrap_err();
        assert_eq!(refused, InvalidNotification::BackgroundAps);
    }
    assert_eq!(
        raw(PushType::Alert, "{}").unwrap_err(),
        InvalidNotification::NoAps { push_type: PushType::Alert }
    );
    let priority = Delivery { priority: Some(Priority::Immediate), ..Default::default() };
    let background = raw(PushType::Background, r#"{"aps":{"content-available":1}}"#).unwrap();
    assert_eq!(
        background.with_delivery(priority).unwrap_err(),
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
    let push = Voip::new().with_custom_from(&Route { contact: "k", channel: "chat" }).unwrap();
    assert_eq!(payload(&push), json!({"aps": {}, "contact": "k", "channel": "chat"}));
    assert!(Voip::new().with_custom_from(&3).is_err());
}

#[test]
fn nothing_secret_in_debug() {
    let push = Alert::new("t", "b").with_custom("resumeToken", "SECRET").unwrap();
    let prepared = Prepared::new(&push, SizeLimit::Own).unwrap();
    let shown =
        format!("{push:?} {:?} {prepared:?} {:?}", device(), prepared.fan_out(&app(), &bearer()).unwrap());
    assert!(!shown.contains("SECRET"), "{shown}");
    assert!(!shown.contains("00fc13ad") && !shown.contains("eyJ"), "{shown}");
}

#[test]
fn setters_of_the_alert_edit_what_is_there() {
    let lone = Alert::from_content("body").unwrap().with_subtitle("sub").with_title_loc(Localized::new("T"));
    assert_eq!(
        payload(&lone),
        json!({"aps": {"alert": {"subtitle": "sub", "body": "body", "title-loc-key": "T"}}})
    );
    let badge = Alert::badge_only(3).with_loc(Localized::new("L")).with_launch_image("l.png");
    assert_eq!(
        payload(&badge),
        json!({"aps": {"alert": {"launch-image": "l.png", "loc-key": "L"}, "badge": 3}})
    );
    let all = Alert::new("t", "b").with_subtitle_loc(Localized::new("S").with_arg("x"));
    assert_eq!(
        payload(&all),
        json!({"aps": {"alert": {"title": "t", "body": "b", "subtitle-loc-key": "S", "subtitle-loc-args": ["x"]}}})
    );
}

#[test]
fn a_push_type_of_tomorrow() {
    let kind = PushType::other("hologram", ".push-type.hologram").unwrap();
    let push = Raw::new(kind, JsonObject::from_json(br#"{"cat":1}"#).unwrap()).unwrap();
    let request = push.request(&app(), &device(), None).unwrap();
    assert_eq!(request.headers()["apns-push-type"], "hologram");
    assert_eq!(request.headers()["apns-topic"], "com.example.app.push-type.hologram");
    assert!(!request.headers().contains_key("authorization"), "for a client certificate");
}

/// A mistake that is easily made, in the queue's form and in code: seconds where milliseconds are due.
#[test]
fn seconds_in_place_of_milliseconds_are_refused_wherever_a_time_stands() {
    let seconds = UnixTime::from_millis(NOW.as_secs());
    let start = |timestamp: UnixTime, stale_date: UnixTime| {
        json!({"event": "start", "timestamp": timestamp, "attributes_type": "A", "attributes": {}, "content_state": {},
               "alert": {"title": "t", "body": "b"}, "stale_date": stale_date})
    };
    let forms = [
        json!({"push_type": "alert", "alert": "a", "delivery": {"expiration": seconds}}),
        json!({"push_type": "liveactivity", "activity": {"event": "end", "timestamp": seconds}}),
        json!({"push_type": "liveactivity", "activity": {"event": "end", "timestamp": NOW, "dismissal_date": seconds}}),
        json!({"push_type": "liveactivity", "activity":
            {"event": "update", "timestamp": NOW, "content_state": {}, "stale_date": seconds}}),
        json!({"push_type": "liveactivity", "activity":
            {"event": "update", "timestamp": seconds, "content_state": {}}}),
        json!({"push_type": "liveactivity", "activity": start(seconds, NOW)}),
        json!({"push_type": "liveactivity", "activity": start(NOW, seconds)}),
    ];
    for form in forms {
        let push: Notification<'_> = serde_json::from_value(form.clone()).unwrap();
        let refused = Prepared::new(&push, SizeLimit::Own).unwrap_err();
        assert!(
            matches!(refused, InvalidRequest::Seconds { millis: 1_700_000_000, .. }),
            "{form}: {refused}"
        );
    }
    // Right ones, and those that no clock of today shows as seconds.
    for time in
        [NOW, UnixTime::EPOCH, UnixTime::from_secs(99_999), UnixTime::from_secs(100_000_000), UnixTime::MAX]
    {
        let push = Alert::new("t", "b").with_expiration(Expiration::At(time));
        assert!(Prepared::new(&push, SizeLimit::Own).is_ok(), "{time}");
    }
}

#[test]
fn our_own_budget_is_the_default_and_apples_limit_is_hard() {
    let sized = |bytes: usize| {
        let overhead = Alert::new("t", "").payload().len();
        Alert::new("t", "x".repeat(bytes - overhead))
    };
    assert!(sized(2_048).request(&app(), &device(), None).is_ok());
    assert!(sized(2_049).request(&app(), &device(), None).is_err());
    assert!(Prepared::new(&sized(2_049), SizeLimit::Provider).is_ok());
    for limit in [SizeLimit::Provider, SizeLimit::Bytes(100_000)] {
        assert!(Prepared::new(&sized(4_096), limit).is_ok());
        let InvalidRequest::TooLarge(error) = Prepared::new(&sized(4_097), limit).unwrap_err() else {
            panic!()
        };
        assert_eq!((error.size, error.limit), (4_097, 4_096));
    }
}

#[test]
fn too_large_names_every_field() {
    let push = Alert::new("title", "body")
        .with_subtitle("s".repeat(60))
        .with_loc(Localized::new("LONG").with_arg("a".repeat(50)))
        .with_launch_image("i".repeat(40))
        .with_thread_id("t".repeat(30))
        .with_badge(7)
        .with_custom("kept", &"k".repeat(20))
        .unwrap()
        .with_optional_custom("preview", &"p".repeat(10))
        .unwrap();
    let expected = [
        ("alert.body", 4),
        ("alert.launch-image", 40),
        ("alert.loc-args", 54),
        ("alert.loc-key", 4),
        ("alert.subtitle", 60),
        ("alert.title", 5),
        ("badge", 1),
        ("kept", 20),
        ("preview", 23),
        ("thread-id", 30),
    ];
    let InvalidRequest::TooLarge(uncut) = Prepared::new(&push, SizeLimit::Bytes(9)).unwrap_err() else {
        panic!()
    };
    let cut = push.clone().fit(SizeLimit::Bytes(9)).unwrap_err();
    for error in [uncut, cut] {
        let mut fields: Vec<_> =
            error.fields.iter().map(|field| (field.name.as_str(), field.bytes)).collect();
        assert!(fields.is_sorted_by_key(|(_, bytes)| std::cmp::Reverse(*bytes)));
        fields.sort_unstable();
        assert_eq!(fields, expected);
    }
    // Nothing in it is counted twice, and what is not named are keys and punctuation.
    let raw =
        Raw::new(PushType::Alert, JsonObject::from_json(br#"{"aps":{"sound":"x"},"k":[1,2]}"#).unwrap())
            .unwrap();
    let InvalidRequest::TooLarge(error) = Prepared::new(&raw, SizeLimit::Bytes(9)).unwrap_err() else {
        panic!()
    };
    assert_eq!(
        error.to_string(),
        "message of 31 bytes does not fit into 9, at least 31 are needed: k 5, sound 1"
    );
}

#[test]
fn only_what_the_order_names_is_cut() {
    let push = || Alert::new("title ".repeat(20), "body ".repeat(20)).with_optional_custom("o", &1).unwrap();
    let names = |order: &[Sacrifice], limit| {
        let mut push = push();
        let cuts = push.fit_in_order(order, SizeLimit::Bytes(limit))?;
        assert!(push.payload().len() <= limit);
        Ok::<Vec<String>, reveille_apns::message::TooLarge>(cuts.into_iter().map(|cut| cut.name).collect())
    };
    use Sacrifice::{Body, OptionalCustom, Title};
    assert_eq!(names(&Sacrifice::DEFAULT, 200).unwrap(), ["o", "alert.body"]);
    assert_eq!(names(&[Title, Body], 110).unwrap(), ["alert.title", "alert.body"]);
    assert_eq!(names(&[Title, Title], 200).unwrap(), ["alert.title"]);
    assert!(names(&[OptionalCustom], 200).is_err());
    assert!(names(&[], 200).is_err());
    assert_eq!(names(&[], 1_000).unwrap(), Vec::<String>::new());
}

/// What FCM is to pass on to Apple is what we would send to Apple ourselves.
#[test]
fn fcms_parts_are_the_payload_and_headers_of_the_request() {
    for push in all() {
        let Ok(parts) = push.to_fcm_parts() else {
            let refused = push.to_fcm_parts().unwrap_err();
            assert_eq!(refused, InvalidNotification::NotThroughFcm { push_type: push.push_type() });
            continue;
        };
        assert_eq!(parts.payload().as_str().as_bytes(), push.payload());
        assert!(parts.payload().to::<Value>().unwrap()["aps"].is_object());
        let request = request(&push);
        for (name, value) in parts.headers() {
            let sent = request.headers().get(name).map_or("10", |value| value.to_str().unwrap());
            assert_eq!(sent, value, "{name} of {}", push.push_type());
        }
        assert!(parts.headers().all(|(name, _)| !matches!(name, "apns-topic" | "authorization" | "apns-id")));
    }
    let background = Background::new().to_fcm_parts().unwrap();
    assert!(background.headers().any(|header| header == ("apns-priority", "5")));
    assert!(background.headers().any(|header| header == ("apns-push-type", "background")));
    let (payload, headers) = background.into_parts();
    assert_eq!((payload.as_str(), headers.len()), (r#"{"aps":{"content-available":1}}"#, 2));
}
