//! "Why was nobody told?" and "what became of it?" The shards are asked, all of them: a job's name does not say where it is.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use futures_util::future::join_all;
use reveille_conversation::id::EventId;
use reveille_delivery::JobId;
use reveille_delivery::explain::{LegExplanation, LegStatus, Status};
use reveille_gateway::SourceId;
use reveille_gateway::explain::{Followed, JobExplanation};
use reveille_gateway::store::{ShardId, Store};
use serde_json::{Value, json};

use super::{Api, Problem};
use crate::auth::Right;
use crate::openapi::{Answer, Operation, Verb, Who};

pub(super) const EVENT: Operation = Operation::new(
    Verb::Get,
    "/v1/explain/events/{source}/{event}",
    "explainEvent",
    "What followed from an event, for each person: the reason why nobody was told, or the job",
    Who::Key(Right::Operate),
)
.answers(&[Answer::json(
    200,
    "What followed; nothing, if it is not known any more or never came",
    "Followed",
)]);

pub(super) const JOB: Operation = Operation::new(
    Verb::Get,
    "/v1/explain/jobs/{job}",
    "explainJob",
    "What became of a job, and of each of its legs",
    Who::Key(Right::Operate),
)
.answers(&[Answer::json(200, "Where it stands", "Job")])
.problems_too(&[404]);

pub(super) async fn event<S: Store>(
    State(api): State<Arc<Api<S>>>,
    Path((source, event)): Path<(u16, String)>,
) -> Result<Json<Value>, Problem> {
    let event: EventId = event.parse().map_err(|error| Problem::bad_request(format!("event: {error}")))?;
    let asked = ShardId::all().map(|shard| {
        let event = event.clone();
        api.shards.ask(shard, move |gateway| gateway.followed(SourceId(source), &event))
    });
    let all: Vec<Value> =
        join_all(asked).await.into_iter().flatten().flatten().map(|each| show(&each)).collect();
    Ok(Json(json!({"followed": all})))
}

/// As the log has it, but jobs as they are asked for.
fn show(followed: &Followed) -> Value {
    match followed {
        Followed::Told { person, kind, job } => {
            json!({"told": {"person": person, "kind": kind, "job": name(*job)}})
        }
        Followed::NotTaken(why) => json!({"not_taken": why}),
        Followed::Suppressed { person, reason } => {
            json!({"suppressed": {"person": person, "reason": reason}})
        }
        Followed::Waits { person } => json!({"waits": {"person": person}}),
        Followed::Dropped { person, fate } => json!({"dropped": {"person": person, "fate": fate}}),
        other => json!(other),
    }
}

pub(super) async fn job<S: Store>(
    State(api): State<Arc<Api<S>>>,
    Path(job): Path<String>,
) -> Result<Json<Value>, Problem> {
    let id = u128::from_str_radix(&job, 16).ok().filter(|_| job.len() == 32).map(JobId::from_bits);
    let id = id.ok_or_else(|| Problem::bad_request("job: expected 32 hexadecimal digits"))?;
    let asked = ShardId::all().map(|shard| api.shards.ask(shard, move |gateway| gateway.explain(id)));
    let found = join_all(asked).await.into_iter().flatten().flatten().next();
    let found = found
        .ok_or_else(|| Problem::not_found("no such job is known: it never was, or ended too long ago"))?;
    Ok(Json(explain(id, &found)))
}

pub(super) fn name(job: JobId) -> String {
    format!("{:032x}", job.to_bits())
}

fn explain(job: JobId, found: &JobExplanation) -> Value {
    let mut document =
        json!({"job": name(job), "legs": found.delivery.legs.iter().map(leg).collect::<Vec<_>>()});
    let (status, fate, at) = match found.delivery.status {
        Status::Resolving => ("resolving", None, None),
        Status::Held { until, .. } => ("held", None, Some(until)),
        Status::UnderWay { since } => ("under_way", None, Some(since)),
        Status::Settled { fate, at } => ("settled", Some(fate), Some(at)),
        _ => ("other", None, None),
    };
    document["status"] = json!(status);
    if let Some(fate) = fate {
        document["fate"] = json!(fate.name());
    }
    if let Some(at) = at {
        document["at_ms"] = json!(at.as_millis());
    }
    if let Some(content) = &found.content {
        document["person"] = json!(content.person());
    }
    document
}

fn leg(leg: &LegExplanation) -> Value {
    let (status, until) = match leg.status {
        LegStatus::Waiting { until, .. } => ("waiting", Some(until)),
        LegStatus::Behind { until } => ("behind", Some(until)),
        LegStatus::Committing => ("committing", None),
        LegStatus::OnItsWay { until, .. } => ("on_its_way", Some(until)),
        LegStatus::Settled(fate) => (fate.name(), None),
        _ => ("other", None),
    };
    let tried = leg.tried.iter().map(|tried| {
        json!({"attempt": tried.attempt, "at_ms": tried.at.as_millis(), "verdict": tried.verdict.name()})
    });
    json!({
        "device": format!("{:032x}", leg.device.to_bits()),
        "status": status,
        "until_ms": until.map(|until| until.as_millis()),
        "attempt": leg.attempt,
        "tried": tried.collect::<Vec<_>>(),
    })
}
