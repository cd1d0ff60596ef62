//! A broadcast to a channel.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request};
use reveille_core::UnixTime;
use serde_json::{Map, Value};

use super::headers::{is_uuid, one, seconds};
use super::{Refusal, payload};

/// Apple's limit for broadcasts.
const MAX_PAYLOAD: usize = 5_120;

/// The longest that a channel keeps a broadcast: 8 hours.
const MAX_KEPT: Duration = Duration::from_secs(8 * 3_600);

/// A broadcast that the service accepted; [`ApnsService::take_broadcasts`](super::ApnsService::take_broadcasts)
/// returns them for a test to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AcceptedBroadcast {
    /// The app.
    pub bundle_id: String,
    /// The channel.
    pub channel: String,
    /// `apns-priority`.
    pub priority: u8,
    /// `apns-expiration`; 0 is one attempt.
    pub expiration: UnixTime,
    /// The payload.
    pub payload: Bytes,
}

/// Checks all but the provider token. `policy_of` tells a channel's storage policy.
pub(super) fn check(
    request: &Request<Bytes>,
    bundle_id: &str,
    policy_of: impl Fn(&str) -> Option<u8>,
    now: UnixTime,
) -> Result<AcceptedBroadcast, Refusal> {
    let bad = |reason| Refusal::new(400, reason);
    if request.method() != Method::POST {
        return Err(Refusal::new(405, "MethodNotAllowed"));
    }
    let headers = request.headers();
    if one(headers, "apns-request-id", "BadMessageId")?.is_some_and(|id| !is_uuid(id)) {
        return Err(bad("BadMessageId"));
    }
    let channel = one(headers, "apns-channel-id", "BadChannelId")?.ok_or_else(|| bad("MissingChannelId"))?;
    match one(headers, "apns-push-type", "InvalidPushType")? {
        None => return Err(bad("MissingPushType")),
        Some("liveactivity") => {}
        Some(_) => return Err(bad("InvalidPushType")),
    }
    let expiration = one(headers, "apns-expiration", "BadExpirationDate")?.and_then(seconds);
    let expiration = expiration.ok_or_else(|| bad("BadExpirationDate"))?;
    let priority = match one(headers, "apns-priority", "BadPriority")? {
        Some("10") => 10,
        Some("5") => 5,
        Some("1") => 1,
        _ => return Err(bad("BadPriority")),
    };
    let policy = policy_of(channel).ok_or_else(|| bad("ChannelNotRegistered"))?;
    let too_long = UnixTime::from_secs(expiration).since(now) > MAX_KEPT;
    if (policy == 0 && expiration != 0) || too_long {
        return Err(bad("BadExpirationDate"));
    }
    let body = request.body();
    if body.is_empty() {
        return Err(bad("PayloadEmpty"));
    }
    if body.len() > MAX_PAYLOAD {
        return Err(Refusal::new(413, "PayloadTooLarge"));
    }
    let payload: Map<String, Value> = serde_json::from_slice(body).map_err(|_| bad("BadRequestPayload"))?;
    let aps = payload.get("aps").and_then(Value::as_object).ok_or_else(|| bad("BadRequestPayload"))?;
    if !payload::is_activity(aps, false) || !payload::values_are_legal(aps) {
        return Err(bad("BadRequestPayload"));
    }
    Ok(AcceptedBroadcast {
        bundle_id: bundle_id.to_owned(),
        channel: channel.to_owned(),
        priority,
        expiration: UnixTime::from_secs(expiration),
        payload: body.clone(),
    })
}
