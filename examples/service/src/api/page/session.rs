//! A made-up user's session, the history of their conversations, and receipts for tests.

use std::sync::Arc;

use axum::Extension;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use reveille_conversation::id::PersonId;
use reveille_crypto::base64url;
use reveille_crypto_ring::PROVIDER;
use reveille_gateway::store::Store;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::extract::Doc;
use super::super::{Api, Problem};
use super::{Pages, RECEIPTS, lock};
use crate::auth::{Caller, DEMO_SIGNER, Peer};
use crate::credentials::LOCAL_APP;

/// For how long a session is good, in seconds.
const SESSION: u64 = 3_600;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Form {
    user: String,
}

/// Whoever reaches the demonstration is who they say they are: it has no log-in, and nothing but local services.
pub(super) async fn start<S: Store>(
    State(api): State<Arc<Api<S>>>,
    Doc(form): Doc<Form>,
) -> Result<Json<Value>, Problem> {
    let pages = pages(&api)?;
    if api.book.has_stored().await {
        return Err(Problem::forbidden("there are real credentials now: the demonstration is over"));
    }
    let user = PersonId::new(&form.user).map_err(|error| Problem::bad_request(format!("user: {error}")))?;
    if user.as_str().is_empty() {
        return Err(Problem::bad_request("user: must not be empty"));
    }
    let until = api.clock.now().as_secs().saturating_add(SESSION);
    let header = json!({"alg": "HS256", "kid": DEMO_SIGNER});
    let claims = json!({"sub": user.as_str(), "aud": pages.audience, "exp": until, "app": LOCAL_APP});
    let part = |value: Value| base64url::encode(value.to_string().as_bytes());
    let input = format!("{}.{}", part(header), part(claims));
    let tag = PROVIDER.hmac_sha256.key(pages.secret.expose()).sign(&[input.as_bytes()]);
    let key = api.server.keys().current().public_key().to_string();
    Ok(Json(json!({
        "token": format!("{input}.{}", base64url::encode(&tag)), "app": LOCAL_APP, "applicationServerKey": key,
    })))
}

/// What was said in a conversation, for whoever takes part in it.
pub(super) async fn history<S: Store>(
    State(api): State<Arc<Api<S>>>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    Path(conversation): Path<String>,
) -> Result<Json<Value>, Problem> {
    let peer = peer.map(|Extension(peer)| peer.0);
    match api.auth.recognise(&headers, peer, &api.clock) {
        Ok(Caller::User(user)) => {
            let messages = lock(&pages(&api)?.history).of(user.person.as_str(), &conversation);
            Ok(Json(json!({"messages": messages})))
        }
        Ok(Caller::Key(_)) => Err(Problem::forbidden("this is for end users")),
        Err(_) => Err(Problem::unauthorized("give a user's token as Authorization: Bearer …")),
    }
}

pub(super) async fn receipts<S: Store>(State(api): State<Arc<Api<S>>>) -> Result<Json<Vec<Value>>, Problem> {
    let receipts = pages(&api)?.receipts.as_ref().map(|receipts| lock(receipts).clone());
    Ok(Json(receipts.unwrap_or_default()))
}

pub(super) async fn receipt<S: Store>(
    State(api): State<Arc<Api<S>>>,
    Doc(receipt): Doc<Value>,
) -> Result<(), Problem> {
    if let Some(receipts) = &pages(&api)?.receipts {
        let mut receipts = lock(receipts);
        if receipts.len() < RECEIPTS {
            receipts.push(receipt);
        }
    }
    Ok(())
}

fn pages<S>(api: &Api<S>) -> Result<&Pages, Problem> {
    api.pages.as_ref().ok_or_else(|| Problem::not_found("there is no demonstration here"))
}
