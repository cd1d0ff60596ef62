//! How a question to the platform fails.

use thiserror::Error;

use crate::wire::Why;

/// A question that has no answer. Its text names no token and nothing that the platform wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PlatformFailure {
    /// The rate leaves no turn before the answer would be of no more use.
    #[error("there is no turn in time")]
    Late,
    /// The login gives no token.
    #[error("the login answers {status}")]
    Login {
        /// Its status; 0 if it could not be asked.
        status: u16,
    },
    /// The platform answers something else than what was asked for.
    #[error("the platform answers {status}")]
    Refused {
        /// Its status. A redirect is one of them: a token goes to nobody else.
        status: u16,
    },
    /// The answer cannot be read, or is too long.
    #[error("the answer cannot be read")]
    Malformed,
    /// There is no answer.
    #[error("the wire: {}", .0.name())]
    Wire(Why),
}

impl PlatformFailure {
    /// Its name in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Late => "late",
            Self::Login { .. } => "login",
            Self::Refused { .. } => "refused",
            Self::Malformed => "malformed",
            Self::Wire(_) => "wire",
        }
    }
}
