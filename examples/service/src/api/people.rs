//! What an app says for the person who uses it: a call was answered here, messages were read.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use reveille_conversation::event::{Answered, Event, Read, What};
use reveille_conversation::id::ConversationId;
use reveille_gateway::device_name;
use reveille_gateway::store::{ShardId, Store};
use reveille_registry::DeviceKey;
use serde::Deserialize;

use super::extract::{Doc, may_name, subject};
use super::{Api, Problem, events};
use crate::auth::{Caller, Right};
use crate::openapi::{Answer, Operation, Verb, Who};

pub(super) const ANSWERED: Operation = Operation::new(
    Verb::Post,
    "/v1/answered/{conversation}",
    "postAnswered",
    "The person has answered this call: it stops ringing everywhere else. 404 if it does not ring for them (any more)",
    Who::Person(Right::People),
)
.bodies(&[("application/json", "Answered")])
.answers(&[Answer::empty(202, "It is on disk")])
.problems_too(&[404]);

pub(super) const READ: Operation = Operation::new(
    Verb::Post,
    "/v1/read/{conversation}",
    "postRead",
    "The person has read the messages of this conversation",
    Who::Person(Right::People),
)
.bodies(&[("application/json", "Read")])
.answers(&[Answer::empty(202, "It is on disk")]);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AnsweredForm {
    #[serde(default)]
    person: Option<String>,
    #[serde(default)]
    app: Option<String>,
    #[serde(default)]
    device: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReadForm {
    #[serde(default)]
    person: Option<String>,
    #[serde(default)]
    sequence: Option<u64>,
}

/// Only who is rung can answer: else anybody could silence everybody's phones.
pub(super) async fn answered<S: Store>(
    State(api): State<Arc<Api<S>>>,
    Extension(caller): Extension<Caller>,
    Path(conversation): Path<String>,
    Doc(form): Doc<AnsweredForm>,
) -> Result<StatusCode, Problem> {
    let conversation = id(&conversation)?;
    let person = subject(&caller, form.person.as_deref())?;
    let device = match (form.app, form.device) {
        (Some(app), Some(device)) => {
            may_name(&caller, &app)?;
            // A device that is named gets no cancel, so it has to be one's own.
            let record = api.store.device(&DeviceKey::new(app.clone(), device.clone())).await?;
            if record.is_none_or(|record| record.owner != person.as_str()) {
                return Err(Problem::not_found("the person has no such device"));
            }
            let name = device_name(&app, &device);
            Some(name.map_err(|error| Problem::bad_request(format!("the device's name: {error}")))?)
        }
        (None, None) => None,
        _ => return Err(Problem::bad_request("give both app and device, or neither")),
    };
    // Its shard is asked, and not the index, which is a little behind: who is quick answers before it knows of the ring.
    let (shard, who, now) = (ShardId(api.seed.shard(&conversation)), person.clone(), api.clock.now());
    let ringing = api.shards.ask(shard, move |gateway| gateway.ringing(&who, now)).await;
    let ringing = ringing.ok_or_else(|| Problem::unavailable("the service is stopping"))?;
    if !ringing.iter().any(|ring| ring.conversation == conversation) {
        return Err(Problem::not_found("this call does not ring for the person"));
    }
    let what = What::CallAnswered(Answered { person, role: None, device, offer: None });
    say(&api, conversation, what).await
}

pub(super) async fn read<S: Store>(
    State(api): State<Arc<Api<S>>>,
    Extension(caller): Extension<Caller>,
    Path(conversation): Path<String>,
    Doc(form): Doc<ReadForm>,
) -> Result<StatusCode, Problem> {
    let person = subject(&caller, form.person.as_deref())?;
    let what = What::ReadUpTo(Read { person, sequence: form.sequence });
    say(&api, id(&conversation)?, what).await
}

async fn say<S: Store>(
    api: &Api<S>,
    conversation: ConversationId,
    what: What,
) -> Result<StatusCode, Problem> {
    let event = Event::new(conversation, what, api.clock.now());
    events::say(&api.shards, event).await?;
    Ok(StatusCode::ACCEPTED)
}

pub(super) fn id(text: &str) -> Result<ConversationId, Problem> {
    text.parse().map_err(|error| Problem::bad_request(format!("conversation: {error}")))
}
