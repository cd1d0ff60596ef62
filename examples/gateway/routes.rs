//! The HTTP interface.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::rejection::JsonRejection;
use axum::extract::{DefaultBodyLimit, Query, State};
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::gateway::{Gateway, RegisterError};
use crate::hosts::{self, Hosts};
use crate::{page, resume};

/// All routes; those for receipts only where they are wanted.
pub fn router(gateway: Arc<Gateway>, hosts: Hosts, receipts: bool) -> Router {
    let mut router = Router::new()
        .route("/", get(page::index))
        .route("/app.js", get(page::app))
        .route("/resume.js", get(page::resume))
        .route("/style.css", get(page::style))
        .route("/service-worker.js", get(page::service_worker))
        .route("/v1/config", get(config))
        .route("/v1/events", post(event))
        .route("/v1/resume", post(resume::resume))
        .route("/v1/subscriptions", get(count).post(subscribe).delete(unsubscribe));
    if receipts {
        let received = Arc::new(Mutex::new(Vec::<Value>::new()));
        let keep = Arc::clone(&received);
        let list = move || async move { Json(lock(&received).clone()) };
        let keep = move |Json(receipt): Json<Value>| async move {
            let mut receipts = lock(&keep);
            // Enough for any test; not a way to fill the memory.
            if receipts.len() < 10_000 {
                receipts.push(receipt);
            }
        };
        router = router.route("/v1/receipts", get(list).post(keep));
    }
    router
        .layer(DefaultBodyLimit::max(64 * 1024))
        .layer(from_fn_with_state(hosts, hosts::check))
        .with_state(gateway)
}

fn lock(receipts: &Mutex<Vec<Value>>) -> std::sync::MutexGuard<'_, Vec<Value>> {
    receipts.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `{"error": …}` with a status.
struct Failure(StatusCode, String);

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        (self.0, Json(json!({"error": self.1}))).into_response()
    }
}

impl From<JsonRejection> for Failure {
    fn from(rejection: JsonRejection) -> Self {
        Self(rejection.status(), rejection.body_text())
    }
}

async fn config(State(gateway): State<Arc<Gateway>>) -> Json<Value> {
    Json(json!({"applicationServerKey": gateway.public_key(), "ignoredEvents": gateway.ignored()}))
}

async fn event(
    State(gateway): State<Arc<Gateway>>,
    event: Result<Json<Value>, JsonRejection>,
) -> Result<Response, Failure> {
    let Json(event) = event?;
    let counts =
        gateway.handle_event(event).await.map_err(|problem| Failure(StatusCode::BAD_REQUEST, problem))?;
    Ok((StatusCode::ACCEPTED, Json(json!({"devices": counts}))).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Registration {
    user: String,
    subscription: Value,
    /// The endpoint that this subscription takes the place of (`pushsubscriptionchange`).
    #[serde(default)]
    replaces: Option<String>,
}

async fn subscribe(
    State(gateway): State<Arc<Gateway>>,
    registration: Result<Json<Registration>, JsonRejection>,
) -> Result<StatusCode, Failure> {
    let Json(registration) = registration?;
    let Registration { user, subscription, replaces } = registration;
    match gateway.register(user, &subscription, replaces.as_deref()) {
        Ok(()) => Ok(StatusCode::CREATED),
        Err(RegisterError::Invalid(error)) => Err(Failure(StatusCode::BAD_REQUEST, error.to_string())),
        Err(RegisterError::User) => {
            let problem = format!("user: must be 1 to {} bytes", Gateway::MAX_USER);
            Err(Failure(StatusCode::BAD_REQUEST, problem))
        }
        Err(RegisterError::Full) => {
            Err(Failure(StatusCode::CONFLICT, "there are too many subscriptions already".to_owned()))
        }
        Err(RegisterError::Store(error)) => {
            eprintln!("gateway: {error}");
            Err(Failure(StatusCode::INSUFFICIENT_STORAGE, "the subscription could not be kept".to_owned()))
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Endpoint {
    endpoint: String,
}

async fn unsubscribe(
    State(gateway): State<Arc<Gateway>>,
    endpoint: Result<Json<Endpoint>, JsonRejection>,
) -> Result<StatusCode, Failure> {
    let Json(Endpoint { endpoint }) = endpoint?;
    match gateway.unregister(&endpoint) {
        Ok(true) => Ok(StatusCode::NO_CONTENT),
        Ok(false) => Err(Failure(StatusCode::NOT_FOUND, "no such subscription".to_owned())),
        Err(error) => Err(Failure(StatusCode::INSUFFICIENT_STORAGE, error.to_string())),
    }
}

#[derive(Deserialize)]
struct User {
    user: String,
}

async fn count(State(gateway): State<Arc<Gateway>>, Query(User { user }): Query<User>) -> Json<Value> {
    Json(json!({"user": user, "devices": gateway.count(&user)}))
}
