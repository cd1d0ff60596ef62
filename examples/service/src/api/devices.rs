//! Devices and their tokens: register, rotate, remove, list one's own.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use reveille_conversation::id::PersonId;
use reveille_core::UnixTime;
use reveille_gateway::device_name;
use reveille_gateway::store::{DeviceWrite, Store};
use reveille_registry::{
    Change, Consequence, Device, DeviceKey, Event, Platform, Registration, RegistryPolicy,
    State as DeviceState, Token, decide,
};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::extract::{Doc, may_name, subject};
use super::tokens::{Given, tokens};
use super::{Api, Problem};
use crate::auth::{Caller, Right};
use crate::channels::address::{is_address, is_app};
use crate::desk::drop_device;
use crate::openapi::{Answer, Operation, Param, Verb, Who};
use crate::outgoing::Event as OutgoingEvent;

/// How often somebody else may be faster.
const TIMES: usize = 8;

pub(super) const LIST: Operation = Operation::new(
    Verb::Get,
    "/v1/devices",
    "getDevices",
    "The devices of a person; no token is shown",
    Who::Person(Right::People),
)
.query(&[Param { name: "person", kind: "string", summary: "For keys: whose." }])
.answers(&[Answer::json(200, "The devices", "Devices")]);

pub(super) const PUT: Operation = Operation::new(
    Verb::Put,
    "/v1/devices/{app}/{device}",
    "putDevice",
    "The app registers: at its first launch, at every log-in. A device of somebody else who is logged in is taken over only by whoever has one of its tokens",
    Who::Person(Right::People),
)
.bodies(&[("application/json", "Registration")])
.answers(&[
    Answer::json(200, "It was known", "Revision"),
    Answer::json(201, "It is new", "Revision"),
]);

pub(super) const ROTATE: Operation = Operation::new(
    Verb::Post,
    "/v1/devices/{app}/{device}/rotate",
    "rotateDevice",
    "A token was replaced: what waits follows it",
    Who::Person(Right::People),
)
.bodies(&[("application/json", "Rotation")])
.answers(&[Answer::json(200, "It is replaced", "Revision")])
.problems_too(&[404]);

pub(super) const DELETE: Operation = Operation::new(
    Verb::Delete,
    "/v1/devices/{app}/{device}",
    "deleteDevice",
    "The owner logs out: nothing more goes there, and what waits is cancelled",
    Who::Person(Right::People),
)
.answers(&[Answer::empty(204, "It is removed")])
.problems_too(&[404]);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Form {
    #[serde(default)]
    owner: Option<String>,
    platform: Platform,
    #[serde(default)]
    apns_alert: Option<String>,
    #[serde(default)]
    apns_voip: Option<String>,
    #[serde(default)]
    environment: Option<reveille_registry::Environment>,
    #[serde(default)]
    fcm_token: Option<String>,
    #[serde(default)]
    fcm_installation: Option<String>,
    /// `JSON.stringify(subscription)`
    #[serde(default)]
    subscription: Option<Box<RawValue>>,
    #[serde(default)]
    locale: Option<String>,
    #[serde(default)]
    time_zone: Option<String>,
    #[serde(default)]
    app_version: Option<String>,
    #[serde(default)]
    os_version: Option<String>,
    /// The callback that it lives as long as.
    #[serde(default)]
    event: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Whose {
    #[serde(default)]
    person: Option<String>,
}

impl Form {
    /// What is kept for ever and sent nowhere has an end.
    fn check(&self) -> Result<(), Problem> {
        for (name, text, most) in [
            ("locale", &self.locale, 64),
            ("time_zone", &self.time_zone, 64),
            ("app_version", &self.app_version, 64),
            ("os_version", &self.os_version, 64),
            ("event", &self.event, 128),
        ] {
            if text.as_ref().is_some_and(|text| text.len() > most) {
                return Err(Problem::bad_request(format!("{name}: at most {most} bytes")));
            }
        }
        match self.platform {
            Platform::Address => Err(Problem::bad_request("platform: expected ios, mac_os, android or web")),
            _ => Ok(()),
        }
    }
}

/// Whose devices there are.
pub(super) async fn list<S: Store>(
    State(api): State<Arc<Api<S>>>,
    Extension(caller): Extension<Caller>,
    Query(whose): Query<Whose>,
) -> Result<Json<Value>, Problem> {
    let person = subject(&caller, whose.person.as_deref())?;
    let known = api.store.people(std::slice::from_ref(&person)).await?;
    let all = known.iter().flat_map(|person| &person.devices);
    let all = all.filter(|device| caller.may_name(&device.key.app) && !is_address(device));
    let devices: Vec<Value> = all.map(show).collect();
    Ok(Json(json!({"person": person.as_str(), "devices": devices})))
}

/// The app registers.
pub(super) async fn put<S: Store>(
    State(api): State<Arc<Api<S>>>,
    Extension(caller): Extension<Caller>,
    Path((app, device)): Path<(String, String)>,
    Doc(form): Doc<Form>,
) -> Result<Response, Problem> {
    let key = check(&app, &device)?;
    may_name(&caller, &app)?;
    form.check()?;
    let owner = subject(&caller, form.owner.as_deref())?;
    let given = Given {
        apns_alert: form.apns_alert.as_deref(),
        apns_voip: form.apns_voip.as_deref(),
        environment: form.environment,
        fcm_token: form.fcm_token.as_deref(),
        fcm_installation: form.fcm_installation.as_deref(),
        subscription: form.subscription.as_deref(),
    };
    let tokens = tokens(&api, &given)?;
    // The number of devices is bounded for each app: who made apps up could fill the store.
    if matches!(caller, Caller::User(_)) && !api.book.knows(&app).await {
        return Err(Problem::forbidden("users register for apps that are set up only"));
    }
    if let Caller::User(_) = &caller
        && let Some(record) = api.store.device(&key).await?
        && record.owner != owner.as_str()
        && !may_take_over(&record, &tokens)
    {
        return Err(Problem::forbidden("this device is somebody else's, who has to log out first"));
    }
    let mut registration = Registration::new(key.clone(), owner.as_str(), form.platform, tokens)
        .with_versions(form.app_version, form.os_version)
        .with_locale(form.locale, form.time_zone);
    if let Some(event) = form.event {
        registration = registration.with_event(event);
    }
    let event = Event::Register { registration: registration.into() };
    let now = api.clock.now();
    let (revision, is_new) = apply(&api, &key, &event, now).await?;
    over_limit(&api, &owner, &app, now).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(json!({"revision": revision}))).into_response())
}

/// A token was replaced (`onNewToken`, `pushsubscriptionchange`).
pub(super) async fn rotate<S: Store>(
    State(api): State<Arc<Api<S>>>,
    Extension(caller): Extension<Caller>,
    Path((app, device)): Path<(String, String)>,
    Doc(form): Doc<super::tokens::Rotation>,
) -> Result<Json<Value>, Problem> {
    let key = check(&app, &device)?;
    let record = own(&api, &caller, &key).await?;
    if matches!(record.state, DeviceState::Retired { .. }) {
        return Err(Problem::not_found("there is no such device: register it again"));
    }
    let mut revision = record.revision;
    for token in tokens(&api, &form.given())? {
        let event = Event::Rotate { old: None, new: Box::new(token) };
        (revision, _) = apply(&api, &key, &event, api.clock.now()).await?;
    }
    Ok(Json(json!({"revision": revision})))
}

/// The owner logs out: nothing more goes there, and what waits is cancelled.
pub(super) async fn delete<S: Store>(
    State(api): State<Arc<Api<S>>>,
    Extension(caller): Extension<Caller>,
    Path((app, device)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let key = check(&app, &device)?;
    own(&api, &caller, &key).await?;
    apply(&api, &key, &Event::LogOut, api.clock.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The record of a device that the caller may change. Somebody else's is as if it were not there.
pub(super) async fn own<S: Store>(api: &Api<S>, caller: &Caller, key: &DeviceKey) -> Result<Device, Problem> {
    may_name(caller, &key.app)?;
    let record = api.store.device(key).await?.filter(|record| match caller {
        Caller::Key(_) => true,
        Caller::User(user) => user.person.as_str() == record.owner,
    });
    record.ok_or_else(|| Problem::not_found("there is no such device"))
}

/// Two persons, one phone: whoever has the phone has its tokens. Who is logged out has left it.
fn may_take_over(record: &Device, tokens: &[Token]) -> bool {
    let is_same = |token: &Token| record.tokens.iter().any(|old| old.value == token.value);
    matches!(record.state, DeviceState::Retired { .. }) || tokens.iter().any(is_same)
}

fn show(device: &Device) -> Value {
    let state = match device.state {
        DeviceState::Active => "active",
        DeviceState::Suspect { .. } => "suspect",
        DeviceState::Quarantined { .. } => "quarantined",
        _ => "retired",
    };
    let tokens: Vec<_> = device.tokens.iter().map(|token| token.purpose).collect();
    json!({
        "app": device.key.app,
        "device": device.key.device,
        "platform": device.platform,
        "state": state,
        "tokens": tokens,
        "registered_ms": device.registered.as_millis(),
        "last_seen_ms": device.last_seen.as_millis(),
        "needs_registration": device.needs_registration,
        "revision": device.revision,
    })
}

fn check(app: &str, device: &str) -> Result<DeviceKey, Problem> {
    if app.is_empty() || device.is_empty() {
        return Err(Problem::bad_request("app and device must not be empty"));
    }
    if is_app(app) {
        return Err(Problem::bad_request("app: this name is the service's own"));
    }
    device_name(app, device).map_err(|error| Problem::bad_request(format!("the device's name: {error}")))?;
    Ok(DeviceKey::new(app, device))
}

/// Decides, writes if nobody was faster, and sees to what follows. Gives the revision, and whether there was no record.
async fn apply<S: Store>(
    api: &Api<S>,
    key: &DeviceKey,
    event: &Event,
    now: UnixTime,
) -> Result<(u64, bool), Problem> {
    let id = api.seed.device_of(&key.app, &key.device);
    let id = id.ok_or_else(|| Problem::bad_request("the device's name is too long"))?;
    for _ in 0..TIMES {
        let record = api.store.device(key).await?;
        let decision = decide(record.as_ref(), event, &RegistryPolicy::default(), now);
        let revision = match &decision.change {
            Change::Put(device) => device.revision,
            _ => record.as_ref().map_or(0, |device| device.revision),
        };
        let consequences = decision.consequences.clone();
        let kept = match &api.outgoing {
            Some(outgoing) => {
                let attempt = outgoing.attempt();
                let event = OutgoingEvent::of_change(record.as_ref(), &decision.change, attempt, now);
                outgoing.keep(event.into_iter().collect()).await?
            }
            None => Vec::new(),
        };
        let write = DeviceWrite { key: key.clone(), id, decision };
        let written = api.store.put_devices(vec![write]).await?.into_iter().all(|answer| answer.is_ok());
        if let Some(outgoing) = &api.outgoing {
            match written {
                true => outgoing.release(kept),
                false => outgoing.discard(kept).await,
            }
        }
        if written {
            for consequence in consequences {
                match consequence {
                    Consequence::CancelPending { owner } => {
                        drop_device(&*api.store, &api.shards, &owner, id).await
                    }
                    Consequence::TakeFromOthers { value } => {
                        for other in api.store.devices_with(&key.app, &value).await? {
                            if other.key != *key {
                                let taken = Event::TokenTaken { value: value.clone() };
                                Box::pin(apply(api, &other.key, &taken, now)).await?;
                            }
                        }
                    }
                    _ => {}
                }
            }
            return Ok((revision, record.is_none()));
        }
    }
    Err(Problem::unavailable("others change this device all the time"))
}

/// Of too many devices the one that was seen least recently goes.
async fn over_limit<S: Store>(
    api: &Api<S>,
    owner: &PersonId,
    app: &str,
    now: UnixTime,
) -> Result<(), Problem> {
    let people = api.store.people(std::slice::from_ref(owner)).await?;
    let mut memory = reveille_registry::Memory::default();
    for device in people.into_iter().flat_map(|person| person.devices) {
        let key = device.key.clone();
        let change = Change::Put(Box::new(device));
        let _ = memory
            .commit(&key, &reveille_registry::Decision { expected: None, change, consequences: vec![] });
    }
    for key in memory.over_limit(owner.as_str(), app, &RegistryPolicy::default()) {
        apply(api, &key, &Event::OverLimit, now).await?;
    }
    Ok(())
}
