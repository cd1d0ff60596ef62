//! What handlers take out of a request: a JSON document, and whom it is about.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse as _;
use reveille_conversation::id::PersonId;
use serde::de::DeserializeOwned;

use super::Problem;
use crate::auth::Caller;

/// A JSON object. The media type is compared, because a form of another page cannot send it without being asked
/// (Fetch standard, "CORS-safelisted request-header"): users of a proxy are recognised by what their browser sends by itself.
pub(super) struct Doc<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Doc<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let kind = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok())
            .unwrap_or_default();
        if !kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json")) {
            let detail = "send application/json";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media-type", detail));
        }
        let body = Bytes::from_request(request, state).await.map_err(|rejection| {
            match rejection.into_response().status() {
                status @ StatusCode::PAYLOAD_TOO_LARGE => {
                    Problem::new(status, "too-large", "the body is too large")
                }
                _ => Problem::bad_request("the body did not arrive"),
            }
        })?;
        // A derived struct would also take an array of its fields.
        if body.trim_ascii_start().first() != Some(&b'{') {
            return Err(Problem::bad_request("the body is not a JSON object"));
        }
        serde_json::from_slice(&body).map(Self).map_err(|error| {
            // The text of serde quotes what was given, which may be a token.
            Problem::bad_request(format!("the body: line {}, column {}", error.line(), error.column()))
        })
    }
}

/// Whom a request is about: a user about themselves, whatever it says or leaves out; a key about whom it names.
pub(super) fn subject(caller: &Caller, named: Option<&str>) -> Result<PersonId, Problem> {
    let named = named.map(person).transpose()?;
    match (caller, named) {
        (Caller::User(user), Some(named)) if named != user.person => {
            Err(Problem::forbidden("a user may do that for themselves only"))
        }
        (Caller::User(user), _) => Ok(user.person.clone()),
        (Caller::Key(_), Some(named)) => Ok(named),
        (Caller::Key(_), None) => Err(Problem::bad_request("say whom it is about")),
    }
}

/// A user's token may be good for one app only.
pub(super) fn may_name(caller: &Caller, app: &str) -> Result<(), Problem> {
    if caller.may_name(app) { Ok(()) } else { Err(Problem::forbidden("this token is good for another app")) }
}

pub(super) fn person(text: &str) -> Result<PersonId, Problem> {
    text.parse().map_err(|error| Problem::bad_request(format!("person: {error}")))
}
