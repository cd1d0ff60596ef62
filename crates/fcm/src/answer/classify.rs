//! From an answer to the next step.

use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderValue, StatusCode};
use reveille_core::{Action, Outcome, Receipt, Rejection, RetryAfter, RetrySource, Scope, UnixTime};
use serde::Deserialize;

use super::retry::RETRY_MINIMUM;
use super::{ErrorBody, ErrorCode, Quota};

/// Without `Retry-After`, a 429 means a minute (Google, "Scale FCM sends").
const QUOTA_PAUSE: Duration = Duration::from_secs(60);

/// What FCM's answer to `messages:send` means. Never fails, whatever status and bytes it is given.
///
/// The evidence is taken in this order: `FcmError`, `BadRequest`, `QuotaFailure`, the status word, the HTTP status.
/// `INVALID_ARGUMENT` may mean the message or the token. It is the message if `BadRequest` names a field of it. It is
/// the token if `BadRequest` names only the token, or FCM says its fixed sentence about tokens. With `FcmError` alone
/// the target is suspected, not dropped: one bad message must not empty a registry.
///
/// ```
/// use reveille_core::{Action, UnixTime};
/// use reveille_fcm::classify;
/// use http::{HeaderMap, StatusCode};
///
/// let body = br#"{"error":{"code":404,"message":"Requested entity was not found.","status":"NOT_FOUND",
///   "details":[{"@type":"type.googleapis.com/google.firebase.fcm.v1.FcmError","errorCode":"UNREGISTERED"}]}}"#;
/// let outcome = classify(StatusCode::NOT_FOUND, &HeaderMap::new(), body, UnixTime::from_secs(1));
/// assert_eq!(outcome.action(), Some(&Action::DropTarget { if_registered_before: None }));
/// ```
#[must_use]
pub fn classify(status: StatusCode, headers: &HeaderMap, body: &[u8], now: UnixTime) -> Outcome {
    if status.is_success() {
        return accepted(status, body);
    }
    let error = ErrorBody::parse(body);
    let action = match &error {
        Some(error) => by_body(error, status, headers, now),
        None => by_status(status, headers, now),
    };
    rejection(status, error, action).into()
}

/// The same for the answers about topic subscriptions, where "not found" means the subscription, not the target.
#[must_use]
pub fn classify_subscription(status: StatusCode, headers: &HeaderMap, body: &[u8], now: UnixTime) -> Outcome {
    if status.is_success() {
        return accepted(status, body);
    }
    let error = ErrorBody::parse(body);
    let action = match &error {
        Some(error) if error.code.is_none() && matches!(status.as_u16(), 404 | 409) => Action::GiveUp,
        Some(error) => by_body(error, status, headers, now),
        None => by_status(status, headers, now),
    };
    rejection(status, error, action).into()
}

fn accepted(status: StatusCode, body: &[u8]) -> Outcome {
    #[derive(Deserialize)]
    struct Sent {
        name: Option<String>,
    }
    let mut receipt = Receipt::new(status.as_u16());
    if body.len() <= 64 * 1024 {
        receipt.message = serde_json::from_slice::<Sent>(body).ok().and_then(|sent| sent.name);
    }
    receipt.into()
}

fn rejection(status: StatusCode, error: Option<ErrorBody>, action: Action) -> Rejection {
    let mut rejection = Rejection::new(status.as_u16(), action);
    let Some(error) = error else { return rejection };
    let hint = error.hint();
    match (error.code, error.status) {
        (Some(code), _) => rejection = rejection.with_reason(code.into_reason()),
        (None, Some(word)) => rejection = rejection.with_reason(word),
        (None, None) => {}
    }
    let detail = [error.message, error.violations.first().map(|v| v.description.clone()), hint];
    let detail: Vec<String> = detail.into_iter().flatten().filter(|text| !text.is_empty()).collect();
    if detail.is_empty() { rejection } else { rejection.with_detail(detail.join("; ")) }
}

fn by_body(error: &ErrorBody, status: StatusCode, headers: &HeaderMap, now: UnixTime) -> Action {
    if let Some(code) = &error.code
        && let Some(action) = by_code(code, error, headers, now)
    {
        return action;
    }
    if !error.violations.is_empty() {
        return bad_request(error);
    }
    if error.quota.is_some() {
        return quota(error.quota, headers, now);
    }
    match error.status.as_deref() {
        Some("INVALID_ARGUMENT" | "FAILED_PRECONDITION" | "OUT_OF_RANGE") => {
            Action::FixRequest { field: None }
        }
        Some("UNAUTHENTICATED") => STALE,
        Some("PERMISSION_DENIED") => WRONG_CREDENTIAL,
        // Without `FcmError` this is not about a registration; a burst of it must not empty a registry.
        Some("NOT_FOUND") => Action::SuspectTarget,
        Some("RESOURCE_EXHAUSTED") => quota(None, headers, now),
        Some("UNAVAILABLE" | "INTERNAL" | "DEADLINE_EXCEEDED" | "ABORTED" | "CANCELLED" | "UNKNOWN") => {
            retry(headers, now)
        }
        Some("UNIMPLEMENTED" | "ALREADY_EXISTS" | "DATA_LOSS") => Action::GiveUp,
        _ => by_status(status, headers, now),
    }
}

/// `None` if the code decides nothing.
fn by_code(code: &ErrorCode, error: &ErrorBody, headers: &HeaderMap, now: UnixTime) -> Option<Action> {
    Some(match code {
        ErrorCode::Unregistered => Action::DropTarget { if_registered_before: None },
        ErrorCode::InvalidArgument if !error.violations.is_empty() => bad_request(error),
        ErrorCode::InvalidArgument if error.names_registration_token() => {
            Action::DropTarget { if_registered_before: None }
        }
        // A token of another project never becomes ours. But a single foreign token (anybody can register one) must
        // not pause the project, as `FixCredential` would; and a wrong credential must not empty the registry.
        ErrorCode::InvalidArgument | ErrorCode::SenderIdMismatch => Action::SuspectTarget,
        ErrorCode::QuotaExceeded => quota(error.quota, headers, now),
        ErrorCode::Unavailable | ErrorCode::Internal => retry(headers, now),
        ErrorCode::ThirdPartyAuthError => Action::FixCredential { scope: Scope::Platform },
        ErrorCode::Unspecified => Action::GiveUp,
        ErrorCode::Other(_) => return None,
    })
}

fn bad_request(error: &ErrorBody) -> Action {
    if error.blames_target_only() {
        return Action::DropTarget { if_registered_before: None };
    }
    let field = error.violations.iter().map(|violation| &violation.field).find(|field| !field.is_empty());
    Action::FixRequest { field: field.map(|field| field.clone().into()) }
}

/// A device's quota delays that device's message; any other slows the lane.
fn quota(quota: Option<Quota>, headers: &HeaderMap, now: UnixTime) -> Action {
    let (until, source) = wait(headers, QUOTA_PAUSE, now);
    let scope = if quota == Some(Quota::Device) { Scope::Target } else { Scope::Credential };
    Action::SlowDown { scope, until, source }
}

fn retry(headers: &HeaderMap, now: UnixTime) -> Action {
    let (not_before, source) = wait(headers, RETRY_MINIMUM, now);
    Action::Retry { not_before, source }
}

/// `Retry-After` in either form, else `otherwise`; never less than the ten seconds that Google asks for.
fn wait(headers: &HeaderMap, otherwise: Duration, now: UnixTime) -> (UnixTime, RetrySource) {
    let (at, source) = match RetryAfter::from_header(headers.get(RETRY_AFTER).map(HeaderValue::as_bytes)) {
        Some(wait) => (wait.resolve(now), RetrySource::Service),
        None => (now + otherwise, RetrySource::Guess),
    };
    (at.max(now + RETRY_MINIMUM), source)
}

const STALE: Action = Action::RefreshCredential { also_reconnect: false };
const WRONG_CREDENTIAL: Action = Action::FixCredential { scope: Scope::Credential };

/// Nothing but the HTTP status: a proxy, a load balancer, an empty body.
fn by_status(status: StatusCode, headers: &HeaderMap, now: UnixTime) -> Action {
    match status.as_u16() {
        401 => STALE,
        403 => WRONG_CREDENTIAL,
        404 | 405 => Action::FixRequest { field: Some("uri".into()) },
        413 => Action::FixRequest { field: Some("body".into()) },
        408 | 425 | 500 | 502 | 503 | 504 => retry(headers, now),
        429 => quota(None, headers, now),
        421 => Action::Reconnect,
        400..=499 => Action::FixRequest { field: None },
        500..=599 => retry(headers, now),
        _ => Action::GiveUp,
    }
}

impl ErrorBody {
    /// What the operator should look at.
    fn hint(&self) -> Option<String> {
        let hint = match (&self.code, self.info.as_deref()) {
            (Some(ErrorCode::SenderIdMismatch), _) => "the target belongs to another Firebase project",
            (Some(ErrorCode::ThirdPartyAuthError), _) => {
                "check the APNs key or the Web Push certificate in the Firebase console"
            }
            (None, Some("SERVICE_DISABLED")) => "enable the Firebase Cloud Messaging API in this project",
            _ => return self.quota.map(|quota| format!("quota: {}", quota.as_str())),
        };
        Some(hint.to_owned())
    }
}
