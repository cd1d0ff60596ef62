//! `POST /v1/hooks/{name}`: what happened, from whoever shares a secret with us.

use std::sync::Arc;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use reveille_gateway::store::Store;

use super::routes::{stranger, too_often};
use super::{Api, Problem, events};
use crate::auth::Peer;
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
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let verified = api.hooks.verify(&name, &headers, &body, api.clock.now());
    let (hook, signed) = match verified {
        Ok(verified) => verified,
        Err(unsigned) => {
            api.metrics.count("turned_away", "hook");
            stranger(&api, peer.map(|Extension(peer)| peer.0))?;
            return Err(Problem::unauthorized(&unsigned.to_string()));
        }
    };
    // Only who has signed takes from this rate: nobody can use it up for somebody else.
    let taken = api.auth.rates.take_hook(&hook.name, api.clock.uptime());
    taken.map_err(|wait| too_often(wait, "this hook comes too often"))?;
    let mut reads = events::read(&api, hook.form, &headers, &body)?;
    if let Some(message) = signed.message {
        reads.name(message);
    }
    events::accept(&api, hook.source, reads).await
}
