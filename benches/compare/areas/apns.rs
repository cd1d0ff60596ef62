//! APNs: one notification built and written, and one notification to many devices, beside a2 and apns-h2.
//!
//! Both peers keep `build_request` private. It is transcribed here from their sources (`client.rs`, the same in both),
//! on their own public types, without what it does on top: two locks and a clock per request for the token's age.

use bytes::Bytes;
use http::Request;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full};
use reveille_apns::message::ApnsId;
use reveille_apns::request::FanOut;
use reveille_apns::{Alert, App, DeviceToken, Prepared, Priority, Push as _, SizeLimit, Token};
use reveille_core::UnixTime;

use crate::measure::Contestant;
use crate::report::Report;

const TITLE: &str = "Agent Smith";
const BODY: &str = "Your order is on its way, is there anything else I can do for you?";
const CONVERSATION: &str = "5f1e7b6c-2f7c-4b9e-a0c5-3f3f9b6c0a11";
const TOPIC: &str = "com.example.app";
const DEVICES: u32 = 10_000;
/// As long as a real one.
const JWT: &str = "eyJhbGciOiJFUzI1NiIsImtpZCI6IkFCQzEyM0RFRkcifQ.eyJpc3MiOiJERUYxMjNHSElKIiwiaWF0IjoxNzAwMDAwMDAwfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

pub fn compare(report: &mut Report) {
    single_build(report);
    fan_out(report);
    one_request(report);
}

fn single_build(report: &mut Report) {
    report.row(
        "an alert with one custom key, built and written",
        Contestant::new("ours", || ours().payload()),
        vec![
            Contestant::new("a2 0.10", || {
                a2::request::payload::PayloadLike::to_json_string(&a2_payload("0")).unwrap()
            }),
            Contestant::new("apns-h2 0.11", || {
                apns_h2::request::payload::PayloadLike::to_json_string(&apns_h2_payload("0")).unwrap()
            }),
        ],
        None,
    );
}

fn fan_out(report: &mut Report) {
    let texts: Vec<String> =
        (0..DEVICES).map(|n| format!("{:064x}", u128::from(n) * 0x9E37_79B9_7F4A_7C15)).collect();
    let devices: Vec<DeviceToken> = texts.iter().map(|text| text.parse().unwrap()).collect();
    let fan_out = fan_out_of();
    let peers = |texts: &'static [String]| {
        vec![
            Contestant::batch("a2 0.10", DEVICES, || {
                texts.iter().for_each(|text| drop(std::hint::black_box(a2_request(text))))
            }),
            Contestant::batch("apns-h2 0.11", DEVICES, || {
                texts.iter().for_each(|text| drop(std::hint::black_box(apns_h2_request(text))));
            }),
        ]
    };
    // Leaked once: contestants borrow them for the whole run.
    let texts: &'static [String] = Vec::leak(texts);
    report.row(
        "10,000 devices, tokens read before, as a registry does",
        Contestant::batch("ours", DEVICES, || {
            devices.iter().for_each(|device| drop(std::hint::black_box(fan_out.request(device))));
        }),
        peers(texts),
        None,
    );
    report.row(
        "10,000 devices, from the text of their tokens",
        Contestant::batch("ours", DEVICES, || {
            for device in DeviceToken::parse_many(texts.iter().map(String::as_str)) {
                drop(std::hint::black_box(fan_out.request(&device.unwrap())));
            }
        }),
        peers(texts),
        None,
    );
    let id = ApnsId::from_bytes([7; 16]);
    report.row(
        "10,000 devices, each request with its own apns-id",
        Contestant::batch("ours", DEVICES, || {
            devices.iter().for_each(|device| drop(std::hint::black_box(fan_out.request_with_id(device, id))));
        }),
        peers(texts),
        None,
    );
}

fn one_request(report: &mut Report) {
    let (app, token) = (app(), token());
    let device: DeviceToken = "a".repeat(64).parse().unwrap();
    let text = "a".repeat(64);
    report.row(
        "one notification to one device, all of it",
        Contestant::new("ours", || {
            Prepared::new(&ours(), SizeLimit::Own).unwrap().request(&app, &device, &token).unwrap()
        }),
        vec![
            Contestant::new("a2 0.10", || a2_request(&text)),
            Contestant::new("apns-h2 0.11", || apns_h2_request(&text)),
        ],
        None,
    );
}

fn ours() -> Alert<'static> {
    Alert::new(TITLE, BODY)
        .with_custom("conversationId", CONVERSATION)
        .unwrap()
        .with_priority(Priority::Immediate)
}

fn app() -> App {
    App::production(TOPIC.parse().unwrap())
}

fn token() -> Token {
    Token::from_jwt(JWT, UnixTime::from_secs(1_700_000_000)).unwrap()
}

fn fan_out_of() -> FanOut {
    Prepared::new(&ours(), SizeLimit::Own).unwrap().fan_out(&app(), &token()).unwrap()
}

macro_rules! peer {
    ($peer:ident, $payload:ident, $request:ident) => {
        #[allow(deprecated, reason = "the two peers still share these names")]
        fn $payload(device: &str) -> $peer::request::payload::Payload<'_> {
            use $peer::request::notification::{
                DefaultNotificationBuilder, NotificationBuilder, NotificationOptions,
            };
            let options = NotificationOptions {
                apns_topic: Some(TOPIC),
                apns_push_type: Some($peer::PushType::Alert),
                apns_priority: Some($peer::Priority::High),
                ..NotificationOptions::default()
            };
            let builder = DefaultNotificationBuilder::new().set_title(TITLE).set_body(BODY);
            let mut payload = builder.build(device, options);
            payload.add_custom_data("conversationId", &CONVERSATION).unwrap();
            payload
        }

        fn $request(device: &str) -> Request<BoxBody<Bytes, std::convert::Infallible>> {
            use $peer::request::payload::PayloadLike as _;
            let payload = $payload(device);
            let path = format!("https://{}/3/device/{}", "api.push.apple.com", payload.get_device_token());
            let mut builder =
                Request::builder().uri(&path).method("POST").header("content-type", "application/json");
            let options = payload.get_options();
            if let Some(priority) = &options.apns_priority {
                builder = builder.header("apns-priority", priority.to_string().as_bytes());
            }
            if let Some(push_type) = options.apns_push_type.as_ref() {
                builder = builder.header("apns-push-type", push_type.to_string().as_bytes());
            }
            if let Some(topic) = options.apns_topic {
                builder = builder.header("apns-topic", topic.as_bytes());
            }
            let authorization = format!("Bearer {JWT}");
            builder = builder.header("authorization", authorization.as_bytes());
            let json = payload.to_json_string().unwrap();
            builder = builder.header("content-length", format!("{}", json.len()).as_bytes());
            builder.body(Full::from(json.into_bytes()).boxed()).unwrap()
        }
    };
}

peer!(a2, a2_payload, a2_request);
peer!(apns_h2, apns_h2_payload, apns_h2_request);
