//! Resume tokens on their way back (C7, C11). Two parties look at one token: a flow reserves it under an attempt, the app
//! commits. Every step names token and attempt again, so nothing has to be kept between two steps but what the store has.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use reveille_conversation::id::{ConversationId, PersonId};
use reveille_gateway::Input;
use reveille_gateway::resume::{Resume, ResumeStep, TokenId};
use reveille_gateway::store::{ShardId, Store};
use reveille_registry::DeviceKey;
use reveille_resume::replay::Reservation;
use reveille_resume::store::StoreReply;
use reveille_resume::verdict::Claims;
use reveille_resume::{Attempt, Bindings, ExternalStore, Reason, Verdict, Verifier};
use serde::Deserialize;
use serde_json::{Value, json};

use super::devices::own;
use super::extract::{Doc, subject};
use super::people::id;
use super::{Api, Problem};
use crate::auth::{Caller, Right};
use crate::openapi::{Answer, Operation, Verb, Who};
use crate::outgoing::Event as OutgoingEvent;

const VERDICT: &[Answer] = &[Answer::json(200, "What to do with the person", "Verdict")];

const fn step(path: &'static str, name: &'static str, summary: &'static str) -> Operation {
    Operation::new(Verb::Post, path, name, summary, Who::Person(Right::People))
        .bodies(&[("application/json", "ResumeRequest")])
        .answers(VERDICT)
        .problems_too(&[404, 409])
}

pub(super) const RESERVE: Operation = step(
    "/v1/resume/reserve",
    "reserveResume",
    "Verifies a token and holds it for an attempt, for 10 s. The same attempt gets the same answer again",
);
pub(super) const COMMIT: Operation = step(
    "/v1/resume/commit",
    "commitResume",
    "Uses the token up: let the person in only if the answer is resume",
);
pub(super) const ABORT: Operation =
    step("/v1/resume/abort", "abortResume", "Gives the token back, if this attempt holds it");
pub(super) const CONNECTED: Operation = step(
    "/v1/resume/connected",
    "connectedResume",
    "The app is connected: without it, 30 s after the reservation the handshake has failed",
);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Form {
    token: String,
    #[serde(default)]
    person: Option<String>,
    conversation: String,
    app: String,
    device: String,
    channel: String,
    attempt: String,
}

/// What a request is about: taken from the caller's session and the registry, as far as they know it.
struct Asked {
    person: PersonId,
    conversation: ConversationId,
    form: Form,
    attempt: Attempt,
}

impl Asked {
    async fn new<S: Store>(api: &Api<S>, caller: &Caller, form: Form) -> Result<Self, Problem> {
        let (person, conversation) = (subject(caller, form.person.as_deref())?, id(&form.conversation)?);
        let record = own(api, caller, &DeviceKey::new(form.app.clone(), form.device.clone())).await?;
        // A flow names the person, too; a token is for a person on a device of theirs.
        if record.owner != person.as_str() {
            return Err(Problem::not_found("the person has no such device"));
        }
        if form.attempt.is_empty() || form.attempt.len() > 128 {
            return Err(Problem::bad_request("attempt: expected 1 to 128 bytes"));
        }
        let attempt = Attempt::from_text(&form.attempt);
        Ok(Self { person, conversation, form, attempt })
    }

    fn bindings(&self) -> Bindings<'_> {
        Bindings {
            contact: self.person.as_str(),
            conversation: self.conversation.as_str(),
            device: &self.form.device,
            channel: &self.form.channel,
        }
    }

    /// Tells the conversation's shard, and waits until it is on disk.
    async fn tell<S: Store>(&self, api: &Api<S>, claims: &Claims, step: ResumeStep) -> Result<(), Problem> {
        let token = TokenId(u128::from_be_bytes(*claims.token_id.as_bytes()));
        let shard = ShardId(api.seed.shard(&self.conversation));
        Ok(api.shards.submit(shard, vec![Input::Resume(Resume { token, step })])?.done().await?)
    }
}

pub(super) async fn reserve<S: Store>(
    State(api): State<Arc<Api<S>>>,
    Extension(caller): Extension<Caller>,
    Doc(form): Doc<Form>,
) -> Result<Json<Value>, Problem> {
    let asked = Asked::new(&api, &caller, form).await?;
    let (verdict, _) = hold(&api, &asked).await?;
    Ok(answer(&caller, &verdict))
}

pub(super) async fn commit<S: Store>(
    State(api): State<Arc<Api<S>>>,
    Extension(caller): Extension<Caller>,
    Doc(form): Doc<Form>,
) -> Result<Json<Value>, Problem> {
    let asked = Asked::new(&api, &caller, form).await?;
    let (verdict, external) = hold(&api, &asked).await?;
    if let Verdict::Resume { claims, reservation } = &verdict {
        let done = api.store.token(&external.commit(reservation), api.clock.now()).await?;
        if done.change().committed().is_err() {
            return Err(Problem::conflict("the reservation is over: reserve again"));
        }
        asked.tell(&api, claims, ResumeStep::Committed).await?;
        if let Some(outgoing) = &api.outgoing {
            let (who, where_) =
                ((&asked.person, &asked.conversation), (&*asked.form.app, &*asked.form.device));
            let event = OutgoingEvent::opened(claims.token_id.as_bytes(), who, where_, api.clock.now());
            outgoing.tell(event).await?;
        }
    }
    Ok(answer(&caller, &verdict))
}

pub(super) async fn abort<S: Store>(
    State(api): State<Arc<Api<S>>>,
    Extension(caller): Extension<Caller>,
    Doc(form): Doc<Form>,
) -> Result<Json<Value>, Problem> {
    let asked = Asked::new(&api, &caller, form).await?;
    let (verdict, external) = judge(&api, &asked).await?;
    if let Verdict::Resume { reservation, .. } = &verdict {
        // Refused: it was used, or its lease is over and somebody else has it. Both are as they should be.
        let _ = api.store.token(&external.abort(reservation), api.clock.now()).await?;
    }
    Ok(answer(&caller, &verdict))
}

/// Also for a token that has expired meanwhile: connecting takes its time.
pub(super) async fn connected<S: Store>(
    State(api): State<Arc<Api<S>>>,
    Extension(caller): Extension<Caller>,
    Doc(form): Doc<Form>,
) -> Result<Json<Value>, Problem> {
    let asked = Asked::new(&api, &caller, form).await?;
    let checked =
        Verifier::default().check(&api.resume, &asked.form.token, &asked.bindings(), api.clock.now());
    let claims = match checked {
        Ok(authentic) => *authentic.claims(),
        Err(Verdict::Expired(claims)) => claims,
        Err(verdict) => return Ok(answer(&caller, &verdict)),
    };
    asked.tell(&api, &claims, ResumeStep::Connected).await?;
    Ok(Json(json!({"answer": "resume"})))
}

/// Reserves, and has the shard wait for the connection.
async fn hold<S: Store>(api: &Api<S>, asked: &Asked) -> Result<(Verdict, ExternalStore), Problem> {
    let (verdict, external) = judge(api, asked).await?;
    if let Verdict::Resume { claims, reservation } = &verdict
        && !reservation.repeated
    {
        let (person, conversation) = (asked.person.clone(), asked.conversation.clone());
        let step = ResumeStep::Reserved { attempt: asked.attempt.as_u64(), person, conversation };
        asked.tell(api, claims, step).await?;
    }
    match &verdict {
        Verdict::Fresh { fraud: true, reason } => api.metrics.count("resume_fraud", reason.name()),
        verdict => api.metrics.count("resume", verdict.client_answer().as_str()),
    }
    Ok((verdict, external))
}

async fn judge<S: Store>(api: &Api<S>, asked: &Asked) -> Result<(Verdict, ExternalStore), Problem> {
    let (verifier, now) = (Verifier::default(), api.clock.now());
    let external = ExternalStore::new(verifier.policy);
    let authentic = match verifier.check(&api.resume, &asked.form.token, &asked.bindings(), now) {
        Ok(authentic) => authentic,
        Err(verdict) => return Ok((verdict, external)),
    };
    let verdict = match external.reserve(&authentic, asked.attempt, now) {
        Err(reason) => Verdict::Fresh { reason, fraud: reason.is_fraud() },
        Ok(command) => match api.store.token(&command, now).await {
            Ok(reply) => external.settle(authentic, asked.attempt, reply.reply(), now),
            Err(_) => external.settle(authentic, asked.attempt, StoreReply::Unavailable, now),
        },
    };
    match verdict.reason() {
        // Try again is a better answer than a fresh conversation.
        Some(Reason::StoreUnavailable) => Err(Problem::unavailable("the store does not answer")),
        _ => Ok((verdict, external)),
    }
}

/// A client learns one word. Whoever has a key sees more.
fn answer(caller: &Caller, verdict: &Verdict) -> Json<Value> {
    let mut document = json!({"answer": verdict.client_answer().as_str()});
    if let Verdict::Resume { reservation: Reservation { until, .. }, .. } = verdict {
        document["until_ms"] = json!(until.as_millis());
    }
    if let (Caller::Key(_), Some(reason)) = (caller, verdict.reason()) {
        document["reason"] = json!(reason.name());
        document["fraud"] = json!(reason.is_fraud());
    }
    Json(document)
}
