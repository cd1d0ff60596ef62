//! What a person wishes: pauses (E9), quiet hours in their time zone, and what they do not want.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::{Extension, Json};
use reveille_conversation::id::{AppId, PersonId};
use reveille_conversation::{Channel, Kind};
use reveille_core::UnixTime;
use reveille_gateway::store::{QuietWish, Store, Versioned, Wishes};
use reveille_registry::pause;
use serde::{Deserialize, Serialize};
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
    "Sets quiet hours and what a person does not want; what is left out is not set any more; pauses stay",
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
    #[serde(default)]
    quiet: Option<QuietForm>,
}

/// Quiet hours, as people say them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct QuietForm {
    time_zone: String,
    spans: Vec<SpanForm>,
    #[serde(default)]
    urgent_passes: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SpanForm {
    /// Every day, if not given.
    #[serde(default)]
    days: Option<Vec<Day>>,
    from: String,
    to: String,
}

/// In the order of the bits of a span.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

const DAYS: [Day; 7] = [Day::Mon, Day::Tue, Day::Wed, Day::Thu, Day::Fri, Day::Sat, Day::Sun];

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
    let quiet = form.quiet.map(|quiet| read_quiet(&api, quiet)).transpose()?;
    let (revision, wishes, ()) = change(&api, &person, |wishes| {
        (wishes.unwanted, wishes.unwanted_apps) = (unwanted.clone(), apps.clone());
        wishes.quiet.clone_from(&quiet);
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

fn read_quiet<S>(api: &Api<S>, form: QuietForm) -> Result<QuietWish, Problem> {
    let mut wish = QuietWish::new(form.time_zone, form.urgent_passes);
    for span in form.spans {
        let days = span.days.map_or(0x7F, |days| days.into_iter().fold(0, |bits, day| bits | 1 << day as u8));
        let wrong = || Problem::bad_request("quiet: a time is like 22:00, from 00:00 to 24:00");
        let (from, to) = (minutes(&span.from).ok_or_else(wrong)?, minutes(&span.to).ok_or_else(wrong)?);
        wish = wish.with_span(days, from, to);
    }
    let checked = api.zones.check(&wish, api.clock.now());
    checked.map_err(|error| Problem::bad_request(format!("quiet: {error}")))?;
    Ok(wish)
}

/// Minutes after midnight.
fn minutes(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |part: &str| {
        let digits = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| part.parse::<u16>().ok()).flatten()
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    (minutes < 60 && hours * 60 + minutes <= 1_440).then_some(hours * 60 + minutes)
}

fn show_quiet(wish: &QuietWish) -> Value {
    let time = |minutes: u16| format!("{:02}:{:02}", minutes / 60, minutes % 60);
    let spans = wish.spans.iter().map(|(days, from, to)| {
        let days: Vec<Day> = DAYS.into_iter().filter(|day| days & 1 << *day as u8 != 0).collect();
        json!({"days": days, "from": time(*from), "to": time(*to)})
    });
    json!({
        "time_zone": wish.time_zone,
        "spans": spans.collect::<Vec<_>>(),
        "urgent_passes": wish.urgent_passes,
    })
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
        "quiet": wishes.and_then(|wishes| wishes.quiet.as_ref()).map(show_quiet),
        "unwanted_apps": wishes.map(|wishes| wishes.unwanted_apps.as_slice()).unwrap_or_default(),
    }))
}
