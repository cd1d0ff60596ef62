//! From status, headers and body to an outcome.

use std::borrow::Cow;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use reveille_core::{Action, Outcome, Receipt, Rejection, RetryAfter, RetrySource, Scope, UnixTime};

use super::words::{self, Words};
use crate::credential::TOKEN_START;
use crate::target::Endpoint;

/// The pause after "too many requests" without `Retry-After`.
const DEFAULT_PAUSE: Duration = Duration::from_secs(60);

/// The least and the most that is waited for a `Retry-After`. Less would be a hammer; more is a slip of the service's clock, for
/// Web Push has no quota of more than a day.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(24 * 3600);

/// Says what a push service's answer means. It never fails: any status, headers and body have a meaning.
///
/// | status | action |
/// |---|---|
/// | 2xx | accepted; the receipt has `Location`, the effective TTL and the receipt link. Not where WNS says `dropped` ([`GiveUp`](Action::GiveUp)) or `channelthrottled` ([`SlowDown`](Action::SlowDown) of this target) |
/// | 404 | [`SuspectTarget`](Action::SuspectTarget): weigh it with `Suspicion` of `reveille-registry` |
/// | 410 | [`DropTarget`](Action::DropTarget) |
/// | 401, 403, and 400 where the words say so | [`FixCredential`](Action::FixCredential): this VAPID key at this push service. [`RefreshCredential`](Action::RefreshCredential) where the token is only too old; [`SuspectTarget`](Action::SuspectTarget) where this one subscription was made with another key |
/// | 429 | [`SlowDown`](Action::SlowDown) of the service until `Retry-After`, else for 60 s |
/// | 406 (WNS: throttled) | [`SlowDown`](Action::SlowDown) of this target where it says `channelthrottled`, else of the service |
/// | 408, 425, 5xx | [`Retry`](Action::Retry) not before `Retry-After`, else at once: add a back-off of your own |
/// | 400, 405, 411–415, 422, 431 | [`FixRequest`](Action::FixRequest), with the header at fault where it is known |
/// | 421 | [`Reconnect`](Action::Reconnect) |
/// | else | [`GiveUp`](Action::GiveUp): redirects too, following one would lead around the endpoint policy |
///
/// `target` is the subscription or endpoint that was pushed to, or `None`: its path is a capability, and services and the
/// proxies before them quote it ("Cannot POST /wpush/v2/…"). It is cut out of every text, and so are URLs and VAPID
/// tokens.
///
/// A `Retry-After` is kept within a second and a day from `now`. Pass the first 16 KiB of the body; more is not looked at.
///
/// ```
/// use http::{HeaderMap, StatusCode};
/// use reveille_core::{Action, Outcome, RetrySource, Scope, UnixTime};
/// use reveille_webpush::{Endpoint, classify, target::PublicHttps};
/// use std::time::Duration;
///
/// let now = UnixTime::from_secs(1_800_000_000);
/// let endpoint = Endpoint::new("https://push.example/wpush/v2/gAAAAABkSECRET", &PublicHttps)?;
/// let mut headers = HeaderMap::new();
/// headers.insert("retry-after", "120".parse()?);
/// let outcome = classify(&endpoint, StatusCode::TOO_MANY_REQUESTS, &headers, b"POST /wpush/v2/gAAAAABkSECRET: no", now);
/// let Outcome::Rejected(rejection) = outcome else { panic!("429 accepts nothing") };
/// let until = now + Duration::from_secs(120);
/// assert_eq!(rejection.action, Action::SlowDown { scope: Scope::Service, until, source: RetrySource::Service });
/// assert_eq!(rejection.reason.as_deref(), Some("POST /wpush/v2/…: no"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn classify<'a>(
    target: impl Into<Option<&'a Endpoint>>,
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    now: UnixTime,
) -> Outcome {
    let pause = Pause { named: retry_after(headers), now };
    let words = words::read(headers, body);
    if status.is_success() && wns_status(headers) != Wns::Refused {
        return receipt(status, headers).into();
    }
    let mut rejection = Rejection::new(status.as_u16(), action(status, headers, &words, pause));
    if let Some(hint) = hint(&rejection.action, status) {
        rejection = rejection.with_detail(hint);
    }
    if let Some(detail) = words.detail {
        rejection = rejection.with_detail(detail);
    }
    if let Some(reason) = words.reason {
        rejection = rejection.with_reason(reason);
    }
    without(rejection, target.into()).into()
}

/// [`classify`] for a response in one piece.
///
/// ```
/// use reveille_core::UnixTime;
/// let response = http::Response::builder().status(201).header("location", "https://push.example/m/1").body(Vec::new())?;
/// let outcome = reveille_webpush::classify_response(None, &response, UnixTime::from_secs(1_800_000_000));
/// assert_eq!(outcome.action(), None);
/// # Ok::<(), http::Error>(())
/// ```
#[must_use]
pub fn classify_response<'a>(
    target: impl Into<Option<&'a Endpoint>>,
    response: &Response<impl AsRef<[u8]>>,
    now: UnixTime,
) -> Outcome {
    classify(target, response.status(), response.headers(), response.body().as_ref(), now)
}

/// Cuts what is a capability: the endpoint's path, as it is written and percent-decoded, and tokens of ours.
fn without(rejection: Rejection, target: Option<&Endpoint>) -> Rejection {
    let rejection = rejection.without(&[TOKEN_START]);
    let Some(target) = target else { return rejection };
    let rejection = rejection.without(&[target.as_str()]);
    match words::percent_decoded(target.as_str()) {
        Some(decoded) => rejection.without(&[&decoded]),
        None => rejection,
    }
}

fn action(status: StatusCode, headers: &HeaderMap, words: &Words, pause: Pause) -> Action {
    if wns_status(headers) == Wns::Refused {
        // WNS answers 200 also where it throws the message away.
        if status.is_success() {
            return if throttles_channel(headers) { pause.slow_down(Scope::Target) } else { Action::GiveUp };
        }
        if status == StatusCode::NOT_ACCEPTABLE && throttles_channel(headers) {
            return pause.slow_down(Scope::Target);
        }
    }
    match status.as_u16() {
        404 => Action::SuspectTarget,
        410 => Action::DropTarget { if_registered_before: None },
        401 | 403 => credential_fault(words).unwrap_or_else(|| match words.say(&["expired"]) {
            true => STALE,
            false => WRONG_KEY,
        }),
        406 | 429 => pause.slow_down(Scope::Service),
        408 | 425 | 500 | 502..=504 | 506..=599 => pause.retry(),
        // Apple and FCM complain about VAPID keys with 400, too.
        400 | 405 | 411..=415 | 422 | 431 => credential_fault(words)
            .unwrap_or_else(|| Action::FixRequest { field: field_at_fault(status, words) }),
        421 => Action::Reconnect,
        _ => Action::GiveUp,
    }
}

/// How long the service wants us to wait.
#[derive(Clone, Copy)]
struct Pause {
    named: Option<RetryAfter>,
    now: UnixTime,
}

impl Pause {
    fn slow_down(self, scope: Scope) -> Action {
        let until = self.end().unwrap_or(self.now + DEFAULT_PAUSE);
        Action::SlowDown { scope, until, source: self.source() }
    }

    fn retry(self) -> Action {
        Action::Retry { not_before: self.end().unwrap_or(self.now), source: self.source() }
    }

    fn end(self) -> Option<UnixTime> {
        self.named.map(|wait| wait.resolve_within(SHORTEST_PAUSE, LONGEST_PAUSE, self.now))
    }

    const fn source(self) -> RetrySource {
        if self.named.is_some() { RetrySource::Service } else { RetrySource::Guess }
    }
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

#[derive(PartialEq, Eq)]
enum Wns {
    Refused,
    Fine,
}

/// What `X-WNS-NotificationStatus` says; other services do not send it.
fn wns_status(headers: &HeaderMap) -> Wns {
    let status = headers.get(WNS_STATUS).map(HeaderValue::as_bytes).unwrap_or_default();
    let refused = [&b"dropped"[..], b"channelthrottled"];
    if refused.into_iter().any(|word| status.eq_ignore_ascii_case(word)) { Wns::Refused } else { Wns::Fine }
}

fn throttles_channel(headers: &HeaderMap) -> bool {
    headers.get(WNS_STATUS).is_some_and(|status| status.as_bytes().eq_ignore_ascii_case(b"channelthrottled"))
}

const WNS_STATUS: &str = "x-wns-notificationstatus";

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
    receipt.message = text("location").and_then(words::reference);
    receipt.ttl = text("ttl").and_then(|ttl| ttl.trim().parse().ok()).map(Duration::from_secs);
    // RFC 8288 §3: a link begins with its target in angle brackets.
    receipt.reference = text("link").filter(|link| link.starts_with('<')).map(str::to_owned);
    receipt
}

fn retry_after(headers: &HeaderMap) -> Option<RetryAfter> {
    RetryAfter::from_header(headers.get(header::RETRY_AFTER).map(HeaderValue::as_bytes))
}
