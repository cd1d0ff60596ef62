//! Re-authentication on wake: the push carries a token, the page posts it back and gets the history.

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use reveille_crypto_ring::PROVIDER;
use reveille_examples::clock;
use reveille_resume::{
    Attempt, Bindings, CompactKey, Issuer, KeyId, KeyRing, ReplayLimits, ReplaySet, TokenSecret, Verdict,
    Verifier,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::gateway::Gateway;
use crate::history::History;

/// Tokens and the history they open. The key lives as long as the process: after a restart old tokens are unknown.
pub struct Desk {
    keys: KeyRing<CompactKey>,
    verifier: Verifier,
    state: Mutex<DeskState>,
}

struct DeskState {
    issuer: Issuer,
    replay: ReplaySet,
    history: History,
}

impl Desk {
    pub fn open() -> Result<Self, Box<dyn Error>> {
        let mut secret = [0; 32];
        PROVIDER.random.fill(&mut secret)?;
        let keys = KeyRing::new(KeyId(1), CompactKey::new(PROVIDER, &TokenSecret::from_bytes(&secret)?)?);
        let state = DeskState {
            issuer: Issuer::new(PROVIDER),
            replay: ReplaySet::complete(0, ReplayLimits::default()),
            history: History::default(),
        };
        Ok(Self { keys, verifier: Verifier::default(), state: Mutex::new(state) })
    }

    /// The token for one device's push. Without one the notification still leads to the conversation.
    pub fn token(&self, user: &str, conversation: &str, endpoint: &str) -> Option<String> {
        let device = device_of(endpoint);
        let bindings = Bindings { contact: user, conversation, device: &device, channel: "web" };
        let issued = self.state().issuer.issue(&self.keys, &bindings, clock::now());
        issued.inspect_err(|error| eprintln!("gateway: no resume token: {error}")).ok()
    }

    /// Keeps a message for the page that comes back.
    pub fn remember(&self, user: &str, conversation: &str, message: Value) {
        self.state().history.push(user, conversation, message);
    }

    /// The history, or a fresh conversation; why, stays in the log.
    fn resume(&self, presented: &Presented) -> Value {
        let now = clock::now();
        let device = device_of(&presented.endpoint);
        let expected = Bindings {
            contact: &presented.user,
            conversation: &presented.conversation,
            device: &device,
            channel: "web",
        };
        let mut state = self.state();
        let attempt = Attempt::from_text(&presented.attempt);
        let verdict =
            self.verifier.verify(&self.keys, &presented.token, &expected, attempt, &mut state.replay, now);
        let answer = verdict.client_answer();
        match verdict {
            Verdict::Resume { reservation, .. } if state.replay.commit(&reservation, now).is_ok() => {
                json!({"answer": answer, "messages": state.history.of(&presented.user, &presented.conversation)})
            }
            Verdict::Resume { .. } => json!({"answer": "fresh"}),
            // A service with logins would ask for one, and go on in this conversation.
            Verdict::Expired(_) => json!({"answer": answer}),
            Verdict::Fresh { reason, fraud } => {
                eprintln!("gateway: fresh conversation: {reason}{}", if fraud { ", FRAUD" } else { "" });
                json!({"answer": answer})
            }
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, DeskState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Endpoints can be longer than an id may be.
fn device_of(endpoint: &str) -> String {
    reveille_crypto::base64url::encode(&PROVIDER.sha256.digest(&[endpoint.as_bytes()]))
}

/// `POST /v1/resume`. User and conversation would come from the guest's session; this demonstration has none.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Presented {
    token: String,
    user: String,
    conversation: String,
    endpoint: String,
    /// Drawn by the page, the same when it asks again after a lost answer.
    attempt: String,
}

/// One status for every verdict: the client learns one word.
pub async fn resume(
    State(gateway): State<Arc<Gateway>>,
    presented: Result<Json<Presented>, JsonRejection>,
) -> (StatusCode, Json<Value>) {
    match presented {
        Ok(Json(presented)) => (StatusCode::OK, Json(gateway.desk().resume(&presented))),
        Err(rejection) => (rejection.status(), Json(json!({"error": rejection.body_text()}))),
    }
}
