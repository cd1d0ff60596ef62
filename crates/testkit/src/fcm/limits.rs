//! What the schema does not say: one target, reserved keys, sizes, forms of values.

use serde_json::{Map, Value};

use super::validate::{Violation, field};

/// Bytes for a device.
const DEVICE_LIMIT: usize = 4_096;
/// Bytes for a topic or a condition.
const TOPIC_LIMIT: usize = 2_048;
/// Seconds that a message may be kept: 4 weeks.
const MAX_TTL: u64 = 2_419_200;

/// Checks a message that fits the schema.
pub(super) fn check(message: &Value) -> Vec<Violation> {
    let mut violations = Vec::new();
    let targets: Vec<&str> = ["fid", "token", "topic", "condition"]
        .into_iter()
        .filter(|name| field(message, name).is_some())
        .collect();
    if targets.len() != 1 {
        violations
            .push(Violation::new("message", "Exactly one of fid, token, topic or condition is required"));
    }
    if field(message, "android").is_some() && field(message, "androidV2").is_some() {
        violations
            .push(Violation::new("message.android_v2", "android and android_v2 are mutually exclusive"));
    }
    for part in ["", "android", "androidV2", "webpush"] {
        let holder = if part.is_empty() { Some(message) } else { field(message, part) };
        if let Some(Value::Object(data)) = holder.and_then(|holder| field(holder, "data")) {
            reserved_keys(data, part, &mut violations);
        }
    }
    for part in ["android", "androidV2"] {
        if let Some(ttl) =
            field(message, part).and_then(|config| field(config, "ttl")).and_then(Value::as_str)
        {
            let secs: Option<u64> =
                ttl.trim_end_matches('s').split('.').next().and_then(|secs| secs.parse().ok());
            if secs.is_none_or(|secs| secs > MAX_TTL) {
                violations.push(Violation::new(format!("message.{part}.ttl"), "Invalid TTL"));
            }
        }
    }
    forms(message, &mut violations);
    let to_device = targets.iter().any(|target| matches!(*target, "fid" | "token"));
    let limit = if to_device { DEVICE_LIMIT } else { TOPIC_LIMIT };
    for (platform, size) in sizes(message) {
        if size > limit {
            let message = format!("{platform} message is too big: {size} bytes, the limit is {limit}");
            violations.push(Violation::new("message", message));
        }
    }
    violations
}

fn reserved_keys(data: &Map<String, Value>, part: &str, violations: &mut Vec<Violation>) {
    for key in data.keys() {
        let reserved = matches!(key.as_str(), "from" | "message_type")
            || key.starts_with("google.")
            || key.starts_with("gcm.notification.");
        if reserved || key.is_empty() {
            let part = if part.is_empty() { String::new() } else { format!("{part}.") };
            violations.push(Violation::new(
                format!("message.{part}data"),
                format!("Invalid data payload key: {key}"),
            ));
        }
    }
}

fn forms(message: &Value, violations: &mut Vec<Violation>) {
    let android = field(message, "android").and_then(|config| field(config, "notification"));
    let remote = field(message, "androidV2").and_then(|config| field(config, "remoteNotification"));
    for shown in [android, remote.and_then(|remote| field(remote, "notification"))].into_iter().flatten() {
        let color = field(shown, "color").and_then(Value::as_str);
        let is_color = |text: &str| {
            text.strip_prefix('#')
                .is_some_and(|hex| hex.len() == 6 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
        };
        if color.is_some_and(|color| !is_color(color)) {
            violations.push(Violation::new(
                "message.android.notification.color",
                "Color must be in the form #RRGGBB",
            ));
        }
    }
    apns(message, violations);
    let link = field(message, "webpush").and_then(|w| field(w, "fcmOptions")).and_then(|o| field(o, "link"));
    if link.and_then(Value::as_str).is_some_and(|link| !link.starts_with("https://")) {
        violations.push(Violation::new("message.webpush.fcm_options.link", "Link must be https"));
    }
}

/// The parts for Apple that are looked at before Apple is asked.
fn apns(message: &Value, violations: &mut Vec<Violation>) {
    let Some(config) = field(message, "apns") else { return };
    let mut refuse =
        |at: &str, what: &str| violations.push(Violation::new(format!("message.apns.{at}"), what));
    if let Some(payload) = field(config, "payload") {
        match payload.get("aps") {
            Some(Value::Object(aps)) => {
                if aps.get("alert").is_some_and(|alert| !alert.is_string() && !alert.is_object()) {
                    refuse("payload.aps.alert", "alert must be a string or a dictionary");
                }
                if aps.get("badge").is_some_and(|badge| !badge.is_number()) {
                    refuse("payload.aps.badge", "badge must be a number");
                }
            }
            _ => refuse("payload.aps", "aps must be a dictionary"),
        }
    }
    if let Some(Value::Object(headers)) = field(config, "headers") {
        for (name, value) in headers {
            let text = value.as_str().unwrap_or_default();
            if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
                || !text.bytes().all(|b| (32..127).contains(&b))
            {
                refuse("headers", "Invalid header");
            }
        }
    }
}

/// Keys and values of the merged data, and the texts of the merged notification, for each platform; for APNs the
/// payload as it is.
fn sizes(message: &Value) -> [(&'static str, usize); 3] {
    let shared_data = field(message, "data");
    let shared = field(message, "notification");
    let data_of = |part: Option<&Value>| {
        part.and_then(|part| field(part, "data").cloned()).or_else(|| shared_data.cloned())
    };
    let android = field(message, "android").or_else(|| field(message, "androidV2"));
    let android_shown = android.and_then(|config| {
        field(config, "notification")
            .or_else(|| field(config, "remoteNotification").and_then(|r| field(r, "notification")))
    });
    let webpush = field(message, "webpush");
    let payload = field(message, "apns").and_then(|apns| field(apns, "payload"));
    let merged = |own: Option<&Value>| {
        let mut merged = shared.and_then(Value::as_object).cloned().unwrap_or_default();
        merged.extend(own.and_then(Value::as_object).cloned().unwrap_or_default());
        texts(&Value::Object(merged))
    };
    let payload_size = payload.map_or(0, |payload| payload.to_string().len());
    [
        ("Android", entries(data_of(android)) + merged(android_shown)),
        (
            "Webpush",
            entries(data_of(webpush)) + merged(webpush.and_then(|webpush| field(webpush, "notification"))),
        ),
        ("APNs", payload_size.max(entries(shared_data.cloned()))),
    ]
}

fn entries(data: Option<Value>) -> usize {
    let Some(Value::Object(data)) = data else { return 0 };
    data.iter().map(|(key, value)| key.len() + texts(value)).sum()
}

fn texts(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(texts).sum(),
        Value::Object(map) => map.values().map(texts).sum(),
        _ => 0,
    }
}
