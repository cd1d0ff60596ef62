//! The body of a refusal: `google.rpc.Status` as JSON, read leniently, because a proxy or a new version may answer.

use reveille_core::Rejection;
use serde_json::Value;

use super::ErrorCode;

/// A longer body is not read; Google's have a few hundred bytes.
const MAX_BODY: usize = 64 * 1024;
/// More violations are not kept.
const MAX_VIOLATIONS: usize = 32;

/// What a refusal says, as far as it is known.
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
}

/// A field that FCM does not accept.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FieldViolation {
    /// Its path, such as `message.android.ttl`.
    pub field: String,
    /// What is wrong with it, without anything that looks like a token.
    pub description: String,
}

/// Whose quota is used up.
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
            message: error.get("message").and_then(Value::as_str).map(redact),
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
                    detail.get("errorCode").and_then(Value::as_str).map(|code| ErrorCode::parse(&word(code)));
            }
            "google.rpc.BadRequest" => self.violations.extend(
                list(detail, "fieldViolations").take(MAX_VIOLATIONS).map(|violation| FieldViolation {
                    field: redact(text(violation, "field")),
                    description: redact(text(violation, "description")),
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

/// Text of a server, bounded, with every run of 32 or more token characters replaced: servers quote what they refuse.
pub(crate) fn redact(text: &str) -> String {
    const TOKEN: usize = 32;
    let bounded = text.get(..text.floor_char_boundary(Rejection::MAX_TEXT * 2)).unwrap_or_default();
    let is_token =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':' | '+' | '/' | '=' | '.');
    let mut out = String::with_capacity(bounded.len().min(Rejection::MAX_TEXT));
    let mut rest = bounded;
    while !rest.is_empty() {
        let (run, after) = rest.split_at(rest.find(|c| !is_token(c)).unwrap_or(rest.len()));
        // Paths, domains and type names are long too, but their parts are not.
        let secret = run.split(['/', '.']).any(|part| part.len() >= TOKEN);
        out.push_str(if secret { "…" } else { run });
        let gap = after.find(is_token).unwrap_or(after.len());
        let (between, next) = after.split_at(gap);
        out.push_str(between);
        rest = next;
    }
    out.truncate(out.floor_char_boundary(Rejection::MAX_TEXT));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_that_a_server_quotes_are_not_kept() {
        let token = format!("fPz:APA91b{}", "xY_-".repeat(30));
        assert_eq!(
            redact(&format!("bad token '{token}', see https://a.example/b")),
            "bad token '…', see https://a.example/b"
        );
        assert_eq!(
            redact("Permission 'cloudmessaging.messages.create' denied"),
            "Permission 'cloudmessaging.messages.create' denied"
        );
        assert_eq!(redact(&"é".repeat(2_000)).len(), Rejection::MAX_TEXT);
    }

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
        assert_eq!(body(&failure("too many")), Some(Quota::Unknown));
        let info = r#"{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"RATE_LIMIT_EXCEEDED","metadata":{"quota_limit":"SendsPerMinutePerProject"}}"#;
        assert_eq!(body(info), Some(Quota::Project));
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
