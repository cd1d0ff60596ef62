//! `PUT` and `DELETE /v1/devices/{app}/{device}`: what the registry knows.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use reveille_conversation::id::PersonId;
use reveille_core::UnixTime;
use reveille_gateway::device_name;
use reveille_gateway::store::{DeviceWrite, Store, StoreError};
use reveille_registry::{
    Change, Consequence, DeviceKey, Environment, Event, Platform, Purpose, Registration, RegistryPolicy,
    Token, decide,
};
use reveille_webpush::{StoredSubscription, Subscription};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::{Api, Problem};
use crate::desk::drop_device;

/// How often somebody else may be faster.
const TIMES: usize = 8;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    owner: String,
    platform: Platform,
    #[serde(default)]
    apns_alert: Option<String>,
    #[serde(default)]
    apns_voip: Option<String>,
    #[serde(default)]
    environment: Option<Environment>,
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

/// The app registers: at its first launch, at every log-in.
pub(super) async fn put<S: Store>(
    State(api): State<Arc<Api<S>>>,
    Path((app, device)): Path<(String, String)>,
    body: Bytes,
) -> Result<Response, Problem> {
    let form: Form = serde_json::from_slice(&body).map_err(|error| {
        // The text of serde quotes what was given.
        Problem::bad_request(format!("the body: line {}, column {}", error.line(), error.column()))
    })?;
    let key = check(&app, &device)?;
    let owner: PersonId =
        form.owner.parse().map_err(|error| Problem::bad_request(format!("owner: {error}")))?;
    let tokens = tokens(&api, &form)?;
    if tokens.is_empty() {
        return Err(Problem::bad_request(
            "there is no token: a subscription, apns_alert, fcm_token or fcm_installation",
        ));
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

/// The owner logs out: nothing more goes there, and what waits is cancelled.
pub(super) async fn delete<S: Store>(
    State(api): State<Arc<Api<S>>>,
    Path((app, device)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let key = check(&app, &device)?;
    if api.store.device(&key).await?.is_none() {
        return Err(Problem::not_found("there is no such device"));
    }
    apply(&api, &key, &Event::LogOut, api.clock.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn check(app: &str, device: &str) -> Result<DeviceKey, Problem> {
    if app.is_empty() || device.is_empty() {
        return Err(Problem::bad_request("app and device must not be empty"));
    }
    device_name(app, device).map_err(|error| Problem::bad_request(format!("the device's name: {error}")))?;
    Ok(DeviceKey::new(app, device))
}

fn tokens<S>(api: &Api<S>, form: &Form) -> Result<Vec<Token>, Problem> {
    let mut tokens = Vec::new();
    for (purpose, value) in [
        (Purpose::ApnsAlert, &form.apns_alert),
        (Purpose::ApnsVoip, &form.apns_voip),
        (Purpose::FcmToken, &form.fcm_token),
        (Purpose::FcmInstallation, &form.fcm_installation),
    ] {
        let Some(value) = value else { continue };
        let apple = matches!(purpose, Purpose::ApnsAlert | Purpose::ApnsVoip);
        let name = if apple { "an APNs token" } else { "an FCM token" };
        let is_one = match purpose {
            Purpose::ApnsAlert | Purpose::ApnsVoip => value.parse::<reveille_apns::DeviceToken>().is_ok(),
            _ => {
                !value.is_empty() && value.len() <= 4_096 && value.bytes().all(|byte| byte.is_ascii_graphic())
            }
        };
        if !is_one {
            return Err(Problem::bad_request(format!("this is not {name}")));
        }
        let token = Token::new(purpose, value.clone());
        tokens.push(match form.environment {
            Some(environment) if apple => token.with_environment(environment),
            _ => token,
        });
    }
    if let Some(json) = &form.subscription {
        let subscription = Subscription::from_json_with(json.get(), &api.allowed);
        let subscription =
            subscription.map_err(|error| Problem::bad_request(format!("subscription: {error}")))?;
        let id = api.server.keys().current().id();
        let stored = StoredSubscription::from(subscription.with_vapid_key(id));
        let json = serde_json::to_string(&stored).map_err(|_| Problem::bad_request("subscription"))?;
        tokens.push(Token::new(Purpose::WebPush, json).with_vapid_key(id.to_string()));
    }
    Ok(tokens)
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
        let write = DeviceWrite { key: key.clone(), id, decision };
        if api.store.put_devices(vec![write]).await?.into_iter().all(|answer| answer.is_ok()) {
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

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::unavailable(format!("the store: {error}"))
    }
}
