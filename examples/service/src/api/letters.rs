//! Dead letters: what could not be delivered. The store lists them, the shards have what is needed to send them again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use futures_util::future::join_all;
use reveille_core::UnixTime;
use reveille_delivery::dead::DeadId;
use reveille_gateway::store::seal::Place;
use reveille_gateway::store::{Letter, LetterKey, ShardId, Store};
use reveille_gateway::{Command, Input};
use serde::Deserialize;
use serde_json::{Value, json};

use super::explain::name;
use super::extract::Doc;
use super::{Api, Problem};
use crate::auth::Right;
use crate::openapi::{Answer, Operation, Param, Verb, Who};

/// Letters of one answer.
const PAGE: usize = 1_000;

pub(super) const LIST: Operation = Operation::new(
    Verb::Get,
    "/v1/letters",
    "getLetters",
    "The dead letters, in the order of their names",
    Who::Key(Right::Operate),
)
.query(&[
    Param { name: "after", kind: "string", summary: "The next of the page before." },
    Param { name: "limit", kind: "integer", summary: "1 to 1,000; 100 if not given." },
])
.answers(&[Answer::json(200, "A page", "Letters")]);

pub(super) const REDRIVE: Operation = Operation::new(
    Verb::Post,
    "/v1/letters/redrive",
    "redriveLetters",
    "Letters that died in this window live again, as far as they are still wanted",
    Who::Key(Right::Operate),
)
.bodies(&[("application/json", "Redrive")])
.answers(&[Answer::json(
    202,
    "It is on disk; so many letters that are still wanted are in the window now",
    "Redriven",
)]);

pub(super) const DISCARD: Operation = Operation::new(
    Verb::Delete,
    "/v1/letters/{letter}",
    "deleteLetter",
    "A letter is not needed any more",
    Who::Key(Right::Operate),
)
.answers(&[Answer::empty(204, "It is gone")])
.problems_too(&[404]);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    #[serde(default)]
    after: Option<String>,
    #[serde(default)]
    limit: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RedriveForm {
    from_ms: u64,
    to_ms: u64,
    #[serde(default)]
    every_ms: Option<u64>,
    #[serde(default)]
    until_ms: Option<u64>,
}

pub(super) async fn list<S: Store>(
    State(api): State<Arc<Api<S>>>,
    Query(page): Query<Page>,
) -> Result<Json<Value>, Problem> {
    let after = page.after.as_deref().map(key).transpose()?;
    let limit = page.limit.unwrap_or(100);
    if !(1..=PAGE).contains(&limit) {
        return Err(Problem::bad_request(format!("limit: expected 1 to {PAGE}")));
    }
    let letters = api.store.letters(after, limit).await?;
    let next = letters.last().filter(|_| letters.len() == limit).map(|last| text(last.key));
    let (alive, gone) = sort_out(&api, letters).await?;
    if !gone.is_empty() {
        api.store.remove_letters(&gone).await?;
    }
    let shown: Vec<Value> = alive.iter().map(|(letter, unwanted)| show(&api, letter, *unwanted)).collect();
    Ok(Json(json!({"letters": shown, "next": next})))
}

/// Which letters their shards still have, and whether they are unwanted. One that was sent again, or fell out over the bound, is in
/// the store only.
async fn sort_out<S: Store>(
    api: &Api<S>,
    letters: Vec<Letter>,
) -> Result<(Vec<(Letter, bool)>, Vec<LetterKey>), Problem> {
    let mut shards: BTreeMap<ShardId, Vec<DeadId>> = BTreeMap::new();
    for letter in &letters {
        shards.entry(letter.key.shard).or_default().push(letter.key.letter);
    }
    let asked = shards.into_iter().map(async |(shard, wanted)| {
        let dead = api.shards.ask(shard, move |gateway| {
            let known = |id: DeadId| Some((id, gateway.dead_letter(id)?.unwanted));
            wanted.into_iter().filter_map(known).collect::<BTreeMap<_, _>>()
        });
        Some((shard, dead.await?))
    });
    let known: Option<BTreeMap<ShardId, BTreeMap<DeadId, bool>>> =
        join_all(asked).await.into_iter().collect();
    let known = known.ok_or_else(|| Problem::unavailable("the service is stopping"))?;
    let (mut alive, mut gone) = (Vec::new(), Vec::new());
    for letter in letters {
        match known.get(&letter.key.shard).and_then(|dead| dead.get(&letter.key.letter)) {
            Some(unwanted) => alive.push((letter, *unwanted)),
            None => gone.push(letter.key),
        }
    }
    Ok((alive, gone))
}

pub(super) async fn redrive<S: Store>(
    State(api): State<Arc<Api<S>>>,
    Doc(form): Doc<RedriveForm>,
) -> Result<Response, Problem> {
    let every = form.every_ms.unwrap_or(100);
    if form.from_ms >= form.to_ms || every == 0 {
        return Err(Problem::bad_request("expected from_ms before to_ms, and every_ms of at least 1"));
    }
    let (from, to) = (UnixTime::from_millis(form.from_ms), UnixTime::from_millis(form.to_ms));
    let hour = api.clock.now() + Duration::from_secs(3_600);
    let until = form.until_ms.map_or(hour, UnixTime::from_millis);
    let asked = ShardId::all().map(async |shard| {
        let count = api.shards.ask(shard, move |gateway| {
            let letters = gateway.dead_letters().map(|(_, letter)| letter);
            letters.filter(|letter| !letter.unwanted && (from..to).contains(&letter.died)).count()
        });
        (shard, count.await.unwrap_or_default())
    });
    let found: Vec<_> = join_all(asked).await.into_iter().filter(|(_, count)| *count > 0).collect();
    let command = Command::Redrive { from, to, every: Duration::from_millis(every), until };
    let told =
        found.iter().map(|(shard, _)| api.shards.submit(*shard, vec![Input::Command(command.clone())]));
    for submitted in told.collect::<Result<Vec<_>, _>>()? {
        submitted.done().await?;
    }
    let letters: usize = found.iter().map(|(_, count)| count).sum();
    Ok((StatusCode::ACCEPTED, Json(json!({"letters": letters, "shards": found.len()}))).into_response())
}

pub(super) async fn discard<S: Store>(
    State(api): State<Arc<Api<S>>>,
    Path(letter): Path<String>,
) -> Result<StatusCode, Problem> {
    let key = key(&letter)?;
    let is_there = api.shards.ask(key.shard, move |gateway| gateway.dead_letter(key.letter).is_some());
    if is_there.await.unwrap_or_default() {
        api.shards.submit(key.shard, vec![Input::Command(Command::Discard(key.letter))])?.done().await?;
    }
    match (is_there_now(&api, key).await?, api.store.remove_letters(&[key]).await?) {
        (false, 0) => Err(Problem::not_found("there is no such letter")),
        _ => Ok(StatusCode::NO_CONTENT),
    }
}

async fn is_there_now<S: Store>(api: &Api<S>, key: LetterKey) -> Result<bool, Problem> {
    let asked = api.shards.ask(key.shard, move |gateway| gateway.dead_letter(key.letter).is_some());
    asked.await.ok_or_else(|| Problem::unavailable("the service is stopping"))
}

fn show<S>(api: &Api<S>, letter: &Letter, unwanted: bool) -> Value {
    let opened = api.sealer.open(Place::Letter(letter.key), &letter.bytes).ok();
    let more: Value = opened.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
    json!({
        "letter": text(letter.key),
        "job": name(letter.job),
        "person": letter.person.as_str(),
        "died_ms": letter.died.as_millis(),
        "unwanted": unwanted,
        "fate": more.get("fate"),
        "tried": more.get("tried").cloned().unwrap_or_else(|| json!([])),
    })
}

fn text(key: LetterKey) -> String {
    format!("{}-{}", key.shard.0, key.letter.to_bits())
}

fn key(text: &str) -> Result<LetterKey, Problem> {
    let parts = text.split_once('-').and_then(|(shard, letter)| {
        Some(LetterKey {
            shard: ShardId(shard.parse().ok()?),
            letter: DeadId::from_bits(letter.parse().ok()?),
        })
    });
    parts.ok_or_else(|| Problem::bad_request("a letter's name is like 17-3"))
}
