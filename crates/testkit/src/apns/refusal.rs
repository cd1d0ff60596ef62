//! Apple's error answers.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode};
use reveille_core::UnixTime;

/// A refusal: status, Apple's word for the reason, and what goes with it. Give one to
/// [`ApnsService::script`](super::ApnsService::script) to see how your code takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// Apple's word.
    pub reason: &'static str,
    /// With a 410: since when the token is not valid.
    pub timestamp: Option<UnixTime>,
    /// Seconds of a `Retry-After` header; Apple documents none, but a proxy may send it.
    pub retry_after: Option<u32>,
}

impl Refusal {
    /// A status and a reason.
    #[must_use]
    pub const fn new(status: u16, reason: &'static str) -> Self {
        Self { status, reason, timestamp: None, retry_after: None }
    }

    /// 410 `Unregistered`: the app is gone from the device since then.
    #[must_use]
    pub const fn unregistered(since: UnixTime) -> Self {
        Self { timestamp: Some(since), ..Self::new(410, "Unregistered") }
    }

    /// Returns the refusal 429 `TooManyRequests`.
    #[must_use]
    pub const fn too_many_requests() -> Self {
        Self::new(429, "TooManyRequests")
    }

    /// Returns the refusal 500 `InternalServerError`.
    #[must_use]
    pub const fn internal() -> Self {
        Self::new(500, "InternalServerError")
    }

    /// Returns the refusal 503 `ServiceUnavailable`.
    #[must_use]
    pub const fn unavailable() -> Self {
        Self::new(503, "ServiceUnavailable")
    }

    /// Returns the refusal 503 `Shutdown`.
    #[must_use]
    pub const fn shutdown() -> Self {
        Self::new(503, "Shutdown")
    }

    /// With a `Retry-After` in seconds.
    #[must_use]
    pub const fn retry_after(self, seconds: u32) -> Self {
        Self { retry_after: Some(seconds), ..self }
    }

    /// The answer as APNs writes it; `id` is the request's name, which goes with every answer.
    #[must_use]
    pub fn response(self, id_header: &'static str, id: &str) -> Response<Bytes> {
        let body = match self.timestamp {
            Some(at) => serde_json::json!({"reason": self.reason, "timestamp": at.as_millis()}),
            None => serde_json::json!({"reason": self.reason}),
        };
        let mut response = Response::new(Bytes::from(body.to_string()));
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_REQUEST);
        let headers = response.headers_mut();
        if let Ok(id) = HeaderValue::from_str(id) {
            headers.insert(id_header, id);
        }
        if let Some(seconds) = self.retry_after {
            headers.insert("retry-after", HeaderValue::from(seconds));
        }
        response
    }
}
