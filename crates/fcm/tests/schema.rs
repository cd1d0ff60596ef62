//! Against Google's discovery document: a closed world (nothing is written that the schema does not have) and coverage
//! (everything the schema has can be written).

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;
use reveille_core::UnixTime;
use reveille_fcm::android::*;
use reveille_fcm::message::*;
use reveille_fcm::target::*;
use reveille_fcm::topics::*;
use reveille_fcm::*;
use reveille_testkit::fcm::{Kind, OBJECTS, SEND_MESSAGE_REQUEST, snake, validate};
use serde_json::{Map, Value, json};

fn document() -> Value {
    serde_json::from_str(include_str!("data/fcm.v1.json")).unwrap()
}

fn label() -> AnalyticsLabel {
    AnalyticsLabel::new("label").unwrap()
}

fn data() -> Data {
    Data::new([("key", "value")]).unwrap()
}

fn light() -> LightSettings {
    let color = LightColor::new(0.1, 0.25, 1.0).unwrap().with_alpha(0.5).unwrap();
    LightSettings::new(color, Duration::from_millis(1_500), Duration::from_secs(2))
}

/// The fields that both forms of an Android notification have.
macro_rules! all_common {
    ($notification:expr) => {
        $notification
            .with_title("t")
            .with_body("b")
            .with_icon("i")
            .with_color(Rgb::new(1, 2, 3))
            .with_sound("default")
            .with_tag("tag")
            .with_click_action("OPEN")
            .with_body_loc_key("k")
            .with_body_loc_args(vec!["a".into()])
            .with_title_loc_key("k")
            .with_title_loc_args(vec!["a".into(), "b".into()])
            .with_channel_id("calls")
            .with_ticker("t")
            .with_sticky(true)
            .with_event_time(UnixTime::from_millis(1_412_175_661_500))
            .with_local_only(false)
            .with_notification_priority(NotificationPriority::Max)
            .with_default_sound(true)
            .with_default_vibrate_timings(false)
            .with_default_light_settings(true)
            .with_vibrate_timings(vec![Duration::ZERO.into(), Duration::from_millis(250).into()])
            .with_visibility(Visibility::Secret)
            .with_notification_count(3)
            .with_light_settings(light())
            .with_image("https://a.example/i.png")
    };
}

fn everything(android: impl Into<Android>) -> Message {
    Message::new()
        .with_data(data())
        .with_notification(Notification::new().with_title("t").with_body("b").with_image("https://a.example/i.png"))
        .with_fcm_options(FcmOptions::new().with_analytics_label(label()))
        .with_android(android)
        .with_webpush(
            WebpushConfig::new()
                .with_headers(WebpushHeaders::new([("TTL", "15")]).unwrap())
                .with_data(data())
                .with_notification(r#"{"actions":[],"title":"t"}"#.parse::<JsonObject>().unwrap())
                .with_fcm_options(
                    WebpushFcmOptions::new()
                        .with_link(HttpsUrl::new("https://a.example/").unwrap())
                        .with_analytics_label(label()),
                ),
        )
        .with_apns(
            ApnsConfig::new()
                .with_headers(ApnsHeaders::default().with_priority(ApnsPriority::Immediate))
                .with_payload(r#"{"aps":{"badge":1,"event":"update","timestamp":1795000000}}"#.parse::<JsonObject>().unwrap())
                .with_live_activity_token(LiveActivityToken::new("token").unwrap())
                .with_fcm_options(ApnsFcmOptions::new().with_analytics_label(label()).with_image("https://a.example/i.png")),
        )
}

fn android_v1() -> AndroidConfig {
    AndroidConfig::new()
        .with_collapse_key("k")
        .with_priority(AndroidPriority::High)
        .with_ttl(Ttl::MAX)
        .with_restricted_package_name("com.example")
        .with_data(data())
        .with_notification(
            all_common!(AndroidNotification::new())
                .with_proxy(Proxy::IfPriorityLowered)
                .with_bypass_proxy_notification(true),
        )
        .with_fcm_options(FcmOptions::new().with_analytics_label(label()))
        .with_direct_boot_ok(true)
        .with_bandwidth_constrained_ok(true)
        .with_restricted_satellite_ok(true)
}

fn android_v2(message: impl Into<AndroidMessageV2>) -> AndroidConfigV2 {
    AndroidConfigV2::new()
        .with_collapse_key("k")
        .with_ttl(Ttl::ZERO)
        .with_restricted_package_name("com.example")
        .with_data(data())
        .with_fcm_options(FcmOptions::new().with_analytics_label(label()))
        .with_direct_boot_ok(true)
        .with_bandwidth_constrained_ok(true)
        .with_restricted_satellite_ok(true)
        .with_message(message)
}

fn remote() -> AndroidRemoteNotification {
    AndroidRemoteNotification::new()
        .with_notification(all_common!(AndroidNotificationV2::new()).with_id(7))
        .with_mutable_content(true)
        .with_use_as_v1_data_message(false)
}

fn targets() -> Vec<Target> {
    vec![
        Fid::new("fid").unwrap().into(),
        RegistrationToken::new("token").unwrap().into(),
        Topic::new("topic").unwrap().into(),
        Condition::new("'a' in topics").unwrap().into(),
    ]
}

/// Bodies that together have every field.
fn bodies() -> Vec<Value> {
    let messages = [
        everything(android_v1()),
        everything(android_v2(remote())),
        everything(android_v2(AndroidMessageV2::BackgroundSync)),
    ];
    let mut bodies = Vec::new();
    for message in messages {
        for target in targets() {
            let prepared = Prepared::dry_run(&message, SizeLimit::Provider).unwrap();
            bodies.push(serde_json::from_slice(&prepared.body(&target).unwrap()).unwrap());
        }
    }
    bodies
}

/// `Schema.field` of everything in `value` that the document knows; panics on what it does not know.
fn fields(document: &Value, schema: &str, value: &Value, seen: &mut BTreeSet<String>) {
    let properties = &document["schemas"][schema]["properties"];
    for (name, value) in value.as_object().unwrap_or_else(|| panic!("{schema} must be an object")) {
        let property = properties.get(name).unwrap_or_else(|| panic!("{schema} has no field {name}"));
        seen.insert(format!("{schema}.{name}"));
        field(document, &format!("{schema}.{name}"), property, value, seen);
    }
}

fn field(document: &Value, path: &str, property: &Value, value: &Value, seen: &mut BTreeSet<String>) {
    if let Some(reference) = property["$ref"].as_str() {
        return fields(document, reference, value, seen);
    }
    match (property["type"].as_str().unwrap(), property["format"].as_str()) {
        ("string", format) => {
            let text = value.as_str().unwrap_or_else(|| panic!("{path}: {value} must be a string"));
            match format {
                None => {}
                Some("google-duration") => {
                    assert!(text.ends_with('s') && text[..text.len() - 1].parse::<f64>().is_ok(), "{path}");
                }
                Some("google-datetime") => {
                    assert!(text.ends_with('Z') && text.as_bytes()[10] == b'T', "{path}");
                }
                Some(other) => panic!("{path}: format {other}"),
            }
            if let Some(values) = property["enum"].as_array() {
                assert!(values.contains(value), "{path}: {value} is not in the enumeration");
            }
        }
        ("boolean", None) => assert!(value.is_boolean(), "{path}"),
        ("integer", Some("int32")) => {
            assert!(value.as_i64().is_some_and(|n| i32::try_from(n).is_ok()), "{path}");
        }
        ("number", Some("float")) => assert!(value.is_number(), "{path}"),
        ("array", None) => {
            for item in value.as_array().unwrap_or_else(|| panic!("{path} must be a list")) {
                field(document, path, &property["items"], item, seen);
            }
        }
        ("object", None) => {
            for item in value.as_object().unwrap_or_else(|| panic!("{path} must be an object")).values() {
                match property["additionalProperties"]["type"].as_str().unwrap() {
                    "string" => assert!(item.is_string(), "{path}"),
                    "any" => {}
                    other => panic!("{path}: {other}"),
                }
            }
        }
        other => panic!("{path}: {other:?}"),
    }
}

#[test]
fn every_writable_field_can_be_written_and_nothing_else_is() {
    let document = document();
    let mut seen = BTreeSet::new();
    for body in bodies() {
        fields(&document, "SendMessageRequest", &body, &mut seen);
    }
    // The body of a patch is the only place where a subscription is written.
    let device = Subscriptions::of_fid(&Project::new("p").unwrap(), &Fid::new("f").unwrap()).unwrap();
    let token = Token::new("t").unwrap();
    let patch = device.patch(&Topic::new("t").unwrap(), true, &token).unwrap();
    fields(&document, "TopicSubscription", &serde_json::from_slice(patch.body()).unwrap(), &mut seen);

    let mut expected = BTreeSet::new();
    for (schema, definition) in document["schemas"].as_object().unwrap() {
        if schema == "ListTopicSubscriptionsResponse" {
            continue; // an answer
        }
        for (name, property) in definition["properties"].as_object().into_iter().flatten() {
            let output_only = property["readOnly"] == json!(true) || (schema == "Message" && name == "name");
            if !output_only {
                expected.insert(format!("{schema}.{name}"));
            }
        }
    }
    // Two schemas have the same fields; the document gives the second a name of its own.
    assert_eq!(seen, expected);
}

#[test]
fn every_value_of_every_enumeration_can_be_written() {
    use NotificationPriority as P;
    let values = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
    let of = |schema: &str, field: &str| -> Vec<String> {
        let values = &document()["schemas"][schema]["properties"][field]["enum"];
        values.as_array().unwrap().iter().map(|v| v.as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(
        of("AndroidConfig", "priority"),
        values(&[AndroidPriority::Normal, AndroidPriority::High].map(AndroidPriority::as_str))
    );
    let priorities = [P::Unspecified, P::Min, P::Low, P::Default, P::High, P::Max].map(P::as_str);
    assert_eq!(of("AndroidNotification", "notificationPriority"), values(&priorities));
    assert_eq!(of("AndroidNotificationV2", "notificationPriority"), values(&priorities));
    let visibility = [Visibility::Unspecified, Visibility::Private, Visibility::Public, Visibility::Secret]
        .map(Visibility::as_str);
    assert_eq!(of("AndroidNotification", "visibility"), values(&visibility));
    let proxy = [Proxy::Unspecified, Proxy::Allow, Proxy::Deny, Proxy::IfPriorityLowered].map(Proxy::as_str);
    assert_eq!(of("AndroidNotification", "proxy"), values(&proxy));
}

/// The table that the testkit checks with says what the document says.
#[test]
fn the_testkits_table_is_the_document() {
    let document = document();
    for object in OBJECTS {
        let properties =
            document["schemas"][object.name]["properties"].as_object().cloned().unwrap_or_default();
        let names: BTreeSet<&str> = properties.keys().map(String::as_str).collect();
        assert_eq!(names, object.fields.iter().map(|(name, _)| *name).collect(), "{}", object.name);
        for (name, kind) in object.fields {
            let property = &properties[*name];
            let said =
                match (property["$ref"].as_str(), property["type"].as_str(), property["format"].as_str()) {
                    (Some(reference), ..) => format!("object {reference}"),
                    (_, Some("array"), _) => format!("array of {:?}", property["items"]["format"].as_str()),
                    (_, Some("object"), _) => {
                        format!("map of {}", property["additionalProperties"]["type"].as_str().unwrap())
                    }
                    (_, Some("string"), None) if property.get("enum").is_some() => {
                        format!("enum {}", property["enum"])
                    }
                    (_, kind, format) => format!("{} {format:?}", kind.unwrap()),
                };
            let ours = match kind {
                Kind::Object(object) => format!("object {}", object.name),
                Kind::Texts => "array of None".to_owned(),
                Kind::Durations => r#"array of Some("google-duration")"#.to_owned(),
                Kind::TextMap => "map of string".to_owned(),
                Kind::Any => "map of any".to_owned(),
                Kind::Enum(values) => format!("enum {}", json!(values)),
                Kind::Text => "string None".to_owned(),
                Kind::Bool => "boolean None".to_owned(),
                Kind::Int32 => r#"integer Some("int32")"#.to_owned(),
                Kind::Float => r#"number Some("float")"#.to_owned(),
                Kind::Duration => r#"string Some("google-duration")"#.to_owned(),
                Kind::Time => r#"string Some("google-datetime")"#.to_owned(),
            };
            assert_eq!(said, ours, "{}.{name}", object.name);
        }
    }
}

/// Names of the schema in `snake_case`, as the Admin SDKs write them; keys of maps stay.
fn to_snake(kind: Option<Kind>, value: &Value) -> Value {
    match (kind, value) {
        (Some(Kind::Object(object)), Value::Object(map)) => map
            .iter()
            .map(|(name, value)| {
                let kind = object.fields.iter().find(|(known, _)| known == name).map(|(_, kind)| *kind);
                (snake(name), to_snake(kind, value))
            })
            .collect::<Map<_, _>>()
            .into(),
        (_, value) => value.clone(),
    }
}

#[test]
fn both_spellings_read_back_to_the_same_message() {
    for (body, (message, target)) in bodies().iter().zip(
        [
            everything(android_v1()),
            everything(android_v2(remote())),
            everything(android_v2(AndroidMessageV2::BackgroundSync)),
        ]
        .iter()
        .flat_map(|message| targets().into_iter().map(move |target| (message.clone(), target))),
    ) {
        let expected = SendRequest::new(message, target).with_validate_only(true);
        assert_eq!(SendRequest::from_json(body.to_string().as_bytes()).unwrap(), expected);
        let snake = to_snake(Some(Kind::Object(&SEND_MESSAGE_REQUEST)), body);
        assert_ne!(&snake, body);
        assert_eq!(SendRequest::from_json(snake.to_string().as_bytes()).unwrap(), expected);
        let kept: Value = serde_json::from_str(&serde_json::to_string(&expected).unwrap()).unwrap();
        assert_eq!(&kept, body, "a queue keeps the very body");
    }
}

#[test]
fn what_the_schema_does_not_have_is_refused() {
    let error = |json: &str| SendRequest::from_json(json.as_bytes()).unwrap_err().to_string();
    insta::assert_snapshot!(error(r#"{"message":{"to":"SECRET"}}"#), @"JSON at message, line 1 column 16: unknown field `to`");
    insta::assert_snapshot!(error(r#"{"message":{"token":"t","data":{"a":1}}}"#), @"JSON at message.data.a, line 1 column 37: expected a string, found a number");
    insta::assert_snapshot!(error(r#"{"message":{"token":"t","topic":"u"}}"#), @"JSON at message, line 1 column 36: a message needs exactly one of fid, token, topic and condition; found 2");
    insta::assert_snapshot!(error(r#"{"message":{"android":{},"android_v2":{}}}"#), @"JSON at message, line 1 column 41: `android` and `androidV2` exclude each other");
    insta::assert_snapshot!(error(r#"{"message":{"androidV2":{"backgroundSync":{},"remoteNotification":{}}}}"#), @"JSON at message.androidV2, line 1 column 69: `remoteNotification` and `backgroundSync` exclude each other");
    insta::assert_snapshot!(error(r#"{"message":{"notification":["SECRET"]}}"#), @"JSON at message.notification, line 1 column 27: expected a Notification object, found an array");
    insta::assert_snapshot!(error(r#"{"message":{"notification":{"title":"a","title":"b"}}}"#), @"JSON at message.notification, line 1 column 52: duplicate field `title`");
    insta::assert_snapshot!(error(r#"{"message":{"android":{"ttl":"SECRET"}}}"#), @r#"JSON at message.android.ttl, line 1 column 38: duration is not seconds with at most nine decimals and an `s`, like "3.5s""#);
    insta::assert_snapshot!(error(r#"{"message":{"android":{"ttl":17}}}"#), @"JSON at message.android.ttl, line 1 column 31: expected a string, found a number");
    insta::assert_snapshot!(error(r#"{"message":{"android":{"priority":"SECRET"}}}"#), @"JSON at message.android.priority, line 1 column 43: expected one of the values of AndroidPriority");
    insta::assert_snapshot!(error(r#"{"message":{"data":{"from":"SECRET"}}}"#), @r#"JSON at message.data, line 1 column 37: data key "from" is reserved by FCM (the word `from`)"#);
    insta::assert_snapshot!(error(r#"{"message":{}}"#), @"JSON at message, line 1 column 14: a message needs exactly one of fid, token, topic and condition; found 0");
    insta::assert_snapshot!(error(r#"{}"#), @"JSON: missing field `message`");
    insta::assert_snapshot!(error("{\"message\":{\"notification\":{\"title\":\"\u{1}\"}}}"), @r#"JSON at message.notification.title, line 1 column 38: control character (\u0000-\u001F) found while parsing a string"#);
    insta::assert_snapshot!(error(r#"{"message":{"notification":{"title":"\ud800"}}}"#), @"JSON at message.notification.title, line 1 column 44: unexpected end of hex escape");
}

/// In every object of the schema; what its value is does not matter.
#[test]
fn an_unknown_field_is_named_wherever_it_stands() {
    for path in [
        "",
        "message",
        "message/notification",
        "message/fcmOptions",
        "message/android",
        "message/android/notification",
        "message/android/notification/lightSettings",
        "message/android/notification/lightSettings/color",
        "message/android/fcmOptions",
        "message/androidV2",
        "message/androidV2/backgroundSync",
        "message/androidV2/remoteNotification",
        "message/androidV2/remoteNotification/notification",
        "message/apns",
        "message/apns/fcmOptions",
        "message/webpush",
        "message/webpush/fcmOptions",
    ] {
        for value in [json!(1), json!({"a": []}), Value::Null] {
            let steps = path.split('/').filter(|step| !step.is_empty()).rev();
            let body = steps.fold(json!({ "pink": value }), |inner, step| json!({ step: inner }));
            let error = SendRequest::from_json(body.to_string().as_bytes()).unwrap_err();
            assert_eq!(error.problem, "unknown field `pink`", "{body}");
            assert_eq!(error.path.replace('.', "/").trim_end_matches("/pink"), path, "{body}");
        }
    }
}

/// What FCM writes there itself is read over, whatever it is.
#[test]
fn the_name_of_a_message_is_not_looked_at() {
    let expected = SendRequest::new(Message::new(), Topic::new("news").unwrap());
    for name in ["\"projects/p/messages/1\"", "7", "null", "{\"a\":[]}"] {
        let message = format!(r#"{{"name":{name},"topic":"news"}}"#);
        assert_eq!(SendRequest::from_message_json(message.as_bytes()).unwrap(), expected, "{name}");
        let body = format!(r#"{{"message":{message},"validate_only":true}}"#);
        let dry = expected.clone().with_validate_only(true);
        assert_eq!(SendRequest::from_json(body.as_bytes()).unwrap(), dry, "{name}");
    }
    for form in ["false", "null"] {
        let body = format!(r#"{{"validateOnly":{form},"message":{{"topic":"news"}}}}"#);
        assert_eq!(SendRequest::from_json(body.as_bytes()).unwrap(), expected, "{form}");
    }
    let error = |json: &str| SendRequest::from_message_json(json.as_bytes()).unwrap_err().to_string();
    insta::assert_snapshot!(error(r#"{"name":"n"}"#), @"JSON: a message needs exactly one of fid, token, topic and condition; found 0");
    insta::assert_snapshot!(error(r#"{"message":{"topic":"news"}}"#), @"JSON, line 1 column 10: unknown field `message`");
    insta::assert_snapshot!(error(r#"{"topic":"a","topic":"b"}"#), @"JSON, line 1 column 25: a message needs exactly one of fid, token, topic and condition; found 2");
}

/// What is missing in an object that needs all its fields.
#[test]
fn a_light_needs_all_three() {
    let light = |without: &str| {
        let mut light = json!({"color": {"red": 1}, "lightOnDuration": "1s", "lightOffDuration": "2s"});
        light.as_object_mut().unwrap().remove(without);
        serde_json::from_value::<LightSettings>(light).map_err(|error| error.to_string())
    };
    let color = LightColor::new(1.0, 0.0, 0.0).unwrap();
    let expected = LightSettings::new(color, Duration::from_secs(1), Duration::from_secs(2));
    assert_eq!(light("nothing"), Ok(expected));
    for name in ["color", "lightOnDuration", "lightOffDuration"] {
        assert_eq!(light(name), Err(format!("missing field `{name}`")));
    }
}

fn text() -> impl Strategy<Value = Option<String>> {
    prop::option::of("\\PC{0,20}|[\"\\\\\n\u{0}-\u{1f}é😀]{0,6}")
}

prop_compose! {
    fn notifications()(
        texts in prop::array::uniform12(text()), flags in any::<[Option<bool>; 6]>(), count: Option<i32>,
        rgb: Option<[u8; 3]>, time: Option<u64>, durations in prop::option::of(prop::collection::vec(any::<(u32, u32)>(), 0..4)),
        color in prop::option::of(prop::array::uniform4(0.0_f32..=1.0)),
    ) -> AndroidNotification {
        let [title, body, icon, sound, tag, click, body_key, title_key, channel, ticker, image, arg] = texts.map(|t| t.map(Text::from));
        let mut n = AndroidNotification::new();
        (n.title, n.body, n.icon, n.sound, n.tag, n.click_action) = (title, body, icon, sound, tag, click);
        (n.body_loc_key, n.title_loc_key, n.channel_id, n.ticker, n.image) = (body_key, title_key, channel, ticker, image);
        n.body_loc_args = arg.map(|arg| vec![arg.clone(), arg]);
        [n.sticky, n.local_only, n.default_sound, n.default_vibrate_timings, n.default_light_settings, n.bypass_proxy_notification] = flags;
        n.notification_count = count;
        n.color = rgb.map(|[r, g, b]| Rgb::new(r, g, b));
        n.event_time = time.map(|t| UnixTime::from_millis(t).into());
        n.vibrate_timings = durations.map(|list| list.into_iter().map(|(s, n)| Duration::new(s.into(), n % 1_000_000_000).into()).collect());
        n.light_settings = color.map(|[r, g, b, a]| {
            LightSettings::new(LightColor::new(r, g, b).unwrap().with_alpha(a).unwrap(), Duration::from_millis(1), Duration::ZERO)
        });
        n
    }
}

prop_compose! {
    fn messages()(
        shared in prop::array::uniform3(text()), android in prop::option::of(notifications()), v2: bool, collapse in text(),
        ttl in prop::option::of(0..=2_419_200_u64), pairs in prop::option::of(prop::collection::vec(("[a-z]{1,8}", "\\PC{0,30}"), 0..5)),
        payload in prop::option::of("\\PC{0,20}"),
    ) -> Message {
        let [title, body, image] = shared.map(|t| t.map(Text::from));
        let mut message = Message::new();
        let mut notification = Notification::new();
        (notification.title, notification.body, notification.image) = (title, body, image);
        message.notification = Some(notification);
        message.data = pairs.and_then(|pairs| Data::new(pairs.into_iter().filter(|(key, _)| key != "from")).ok());
        let ttl = ttl.map(|secs| Ttl::new(Duration::from_secs(secs)).unwrap());
        message.android = android.map(|notification| if v2 {
            let mut config = AndroidConfigV2::new();
            (config.collapse_key, config.ttl) = (collapse.map(Into::into), ttl);
            let mut shown = AndroidNotificationV2::new();
            (shown.title, shown.light_settings) = (notification.title, notification.light_settings);
            config.with_message(AndroidRemoteNotification::new().with_notification(shown)).into()
        } else {
            let mut config = AndroidConfig::new().with_notification(notification);
            (config.collapse_key, config.ttl) = (collapse.map(Into::into), ttl);
            config.into()
        });
        message.apns = payload.map(|text| Box::new(ApnsConfig::new().with_payload(JsonObject::from_serialize(&json!({"aps": {"alert": text}})).unwrap())));
        message
    }
}

proptest! {
    #[test]
    fn any_message_is_inside_the_schema_and_reads_back(message in messages()) {
        let json = String::from_utf8(message.to_json()).unwrap();
        let body = json!({"message": serde_json::from_str::<Value>(&json).unwrap()});
        prop_assert_eq!(validate(&SEND_MESSAGE_REQUEST, &body), vec![]);
        fields(&document(), "SendMessageRequest", &body, &mut BTreeSet::new());
        let again = Message::from_json(json.as_bytes()).unwrap();
        prop_assert_eq!(&serde_json::to_string(&again).unwrap(), &json, "serde writes what the writer writes");
        prop_assert_eq!(again.to_json(), json.as_bytes());
        prop_assert_eq!(again, message);
    }
}
