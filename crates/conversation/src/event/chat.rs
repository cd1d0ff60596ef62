//! Messages, and who takes part.

use serde::{Deserialize, Serialize};

use crate::event::{MessageKind, Role};
use crate::id::{DeviceId, MessageId, PersonId, QueueId};
use crate::text::Text;

/// Somebody wrote in a conversation: the body of [`What::MessageSent`](super::What::MessageSent). Give it for each
/// message; the others who take part may be told.
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

/// Somebody read up to a message: the body of [`What::ReadUpTo`](super::What::ReadUpTo). Give it so that notifications
/// disappear from their devices when nothing is unread any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(
    clippy::exhaustive_structs,
    reason = "plain data that users make and take apart; another field is another version of the log"
)]
pub struct Read {
    /// The person who has read.
    pub person: PersonId,
    /// Up to which number; everything, if not given.
    #[serde(default)]
    pub sequence: Option<u64>,
}

/// Somebody takes part in a conversation: the body of [`What::Joined`](super::What::Joined). Give it when they join,
/// since only those who take part are told of messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(
    clippy::exhaustive_structs,
    reason = "plain data that users make and take apart; another field is another version of the log"
)]
pub struct Joined {
    /// The person who joins.
    pub person: PersonId,
    /// What they are.
    pub role: Role,
}

/// Somebody takes part no longer: the body of [`What::Left`](super::What::Left) and
/// [`What::GuestSessionEnded`](super::What::GuestSessionEnded). Give it so that their ring stops, and they are told of
/// no more messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(
    clippy::exhaustive_structs,
    reason = "plain data that users make and take apart; another field is another version of the log"
)]
pub struct Left {
    /// The person who leaves.
    pub person: PersonId,
}

/// A conversation was handed on: the body of [`What::Forwarded`](super::What::Forwarded),
/// [`What::Invited`](super::What::Invited) and [`What::Delegated`](super::What::Delegated). Give it when somebody
/// passes a conversation to an agent or a queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(
    clippy::exhaustive_structs,
    reason = "plain data that users make and take apart; another field is another version of the log"
)]
pub struct HandedOver {
    /// The agent or the queue that gets the conversation.
    pub to: Target,
    /// The person who handed it on, whose name may be looked up.
    #[serde(default)]
    pub by: Option<PersonId>,
    /// Their name, if the event holds it.
    #[serde(default)]
    pub by_name: Option<Text>,
}

/// To whom a conversation was handed on, as [`HandedOver`] says: one agent, or a queue. A queue is told nothing,
/// because routing offers the conversation to its agents (E4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(
    clippy::exhaustive_enums,
    reason = "users match all of it; another variant is another behaviour version"
)]
pub enum Target {
    /// One agent, who is told.
    Agent(PersonId),
    /// A queue, which is told nothing.
    Queue(QueueId),
}

/// A device shows the conversation now: the body of [`What::Viewing`](super::What::Viewing). Give it again while the
/// conversation is on the screen: for the given time, this device gets no push for its messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(
    clippy::exhaustive_structs,
    reason = "plain data that users make and take apart; another field is another version of the log"
)]
pub struct Viewing {
    /// The person who looks at it.
    pub person: PersonId,
    /// On which device.
    pub device: DeviceId,
    /// For how long, in milliseconds; 0 ends it. The rules bound it.
    #[serde(default = "half_a_minute")]
    pub for_ms: u64,
}

/// The conversation was opened or closed: the body of [`What::StateChanged`](super::What::StateChanged). Give it when
/// the platform says so; when a conversation is closed, everything stops that rings in it.
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
