//! What a person wishes: pauses (E9), and what they do not want. Quiet hours are not here: the service has no table of time
//! zones, and would not keep them.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::{Extension, Json};
use reveille_conversation::id::{AppId, PersonId};
use reveille_conversation::{Channel, Kind};
use reveille_core::UnixTime;
use reveille_gateway::store::{Store, Versioned, Wishes};
use reveille_registry::pause;
use serde::Deserialize;
use serde_json::{Value, json};

use super::extract::{Doc, subject};
use super::{Api, Problem};
use crate::auth::{Caller, Right};
use crate::openapi::{Answer, Operation, Verb, Who};

/// How often somebody else may be faster.
const TIMES: usize = 8;
/// The most of each list.
const MOST: usize = 64;

pub(super) const GET: Operation = Operation::new(
    Verb::Get,
    "/v1/wishes/{person}",
    "getWishes",
    "What a person wishes, and the pauses with what they held back",
    Who::Person(Right::People),
)
.answers(&[Answer::json(200, "The wishes", "Wishes")]);

pub(super) const PUT: Operation = Operation::new(
    Verb::Put,
    "/v1/wishes/{person}",
    "putWishes",
    "Sets what a person does not want; pauses stay",
    Who::Person(Right::People),
)
.bodies(&[("application/json", "Wish")])
.answers(&[Answer::json(200, "The wishes", "Wishes")]);

pub(super) const PAUSE: Operation = Operation::new(
    Verb::Put,
    "/v1/pauses/{person}/{channel}",
    "putPause",
    "Pauses a channel of a person, until a time or until resumed",
    Who::Person(Right::People),
)
.bodies(&[("application/json", "Pause")])
.answers(&[Answer::json(200, "The wishes", "Wishes")]);

pub(super) const UNPAUSE: Operation = Operation::new(
    Verb::Delete,
    "/v1/pauses/{person}/{channel}",
    "deletePause",
    "Ends a pause, and says how much it held back",
    Who::Person(Right::People),
)
.answers(&[Answer::json(200, "There was a pause", "Held")])
.problems_too(&[404]);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WishForm {
    #[serde(default)]
    unwanted: Vec<Unwanted>,
    #[serde(default)]
    unwanted_apps: Vec<AppId>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unwanted {
    kind: Kind,
    channels: Vec<Channel>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PauseForm {
    #[serde(default)]
    until_ms: Option<u64>,
    #[serde(default)]
    urgent_passes: bool,
}

pub(super) async fn get<S: Store>(
    State(api): State<Arc<Api<S>>>,
    Extension(caller): Extension<Caller>,
    Path(person): Path<String>,
) -> Result<Json<Value>, Problem> {
    let person = subject(&caller, Some(&person))?;
    let wishes = load(&api, &person).await?;
    Ok(show(
        &person,
        wishes.as_ref().map(|wishes| wishes.revision),
        wishes.as_ref().map(|wishes| &wishes.value),
    ))
}

pub(super) async fn put<S: Store>(
    State(api): State<Arc<Api<S>>>,
    Extension(caller): Extension<Caller>,
    Path(person): Path<String>,
    Doc(form): Doc<WishForm>,
) -> Result<Json<Value>, Problem> {
    let person = subject(&caller, Some(&person))?;
    if form.unwanted.len() > MOST || form.unwanted_apps.len() > MOST {
        return Err(Problem::bad_request(format!("each list has at most {MOST} members")));
    }
    let unwanted: Vec<_> = form.unwanted.into_iter().map(|wish| (wish.kind, wish.channels)).collect();
    let apps: Vec<String> = form.unwanted_apps.iter().map(|app| app.as_str().to_owned()).collect();
    let (revision, wishes, ()) = change(&api, &person, |wishes| {
        (wishes.unwanted, wishes.unwanted_apps) = (unwanted.clone(), apps.clone());
        Ok(())
    })
    .await?;
    Ok(show(&person, Some(revision), Some(&wishes)))
}

pub(super) async fn pause<S: Store>(
    State(api): State<Arc<Api<S>>>,
    Extension(caller): Extension<Caller>,
    Path((person, channel)): Path<(String, String)>,
    Doc(form): Doc<PauseForm>,
) -> Result<Json<Value>, Problem> {
    let (person, channel) = (subject(&caller, Some(&person))?, of_text(&channel)?);
    let until = form.until_ms.map(UnixTime::from_millis);
    let (revision, wishes, ()) = change(&api, &person, |wishes| {
        wishes.pauses.pause(channel, until, form.urgent_passes);
        Ok(())
    })
    .await?;
    Ok(show(&person, Some(revision), Some(&wishes)))
}

pub(super) async fn unpause<S: Store>(
    State(api): State<Arc<Api<S>>>,
    Extension(caller): Extension<Caller>,
    Path((person, channel)): Path<(String, String)>,
) -> Result<Json<Value>, Problem> {
    let (person, channel) = (subject(&caller, Some(&person))?, of_text(&channel)?);
    let (_, _, held) = change(&api, &person, |wishes| {
        let pause = wishes.pauses.resume(channel);
        pause.map(|pause| pause.held).ok_or_else(|| Problem::not_found("this channel is not paused"))
    })
    .await?;
    Ok(Json(json!({"held": held})))
}

fn of_text(channel: &str) -> Result<pause::Channel, Problem> {
    let channel = serde_json::from_value(json!(channel));
    channel.map_err(|_| Problem::bad_request("channel: expected web_push, mobile, email, sms or webhook"))
}

async fn load<S: Store>(api: &Api<S>, person: &PersonId) -> Result<Option<Versioned<Wishes>>, Problem> {
    let known = api.store.people(std::slice::from_ref(person)).await?;
    Ok(known.into_iter().next().and_then(|person| person.wishes))
}

/// Changes the wishes until nobody was faster.
async fn change<S: Store, T>(
    api: &Api<S>,
    person: &PersonId,
    change: impl Fn(&mut Wishes) -> Result<T, Problem>,
) -> Result<(u64, Wishes, T), Problem> {
    for _ in 0..TIMES {
        let known = load(api, person).await?;
        let expected = known.as_ref().map(|known| known.revision);
        let mut wishes = known.map(|known| known.value).unwrap_or_default();
        let changed = change(&mut wishes)?;
        if let Ok(revision) = api.store.put_wishes(person, expected, Some(&wishes)).await? {
            return Ok((revision, wishes, changed));
        }
    }
    Err(Problem::unavailable("others change these wishes all the time"))
}

fn show(person: &PersonId, revision: Option<u64>, wishes: Option<&Wishes>) -> Json<Value> {
    let pauses =
        wishes.and_then(|wishes| serde_json::to_value(&wishes.pauses).ok()?.get("channels").cloned());
    let unwanted = wishes.into_iter().flat_map(|wishes| &wishes.unwanted);
    let unwanted: Vec<Value> =
        unwanted.map(|(kind, channels)| json!({"kind": kind, "channels": channels})).collect();
    Json(json!({
        "person": person.as_str(),
        "revision": revision,
        "pauses": pauses.unwrap_or_else(|| json!({})),
        "unwanted": unwanted,
        "unwanted_apps": wishes.map(|wishes| wishes.unwanted_apps.as_slice()).unwrap_or_default(),
    }))
}
