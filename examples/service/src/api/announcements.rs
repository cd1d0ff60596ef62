//! Announcements: one message for a whole audience, told page by page behind everything that hurries.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use reveille_conversation::event::Role;
use reveille_conversation::id::ConversationId;
use reveille_core::UnixTime;
use reveille_gateway::audience::{Announcement, AnnouncementId, Ended, Progress};
use reveille_gateway::store::{ShardId, Store};
use reveille_gateway::{Command, Input};
use serde::Deserialize;
use serde_json::{Value, json};

use super::extract::Doc;
use super::people::id;
use super::{Api, Problem, events};
use crate::auth::{Caller, Right};
use crate::openapi::{Answer, Operation, Verb, Who};

pub(super) const POST: Operation = Operation::new(
    Verb::Post,
    "/v1/announcements",
    "postAnnouncement",
    "One message for a whole audience: app:… is everybody with a device in this app; others are named by the settings. An id that \
     comes again is taken once",
    Who::Key(Right::Operate),
)
.bodies(&[("application/json", "Announcement")])
.answers(&[Answer::json(202, "It is on disk", "Announced")]);

pub(super) const GET: Operation = Operation::new(
    Verb::Get,
    "/v1/announcements/{conversation}/{announcement}",
    "getAnnouncement",
    "How far an announcement is",
    Who::Key(Right::Operate),
)
.answers(&[Answer::json(200, "So far", "Progress")])
.problems_too(&[404]);

pub(super) const DELETE: Operation = Operation::new(
    Verb::Delete,
    "/v1/announcements/{conversation}/{announcement}",
    "deleteAnnouncement",
    "Nobody else is told, and what waits does not leave",
    Who::Key(Right::Operate),
)
.answers(&[Answer::empty(204, "It is on disk")])
.problems_too(&[404]);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Form {
    id: String,
    conversation: String,
    audience: String,
    text: String,
    #[serde(default)]
    from: Option<String>,
    #[serde(default)]
    role: Option<Role>,
    #[serde(default)]
    not_after_ms: Option<u64>,
}

pub(super) async fn post<S: Store>(
    State(api): State<Arc<Api<S>>>,
    Extension(caller): Extension<Caller>,
    Doc(form): Doc<Form>,
) -> Result<Response, Problem> {
    let source = match &caller {
        Caller::Key(key) => key.source(),
        Caller::User(_) => events::OWN,
    };
    let wrong = |what: &str, error: &dyn std::fmt::Display| Problem::bad_request(format!("{what}: {error}"));
    let event = form.id.parse().map_err(|error| wrong("id", &error))?;
    let conversation = id(&form.conversation)?;
    if !api.audiences.contains(&form.audience) {
        return Err(Problem::bad_request("audience: expected app: and an app, or a list of the settings"));
    }
    if form.text.trim().is_empty() {
        return Err(Problem::bad_request("text: there is none"));
    }
    let audience = form.audience.parse().map_err(|error| wrong("audience", &error))?;
    let now = api.clock.now();
    let mut what = Announcement::new(event, conversation, audience, &form.text, now);
    if let Some(from) = &form.from {
        what = what.with_from(from);
    }
    if let Some(role) = form.role {
        what = what.with_role(role);
    }
    if let Some(not_after) = form.not_after_ms {
        what = what.with_not_after(UnixTime::from_millis(not_after));
    }
    if what.not_after <= now {
        return Err(Problem::bad_request("not_after_ms: this time is over"));
    }
    let announcement = api.seed.announcement(source, &what.id);
    let shard = shard(&api, &what.conversation);
    let input = Input::Announce { source, announcement: Box::new(what) };
    api.shards.submit(shard, vec![input])?.done().await?;
    let document = json!({"announcement": name(announcement)});
    Ok((StatusCode::ACCEPTED, Json(document)).into_response())
}

pub(super) async fn get<S: Store>(
    State(api): State<Arc<Api<S>>>,
    Path((conversation, announcement)): Path<(String, String)>,
) -> Result<Json<Value>, Problem> {
    let (_, progress) = find(&api, &conversation, &announcement).await?;
    let (ended, reason) = match progress.ended {
        None => (None, None),
        Some(Ended::All) => (Some("all"), None),
        Some(Ended::Expired) => (Some("expired"), None),
        Some(Ended::Cancelled) => (Some("cancelled"), None),
        Some(Ended::Suppressed(reason)) => (Some("suppressed"), Some(reason.as_str())),
        Some(_) => (Some("ended"), None),
    };
    Ok(Json(json!({
        "announcement": announcement,
        "audience": progress.audience.as_str(),
        "told": progress.told,
        "pages": progress.pages,
        "pages_refused": progress.pages_refused,
        "open": progress.open,
        "ended": ended,
        "reason": reason,
    })))
}

pub(super) async fn delete<S: Store>(
    State(api): State<Arc<Api<S>>>,
    Path((conversation, announcement)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let (shard, progress) = find(&api, &conversation, &announcement).await?;
    let cancel = Input::Command(Command::CancelAnnouncement(progress.announcement));
    api.shards.submit(shard, vec![cancel])?.done().await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn find<S: Store>(
    api: &Api<S>,
    conversation: &str,
    announcement: &str,
) -> Result<(ShardId, Progress), Problem> {
    let shard = shard(api, &id(conversation)?);
    let named = Some(announcement)
        .filter(|text| text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let bits = named.and_then(|text| u128::from_str_radix(text, 16).ok());
    let bits = bits.ok_or_else(|| Problem::bad_request("announcement: expected 32 hexadecimal digits"))?;
    let asked = AnnouncementId::from_bits(bits);
    let progress = api.shards.ask(shard, move |gateway| gateway.announcement(asked)).await;
    let progress = progress.ok_or_else(|| Problem::unavailable("the service is stopping"))?;
    let gone =
        || Problem::not_found("there is no such announcement in this conversation, or it ended long ago");
    Ok((shard, progress.ok_or_else(gone)?))
}

fn shard<S>(api: &Api<S>, conversation: &ConversationId) -> ShardId {
    ShardId(api.seed.shard(conversation))
}

fn name(announcement: AnnouncementId) -> String {
    format!("{:032x}", announcement.to_bits())
}
