//! The body of a refusal: `google.rpc.Status` as JSON, read leniently, because a proxy or a new version may answer.

use std::time::Duration;

use reveille_core::cut_tokens;
use serde_json::Value;

use super::{ApnsError, ErrorCode};
use crate::message::ProtoDuration;

/// A longer body is not read; Google's have a few hundred bytes.
const MAX_BODY: usize = 64 * 1024;
/// More violations are not kept.
const MAX_VIOLATIONS: usize = 32;

/// What a refusal says, as far as it is known. For those who want more than [`classify`](super::classify) keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ErrorBody {
    /// `error.status`: Google's general code, such as `NOT_FOUND`.
    pub status: Option<String>,
    /// `error.message`, without anything that looks like a token.
    pub message: Option<String>,
    /// `FcmError.errorCode`.
    pub code: Option<ErrorCode>,
    /// `BadRequest.fieldViolations`.
    pub violations: Vec<FieldViolation>,
    /// `QuotaFailure`, or the quota that `ErrorInfo` names: which one.
    pub quota: Option<Quota>,
    /// `ErrorInfo.reason`, such as `SERVICE_DISABLED`.
    pub info: Option<String>,
    /// `ApnsError`: what Apple said behind FCM.
    pub apns: Option<ApnsError>,
    /// `RetryInfo.retryDelay`.
    pub retry_delay: Option<Duration>,
}

/// A field that FCM does not accept, and why: log it, for the request is wrong and stays wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FieldViolation {
    /// Its path, such as `message.android.ttl`.
    pub field: String,
    /// What is wrong with it, without anything that looks like a token.
    pub description: String,
}

/// Whose quota is used up after a 429. It decides the scope of the pause that [`classify`](crate::classify) asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Quota {
    /// 600,000 messages a minute.
    Project,
    /// Messages to one topic.
    Topic,
    /// Messages to one device: 240 a minute and 5,000 an hour, or collapsible ones (20, then one in three minutes).
    Device,
    /// It does not say.
    Unknown,
}

impl Quota {
    /// Its name in lower case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::Topic => "topic",
            Self::Device => "device",
            Self::Unknown => "unknown",
        }
    }
}

impl ErrorBody {
    /// Reads a body. `None` if it is not a JSON object with an `error` in it: HTML of a proxy, or nothing.
    #[must_use]
    pub fn parse(body: &[u8]) -> Option<Self> {
        if body.len() > MAX_BODY {
            return None;
        }
        let json: Value = serde_json::from_slice(body).ok()?;
        // Google's streaming front ends wrap the object into a list.
        let error = json.get("error").or_else(|| json.get(0)?.get("error"))?.as_object()?;
        let mut parsed = Self {
            status: error.get("status").and_then(Value::as_str).map(word),
            message: error.get("message").and_then(Value::as_str).map(cut_tokens),
            ..Self::default()
        };
        for detail in error.get("details").and_then(Value::as_array).into_iter().flatten() {
            parsed.read_detail(detail);
        }
        Some(parsed)
    }

    fn read_detail(&mut self, detail: &Value) {
        let kind = text(detail, "@type").rsplit('/').next().unwrap_or_default();
        match kind {
            "google.firebase.fcm.v1.FcmError" => {
                self.code =
                    detail.get("errorCode").and_then(Value::as_str).map(|code| ErrorCode::new(&word(code)));
            }
            "google.rpc.BadRequest" => self.violations.extend(
                list(detail, "fieldViolations").take(MAX_VIOLATIONS).map(|violation| FieldViolation {
                    field: cut_tokens(text(violation, "field")),
                    description: cut_tokens(text(violation, "description")),
                }),
            ),
            "google.rpc.QuotaFailure" => {
                let said: String = list(detail, "violations")
                    .take(MAX_VIOLATIONS)
                    .flat_map(|violation| {
                        [text(violation, "subject"), " ", text(violation, "description"), " "]
                    })
                    .collect();
                self.quota = Some(which_quota(&said));
            }
            "google.rpc.ErrorInfo" => {
                self.info = detail.get("reason").and_then(Value::as_str).map(word);
                let limit = detail.get("metadata").map_or("", |metadata| text(metadata, "quota_limit"));
                if !limit.is_empty() {
                    self.quota = Some(which_quota(limit));
                }
            }
            "google.firebase.fcm.v1.ApnsError" => {
                let reason = detail.get("reason").and_then(Value::as_str).map(word);
                let status = detail.get("statusCode").and_then(Value::as_u64);
                let status = status.and_then(|status| u16::try_from(status).ok());
                self.apns = Some(ApnsError { status, reason });
            }
            "google.rpc.RetryInfo" => {
                self.retry_delay =
                    text(detail, "retryDelay").parse::<ProtoDuration>().ok().map(ProtoDuration::as_duration);
            }
            _ => {}
        }
    }

    /// All violations are about the target: then it is the token that is wrong, not the message.
    pub(super) fn blames_target_only(&self) -> bool {
        let is_target = |violation: &FieldViolation| {
            matches!(violation.field.as_str(), "message.token" | "message.fid" | "token" | "fid")
        };
        !self.violations.is_empty() && self.violations.iter().all(is_target)
    }

    /// FCM's fixed sentence for a malformed token comes with `FcmError` alone.
    pub(super) fn names_registration_token(&self) -> bool {
        let message = self.message.as_deref().unwrap_or_default().to_ascii_lowercase();
        message.contains("not a valid fcm registration token") || message.contains("not a valid fid")
    }

    /// Google also blames the message in a sentence alone, with `FcmError` and nothing else: "Android message is too
    /// big", "Invalid data payload key: from", "Invalid value at 'message.android.ttl'". What is named there is the
    /// field at fault; `Some("")` if it cannot be told.
    pub(super) fn sentence_blames(&self) -> Option<&'static str> {
        const SENTENCES: [(&str, &str); 17] = [
            ("too big", ""),
            ("too large", ""),
            ("data payload key", "message.data"),
            ("payload key", "message.data"),
            ("message.data", "message.data"),
            ("data key", "message.data"),
            ("ttl", "message.android.ttl"),
            ("time to live", "message.android.ttl"),
            ("collapse", "message.android.collapse_key"),
            ("package name", "message.android.restricted_package_name"),
            ("analytics label", "message.fcm_options.analytics_label"),
            ("topic", "message.topic"),
            ("condition", "message.condition"),
            ("priority", "message.android.priority"),
            ("notification", "message.notification"),
            ("json payload", ""),
            ("invalid value at", ""),
        ];
        let message = self.message.as_deref().unwrap_or_default().to_ascii_lowercase();
        SENTENCES.into_iter().find(|(words, _)| message.contains(words)).map(|(_, field)| field)
    }
}

fn which_quota(said: &str) -> Quota {
    let said = said.to_ascii_lowercase();
    match () {
        () if said.contains("device") || said.contains("token") || said.contains("registration") => {
            Quota::Device
        }
        () if said.contains("topic") => Quota::Topic,
        () if said.contains("project") => Quota::Project,
        () => Quota::Unknown,
    }
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

/// A code word; whatever comes in its place is cut.
fn word(text: &str) -> String {
    text.get(..text.floor_char_boundary(64)).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_quota_it_was() {
        let body = |detail: &str| {
            ErrorBody::parse(format!(r#"{{"error":{{"details":[{detail}]}}}}"#).as_bytes()).unwrap().quota
        };
        let failure = |text: &str| {
            format!(
                r#"{{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{{"subject":"x","description":"{text}"}}]}}"#
            )
        };
        assert_eq!(body(&failure("Message rate exceeded for device")), Some(Quota::Device));
        assert_eq!(body(&failure("topic rate")), Some(Quota::Topic));
        // Each word by itself, and the device before the others.
        for (word, quota) in [
            ("this TOKEN", Quota::Device),
            ("one registration", Quota::Device),
            ("a device of the project", Quota::Device),
            ("a topic of the project", Quota::Topic),
            ("the Project", Quota::Project),
        ] {
            assert_eq!(body(&failure(word)), Some(quota), "{word}");
        }
        assert_eq!(body(&failure("too many")), Some(Quota::Unknown));
        let info = r#"{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"RATE_LIMIT_EXCEEDED","metadata":{"quota_limit":"SendsPerMinutePerProject"}}"#;
        assert_eq!(body(info), Some(Quota::Project));
    }

    #[test]
    fn what_apple_said_and_how_long_to_wait() {
        let body = br#"{"error":{"details":[
            {"@type":"type.googleapis.com/google.firebase.fcm.v1.ApnsError","statusCode":410,"reason":"Unregistered"},
            {"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"31.5s"}]}}"#;
        let error = ErrorBody::parse(body).unwrap();
        assert_eq!(error.apns, Some(ApnsError { status: Some(410), reason: Some("Unregistered".into()) }));
        assert_eq!(error.retry_delay, Some(Duration::from_millis(31_500)));
        let body = br#"{"error":{"details":[
            {"@type":"x/google.firebase.fcm.v1.ApnsError","statusCode":70000,"reason":7},
            {"@type":"x/google.rpc.RetryInfo","retryDelay":"-1s"}]}}"#;
        let error = ErrorBody::parse(body).unwrap();
        assert_eq!((error.apns, error.retry_delay), (Some(ApnsError { status: None, reason: None }), None));
    }

    #[test]
    fn what_is_not_an_error_object_is_nothing() {
        for body in ["", "<html>", "{}", "[]", "null", r#"{"error":"invalid_grant"}"#, r#"{"error":null}"#] {
            assert_eq!(ErrorBody::parse(body.as_bytes()), None, "{body}");
        }
        assert!(ErrorBody::parse(br#"[{"error":{"status":"NOT_FOUND"}}]"#).is_some());
        assert_eq!(ErrorBody::parse(&vec![b' '; MAX_BODY + 1]), None);
    }
}
