//! Values one by one: what is set is sent, what is printed is meant, and what has another type is refused with what was
//! expected.

use std::time::Duration;

use reveille_apns::answer::{Reason, goaway_reason};
use reveille_apns::channel::{Broadcast, ChannelAnswer, ChannelId, StoragePolicy};
use reveille_apns::live_activity::{
    Activity, ActivityAlert, ActivityEnd, ActivityStart, ActivityText, ActivityUpdate, InputPush,
    LiveActivity,
};
use reveille_apns::message::{
    AlertContent, ApnsId, Complication, Controls, CriticalSound, Custom, Delivery, FileProvider, Finite,
    Fraction, InterruptionLevel, InvalidNotification, Location, Mdm, PushToTalk, PushType, Widgets,
};
use reveille_apns::request::InvalidRequest;
use reveille_apns::target::Origin;
use reveille_apns::{
    Alert, App, Background, BundleId, CollapseId, Endpoints, Expiration, JsonObject, Notification, Prepared,
    Priority, Push, Raw, SizeLimit, Voip,
};
use reveille_core::{Action, UnixTime};
use serde::Deserialize;
use serde::de::{DeserializeOwned, Visitor};
use serde_json::json;

use crate::support::{NOW, app, bearer, device, key, public_key, remote_key};

const UUID: &str = "eabeae54-14a8-11e5-b60b-1697f925ec7b";

fn text(push: &(impl Push + ?Sized)) -> String {
    String::from_utf8(push.payload()).unwrap()
}

fn boxed(push: impl Push + 'static) -> Box<dyn Push> {
    Box::new(push)
}

fn object(json: &str) -> JsonObject {
    JsonObject::from_json(json.as_bytes()).unwrap()
}

#[test]
fn debug_names_the_type_and_what_is_in_it() {
    let table = [
        (format!("{:?}", "Y2g=".parse::<ChannelId>().unwrap()), "ChannelId(Y2g=)"),
        (format!("{:?}", "c 1".parse::<CollapseId>().unwrap()), "CollapseId(\"c 1\")"),
        (format!("{:?}", "com.example.app".parse::<BundleId>().unwrap()), "BundleId(com.example.app)"),
        (format!("{:?}", UUID.parse::<ApnsId>().unwrap()), "ApnsId(eabeae54-14a8-11e5-b60b-1697f925ec7b)"),
    ];
    for (shown, expected) in table {
        assert_eq!(shown, expected);
    }
}

#[test]
fn what_goes_in_comes_out() {
    let bytes: [u8; 16] = std::array::from_fn(|at| at as u8 + 1);
    assert_eq!(ApnsId::from_bytes(bytes).as_bytes(), &bytes);
    assert_eq!("com.example.app".parse::<BundleId>().unwrap().as_str(), "com.example.app");
    assert_eq!(device().path(), "/3/device/00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0");
    for (origin, host) in [("https://h.example:2197", "h.example"), ("h.example", "h.example")] {
        assert_eq!(origin.parse::<Origin>().unwrap().host(), host);
    }
    let sandbox = App::sandbox("com.example.app".parse().unwrap());
    assert_eq!(
        (sandbox.bundle_id().as_str(), sandbox.endpoints()),
        ("com.example.app", &Endpoints::sandbox())
    );
    assert_eq!(sandbox.endpoints().device().authority(), "api.sandbox.push.apple.com:443");
    for key in [key(), remote_key()] {
        assert_eq!(
            (key.team().to_string().as_str(), key.key_id().to_string().as_str()),
            ("DEF123GHIJ", "ABC123DEFG")
        );
        assert_eq!(key.public_key(), &public_key());
    }
}

#[test]
fn a_uuid_has_its_hyphens_where_they_belong_and_nowhere_else() {
    for at in 0..UUID.len() {
        let mut other: Vec<u8> = UUID.bytes().collect();
        other[at] = if other[at] == b'-' { b'0' } else { b'-' };
        assert!(String::from_utf8(other).unwrap().parse::<ApnsId>().is_err(), "{at}");
    }
}

#[test]
fn the_longest_is_taken_and_not_a_byte_more() {
    fn is_taken<T: std::str::FromStr>(length: usize) -> bool {
        "a".repeat(length).parse::<T>().is_ok()
    }

    assert!(is_taken::<ChannelId>(256) && !is_taken::<ChannelId>(257) && !is_taken::<ChannelId>(0));
    assert!(is_taken::<BundleId>(255) && !is_taken::<BundleId>(256));
    assert!(is_taken::<CollapseId>(64) && !is_taken::<CollapseId>(65));
    assert!(is_taken::<reveille_apns::DeviceToken>(1_024) && !is_taken::<reveille_apns::DeviceToken>(1_025));
    let other = |name: usize, suffix: usize| {
        PushType::other(&"a".repeat(name), &format!(".{}", "b".repeat(suffix - 1))).is_ok()
    };
    assert!(other(64, 64) && !other(65, 64) && !other(64, 65));
    // Every character that base64 has, of either alphabet; none beside.
    for byte in 0..=0x7f_u8 {
        let taken = char::from(byte).to_string().parse::<ChannelId>().is_ok();
        assert_eq!(taken, byte.is_ascii_alphanumeric() || b"+/-_=".contains(&byte), "{byte}");
        let taken = char::from(byte).to_string().parse::<BundleId>().is_ok();
        assert_eq!(taken, byte.is_ascii_alphanumeric() || b".-_".contains(&byte), "{byte}");
    }
    for (number, taken) in
        [(0.0, true), (1.0, true), (-f64::MIN_POSITIVE, false), (1.0 + f64::EPSILON, false)]
    {
        assert_eq!(Fraction::try_from(number).is_ok(), taken, "{number}");
    }
}

#[test]
fn a_space_at_the_end_of_a_collapse_id_is_named_by_its_place() {
    let error = |text: &str| text.parse::<CollapseId>().unwrap_err().to_string();
    insta::assert_snapshot!(error("a "), @"apns-collapse-id has a character at byte 1 that is not allowed; allowed: printable ASCII without a space at either end");
    insta::assert_snapshot!(error(" a "), @"apns-collapse-id has a character at byte 0 that is not allowed; allowed: printable ASCII without a space at either end");
}

#[test]
fn words_are_the_same_in_the_payload_and_in_json() {
    let levels = [
        (InterruptionLevel::Passive, "passive"),
        (InterruptionLevel::Active, "active"),
        (InterruptionLevel::TimeSensitive, "time-sensitive"),
        (InterruptionLevel::Critical, "critical"),
    ];
    for (level, word) in levels {
        assert_eq!((level.as_str(), serde_json::to_value(level).unwrap()), (word, json!(word)));
        let push = Alert::new("T", "b").with_interruption_level(level).unwrap();
        assert_eq!(
            text(&push),
            format!(r#"{{"aps":{{"alert":{{"title":"T","body":"b"}},"interruption-level":"{word}"}}}}"#)
        );
    }
    for (policy, number) in [(StoragePolicy::NoMessageStored, 0_u8), (StoragePolicy::MostRecentMessage, 1)] {
        assert_eq!((u8::from(policy), StoragePolicy::try_from(number)), (number, Ok(policy)));
    }
    for number in [2, u8::MAX] {
        insta::allow_duplicates! {
            insta::assert_snapshot!(StoragePolicy::try_from(number).unwrap_err(), @"message-storage-policy must be 0 or 1");
        }
    }
}

#[test]
fn another_type_is_refused_with_what_was_expected() {
    fn refusal<T: DeserializeOwned>(json: &str) -> String {
        serde_json::from_str::<T>(json).err().unwrap().to_string()
    }

    insta::assert_snapshot!(refusal::<ActivityText<'static>>("7"), @r#"invalid type: integer `7`, expected a string or {"key", "args"} at line 1 column 1"#);
    insta::assert_snapshot!(refusal::<AlertContent<'static>>("true"), @"invalid type: boolean `true`, expected a string or an alert object at line 1 column 4");
    insta::assert_snapshot!(refusal::<PushType>("[]"), @r#"invalid type: sequence, expected a push type, or {"name", "topic_suffix"} of another one at line 1 column 2"#);
    insta::assert_snapshot!(refusal::<Custom>("[]"), @"invalid type: sequence, expected an object of custom keys at line 1 column 0");
    insta::assert_snapshot!(refusal::<Expiration>("[]"), @r#"invalid type: sequence, expected "once", Unix milliseconds, or null at line 1 column 2"#);
}

/// A format that has a word for "no value", as MessagePack has and JSON has not.
struct Nothing;

impl<'de> serde::Deserializer<'de> for Nothing {
    type Error = serde::de::value::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_none()
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

#[test]
fn no_expiration_is_read_in_every_format() {
    assert_eq!(Expiration::deserialize(Nothing), Ok(Expiration::Unset));
}

#[test]
fn seconds_are_told_from_milliseconds_at_both_ends() {
    let sent = |millis: u64| {
        let at = Expiration::At(UnixTime::from_millis(millis));
        Prepared::new(&Voip::new().with_expiration(at), SizeLimit::Own).map(|_| ())
    };
    for (millis, seconds) in
        [(99_999_999, false), (100_000_000, true), (99_999_999_999, true), (100_000_000_000, false)]
    {
        let expected = InvalidRequest::Seconds { what: "apns-expiration", millis };
        assert_eq!(sent(millis), if seconds { Err(expected) } else { Ok(()) }, "{millis}");
    }
    // The times within the payload, too.
    let second = UnixTime::from_millis(1_700_000_000);
    let update = ActivityUpdate::new(object("{}"), NOW);
    for (activity, what) in [
        (Activity::from(ActivityUpdate::new(object("{}"), second)), "timestamp"),
        (update.with_stale_date(second).into(), "stale-date"),
        (ActivityEnd::as_it_is(NOW).with_dismissal_date(second).into(), "dismissal-date"),
    ] {
        let refused = Prepared::new(&LiveActivity::new(activity), SizeLimit::Own).map(|_| ()).unwrap_err();
        assert_eq!(refused, InvalidRequest::Seconds { what, millis: 1_700_000_000 });
    }
}

#[test]
fn every_setter_of_a_live_activity() {
    let alert = || ActivityAlert::new(String::from("T"), "b").with_sound("s");
    let (later, score) = (NOW + Duration::from_secs(9), Finite::try_from(-7.5).unwrap());
    let start = ActivityStart::new("A", object(r#"{"a":1}"#), object("{}"), alert(), NOW);
    assert_eq!(
        text(&LiveActivity::new(
            start
                .clone()
                .with_input_push(InputPush::Token)
                .with_stale_date(later)
                .with_relevance_score(score)
        )),
        r#"{"aps":{"timestamp":1700000000,"event":"start","attributes-type":"A","attributes":{"a":1},"content-state":{},"alert":{"title":"T","body":"b","sound":"s"},"input-push-token":1,"stale-date":1700000009,"relevance-score":-7.5}}"#
    );
    let channel = InputPush::Channel("Y2g=".parse().unwrap());
    assert_eq!(
        text(&LiveActivity::new(start.with_input_push(channel))),
        r#"{"aps":{"timestamp":1700000000,"event":"start","attributes-type":"A","attributes":{"a":1},"content-state":{},"alert":{"title":"T","body":"b","sound":"s"},"input-push-channel":"Y2g="}}"#
    );
    let update = ActivityUpdate::new(object(r#"{"a":2}"#), NOW);
    assert_eq!(
        text(&LiveActivity::new(
            update.with_alert(alert()).with_stale_date(later).with_relevance_score(score)
        )),
        r#"{"aps":{"timestamp":1700000000,"event":"update","content-state":{"a":2},"alert":{"title":"T","body":"b","sound":"s"},"stale-date":1700000009,"relevance-score":-7.5}}"#
    );
    let end = ActivityEnd::new(object(r#"{"a":3}"#), NOW);
    assert_eq!(
        text(&LiveActivity::new(
            end.with_alert(alert()).with_dismissal_date(later).with_relevance_score(score)
        )),
        r#"{"aps":{"timestamp":1700000000,"event":"end","content-state":{"a":3},"alert":{"title":"T","body":"b","sound":"s"},"dismissal-date":1700000009,"relevance-score":-7.5}}"#
    );
}

#[test]
fn a_plain_and_a_critical_sound_replace_each_other() {
    let critical = || CriticalSound::new("siren.caf");
    let push = Alert::new("T", "b").with_critical_sound(critical()).with_sound("ping.caf");
    assert_eq!(
        text(&push),
        r#"{"aps":{"alert":{"title":"T","body":"b"},"sound":"ping.caf","interruption-level":"critical"}}"#
    );
    let push = Alert::new("T", "b").with_sound("ping.caf").with_critical_sound(critical());
    let payload = text(&push);
    assert!(
        !payload.contains("ping.caf") && payload.contains(r#""critical":1,"name":"siren.caf""#),
        "{payload}"
    );
    let refused = push.with_interruption_level(InterruptionLevel::Active).unwrap_err();
    assert_eq!(refused, InvalidNotification::CriticalSoundLevel { level: Some(InterruptionLevel::Active) });
}

#[test]
fn a_text_of_ones_own_is_an_alert() {
    assert_eq!(AlertContent::from(String::from("a")), AlertContent::Text("a".into()));
    assert_eq!(ActivityText::from(String::from("a")), ActivityText::Plain("a".into()));
}

#[test]
fn pushes_without_text_by_default() {
    let pushes = [
        (
            boxed(Background::default()),
            PushType::Background,
            r#"{"aps":{"content-available":1}}"#,
            Some("5"),
            None,
        ),
        (boxed(Voip::default()), PushType::Voip, r#"{"aps":{}}"#, None, None),
        (boxed(Complication::default()), PushType::Complication, r#"{"aps":{}}"#, None, None),
        (boxed(Location::default()), PushType::Location, r#"{"aps":{}}"#, None, None),
        (boxed(PushToTalk::default()), PushType::PushToTalk, r#"{"aps":{}}"#, Some("10"), Some("0")),
        (boxed(Controls::default()), PushType::Controls, r#"{"aps":{"content-changed":true}}"#, None, None),
        (boxed(Widgets::default()), PushType::Widgets, r#"{"aps":{"content-changed":true}}"#, None, None),
        (
            boxed(FileProvider::new("c").with_domain("d")),
            PushType::FileProvider,
            r#"{"container-identifier":"c","domain":"d"}"#,
            None,
            None,
        ),
        (boxed(Mdm::new("m")), PushType::Mdm, r#"{"mdm":"m"}"#, None, None),
    ];
    for (push, kind, payload, priority, expiration) in pushes {
        assert_eq!((push.push_type(), text(&*push).as_str()), (kind.clone(), payload));
        let request =
            Prepared::new(&*push, SizeLimit::Own).unwrap().request(&app(), &device(), &bearer()).unwrap();
        let header = |name: &str| request.headers().get(name).map(|value| value.to_str().unwrap());
        assert_eq!((header("apns-priority"), header("apns-expiration")), (priority, expiration), "{kind}");
        assert_eq!(header("apns-push-type"), Some(kind.as_str()));
        assert_eq!((header("apns-id"), header("apns-collapse-id")), (None, None), "{kind}");
    }
}

/// Where nothing may be cut, what is over the limit stays as it is.
#[test]
fn nothing_is_cut_where_nothing_may_be() {
    let long = "x".repeat(3_000);
    let raw = || Raw::new(PushType::Alert, object(&format!(r#"{{"aps":{{}},"k":"{long}"}}"#))).unwrap();
    let pushes: [Box<dyn Push>; 3] =
        [Box::new(FileProvider::new(long.as_str())), Box::new(Mdm::new(long.as_str())), Box::new(raw())];
    for mut push in pushes {
        let before = push.payload();
        assert!(push.fit(SizeLimit::Own).is_err());
        assert_eq!(push.payload(), before);
        assert_eq!(push.fit(SizeLimit::Provider), Ok(Vec::new()));
    }
}

#[test]
fn all_headers_that_a_sender_can_set() {
    let push = Alert::new("T", "b")
        .with_id(UUID.parse().unwrap())
        .with_expiration(Expiration::At(NOW))
        .with_priority(Priority::Considerate)
        .with_collapse_id("c-1".parse().unwrap());
    let plain = Prepared::new(&push, SizeLimit::Own).unwrap();
    let more = Prepared::new_with(&push, SizeLimit::Own, |custom| {
        custom.text(reveille_payload::label!("k"), "v");
    })
    .unwrap();
    assert_eq!(more.payload(), r#"{"aps":{"alert":{"title":"T","body":"b"}},"k":"v"}"#);
    for prepared in [plain, more] {
        let request = prepared.request(&app(), &device(), &bearer()).unwrap();
        let mut headers: Vec<_> =
            request.headers().iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        headers.sort_unstable();
        assert_eq!(
            headers,
            [
                ("apns-collapse-id", "c-1"),
                ("apns-expiration", "1700000000"),
                ("apns-id", UUID),
                ("apns-priority", "5"),
                ("apns-push-type", "alert"),
                ("apns-topic", "com.example.app"),
                ("authorization", bearer().authorization().to_str().unwrap()),
                ("content-type", "application/json"),
            ]
        );
        let with_certificate = prepared.request(&app(), &device(), None).unwrap();
        assert!(!with_certificate.headers().contains_key("authorization"));
    }
    let parts = push.to_fcm_parts().unwrap();
    assert_eq!(
        parts.headers().collect::<Vec<_>>(),
        [
            ("apns-push-type", "alert"),
            ("apns-priority", "5"),
            ("apns-expiration", "1700000000"),
            ("apns-collapse-id", "c-1")
        ]
    );
    let parts = Alert::new("T", "b").to_fcm_parts().unwrap();
    assert_eq!(parts.headers().collect::<Vec<_>>(), [("apns-push-type", "alert"), ("apns-priority", "10")]);
    assert_eq!(
        Voip::new().to_fcm_parts().unwrap_err(),
        InvalidNotification::NotThroughFcm { push_type: PushType::Voip }
    );
}

#[test]
fn a_raw_push_has_the_priorities_of_its_type() {
    for kind in PushType::ALL {
        let payload =
            if kind == PushType::Background { r#"{"aps":{"content-available":1}}"# } else { r#"{"aps":{}}"# };
        for priority in [Priority::Immediate, Priority::Considerate, Priority::Asleep] {
            let allowed = match (&kind, priority) {
                (PushType::Background, _) => priority == Priority::Considerate,
                (PushType::LiveActivity | PushType::Location, _) => priority != Priority::Asleep,
                _ => true,
            };
            let delivery = Delivery { priority: Some(priority), ..Delivery::default() };
            let push = Raw::new(kind.clone(), object(payload)).unwrap().with_delivery(delivery);
            if !allowed {
                let priority = u8::from(priority);
                assert_eq!(push, Err(InvalidNotification::Priority { push_type: kind.clone(), priority }));
                continue;
            }
            let prepared = Prepared::new(&push.unwrap(), SizeLimit::Own).unwrap();
            let request = prepared.request(&app(), &device(), &bearer()).unwrap();
            assert_eq!(request.headers()["apns-priority"], u8::from(priority).to_string(), "{kind}");
        }
    }
    for aps in ["{}", r#"{"content-available":0}"#, r#"{"content-available":1,"badge":1}"#, r#"{"badge":1}"#]
    {
        let refused = Raw::new(PushType::Background, object(&format!(r#"{{"aps":{aps}}}"#))).unwrap_err();
        assert_eq!(refused, InvalidNotification::BackgroundAps, "{aps}");
    }
    for kind in PushType::ALL {
        let without_aps = Raw::new(kind.clone(), object(r#"{"a":1}"#));
        let free = matches!(kind, PushType::FileProvider | PushType::Mdm);
        assert_eq!(without_aps.is_ok(), free, "{kind}");
    }
}

#[test]
fn a_broadcast_that_says_nothing_more_is_immediate() {
    let form = json!({"activity": {"event": "end", "timestamp": NOW.as_millis()}});
    let read: Broadcast<'_> = serde_json::from_value(form).unwrap();
    assert_eq!(read, Broadcast::new(ActivityEnd::as_it_is(NOW)));
    assert_eq!(serde_json::to_value(&read).unwrap()["priority"], json!(10));
}

#[test]
fn what_a_service_says_at_the_end() {
    for reason in ["Shutdown", "InternalServerError", "BadDeviceToken"] {
        let said = goaway_reason(json!({ "reason": reason }).to_string().as_bytes());
        assert_eq!(said.map(Reason::as_str), Some(reason));
    }
    for unknown in [&b""[..], b"bye", b"{}", br#"{"reason":"Nonsense"}"#, br#"{"reason":1}"#] {
        assert_eq!(goaway_reason(unknown), None);
    }
}

#[test]
fn a_channel_that_could_not_be_deleted() {
    let headers = http::HeaderMap::new();
    let answer = |status: u16, body: &str| {
        ChannelAnswer::deleted(status.try_into().unwrap(), &headers, body.as_bytes(), NOW)
    };
    assert_eq!(answer(204, ""), ChannelAnswer::Done(()));
    let ChannelAnswer::Rejected(known) = answer(404, r#"{"reason":"ChannelNotRegistered"}"#) else {
        panic!()
    };
    assert_eq!(
        (known.status, known.reason.as_deref(), known.action),
        (404, Some("ChannelNotRegistered"), Action::DropTarget { if_registered_before: None })
    );
    // A word of tomorrow is passed on; there is no device in it that had to be hidden.
    let ChannelAnswer::Rejected(unknown) = answer(400, r#"{"reason":"00fc13ad"}"#) else { panic!() };
    assert_eq!((unknown.status, unknown.reason.as_deref()), (400, Some("00fc13ad")));
}

/// One message per type, with a member of a wrong type in it: the error says where, whatever the type.
#[test]
fn every_push_type_says_where_it_is_wrong() {
    for kind in PushType::ALL {
        let form = json!({"push_type": kind.as_str(), "delivery": {"collapse_id": 7}});
        let error = Notification::from_json(form.to_string().as_bytes()).unwrap_err().to_string();
        assert!(error.starts_with("JSON at delivery.collapse_id: "), "{kind}: {error}");
    }
    let form =
        json!({"push_type": "raw", "type": "alert", "payload": {"aps": {}}, "delivery": {"collapse_id": 7}});
    let error = Notification::from_json(form.to_string().as_bytes()).unwrap_err().to_string();
    assert!(error.starts_with("JSON at delivery.collapse_id: "), "raw: {error}");
}

/// A state that is nested so deeply that the payload around it cannot be taken apart any more.
#[test]
fn a_payload_that_cannot_be_taken_apart_is_one_field() {
    let nested = |depth: usize| {
        let (open, close) = (r#"{"a":"#.repeat(depth), "}".repeat(depth));
        JsonObject::from_json(format!(r#"{open}"{}"{close}"#, "x".repeat(3_000)).as_bytes())
    };
    let state = (100..130).rev().find_map(|depth| nested(depth).ok()).unwrap();
    let mut push = LiveActivity::new(ActivityUpdate::new(state, NOW));
    let (size, error) = (push.payload().len(), push.fit(SizeLimit::Own).unwrap_err());
    let fields: Vec<_> = error.fields.iter().map(|field| (field.name.as_str(), field.bytes)).collect();
    assert_eq!((error.size, fields), (size, vec![("payload", size)]));
}
