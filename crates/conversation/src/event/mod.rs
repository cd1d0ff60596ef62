//! What happened: one vocabulary for all sources.

mod call;
mod callback;
mod chat;

use reveille_core::UnixTime;
use serde::{Deserialize, Serialize};

pub use call::{Answered, Declined, Ended, Offer, TimedOut, Withdrawn};
pub use callback::{Accepted, Attempted, CallbackCreated, Wait};
pub use chat::{HandedOver, Joined, Left, Message, Read, StateChanged, Target, Viewing};

pub use crate::words::{CallbackMode, MessageKind, Presence, Role};

use crate::id::{ConversationId, DeviceId, EventId, PersonId, QueueId};

/// Something that happened in a conversation. What a source's document is parsed into, see [`source`](crate::source).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(
    clippy::exhaustive_structs,
    reason = "plain data that users make and take apart; another field is another version of the log"
)]
pub struct Event {
    /// The conversation in which it happened.
    pub conversation: ConversationId,
    /// When, by the source's clock. It orders events that change places on the way: a ring that happened before its cancel
    /// does not ring. A source without times puts the time of arrival here.
    pub at: UnixTime,
    /// The source's name for it, if it has one.
    pub id: Option<EventId>,
    /// What happened, with its details.
    pub what: What,
}

impl Event {
    /// An event without a name.
    #[must_use]
    pub const fn new(conversation: ConversationId, what: What, at: UnixTime) -> Self {
        Self { conversation, at, id: None, what }
    }
}

macro_rules! what {
    ($($(#[$doc:meta])* $name:ident $(($body:ty))? = $text:literal,)*) => {
        /// What happened. The names in JSON are those of [`as_str`](Self::as_str).
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum What {
            $($(#[$doc])* $name $(($body))?,)*
        }

        impl What {
            /// The names of all kinds of events.
            pub const NAMES: &[&str] = &[$($text),*];

            /// Its name in JSON, scenarios and logs.
            #[must_use]
            pub const fn as_str(&self) -> &'static str {
                match self { $(what!(@pattern $name $($body)?) => $text),* }
            }

            /// Reads the body of an event with this name; `None` if there is no such name.
            pub(crate) fn read(name: &str, json: &str) -> Option<Result<Self, crate::source::SourceError>> {
                match name {
                    $($text => Some(what!(@read $name $($body)?, json)),)*
                    _ => None,
                }
            }
        }
    };
    (@pattern $name:ident $body:ty) => { Self::$name(_) };
    (@pattern $name:ident) => { Self::$name };
    (@read $name:ident $body:ty, $json:expr) => { crate::source::from_json::<$body>($json).map(Self::$name) };
    (@read $name:ident, $json:expr) => { Ok(Self::$name) };
}

what! {
    /// Somebody wrote (A2, E1).
    MessageSent(Message) = "message_sent",
    /// Somebody read up to a message (E2).
    ReadUpTo(Read) = "read_up_to",
    /// A call, or another medium, is offered to a person: it rings (B4, E3).
    CallOffered(Offer) = "call_offered",
    /// Somebody answered (B7).
    CallAnswered(Answered) = "call_answered",
    /// The whole call is over (B7, E3).
    CallEnded(Ended) = "call_ended",
    /// The offer to one person was taken back (B7: `member.removed`; E3: IDLE).
    CallWithdrawn(Withdrawn) = "call_withdrawn",
    /// A person declined (B7, E3).
    CallDeclined(Declined) = "call_declined",
    /// The platform stopped ringing somebody, or all (B7, E3).
    CallTimedOut(TimedOut) = "call_timed_out",
    /// Somebody takes part.
    Joined(Joined) = "joined",
    /// Somebody takes part no longer.
    Left(Left) = "left",
    /// The conversation was forwarded to an agent or a queue (E4).
    Forwarded(HandedOver) = "forwarded",
    /// An agent was invited (E4).
    Invited(HandedOver) = "invited",
    /// The conversation goes to a deputy (E4).
    Delegated(HandedOver) = "delegated",
    /// A device shows the conversation, for a while (A2).
    Viewing(Viewing) = "viewing",
    /// A callback was booked (D).
    CallbackCreated(CallbackCreated) = "callback_created",
    /// The estimated wait of this conversation's callback changed (D1).
    EstimatedWait(Wait) = "estimated_wait",
    /// Business closes before the callback was made (D1).
    BusinessClosing = "business_closing",
    /// The callback is at the front of the queue (D2).
    CallbackReady = "callback_ready",
    /// The customer accepted to call in (D2).
    CallbackAccepted(Accepted) = "callback_accepted",
    /// An attempt to call back was made (D4).
    CallbackAttempted(Attempted) = "callback_attempted",
    /// The callback was dropped by the platform (D3).
    CallbackPurged = "callback_purged",
    /// The callback was moved to another time (D3).
    CallbackRescheduled = "callback_rescheduled",
    /// The customer cancelled the callback (D3).
    CallbackCancelled = "callback_cancelled",
    /// The callback was made.
    CallbackCompleted = "callback_completed",
    /// The conversation was opened or closed.
    StateChanged(StateChanged) = "state_changed",
    /// A guest's session ended (A1): they are told nothing more.
    GuestSessionEnded(Left) = "guest_session_ended",
}

/// Something that happened to a person, in all their conversations of this shard. Give it as
/// [`Input::Person`](crate::input::Input::Person), to every shard that may have one of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(
    clippy::exhaustive_structs,
    reason = "plain data that users make and take apart; another field is another version of the log"
)]
pub struct PersonEvent {
    /// The person to whom it happened.
    pub person: PersonId,
    /// When, by the source's clock.
    pub at: UnixTime,
    /// What changed about them.
    pub what: PersonChange,
}

/// What changed about a person: the body of a [`PersonEvent`]. Give it when an agent's presence changes, or when
/// somebody logs out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum PersonChange {
    /// They are available, or not any more (B8).
    Presence(Presence),
    /// Logged out, on one device or, with `None`, on all: what rings there is cancelled (B3).
    LoggedOut(Option<DeviceId>),
}

/// Something that happened to a queue, for all callbacks of this shard that wait in it. Give it as
/// [`Input::Queue`](crate::input::Input::Queue), to every shard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(
    clippy::exhaustive_structs,
    reason = "plain data that users make and take apart; another field is another version of the log"
)]
pub struct QueueEvent {
    /// The queue that is meant.
    pub queue: QueueId,
    /// When, by the source's clock.
    pub at: UnixTime,
    /// What changed about it.
    pub what: QueueChange,
}

/// What changed about a queue: the body of a [`QueueEvent`]. Give it when the estimated wait changes, or when business
/// closes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum QueueChange {
    /// The estimated wait (D1).
    EstimatedWait(Wait),
    /// Business closes (D1).
    Closing,
}
