//! When to sign: not twice within 20 minutes, and never to send what is older than 60.

use std::time::Duration;

use reveille_core::{UnixTime, Wakeup};
use reveille_crypto::ES256_SIGNATURE_LEN;
use reveille_crypto::jws::UnsignedJws;
use thiserror::Error;

use super::{BearerToken, KeyId, TeamId, unsigned_provider_token};

/// Apple answers `TooManyProviderTokenUpdates` if a token is renewed sooner than this.
const SHORTEST: Duration = Duration::from_secs(20 * 60);
/// Apple answers `ExpiredProviderToken` from this age on.
const LONGEST: Duration = Duration::from_secs(60 * 60);
/// How long to wait after a signer has failed.
const SIGNER_PAUSE: Duration = Duration::from_secs(10);
/// After this time without an answer a signer counts as lost.
const SIGNER_TIMEOUT: Duration = Duration::from_secs(60);

/// When a token is renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenPolicy {
    renew_after: Duration,
}

impl TokenPolicy {
    /// Renews tokens at this age; it is brought into the range from 20 to 59 minutes, which Apple allows.
    #[must_use]
    pub fn renew_after(age: Duration) -> Self {
        Self { renew_after: age.clamp(SHORTEST, LONGEST - Duration::from_secs(60)) }
    }
}

/// 50 minutes: ten are left for a signer that is out of reach.
impl Default for TokenPolicy {
    fn default() -> Self {
        Self::renew_after(Duration::from_secs(50 * 60))
    }
}

/// Names one team and key of a [`ProviderTokens`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SignerId(usize);

/// Something to sign: give [`signing_input`](Self::signing_input) to the key, then the request and the signature to
/// [`ProviderTokens::handle_signature`].
#[derive(Clone, Debug)]
pub struct SignRequest {
    signer: SignerId,
    issued_at: UnixTime,
    jws: UnsignedJws,
}

impl SignRequest {
    /// Whose key is to sign.
    #[must_use]
    pub const fn signer(&self) -> SignerId {
        self.signer
    }

    /// The bytes to sign with ES256 (ECDSA on P-256 with SHA-256; the bytes are not hashed yet).
    #[must_use]
    pub fn signing_input(&self) -> &[u8] {
        self.jws.signing_input()
    }
}

/// A signature that cannot be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("ES256 signature must be R and S, {ES256_SIGNATURE_LEN} bytes, not DER; got {length}")]
pub struct InvalidSignature {
    /// Bytes given.
    pub length: usize,
}

/// The provider tokens of a whole service: one per team and key, to be shared by all connections and, through one
/// signer, by all processes. Several tokens of one key at the same time are what Apple answers with
/// `TooManyProviderTokenUpdates`.
///
/// Nothing is signed before a token is first asked for, and nothing is renewed that nobody asks for.
///
/// ```
/// use reveille_apns::{ProviderKey, ProviderTokens, TokenPolicy};
/// use reveille_core::UnixTime;
/// # const P8: &str = "-----BEGIN PRIVATE KEY-----\n\
/// # MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjpsQnnGQmL+YBIff\n\
/// # H1136cspYG6+0iY7X1fCE9+E9LKhRANCAAR/zc4ncPbEXUGDy+5v20t7WAczNXvp\n\
/// # 7xO6z248e9FURcfxRM0bvZt+hyzf7bnuufSzaV1uqQskrYpGIyiFiOWt\n\
/// # -----END PRIVATE KEY-----";
///
/// let (team, key_id) = ("DEF123GHIJ".parse()?, "ABC123DEFG".parse()?);
/// let key = ProviderKey::from_p8(P8, team, key_id, reveille_crypto_ring::PROVIDER)?;
/// let mut tokens = ProviderTokens::new(TokenPolicy::default());
/// let signer = tokens.add(team, key_id);
///
/// let mut now = UnixTime::from_secs(1_700_000_000);
/// for _ in 0..3 {
///     // 1. Ask for a token whenever something is to be sent.
///     let mut token = tokens.bearer(signer, now);
///     // 2. Do what it asks for.
///     while let Some(request) = tokens.poll_output() {
///         let signature = key.sign(request.signing_input())?;
///         tokens.handle_signature(request, &signature, now)?;
///         token = tokens.bearer(signer, now);
///     }
///     // 3. Send.
///     assert!(token.is_some());
///     // 4. Where tokens shall be renewed ahead of time, wake up and call `handle_timeout`.
///     let wakeup = tokens.next_wakeup().ok_or("a token is in use")?;
///     assert_eq!(wakeup.at, now + std::time::Duration::from_secs(50 * 60));
///     now = wakeup.at;
///     tokens.handle_timeout(now);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ProviderTokens {
    policy: TokenPolicy,
    entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    team: TeamId,
    key: KeyId,
    token: Option<BearerToken>,
    /// `iat` of the token, or of the last one; anchors both limits. When the clock steps back behind it, it is
    /// moved to the present.
    signed_at: Option<UnixTime>,
    /// The current token was refused as expired.
    refused: bool,
    /// The token was used since it was signed.
    used: bool,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Idle,
    /// A signature is wanted; `poll_output` will hand it out.
    Wanted {
        now: UnixTime,
    },
    /// A signer is at work.
    Signing {
        since: UnixTime,
    },
    /// A signer has failed.
    Pausing {
        until: UnixTime,
    },
}

impl ProviderTokens {
    /// Without any key.
    #[must_use]
    pub const fn new(policy: TokenPolicy) -> Self {
        Self { policy, entries: Vec::new() }
    }

    /// Adds a team's key. The same pair twice gives the same id, for two tokens of one key are one too many.
    pub fn add(&mut self, team: TeamId, key: KeyId) -> SignerId {
        let known = self.entries.iter().position(|entry| entry.team == team && entry.key == key);
        SignerId(known.unwrap_or_else(|| {
            self.entries.push(Entry {
                team,
                key,
                token: None,
                signed_at: None,
                refused: false,
                used: false,
                state: State::Idle,
            });
            self.entries.len() - 1
        }))
    }

    /// The token to send with, and the wish for one where there is none or it gets old. `None`: sign first.
    pub fn bearer(&mut self, signer: SignerId, now: UnixTime) -> Option<BearerToken> {
        let policy = self.policy;
        let entry = self.entries.get_mut(signer.0)?;
        entry.re_anchor(now);
        entry.used = true;
        entry.want_if_due(policy, now);
        entry.token.clone().filter(|_| entry.age(now).is_some_and(|age| age < LONGEST))
    }

    /// What is to be signed next.
    pub fn poll_output(&mut self) -> Option<SignRequest> {
        let (at, entry) = self
            .entries
            .iter_mut()
            .enumerate()
            .find(|(_, entry)| matches!(entry.state, State::Wanted { .. }))?;
        let State::Wanted { now } = entry.state else { return None };
        entry.state = State::Signing { since: now };
        let jws = unsigned_provider_token(entry.team, entry.key, now);
        Some(SignRequest { signer: SignerId(at), issued_at: now, jws })
    }

    /// Takes a signature: R and S, 64 bytes (RFC 7518 §3.4).
    ///
    /// # Errors
    /// [`InvalidSignature`] if it has another length; it counts as a failure of the signer.
    pub fn handle_signature(
        &mut self,
        request: SignRequest,
        signature: &[u8],
        now: UnixTime,
    ) -> Result<(), InvalidSignature> {
        if signature.len() != ES256_SIGNATURE_LEN {
            self.handle_failure(&request, now);
            return Err(InvalidSignature { length: signature.len() });
        }
        if let Some(entry) = self.waiting_for(&request) {
            // Base64url parts always are a legal header value.
            entry.token = BearerToken::from_jwt(&request.jws.finish(signature)).ok();
            entry.signed_at = Some(request.issued_at);
            entry.refused = false;
            entry.used = false;
            entry.state = State::Idle;
        }
        Ok(())
    }

    /// The signer could not sign: asked again after ten seconds; a signer that does not answer, after sixty. The old
    /// token stays in use while it may.
    pub fn handle_failure(&mut self, request: &SignRequest, now: UnixTime) {
        if let Some(entry) = self.waiting_for(request) {
            entry.state = State::Pausing { until: now + SIGNER_PAUSE };
        }
    }

    /// The entry that waits for this very request; none for one that was answered, or given up as lost.
    fn waiting_for(&mut self, request: &SignRequest) -> Option<&mut Entry> {
        let waiting = State::Signing { since: request.issued_at };
        self.entries.get_mut(request.signer.0).filter(|entry| entry.state == waiting)
    }

    /// APNs refused the token (`RefreshCredential`). Close the connection as well: after `ExpiredProviderToken` it
    /// refuses everything, also with a new token.
    ///
    /// `Some` is the earliest time for a new token, if the current one is younger than 20 minutes: then the token is
    /// not the fault, and it stays in use.
    pub fn handle_refusal(&mut self, signer: SignerId, now: UnixTime) -> Option<UnixTime> {
        let policy = self.policy;
        let entry = self.entries.get_mut(signer.0)?;
        entry.re_anchor(now);
        entry.refused = true;
        entry.used = true;
        entry.want_if_due(policy, now);
        let earliest = entry.signed_at? + SHORTEST;
        (earliest > now).then_some(earliest)
    }

    /// Renews tokens that are in use and due.
    pub fn handle_timeout(&mut self, now: UnixTime) {
        let policy = self.policy;
        for entry in &mut self.entries {
            entry.re_anchor(now);
            if entry.used {
                entry.want_if_due(policy, now);
            }
        }
    }

    /// When the first token in use is due.
    #[must_use]
    pub fn next_wakeup(&self) -> Option<Wakeup> {
        let due = self
            .entries
            .iter()
            .filter(|entry| entry.used)
            .filter_map(|entry| entry.due(self.policy))
            .min()?;
        Some(Wakeup { at: due, reason: "renew a provider token" })
    }
}

impl Entry {
    /// When the next signature is wanted; `None` while one waits to be handed out.
    fn due(&self, policy: TokenPolicy) -> Option<UnixTime> {
        let renewal = match self.signed_at {
            None => UnixTime::EPOCH,
            Some(at) if self.refused => at + SHORTEST,
            Some(at) => at + policy.renew_after,
        };
        match self.state {
            State::Idle => Some(renewal),
            State::Pausing { until } => Some(renewal.max(until)),
            State::Signing { since } => Some(since + SIGNER_TIMEOUT),
            State::Wanted { .. } => None,
        }
    }

    fn want_if_due(&mut self, policy: TokenPolicy, now: UnixTime) {
        if self.due(policy).is_some_and(|due| due <= now) {
            self.state = State::Wanted { now };
        }
    }

    fn age(&self, now: UnixTime) -> Option<Duration> {
        self.signed_at.map(|at| now.since(at))
    }

    fn re_anchor(&mut self, now: UnixTime) {
        if let Some(at) = &mut self.signed_at
            && now < *at
        {
            // Signed in the future: Apple may refuse it, but it must not be renewed at once.
            *at = now;
            if matches!(self.state, State::Wanted { .. }) {
                self.state = State::Idle;
            }
        }
        match &mut self.state {
            // A wish that waited is signed for the present: neither old already, nor of a time to come.
            State::Wanted { now: at } => *at = now,
            State::Pausing { until } => *until = (*until).min(now + SIGNER_PAUSE),
            // Given up at once; the answer, should it still come, is not taken.
            State::Signing { since } if now < *since => self.state = State::Pausing { until: now },
            _ => {}
        }
    }
}
