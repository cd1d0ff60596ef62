//! Messages, and who takes part.

use serde::{Deserialize, Serialize};

use crate::event::{MessageKind, Role};
use crate::id::{DeviceId, MessageId, PersonId, QueueId};
use crate::text::Text;

/// Somebody wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(
    clippy::exhaustive_structs,
    reason = "plain data that users make and take apart; another field is another version of the log"
)]
pub struct Message {
    /// Who. Whoever writes takes part, and has read what was before.
    pub sender: PersonId,
    /// What they are.
    pub role: Role,
    /// What it is.
    #[serde(default = "written")]
    pub kind: MessageKind,
    /// The platform's name for it.
    #[serde(default)]
    pub message: Option<MessageId>,
    /// Its number in the conversation, growing; numbered in the order of arrival if the platform has none.
    #[serde(default)]
    pub sequence: Option<u64>,
    /// The sender's name, if the event holds it. Otherwise it is looked up.
    #[serde(default)]
    pub sender_name: Option<Text>,
    /// The start of its text, if the event holds it. Otherwise it is looked up.
    #[serde(default)]
    pub preview: Option<Text>,
}

/// Somebody read up to a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(
    clippy::exhaustive_structs,
    reason = "plain data that users make and take apart; another field is another version of the log"
)]
pub struct Read {
    /// Who.
    pub person: PersonId,
    /// Up to which number; everything, if not given.
    #[serde(default)]
    pub sequence: Option<u64>,
}

/// Somebody takes part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(
    clippy::exhaustive_structs,
    reason = "plain data that users make and take apart; another field is another version of the log"
)]
pub struct Joined {
    /// Who.
    pub person: PersonId,
    /// What they are.
    pub role: Role,
}

/// Somebody takes part no longer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(
    clippy::exhaustive_structs,
    reason = "plain data that users make and take apart; another field is another version of the log"
)]
pub struct Left {
    /// Who.
    pub person: PersonId,
}

/// A conversation was handed on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(
    clippy::exhaustive_structs,
    reason = "plain data that users make and take apart; another field is another version of the log"
)]
pub struct HandedOver {
    /// To whom.
    pub to: Target,
    /// By whom.
    #[serde(default)]
    pub by: Option<PersonId>,
    /// Their name.
    #[serde(default)]
    pub by_name: Option<Text>,
}

/// One agent, or a queue. A queue is told nothing: routing offers the conversation to its agents (E4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(
    clippy::exhaustive_enums,
    reason = "users match all of it; another variant is another behaviour version"
)]
pub enum Target {
    /// An agent.
    Agent(PersonId),
    /// A queue.
    Queue(QueueId),
}

/// A device shows the conversation. It is a lease: it ends by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(
    clippy::exhaustive_structs,
    reason = "plain data that users make and take apart; another field is another version of the log"
)]
pub struct Viewing {
    /// Who.
    pub person: PersonId,
    /// On which device.
    pub device: DeviceId,
    /// For how long, in milliseconds; 0 ends it. The rules bound it.
    #[serde(default = "half_a_minute")]
    pub for_ms: u64,
}

/// The conversation was opened or closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(
    clippy::exhaustive_structs,
    reason = "plain data that users make and take apart; another field is another version of the log"
)]
pub struct StateChanged {
    /// Whether it goes on.
    pub open: bool,
}

const fn written() -> MessageKind {
    MessageKind::Written
}
const fn half_a_minute() -> u64 {
    30_000
}
