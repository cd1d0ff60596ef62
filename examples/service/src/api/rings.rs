//! Questions to the shards: what rings, and how much of what.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::{Extension, Json};
use futures_util::future::join_all;
use reveille_conversation::Ringing;
use reveille_conversation::id::PersonId;
use reveille_core::metrics::Counters;
use reveille_gateway::store::{ShardId, Store, Subject};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::extract::subject;
use super::{Api, Problem};
use crate::auth::{Caller, Right};
use crate::desk::Mail;
use crate::openapi::{Answer, Operation, Verb, Who};
use crate::prometheus;

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
async fn ringing<S: Store>(api: &Api<S>, person: &PersonId) -> Result<Vec<Ringing>, Problem> {
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

/// The service's own numbers, the sums of the shards', the writer's and the pacer's.
pub(super) async fn metrics<S: Store>(State(api): State<Arc<Api<S>>>) -> Result<String, Problem> {
    let asked = ShardId::all().map(|shard| api.shards.ask(shard, |gateway| gateway.counters()));
    let mut gateway = Counters::default();
    for counters in join_all(asked).await.into_iter().flatten() {
        gateway.merge(&counters);
    }
    let (origins, connections) = api.wire.size();
    let sizes = [
        ("wire_origins", origins),
        ("wire_connections", connections),
        ("events_waiting", api.shards.waiting()),
    ];
    gateway.sizes.extend(sizes.map(|(name, size)| (name.to_owned(), size as u64)));
    let mut text = String::new();
    api.metrics.write(&mut text);
    prometheus::write("gateway", &gateway, &mut text);
    let (ask, answer) = oneshot::channel();
    // A desk that is closed has nothing to say.
    if api.desk.send(Mail::Counters(ask)).is_ok()
        && let Ok((writer, pacer)) = answer.await
    {
        prometheus::write("writer", &writer, &mut text);
        prometheus::write("pacer", &pacer, &mut text);
    }
    Ok(text)
}
