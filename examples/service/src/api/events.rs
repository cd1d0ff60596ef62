//! `POST /v1/events`: what happened, from a source.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use futures_util::future::join_all;
use reveille_conversation as conversation;
use reveille_conversation::event::Event;
use reveille_conversation::source::Parsed;
use reveille_gateway::SourceId;
use reveille_gateway::store::Store;
use serde_json::{Value, json};

use super::{Api, Problem};
use crate::auth::{Caller, Right};
use crate::intake::{self, Form, Read, Reads, Unreadable};
use crate::openapi::{Answer, Operation, Verb, Who};
use crate::shards::{Shards, Submitted};

/// What the API itself says on behalf of a person.
pub(super) const OWN: SourceId = SourceId(0);

pub(super) const POST: Operation = Operation::new(
    Verb::Post,
    "/v1/events",
    "postEvents",
    "One event, or a batch. 202 when all of it is on disk; an id that comes again is taken once",
    Who::Key(Right::Events),
)
.bodies(&[
    ("application/cloudevents+json", "CloudEvent"),
    ("application/cloudevents-batch+json", "CloudEvents"),
    ("application/json", "Genesys"),
])
.answers(&[Answer::json(202, "All of it is on disk", "Taken")]);

/// One event, or a batch: 202 when all of it is on disk.
pub(super) async fn post<S: Store>(
    State(api): State<Arc<Api<S>>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let source = match &caller {
        Caller::Key(key) => key.source(),
        Caller::User(_) => OWN,
    };
    let reads = read(&api, None, &headers, &body)?;
    accept(&api, source, reads).await
}

/// What a body says.
pub(super) fn read<S: Store>(
    api: &Api<S>,
    form: Option<Form>,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<Reads, Problem> {
    let text = std::str::from_utf8(body).map_err(|_| Problem::bad_request("the body is not UTF-8"))?;
    let reads = intake::read(form, headers, text, api.clock.now()).map_err(|unreadable| match unreadable {
        Unreadable::Batch(error) => Problem::bad_request(error.to_string()),
        Unreadable::MediaType => {
            let detail =
                "send application/cloudevents+json, application/cloudevents-batch+json or application/json";
            Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media-type", detail)
        }
    })?;
    let count = reads.all().len();
    if count > api.limits.batch {
        let detail = format!("{count} events: at most {} at once", api.limits.batch);
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-many", detail));
    }
    Ok(reads)
}

/// Takes it in, and answers when all of it is on disk.
pub(super) async fn accept<S: Store>(
    api: &Api<S>,
    source: SourceId,
    mut reads: Reads,
) -> Result<Response, Problem> {
    if let Some(pages) = &api.pages {
        pages.remember(reads.all());
    }
    api.presence.fill_in(reads.inputs_mut()).await;
    let (is_batch, reads) = match reads {
        Reads::One(read) => (false, vec![read]),
        Reads::Batch(reads) => (true, reads),
    };
    // All are in their inboxes, in their order, before the first is waited for.
    let taken: Vec<_> = reads.into_iter().map(|read| take(&api.shards, source, read)).collect();
    let results = join_all(taken.into_iter().map(done)).await;
    for result in &results {
        api.metrics.count("events", result.as_ref().map_or_else(|_| "refused", |word| *word));
    }
    if !is_batch {
        let word = results.into_iter().next().unwrap_or(Ok("nothing"))?;
        return Ok((StatusCode::ACCEPTED, Json(json!({"result": word}))).into_response());
    }
    answer_batch(results)
}

/// A batch is taken event by event. If one is not taken, the answer is its problem, with what became of each; the whole
/// batch can be sent again, because each id is taken once.
fn answer_batch(results: Vec<Result<&'static str, Problem>>) -> Result<Response, Problem> {
    let each: Vec<Value> = results
        .iter()
        .map(|result| match result {
            Ok(word) => json!({"result": word}),
            Err(problem) => problem.document(),
        })
        .collect();
    // What passes by itself comes first: then the batch is to be sent again as it is.
    let worst =
        results.iter().filter_map(|result| result.as_ref().err()).max_by_key(|problem| problem.status());
    let Some(worst) = worst else {
        return Ok((StatusCode::ACCEPTED, Json(json!({"results": each}))).into_response());
    };
    let detail = "not all of the batch was taken in: see results";
    let mut problem = match worst.status() {
        StatusCode::BAD_REQUEST => Problem::bad_request(detail),
        StatusCode::TOO_MANY_REQUESTS => Problem::new(StatusCode::TOO_MANY_REQUESTS, "bound", detail),
        _ => Problem::unavailable(detail),
    };
    if let Some(bound) = worst.document().get("bound") {
        problem = problem.with("bound", bound.clone());
    }
    Err(problem.with("results", each))
}

/// What is to become of one event: a word at once, or when all shards that it concerns have it on disk.
type Taken = Result<(&'static str, Vec<Submitted>), Problem>;

fn take(shards: &Shards, source: SourceId, read: Read) -> Taken {
    let inputs = match read.map_err(|error| Problem::bad_request(error.to_string()))? {
        Parsed::Inputs(inputs) => inputs,
        // Of no kind that is known: counted, and no error.
        _ => return Ok(("ignored", Vec::new())),
    };
    let word = if inputs.is_empty() { "nothing" } else { "accepted" };
    Ok((word, intake::submit(shards, source, inputs)?))
}

async fn done(taken: Taken) -> Result<&'static str, Problem> {
    let (word, submitted) = taken?;
    for submitted in submitted {
        submitted.done().await?;
    }
    Ok(word)
}

/// What the API itself says, on disk.
pub(super) async fn say(shards: &Shards, event: Event) -> Result<(), Problem> {
    let submitted = intake::submit(shards, OWN, vec![conversation::Input::Event(event)])?;
    done(Ok(("accepted", submitted))).await.map(drop)
}
