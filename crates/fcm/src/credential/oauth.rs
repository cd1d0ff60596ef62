//! The token server's answer (RFC 6749 §5), of Google's OAuth server and of the metadata server.

use std::fmt;
use std::time::Duration;

use http::header::{DATE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use reveille_core::{RetryAfter, Secret, UnixTime, cut_tokens};
use serde::Deserialize;
use serde_json::Value;

use super::secret_text::SecretText;
use super::{TokenFailure, TokenFailureKind};

const MAX_BODY: usize = 64 * 1024;
/// No server gives longer ones (12 hours is the most that can be configured); a longer claim is not believed.
const MAX_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);
/// Google refuses assertions that are off by more than five minutes.
const TOLERATED_SKEW_SECS: u64 = 5 * 60;

/// A token as the server gave it: what reading a token answer by hand brings.
#[derive(Clone)]
#[non_exhaustive]
pub struct IssuedToken {
    /// The access token.
    pub token: Secret<String>,
    /// How long it lives from the moment it was made.
    pub lifetime: Duration,
}

impl fmt::Debug for IssuedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedToken").field("lifetime", &self.lifetime).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Granted {
    access_token: SecretText,
    expires_in: u64,
    token_type: Option<String>,
}

/// Reads an answer. Total: whatever comes is either a token or a failure.
///
/// # Errors
/// [`TokenFailure`] says whose fault it is.
pub fn read_token_answer(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    now: UnixTime,
) -> Result<IssuedToken, TokenFailure> {
    if body.len() > MAX_BODY {
        return Err(failure(TokenFailureKind::Malformed, status, headers, None, now));
    }
    if status.is_success() {
        return read_granted(body)
            .ok_or_else(|| failure(TokenFailureKind::Malformed, status, headers, None, now));
    }
    let error = serde_json::from_slice::<Value>(body).unwrap_or_default();
    let (word, description) = error_texts(&error);
    let kind = match status.as_u16() {
        408 | 429 | 500..=599 => TokenFailureKind::Unavailable,
        _ => kind_of(word, description, clock_ahead(headers, now)),
    };
    let detail =
        [word, description].into_iter().filter(|text| !text.is_empty()).map(cut_tokens).collect::<Vec<_>>();
    Err(failure(kind, status, headers, (!detail.is_empty()).then(|| detail.join(": ")), now))
}

/// The same for a whole response.
///
/// # Errors
/// As [`read_token_answer`].
pub fn read_token_response<B: AsRef<[u8]>>(
    response: &Response<B>,
    now: UnixTime,
) -> Result<IssuedToken, TokenFailure> {
    read_token_answer(response.status(), response.headers(), response.body().as_ref(), now)
}

fn read_granted(body: &[u8]) -> Option<IssuedToken> {
    let granted: Granted = serde_json::from_slice(body).ok()?;
    let bearer = granted.token_type.is_none_or(|kind| kind.eq_ignore_ascii_case("bearer"));
    let usable = bearer && granted.expires_in > 0 && !granted.access_token.0.expose().is_empty();
    let lifetime = Duration::from_secs(granted.expires_in).min(MAX_LIFETIME);
    usable.then_some(IssuedToken { token: granted.access_token.0, lifetime })
}

/// `{"error":"invalid_grant","error_description":"…"}`, or the form of Google's other servers.
fn error_texts(error: &Value) -> (&str, &str) {
    let text = |value: &'static str| error.get(value).and_then(Value::as_str).unwrap_or_default();
    match error.get("error") {
        Some(Value::Object(error)) => {
            let text = |key: &str| error.get(key).and_then(Value::as_str).unwrap_or_default();
            (text("status"), text("message"))
        }
        _ => (text("error"), text("error_description")),
    }
}

/// Google's `invalid_grant` means four different things; the description tells them apart.
fn kind_of(word: &str, description: &str, clock_ahead_secs: Option<i64>) -> TokenFailureKind {
    let said = description.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| said.contains(word));
    match word {
        "invalid_grant" if says(&["signature"]) => TokenFailureKind::WrongKey,
        "invalid_grant" if says(&["short-lived", "timeframe", "iat and exp", "skew"]) => {
            TokenFailureKind::ClockOff
        }
        "invalid_grant" if says(&["not found", "disabled", "deleted", "email"]) => {
            TokenFailureKind::UnknownAccount
        }
        "invalid_grant" if clock_ahead_secs.is_some_and(|secs| secs.unsigned_abs() > TOLERATED_SKEW_SECS) => {
            TokenFailureKind::ClockOff
        }
        "invalid_grant" => TokenFailureKind::Refused,
        "invalid_client" if says(&["not found"]) => TokenFailureKind::UnknownAccount,
        "temporarily_unavailable" | "server_error" | "internal_failure" => TokenFailureKind::Unavailable,
        "" => TokenFailureKind::Malformed,
        _ => TokenFailureKind::NotAllowed,
    }
}

fn failure(
    kind: TokenFailureKind,
    status: StatusCode,
    headers: &HeaderMap,
    detail: Option<String>,
    now: UnixTime,
) -> TokenFailure {
    let retry_after = RetryAfter::from_header(headers.get(RETRY_AFTER).map(HeaderValue::as_bytes));
    TokenFailure {
        status: Some(status.as_u16()),
        detail,
        retry_after: retry_after.map(|wait| wait.resolve(now)),
        clock_ahead_secs: clock_ahead(headers, now),
        ..TokenFailure::new(kind)
    }
}

/// How far `now` is ahead of the server's `Date` (RFC 9110 §6.6.1).
fn clock_ahead(headers: &HeaderMap, now: UnixTime) -> Option<i64> {
    match RetryAfter::from_header(headers.get(DATE).map(HeaderValue::as_bytes)) {
        Some(RetryAfter::At(date)) => {
            let secs = |time: UnixTime| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
            Some(secs(now).saturating_sub(secs(date)))
        }
        _ => None,
    }
}
