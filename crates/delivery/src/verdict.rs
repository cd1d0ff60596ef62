//! How an attempt ended, as the log keeps it.

use reveille_core::{Action, Outcome, UnixTime};

/// What became of one attempt. Whoever carries requests reports one for each [`Send`](crate::Send).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// The service took it.
    Accepted {
        /// The HTTP status.
        status: u16,
    },
    /// The service did not take it.
    Refused {
        /// The HTTP status.
        status: u16,
        /// The service's own word for the reason.
        reason: Option<Box<str>>,
        /// The next step.
        action: Action,
    },
    /// Not one byte left: no connection, or it was withdrawn in time. The recipient was not told, for certain.
    NotSent,
    /// It left, or may have, and no answer came.
    NoAnswer,
}

impl From<&Outcome> for Verdict {
    fn from(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Accepted(receipt) => Self::Accepted { status: receipt.status },
            Outcome::Rejected(rejection) => Self::Refused {
                status: rejection.status,
                reason: rejection.reason.as_deref().map(Into::into),
                action: rejection.action.clone(),
            },
        }
    }
}

impl Verdict {
    /// The verdict's name in snake case: `accepted`, `not_sent`, `no_answer`, or the action's.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Accepted { .. } => "accepted",
            Self::Refused { action, .. } => action.name(),
            Self::NotSent => "not_sent",
            Self::NoAnswer => "no_answer",
        }
    }
}

/// One attempt that did not succeed: its number, when its end was known, and its verdict. Explanations and dead letters
/// have a list of them; read it to see why a message did not arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_structs,
    reason = "plain data that users make and take apart; another field is another version of the log"
)]
pub struct Tried {
    /// Its number, from 1.
    pub attempt: u8,
    /// When its end was known.
    pub at: UnixTime,
    /// How it ended.
    pub verdict: Verdict,
}
