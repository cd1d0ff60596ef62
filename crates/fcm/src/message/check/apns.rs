//! Apple's part: the payload ("Generating a remote notification") and the headers that must agree with it.

use serde_json::{Map, Value};

use super::{Checked, InvalidMessage};
use crate::message::{ApnsConfig, ApnsHeaders};

/// `shared_shows`: the message has a title or a body of its own, which FCM puts into the alert.
pub(super) fn check(config: &ApnsConfig, shared_shows: bool) -> Checked {
    let Some(payload) = &config.payload else {
        return check_headers(config.headers.as_ref(), None, shared_shows);
    };
    let payload: Map<String, Value> =
        payload.to().map_err(|error| InvalidMessage::new("apns.payload", error.to_string()))?;
    check_payload(&payload, config.live_activity_token.is_some())?;
    let aps = payload.get("aps").and_then(Value::as_object);
    check_headers(config.headers.as_ref(), aps, shared_shows)
}

/// The same for parts that come by themselves.
pub(in crate::message) fn check_parts(payload: &Map<String, Value>, headers: &ApnsHeaders) -> Checked {
    check_payload(payload, false)?;
    // Whether the message shows something is not known yet; `Message::check` looks again.
    check_headers(Some(headers), payload.get("aps").and_then(Value::as_object), false)
}

fn check_payload(payload: &Map<String, Value>, live_activity: bool) -> Checked {
    let path = |name: &str| format!("apns.payload.aps{}{name}", if name.is_empty() { "" } else { "." });
    let aps = match payload.get("aps") {
        Some(Value::Object(aps)) => aps,
        other => return Err(InvalidMessage::kind(path(""), "an object", other)),
    };
    match aps.get("alert") {
        None | Some(Value::String(_)) => {}
        Some(Value::Object(alert)) => check_alert(alert)?,
        other => return Err(InvalidMessage::kind(path("alert"), "a string or an object", other)),
    }
    match aps.get("badge") {
        None => {}
        Some(badge) if badge.as_u64().is_some() => {}
        other => return Err(InvalidMessage::kind(path("badge"), "a number from 0 on", other)),
    }
    check_sound(aps.get("sound"))?;
    for name in ["content-available", "mutable-content"] {
        match aps.get(name) {
            None => {}
            Some(flag) if matches!(flag.as_u64(), Some(0 | 1)) => {}
            other => return Err(InvalidMessage::kind(path(name), "0 or 1", other)),
        }
    }
    for name in ["category", "thread-id", "target-content-id", "filter-criteria"] {
        if let other @ Some(_) = aps.get(name)
            && !other.is_some_and(Value::is_string)
        {
            return Err(InvalidMessage::kind(path(name), "a string", other));
        }
    }
    match aps.get("interruption-level") {
        None => {}
        Some(Value::String(level))
            if matches!(level.as_str(), "passive" | "active" | "time-sensitive" | "critical") => {}
        other => {
            let expected = "passive, active, time-sensitive or critical";
            return Err(InvalidMessage::kind(path("interruption-level"), expected, other));
        }
    }
    match aps.get("relevance-score") {
        None => {}
        Some(Value::Number(_)) => {}
        other => return Err(InvalidMessage::kind(path("relevance-score"), "a number", other)),
    }
    if live_activity {
        check_live_activity(aps)?;
    }
    Ok(())
}

fn check_alert(alert: &Map<String, Value>) -> Checked {
    let path = |name: &str| format!("apns.payload.aps.alert.{name}");
    for name in [
        "title",
        "subtitle",
        "body",
        "loc-key",
        "title-loc-key",
        "subtitle-loc-key",
        "action-loc-key",
        "launch-image",
    ] {
        match alert.get(name) {
            // Apple takes null as "not set".
            None | Some(Value::String(_) | Value::Null) => {}
            other => return Err(InvalidMessage::kind(path(name), "a string", other)),
        }
    }
    for (arguments, key) in [
        ("loc-args", "loc-key"),
        ("title-loc-args", "title-loc-key"),
        ("subtitle-loc-args", "subtitle-loc-key"),
    ] {
        let list = match alert.get(arguments) {
            None | Some(Value::Null) => continue,
            Some(Value::Array(list)) if list.iter().all(Value::is_string) => list,
            other => return Err(InvalidMessage::kind(path(arguments), "an array of strings", other)),
        };
        let has_key = alert.get(key).and_then(Value::as_str).is_some_and(|key| !key.is_empty());
        if !list.is_empty() && !has_key {
            return Err(InvalidMessage::new(
                path(arguments),
                format!("arguments need a {key} that they belong to"),
            ));
        }
    }
    Ok(())
}

/// A name, or a dictionary for critical alerts: name, `critical` 0 or 1, volume from 0 to 1.
fn check_sound(sound: Option<&Value>) -> Checked {
    const PATH: &str = "apns.payload.aps.sound";
    let sound = match sound {
        None => return Ok(()),
        Some(Value::String(name)) if !name.is_empty() => return Ok(()),
        Some(Value::String(_)) => {
            return Err(InvalidMessage::new(PATH, "expected a name, found an empty string"));
        }
        Some(Value::Object(sound)) => sound,
        other => return Err(InvalidMessage::kind(PATH, "a string or an object", other)),
    };
    if sound.get("name").and_then(Value::as_str).is_none_or(str::is_empty) {
        return Err(InvalidMessage::kind(
            format!("{PATH}.name"),
            "a name that is not empty",
            sound.get("name"),
        ));
    }
    match sound.get("critical") {
        None => {}
        Some(flag) if matches!(flag.as_u64(), Some(0 | 1)) => {}
        other => return Err(InvalidMessage::kind(format!("{PATH}.critical"), "0 or 1", other)),
    }
    match sound.get("volume") {
        None => Ok(()),
        Some(volume) if volume.as_f64().is_some_and(|volume| (0.0..=1.0).contains(&volume)) => Ok(()),
        other => Err(InvalidMessage::kind(format!("{PATH}.volume"), "a number from 0 to 1", other)),
    }
}

/// "Starting and updating Live Activities with ActivityKit push notifications".
fn check_live_activity(aps: &Map<String, Value>) -> Checked {
    match aps.get("event") {
        Some(Value::String(event)) if matches!(event.as_str(), "start" | "update" | "end") => {}
        other => return Err(InvalidMessage::kind("apns.payload.aps.event", "start, update or end", other)),
    }
    match aps.get("timestamp") {
        Some(time) if time.as_u64().is_some() => Ok(()),
        other => Err(InvalidMessage::kind("apns.payload.aps.timestamp", "seconds since 1970", other)),
    }
}

fn check_headers(
    headers: Option<&ApnsHeaders>,
    aps: Option<&Map<String, Value>>,
    shared_shows: bool,
) -> Checked {
    let value = |name: &str| headers.and_then(|headers| headers.value(name));
    let shows = shared_shows
        || aps.is_some_and(|aps| ["alert", "badge", "sound"].iter().any(|name| aps.contains_key(*name)));
    let wakes = aps.and_then(|aps| aps.get("content-available")).and_then(Value::as_u64) == Some(1);
    let priority = value("apns-priority");
    match value("apns-push-type") {
        Some("background") if shows => Err(InvalidMessage::new(
            "apns.headers.apns-push-type",
            "a background push shows nothing, and this one has an alert, a badge or a sound",
        )),
        Some("background") if !wakes => Err(InvalidMessage::new(
            "apns.payload.aps.content-available",
            "a background push needs it to be 1",
        )),
        // FCM sends 10 where nothing is said.
        Some("background") if priority.is_none_or(|priority| priority == "10") => Err(InvalidMessage::new(
            "apns.headers.apns-priority",
            "a background push needs 5, and FCM sends 10 by itself",
        )),
        None if wakes && !shows && priority == Some("10") => Err(InvalidMessage::new(
            "apns.headers.apns-priority",
            "a push that shows nothing needs 5, Apple refuses 10",
        )),
        _ => Ok(()),
    }
}
