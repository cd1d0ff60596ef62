//! What counts on each platform, field by field, and that a cut goes where the field stands.

use reveille_fcm::android::*;
use reveille_fcm::message::*;
use reveille_fcm::target::Reach;
use reveille_fcm::*;
use serde_json::{Value, json};

fn object(value: &Value) -> JsonObject {
    JsonObject::from_serialize(value).unwrap()
}

fn data(key: &str, value: &str) -> Data {
    Data::new([(key.to_owned(), value.to_owned())]).unwrap()
}

fn label() -> AnalyticsLabel {
    AnalyticsLabel::new("label").unwrap()
}

fn v2(shown: AndroidNotificationV2) -> AndroidConfigV2 {
    AndroidConfigV2::new().with_message(AndroidRemoteNotification::new().with_notification(shown))
}

fn apns(payload: &Value) -> ApnsConfig {
    ApnsConfig::new().with_payload(object(payload))
}

/// Bytes on Android, Apple devices and the web.
fn sizes(message: &Message, mode: SizeMode) -> [usize; 3] {
    Platform::ALL.map(|platform| message.size(platform, mode))
}

fn json_of(message: &Message) -> Value {
    serde_json::from_slice(&message.to_json()).unwrap()
}

/// A name, the message before, the message with the part, and the bytes that are added: in the estimate, and strictly.
type Case = (&'static str, Message, Message, [usize; 3], [usize; 3]);

/// What is added to a message that has a field already, and how many bytes that is on each platform: in the estimate and
/// strictly, where the whole of it counts as it is written, with a comma.
#[test]
fn every_part_counts_where_it_travels() {
    let link = HttpsUrl::new("https://a.example/").unwrap();
    let options = || WebpushFcmOptions::new().with_link(link.clone());
    let same = |bytes| [bytes; 3];
    let android = |bytes| [bytes, 0, 0];
    let apple = |bytes| [0, bytes, 0];
    let web = |bytes| [0, 0, bytes];
    let cases: Vec<Case> = vec![
        (
            "label of all",
            Message::new(),
            Message::new().with_fcm_options(FcmOptions::new().with_analytics_label(label())),
            same(0),
            same(r#""fcmOptions":{"analyticsLabel":"label"},"#.len()),
        ),
        (
            "image of all",
            Message::new().with_notification(Notification::new().with_title("t")),
            Message::new()
                .with_notification(Notification::new().with_title("t").with_image("https://a.example/i")),
            same(19),
            same(r#""image":"https://a.example/i","#.len()),
        ),
        (
            "data with an escape",
            Message::new().with_data(data("a", "1")),
            Message::new().with_data(data("a", "1").with_entry("b\"", "\n2").unwrap()),
            same(4),
            same(r#""b\"":"\n2","#.len()),
        ),
        (
            "collapse key",
            Message::new().with_android(AndroidConfig::new().with_direct_boot_ok(true)),
            Message::new()
                .with_android(AndroidConfig::new().with_direct_boot_ok(true).with_collapse_key("chat")),
            android(0),
            android(r#""collapseKey":"chat","#.len()),
        ),
        (
            "collapse key of V2",
            Message::new().with_android(AndroidConfigV2::new().with_direct_boot_ok(true)),
            Message::new()
                .with_android(AndroidConfigV2::new().with_direct_boot_ok(true).with_collapse_key("chat")),
            android(0),
            android(r#""collapseKey":"chat","#.len()),
        ),
        (
            "a background sync",
            Message::new().with_android(AndroidConfigV2::new().with_direct_boot_ok(true)),
            Message::new().with_android(
                AndroidConfigV2::new()
                    .with_direct_boot_ok(true)
                    .with_message(AndroidMessageV2::BackgroundSync),
            ),
            android(0),
            android(r#""backgroundSync":{},"#.len()),
        ),
        (
            "a flag of a remote notification",
            Message::new().with_android(
                AndroidConfigV2::new()
                    .with_message(AndroidRemoteNotification::new().with_mutable_content(true)),
            ),
            Message::new().with_android(AndroidConfigV2::new().with_message(
                AndroidRemoteNotification::new().with_mutable_content(true).with_use_as_v1_data_message(true),
            )),
            android(0),
            android(r#""useAsV1DataMessage":true,"#.len()),
        ),
        (
            "texts and numbers of an Android notification",
            Message::new().with_android(
                AndroidConfig::new().with_notification(AndroidNotification::new().with_tag("t")),
            ),
            Message::new().with_android(
                AndroidConfig::new().with_notification(
                    AndroidNotification::new()
                        .with_tag("t")
                        .with_notification_count(12)
                        .with_title_loc_args(vec!["ab".into(), "c".into()]),
                ),
            ),
            android(5),
            android(r#""notificationCount":12,"titleLocArgs":["ab","c"],"#.len()),
        ),
        (
            "the same of V2",
            Message::new().with_android(v2(AndroidNotificationV2::new().with_tag("t"))),
            Message::new()
                .with_android(v2(AndroidNotificationV2::new().with_tag("t").with_id(7).with_sticky(true))),
            android(5),
            android(r#""id":7,"sticky":true,"#.len()),
        ),
        (
            "a member of Apple's payload",
            Message::new().with_apns(apns(&json!({"aps": {"badge": 1}}))),
            Message::new().with_apns(apns(&json!({"aps": {"badge": 1, "sound": "s"}, "own": [1, 2]}))),
            apple(r#""sound":"s","own":[1,2],"#.len()),
            apple(r#""sound":"s","own":[1,2],"#.len()),
        ),
        (
            "Apple's headers, label and token",
            Message::new()
                .with_apns(ApnsConfig::new().with_fcm_options(ApnsFcmOptions::new().with_image("i"))),
            Message::new().with_apns(
                ApnsConfig::new()
                    .with_fcm_options(ApnsFcmOptions::new().with_image("i").with_analytics_label(label()))
                    .with_headers(ApnsHeaders::new([("apns-priority", "5")]).unwrap())
                    .with_live_activity_token(target::LiveActivityToken::new("token").unwrap()),
            ),
            apple(0),
            apple(
                r#""analyticsLabel":"label","headers":{"apns-priority":"5"},"liveActivityToken":"token","#
                    .len(),
            ),
        ),
        (
            "Apple's own image in the place of the shared one",
            Message::new().with_notification(Notification::new().with_image("https://a.example/i")),
            Message::new()
                .with_notification(Notification::new().with_image("https://a.example/i"))
                .with_apns(
                    ApnsConfig::new()
                        .with_fcm_options(ApnsFcmOptions::new().with_image("https://a.example/two")),
                ),
            apple(2),
            apple(2),
        ),
        (
            "headers of the web",
            Message::new().with_webpush(WebpushConfig::new()),
            Message::new().with_webpush(
                WebpushConfig::new().with_headers(WebpushHeaders::new([("TTL", "15")]).unwrap()),
            ),
            web(0),
            web(r#""headers":{"TTL":"15"},"#.len()),
        ),
        (
            "a link",
            Message::new().with_webpush(WebpushConfig::new()),
            Message::new().with_webpush(WebpushConfig::new().with_fcm_options(options())),
            web(18),
            web(r#""fcmOptions":{"link":"https://a.example/"},"#.len()),
        ),
        (
            "a label without a link",
            Message::new().with_webpush(WebpushConfig::new()),
            Message::new().with_webpush(
                WebpushConfig::new().with_fcm_options(WebpushFcmOptions::new().with_analytics_label(label())),
            ),
            web(0),
            web(r#""fcmOptions":{"analyticsLabel":"label"},"#.len()),
        ),
        (
            "texts in lists and objects of a web notification",
            Message::new().with_webpush(WebpushConfig::new().with_notification(object(&json!({"tag": "t"})))),
            Message::new().with_webpush(WebpushConfig::new().with_notification(object(
                &json!({"tag": "t", "actions": [{"action": "go", "n": 12}, true], "title": "own"}),
            ))),
            web(2 + 2 + 4 + 3),
            web(r#""actions":[{"action":"go","n":12},true],"notification":{"title":"own",},"#.len()),
        ),
    ];
    for (name, before, after, estimate, strict) in cases {
        for (mode, expected) in [(SizeMode::Estimate, estimate), (SizeMode::Strict, strict)] {
            let (before, after) = (sizes(&before, mode), sizes(&after, mode));
            let added: Vec<_> = after.iter().zip(before).map(|(after, before)| after - before).collect();
            assert_eq!(added, expected, "{name}, {mode:?}");
        }
    }
}

/// A message without anything, and what FCM adds for Apple.
#[test]
fn an_empty_message_is_empty() {
    assert_eq!(sizes(&Message::new(), SizeMode::Estimate), [0, 0, 0]);
    assert_eq!(sizes(&Message::new(), SizeMode::Strict), [0, 160, 0]);
    assert_eq!(Platform::ALL.map(Platform::as_str), ["android", "apns", "webpush"]);
    let rule = SizeRule::new(SizeLimit::Provider);
    assert_eq!(
        (rule.mode(), rule.with_mode(SizeMode::Estimate).mode()),
        (SizeMode::Strict, SizeMode::Estimate)
    );
    assert_eq!((rule.bytes(Reach::Device), rule.bytes(Reach::Subscribers)), (4_096, 2_048));
    assert_eq!(SizeRule::from(SizeLimit::Bytes(5)).bytes(Reach::Device), 5);
}

/// Where a platform's own field stands in the JSON of the message, and a message that has it there.
fn own_fields() -> Vec<(Sacrifice, &'static str, Message)> {
    let long = "y".repeat(900);
    let image = format!("https://a.example/{long}");
    let shared = || Notification::new().with_title("t").with_body("b");
    let v1 = |shown| {
        Message::new().with_notification(shared()).with_android(AndroidConfig::new().with_notification(shown))
    };
    let second = |shown| Message::new().with_notification(shared()).with_android(v2(shown));
    let apple = |payload: Value| Message::new().with_notification(shared()).with_apns(apns(&payload));
    let web = |shown: Value| {
        Message::new()
            .with_notification(shared())
            .with_webpush(WebpushConfig::new().with_notification(object(&shown)))
    };
    let own_data = || data("long", &long).with_entry("kept", "1").unwrap();
    let drop = || Sacrifice::Data("long".into());
    let shorten = || Sacrifice::DataText("long".into());
    let mut all = vec![
        (
            Sacrifice::Title,
            "/notification/title",
            Message::new().with_notification(shared().with_title(long.clone())),
        ),
        (
            Sacrifice::Body,
            "/notification/body",
            Message::new().with_notification(shared().with_body(long.clone())),
        ),
        (
            Sacrifice::Image,
            "/notification/image",
            Message::new().with_notification(shared().with_image(image.clone())),
        ),
        (
            Sacrifice::Title,
            "/android/notification/title",
            v1(AndroidNotification::new().with_title(long.clone())),
        ),
        (
            Sacrifice::Body,
            "/android/notification/body",
            v1(AndroidNotification::new().with_body(long.clone())),
        ),
        (
            Sacrifice::Image,
            "/android/notification/image",
            v1(AndroidNotification::new().with_image(image.clone())),
        ),
        (
            Sacrifice::Title,
            "/androidV2/remoteNotification/notification/title",
            second(AndroidNotificationV2::new().with_title(long.clone())),
        ),
        (
            Sacrifice::Body,
            "/androidV2/remoteNotification/notification/body",
            second(AndroidNotificationV2::new().with_body(long.clone())),
        ),
        (
            Sacrifice::Image,
            "/androidV2/remoteNotification/notification/image",
            second(AndroidNotificationV2::new().with_image(image.clone())),
        ),
        (
            Sacrifice::Title,
            "/apns/payload/aps/alert/title",
            apple(json!({"aps": {"alert": {"title": long, "subtitle": "s"}}, "own": 1})),
        ),
        (
            Sacrifice::Body,
            "/apns/payload/aps/alert/body",
            apple(json!({"aps": {"alert": {"body": long, "subtitle": "s"}}, "own": 1})),
        ),
        (Sacrifice::Body, "/apns/payload/aps/alert", apple(json!({"aps": {"alert": long, "badge": 1}}))),
        (
            Sacrifice::Image,
            "/apns/fcmOptions/image",
            Message::new().with_notification(shared()).with_apns(
                apns(&json!({"aps": {"badge": 1}})).with_fcm_options(
                    ApnsFcmOptions::new().with_image(image.clone()).with_analytics_label(label()),
                ),
            ),
        ),
        (Sacrifice::Title, "/webpush/notification/title", web(json!({"title": long, "tag": "t"}))),
        (Sacrifice::Body, "/webpush/notification/body", web(json!({"body": long, "tag": "t"}))),
        (Sacrifice::Image, "/webpush/notification/image", web(json!({"image": image, "tag": "t"}))),
    ];
    for how in [drop(), shorten()] {
        all.extend([
            (how.clone(), "/data/long", Message::new().with_data(own_data())),
            (
                how.clone(),
                "/android/data/long",
                Message::new().with_android(AndroidConfig::new().with_data(own_data())),
            ),
            (
                how.clone(),
                "/androidV2/data/long",
                Message::new().with_android(AndroidConfigV2::new().with_data(own_data())),
            ),
            (
                how,
                "/webpush/data/long",
                Message::new().with_webpush(WebpushConfig::new().with_data(own_data())),
            ),
        ]);
    }
    all
}

#[test]
fn every_field_is_cut_where_it_stands_and_nothing_else_is() {
    let limit = SizeLimit::Bytes(600);
    for (sacrifice, place, message) in own_fields() {
        let (mut cut, before) = (message.clone(), json_of(&message));
        let long = before.pointer(place).unwrap().as_str().unwrap();
        let cuts = cut.fit_in_order(std::slice::from_ref(&sacrifice), Reach::Device, limit).unwrap();
        assert_eq!(cuts.len(), 1, "{place}");
        let after = json_of(&cut);
        // The same message, but for this one field.
        let mut expected = before.clone();
        let (parent, member) = place.rsplit_once('/').unwrap();
        match &cuts[0].text {
            None => drop(expected.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(member)),
            Some(text) => {
                let start = text.strip_suffix('…').unwrap();
                assert!(long.starts_with(start) && text.len() < long.len(), "{place}: {text}");
                *expected.pointer_mut(place).unwrap() = text.as_str().into();
            }
        }
        assert_eq!(after, expected, "{place}");
        let dropped = matches!(sacrifice, Sacrifice::Image | Sacrifice::Data(_));
        assert_eq!(cuts[0].is_dropped(), dropped, "{place}");
        assert!(cut.check_size(Reach::Device, limit).is_ok(), "{place}");
        // And only if it may be.
        let mut kept = message.clone();
        assert!(
            kept.fit_in_order(&[Sacrifice::Data("other".into())], Reach::Device, limit).is_err(),
            "{place}"
        );
        assert_eq!(kept, message);
    }
}

/// Without an order of its own: the image, the body, the title, and never the data.
#[test]
fn the_usual_order_of_sacrifice() {
    let long = |at: usize| "x".repeat(at);
    let message = Message::new().with_data(data("k", &long(100))).with_notification(
        Notification::new()
            .with_title(long(200))
            .with_body(long(200))
            .with_image(format!("https://{}", long(192))),
    );
    let cut = |limit: usize| {
        let mut cut = message.clone();
        let cuts = cut.fit(Reach::Device, SizeLimit::Bytes(limit));
        cuts.map(|cuts| cuts.iter().map(|cut| cut.name.clone()).collect::<Vec<_>>().join(", "))
    };
    let whole = message.size(Platform::Apns, SizeMode::Strict);
    assert_eq!(cut(whole).unwrap(), "");
    assert_eq!(cut(whole - 1).unwrap(), "apns: image");
    let without_image = whole - r#""image":"","#.len() - 200;
    assert_eq!(cut(without_image).unwrap(), "apns: image");
    assert_eq!(cut(without_image - 1).unwrap(), "apns: image, apns: body");
    assert_eq!(cut(without_image - 197).unwrap(), "apns: image, apns: body");
    assert_eq!(cut(without_image - 198).unwrap(), "apns: image, apns: body, apns: title");
    assert_eq!(cut(without_image - 2 * 197).unwrap(), "apns: image, apns: body, apns: title");
    assert!(cut(without_image - 2 * 197 - 1).is_err());
}
