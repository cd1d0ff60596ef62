//! A push to a device.

use bytes::Bytes;
use http::{Method, Request};
use reveille_core::UnixTime;

use super::headers::{is_uuid, one, seconds};
use super::{Refusal, TrustedKey, payload};

/// A push that the service accepted; [`ApnsService::take_pushes`](super::ApnsService::take_pushes) returns them for a
/// test to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AcceptedPush {
    /// `apns-id`: the one that was sent, or the service's own.
    pub id: String,
    /// The device token.
    pub device: String,
    /// `apns-topic`.
    pub topic: String,
    /// `apns-push-type`.
    pub push_type: String,
    /// `apns-priority`, 10 if there was none.
    pub priority: u8,
    /// `apns-expiration`, if there was one; 0 is one attempt.
    pub expiration: Option<UnixTime>,
    /// `apns-collapse-id`.
    pub collapse_id: Option<String>,
    /// The payload.
    pub payload: Bytes,
}

/// Checks all but the provider token and the device, in Apple's order.
pub(super) fn check(request: &Request<Bytes>, key: &TrustedKey) -> Result<AcceptedPush, Refusal> {
    let bad = |reason| Refusal::new(400, reason);
    if request.method() != Method::POST {
        return Err(Refusal::new(405, "MethodNotAllowed"));
    }
    let device = request.uri().path().strip_prefix("/3/device/").ok_or(Refusal::new(404, "BadPath"))?;
    if device.is_empty() {
        return Err(bad("MissingDeviceToken"));
    }
    let headers = request.headers();
    let topic = one(headers, "apns-topic", "BadTopic")?.ok_or_else(|| bad("MissingTopic"))?;
    let id = one(headers, "apns-id", "BadMessageId")?.unwrap_or_default();
    if !id.is_empty() && !is_uuid(id) {
        return Err(bad("BadMessageId"));
    }
    // Required for watchOS 6 and later, recommended elsewhere: the service insists.
    let push_type = one(headers, "apns-push-type", "InvalidPushType")?.unwrap_or_default();
    let suffix = payload::topic_suffix(push_type).ok_or_else(|| bad("InvalidPushType"))?;
    let bundle = topic.strip_suffix(suffix).ok_or_else(|| bad("BadTopic"))?;
    let is_bundle_id = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
    if bundle.is_empty() || !is_bundle_id(topic) {
        return Err(bad("BadTopic"));
    }
    if !key.may_push_to(topic) {
        return Err(bad("TopicDisallowed"));
    }
    let priority = one(headers, "apns-priority", "BadPriority")?;
    let priority = check_priority(priority, push_type)?;
    let expiration = match one(headers, "apns-expiration", "BadExpirationDate")? {
        Some(text) => Some(UnixTime::from_secs(seconds(text).ok_or_else(|| bad("BadExpirationDate"))?)),
        None => None,
    };
    let collapse_id = one(headers, "apns-collapse-id", "BadCollapseId")?;
    if collapse_id.is_some_and(|id| id.is_empty() || id.len() > 64) {
        return Err(bad("BadCollapseId"));
    }
    check_body(push_type, request.body())?;
    Ok(AcceptedPush {
        id: id.to_owned(),
        device: device.to_owned(),
        topic: topic.to_owned(),
        push_type: push_type.to_owned(),
        priority,
        expiration,
        collapse_id: collapse_id.map(str::to_owned),
        payload: request.body().clone(),
    })
}

/// Which priorities a push type has: a background push only 5.
fn check_priority(priority: Option<&str>, push_type: &str) -> Result<u8, Refusal> {
    let priority = match priority {
        None | Some("10") => 10,
        Some("5") => 5,
        Some("1") => 1,
        Some(_) => return Err(Refusal::new(400, "BadPriority")),
    };
    let allowed = match push_type {
        "background" => priority == 5,
        "liveactivity" | "location" => priority != 1,
        _ => true,
    };
    if allowed { Ok(priority) } else { Err(Refusal::new(400, "BadPriority")) }
}

fn check_body(push_type: &str, body: &Bytes) -> Result<(), Refusal> {
    if body.is_empty() {
        return Err(Refusal::new(400, "PayloadEmpty"));
    }
    if body.len() > payload::max_payload(push_type) {
        return Err(Refusal::new(413, "PayloadTooLarge"));
    }
    payload::check(push_type, body)
}
