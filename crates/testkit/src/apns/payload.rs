//! What a payload must be, for its push type.

use serde_json::{Map, Value};

use super::Refusal;

/// Topic suffix per push type (Apple's table of push types).
const SUFFIXES: [(&str, &str); 11] = [
    ("alert", ""),
    ("background", ""),
    ("complication", ".complication"),
    ("controls", ".push-type.controls"),
    ("fileprovider", ".pushkit.fileprovider"),
    ("liveactivity", ".push-type.liveactivity"),
    ("location", ".location-query"),
    ("mdm", ""),
    ("pushtotalk", ".voip-ptt"),
    ("voip", ".voip"),
    ("widgets", ".push-type.widgets"),
];

/// The suffix that the topic of a push type must have; `None` if there is no such type.
pub(super) fn topic_suffix(push_type: &str) -> Option<&'static str> {
    SUFFIXES.iter().find(|(name, _)| *name == push_type).map(|(_, suffix)| *suffix)
}

pub(super) fn max_payload(push_type: &str) -> usize {
    if push_type == "voip" { 5_120 } else { 4_096 }
}

/// Checks that the payload is a JSON object that fits the push type.
///
/// Apple documents no reason for a payload that does not fit; the answer here is 400 `InvalidPushType`, and
/// `PayloadEmpty` for what is no JSON object.
pub(super) fn check(push_type: &str, body: &[u8]) -> Result<(), Refusal> {
    let payload: Map<String, Value> =
        serde_json::from_slice(body).map_err(|_| Refusal::new(400, "PayloadEmpty"))?;
    let mismatch = Refusal::new(400, "InvalidPushType");
    if push_type == "mdm" {
        return if payload.get("mdm").is_some_and(Value::is_string) { Ok(()) } else { Err(mismatch) };
    }
    if push_type == "fileprovider" {
        return Ok(());
    }
    let aps = payload.get("aps").and_then(Value::as_object).ok_or(mismatch)?;
    let fits = match push_type {
        "background" => aps.len() == 1 && aps.get("content-available") == Some(&1.into()),
        "liveactivity" => is_activity(aps, true),
        _ => true,
    };
    if fits && values_are_legal(aps) { Ok(()) } else { Err(mismatch) }
}

/// An event of a Live Activity, with all that Apple requires of it.
pub(super) fn is_activity(aps: &Map<String, Value>, may_start: bool) -> bool {
    let object = |key: &str| aps.get(key).is_some_and(Value::is_object);
    let text = |key: &str| aps.get(key).is_some_and(Value::is_string);
    let event = match aps.get("event").and_then(Value::as_str) {
        Some("start") => {
            may_start
                && object("attributes")
                && object("content-state")
                && text("attributes-type")
                && object("alert")
        }
        Some("update") => object("content-state"),
        Some("end") => true,
        _ => false,
    };
    event && aps.get("timestamp").is_some_and(Value::is_u64)
}

/// The types and ranges of the `aps` keys.
pub(super) fn values_are_legal(aps: &Map<String, Value>) -> bool {
    aps.iter().all(|(key, value)| match key.as_str() {
        "alert" => value.is_string() || value.is_object(),
        "badge" | "timestamp" | "stale-date" | "dismissal-date" => value.is_u64(),
        "sound" => value.is_string() || value.as_object().is_some_and(|sound| is_critical_sound(sound, aps)),
        "content-available" | "mutable-content" | "input-push-token" => *value == 1,
        "interruption-level" => {
            matches!(value.as_str(), Some("passive" | "active" | "time-sensitive" | "critical"))
        }
        "relevance-score" if aps.contains_key("event") => value.is_number(),
        "relevance-score" => value.as_f64().is_some_and(|score| (0.0..=1.0).contains(&score)),
        "content-changed" => value.is_boolean(),
        "content-state" | "attributes" => value.is_object(),
        "url-args" => value.as_array().is_some_and(|args| args.iter().all(Value::is_string)),
        "thread-id" | "category" | "target-content-id" | "filter-criteria" | "event" | "attributes-type"
        | "input-push-channel" => value.is_string(),
        // APNs ignores what it does not know.
        _ => true,
    })
}

fn is_critical_sound(sound: &Map<String, Value>, aps: &Map<String, Value>) -> bool {
    let volume = sound.get("volume").and_then(Value::as_f64);
    sound.get("critical") == Some(&1.into())
        && sound.get("name").is_some_and(Value::is_string)
        && volume.is_none_or(|volume| (0.0..=1.0).contains(&volume))
        && aps.get("interruption-level").and_then(Value::as_str) == Some("critical")
}
