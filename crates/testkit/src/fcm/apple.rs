//! Apple behind FCM: what it says about headers and payload, by rules of this file alone ("Sending notification requests
//! to APNs", "Generating a remote notification").

use serde_json::{Map, Value};

use super::Device;
use super::refusal::Refusal;

use super::validate::field;

const TYPES: &str = "alert background complication controls fileprovider liveactivity location mdm pushtotalk urlsession \
                     voip widgets";

/// Checks a message for an Apple device; for others Apple is not asked.
pub(super) fn check(device: Option<Device>, message: &Value) -> Result<(), Refusal> {
    match device {
        Some(Device::Apple) => {}
        Some(Device::AppleGone) => return Err(Refusal::Apple { status: 410, reason: "Unregistered" }),
        _ => return Ok(()),
    }
    let refuse = |reason| Err(Refusal::Apple { status: 400, reason });
    let config = field(message, "apns");
    let none = Map::new();
    let headers =
        config.and_then(|config| field(config, "headers")).and_then(Value::as_object).unwrap_or(&none);
    let header = |name: &str| {
        headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .and_then(|(_, value)| value.as_str())
    };
    let payload = config.and_then(|config| field(config, "payload"));
    let aps = payload.and_then(|payload| payload.get("aps"));
    let has = |name: &str| aps.is_some_and(|aps| aps.get(name).is_some());
    let shared = field(message, "notification").is_some();
    let shows = shared || ["alert", "badge", "sound"].iter().any(|name| has(name));
    // FCM sends 10 where nothing is said.
    let priority = header("apns-priority").unwrap_or("10");
    if !["1", "5", "10"].contains(&priority) {
        return refuse("BadPriority");
    }
    let kind = header("apns-push-type").unwrap_or(if shows { "alert" } else { "background" });
    if !TYPES.split_whitespace().any(|known| known == kind) {
        return refuse("InvalidPushType");
    }
    let said_background = header("apns-push-type") == Some("background");
    if said_background && (priority == "10" || shows) {
        return refuse("BadPriority");
    }
    if header("apns-collapse-id").is_some_and(|id| id.is_empty() || id.len() > 64) {
        return refuse("BadCollapseId");
    }
    if header("apns-expiration").is_some_and(|time| time.parse::<u64>().is_err()) {
        return refuse("BadExpirationDate");
    }
    Ok(())
}
