//! Callbacks.

use serde::{Deserialize, Serialize};

use crate::event::CallbackMode;
use crate::id::{PersonId, QueueId};
use crate::text::Text;

/// A callback was booked: the body of [`What::CallbackCreated`](super::What::CallbackCreated). Give it before all other
/// events of a callback; without it, they find no callback.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(
    clippy::exhaustive_structs,
    reason = "plain data that users make and take apart; another field is another version of the log"
)]
pub struct CallbackCreated {
    /// Who is called back.
    pub person: PersonId,
    /// Whether they asked for pushes; without, all its events are settled as `not_requested` (D).
    #[serde(default)]
    pub push: bool,
    /// Who calls whom.
    #[serde(default = "call_back")]
    pub mode: CallbackMode,
    /// The queue it waits in: its threshold, and the queue's events.
    #[serde(default)]
    pub queue: Option<QueueId>,
    /// The estimated wait at that moment, in milliseconds.
    #[serde(default)]
    pub wait_ms: Option<u64>,
    /// How often it will be attempted.
    #[serde(default)]
    pub attempts: Option<u32>,
}

/// An estimated wait in milliseconds, for one callback or for a queue. Give it when the estimate changes; below the
/// limit of the rules, the customer is told once that the callback is near.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(
    clippy::exhaustive_structs,
    reason = "plain data that users make and take apart; another field is another version of the log"
)]
pub struct Wait {
    /// The estimated wait in milliseconds; texts say it in minutes, rounded up.
    pub wait_ms: u64,
}

/// The customer accepted to call in: the body of [`What::CallbackAccepted`](super::What::CallbackAccepted). Give it
/// when they confirm, so that they are told the number to call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(
    clippy::exhaustive_structs,
    reason = "plain data that users make and take apart; another field is another version of the log"
)]
pub struct Accepted {
    /// The number to call.
    #[serde(default)]
    pub number: Option<Text>,
}

/// An attempt to call back was made: the body of [`What::CallbackAttempted`](super::What::CallbackAttempted). Give it
/// after each attempt, whether the customer answered or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(
    clippy::exhaustive_structs,
    reason = "plain data that users make and take apart; another field is another version of the log"
)]
pub struct Attempted {
    /// Which one, from 1.
    pub attempt: u32,
    /// Of how many, if the event says so.
    #[serde(default)]
    pub of: Option<u32>,
    /// Whether the customer answered.
    #[serde(default)]
    pub succeeded: bool,
}

const fn call_back() -> CallbackMode {
    CallbackMode::CallBack
}
