//! Autopush's error answers.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode};

/// Why the service refuses a request, with autopush's status and `errno`;
/// [`PushService::script`](super::PushService::script) makes the next answer one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// 405: not `POST`.
    Method,
    /// 404, errno 102: no such subscription, nor was there ever.
    UnknownEndpoint,
    /// 410, errno 106: the subscription has ended.
    Gone,
    /// 400, errno 111: no TTL.
    MissingTtl,
    /// 400, errno 112: the TTL is not a number of seconds.
    InvalidTtl,
    /// 400, errno 113: the topic is too long or has other characters.
    InvalidTopic,
    /// 400, errno 110: content coding missing or unknown, or headers of the draft coding beside `aes128gcm`.
    InvalidEncryption,
    /// 413, errno 104: the body is longer than 4,096 bytes.
    TooLarge,
    /// 401, errno 109: no VAPID header though the subscription demands one, or not a valid one, or another key.
    Unauthorized,
    /// 400: an urgency that is none (RFC 8030 §5.3), or several.
    InvalidUrgency,
    /// 429 with `Retry-After` in seconds (scripted).
    TooManyRequests {
        /// Seconds to wait.
        retry_after: u32,
    },
    /// 503, errno 201, with `Retry-After: 120` (scripted).
    Unavailable,
    /// 500, errno 999 (scripted).
    Internal,
}

impl Refusal {
    /// Returns status, `errno` and message, as autopush has them.
    #[must_use]
    pub const fn parts(self) -> (StatusCode, u32, &'static str) {
        match self {
            Self::Method => (StatusCode::METHOD_NOT_ALLOWED, 0, "Method not allowed"),
            Self::UnknownEndpoint => (StatusCode::NOT_FOUND, 102, "Request did not validate: invalid token"),
            Self::Gone => (StatusCode::GONE, 106, "User is no longer subscribed"),
            Self::MissingTtl => (StatusCode::BAD_REQUEST, 111, "Missing TTL value"),
            Self::InvalidTtl => (StatusCode::BAD_REQUEST, 112, "Invalid TTL value"),
            Self::InvalidTopic => (StatusCode::BAD_REQUEST, 113, "Invalid Topic value"),
            Self::InvalidEncryption => (StatusCode::BAD_REQUEST, 110, "Crypto keys specified incorrectly"),
            Self::TooLarge => {
                (StatusCode::PAYLOAD_TOO_LARGE, 104, "This message is intended for a constrained device")
            }
            Self::Unauthorized => {
                (StatusCode::UNAUTHORIZED, 109, "A value in the vapid claims is either missing or incorrect")
            }
            Self::InvalidUrgency => (StatusCode::BAD_REQUEST, 108, "Invalid Urgency value"),
            Self::TooManyRequests { .. } => (StatusCode::TOO_MANY_REQUESTS, 0, "Too many requests"),
            Self::Unavailable => {
                (StatusCode::SERVICE_UNAVAILABLE, 201, "Use exponential back-off for retries")
            }
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, 999, "Unknown error"),
        }
    }

    /// The answer as autopush writes it.
    #[must_use]
    pub fn response(self) -> Response<Bytes> {
        let (status, errno, message) = self.parts();
        let error = status.canonical_reason().unwrap_or_default();
        let body = serde_json::json!({
            "code": status.as_u16(), "errno": errno, "error": error, "message": message,
            "more_info": "https://mozilla-services.github.io/autopush-rs/errors.html",
        });
        let mut response = Response::new(Bytes::from(body.to_string()));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert("content-type", HeaderValue::from_static("application/json"));
        match self {
            Self::TooManyRequests { retry_after } => {
                headers.insert("retry-after", HeaderValue::from(retry_after));
            }
            Self::Unavailable => {
                headers.insert("retry-after", HeaderValue::from_static("120"));
            }
            _ => {}
        }
        response
    }
}
