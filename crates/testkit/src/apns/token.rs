//! The provider token: what Apple checks first.

use std::time::Duration;

use http::HeaderMap;
use reveille_core::UnixTime;
use reveille_crypto::jws::CompactJws;
use reveille_crypto::{CryptoProvider, P256PublicKey};
use serde::Deserialize;

use super::Refusal;
use super::headers::one;

/// "Less than one hour old" (Apple).
const MAX_AGE: Duration = Duration::from_secs(60 * 60);
/// How far in the future a token may be issued: clocks differ.
const MAX_SKEW: Duration = Duration::from_secs(60);

/// A key that a team has registered with Apple; give it to [`ApnsService::trust`](super::ApnsService::trust), or the
/// service refuses its tokens.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TrustedKey {
    /// The team: `iss`.
    pub team: String,
    /// The key's id: `kid`.
    pub key_id: String,
    /// Verifies its signatures.
    pub public_key: P256PublicKey,
    /// The bundle ids it may push to; empty: all of the team's.
    pub topics: Vec<String>,
}

impl TrustedKey {
    /// A key for all of a team's apps.
    pub fn new(team: impl Into<String>, key_id: impl Into<String>, public_key: P256PublicKey) -> Self {
        Self { team: team.into(), key_id: key_id.into(), public_key, topics: Vec::new() }
    }

    /// Restricted to these bundle ids.
    #[must_use]
    pub fn for_topics(mut self, topics: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.topics = topics.into_iter().map(Into::into).collect();
        self
    }

    /// Whether it may push to a topic: one of its bundle ids, bare or with a suffix.
    pub(super) fn may_push_to(&self, topic: &str) -> bool {
        self.topics.is_empty()
            || self.topics.iter().any(|bundle| {
                topic
                    .strip_prefix(bundle.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            })
    }
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    iat: u64,
}

/// Which key has signed, and the token's `iat`.
pub(super) fn check<'k>(
    headers: &HeaderMap,
    keys: &'k [TrustedKey],
    crypto: CryptoProvider,
    now: UnixTime,
) -> Result<(&'k TrustedKey, UnixTime), Refusal> {
    let invalid = Refusal::new(403, "InvalidProviderToken");
    let value = one(headers, "authorization", "InvalidProviderToken")?
        .ok_or(Refusal::new(403, "MissingProviderToken"))?;
    let (scheme, token) = value.split_once(' ').ok_or(invalid)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Refusal::new(403, "MissingProviderToken"));
    }
    let jws = CompactJws::parse(token, 4_096).map_err(|_| invalid)?;
    let claims: Claims = jws.claims().map_err(|_| invalid)?;
    if jws.algorithm() != "ES256" {
        return Err(invalid);
    }
    let known = |key: &&TrustedKey| Some(key.key_id.as_str()) == jws.key_id() && key.team == claims.iss;
    let key = keys.iter().find(known).ok_or(invalid)?;
    crypto.es256.verify(&key.public_key, jws.signing_input(), jws.signature()).map_err(|_| invalid)?;
    let issued_at = UnixTime::from_secs(claims.iat);
    if issued_at.since(now) > MAX_SKEW {
        return Err(invalid);
    }
    if now.since(issued_at) >= MAX_AGE {
        return Err(Refusal::new(403, "ExpiredProviderToken"));
    }
    Ok((key, issued_at))
}
