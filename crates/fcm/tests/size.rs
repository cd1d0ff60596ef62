//! Nothing oversize leaves, whatever is cut.

use std::time::Duration;

use proptest::prelude::*;
use reveille_fcm::android::*;
use reveille_fcm::message::*;
use reveille_fcm::request::*;
use reveille_fcm::target::*;
use reveille_fcm::*;
use serde_json::json;

fn device() -> Target {
    RegistrationToken::new("token").unwrap().into()
}

fn topic() -> Target {
    Topic::new("topic").unwrap().into()
}

fn with_data(bytes: usize) -> Message {
    Message::new().with_data(Data::new([("k", "x".repeat(bytes))]).unwrap())
}

#[test]
fn the_estimate_is_googles_sentence_to_the_byte() {
    let estimate = SizeRule::new(SizeLimit::Provider).with_mode(SizeMode::Estimate);
    assert_eq!(with_data(4_095).size(Platform::Android, SizeMode::Estimate), 4_096);
    assert!(Prepared::new(&with_data(4_095), estimate).is_ok());
    let oversize = Prepared::new(&with_data(4_096), estimate).unwrap_err();
    insta::assert_snapshot!(oversize, @"message of 4097 bytes does not fit into 4096, at least 4097 are needed: android: data.k 4097");
    let prepared = Prepared::new(&with_data(2_047), estimate).unwrap();
    assert!(prepared.body(&topic()).is_ok());
    let prepared = Prepared::new(&with_data(2_048), estimate).unwrap();
    assert!(prepared.body(&device()).is_ok());
    insta::assert_snapshot!(prepared.body(&topic()).unwrap_err(), @"message of 2049 bytes does not fit into 2048, at least 2049 are needed: android: data.k 2049");
    assert!(prepared.request(&Project::new("p").unwrap(), &topic(), &Token::new("t").unwrap()).is_err());
    let results: Vec<bool> = prepared
        .fan_out(&Project::new("p").unwrap(), &[device(), topic(), device()], &Token::new("t").unwrap())
        .map(|result| result.is_ok())
        .collect();
    assert_eq!(results, [true, false, true]);
}

#[test]
fn a_platforms_own_parts_replace_the_shared_ones() {
    let message = with_data(100)
        .with_notification(Notification::new().with_title("0123456789").with_body("0123456789"))
        .with_android(
            AndroidConfig::new()
                .with_data(Data::new([("k", "v")]).unwrap())
                .with_notification(AndroidNotification::new().with_body("own").with_sound("ring")),
        );
    assert_eq!(message.size(Platform::Android, SizeMode::Estimate), 2 + 10 + 3 + 4);
    assert_eq!(message.size(Platform::Webpush, SizeMode::Estimate), 101 + 20);
    let payload = JsonObject::from_serialize(&json!({"aps": {"alert": {"title": "own"}}})).unwrap();
    let message = message.with_apns(ApnsConfig::new().with_payload(payload));
    // The payload without its title, the merged title and body, and the data.
    assert_eq!(
        message.size(Platform::Apns, SizeMode::Estimate),
        r#"{"aps":{"alert":{}}}"#.len() + 3 + 10 + 101
    );
}

#[test]
fn an_oversize_message_names_its_fields() {
    let message =
        with_data(3_000).with_notification(Notification::new().with_body("b".repeat(2_000)).with_title("t"));
    insta::assert_snapshot!(message.check_size(Reach::Device, SizeLimit::Provider).unwrap_err(), @"message of 5057 bytes does not fit into 4096, at least 5057 are needed: android: data.k 3007, android: body 2010, android: notification 18, android: title 12, android: data 10");
    let mut cut = message.clone();
    insta::assert_snapshot!(cut.fit_in_order(&[Sacrifice::Title], Reach::Device, SizeLimit::Provider).unwrap_err(), @"message of 5217 bytes does not fit into 4096, at least 5217 are needed: apns: data.k 3007, apns: body 2010, apns: what FCM adds 160, apns: notification 18, apns: data 10, …");
    assert_eq!(cut, message, "nothing is cut when cutting is not enough");
}

#[test]
fn the_order_of_sacrifice_is_kept() {
    let mut message = Message::new()
        .with_data(Data::new([("preview", "x".repeat(200)), ("id", "1".to_owned())]).unwrap())
        .with_notification(
            Notification::new()
                .with_title("Anna")
                .with_body("y".repeat(400))
                .with_image("https://a.example/i.png"),
        );
    let order = [Sacrifice::Data("preview".into()), Sacrifice::Image, Sacrifice::Body, Sacrifice::Title];
    let budget = SizeLimit::Bytes(500);
    let cuts: Vec<String> = message
        .fit_in_order(&order, Reach::Device, budget)
        .unwrap()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        cuts,
        [
            "apns: data.preview dropped, 213 bytes",
            "apns: image dropped, 34 bytes",
            "apns: body shortened from 400 to 278 bytes"
        ]
    );
    let data = message.data.as_ref().unwrap();
    assert_eq!((data.value("preview"), data.value("id")), (None, Some("1")));
    assert_eq!(message.notification.as_ref().unwrap().image, None);
    assert!(message.fit_in_order(&order, Reach::Device, budget).unwrap().is_empty(), "what fits is not cut");
}

#[test]
fn own_texts_are_cut_where_they_stand() {
    let long = "z".repeat(600);
    let mut message = Message::new()
        .with_android(
            AndroidConfig::new().with_notification(AndroidNotification::new().with_body(long.clone())),
        )
        .with_apns(
            ApnsConfig::new()
                .with_payload(JsonObject::from_serialize(&json!({"aps": {"alert": long}})).unwrap()),
        )
        .with_webpush(
            WebpushConfig::new()
                .with_notification(JsonObject::from_serialize(&json!({"title": "t", "body": long})).unwrap()),
        );
    let budget = SizeLimit::Bytes(300);
    let cuts = message.fit_in_order(&[Sacrifice::Body], Reach::Device, budget).unwrap();
    let names: Vec<_> = cuts.iter().map(|cut| cut.name.as_str()).collect();
    assert_eq!(names, ["apns: body", "webpush: body", "android: body"]);
    assert!(message.check_size(Reach::Device, budget).is_ok());
    let payload = message.apns.unwrap().payload.unwrap();
    assert!(payload.as_str().starts_with(r#"{"aps":{"alert":"zzz"#) && payload.as_str().ends_with("…\"}}"));
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z ]{0,700}", "[é😀\"\\\\\n]{0,200}", "(👩‍👩‍👧|e\u{301}|\u{1}){0,60}"]
}

prop_compose! {
    fn messages()(title in texts(), body in texts(), preview in texts(), own in prop::option::of(texts()),
                  alert in prop::option::of(texts()), web in prop::option::of(texts())) -> Message {
        let mut message = Message::new()
            .with_data(Data::new([("preview", preview), ("id", "c-1".to_owned())]).unwrap())
            .with_notification(Notification::new().with_title(title).with_body(body));
        if let Some(own) = own {
            message = message.with_android(AndroidConfig::new().with_notification(AndroidNotification::new().with_body(own).with_channel_id("calls")));
        }
        if let Some(alert) = alert {
            message = message.with_apns(ApnsConfig::new().with_payload(JsonObject::from_serialize(&json!({"aps": {"alert": {"body": alert}, "badge": 1}})).unwrap()));
        }
        if let Some(web) = web {
            message = message.with_webpush(WebpushConfig::new().with_notification(JsonObject::from_serialize(&json!({"body": web, "icon": "i"})).unwrap()));
        }
        message
    }
}

/// A message in which each part may or may not be there, and each platform may have its own of everything.
fn any_message() -> impl Strategy<Value = Message> {
    let image = || prop::option::of("https://a\\.example/[a-z]{1,60}");
    let short = || prop::option::of(prop_oneof!["[a-z ]{0,40}", "[é😀\"\\\\\n\u{1}]{0,20}", "[a-z]{0,2000}"]);
    let data = || {
        let pairs = prop::collection::btree_map(
            prop_oneof![4 => "[ab]", 1 => "[c-eé\"]{1,6}"],
            prop_oneof!["[a-zé\"\\\\\n]{0,60}", "[a-zé]{100,700}"],
            0..4,
        );
        prop::option::of(pairs.prop_map(|pairs| Data::new(pairs).unwrap()))
    };
    let shared = (short(), short(), image(), data());
    let android =
        prop::option::of((any::<bool>(), short(), short(), image(), data(), prop::option::of(0.0_f32..=1.0)));
    let number = prop_oneof![any::<i64>().prop_map(|n| json!(n)), any::<f64>().prop_map(|n| json!(n))];
    let apns = prop::option::of((any::<bool>(), short(), short(), number));
    let webpush = prop::option::of((short(), short(), data(), prop::option::of("[a-z]{1,60}")));
    (shared, android, apns, webpush).prop_map(|((title, body, image, data), android, apns, webpush)| {
        let (title, body, image) = (title.map(Text::from), body.map(Text::from), image.map(Text::from));
        let mut message = Message::new();
        message.data = data;
        if title.is_some() || body.is_some() || image.is_some() {
            let mut shared = Notification::new();
            (shared.title, shared.body, shared.image) = (title, body, image);
            message.notification = Some(shared);
        }
        if let Some((v2, title, body, image, data, color)) = android {
            let light = color.map(|part| {
                LightSettings::new(
                    LightColor::new(part, part, part).unwrap(),
                    Duration::from_nanos(1),
                    Duration::ZERO,
                )
            });
            let (title, body, image) = (title.map(Text::from), body.map(Text::from), image.map(Text::from));
            message.android = Some(if v2 {
                let mut shown = AndroidNotificationV2::new().with_channel_id("calls");
                (shown.title, shown.body, shown.image, shown.light_settings) = (title, body, image, light);
                let mut config = AndroidConfigV2::new()
                    .with_message(AndroidRemoteNotification::new().with_notification(shown));
                config.data = data;
                config.into()
            } else {
                let mut shown = AndroidNotification::new();
                (shown.title, shown.body, shown.image, shown.light_settings) = (title, body, image, light);
                let mut config = AndroidConfig::new().with_notification(shown);
                config.data = data;
                config.into()
            });
        }
        if let Some((plain, title, body, number)) = apns {
            let alert = if plain {
                json!(body.unwrap_or_default())
            } else {
                json!({"title": title, "body": body, "loc-key": "K"})
            };
            let payload = json!({"aps": {"alert": alert, "badge": 1}, "number": number});
            message.apns =
                Some(Box::new(ApnsConfig::new().with_payload(JsonObject::from_serialize(&payload).unwrap())));
        }
        if let Some((title, body, data, link)) = webpush {
            let shown = json!({"title": title, "body": body, "icon": "i"});
            let mut config =
                WebpushConfig::new().with_notification(JsonObject::from_serialize(&shown).unwrap());
            config.data = data;
            config.fcm_options = link.map(|path| {
                WebpushFcmOptions::new()
                    .with_link(HttpsUrl::new(format!("https://a.example/{path}")).unwrap())
            });
            message.webpush = Some(Box::new(config));
        }
        message
    })
}

fn targets() -> impl Strategy<Value = Vec<Target>> {
    let name = "[a-zA-Z0-9_-]{1,180}";
    let target = prop_oneof![
        name.prop_map(|name| Fid::new(name).unwrap().into()),
        name.prop_map(|name| RegistrationToken::new(format!("{name}:")).unwrap().into()),
        name.prop_map(|name| Topic::new(name).unwrap().into()),
        name.prop_map(|name| Condition::new(format!("'{name}' in topics")).unwrap().into()),
    ];
    prop::collection::vec(target, 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the message: exactly at its size it is taken, a byte below it is not.
    #[test]
    fn the_limit_is_exact(message in any_message(), strict: bool) {
        let mode = if strict { SizeMode::Strict } else { SizeMode::Estimate };
        let largest = Platform::ALL.map(|platform| message.size(platform, mode)).into_iter().max().unwrap();
        for (limit, fits) in [(largest, true), (largest.saturating_sub(1), largest == 0)] {
            let budget = SizeRule::new(SizeLimit::Bytes(limit)).with_mode(mode);
            let prepared = Prepared::new(&message, budget);
            prop_assert_eq!(prepared.is_ok(), fits && largest <= 4_096, "{} of {}", largest, limit);
            if let Ok(prepared) = prepared {
                prop_assert_eq!(prepared.body(&topic()).is_ok(), largest <= 2_048);
            }
        }
    }

    /// One by one, in a fan-out, and as a request of its own: the same bytes, or the same refusal, in any order.
    #[test]
    fn a_fan_out_is_its_requests(message in any_message(), targets in targets(), dry: bool, limit in 200_usize..5_000) {
        let budget = SizeLimit::Bytes(limit);
        let prepared = if dry { Prepared::dry_run(&message, budget) } else { Prepared::new(&message, budget) };
        let Ok(prepared) = prepared else { return Ok(()) };
        let (project, token) = (Project::new("p").unwrap(), Token::new("t").unwrap());
        let many: Vec<_> = prepared.fan_out(&project, &targets, &token).collect();
        prop_assert_eq!(many.len(), targets.len());
        for (target, of_many) in targets.iter().zip(many) {
            let alone = SendRequest::new(message.clone(), target.clone()).with_validate_only(dry);
            match (of_many, prepared.request(&project, target, &token), alone.request(&project, &token, budget)) {
                (Ok(a), Ok(b), Ok(c)) => {
                    let whole = |r: &http::Request<bytes::Bytes>| (r.method().clone(), r.uri().clone(), r.headers().clone(), r.body().clone());
                    prop_assert_eq!(whole(&a), whole(&b));
                    prop_assert_eq!(whole(&a), whole(&c));
                    prop_assert_eq!(SendRequest::from_json(a.body()).unwrap(), alone);
                }
                (Err(a), Err(b), Err(c)) => {
                    prop_assert!(a == b && PrepareError::from(a) == c && target.reach() == Reach::Subscribers);
                }
                other => prop_assert!(false, "{other:?}"),
            }
        }
    }

    /// Cut for one platform after the other, in any order of sacrifice.
    #[test]
    fn any_message_is_cut_to_any_limit(message in any_message(), limit in 150..1_500_usize, strict: bool, order in Just(vec![
        Sacrifice::Body, Sacrifice::Title, Sacrifice::Image, Sacrifice::Data("a".into()), Sacrifice::DataText("b".into()),
    ]).prop_shuffle()) {
        let budget = SizeRule::new(SizeLimit::Bytes(limit)).with_mode(if strict { SizeMode::Strict } else { SizeMode::Estimate });
        let mut cut = message.clone();
        match cut.fit_in_order(&order, Reach::Device, budget) {
            Ok(cuts) => {
                prop_assert!(Prepared::new(&cut, budget).is_ok());
                prop_assert_eq!(cuts.is_empty(), cut == message);
                prop_assert_eq!(cuts.is_empty(), message.check_size(Reach::Device, budget).is_ok());
            }
            Err(_) => {
                prop_assert!(message.check_size(Reach::Device, budget).is_err());
                prop_assert_eq!(cut, message);
            }
        }
    }
}

proptest! {
    #[test]
    fn what_was_fitted_fits_and_what_does_not_fit_is_as_it_was(message in messages(), limit in 100..1_500_usize, strict: bool) {
        let mode = if strict { SizeMode::Strict } else { SizeMode::Estimate };
        let budget = SizeRule::new(SizeLimit::Bytes(limit)).with_mode(mode);
        let order = [Sacrifice::DataText("preview".into()), Sacrifice::Body, Sacrifice::Title, Sacrifice::Data("preview".into())];
        let mut cut = message.clone();
        match cut.fit_in_order(&order, Reach::Device, budget) {
            Ok(cuts) => {
                for platform in Platform::ALL {
                    prop_assert!(cut.size(platform, mode) <= limit);
                }
                prop_assert_eq!(cuts.is_empty(), cut == message);
                prop_assert_eq!(cut.data.as_ref().and_then(|data| data.value("id")), Some("c-1"));
            }
            Err(_) => prop_assert_eq!(cut, message),
        }
    }

    /// The shortcut of `Prepared` (the message's own length bounds every platform) agrees with the exact check.
    #[test]
    fn the_shortcut_lets_nothing_through(message in messages(), limit in 300..3_000_usize) {
        let budget = SizeLimit::Bytes(limit);
        let prepared = Prepared::new(&message, budget);
        prop_assert_eq!(prepared.is_ok(), message.check_size(Reach::Device, budget).is_ok());
        if let Ok(prepared) = prepared {
            prop_assert_eq!(prepared.body(&topic()).is_ok(), message.check_size(Reach::Subscribers, budget).is_ok());
        }
        for platform in Platform::ALL {
            prop_assert!(message.size(platform, SizeMode::Estimate) <= message.size(platform, SizeMode::Strict));
        }
    }
}
