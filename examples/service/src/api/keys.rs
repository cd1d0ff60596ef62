//! Keys of event sources and operators.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use reveille_gateway::store::Store;
use serde::Deserialize;
use serde_json::{Value, json};

use super::extract::Doc;
use super::{Api, Problem};
use crate::auth::{Key, KeyFailure, Right};
use crate::openapi::{Answer, Operation, Verb, Who};

pub(super) const LIST: Operation = Operation::new(
    Verb::Get,
    "/v1/keys",
    "getKeys",
    "The keys, without what is shown",
    Who::Key(Right::Keys),
)
.answers(&[Answer::json(200, "The keys", "Keys")]);

pub(super) const PUT: Operation = Operation::new(
    Verb::Put,
    "/v1/keys/{name}",
    "putKey",
    "Makes a key, or makes it anew: the one before is refused from now on",
    Who::Key(Right::Keys),
)
.bodies(&[("application/json", "KeyRequest")])
.answers(&[Answer::json(200, "The key: it is shown once", "Key")])
.problems_too(&[409]);

pub(super) const DELETE: Operation =
    Operation::new(Verb::Delete, "/v1/keys/{name}", "deleteKey", "Takes a key away", Who::Key(Right::Keys))
        .answers(&[Answer::empty(204, "It is refused from now on")])
        .problems_too(&[404, 409]);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Form {
    rights: Vec<Right>,
    #[serde(default)]
    source: Option<u16>,
}

pub(super) async fn list<S: Store>(State(api): State<Arc<Api<S>>>) -> Json<Value> {
    Json(json!({"keys": api.auth.keys.list().iter().map(|key| show(key)).collect::<Vec<_>>()}))
}

pub(super) async fn put<S: Store>(
    State(api): State<Arc<Api<S>>>,
    Path(name): Path<String>,
    Doc(form): Doc<Form>,
) -> Result<Json<Value>, Problem> {
    if form.rights.is_empty() || form.rights.len() > 16 || form.source == Some(0) {
        return Err(Problem::bad_request("expected 1 to 16 rights, and a source of at least 1"));
    }
    let (key, shown) = api.auth.keys.put(&name, form.rights, form.source, api.clock.now()).await?;
    let mut document = show(&key);
    document["key"] = json!(shown.expose());
    Ok(Json(document))
}

pub(super) async fn delete<S: Store>(
    State(api): State<Arc<Api<S>>>,
    Path(name): Path<String>,
) -> Result<StatusCode, Problem> {
    match api.auth.keys.remove(&name).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Problem::not_found("there is no such key")),
    }
}

fn show(key: &Key) -> Value {
    json!({"name": key.name, "rights": key.rights, "source": key.source, "made_ms": key.made.as_millis()})
}

impl From<KeyFailure> for Problem {
    fn from(failure: KeyFailure) -> Self {
        match &failure {
            KeyFailure::Name(_) => Self::bad_request(failure.to_string()),
            KeyFailure::TooMany => Self::conflict(failure.to_string()),
            KeyFailure::Store(_) | KeyFailure::Crypto | KeyFailure::Busy => {
                Self::unavailable(failure.to_string())
            }
        }
    }
}
