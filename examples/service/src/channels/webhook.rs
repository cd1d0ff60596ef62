//! The customer's webhook (E6): five events, with the tokens of the person's phones, so that the receiver can push by itself.

use bytes::Bytes;
use http::Request;
use jiff::Timestamp;
use reveille_conversation::Kind;
use reveille_core::UnixTime;
use reveille_gateway::{Content, Job};
use reveille_registry::{Device, Purpose};
use serde_json::{Value, json};

use super::settings::Hook;

/// The name of the event; `None` for what the webhook is not told of.
pub(super) fn event(content: &Content) -> Option<&'static str> {
    Some(match (content, content.kind()) {
        (Content::Show { .. }, Kind::NewMessage) => "push_notification.new_message",
        (Content::TakeBack(_), Kind::NewMessage) => "push_notification.read_message",
        (Content::Show { .. }, Kind::IncomingCall) => "push_notification.incoming_call",
        (Content::TakeBack(_), Kind::IncomingCall) => "push_notification.revoked_call",
        (Content::Show { .. }, Kind::MissedCall) => "push_notification.missed_call",
        _ => return None,
    })
}

/// The signed request; `None` if there is no such event.
pub(super) fn request(hook: &Hook, job: &Job, devices: &[Device], now: UnixTime) -> Option<Request<Bytes>> {
    let body = json!({
        "type": event(&job.content)?,
        "timestamp": time(job.decided),
        "data": data(job, devices),
    });
    hook.signer.request(&hook.url, &job.job_name(), body.to_string().into_bytes(), now)
}

/// As RFC 3339 has it.
pub(crate) fn time(at: UnixTime) -> String {
    let millis = i64::try_from(at.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX).to_string()
}

fn data(job: &Job, devices: &[Device]) -> Value {
    let mut data = json!({
        "id": job.job_name(),
        "conversation": job.conversation.as_str(),
        "person": job.person.as_str(),
        "collapse": job.collapse.to_string(),
        "generation": job.generation,
        "not_after": time(job.not_after),
        "devices": devices.iter().filter_map(device).collect::<Vec<_>>(),
    });
    let more = match &*job.content {
        Content::Show { intent, messages, senders, .. } => json!({
            "from": intent.arguments.from,
            "queue": intent.arguments.queue,
            "snippet": intent.arguments.snippet,
            "unread": intent.arguments.unread,
            "messages": messages,
            "senders": senders,
            "media": intent.media,
        }),
        Content::TakeBack(withdraw) => json!({
            "cause": withdraw.cause,
            "answered_by": withdraw.answered_by,
        }),
        _ => json!({}),
    };
    if let (Some(data), Value::Object(more)) = (data.as_object_mut(), more) {
        data.extend(more.into_iter().filter(|(_, value)| !value.is_null()));
    }
    data
}

/// A phone's tokens. A browser's subscription is not among them: whoever has it could send as this service.
fn device(device: &Device) -> Option<Value> {
    let is_phone = |purpose| {
        matches!(
            purpose,
            Purpose::ApnsAlert | Purpose::ApnsVoip | Purpose::FcmToken | Purpose::FcmInstallation
        )
    };
    let tokens = device.tokens.iter().filter(|token| is_phone(token.purpose)).map(|token| {
        let mut shown = json!({"purpose": token.purpose, "token": token.value.expose()});
        if let Some(environment) = token.environment {
            shown["environment"] = json!(environment);
        }
        shown
    });
    let tokens: Vec<Value> = tokens.collect();
    (device.is_reachable() && !tokens.is_empty()).then(|| {
        json!({
            "app": device.key.app,
            "device": device.key.device,
            "platform": device.platform,
            "tokens": tokens,
        })
    })
}
