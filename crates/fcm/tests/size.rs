//! Nothing oversize leaves, whatever is cut.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use proptest::prelude::*;
use reveille_fcm::message::android::{AndroidConfig, AndroidNotification};
use reveille_fcm::*;
use serde_json::json;

fn device() -> Target {
    RegistrationToken::parse("token").unwrap().into()
}

fn topic() -> Target {
    Topic::parse("topic").unwrap().into()
}

fn with_data(bytes: usize) -> Message {
    Message::new().data(Data::new([("k", "x".repeat(bytes))]).unwrap())
}

#[test]
fn the_estimate_is_googles_sentence_to_the_byte() {
    let estimate = SizeBudget::PROVIDER.counted(SizeMode::Estimate);
    assert_eq!(with_data(4_095).size(Platform::Android, SizeMode::Estimate), 4_096);
    assert!(Prepared::new(&with_data(4_095), estimate).is_ok());
    let oversize = Prepared::new(&with_data(4_096), estimate).unwrap_err();
    insta::assert_snapshot!(oversize, @"android: message of 4097 bytes does not fit into 4096, at least 4097 are needed: data.k 4097");
    let prepared = Prepared::new(&with_data(2_047), estimate).unwrap();
    assert!(prepared.body(&topic()).is_ok());
    let prepared = Prepared::new(&with_data(2_048), estimate).unwrap();
    assert!(prepared.body(&device()).is_ok());
    insta::assert_snapshot!(prepared.body(&topic()).unwrap_err(), @"android: message of 2049 bytes does not fit into 2048, at least 2049 are needed: data.k 2049");
    assert!(
        prepared.request(&Project::new("p").unwrap(), &AccessToken::new("t").unwrap(), &topic()).is_err()
    );
    let results: Vec<bool> = prepared
        .fan_out(&Project::new("p").unwrap(), &AccessToken::new("t").unwrap(), &[device(), topic(), device()])
        .map(|result| result.is_ok())
        .collect();
    assert_eq!(results, [true, false, true]);
}

#[test]
fn a_platforms_own_parts_replace_the_shared_ones() {
    let message =
        with_data(100).notification(Notification::new().title("0123456789").body("0123456789")).android(
            AndroidConfig::new()
                .data(Data::new([("k", "v")]).unwrap())
                .notification(AndroidNotification::new().body("own").sound("ring")),
        );
    assert_eq!(message.size(Platform::Android, SizeMode::Estimate), 2 + 10 + 3 + 4);
    assert_eq!(message.size(Platform::Webpush, SizeMode::Estimate), 101 + 20);
    let payload = JsonObject::of(&json!({"aps": {"alert": {"title": "own"}}})).unwrap();
    let message = message.apns(ApnsConfig::new().payload(payload));
    // The payload without its title, the merged title and body, and the data.
    assert_eq!(
        message.size(Platform::Apns, SizeMode::Estimate),
        r#"{"aps":{"alert":{}}}"#.len() + 3 + 10 + 101
    );
}

#[test]
fn an_oversize_message_names_its_fields() {
    let message = with_data(3_000).notification(Notification::new().body("b".repeat(2_000)).title("t"));
    insta::assert_snapshot!(message.check_size(true, SizeBudget::PROVIDER).unwrap_err(), @"android: message of 5057 bytes does not fit into 4096, at least 5057 are needed: data.k 3007, body 2010, notification 18, title 12, data 10");
    let mut cut = message.clone();
    insta::assert_snapshot!(cut.fit(true, SizeBudget::PROVIDER, &[Sacrifice::Title]).unwrap_err(), @"apns: message of 5217 bytes does not fit into 4096, at least 5217 are needed: data.k 3007, body 2010, what FCM adds 160, notification 18, data 10, …");
    assert_eq!(cut, message, "nothing is cut when cutting is not enough");
}

#[test]
fn the_order_of_sacrifice_is_kept() {
    let mut message = Message::new()
        .data(Data::new([("preview", "x".repeat(200)), ("id", "1".to_owned())]).unwrap())
        .notification(
            Notification::new().title("Anna").body("y".repeat(400)).image("https://a.example/i.png"),
        );
    let order = [Sacrifice::Data("preview".into()), Sacrifice::Image, Sacrifice::Body, Sacrifice::Title];
    let budget = SizeBudget::PROVIDER.at_most(500);
    let cuts: Vec<String> =
        message.fit(true, budget, &order).unwrap().iter().map(ToString::to_string).collect();
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
    assert!(message.fit(true, budget, &order).unwrap().is_empty(), "what fits is not cut");
}

#[test]
fn own_texts_are_cut_where_they_stand() {
    let long = "z".repeat(600);
    let mut message = Message::new()
        .android(AndroidConfig::new().notification(AndroidNotification::new().body(long.clone())))
        .apns(ApnsConfig::new().payload(JsonObject::of(&json!({"aps": {"alert": long}})).unwrap()))
        .webpush(
            WebpushConfig::new().notification(JsonObject::of(&json!({"title": "t", "body": long})).unwrap()),
        );
    let budget = SizeBudget::PROVIDER.at_most(300);
    let cuts = message.fit(true, budget, &[Sacrifice::Body]).unwrap();
    let platforms: Vec<_> = cuts.iter().map(|cut| cut.platform).collect();
    assert_eq!(platforms, [Platform::Apns, Platform::Webpush, Platform::Android]);
    assert!(message.check_size(true, budget).is_ok());
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
            .data(Data::new([("preview", preview), ("id", "c-1".to_owned())]).unwrap())
            .notification(Notification::new().title(title).body(body));
        if let Some(own) = own {
            message = message.android(AndroidConfig::new().notification(AndroidNotification::new().body(own).channel_id("calls")));
        }
        if let Some(alert) = alert {
            message = message.apns(ApnsConfig::new().payload(JsonObject::of(&json!({"aps": {"alert": {"body": alert}, "badge": 1}})).unwrap()));
        }
        if let Some(web) = web {
            message = message.webpush(WebpushConfig::new().notification(JsonObject::of(&json!({"body": web, "icon": "i"})).unwrap()));
        }
        message
    }
}

proptest! {
    #[test]
    fn what_was_fitted_fits_and_what_does_not_fit_is_as_it_was(message in messages(), limit in 100..1_500_usize, strict: bool) {
        let mode = if strict { SizeMode::Strict } else { SizeMode::Estimate };
        let budget = SizeBudget::PROVIDER.at_most(limit).counted(mode);
        let order = [Sacrifice::DataText("preview".into()), Sacrifice::Body, Sacrifice::Title, Sacrifice::Data("preview".into())];
        let mut cut = message.clone();
        match cut.fit(true, budget, &order) {
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
        let budget = SizeBudget::PROVIDER.at_most(limit);
        let prepared = Prepared::new(&message, budget);
        prop_assert_eq!(prepared.is_ok(), message.check_size(true, budget).is_ok());
        if let Ok(prepared) = prepared {
            prop_assert_eq!(prepared.body(&topic()).is_ok(), message.check_size(false, budget).is_ok());
        }
        for platform in Platform::ALL {
            prop_assert!(message.size(platform, SizeMode::Estimate) <= message.size(platform, SizeMode::Strict));
        }
    }
}
