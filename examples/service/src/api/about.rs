//! About the service and the caller: health, readiness, the VAPID key, the document.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use reveille_gateway::store::Store;
use serde_json::{Value, json};

use super::{Api, Problem};
use crate::auth::Caller;
use crate::openapi::{Answer, Operation, Verb, Who};

pub(super) const HEALTH: Operation =
    Operation::new(Verb::Get, "/health", "getHealth", "Whether the process lives", Who::Anyone)
        .answers(&[Answer::text(200, "It does")]);

pub(super) const READY: Operation =
    Operation::new(Verb::Get, "/ready", "getReady", "Whether events are taken in", Who::Anyone)
        .answers(&[Answer::text(200, "They are")]);

pub(super) const VAPID: Operation = Operation::new(
    Verb::Get,
    "/v1/vapid",
    "getVapidKey",
    "The public key that browsers subscribe to",
    Who::Anyone,
)
.answers(&[Answer::json(200, "The key", "Vapid")]);

pub(super) const ME: Operation =
    Operation::new(Verb::Get, "/v1/me", "getMe", "Who the caller is, and may do what", Who::Caller)
        .answers(&[Answer::json(200, "The caller", "Me")]);

pub(super) async fn health() -> &'static str {
    "alive\n"
}

/// Whether events are taken in: the store took the last commit, and the shards are ours.
pub(super) async fn ready<S: Store>(State(api): State<Arc<Api<S>>>) -> Response {
    match (api.shards.is_well(), api.lease.is_ours()) {
        (true, true) => "ready\n".into_response(),
        (false, _) => Problem::unavailable("the store did not take the last commit").into_response(),
        (_, false) => Problem::unavailable("the lease of the shards is over").into_response(),
    }
}

pub(super) async fn vapid<S: Store>(State(api): State<Arc<Api<S>>>) -> Json<Value> {
    Json(json!({"public_key": api.server.keys().current().public_key().to_string()}))
}

pub(super) async fn me(Extension(caller): Extension<Caller>) -> Json<Value> {
    Json(match caller {
        Caller::Key(key) => {
            json!({"kind": "key", "name": key.name, "rights": key.rights, "source": key.source})
        }
        Caller::User(user) => json!({"kind": "user", "person": user.person.as_str(), "app": user.app}),
    })
}

/// A document that was made before.
pub(super) fn json(document: &str) -> impl IntoResponse + use<> {
    ([(header::CONTENT_TYPE, "application/json")], document.to_owned())
}
