//! The small values: every word, every getter, every text that names what was wrong.

use std::fmt::{Debug, Display};

use reveille_core::UnixTime;
use reveille_fcm::android::*;
use reveille_fcm::message::*;
use reveille_fcm::request::PrepareError;
use reveille_fcm::target::*;
use reveille_fcm::*;
use reveille_payload::{InvalidText, TooLarge, WriteJson};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::support::NOW;

fn written(value: &impl WriteJson) -> String {
    let mut out = Vec::new();
    value.write_json(&mut out);
    String::from_utf8(out).unwrap()
}

/// In a log, in a queue and on the wire it is the same word, and read in any case.
fn word<T>(value: T, word: &str)
where
    T: Copy + Debug + PartialEq + Display + Serialize + DeserializeOwned + WriteJson,
{
    assert_eq!(value.to_string(), word);
    assert_eq!(written(&value), format!("\"{word}\""));
    assert_eq!(serde_json::to_value(value).unwrap(), word);
    for text in [word.to_owned(), word.to_lowercase()] {
        assert_eq!(serde_json::from_value::<T>(text.into()).unwrap(), value, "{word}");
    }
    assert!(serde_json::from_value::<T>("SOMETHING_ELSE".into()).is_err());
}

#[test]
fn every_word_of_an_enumeration() {
    word(AndroidPriority::Normal, "NORMAL");
    word(AndroidPriority::High, "HIGH");
    for (priority, text) in [
        (NotificationPriority::Unspecified, "PRIORITY_UNSPECIFIED"),
        (NotificationPriority::Min, "PRIORITY_MIN"),
        (NotificationPriority::Low, "PRIORITY_LOW"),
        (NotificationPriority::Default, "PRIORITY_DEFAULT"),
        (NotificationPriority::High, "PRIORITY_HIGH"),
        (NotificationPriority::Max, "PRIORITY_MAX"),
    ] {
        word(priority, text);
    }
    for (visibility, text) in [
        (Visibility::Unspecified, "VISIBILITY_UNSPECIFIED"),
        (Visibility::Private, "PRIVATE"),
        (Visibility::Public, "PUBLIC"),
        (Visibility::Secret, "SECRET"),
    ] {
        word(visibility, text);
    }
    for (proxy, text) in [
        (Proxy::Unspecified, "PROXY_UNSPECIFIED"),
        (Proxy::Allow, "ALLOW"),
        (Proxy::Deny, "DENY"),
        (Proxy::IfPriorityLowered, "IF_PRIORITY_LOWERED"),
    ] {
        word(proxy, text);
    }
    for (priority, text) in
        [(ApnsPriority::Immediate, "10"), (ApnsPriority::Considerate, "5"), (ApnsPriority::Low, "1")]
    {
        assert_eq!(priority.as_str(), text);
        let headers = ApnsHeaders::default().with_priority(priority);
        assert_eq!(headers.iter().collect::<Vec<_>>(), [("apns-priority", text)]);
        // What is set by type passes the check by name.
        assert_eq!(ApnsHeaders::new([("apns-priority", text)]).unwrap(), headers);
    }
}

/// What is kept as its text is its text, wherever it is written.
#[test]
fn every_text_value_is_its_text() {
    fn same<T>(make: impl Fn(&str) -> T, text: &str, shown: &str)
    where
        T: Debug + PartialEq + Serialize + DeserializeOwned + WriteJson,
    {
        let value = make(text);
        assert_eq!(written(&value), json!(text).to_string());
        assert_eq!(serde_json::to_value(&value).unwrap(), text);
        assert_eq!(serde_json::from_value::<T>(text.into()).unwrap(), value);
        assert!(serde_json::from_value::<T>("".into()).is_err());
        assert!(serde_json::from_value::<T>(7.into()).is_err());
        assert_eq!(shown, text);
    }
    let (label, condition) = ("news-1.0~a%20_", "'a' in topics && !('b' in topics)");
    same(|text| text.parse::<AnalyticsLabel>().unwrap(), label, AnalyticsLabel::new(label).unwrap().as_str());
    same(
        |text| text.parse::<AnalyticsLabel>().unwrap(),
        label,
        &AnalyticsLabel::new(label).unwrap().to_string(),
    );
    same(|text| text.parse::<Topic>().unwrap(), label, &Topic::new(label).unwrap().to_string());
    same(
        |text| text.parse::<Condition>().unwrap(),
        condition,
        &Condition::new(condition).unwrap().to_string(),
    );
    same(|text| text.parse::<Condition>().unwrap(), condition, Condition::new(condition).unwrap().as_str());
    same(
        |text| text.parse::<RegistrationToken>().unwrap(),
        "t:1",
        RegistrationToken::new("t:1").unwrap().expose(),
    );
    same(|text| text.parse::<Fid>().unwrap(), "fid-1", Fid::new("fid-1").unwrap().expose());
    same(
        |text| text.parse::<LiveActivityToken>().unwrap(),
        "8f00",
        LiveActivityToken::new("8f00").unwrap().expose(),
    );
    let link = "https://a.example/#x";
    same(|text| text.parse::<HttpsUrl>().unwrap(), link, HttpsUrl::new(link).unwrap().as_str());
    for host in ["https://?q", "https://#f", "https://\u{7f}", "https://a\u{0}", "HTTPS://a"] {
        assert!(HttpsUrl::new(host).is_err(), "{host:?}");
    }
}

#[test]
fn conditions_say_what_was_expected_where() {
    let error = |text: &'static str| Condition::new(text).unwrap_err().to_string();
    insta::assert_snapshot!(error("'a' in topic"), @"condition at byte 7: expected `topics`");
    insta::assert_snapshot!(error("'a' in 'b'"), @"condition at byte 7: expected `topics`");
    insta::assert_snapshot!(error("'a' in topics & 'b' in topics"), @"condition at byte 14: expected `&&`, `||` or the end");
    insta::assert_snapshot!(error("('a' in topics))"), @"condition at byte 15: expected `&&`, `||` or the end");
    insta::assert_snapshot!(error("(('a' in topics)"), @"condition at byte 16: expected `)`");
    insta::assert_snapshot!(error("!"), @"condition at byte 1: expected a topic in single quotes");
    insta::assert_snapshot!(error("'a' in topics !'b' in topics"), @"condition at byte 14: expected `&&`, `||` or the end");
    insta::assert_snapshot!(error("'a' in topics || ''"), @"condition at byte 18: not a topic name");
    let long = format!("'{}' in topics", "a".repeat(5_000));
    insta::assert_snapshot!(Condition::new(long).unwrap_err(), @"condition has 5012 bytes, the limit is 5000");
    for (text, topics) in
        [("!!'a' in topics", 1), ("((!'a' in topics) || ('b' in topics)) && 'c' in topics", 3)]
    {
        assert_eq!(Condition::new(text).map(|condition| condition.topics()), Ok(topics), "{text}");
    }
}

#[test]
fn a_target_knows_its_reach_and_its_form() {
    let targets: [(Target, Reach, Value); 4] = [
        (Fid::new("f").unwrap().into(), Reach::Device, json!({"fid": "f"})),
        (RegistrationToken::new("t").unwrap().into(), Reach::Device, json!({"token": "t"})),
        (Topic::new("n").unwrap().into(), Reach::Subscribers, json!({"topic": "n"})),
        (
            "'a' in topics".parse::<Condition>().unwrap().into(),
            Reach::Subscribers,
            json!({"condition": "'a' in topics"}),
        ),
    ];
    assert_eq!((Reach::Device.limit(), Reach::Subscribers.limit()), (4_096, 2_048));
    for (target, reach, form) in targets {
        assert_eq!((Reach::from(&target), target.reach()), (reach, reach));
        assert_eq!(serde_json::to_value(&target).unwrap(), form);
        assert_eq!(serde_json::from_value::<Target>(form).unwrap(), target);
    }
    let error = |value: Value| serde_json::from_value::<Target>(value).unwrap_err().to_string();
    insta::assert_snapshot!(error(json!({})), @"a message needs exactly one of fid, token, topic and condition; found 0");
    insta::assert_snapshot!(error(json!({"fid": null})), @"a message needs exactly one of fid, token, topic and condition; found 0");
    insta::assert_snapshot!(error(json!({"fid": "f", "topic": "n"})), @"a message needs exactly one of fid, token, topic and condition; found 2");
    insta::assert_snapshot!(error(json!({"to": "t"})), @"unknown field `to`, there are no fields");
    insta::assert_snapshot!(error(json!(["t"])), @"invalid type: sequence, expected a target object");
}

#[test]
fn data_is_its_entries() {
    let data = Data::default();
    assert_eq!((data.len(), data.is_empty(), data.value("a")), (0, true, None));
    let data = Data::new([("b", "2"), ("a", "1"), ("b", "3")]).unwrap().with_entry("c", "4").unwrap();
    assert_eq!((data.len(), data.is_empty()), (3, false));
    assert_eq!(data.iter().collect::<Vec<_>>(), [("a", "1"), ("b", "3"), ("c", "4")]);
    assert_eq!(data.clone().with_entry("c", "5").unwrap().value("c"), Some("5"));
    assert_eq!((written(&data).as_str(), data.value("d")), (r#"{"a":"1","b":"3","c":"4"}"#, None));
    let error = |key: &str| data.clone().with_entry(key.to_owned(), "x").unwrap_err().to_string();
    insta::assert_snapshot!([
        error(""), error("from"), error("message_type"), error("google.x"), error("gcm.notification.x"),
    ].join("\n"), @r#"
    data key must not be empty
    data key "from" is reserved by FCM (the word `from`)
    data key "message_type" is reserved by FCM (the word `message_type`)
    data key "google.x" is reserved by FCM (the prefix `google.`)
    data key "gcm.notification.x" is reserved by FCM (the prefix `gcm.notification.`)
    "#);
    insta::assert_snapshot!(Data::new((0..4_097).map(|at| (at.to_string(), ""))).unwrap_err(), @"data has more than 4096 entries");
    let InvalidData::ReservedKey { key, .. } =
        data.with_entry(format!("google.{}", "é".repeat(90)), "").unwrap_err()
    else {
        panic!()
    };
    assert_eq!(key, format!("google.{}", "é".repeat(28)), "cut to 64 bytes, on a boundary");
}

/// The last value a header can have, and the first that it cannot; both sets, by name and one by one.
#[test]
fn every_header_ends_where_it_says() {
    let apns = |name: &str, value: &str| {
        let made = ApnsHeaders::new([(name.to_owned(), value.to_owned())]);
        assert_eq!(ApnsHeaders::default().with_header(name.to_owned(), value.to_owned()), made);
        made.map(|headers| assert_eq!(headers.value(&name.to_uppercase()), Some(value)))
    };
    let web = |name: &str, value: &str| {
        let made = WebpushHeaders::new([(name.to_owned(), value.to_owned())]);
        assert_eq!(WebpushHeaders::default().with_header(name.to_owned(), value.to_owned()), made);
        made.map(|headers| assert_eq!(headers.iter().collect::<Vec<_>>(), [(name, value)]))
    };
    let letters = |count: usize| "a".repeat(count);
    let nines = |count: usize| "9".repeat(count);
    for (name, good, bad) in [
        ("apns-priority", vec!["1", "5", "10"], vec!["", "0", "6", "11"]),
        ("apns-expiration", vec!["0", &nines(19)], vec!["", "-1", "1.5", &nines(20), "0x1"]),
        (
            "apns-push-type",
            vec![
                "alert",
                "background",
                "complication",
                "controls",
                "fileprovider",
                "liveactivity",
                "location",
                "mdm",
                "pushtotalk",
                "urlsession",
                "voip",
                "widgets",
            ],
            vec!["", "Alert", "sms"],
        ),
        ("apns-collapse-id", vec!["a", &letters(64), "any thing"], vec!["", &letters(65)]),
        ("apns-topic", vec!["", "com.example.App"], vec!["é", "a\nb", "\u{7f}"]),
        ("authorization", vec![], vec!["", "bearer x"]),
    ] {
        for value in good {
            assert!(apns(name, value).is_ok(), "{name}: {value}");
        }
        for value in bad {
            assert!(apns(name, value).is_err(), "{name}: {value}");
        }
    }
    for (name, good, bad) in [
        ("TTL", vec!["0", &nines(19)], vec!["", "1h", &nines(20)]),
        ("Urgency", vec!["very-low", "low", "normal", "high"], vec!["", "High", "5"]),
        ("Topic", vec!["a-_9", &letters(32)], vec!["", &letters(33), "a.b", "a~b", "a%b", "a b"]),
        ("Crypto-Key", vec!["", "x;y=z"], vec!["é", "a\nb"]),
        ("Authorization", vec![], vec!["", "vapid x"]),
        ("bad name", vec![], vec!["x"]),
    ] {
        for value in good {
            assert!(web(name, value).is_ok(), "{name}: {value}");
        }
        for value in bad {
            assert!(web(name, value).is_err(), "{name}: {value}");
        }
    }
    insta::assert_snapshot!(web("Urgency", "SECRET").unwrap_err(), @r#"header "Urgency" must be very-low, low, normal or high (RFC 8030 §5.3)"#);
    insta::assert_snapshot!(apns("authorization", "SECRET").unwrap_err(), @r#"header "authorization" belongs to FCM; it has the key from the Firebase console"#);
    let full = WebpushHeaders::new((0..64).map(|at| (format!("x-{at}"), "1"))).unwrap();
    insta::assert_snapshot!(full.clone().with_header("y", "1").unwrap_err(), @"more than 64 headers");
    assert_eq!(full.with_header("x-0", "2").unwrap().iter().count(), 64, "in the place of another");
}

#[test]
fn spans_and_times_are_read_from_text() {
    for (text, secs) in
        [("0s", 0), ("3600s", 3_600), ("1.999s", 1), ("2419200s", 2_419_200), ("2419200.9s", 2_419_200)]
    {
        let ttl: Ttl = text.parse().unwrap();
        assert_eq!(ttl.as_secs(), secs, "{text}");
        assert_eq!(ttl.to_string(), format!("{secs}s"));
        assert_eq!(serde_json::to_value(ttl).unwrap(), format!("{secs}s"));
    }
    for (text, error) in
        [("2419201s", InvalidTime::Ttl), ("1h", InvalidTime::Duration), ("", InvalidTime::Duration)]
    {
        assert_eq!(text.parse::<Ttl>(), Err(error), "{text}");
    }
    insta::assert_snapshot!(InvalidTime::Ttl, @"ttl is out of range; allowed: 0 to 2419200 s (4 weeks)");
    insta::assert_snapshot!(InvalidTime::Timestamp, @r#"timestamp is not RFC 3339 from 1970 on, like "2014-10-02T15:01:23.045Z""#);
    // Each part at its end, and one further.
    let millis = |text: &str| text.parse::<Timestamp>().ok().map(|time| time.as_unix().as_millis());
    for (text, expected) in [
        ("1970-01-01T00:00:00Z", Some(0)),
        ("1970-01-01T00:59:59Z", Some(3_599_000)),
        ("1970-01-01T23:00:00Z", Some(82_800_000)),
        ("1970-01-01T00:60:00Z", None),
        ("1970-01-01T00:00:60Z", None),
        ("1970-01-00T00:00:00Z", None),
        ("1970-01-31T00:00:00Z", Some(2_592_000_000)),
        ("1970-01-32T00:00:00Z", None),
        ("1970-12-31t00:00:00z", Some(31_449_600_000)),
        ("1970-01-01 00:00:00.1Z", Some(100)),
        ("1970-01-01T00:00:00.0019Z", Some(1)),
        ("1970-01-01T00:00:00.123456789Z", Some(123)),
        ("1970-01-01T00:00:00.1234567890Z", None),
        ("1970-01-01T01:00:00+01:00", Some(0)),
        ("1970-01-01T01:00:00+01:01", None),
        ("1970-01-01T00:00:00-00:01", Some(60_000)),
        ("1970-01-01T00:00:00-23:59", Some(86_340_000)),
        ("1970-01-01T00:00:00-24:00", None),
        ("1970-01-02T00:00:00+00:60", None),
        ("1970-01-01T00:00:00*01:00", None),
        ("1972-02-29T00:00:00Z", Some(68_169_600_000)),
        ("1900-03-01T00:00:00Z", None),
        ("2000-02-29T00:00:00Z", Some(951_782_400_000)),
        ("2100-02-29T00:00:00Z", None),
        ("2100-03-01T00:00:00Z", Some(4_107_542_400_000)),
    ] {
        assert_eq!(millis(text), expected, "{text}");
    }
    let time = Timestamp::from(UnixTime::from_millis(951_782_400_007));
    assert_eq!(
        (written(&time).as_str(), time.to_string().as_str()),
        ("\"2000-02-29T00:00:00.007Z\"", "2000-02-29T00:00:00.007Z")
    );
}

#[test]
fn colors_have_three_parts_each_in_its_place() {
    let rgb = Rgb::new(0x01, 0xab, 0xff);
    assert_eq!((rgb.to_string().as_str(), written(&rgb).as_str()), ("#01abff", "\"#01abff\""));
    assert_eq!(serde_json::from_str::<Rgb>("\"#01ABff\"").unwrap(), rgb);
    let light = LightColor::from(rgb);
    let json = written(&light);
    assert_eq!(serde_json::from_str::<LightColor>(&json).unwrap(), light);
    assert!(json.starts_with(r#"{"red":0.003"#) && json.ends_with(r#","blue":1}"#), "{json}");
    // Each part by itself is checked, and each stands under its own name.
    for bad in [1.000_1, -0.000_1] {
        assert!(LightColor::new(bad, 0.0, 0.0).is_err());
        assert!(LightColor::new(0.0, bad, 0.0).is_err());
        assert!(LightColor::new(0.0, 0.0, bad).is_err());
        assert!(LightColor::new(0.0, 0.0, 0.0).unwrap().with_alpha(bad).is_err());
    }
    for (name, index) in [("red", 0), ("green", 1), ("blue", 2)] {
        let mut parts = [0.0_f32; 3];
        parts[index] = 0.5;
        let [red, green, blue] = parts;
        let read: LightColor = serde_json::from_value(json!({ name: 0.5 })).unwrap();
        assert_eq!(read, LightColor::new(red, green, blue).unwrap(), "{name}");
    }
    let alpha: LightColor = serde_json::from_value(json!({"alpha": 1})).unwrap();
    assert_eq!(alpha, LightColor::new(0.0, 0.0, 0.0).unwrap().with_alpha(1.0).unwrap());
}

/// What somebody may log while developing, of every place that has data.
#[test]
fn warnings_look_at_all_data() {
    let data = || Data::new([("gcm_x", "1")]).unwrap();
    let key = || Warning::SuspiciousDataKey { key: "gcm_x".to_owned() };
    for message in [
        Message::new().with_data(data()),
        Message::new().with_android(AndroidConfig::new().with_data(data())),
        Message::new().with_android(AndroidConfigV2::new().with_data(data())),
        Message::new().with_webpush(WebpushConfig::new().with_data(data())),
    ] {
        assert_eq!(message.warnings(), [key()], "{message:?}");
    }
    // Apple: data alone, with a priority, and not 5.
    let fine = || Data::new([("a", "1"), ("Google", "2")]).unwrap();
    let apple = |priority| ApnsConfig::new().with_headers(ApnsHeaders::default().with_priority(priority));
    let shows = || "{\"aps\":{}}".parse::<JsonObject>().unwrap();
    let own = || "{\"own\":{}}".parse::<JsonObject>().unwrap();
    let needs = vec![Warning::DataOnlyNeedsPriority5];
    for (message, expected) in [
        (Message::new().with_data(fine()).with_apns(apple(ApnsPriority::Immediate)), needs.clone()),
        (Message::new().with_data(fine()).with_apns(apple(ApnsPriority::Low).with_payload(own())), needs),
        (Message::new().with_data(fine()).with_apns(apple(ApnsPriority::Considerate)), vec![]),
        (Message::new().with_data(fine()).with_apns(ApnsConfig::new()), vec![]),
        (Message::new().with_apns(apple(ApnsPriority::Immediate)), vec![]),
        (Message::new().with_data(Data::default()).with_apns(apple(ApnsPriority::Immediate)), vec![]),
        (
            Message::new().with_data(fine()).with_apns(apple(ApnsPriority::Immediate).with_payload(shows())),
            vec![],
        ),
        (
            Message::new()
                .with_data(fine())
                .with_notification(Notification::new())
                .with_apns(apple(ApnsPriority::Immediate)),
            vec![],
        ),
    ] {
        assert_eq!(message.warnings(), expected, "{message:?}");
    }
    // Timings that nobody will feel.
    let timings = || vec![ProtoDuration::default()];
    let shown = AndroidNotification::new;
    for (shown, count) in [
        (shown().with_default_vibrate_timings(true).with_vibrate_timings(timings()), 1),
        (shown().with_default_vibrate_timings(false).with_vibrate_timings(timings()), 0),
        (shown().with_default_vibrate_timings(true), 0),
        (shown().with_vibrate_timings(timings()), 0),
    ] {
        let message = Message::new().with_android(AndroidConfig::new().with_notification(shown));
        assert_eq!(message.warnings().len(), count, "{message:?}");
    }
}

/// One request, in every way to make one.
#[test]
fn a_message_alone_makes_its_request() {
    let (project, token) = (Project::new("p").unwrap(), Token::new("ya29.x").unwrap());
    let target: Target = Topic::new("news").unwrap().into();
    let message = Message::new().with_notification(Notification::new().with_title("t"));
    let request = message.request(&project, &target, &token).unwrap();
    assert_eq!(request.method(), http::Method::POST);
    assert_eq!(request.uri(), "https://fcm.googleapis.com/v1/projects/p/messages:send");
    assert_eq!(request.headers()["authorization"], "Bearer ya29.x");
    assert_eq!(request.headers()["content-type"], "application/json");
    assert_eq!(request.headers()["x-goog-api-format-version"], "2");
    assert_eq!(request.body(), r#"{"message":{"notification":{"title":"t"},"topic":"news"}}"#);
    // A message without any field, for each kind of target.
    for (target, body) in [
        (target, r#"{"message":{"topic":"news"}}"#),
        (Fid::new("f").unwrap().into(), r#"{"message":{"fid":"f"}}"#),
    ] {
        assert_eq!(Message::new().request(&project, &target, &token).unwrap().body(), body);
        assert_eq!(
            Prepared::new_with_data(Message::new(), SizeLimit::Own, |_| ()).unwrap().body(&target).unwrap(),
            body.replacen("{\"message\":{", "{\"message\":{\"data\":{},", 1)
        );
    }
    // 2,048 bytes at most, also for a device.
    let device: Target = RegistrationToken::new("t").unwrap().into();
    let sized = |bytes: usize| {
        Message::new()
            .with_webpush(WebpushConfig::new().with_data(Data::new([("k", "x".repeat(bytes))]).unwrap()))
    };
    let most = 2_048 - r#""data":{},"k":"","#.len();
    assert!(sized(most).request(&project, &device, &token).is_ok());
    let error = sized(most + 1).request(&project, &device, &token).unwrap_err();
    assert!(matches!(error, PrepareError::TooLarge(_)), "{error}");
    let wrong = Message::new().with_notification(Notification::new().with_image("cat.png"));
    let invalid = wrong.request(&project, &device, &token).unwrap_err();
    assert!(matches!(invalid, PrepareError::Invalid(_)), "{invalid}");
    // Whoever wants one error for all keeps the text.
    for error in [error, invalid] {
        let text = error.to_string();
        assert_eq!(Error::from(error).to_string(), text);
    }
}

/// Data that is written straight into the message counts, with what may be added on the way.
#[test]
fn data_that_is_written_in_place_counts() {
    let device: Target = RegistrationToken::new("t").unwrap().into();
    let topic: Target = Topic::new("t").unwrap().into();
    let made = |bytes: usize, limit| {
        Prepared::new_with_data(Message::new(), limit, |data| data.text(",\"k\":", &"x".repeat(bytes)))
    };
    let fixed = r#"{"message":{"data":{"k":""}"#.len() + 160 + 64;
    assert!(made(2_048 - fixed, SizeLimit::Provider).unwrap().body(&topic).is_ok());
    assert!(made(2_048 - fixed + 1, SizeLimit::Provider).unwrap().body(&topic).is_err());
    assert!(made(4_096 - fixed, SizeLimit::Provider).unwrap().body(&device).is_ok());
    assert!(made(4_096 - fixed + 1, SizeLimit::Provider).is_err());
    let own = Message::new().with_data(Data::new([("a", "1")]).unwrap());
    let prepared = Prepared::new_with_data(own, SizeLimit::Own, |data| data.text(",\"k\":", "2")).unwrap();
    assert_eq!(prepared.body(&device).unwrap(), r#"{"message":{"data":{"a":"1","k":"2"},"token":"t"}}"#);
}

#[test]
fn one_error_takes_them_all() {
    let text: InvalidText = Topic::new("").unwrap_err();
    assert_eq!(Error::from(text), Error::Text(text));
    let small = Message::new().check_size(Reach::Device, SizeLimit::Bytes(1)).unwrap_err();
    let large: TooLarge = small.clone();
    assert_eq!(Error::from(PrepareError::TooLarge(large)), Error::TooLarge(small));
    let wrong = Message::new().with_notification(Notification::new().with_image("x")).check().unwrap_err();
    assert_eq!(Error::from(PrepareError::Invalid(wrong.clone())), Error::Message(wrong));
    let failure =
        credential::read_token_answer(http::StatusCode::BAD_REQUEST, &http::HeaderMap::new(), b"", NOW)
            .unwrap_err();
    assert_eq!(Error::from(failure.clone()), Error::Token(credential::TokenError::Failed(failure)));
}
