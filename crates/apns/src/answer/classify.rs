//! From an answer to an outcome.

use http::{HeaderMap, Response, StatusCode};
use reveille_core::{Outcome, Receipt, Rejection, RetryAfter, UnixTime};

use super::Reason;
use super::body::Body;
use crate::target::DeviceToken;

/// What an answer means, and what to do next. It never fails, whatever the status and the bytes.
///
/// It serves pushes to devices, broadcasts and the management of channels alike. Where the reason is unknown, its
/// text is kept and the status decides. `target` is the device of the request, or `None`: its token is cut out of every
/// text, for a proxy may quote the path.
///
/// ```
/// use http::{HeaderMap, StatusCode};
/// use reveille_apns::{DeviceToken, classify};
/// use reveille_core::{Action, UnixTime};
///
/// let (now, device) = (UnixTime::from_secs(1_700_000_000), "00fc13adff785122".parse::<DeviceToken>()?);
/// let body = br#"{"reason":"Unregistered","timestamp":1699990000000}"#;
/// let outcome = classify(&device, StatusCode::GONE, &HeaderMap::new(), body, now);
/// // A token that was registered after that time is a new one: keep it.
/// let since = Some(UnixTime::from_millis(1_699_990_000_000));
/// assert_eq!(outcome.action(), Some(&Action::DropTarget { if_registered_before: since }));
/// # Ok::<(), reveille_apns::Error>(())
/// ```
#[must_use]
pub fn classify<'t>(
    target: impl Into<Option<&'t DeviceToken>>,
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    now: UnixTime,
) -> Outcome {
    if status.is_success() {
        let mut receipt = Receipt::new(status.as_u16());
        receipt.message = text(headers, "apns-id").or_else(|| text(headers, "apns-request-id"));
        receipt.reference = text(headers, "apns-unique-id");
        return receipt.into();
    }
    rejection(target.into(), status, headers, body, now).into()
}

/// [`classify`], of a whole response.
#[must_use]
pub fn classify_response<'t>(
    target: impl Into<Option<&'t DeviceToken>>,
    response: &Response<impl AsRef<[u8]>>,
    now: UnixTime,
) -> Outcome {
    classify(target, response.status(), response.headers(), response.body().as_ref(), now)
}

/// The `reason` in the debug data of a GOAWAY frame.
///
/// ```
/// use reveille_apns::answer::{Reason, goaway_reason};
/// assert_eq!(goaway_reason(br#"{"reason":"Shutdown"}"#), Some(Reason::Shutdown));
/// assert_eq!(goaway_reason(b"bye"), None);
/// ```
#[must_use]
pub fn goaway_reason(debug_data: &[u8]) -> Option<Reason> {
    Body::parse(debug_data).reason().and_then(|text| Reason::parse(&text))
}

/// What an answer means that is not a success.
pub(crate) fn rejection(
    target: Option<&DeviceToken>,
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    now: UnixTime,
) -> Rejection {
    let body = Body::parse(body);
    let status = status.as_u16();
    let advice = headers.get(http::header::RETRY_AFTER).map(http::HeaderValue::as_bytes);
    let advice = RetryAfter::from_header(advice);
    let Some(said) = body.reason() else {
        return Rejection::new(status, Reason::action_by_status(status, advice, body.timestamp(), now));
    };
    let Some(reason) = Reason::parse(&said) else {
        let action = Reason::action_by_status(status, advice, body.timestamp(), now);
        let rejection = Rejection::new(status, action).with_reason(said);
        return match target {
            Some(device) => rejection.without(&[device.expose()]),
            None => rejection,
        };
    };
    // Apple's own words from here on, none of the answer's.
    let rejection = Rejection::new(status, reason.action(advice, body.timestamp(), now));
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
