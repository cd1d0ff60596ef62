//! From an answer to the next step.

use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use reveille_core::{Action, Outcome, Receipt, Rejection, RetryAfter, RetrySource, Scope, UnixTime};
use serde::Deserialize;

use super::apns_error::Meaning;
use super::{ErrorBody, ErrorCode, Quota};
use crate::target::Target;

/// At least this long before any retry (Google, "Scale FCM sends").
const RETRY_MINIMUM: Duration = Duration::from_secs(10);
/// Without a word about it, a 429 means a minute (Google, "Scale FCM sends").
const QUOTA_PAUSE: Duration = Duration::from_secs(60);
/// No answer stops anything for longer: Google gives a message up after an hour, and so should we.
const LONGEST_WAIT: Duration = Duration::from_secs(60 * 60);

/// What FCM's answer to `messages:send` means. Never fails, whatever status and bytes it is given.
///
/// The name of a device that `target` holds is cut out of every text; give `None` only where it is not known.
///
/// The evidence is taken in this order: `ApnsError` (Apple's own word), `FcmError`, `BadRequest`, `QuotaFailure`, the
/// status word, the HTTP status. `INVALID_ARGUMENT` may mean the message or the token. It is the message if `BadRequest`
/// names a field of it, or if FCM's sentence does ("Android message is too big"). It is the token if `BadRequest` names
/// only the token, or FCM says its fixed sentence about tokens. With `FcmError` alone the target is suspected, not
/// dropped: one bad message must not empty a registry.
///
/// A pause concerns one device or topic ([`Scope::Target`]) if FCM says that its quota is used up, else the project
/// ([`Scope::Credential`]). Its length is the `Retry-After` header's or `RetryInfo`'s, from 10 s to an hour.
///
/// ```
/// use http::{HeaderMap, StatusCode};
/// use reveille_core::{Action, UnixTime};
/// use reveille_fcm::{RegistrationToken, Target, classify};
///
/// let target = Target::from(RegistrationToken::new("device-7")?);
/// let body = br#"{"error":{"code":404,"message":"Requested entity was not found.","status":"NOT_FOUND",
///   "details":[{"@type":"type.googleapis.com/google.firebase.fcm.v1.FcmError","errorCode":"UNREGISTERED"}]}}"#;
/// let outcome = classify(&target, StatusCode::NOT_FOUND, &HeaderMap::new(), body, UnixTime::from_secs(1));
/// assert_eq!(outcome.action(), Some(&Action::DropTarget { if_registered_before: None }));
/// # Ok::<(), reveille_fcm::Error>(())
/// ```
#[must_use]
pub fn classify<'a>(
    target: impl Into<Option<&'a Target>>,
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    now: UnixTime,
) -> Outcome {
    outcome(target.into(), status, headers, body, now, |_| None)
}

/// The same for a whole response.
#[must_use]
pub fn classify_response<'a, B: AsRef<[u8]>>(
    target: impl Into<Option<&'a Target>>,
    response: &Response<B>,
    now: UnixTime,
) -> Outcome {
    classify(target, response.status(), response.headers(), response.body().as_ref(), now)
}

/// What an answer about topic subscriptions means, where "not found" means the subscription, not the target.
#[must_use]
pub fn classify_subscription<'a>(
    target: impl Into<Option<&'a Target>>,
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    now: UnixTime,
) -> Outcome {
    outcome(target.into(), status, headers, body, now, |error| {
        let about_subscription = error.code.is_none() && matches!(status.as_u16(), 404 | 409);
        about_subscription.then_some(Action::GiveUp)
    })
}

/// The same for a whole response.
#[must_use]
pub fn classify_subscription_response<'a, B: AsRef<[u8]>>(
    target: impl Into<Option<&'a Target>>,
    response: &Response<B>,
    now: UnixTime,
) -> Outcome {
    classify_subscription(target, response.status(), response.headers(), response.body().as_ref(), now)
}

fn outcome(
    target: Option<&Target>,
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    now: UnixTime,
    first: impl Fn(&ErrorBody) -> Option<Action>,
) -> Outcome {
    if status.is_success() {
        return accepted(status, body);
    }
    let error = ErrorBody::parse(body);
    let said = Said { headers, delay: error.as_ref().and_then(|error| error.retry_delay), now };
    let action = match &error {
        Some(error) => first(error).unwrap_or_else(|| by_body(error, status, &said)),
        None => by_status(status, &said),
    };
    let rejection = rejection(status, error, action);
    match target.and_then(Target::secret) {
        Some(secret) => rejection.without(&[secret]).into(),
        None => rejection.into(),
    }
}

/// What says how long to wait.
struct Said<'a> {
    headers: &'a HeaderMap,
    /// `RetryInfo`.
    delay: Option<Duration>,
    now: UnixTime,
}

impl Said<'_> {
    /// The header, else `RetryInfo`, else `otherwise`; never less than the ten seconds that Google asks for.
    fn wait(&self, otherwise: Duration) -> (UnixTime, RetrySource) {
        let header = RetryAfter::from_header(self.headers.get(RETRY_AFTER).map(HeaderValue::as_bytes));
        match header.or_else(|| self.delay.map(RetryAfter::Delay)) {
            Some(wait) => (wait.resolve_within(RETRY_MINIMUM, LONGEST_WAIT, self.now), RetrySource::Service),
            None => (self.now + otherwise, RetrySource::Guess),
        }
    }

    fn retry(&self) -> Action {
        let (not_before, source) = self.wait(RETRY_MINIMUM);
        Action::Retry { not_before, source }
    }

    /// The quota of a device or a topic delays that target; any other the project.
    fn quota(&self, quota: Option<Quota>) -> Action {
        let (until, source) = self.wait(QUOTA_PAUSE);
        let scope = match quota {
            Some(Quota::Device | Quota::Topic) => Scope::Target,
            Some(Quota::Project | Quota::Unknown) | None => Scope::Credential,
        };
        Action::SlowDown { scope, until, source }
    }
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
    let apns = error.apns.as_ref().map(ToString::to_string);
    match (error.code, error.status) {
        (Some(code), _) => rejection = rejection.with_reason(code.into_reason()),
        (None, Some(word)) => rejection = rejection.with_reason(word),
        (None, None) => {}
    }
    let detail = [error.message, error.violations.first().map(|v| v.description.clone()), apns, hint];
    let detail: Vec<String> = detail.into_iter().flatten().filter(|text| !text.is_empty()).collect();
    if detail.is_empty() { rejection } else { rejection.with_detail(detail.join("; ")) }
}

fn by_body(error: &ErrorBody, status: StatusCode, said: &Said<'_>) -> Action {
    match error.apns.as_ref().and_then(super::ApnsError::meaning) {
        Some(Meaning::Act(action)) => return action,
        Some(Meaning::SlowDown) => return said.quota(Some(Quota::Device)),
        Some(Meaning::Retry) => return said.retry(),
        None => {}
    }
    if let Some(code) = &error.code
        && let Some(action) = by_code(code, error, said)
    {
        return action;
    }
    if !error.violations.is_empty() {
        return bad_request(error);
    }
    if error.quota.is_some() {
        return said.quota(error.quota);
    }
    match error.status.as_deref() {
        Some("INVALID_ARGUMENT" | "FAILED_PRECONDITION" | "OUT_OF_RANGE") => {
            Action::FixRequest { field: None }
        }
        Some("UNAUTHENTICATED") => STALE,
        Some("PERMISSION_DENIED") => WRONG_CREDENTIAL,
        // Without `FcmError` this is not about a registration; a burst of it must not empty a registry.
        Some("NOT_FOUND") => Action::SuspectTarget,
        Some("RESOURCE_EXHAUSTED") => said.quota(None),
        Some("UNAVAILABLE" | "INTERNAL" | "DEADLINE_EXCEEDED" | "ABORTED" | "CANCELLED" | "UNKNOWN") => {
            said.retry()
        }
        Some("UNIMPLEMENTED" | "ALREADY_EXISTS" | "DATA_LOSS") => Action::GiveUp,
        _ => by_status(status, said),
    }
}

/// `None` if the code decides nothing.
fn by_code(code: &ErrorCode, error: &ErrorBody, said: &Said<'_>) -> Option<Action> {
    Some(match code {
        ErrorCode::Unregistered => Action::DropTarget { if_registered_before: None },
        ErrorCode::InvalidArgument if !error.violations.is_empty() => bad_request(error),
        ErrorCode::InvalidArgument if error.names_registration_token() => {
            Action::DropTarget { if_registered_before: None }
        }
        ErrorCode::InvalidArgument if let Some(field) = error.sentence_blames() => fix(field),
        // A token of another project never becomes ours. But a single foreign token (anybody can register one) must
        // not pause the project, as `FixCredential` would; and a wrong credential must not empty the registry.
        ErrorCode::InvalidArgument | ErrorCode::SenderIdMismatch => Action::SuspectTarget,
        ErrorCode::QuotaExceeded => said.quota(error.quota),
        ErrorCode::Unavailable | ErrorCode::Internal => said.retry(),
        ErrorCode::ThirdPartyAuthError => Action::FixCredential { scope: Scope::Platform },
        ErrorCode::Unspecified => Action::GiveUp,
        ErrorCode::Other(_) => return None,
    })
}

/// The message is at fault; an empty field is one that nobody names.
fn fix(field: &'static str) -> Action {
    Action::FixRequest { field: (!field.is_empty()).then(|| field.into()) }
}

fn bad_request(error: &ErrorBody) -> Action {
    if error.blames_target_only() {
        return Action::DropTarget { if_registered_before: None };
    }
    let field = error.violations.iter().map(|violation| &violation.field).find(|field| !field.is_empty());
    Action::FixRequest { field: field.map(|field| field.clone().into()) }
}

const STALE: Action = Action::RefreshCredential { also_reconnect: false };
const WRONG_CREDENTIAL: Action = Action::FixCredential { scope: Scope::Credential };

/// Nothing but the HTTP status: a proxy, a load balancer, an empty body.
fn by_status(status: StatusCode, said: &Said<'_>) -> Action {
    match status.as_u16() {
        401 => STALE,
        403 => WRONG_CREDENTIAL,
        404 | 405 => Action::FixRequest { field: Some("uri".into()) },
        413 => Action::FixRequest { field: Some("body".into()) },
        408 | 425 | 500 | 502 | 503 | 504 => said.retry(),
        429 => said.quota(None),
        421 => Action::Reconnect,
        400..=499 => Action::FixRequest { field: None },
        500..=599 => said.retry(),
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
