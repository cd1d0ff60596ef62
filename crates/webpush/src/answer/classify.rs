//! From status, headers and body to an outcome.

use std::borrow::Cow;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, StatusCode, header};
use reveille_core::{Action, Outcome, Receipt, Rejection, RetryAfter, RetrySource, Scope, UnixTime};

use super::words::{self, Words};

/// The pause after "too many requests" without `Retry-After`.
const DEFAULT_PAUSE: Duration = Duration::from_secs(60);

/// Says what a push service's answer means. It never fails: any status, headers and body have a meaning.
///
/// | status | action |
/// |---|---|
/// | 2xx | accepted; the receipt has `Location`, the effective TTL and the receipt link. Not where WNS says `dropped` ([`GiveUp`](Action::GiveUp)) or `channelthrottled` ([`SlowDown`](Action::SlowDown)) |
/// | 404 | [`SuspectTarget`](Action::SuspectTarget): weigh it with [`Suspicion`](reveille_core::Suspicion) |
/// | 410 | [`DropTarget`](Action::DropTarget) |
/// | 401, 403, and 400 where the words say so | [`FixCredential`](Action::FixCredential); [`RefreshCredential`](Action::RefreshCredential) where the token is only too old; [`SuspectTarget`](Action::SuspectTarget) where this one subscription was made with another key |
/// | 429, 406 (WNS) | [`SlowDown`](Action::SlowDown) until `Retry-After`, else for 60 s |
/// | 408, 425, 5xx | [`Retry`](Action::Retry) not before `Retry-After`, else at once: add a back-off of your own |
/// | 400, 405, 411–415, 422, 431 | [`FixRequest`](Action::FixRequest), with the header at fault where it is known |
/// | 421 | [`Reconnect`](Action::Reconnect) |
/// | else | [`GiveUp`](Action::GiveUp): redirects too, following one would lead around the endpoint policy |
///
/// Pass the first 16 KiB of the body; more is not looked at. `Retry-After` is taken at its word, however large: it holds
/// for this service only, so clamp what you wait.
///
/// ```
/// use http::{HeaderMap, StatusCode};
/// use reveille_core::{Action, RetrySource, Scope, UnixTime};
/// use std::time::Duration;
///
/// let now = UnixTime::from_secs(1_800_000_000);
/// let mut headers = HeaderMap::new();
/// headers.insert("retry-after", "120".parse()?);
/// let outcome = reveille_webpush::classify(StatusCode::TOO_MANY_REQUESTS, &headers, b"", now);
/// assert_eq!(outcome.action(), Some(&Action::SlowDown { scope: Scope::Service, until: now + Duration::from_secs(120), source: RetrySource::Service }));
/// # Ok::<(), http::header::InvalidHeaderValue>(())
/// ```
#[must_use]
pub fn classify(status: StatusCode, headers: &HeaderMap, body: &[u8], now: UnixTime) -> Outcome {
    let retry_after = retry_after(headers).map(|wait| wait.resolve(now));
    let words = words::read(headers, body);
    if status.is_success() {
        return match wns_refusal(headers, retry_after, now) {
            Some(action) => {
                Rejection::new(status.as_u16(), action).with_reason(words.reason.unwrap_or_default()).into()
            }
            None => receipt(status, headers).into(),
        };
    }
    let mut rejection = Rejection::new(status.as_u16(), action(status, &words, retry_after, now));
    if let Some(hint) = hint(&rejection.action, status) {
        rejection = rejection.with_detail(hint);
    }
    if let Some(detail) = words.detail {
        rejection = rejection.with_detail(detail);
    }
    if let Some(reason) = words.reason {
        rejection = rejection.with_reason(reason);
    }
    rejection.into()
}

fn action(status: StatusCode, words: &Words, retry_after: Option<UnixTime>, now: UnixTime) -> Action {
    match status.as_u16() {
        404 => Action::SuspectTarget,
        410 => Action::DropTarget { if_registered_before: None },
        401 | 403 => credential_fault(words).unwrap_or_else(|| match words.say(&["expired"]) {
            true => STALE,
            false => WRONG_KEY,
        }),
        406 | 429 => slow_down(retry_after, now),
        408 | 425 | 500 | 502..=504 | 506..=599 => {
            Action::Retry { not_before: retry_after.unwrap_or(now), source: source(retry_after) }
        }
        // Apple and FCM complain about VAPID keys with 400, too.
        400 | 405 | 411..=415 | 422 | 431 => credential_fault(words)
            .unwrap_or_else(|| Action::FixRequest { field: field_at_fault(status, words) }),
        421 => Action::Reconnect,
        _ => Action::GiveUp,
    }
}

/// Too many requests, for all that goes to this push service.
fn slow_down(retry_after: Option<UnixTime>, now: UnixTime) -> Action {
    let until = retry_after.unwrap_or(now + DEFAULT_PAUSE);
    Action::SlowDown { scope: Scope::Service, until, source: source(retry_after) }
}

const fn source(retry_after: Option<UnixTime>) -> RetrySource {
    if retry_after.is_some() { RetrySource::Service } else { RetrySource::Guess }
}

const STALE: Action = Action::RefreshCredential { also_reconnect: false };
const WRONG_KEY: Action = Action::FixCredential { scope: Scope::Credential };

/// Three faults share these statuses: our key or contact is wrong, the token is too old (or our clock is wrong), or
/// this subscription was made with another of our keys. `None` if the words name none of them.
fn credential_fault(words: &Words) -> Option<Action> {
    if words.say(&MADE_WITH_ANOTHER_KEY) {
        Some(Action::SuspectTarget)
    } else if words.say(&["expiredjwttoken"]) {
        Some(STALE)
    } else if words.say(&["badjwttoken", "unauthorizedregistration"]) {
        Some(WRONG_KEY)
    } else {
        None
    }
}

/// Apple (with 400), FCM in its old and new words, autopush.
const MADE_WITH_ANOTHER_KEY: [&str; 4] = [
    "vapidpkhashmismatch",
    "mismatchsenderid",
    "do not correspond to the credentials used to create",
    "vapid public key mismatch",
];

/// WNS answers 200 also where it throws the message away, and says so in a header.
fn wns_refusal(headers: &HeaderMap, retry_after: Option<UnixTime>, now: UnixTime) -> Option<Action> {
    let status = headers.get("x-wns-notificationstatus")?.to_str().ok()?;
    match status.to_ascii_lowercase().as_str() {
        "dropped" => Some(Action::GiveUp),
        "channelthrottled" => Some(Action::SlowDown {
            scope: Scope::Target,
            until: retry_after.unwrap_or(now + DEFAULT_PAUSE),
            source: source(retry_after),
        }),
        _ => None,
    }
}

/// The header at fault: by autopush's errno, by Apple's reason, by WNS's text.
fn field_at_fault(status: StatusCode, words: &Words) -> Option<Cow<'static, str>> {
    let by_errno = match words.errno {
        Some(104) => Some("body"),
        Some(101 | 110) => Some("content-encoding"),
        Some(111 | 112 | 114) => Some("ttl"),
        Some(113) => Some("topic"),
        Some(109) => Some("authorization"),
        _ => None,
    };
    let by_text = || {
        let fields = ["ttl", "topic", "urgency", "authorization"];
        fields.into_iter().find(|field| words.say(&[field]))
    };
    let by_status = || match status {
        StatusCode::PAYLOAD_TOO_LARGE => Some("body"),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Some("content-encoding"),
        StatusCode::LENGTH_REQUIRED => Some("content-length"),
        _ => None,
    };
    by_errno.or_else(by_text).or_else(by_status).map(Cow::Borrowed)
}

/// What an operator should know, where the service itself says nothing more.
fn hint(action: &Action, status: StatusCode) -> Option<&'static str> {
    match action {
        Action::FixCredential { .. } => Some("the VAPID key, its contact or this server's clock is wrong"),
        Action::GiveUp if status.is_redirection() => Some("redirects are not followed"),
        Action::SuspectTarget if status != StatusCode::NOT_FOUND => {
            Some("the subscription was made with another VAPID key and must be renewed")
        }
        _ => None,
    }
}

fn receipt(status: StatusCode, headers: &HeaderMap) -> Receipt {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let mut receipt = Receipt::new(status.as_u16());
    receipt.message = text("location").map(str::to_owned);
    receipt.ttl = text("ttl").and_then(|ttl| ttl.trim().parse().ok()).map(Duration::from_secs);
    receipt.reference = text("link").map(str::to_owned);
    receipt
}

fn retry_after(headers: &HeaderMap) -> Option<RetryAfter> {
    RetryAfter::from_header(headers.get(header::RETRY_AFTER).map(HeaderValue::as_bytes))
}
