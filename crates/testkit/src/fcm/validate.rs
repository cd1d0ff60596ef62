//! JSON against the table of the schema.

use serde_json::{Map, Value};

use super::schema::{Kind, Object, camel};

/// A field of a request that is not as the schema has it; [`validate`] returns them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "it says all there is to say")]
pub struct Violation {
    /// Its path, such as `message.android.ttl`.
    pub field: String,
    /// What is wrong.
    pub description: String,
}

impl Violation {
    pub(super) fn new(field: impl Into<String>, description: impl Into<String>) -> Self {
        Self { field: field.into(), description: description.into() }
    }
}

/// Everything in `value` that `object` does not allow. Both spellings of a name are fine, one of them at a time.
#[must_use]
pub fn validate(object: &Object, value: &Value) -> Vec<Violation> {
    let mut violations = Vec::new();
    check_object(object, value, "", &mut violations);
    violations
}

/// A field by its name in `lowerCamelCase`, whichever spelling it has.
pub(super) fn field<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    let map = value.as_object()?;
    map.get(name).or_else(|| map.get(&super::schema::snake(name))).filter(|value| !value.is_null())
}

fn check_object(object: &Object, value: &Value, path: &str, violations: &mut Vec<Violation>) {
    let Value::Object(map) = value else {
        violations.push(Violation::new(path, format!("expected a {} object", object.name)));
        return;
    };
    let mut seen = Vec::with_capacity(map.len());
    for (name, value) in map {
        let at = if path.is_empty() { camel(name) } else { format!("{path}.{}", camel(name)) };
        let name = camel(name);
        let Some((known, kind)) = object.fields.iter().find(|(known, _)| **known == *name) else {
            violations.push(Violation::new(
                path,
                format!("Invalid JSON payload received. Unknown name \"{name}\""),
            ));
            continue;
        };
        if seen.contains(known) {
            violations.push(Violation::new(at.clone(), "set twice, in both spellings"));
        }
        seen.push(*known);
        if !value.is_null() {
            check(*kind, value, &at, violations);
        }
    }
}

fn check(kind: Kind, value: &Value, path: &str, violations: &mut Vec<Violation>) {
    let ok = match kind {
        Kind::Object(object) => return check_object(object, value, path, violations),
        Kind::Text => value.is_string(),
        Kind::Bool => value.is_boolean(),
        Kind::Int32 => value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
        Kind::Float => value.is_number(),
        Kind::Duration => value.as_str().is_some_and(is_duration),
        Kind::Time => value.as_str().is_some_and(is_time),
        Kind::Texts => all(value, |item| item.is_string()),
        Kind::Durations => all(value, |item| item.as_str().is_some_and(is_duration)),
        Kind::TextMap => value.as_object().is_some_and(|map: &Map<_, _>| map.values().all(Value::is_string)),
        Kind::Any => value.is_object(),
        Kind::Enum(values) => value.as_str().is_some_and(|text| values.contains(&text)),
    };
    if !ok {
        violations.push(Violation::new(path, format!("Invalid value, expected {kind:?}")));
    }
}

fn all(value: &Value, ok: impl Fn(&Value) -> bool) -> bool {
    value.as_array().is_some_and(|items| items.iter().all(ok))
}

/// `-?[0-9]+(\.[0-9]{1,9})?s`
fn is_duration(text: &str) -> bool {
    let Some(number) = text.strip_suffix('s') else { return false };
    let number = number.strip_prefix('-').unwrap_or(number);
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match number.split_once('.') {
        Some((secs, fraction)) => digits(secs) && digits(fraction) && fraction.len() <= 9,
        None => digits(number),
    }
}

/// `YYYY-MM-DDThh:mm:ss[.f](Z|±hh:mm)`; the calendar is not checked.
fn is_time(text: &str) -> bool {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let Some(rest) = shape.strip_prefix("0000-00-00T00:00:00") else { return false };
    let rest = match rest.strip_prefix('.') {
        Some(fraction) => {
            let zone = fraction.trim_start_matches('0');
            if !(1..=9).contains(&(fraction.len() - zone.len())) {
                return false;
            }
            zone
        }
        None => rest,
    };
    matches!(rest, "Z" | "+00:00" | "-00:00")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fcm::SEND_MESSAGE_REQUEST;

    #[test]
    fn what_is_not_in_the_schema_is_found() {
        let fine = json!({"message": {"token": "t", "android": {"ttl": "3.5s", "collapse_key": "k"}}, "validate_only": true});
        assert_eq!(validate(&SEND_MESSAGE_REQUEST, &fine), []);
        for (value, field) in [
            (json!({"message": {"to": "t"}}), "message"),
            (json!({"message": {"data": {"a": 1}}}), "message.data"),
            (json!({"message": {"android": {"ttl": 3}}}), "message.android.ttl"),
            (json!({"message": {"android": {"priority": "URGENT"}}}), "message.android.priority"),
            (
                json!({"message": {"android": {"notification": {"event_time": "today"}}}}),
                "message.android.notification.eventTime",
            ),
            (json!({"validateOnly": true, "validate_only": true}), "validateOnly"),
            (json!([]), ""),
        ] {
            let found = validate(&SEND_MESSAGE_REQUEST, &value);
            assert_eq!(found.iter().map(|v| v.field.as_str()).collect::<Vec<_>>(), [field], "{value}");
        }
    }
}
