//! FCM: a message built and serialised, and one message for ten thousand devices.

use std::collections::HashMap;
use std::hint::black_box;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reveille_fcm::android::{AndroidNotification, AndroidPriority};
use reveille_fcm::message::Text;
use reveille_fcm::{
    AndroidConfig, Data, Message, Notification, Prepared, Project, RegistrationToken, SizeLimit, Target,
    Token, Ttl,
};
use serde_json::json;

use crate::measure::Contestant;
use crate::report::Report;

const DEVICES: u32 = 10_000;

/// What a caller has at hand when a call comes in; everything else is constant.
struct Call {
    from: String,
    conversation: String,
    timestamp: String,
    token: String,
}

impl Call {
    fn new() -> Self {
        Self {
            from: "From +49 221 1234567 | Queue: Support".into(),
            conversation: "4c0f5d52-7a0f-4a06-9d3f-1d2d2f9c1b11".into(),
            timestamp: "1795000000000".into(),
            token: token(0),
        }
    }
}

/// 163 characters, as real ones.
fn token(n: u32) -> String {
    format!("cE8xY_{n:08}:APA91b{}", "Fq9zT2".repeat(24))
}

pub fn compare(report: &mut Report) {
    let call = Call::new();
    assert_eq!(
        serde_json::from_slice::<serde_json::Value>(&ours(&call)).expect("JSON"),
        serde_json::from_str::<serde_json::Value>(&with_json(&call)).expect("JSON"),
        "the same message"
    );
    report.row(
        "a ringing call: built, size checked, serialised",
        Contestant::new("ours", || ours(black_box(&call))),
        vec![
            Contestant::new("serde_json::json!", || with_json(black_box(&call))),
            Contestant::new("fcm_v1 0.3 types", || with_fcm_v1(black_box(&call))),
            Contestant::new("google-fcm1 7 types", || with_google_fcm1(black_box(&call))),
        ],
        None,
    );
    fan_out(report, &call);
}

fn fan_out(report: &mut Report, call: &Call) {
    let targets: Vec<Target> =
        (0..DEVICES).map(|n| RegistrationToken::new(token(n)).expect("a token").into()).collect();
    let tokens: Vec<String> = (0..DEVICES).map(token).collect();
    let project = Project::new("my-project").expect("a project");
    let access = Token::new(&format!("ya29.{}", "x".repeat(200))).expect("a token");
    let prepared = Prepared::new(&message(call), SizeLimit::Own).expect("small");
    let fcm_v1 = fcm_v1_message(call);
    report.row(
        "one message to 10,000 devices, per request",
        Contestant::batch("ours", DEVICES, || {
            for request in prepared.fan_out(&project, &targets, &access) {
                black_box(request.expect("small"));
            }
        }),
        vec![
            Contestant::batch("ours, one by one", DEVICES, || {
                for target in &targets {
                    black_box(prepared.request(&project, target, &access).expect("small"));
                }
            }),
            Contestant::batch("serde_json::json! and http::Request", DEVICES, || {
                for token in &tokens {
                    let call = Call { token: token.clone(), ..Call::new() };
                    black_box(http_request(&with_json(&call)));
                }
            }),
            Contestant::batch("fcm_v1 0.3 types and http::Request", DEVICES, || {
                for token in &tokens {
                    let mut message = fcm_v1.clone();
                    message.token = Some(token.clone());
                    let body = serde_json::to_string(&json!({"message": message})).expect("JSON");
                    black_box(http_request(&body));
                }
            }),
        ],
        Some(Contestant::batch("the token copy", DEVICES, || {
            let mut buffer = BytesMut::with_capacity(64 * 1024);
            for token in &tokens {
                if buffer.capacity() < token.len() {
                    buffer = BytesMut::with_capacity(64 * 1024);
                }
                buffer.extend_from_slice(token.as_bytes());
                black_box(buffer.split().freeze());
            }
        })),
    );
}

/// A request as the peers' users build it.
fn http_request(body: &str) -> http::Request<Bytes> {
    http::Request::post("https://fcm.googleapis.com/v1/projects/my-project/messages:send")
        .header("authorization", format!("Bearer ya29.{}", "x".repeat(200)))
        .header("content-type", "application/json")
        .body(Bytes::copy_from_slice(body.as_bytes()))
        .expect("a request")
}

fn message(call: &Call) -> Message {
    Message::new()
        .with_notification(Notification::new().with_title("Inbound call").with_body(call.from.clone()))
        .with_data(
            Data::new([
                ("category", Text::from("INCOMING_CALL")),
                ("conversationId", call.conversation.clone().into()),
                ("mediaType", "voice".into()),
                ("timestamp", call.timestamp.clone().into()),
            ])
            .expect("no reserved key"),
        )
        .with_android(
            AndroidConfig::new()
                .with_priority(AndroidPriority::High)
                .with_ttl(Ttl::new(Duration::from_secs(30)).expect("short"))
                .with_notification(
                    AndroidNotification::new()
                        .with_channel_id("incoming_calls")
                        .with_click_action("INCOMING_CALL")
                        .with_sound("ring")
                        .with_tag(call.conversation.clone()),
                ),
        )
}

fn ours(call: &Call) -> Bytes {
    let target = Target::Token(RegistrationToken::new(call.token.clone()).expect("a token"));
    let prepared = Prepared::new(&message(call), SizeLimit::Own).expect("small");
    prepared.body(&target).expect("small")
}

fn with_json(call: &Call) -> String {
    json!({"message": {
        "token": call.token,
        "notification": {"title": "Inbound call", "body": call.from},
        "data": {
            "category": "INCOMING_CALL",
            "conversationId": call.conversation,
            "mediaType": "voice",
            "timestamp": call.timestamp,
        },
        "android": {
            "priority": "HIGH",
            "ttl": "30s",
            "notification": {
                "channelId": "incoming_calls",
                "clickAction": "INCOMING_CALL",
                "sound": "ring",
                "tag": call.conversation,
            },
        },
    }})
    .to_string()
}

fn fcm_v1_message(call: &Call) -> fcm_v1::message::Message {
    use fcm_v1::android::{AndroidConfig, AndroidMessagePriority, AndroidNotification};
    fcm_v1::message::Message {
        token: Some(call.token.clone()),
        notification: Some(fcm_v1::message::Notification {
            title: Some("Inbound call".into()),
            body: Some(call.from.clone()),
            ..Default::default()
        }),
        data: Some(HashMap::from([
            ("category".into(), "INCOMING_CALL".into()),
            ("conversationId".into(), call.conversation.clone().into()),
            ("mediaType".into(), "voice".into()),
            ("timestamp".into(), call.timestamp.clone().into()),
        ])),
        android: Some(AndroidConfig {
            priority: Some(AndroidMessagePriority::High),
            ttl: Some("30s".into()),
            notification: Some(AndroidNotification {
                channel_id: Some("incoming_calls".into()),
                click_action: Some("INCOMING_CALL".into()),
                sound: Some("ring".into()),
                tag: Some(call.conversation.clone()),
                ..Default::default()
            }),
            ..Default::default()
        }),
        ..Default::default()
    }
}

fn with_fcm_v1(call: &Call) -> String {
    #[derive(serde::Serialize)]
    struct Send {
        message: fcm_v1::message::Message,
    }
    serde_json::to_string(&Send { message: fcm_v1_message(call) }).expect("JSON")
}

fn with_google_fcm1(call: &Call) -> String {
    use google_fcm1::api::{AndroidConfig, AndroidNotification, Message, Notification, SendMessageRequest};
    let message = Message {
        token: Some(call.token.clone()),
        notification: Some(Notification {
            title: Some("Inbound call".into()),
            body: Some(call.from.clone()),
            ..Default::default()
        }),
        data: Some(HashMap::from([
            ("category".into(), "INCOMING_CALL".into()),
            ("conversationId".into(), call.conversation.clone()),
            ("mediaType".into(), "voice".into()),
            ("timestamp".into(), call.timestamp.clone()),
        ])),
        android: Some(AndroidConfig {
            priority: Some("HIGH".into()),
            ttl: Some(chrono::Duration::seconds(30)),
            notification: Some(AndroidNotification {
                channel_id: Some("incoming_calls".into()),
                click_action: Some("INCOMING_CALL".into()),
                sound: Some("ring".into()),
                tag: Some(call.conversation.clone()),
                ..Default::default()
            }),
            ..Default::default()
        }),
        ..Default::default()
    };
    serde_json::to_string(&SendMessageRequest { message: Some(message), validate_only: None }).expect("JSON")
}
