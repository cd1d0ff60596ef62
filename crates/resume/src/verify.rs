//! Reading tokens, in one order.

use std::time::Duration;

use reveille_core::UnixTime;

use crate::keys::KeyState;
use crate::profile::Opened;
use crate::replay::SingleUse;
use crate::verdict::{Authentic, Claims};
use crate::{Attempt, Bindings, KeyRing, Profile, Reason, ReplaySet, Revocations, Verdict};

/// How long tokens may live, and for how long they are recognised afterwards; give it to
/// [`Verifier::new`](crate::Verifier::new).
///
/// A replay set remembers a use until the end that the policy of that moment gave the token. Where a policy is made
/// longer while a set is in use, [`ReplaySet::mark_cold`] keeps the tokens out that would come to life again.
///
/// ```
/// use reveille_resume::Policy;
/// use std::time::Duration;
/// let policy = Policy::default().with_max_lifetime(Duration::from_secs(3_600));
/// assert_eq!(policy.overlap(), Duration::from_secs(3_610));
/// assert_eq!(policy.retention(), Duration::from_secs(3_610 + 7 * 86_400));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    max_lifetime: Duration,
    leeway: Duration,
    keep_expired: Duration,
}

impl Policy {
    /// With another cap on life times than 5 minutes: no token lives longer than this, whatever it says. Let it be the
    /// longest life time of all kinds of push.
    #[must_use]
    pub const fn with_max_lifetime(self, max_lifetime: Duration) -> Self {
        Self { max_lifetime, ..self }
    }

    /// With another allowance for clocks that differ than 5 s. It counts at both ends of a token's life, and where its
    /// time is compared with that of a revocation.
    #[must_use]
    pub const fn with_leeway(self, leeway: Duration) -> Self {
        Self { leeway, ..self }
    }

    /// With another time than 7 days for which an expired token is still recognised
    /// ([`Verdict::Expired`]): as long, keys and revocations are kept.
    #[must_use]
    pub const fn with_keep_expired(self, keep_expired: Duration) -> Self {
        Self { keep_expired, ..self }
    }

    /// The longest life of a token.
    #[must_use]
    pub const fn max_lifetime(&self) -> Duration {
        self.max_lifetime
    }

    /// How far clocks may differ.
    #[must_use]
    pub const fn leeway(&self) -> Duration {
        self.leeway
    }

    /// The longest time from the issue of a token to its last use: the life time and twice the leeway, since an
    /// issuer's clock may be ahead by it and the verifier's behind by it.
    #[must_use]
    pub const fn overlap(&self) -> Duration {
        self.max_lifetime.saturating_add(self.leeway).saturating_add(self.leeway)
    }

    /// How long a key goes on verifying after it was replaced, and a revocation is remembered:
    /// [`overlap`](Self::overlap) and the time for which expired tokens are recognised.
    #[must_use]
    pub const fn retention(&self) -> Duration {
        self.overlap().saturating_add(self.keep_expired)
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            max_lifetime: Duration::from_secs(300),
            leeway: Duration::from_secs(5),
            keep_expired: Duration::from_secs(7 * 24 * 60 * 60),
        }
    }
}

/// Verifies tokens: length, version, key, MAC, bindings, revocation, time, single use, in this order.
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
/// let Verdict::Resume { reservation, .. } = verdict else { panic!("{verdict:?}") };
/// replay.commit(&reservation, now)?;
///
/// let verdict = verifier.verify(&keys, &token, &mine, second, &mut replay, now);
/// assert_eq!(verdict, Verdict::Fresh { reason: Reason::Replayed, fraud: true });
/// let later = now + Duration::from_secs(305);
/// let verdict = verifier.verify(&keys, &token, &mine, second, &mut replay, later);
/// assert!(matches!(verdict, Verdict::Expired(claims) if claims.issued_at == now));
/// assert_eq!(verdict.client_answer().as_str(), "log_in");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
#[allow(clippy::exhaustive_structs, reason = "users make it from its parts")]
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

    /// Checks everything but single use, which a shared store then counts.
    ///
    /// # Errors
    /// The [`Verdict`] that needs no single use: [`Verdict::Expired`], or [`Verdict::Fresh`] with the first [`Reason`] that
    /// applies, in the order above. Of a token with a right MAC all bindings are compared and all revocations looked
    /// up before anything is decided: how long that takes does not tell which binding differs.
    pub fn check<K: Profile>(
        &self,
        keys: &KeyRing<K>,
        token: &str,
        expected: &Bindings<'_>,
        now: UnixTime,
    ) -> Result<Authentic, Verdict> {
        if token.is_empty() {
            return Err(Verdict::fresh(Reason::Absent));
        }
        let opened = K::read(keys, token, expected).map_err(Verdict::fresh)?;
        let Policy { leeway, .. } = self.policy;
        let by_key = match opened.key_state {
            KeyState::Revoked { from } if opened.issued_by + leeway >= from => Some(Reason::KeyRevoked),
            KeyState::Compromised { known } if opened.issued_at > known + leeway => Some(Reason::KeyRevoked),
            KeyState::Compromised { .. } => Some(Reason::KeyCompromised),
            KeyState::Active | KeyState::VerifyOnly { .. } | KeyState::Revoked { .. } => None,
        };
        let by_subject = self.revocations.refusal(expected, opened.issued_at, leeway);
        if !opened.mismatch.is_none() {
            return Err(Verdict::fresh(Reason::WrongBinding(opened.mismatch)));
        }
        if let Some(reason) = by_key.or(by_subject) {
            return Err(Verdict::fresh(reason));
        }
        let Opened { key_id, token_id, shard, issued_at, expires_at, .. } = opened;
        let claims = Claims { token_id, key_id, shard, issued_at, expires_at };
        if issued_at > now + leeway {
            return Err(Verdict::fresh(Reason::NotYetValid));
        }
        let keep_until = expires_at.min(issued_at + self.policy.max_lifetime) + leeway;
        if now >= keep_until {
            return Err(Verdict::Expired(claims));
        }
        Ok(Authentic { claims, single_use: SingleUse { token_id, shard, issued_at, keep_until } })
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
            Err(verdict) => verdict,
        }
    }
}
