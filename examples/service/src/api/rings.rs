//! Questions to the shards: what rings, and how much of what.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use futures_util::future::join_all;
use reveille_conversation::id::PersonId;
use reveille_gateway::store::{ShardId, Store, Subject};
use serde_json::{Value, json};

use super::{Api, Problem};

/// `GET /v1/ringing/{person}`: what should ring for a person now, for an app that got no push (B10).
pub(super) async fn get<S: Store>(
    State(api): State<Arc<Api<S>>>,
    Path(person): Path<String>,
) -> Result<Json<Value>, Problem> {
    let person: PersonId =
        person.parse().map_err(|error| Problem::bad_request(format!("person: {error}")))?;
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
    let ringing: Vec<Value> = ringing
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

/// `GET /metrics`: the service's own numbers, and the sums of the shards'.
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
    sizes.insert("wire_origins", origins as u64);
    sizes.insert("wire_connections", connections as u64);
    sizes.insert("events_waiting", api.shards.waiting() as u64);
    Ok(api.metrics.text(&totals, &sizes))
}
