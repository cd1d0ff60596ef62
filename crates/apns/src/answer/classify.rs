//! From an answer to an outcome.

use http::{HeaderMap, StatusCode};
use reveille_core::{Outcome, Receipt, Rejection, RetryAfter, UnixTime};

use super::Reason;
use super::body::Body;

/// What an answer means, and what to do next. It never fails, whatever the status and the bytes.
///
/// It serves pushes to devices, broadcasts and the management of channels alike. Where the reason is unknown, its
/// text is kept and the status decides.
///
/// ```
/// use http::{HeaderMap, StatusCode};
/// use reveille_apns::classify;
/// use reveille_core::{Action, UnixTime};
///
/// let now = UnixTime::from_secs(1_700_000_000);
/// let body = br#"{"reason":"Unregistered","timestamp":1699990000000}"#;
/// let outcome = classify(StatusCode::GONE, &HeaderMap::new(), body, now);
/// // A token that was registered after that time is a new one: keep it.
/// let since = Some(UnixTime::from_millis(1_699_990_000_000));
/// assert_eq!(outcome.action(), Some(&Action::DropTarget { if_registered_before: since }));
/// ```
#[must_use]
pub fn classify(status: StatusCode, headers: &HeaderMap, body: &[u8], now: UnixTime) -> Outcome {
    if status.is_success() {
        let mut receipt = Receipt::new(status.as_u16());
        receipt.message = text(headers, "apns-id").or_else(|| text(headers, "apns-request-id"));
        receipt.reference = text(headers, "apns-unique-id");
        return receipt.into();
    }
    rejection(status, headers, body, now).into()
}

/// The `reason` in the debug data of a GOAWAY frame.
///
/// ```
/// use reveille_apns::{Reason, goaway_reason};
/// assert_eq!(goaway_reason(br#"{"reason":"Shutdown"}"#), Some(Reason::Shutdown));
/// assert_eq!(goaway_reason(b"bye"), None);
/// ```
#[must_use]
pub fn goaway_reason(debug_data: &[u8]) -> Option<Reason> {
    Body::parse(debug_data).reason().and_then(|text| Reason::parse(&text))
}

/// What an answer means that is not a success.
pub(crate) fn rejection(status: StatusCode, headers: &HeaderMap, body: &[u8], now: UnixTime) -> Rejection {
    let body = Body::parse(body);
    let status = status.as_u16();
    let retry_after = headers
        .get(http::header::RETRY_AFTER)
        .and_then(|value| RetryAfter::from_header(Some(value.as_bytes())))
        .map(|advice| advice.resolve(now));
    let said = body.reason();
    let Some(reason) = said.as_deref().and_then(Reason::parse) else {
        let action = Reason::action_by_status(status, retry_after, body.timestamp(), now);
        let rejection = Rejection::new(status, action);
        return match said {
            Some(text) => rejection.with_reason(text),
            None => rejection,
        };
    };
    let rejection = Rejection::new(status, reason.action(retry_after, body.timestamp(), now));
    let rejection = rejection.with_reason(reason.as_str());
    match reason.hint() {
        Some(hint) => rejection.with_detail(hint),
        None => rejection,
    }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    let value = headers.get(name)?.to_str().ok()?;
    // Both are UUIDs; more is not kept.
    (!value.is_empty() && value.len() <= 64).then(|| value.to_owned())
}
