//! Where a person can be reached besides pushes: what event sources and operators know, and what a person may have forgotten.
//! End users do not set these: whoever could name any telephone could have text messages sent to it.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use reveille_conversation::id::PersonId;
use reveille_gateway::store::{DeviceWrite, Store};
use reveille_registry::Device;
use serde::Deserialize;
use serde_json::{Value, json};

use super::extract::{Doc, person, subject};
use super::{Api, Problem};
use crate::auth::{Caller, Right};
use crate::channels::address::{self, Addresses, InvalidAddress};
use crate::openapi::{Answer, Operation, Verb, Who};

/// How often somebody else may be faster.
const TIMES: usize = 8;

pub(super) const GET: Operation = Operation::new(
    Verb::Get,
    "/v1/addresses/{person}",
    "getAddresses",
    "Where a person can be reached besides pushes, masked",
    Who::Person(Right::People),
)
.answers(&[Answer::json(200, "The addresses", "Addresses")]);

pub(super) const PUT: Operation = Operation::new(
    Verb::Put,
    "/v1/addresses/{person}",
    "putAddresses",
    "Sets the e-mail address and the telephone of a person; what is left out is forgotten",
    Who::Key(Right::People),
)
.bodies(&[("application/json", "NewAddresses")])
.answers(&[Answer::json(200, "They are set", "Addresses")]);

pub(super) const DELETE: Operation = Operation::new(
    Verb::Delete,
    "/v1/addresses/{person}",
    "deleteAddresses",
    "Forgets the addresses of a person",
    Who::Person(Right::People),
)
.answers(&[Answer::empty(204, "They are forgotten")])
.problems_too(&[404]);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Form {
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    phone: Option<String>,
}

pub(super) async fn get<S: Store>(
    State(api): State<Arc<Api<S>>>,
    Extension(caller): Extension<Caller>,
    Path(named): Path<String>,
) -> Result<Json<Value>, Problem> {
    let person = subject(&caller, Some(&named))?;
    let known = api.store.device(&address::key(&person)).await?;
    Ok(show(&person, &Addresses::of(known.as_slice())))
}

pub(super) async fn put<S: Store>(
    State(api): State<Arc<Api<S>>>,
    Path(named): Path<String>,
    Doc(form): Doc<Form>,
) -> Result<Json<Value>, Problem> {
    let person = person(&named)?;
    let addresses = Addresses::new(form.email, form.phone).map_err(wrong)?;
    write(&api, &person, |old| addresses.write(api.seed, &person, old, api.clock.now()).map_err(wrong))
        .await?;
    Ok(show(&person, &addresses))
}

pub(super) async fn delete<S: Store>(
    State(api): State<Arc<Api<S>>>,
    Extension(caller): Extension<Caller>,
    Path(named): Path<String>,
) -> Result<StatusCode, Problem> {
    let person = subject(&caller, Some(&named))?;
    let nothing = || Problem::not_found("there are no addresses");
    let forget =
        |old: Option<&Device>| address::erase(api.seed, &person, old.ok_or_else(nothing)?).map_err(wrong);
    write(&api, &person, forget).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Writes until nobody was faster.
async fn write<S: Store>(
    api: &Api<S>,
    person: &PersonId,
    decide: impl Fn(Option<&Device>) -> Result<DeviceWrite, Problem>,
) -> Result<(), Problem> {
    for _ in 0..TIMES {
        let old = api.store.device(&address::key(person)).await?;
        let write = decide(old.as_ref())?;
        if api.store.put_devices(vec![write]).await?.into_iter().all(|answer| answer.is_ok()) {
            return Ok(());
        }
    }
    Err(Problem::unavailable("others change these addresses all the time"))
}

fn show(person: &PersonId, addresses: &Addresses) -> Json<Value> {
    let (email, phone) = addresses.masked();
    Json(json!({"person": person.as_str(), "email": email, "phone": phone}))
}

fn wrong(error: InvalidAddress) -> Problem {
    Problem::bad_request(error.to_string())
}
