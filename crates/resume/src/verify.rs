//! Reading tokens, in one order.

use std::time::Duration;

use reveille_core::UnixTime;

use crate::profile::Opened;
use crate::{
    Attempt, Authentic, Bindings, KeyRing, KeyState, Profile, Reason, ReplaySet, Revocations, SingleUse,
    Verdict,
};

/// How long tokens may live.
///
/// A replay set remembers a use until the end that the policy of that moment gave the token. Where a policy is made
/// longer while a set is in use, [`ReplaySet::mark_cold`] keeps the tokens out that would come to life again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Policy {
    /// No token lives longer than this, whatever it says: 5 minutes by default.
    pub max_lifetime: Duration,
    /// How far clocks may differ, at both ends of a token's life: 5 s by default.
    pub leeway: Duration,
}

impl Policy {
    /// A policy.
    #[must_use]
    pub const fn new(max_lifetime: Duration, leeway: Duration) -> Self {
        Self { max_lifetime, leeway }
    }

    /// How long a key must go on verifying after it was replaced, and a revocation be remembered.
    #[must_use]
    pub const fn overlap(&self) -> Duration {
        // An issuer's clock may be ahead by the leeway, the verifier's behind by it.
        self.max_lifetime.saturating_add(self.leeway).saturating_add(self.leeway)
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self::new(Duration::from_secs(300), Duration::from_secs(5))
    }
}

/// Verifies tokens: length, version, key, MAC, time, bindings, revocation, single use, in this order.
///
/// ```
/// use reveille_core::UnixTime;
/// use reveille_crypto_ring::PROVIDER;
/// use reveille_resume::*;
/// use std::time::Duration;
///
/// let keys = KeyRing::new(KeyId(1), CompactKey::new(PROVIDER, &TokenSecret::from_bytes(&[7; 32])?)?);
/// let mine = Bindings { contact: "c-1", conversation: "k-1", device: "d-1", channel: "web" };
/// let now = UnixTime::from_secs(1_700_000_000);
/// let token = Issuer::new(PROVIDER).issue(&keys, &mine, now)?;
///
/// let verifier = Verifier::default();
/// let mut replay = ReplaySet::complete(0, ReplayLimits::default());
/// let (first, second) = (Attempt::from_text("a"), Attempt::from_text("b"));
///
/// // On another device: fraud, and the token is not used up by it.
/// let stolen = Bindings { device: "d-2", ..mine };
/// let verdict = verifier.verify(&keys, &token, &stolen, first, &mut replay, now);
/// assert!(matches!(verdict, Verdict::Fresh { reason: Reason::WrongBinding(_), fraud: true }));
///
/// let verdict = verifier.verify(&keys, &token, &mine, first, &mut replay, now);
/// let Verdict::Resume(claims) = verdict else { panic!("{verdict:?}") };
/// replay.commit(&claims.reservation, now)?;
///
/// let verdict = verifier.verify(&keys, &token, &mine, second, &mut replay, now);
/// assert_eq!(verdict, Verdict::Fresh { reason: Reason::Replayed, fraud: true });
/// let later = now + Duration::from_secs(305);
/// let verdict = verifier.verify(&keys, &token, &mine, second, &mut replay, later);
/// assert_eq!(verdict, Verdict::Fresh { reason: Reason::Expired, fraud: false });
/// assert_eq!(verdict.client_answer().as_str(), "fresh");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Verifier {
    /// How long tokens may live.
    pub policy: Policy,
    /// Whose tokens are void.
    pub revocations: Revocations,
}

impl Verifier {
    /// A verifier with a policy of its own and no revocations.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self { policy, revocations: Revocations::default() }
    }

    /// Everything but single use.
    ///
    /// # Errors
    /// The first [`Reason`] that applies, in the order above. A token with a wrong binding costs as much time as
    /// one with the right ones.
    pub fn check<K: Profile>(
        &self,
        keys: &KeyRing<K>,
        token: &str,
        expected: &Bindings<'_>,
        now: UnixTime,
    ) -> Result<Authentic, Reason> {
        if token.is_empty() {
            return Err(Reason::Absent);
        }
        let opened = K::read(keys, token, expected)?;
        let keep_until = self.check_time(&opened, now)?;
        if !opened.mismatch.is_none() {
            return Err(Reason::WrongBinding(opened.mismatch));
        }
        if let KeyState::Revoked { from } = opened.key_state
            && opened.issued_by >= from
        {
            return Err(Reason::KeyRevoked);
        }
        if let Some(binding) = self.revocations.find(expected, opened.issued_at) {
            return Err(Reason::SubjectRevoked(binding));
        }
        Ok(Authentic {
            key_id: opened.key_id,
            expires_at: opened.expires_at,
            single_use: SingleUse {
                token_id: opened.token_id,
                shard: opened.shard,
                issued_at: opened.issued_at,
                keep_until,
            },
        })
    }

    /// Everything, single use in a replay set included: the token is then reserved for `attempt`.
    pub fn verify<K: Profile>(
        &self,
        keys: &KeyRing<K>,
        token: &str,
        expected: &Bindings<'_>,
        attempt: Attempt,
        replay: &mut ReplaySet,
        now: UnixTime,
    ) -> Verdict {
        match self.check(keys, token, expected, now) {
            Ok(authentic) => authentic.settle(replay.reserve(authentic.single_use(), attempt, now)),
            Err(reason) => Verdict::fresh(reason),
        }
    }

    /// `iat <= now + leeway` and `now < iat + min(lifetime, max_lifetime) + leeway`; the end of that.
    fn check_time(&self, opened: &Opened, now: UnixTime) -> Result<UnixTime, Reason> {
        let Policy { max_lifetime, leeway } = self.policy;
        if opened.issued_at > now + leeway {
            return Err(Reason::NotYetValid);
        }
        let keep_until = opened.expires_at.min(opened.issued_at + max_lifetime) + leeway;
        if now >= keep_until { Err(Reason::Expired) } else { Ok(keep_until) }
    }
}
