//! Keys, replay set, and the two things done with them.

use std::error::Error;
use std::sync::{Mutex, MutexGuard, PoisonError};

use reveille_crypto_ring::PROVIDER;
use reveille_examples::clock;
use reveille_resume::{
    Attempt, Bindings, CompactKey, IssueError, Issuer, KeyId, KeyRing, ReplayLimits, ReplaySet, TokenSecret,
    Verdict, Verifier,
};
use serde::Deserialize;
use serde_json::{Value, json};

/// Whom and what a token belongs to; the flow knows it from the session, not from the token.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ids {
    contact: String,
    conversation: String,
    device: String,
    channel: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Presented {
    token: String,
    expect: Ids,
    /// The client's attempt, the same when it asks again.
    attempt: String,
}

pub struct Desk {
    keys: KeyRing<CompactKey>,
    verifier: Verifier,
    issuer: Mutex<Issuer>,
    replay: Mutex<ReplaySet>,
}

impl Desk {
    pub fn open(secret: Option<&str>) -> Result<Self, Box<dyn Error>> {
        let limits = ReplayLimits::default();
        let (secret, replay) = match secret {
            // Tokens of an earlier run may come back, and this run does not know which were used.
            Some(text) => (TokenSecret::parse(text)?, ReplaySet::cold(0, limits, clock::now())),
            None => {
                let mut bytes = [0; 32];
                PROVIDER.random.fill(&mut bytes)?;
                (TokenSecret::from_bytes(&bytes)?, ReplaySet::complete(0, limits))
            }
        };
        Ok(Self {
            keys: KeyRing::new(KeyId(1), CompactKey::new(PROVIDER, &secret)?),
            verifier: Verifier::default(),
            issuer: Mutex::new(Issuer::new(PROVIDER)),
            replay: Mutex::new(replay),
        })
    }

    pub fn issue(&self, ids: &Ids) -> Result<String, IssueError> {
        lock(&self.issuer).issue(&self.keys, &ids.bindings(), clock::now())
    }

    pub fn verify(&self, presented: &Presented) -> Value {
        let now = clock::now();
        let attempt = Attempt::from_text(&presented.attempt);
        let mut replay = lock(&self.replay);
        let expected = presented.expect.bindings();
        let verdict =
            self.verifier.verify(&self.keys, &presented.token, &expected, attempt, &mut replay, now);
        let answer = verdict.client_answer();
        match verdict {
            Verdict::Resume { reservation, .. } => match replay.commit(&reservation, now) {
                Ok(()) => json!({"answer": answer, "reason": null, "fraud": false}),
                Err(error) => json!({"answer": "fresh", "reason": error.to_string(), "fraud": false}),
            },
            Verdict::Expired(_) => json!({"answer": answer, "reason": "expired", "fraud": false}),
            Verdict::Fresh { reason, fraud } => {
                json!({"answer": answer, "reason": reason.name(), "fraud": fraud})
            }
        }
    }
}

impl Ids {
    fn bindings(&self) -> Bindings<'_> {
        Bindings {
            contact: &self.contact,
            conversation: &self.conversation,
            device: &self.device,
            channel: &self.channel,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
