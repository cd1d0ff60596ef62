//! FCM's error answers.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode};
use serde_json::{Value, json};

use super::validate::Violation;

/// Why FCM refuses a request, in the form in which it says so; [`FcmService::script`](super::FcmService::script)
/// makes the next answer one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// 404 with HTML: no such path.
    NoSuchPath,
    /// 401 `UNAUTHENTICATED`: the access token is missing, unknown or has ended.
    Unauthenticated,
    /// 403 `PERMISSION_DENIED`: no right to send in this project.
    PermissionDenied,
    /// 403 with `SERVICE_DISABLED`: the API is not enabled.
    ApiDisabled,
    /// 400 with `BadRequest`: the message.
    BadRequest(Vec<Violation>),
    /// 400 with `FcmError` alone: the token's form.
    InvalidToken,
    /// 404 `UNREGISTERED`.
    Unregistered,
    /// 403 `SENDER_ID_MISMATCH`.
    SenderIdMismatch,
    /// 404 without `FcmError`: no such resource.
    NotFound,
    /// 409: there is one already.
    AlreadyExists,
    /// 400 `INVALID_ARGUMENT` with `FcmError` and a sentence about the message (scripted; Google does it for messages that
    /// are too big only on one platform).
    Sentence(&'static str),
    /// What Apple refuses behind FCM: `INVALID_ARGUMENT`, or `THIRD_PARTY_AUTH_ERROR` for 403, with `ApnsError`.
    Apple {
        /// Apple's HTTP status.
        status: u16,
        /// Apple's word.
        reason: &'static str,
    },
    /// 401 `THIRD_PARTY_AUTH_ERROR` (scripted).
    ThirdPartyAuth,
    /// 429 `QUOTA_EXCEEDED` (scripted), of whom, and with `Retry-After` in seconds if there is one.
    QuotaExceeded {
        /// What the quota is of: `project`, `topic`, `device`.
        subject: &'static str,
        /// Seconds to wait.
        retry_after: Option<u32>,
    },
    /// 503 `UNAVAILABLE` (scripted).
    Unavailable {
        /// Seconds to wait.
        retry_after: Option<u32>,
    },
    /// 503 `UNAVAILABLE` with `RetryInfo` in place of the header (scripted).
    UnavailableFor {
        /// Seconds to wait.
        secs: u32,
    },
    /// 500 `INTERNAL` (scripted).
    Internal,
    /// 502 with HTML, from a proxy on the way (scripted).
    BadGateway,
}

impl Refusal {
    /// Returns the answer, in Google's form.
    #[must_use]
    pub fn response(&self) -> Response<Bytes> {
        let (status, word, message, details) = self.parts();
        let body = if word.is_empty() {
            format!("<html><title>Error {}</title></html>", status.as_u16())
        } else {
            json!({"error": {"code": status.as_u16(), "message": message, "status": word, "details": details}}).to_string()
        };
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() = status;
        let kind =
            if word.is_empty() { "text/html; charset=UTF-8" } else { "application/json; charset=UTF-8" };
        response.headers_mut().insert("content-type", HeaderValue::from_static(kind));
        if let Self::QuotaExceeded { retry_after: Some(secs), .. }
        | Self::Unavailable { retry_after: Some(secs) } = self
        {
            response.headers_mut().insert("retry-after", HeaderValue::from(*secs));
        }
        response
    }

    fn parts(&self) -> (StatusCode, &'static str, String, Vec<Value>) {
        let text = |text: &str| text.to_owned();
        match self {
            Self::NoSuchPath => (StatusCode::NOT_FOUND, "", String::new(), vec![]),
            Self::BadGateway => (StatusCode::BAD_GATEWAY, "", String::new(), vec![]),
            Self::Unauthenticated => (
                StatusCode::UNAUTHORIZED,
                "UNAUTHENTICATED",
                text(
                    "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential.",
                ),
                vec![info("ACCESS_TOKEN_EXPIRED")],
            ),
            Self::PermissionDenied => (
                StatusCode::FORBIDDEN,
                "PERMISSION_DENIED",
                text(
                    "Permission 'cloudmessaging.messages.create' denied on resource '//cloudresourcemanager.googleapis.com/projects/p' (or it may not exist).",
                ),
                vec![info("IAM_PERMISSION_DENIED")],
            ),
            Self::ApiDisabled => (
                StatusCode::FORBIDDEN,
                "PERMISSION_DENIED",
                text("Firebase Cloud Messaging API has not been used in project 1 before or it is disabled."),
                vec![info("SERVICE_DISABLED")],
            ),
            Self::BadRequest(violations) => {
                let first =
                    violations.first().map(|violation| violation.description.clone()).unwrap_or_default();
                let listed: Vec<Value> = violations
                    .iter()
                    .map(|violation| json!({"field": violation.field, "description": violation.description}))
                    .collect();
                let details = vec![
                    fcm_error("INVALID_ARGUMENT"),
                    json!({"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": listed}),
                ];
                (StatusCode::BAD_REQUEST, "INVALID_ARGUMENT", first, details)
            }
            Self::InvalidToken => (
                StatusCode::BAD_REQUEST,
                "INVALID_ARGUMENT",
                text("The registration token is not a valid FCM registration token"),
                vec![fcm_error("INVALID_ARGUMENT")],
            ),
            Self::Unregistered => (
                StatusCode::NOT_FOUND,
                "NOT_FOUND",
                text("Requested entity was not found."),
                vec![fcm_error("UNREGISTERED")],
            ),
            Self::SenderIdMismatch => (
                StatusCode::FORBIDDEN,
                "PERMISSION_DENIED",
                text("SenderId mismatch"),
                vec![fcm_error("SENDER_ID_MISMATCH")],
            ),
            Self::NotFound => {
                (StatusCode::NOT_FOUND, "NOT_FOUND", text("Requested entity was not found."), vec![])
            }
            Self::AlreadyExists => {
                (StatusCode::CONFLICT, "ALREADY_EXISTS", text("Requested entity already exists"), vec![])
            }
            Self::Sentence(sentence) => (
                StatusCode::BAD_REQUEST,
                "INVALID_ARGUMENT",
                text(sentence),
                vec![fcm_error("INVALID_ARGUMENT")],
            ),
            Self::Apple { status, reason } => {
                let apns = json!({"@type": "type.googleapis.com/google.firebase.fcm.v1.ApnsError",
                                  "statusCode": status, "reason": reason});
                if *status == 403 {
                    let (code, word, said, mut details) = Self::ThirdPartyAuth.parts();
                    details.push(apns);
                    return (code, word, said, details);
                }
                let details = vec![fcm_error("INVALID_ARGUMENT"), apns];
                let said = text("Request contains an invalid argument.");
                (StatusCode::BAD_REQUEST, "INVALID_ARGUMENT", said, details)
            }
            Self::UnavailableFor { secs } => (
                StatusCode::SERVICE_UNAVAILABLE,
                "UNAVAILABLE",
                text("The service is currently unavailable."),
                vec![
                    fcm_error("UNAVAILABLE"),
                    json!({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": format!("{secs}s")}),
                ],
            ),
            Self::ThirdPartyAuth => (
                StatusCode::UNAUTHORIZED,
                "UNAUTHENTICATED",
                text("Auth error from APNS or Web Push Service"),
                vec![fcm_error("THIRD_PARTY_AUTH_ERROR")],
            ),
            Self::QuotaExceeded { subject, .. } => (
                StatusCode::TOO_MANY_REQUESTS,
                "RESOURCE_EXHAUSTED",
                text("Quota exceeded."),
                vec![
                    fcm_error("QUOTA_EXCEEDED"),
                    json!({"@type": "type.googleapis.com/google.rpc.QuotaFailure",
                           "violations": [{"subject": subject, "description": "Message rate exceeded"}]}),
                ],
            ),
            Self::Unavailable { .. } => (
                StatusCode::SERVICE_UNAVAILABLE,
                "UNAVAILABLE",
                text("The service is currently unavailable."),
                vec![fcm_error("UNAVAILABLE")],
            ),
            Self::Internal => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "INTERNAL",
                text("Internal error encountered."),
                vec![fcm_error("INTERNAL")],
            ),
        }
    }
}

fn fcm_error(code: &str) -> Value {
    json!({"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code})
}

fn info(reason: &str) -> Value {
    json!({"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "googleapis.com"})
}
