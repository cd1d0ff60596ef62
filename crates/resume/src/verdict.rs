//! What a verification ends with.

use reveille_core::UnixTime;
use serde::Serialize;

use crate::{KeyId, Reason, Reservation, SingleUse, TokenId};

/// What to do with the user who brought a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// Back into the conversation. The token is reserved, not used up: commit [`Claims::reservation`] before you let
    /// the user in, abort it if you cannot.
    Resume(Claims),
    /// A fresh conversation.
    Fresh {
        /// Why.
        reason: Reason,
        /// Whether somebody should look at it; the same as `reason.is_fraud()`.
        fraud: bool,
    },
}

impl Verdict {
    pub(crate) const fn fresh(reason: Reason) -> Self {
        Self::Fresh { reason, fraud: reason.is_fraud() }
    }

    /// All that the client may learn: one bit.
    #[must_use]
    pub const fn client_answer(&self) -> ClientAnswer {
        match self {
            Self::Resume(_) => ClientAnswer::Resume,
            Self::Fresh { .. } => ClientAnswer::Fresh,
        }
    }
}

/// The opaque answer for the client: it does not tell an expired token from a forged one or a stolen one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAnswer {
    /// Go on in the conversation.
    Resume,
    /// Begin a new one.
    Fresh,
}

impl ClientAnswer {
    /// `resume` or `fresh`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Resume => "resume",
            Self::Fresh => "fresh",
        }
    }
}

/// What a token says. Its ids are those that were expected, so they are not repeated here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claims {
    /// The token's id.
    pub token_id: TokenId,
    /// The key it was made with.
    pub key_id: KeyId,
    /// The shard whose replay set remembers it.
    pub shard: u8,
    /// When it was issued.
    pub issued_at: UnixTime,
    /// When it expires, without the leeway.
    pub expires_at: UnixTime,
    /// What holds its single use.
    pub reservation: Reservation,
}

/// A token that has passed everything but single use: proof of that, for whoever counts uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Authentic {
    pub(crate) key_id: KeyId,
    pub(crate) expires_at: UnixTime,
    pub(crate) single_use: SingleUse,
}

impl Authentic {
    /// What a replay set needs to know of it.
    #[must_use]
    pub const fn single_use(&self) -> &SingleUse {
        &self.single_use
    }

    /// The verdict, once its single use is reserved or not.
    pub fn settle(self, reserved: Result<Reservation, Reason>) -> Verdict {
        match reserved {
            Ok(reservation) => Verdict::Resume(Claims {
                token_id: self.single_use.token_id,
                key_id: self.key_id,
                shard: self.single_use.shard,
                issued_at: self.single_use.issued_at,
                expires_at: self.expires_at,
                reservation,
            }),
            Err(reason) => Verdict::fresh(reason),
        }
    }
}
