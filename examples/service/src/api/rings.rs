//! Questions to the shards: what rings, and how much of what.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::{Extension, Json};
use futures_util::future::join_all;
use reveille_conversation::Ringing;
use reveille_conversation::id::PersonId;
use reveille_gateway::store::{ShardId, Store, Subject};
use serde_json::{Value, json};

use super::extract::subject;
use super::{Api, Problem};
use crate::auth::{Caller, Right};
use crate::openapi::{Answer, Operation, Verb, Who};

pub(super) const GET: Operation = Operation::new(
    Verb::Get,
    "/v1/ringing/{person}",
    "getRinging",
    "What should ring for a person now, for an app that got no push",
    Who::Person(Right::People),
)
.answers(&[Answer::json(200, "What rings", "Ringing")]);

pub(super) const METRICS: Operation = Operation::new(
    Verb::Get,
    "/metrics",
    "getMetrics",
    "The metrics, for Prometheus",
    Who::Key(Right::Operate),
)
.answers(&[Answer::text(200, "Text format 0.0.4")]);

/// What should ring for a person now, for an app that got no push (B10).
pub(super) async fn get<S: Store>(
    State(api): State<Arc<Api<S>>>,
    Extension(caller): Extension<Caller>,
    Path(person): Path<String>,
) -> Result<Json<Value>, Problem> {
    let person = subject(&caller, Some(&person))?;
    let ringing: Vec<Value> = ringing(&api, &person)
        .await?
        .into_iter()
        .map(|ring| {
            json!({
                "conversation": ring.conversation.as_str(),
                "media": ring.media.as_str(),
                "until": ring.until.as_millis(),
            })
        })
        .collect();
    Ok(Json(json!({"person": person.as_str(), "ringing": ringing})))
}

/// Asks the shards in which something of the person is live.
pub(super) async fn ringing<S: Store>(api: &Api<S>, person: &PersonId) -> Result<Vec<Ringing>, Problem> {
    let shards = api.store.live(&Subject::Person(person.clone())).await?;
    let now = api.clock.now();
    let asked = shards.into_iter().map(|shard| {
        let person = person.clone();
        api.shards.ask(shard, move |gateway| gateway.ringing(&person, now))
    });
    let mut ringing = Vec::new();
    for answer in join_all(asked).await {
        ringing.extend(answer.ok_or_else(|| Problem::unavailable("the service is stopping"))?);
    }
    Ok(ringing)
}

/// The service's own numbers, and the sums of the shards'.
pub(super) async fn metrics<S: Store>(State(api): State<Arc<Api<S>>>) -> Result<String, Problem> {
    let asked = ShardId::all().map(|shard| api.shards.ask(shard, |gateway| gateway.counters()));
    let (mut totals, mut sizes) = (BTreeMap::new(), BTreeMap::new());
    for counters in join_all(asked).await.into_iter().flatten() {
        for (name, count) in counters.totals {
            *totals.entry(name).or_default() += count;
        }
        for (name, size) in counters.sizes {
            *sizes.entry(name).or_default() += size;
        }
    }
    let (origins, connections) = api.wire.size();
    sizes.insert("wire_origins".to_owned(), origins as u64);
    sizes.insert("wire_connections".to_owned(), connections as u64);
    sizes.insert("events_waiting".to_owned(), api.shards.waiting() as u64);
    Ok(api.metrics.text(&totals, &sizes))
}
