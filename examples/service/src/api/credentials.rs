//! What each app sends with (D5): given once, tested before it is used, and never shown again but masked.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use reveille_gateway::store::Store;
use serde_json::{Value, json};

use super::extract::Doc;
use super::{Api, Problem};
use crate::auth::Right;
use crate::credentials::{AppCredentials, BookFailure, Tested};
use crate::openapi::{Answer, Operation, Verb, Who};

pub(super) const LIST: Operation = Operation::new(
    Verb::Get,
    "/v1/credentials",
    "getAllCredentials",
    "All apps, masked",
    Who::Key(Right::Credentials),
)
.answers(&[Answer::json(200, "The apps", "MaskedList")]);

pub(super) const SHOW: Operation = Operation::new(
    Verb::Get,
    "/v1/credentials/{app}",
    "getCredentials",
    "An app, masked",
    Who::Key(Right::Credentials),
)
.answers(&[Answer::json(200, "The app", "Masked")])
.problems_too(&[404]);

pub(super) const PUT: Operation = Operation::new(
    Verb::Put,
    "/v1/credentials/{app}",
    "putCredentials",
    "Sets what an app sends with. Apple and Google are asked first: what they refuse is not taken",
    Who::Key(Right::Credentials),
)
.bodies(&[("application/json", "Credentials")])
.answers(&[Answer::json(200, "They are in force", "Masked")])
.problems_too(&[409, 422]);

pub(super) const DELETE: Operation = Operation::new(
    Verb::Delete,
    "/v1/credentials/{app}",
    "deleteCredentials",
    "Takes credentials away that were given here; what the settings say is in force again",
    Who::Key(Right::Credentials),
)
.answers(&[Answer::empty(204, "They are not used any more")])
.problems_too(&[404, 409]);

pub(super) const TEST: Operation = Operation::new(
    Verb::Post,
    "/v1/credentials/{app}/test",
    "testCredentials",
    "Asks Apple and Google about what is in force; nobody is shown anything",
    Who::Key(Right::Credentials),
)
.answers(&[Answer::json(200, "What they said", "Tests")])
.problems_too(&[404]);

pub(super) async fn list<S: Store>(State(api): State<Arc<Api<S>>>) -> Json<Value> {
    Json(json!({"credentials": api.book.list().await}))
}

pub(super) async fn show<S: Store>(
    State(api): State<Arc<Api<S>>>,
    Path(app): Path<String>,
) -> Result<Json<Value>, Problem> {
    api.book.show(&app).await.map(Json).ok_or_else(unknown)
}

pub(super) async fn put<S: Store>(
    State(api): State<Arc<Api<S>>>,
    Path(app): Path<String>,
    Doc(form): Doc<AppCredentials>,
) -> Result<Json<Value>, Problem> {
    let is_control = |byte: u8| byte < 0x20 || byte == 0x7f;
    if app.is_empty() || app.len() > 120 || app.bytes().any(is_control) {
        return Err(Problem::bad_request("app: expected 1 to 120 bytes without control characters"));
    }
    let (mut masked, tests) = api.book.put(&app, form, (&api.wire, &api.clock), &api.desk).await?;
    masked["tests"] = documents(&tests);
    Ok(Json(masked))
}

pub(super) async fn delete<S: Store>(
    State(api): State<Arc<Api<S>>>,
    Path(app): Path<String>,
) -> Result<StatusCode, Problem> {
    match api.book.remove(&app, &api.desk).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(unknown()),
    }
}

pub(super) async fn test<S: Store>(
    State(api): State<Arc<Api<S>>>,
    Path(app): Path<String>,
) -> Result<Json<Value>, Problem> {
    let tests = api.book.test(&app, &api.wire, &api.clock).await.ok_or_else(unknown)?;
    Ok(Json(json!({"tests": documents(&tests)})))
}

fn unknown() -> Problem {
    Problem::not_found("there is no such app")
}

fn documents(tests: &[Tested]) -> Value {
    tests.iter().map(Tested::document).collect()
}

impl From<BookFailure> for Problem {
    fn from(failure: BookFailure) -> Self {
        let detail = failure.to_string();
        match failure {
            BookFailure::Invalid(_) => Self::bad_request(detail),
            BookFailure::Refused(tests) => {
                let problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "credentials-refused", detail);
                problem.with("tests", documents(&tests))
            }
            BookFailure::Later(tests) => Self::unavailable(detail).with("tests", documents(&tests)),
            BookFailure::TooMany | BookFailure::OfSettings => Self::conflict(detail),
            BookFailure::Store(_) | BookFailure::Seal | BookFailure::Busy => Self::unavailable(detail),
        }
    }
}
