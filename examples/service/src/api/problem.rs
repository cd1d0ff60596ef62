//! Problem documents (RFC 9457): every error of the API is one.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use reveille_gateway::store::StoreError;
use serde_json::{Map, Value, json};

use crate::shards::NotTaken;

/// One problem, as it is answered.
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    /// The name of the kind, behind `urn:reveille:problem:`.
    kind: &'static str,
    detail: String,
    more: Map<String, Value>,
    retry_after: Option<u32>,
}

impl Problem {
    /// A problem. The detail names what is wrong, never a token, a key or what somebody wrote.
    pub fn new(status: StatusCode, kind: &'static str, detail: impl Into<String>) -> Self {
        Self { status, kind, detail: detail.into(), more: Map::new(), retry_after: None }
    }

    /// The document or the path is wrong.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad-request", detail)
    }

    /// Nothing is there.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", detail)
    }

    /// Nobody was recognised.
    pub fn unauthorized(detail: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
    }

    /// Somebody was recognised, who may not do that.
    pub fn forbidden(detail: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    /// It does not go together with what is there.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", detail)
    }

    /// The store does not answer.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail);
        Self { retry_after: Some(1), ..problem }
    }

    /// With another member.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.more.insert(name.to_owned(), value.into());
        self
    }

    /// To be tried again after so many seconds.
    #[must_use]
    pub fn after(self, seconds: u32) -> Self {
        Self { retry_after: Some(seconds), ..self }
    }

    /// The name of its kind.
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// Its status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// As a member of another document.
    pub fn document(&self) -> Value {
        let mut all = self.more.clone();
        all.insert("type".to_owned(), json!(format!("urn:reveille:problem:{}", self.kind)));
        all.insert("title".to_owned(), json!(self.status.canonical_reason().unwrap_or("Problem")));
        all.insert("status".to_owned(), json!(self.status.as_u16()));
        all.insert("detail".to_owned(), json!(self.detail));
        Value::Object(all)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::unavailable(format!("the store: {error}"))
    }
}

impl From<NotTaken> for Problem {
    fn from(not_taken: NotTaken) -> Self {
        let detail = not_taken.to_string();
        match (&not_taken, not_taken.bound()) {
            (_, Some(bound)) => {
                let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "bound", detail).with("bound", bound);
                Self { retry_after: Some(1), ..problem }
            }
            _ => Self::unavailable(detail),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.document())).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
