//! The top level of a legacy request.

use std::time::Duration;

use reveille_core::UnixTime;
use reveille_payload::{InvalidJson, JsonObject, from_json};
use serde_json::{Map, Value};

use super::notification::{self, Platforms};
use super::{Converted, LegacyError, Note};
use crate::android::{AndroidConfig, AndroidPriority};
use crate::message::text::quoted;
use crate::message::{
    AnalyticsLabel, ApnsConfig, ApnsHeaders, Data, FcmOptions, Message, Ttl, WebpushConfig,
    WebpushFcmOptions, WebpushHeaders,
};
use crate::target::{Condition, RegistrationToken, Target, Topic};

/// Tokens that one legacy request could have.
const MAX_TARGETS: usize = 1_000;

/// Converts the JSON of a legacy request. Nothing is lost silently: what has no place in v1, or not the same meaning,
/// is in the notes.
///
/// ```
/// use reveille_core::UnixTime;
/// use reveille_fcm::legacy;
///
/// let old = br#"{
///   "to": "device-token",
///   "notification": {"title": "Anna", "body": "Are you still there?", "click_action": "OPEN_CHAT", "badge": "1"},
///   "data": {"contactId": "c-1", "unread": 3},
///   "priority": "high",
///   "time_to_live": 3600,
///   "delay_while_idle": true
/// }"#;
/// let new = legacy::convert(old, UnixTime::from_secs(1_000))?;
/// assert_eq!(serde_json::to_string(&new.message)?, concat!(
///     r#"{"data":{"contactId":"c-1","unread":"3"},"#,
///     r#""notification":{"title":"Anna","body":"Are you still there?"},"#,
///     r#""webpush":{"headers":{"TTL":"3600","Urgency":"high"}},"#,
///     r#""apns":{"headers":{"apns-expiration":"4600","apns-priority":"10"},"#,
///     r#""payload":{"aps":{"badge":1,"category":"OPEN_CHAT"}}},"#,
///     r#""android":{"priority":"HIGH","ttl":"3600s","notification":{"clickAction":"OPEN_CHAT"}}}"#,
/// ));
/// let notes: Vec<_> = new.notes.iter().map(ToString::to_string).collect();
/// assert_eq!(notes, [
///     "data.unread changed: values are strings in v1",
///     "delay_while_idle not mapped: has had no effect since 2016",
/// ]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`LegacyError`] if it is not a JSON object, or its target is missing, doubled or malformed.
pub fn convert(json: &[u8], now: UnixTime) -> Result<Converted, LegacyError> {
    let old: Map<String, Value> = from_json(json)?;
    let mut converter = Converter { old, notes: Vec::new(), platforms: Platforms::default() };
    let targets = converter.targets()?;
    let validate_only = converter.boolean("dry_run").unwrap_or_default();
    let mut message = Message::new();
    if let Some(Value::Object(data)) = converter.take("data") {
        message.data = converter.data(data);
    }
    if let Some(Value::Object(old)) = converter.take("notification") {
        message.notification = notification::convert(old, &mut converter.platforms, &mut converter.notes);
    }
    converter.delivery(message.notification.is_some(), now);
    message.fcm_options = converter.fcm_options();
    converter.leftovers();
    converter.platforms.put_into(&mut message)?;
    Ok(Converted { message, targets, validate_only, notes: converter.notes })
}

struct Converter {
    old: Map<String, Value>,
    notes: Vec<Note>,
    platforms: Platforms,
}

impl Converter {
    fn take(&mut self, key: &str) -> Option<Value> {
        self.old.remove(key).filter(|value| !value.is_null())
    }

    fn boolean(&mut self, key: &str) -> Option<bool> {
        match self.take(key)? {
            Value::Bool(value) => Some(value),
            _ => {
                self.note(key, true, "is not a boolean");
                None
            }
        }
    }

    fn string(&mut self, key: &str) -> Option<String> {
        match self.take(key)? {
            Value::String(text) => Some(text),
            _ => {
                self.note(key, true, "is not a string");
                None
            }
        }
    }

    fn note(&mut self, field: &str, lost: bool, why: &'static str) {
        self.notes.push(Note { field: quoted(field), lost, why: why.into() });
    }

    fn error(&mut self, field: String, error: &impl ToString) {
        self.notes.push(Note { field, lost: true, why: error.to_string().into() });
    }

    fn targets(&mut self) -> Result<Vec<Target>, LegacyError> {
        let (to, many, condition) = (self.take("to"), self.take("registration_ids"), self.take("condition"));
        let found =
            [to.is_some(), many.is_some(), condition.is_some()].into_iter().filter(|found| *found).count();
        if found != 1 {
            return Err(LegacyError::Targets { found });
        }
        if let Some(to) = to {
            return Ok(vec![target("to", &to)?]);
        }
        if let Some(condition) = condition {
            let text =
                condition.as_str().ok_or(LegacyError::Kind { field: "condition", expected: "a string" })?;
            return Ok(vec![text.parse::<Condition>()?.into()]);
        }
        let Some(Value::Array(many)) = many else {
            return Err(LegacyError::Kind { field: "registration_ids", expected: "a list" });
        };
        if many.len() > MAX_TARGETS {
            return Err(LegacyError::TooManyTargets { count: many.len(), limit: MAX_TARGETS });
        }
        if many.is_empty() {
            return Err(LegacyError::Targets { found: 0 });
        }
        many.iter().map(|to| target("registration_ids", to)).collect()
    }

    fn data(&mut self, old: Map<String, Value>) -> Option<Data> {
        let mut data = Data::default();
        for (key, value) in old {
            let field = format!("data.{}", quoted(&key));
            let text = match value {
                Value::String(text) => text,
                Value::Object(_) | Value::Array(_) => {
                    self.notes.push(Note {
                        field: field.clone(),
                        lost: false,
                        why: "is now its JSON text".into(),
                    });
                    value.to_string()
                }
                scalar => {
                    self.notes.push(Note {
                        field: field.clone(),
                        lost: false,
                        why: "values are strings in v1".into(),
                    });
                    scalar.to_string()
                }
            };
            if let Err(error) = data.insert(key, text) {
                self.error(field, &error);
            }
        }
        (!data.is_empty()).then_some(data)
    }

    /// Priority, life and collapsing, each in the words of all three platforms.
    fn delivery(&mut self, shows: bool, now: UnixTime) {
        let background = self.boolean("content_available") == Some(true);
        if background {
            self.platforms.aps.insert("content-available".into(), 1.into());
        }
        if self.boolean("mutable_content") == Some(true) {
            self.platforms.aps.insert("mutable-content".into(), 1.into());
        }
        self.priority(background && !shows);
        self.time_to_live(now);
        if let Some(key) = self.string("collapse_key") {
            if self.platforms.apns_headers.insert("apns-collapse-id", key.clone()).is_err() {
                self.note(
                    "collapse_key",
                    false,
                    "is no apns-collapse-id (1 to 64 bytes, ASCII): not for Apple devices",
                );
            }
            if self.platforms.webpush_headers.insert("Topic", key.clone()).is_err() {
                self.note(
                    "collapse_key",
                    false,
                    "is no Topic (32 characters of base64url): not for Web Push",
                );
            }
            self.platforms.android.collapse_key = Some(key.into());
        }
        self.platforms.android.restricted_package_name =
            self.string("restricted_package_name").map(Into::into);
        self.platforms.android.direct_boot_ok = self.boolean("direct_boot_ok");
    }

    fn priority(&mut self, silent: bool) {
        let high = match self.take("priority") {
            None => None,
            Some(Value::String(word)) if word.eq_ignore_ascii_case("high") => Some(true),
            Some(Value::String(word)) if word.eq_ignore_ascii_case("normal") => Some(false),
            Some(Value::Number(number)) if number.as_u64() == Some(10) => Some(true),
            Some(Value::Number(number)) if number.as_u64() == Some(5) => Some(false),
            Some(_) => {
                self.note("priority", true, "is neither high nor normal");
                None
            }
        };
        if let Some(high) = high {
            let priority = if high { AndroidPriority::High } else { AndroidPriority::Normal };
            self.platforms.android.priority = Some(priority);
            let urgency = if high { "high" } else { "normal" };
            self.set_webpush("Urgency", urgency.to_owned());
        }
        if silent {
            // Apple refuses a background push of any other priority.
            self.set_apns("apns-push-type", "background".to_owned());
            self.set_apns("apns-priority", "5".to_owned());
            if high == Some(true) {
                self.note(
                    "priority",
                    false,
                    "is 5 for Apple devices: content_available alone is a background push",
                );
            }
        } else if let Some(high) = high {
            self.set_apns("apns-priority", if high { "10" } else { "5" }.to_owned());
        }
    }

    fn time_to_live(&mut self, now: UnixTime) {
        let given = match self.take("time_to_live") {
            Some(value) => Some(("time_to_live", value)),
            None => self.take("ttl").map(|value| ("ttl", value)),
        };
        let Some((field, value)) = given else { return };
        if field == "ttl" {
            self.note("ttl", false, "was never a field of the legacy API; taken as time_to_live");
        }
        let secs = match &value {
            Value::Number(number) => number.as_u64(),
            Value::String(text) => text.strip_suffix('s').unwrap_or(text).parse().ok(),
            _ => None,
        };
        let Some(secs) = secs else {
            self.note(field, true, "is not a number of seconds");
            return;
        };
        let ttl = Ttl::new(Duration::from_secs(secs)).unwrap_or(Ttl::MAX);
        if u64::from(ttl.as_secs()) != secs {
            self.note(field, false, "cut to 4 weeks");
        }
        self.platforms.android.ttl = Some(ttl);
        self.set_webpush("TTL", ttl.as_secs().to_string());
        // 0 stays 0, which Apple takes as "now or never", not as a time in 1970.
        let until =
            if ttl == Ttl::ZERO { 0 } else { (now + Duration::from_secs(ttl.as_secs().into())).as_secs() };
        self.set_apns("apns-expiration", until.to_string());
    }

    /// A header whose name and value are ours.
    fn set_apns(&mut self, name: &'static str, value: String) {
        self.platforms.apns_headers.replace(name.into(), value.into());
    }

    fn set_webpush(&mut self, name: &'static str, value: String) {
        self.platforms.webpush_headers.replace(name.into(), value.into());
    }

    fn fcm_options(&mut self) -> Option<FcmOptions> {
        let Some(Value::Object(mut options)) = self.take("fcm_options") else { return None };
        let label = options.remove("analytics_label");
        for key in options.keys() {
            self.notes.push(Note {
                field: format!("fcm_options.{}", quoted(key)),
                lost: true,
                why: "unknown field".into(),
            });
        }
        match AnalyticsLabel::new(label?.as_str().unwrap_or_default().to_owned()) {
            Ok(label) => Some(FcmOptions::new().with_analytics_label(label)),
            Err(error) => {
                self.error("fcm_options.analytics_label".into(), &error);
                None
            }
        }
    }

    fn leftovers(&mut self) {
        for (key, value) in std::mem::take(&mut self.old) {
            let why = match key.as_str() {
                _ if value.is_null() => continue,
                "delay_while_idle" => "has had no effect since 2016",
                "notification_key" => "a device group is addressed with its key as token",
                "notification" | "data" | "fcm_options" => "is not an object",
                _ => "unknown field",
            };
            self.note(&key, true, why);
        }
    }
}

fn target(field: &'static str, to: &Value) -> Result<Target, LegacyError> {
    let Some(to) = to.as_str() else {
        return Err(LegacyError::Kind { field, expected: "a string" });
    };
    let parsed = match to.strip_prefix("/topics/") {
        Some(topic) => Topic::new(topic.to_owned()).map(Target::Topic),
        None => RegistrationToken::new(to.to_owned()).map(Target::Token),
    };
    parsed.map_err(|error| LegacyError::Target { field, error })
}

impl Platforms {
    fn put_into(self, message: &mut Message) -> Result<(), InvalidJson> {
        if self.android != AndroidConfig::default() {
            message.android = Some(self.android.into());
        }
        let mut apns = ApnsConfig::new();
        if self.apns_headers != ApnsHeaders::default() {
            apns.headers = Some(self.apns_headers);
        }
        let mut aps = self.aps;
        if !self.alert.is_empty() {
            aps.insert("alert".into(), self.alert.into());
        }
        if !aps.is_empty() {
            apns.payload =
                Some(JsonObject::from_serialize(&Map::from_iter([("aps".to_owned(), aps.into())]))?);
        }
        if apns != ApnsConfig::default() {
            message.apns = Some(Box::new(apns));
        }
        let mut webpush = WebpushConfig::new();
        if self.webpush_headers != WebpushHeaders::default() {
            webpush.headers = Some(self.webpush_headers);
        }
        if !self.web_notification.is_empty() {
            webpush.notification = Some(JsonObject::from_serialize(&self.web_notification)?);
        }
        webpush.fcm_options = self.link.map(|link| WebpushFcmOptions::new().with_link(link));
        if webpush != WebpushConfig::default() {
            message.webpush = Some(Box::new(webpush));
        }
        Ok(())
    }
}
