//! The verdict and what is in it.

use reveille_core::UnixTime;
use serde::Serialize;

use crate::replay::{Reservation, SingleUse};
use crate::{KeyId, Reason, TokenId};

/// What to do with the user who brought a token: back into the conversation, a login first, or a fresh conversation.
/// [`Verifier::verify`](crate::Verifier::verify) returns it; there is no error beside it.
///
/// ```
/// use reveille_core::UnixTime;
/// use reveille_crypto_ring::PROVIDER;
/// use reveille_resume::*;
/// use reveille_resume::keys::InvalidSecret;
/// use reveille_resume::verdict::ClientAnswer;
///
/// let keys = KeyRing::new(KeyId(1), CompactKey::new(PROVIDER, &TokenSecret::from_bytes(&[7; 32])?)?);
/// let user = Bindings { contact: "c-1", conversation: "k-1", device: "d-1", channel: "web" };
/// let mut replay = ReplaySet::complete(0, ReplayLimits::default());
/// let now = UnixTime::from_secs(1_700_000_000);
/// let verdict = Verifier::default().verify(&keys, "rubbish", &user, Attempt::new(1), &mut replay, now);
/// assert!(matches!(verdict, Verdict::Fresh { fraud: false, .. })); // anybody can send rubbish
/// assert_eq!(verdict.client_answer(), ClientAnswer::Fresh);
/// # Ok::<(), InvalidSecret>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[allow(clippy::exhaustive_enums, reason = "users match all of it: there is nothing else")]
pub enum Verdict {
    /// Back into the conversation. The token is reserved, not used up: commit the reservation before you let the user
    /// in, abort it if you cannot.
    Resume {
        /// What the token says.
        claims: Claims,
        /// What holds its single use. The same attempt gets the same one again.
        reservation: Reservation,
    },
    /// Genuine, of this very user and device, not revoked, and too late: ask for a login, then go on in the same
    /// conversation. Whether the token was used before is not known any more.
    Expired(Claims),
    /// A fresh conversation.
    Fresh {
        /// Why the token does not resume.
        reason: Reason,
        /// Whether somebody should look at it; the same as `reason.is_fraud()`.
        fraud: bool,
    },
}

impl Verdict {
    pub(crate) const fn fresh(reason: Reason) -> Self {
        Self::Fresh { reason, fraud: reason.is_fraud() }
    }

    /// Why the token does not resume, for logs; `None` if it does.
    #[must_use]
    pub const fn reason(&self) -> Option<Reason> {
        match self {
            Self::Resume { .. } => None,
            Self::Expired(_) => Some(Reason::Expired),
            Self::Fresh { reason, .. } => Some(*reason),
        }
    }

    /// All that the client may learn: one of three words.
    #[must_use]
    pub const fn client_answer(&self) -> ClientAnswer {
        match self {
            Self::Resume { .. } => ClientAnswer::Resume,
            Self::Expired(_) => ClientAnswer::LogIn,
            Self::Fresh { .. } => ClientAnswer::Fresh,
        }
    }
}

/// The opaque answer for the client: send this word, and nothing else of the verdict. It does not tell a forged token
/// from a stolen one or from none at all; only whom an expired token belongs to learns that it has expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(clippy::exhaustive_enums, reason = "users match all of it: there is nothing else")]
pub enum ClientAnswer {
    /// Go on in the conversation.
    Resume,
    /// Log in, then go on in the conversation.
    LogIn,
    /// Begin a new one.
    Fresh,
}

impl ClientAnswer {
    /// Returns the word for the client: `resume`, `log_in` or `fresh`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Resume => "resume",
            Self::LogIn => "log_in",
            Self::Fresh => "fresh",
        }
    }
}

/// What a token says, as far as every format carries it: read it once the verdict lets the user in. Its ids are those
/// that were expected, so they are not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "users make it from its parts")]
pub struct Claims {
    /// The token's id.
    pub token_id: TokenId,
    /// The key it was made with.
    pub key_id: KeyId,
    /// The shard whose replay set remembers it.
    pub shard: u8,
    /// When it was issued.
    pub issued_at: UnixTime,
    /// When it expires by its own account; [`Policy::max_lifetime`](crate::Policy::max_lifetime) may end it sooner.
    pub expires_at: UnixTime,
}

/// A token that has passed everything but single use: proof of that, for whoever counts uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Authentic {
    pub(crate) claims: Claims,
    pub(crate) single_use: SingleUse,
}

impl Authentic {
    /// Returns what the token says.
    #[must_use]
    pub const fn claims(&self) -> &Claims {
        &self.claims
    }

    /// What a replay set needs to know of it.
    #[must_use]
    pub const fn single_use(&self) -> &SingleUse {
        &self.single_use
    }

    /// The verdict, once its single use is reserved or not.
    pub const fn settle(self, reserved: Result<Reservation, Reason>) -> Verdict {
        match reserved {
            Ok(reservation) => Verdict::Resume { claims: self.claims, reservation },
            Err(Reason::Expired) => Verdict::Expired(self.claims),
            Err(reason) => Verdict::fresh(reason),
        }
    }
}
