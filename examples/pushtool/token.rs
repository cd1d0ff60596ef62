//! `token …`

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use reveille_core::UnixTime;
use reveille_resume::keys::KeyState;
use reveille_resume::{
    Attempt, Bindings, CompactKey, Issuer, KeyId, KeyRing, Reason, ReplayLimits, ReplaySet, TokenSecret,
    Verifier,
};
use serde::{Deserialize, Serialize};

use crate::line::{Base64, Failure, failure, for_each_line};
use crate::options::Options;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Key {
    id: u16,
    secret: Base64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ids {
    contact: String,
    conversation: String,
    device: String,
    channel: String,
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IssueLine {
    keys: Vec<Key>,
    claims: Ids,
    #[serde(default = "five_minutes")]
    ttl_ms: u64,
    now_ms: UnixTime,
}

const fn five_minutes() -> u64 {
    300_000
}

#[derive(Serialize)]
struct Issued {
    token: String,
}

/// Claims into a compact token, made with the first key.
pub fn issue(options: Options) -> ExitCode {
    for_each_line(|line: IssueLine| {
        let keys = key_ring(&line.keys, options)?;
        let issuer = Issuer::new(options.crypto).with_lifetime(Duration::from_millis(line.ttl_ms));
        let token = issuer.issue(&keys, &line.claims.bindings(), line.now_ms).map_err(failure("claims"))?;
        Ok(Issued { token })
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VerifyLine {
    keys: Vec<Key>,
    token: String,
    expect: Ids,
    now_ms: UnixTime,
}

#[derive(Serialize)]
struct Answer {
    verdict: &'static str,
    reason: &'static str,
    fraud: bool,
}

/// A token into its verdict. Every line is an attempt of its own, and a token that resumes is used up.
pub fn verify(options: Options) -> ExitCode {
    let verifier = Verifier::default();
    let mut sets = BTreeMap::new();
    let mut attempts = 0;
    for_each_line(move |line: VerifyLine| {
        let keys = key_ring(&line.keys, options)?;
        attempts += 1;
        let verdict = match verifier.check(&keys, &line.token, &line.expect.bindings(), line.now_ms) {
            Err(verdict) => verdict.reason().map_or(Ok(()), Err),
            Ok(authentic) => {
                let token = authentic.single_use();
                let limits = ReplayLimits::default();
                let set = sets.entry(token.shard).or_insert_with(|| ReplaySet::complete(token.shard, limits));
                match set.reserve(token, Attempt::new(attempts), line.now_ms) {
                    Err(reason) => Err(reason),
                    Ok(held) => Ok(set.commit(&held, line.now_ms).map_err(failure("commit"))?),
                }
            }
        };
        Ok(answer(verdict))
    })
}

fn answer(verdict: Result<(), Reason>) -> Answer {
    match verdict {
        Ok(()) => Answer { verdict: "resume", reason: "resume", fraud: false },
        Err(Reason::Expired) => Answer { verdict: "expired", reason: Reason::Expired.name(), fraud: false },
        Err(reason) => Answer { verdict: "fresh", reason: reason.name(), fraud: reason.is_fraud() },
    }
}

fn key_ring(keys: &[Key], options: Options) -> Result<KeyRing<CompactKey>, Failure> {
    let mut ring = KeyRing::empty();
    for (at, key) in keys.iter().enumerate() {
        let secret = TokenSecret::from_bytes(&key.secret.0).map_err(failure("keys"))?;
        let compact = CompactKey::new(options.crypto, &secret).map_err(failure("keys"))?;
        let state = if at == 0 { KeyState::Active } else { KeyState::VerifyOnly { since: UnixTime::EPOCH } };
        ring.insert(KeyId(key.id), compact, state).map_err(failure("keys"))?;
    }
    Ok(ring)
}
