//! `POST /v1/hooks/{name}`: what happened, from whoever shares a secret with us.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use reveille_gateway::store::Store;

use super::{Api, Problem, events};
use crate::openapi::{Answer, Operation, Verb, Who};

pub(super) const POST: Operation = Operation::new(
    Verb::Post,
    "/v1/hooks/{name}",
    "postHook",
    "A webhook: one event, or a batch. 202 when all of it is on disk; an id that comes again is taken once",
    Who::Signed,
)
.bodies(&[
    ("application/cloudevents+json", "CloudEvent"),
    ("application/cloudevents-batch+json", "CloudEvents"),
    ("application/json", "Genesys"),
])
.answers(&[Answer::json(202, "All of it is on disk", "Taken")]);

pub(super) async fn post<S: Store>(
    State(api): State<Arc<Api<S>>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let (hook, signed) = api.hooks.verify(&name, &headers, &body, api.clock.now()).map_err(|unsigned| {
        api.metrics.count("turned_away", "hook");
        Problem::unauthorized(&unsigned.to_string())
    })?;
    // Only who has signed takes from the rate: nobody can use it up for somebody else.
    api.auth.rates.take_hook(&hook.name, api.clock.uptime()).map_err(|wait| {
        let seconds = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1);
        Problem::new(StatusCode::TOO_MANY_REQUESTS, "rate", "this hook comes too often")
            .with("bound", "requests")
            .after(seconds)
    })?;
    let mut reads = events::read(&api, hook.form, &headers, &body)?;
    if let Some(message) = signed.message {
        reads.name(message);
    }
    events::accept(&api, hook.source, reads).await
}
