//! What comes out.

use std::fmt;

use crate::summary::Summary;
use crate::{CollapseId, EventId, Fate, Host, Item};

/// A number that rises with every notification and clear of an engine. Send it along: the receiver drops what is not
/// newer than what it shows. And give it back to the engine with the answer, for example in
/// [`Engine::handle_response`](crate::Engine::handle_response).
///
/// It begins at the time of the engine's first input in milliseconds, so it also rises after all state was lost, and it
/// stays below 2⁵³, so JSON can hold it. Where the clock shows nonsense then (before 2004, or beyond 2⁵² ms), it goes on from
/// the next time that can be a date.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(u64);

impl Generation {
    /// Makes a generation from its number, for example when an answer comes back from a queue.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// Gives the number, for example to send it to the receiver.
    #[must_use]
    pub const fn to_bits(self) -> u64 {
        self.0
    }
}

/// Prints the number.
impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What the caller has to do, or to know; returned by [`Engine::poll_output`](crate::Engine::poll_output). After every
/// input, poll until there is no further output, and match each of them.
#[allow(
    clippy::exhaustive_enums,
    reason = "users match all of it; another variant is another behaviour version"
)]
pub enum Output<H: Host> {
    /// Send this notification.
    Notify(Notify<H>),
    /// Take back, or correct, what was sent under a collapse id: an invisible push.
    Clear(Clear<H>),
    /// The number of unread events changed without a notification that would say so.
    Unread {
        /// Whose.
        key: H::Key,
        /// How many events of this key are pending, in flight or delivered, and not read.
        count: u32,
    },
    /// Events ended without a notification.
    Dropped {
        /// Whose.
        key: H::Key,
        /// Why.
        fate: Fate,
        /// How many.
        count: u32,
        /// Which, as far as they are kept.
        ids: Vec<EventId>,
    },
}

/// One notification to send, about one or more events of a key. Write its text from `summary` and `samples` and send it
/// under its collapse id; if the policy has an `ack_timeout`, tell the engine how that ended, with
/// [`Engine::handle_response`](crate::Engine::handle_response) or
/// [`Engine::handle_failure`](crate::Engine::handle_failure).
#[allow(
    clippy::exhaustive_structs,
    reason = "plain data that users make and take apart; another field is another version of the log"
)]
pub struct Notify<H: Host> {
    /// Whose.
    pub key: H::Key,
    /// The receiver ignores what is older than what it shows.
    pub generation: Generation,
    /// What it replaces.
    pub collapse_id: CollapseId,
    /// Whether an urgent event overtook, or it is the ordinary digest.
    pub lane: Lane,
    /// For a reminder: its number, from 1. Its events were notified before.
    pub reminder: Option<u8>,
    /// The highest class among the events.
    pub class: u8,
    /// Counts, actors, times.
    pub summary: Summary,
    /// Some of the events, as [`Keep`](crate::options::Keep) says.
    pub samples: Vec<Item<H::Payload>>,
    /// Those of the events that are kept, by id, oldest first. The newest is [`Fate::Notified`], the others are
    /// [`Fate::Merged`].
    pub ids: Vec<EventId>,
    /// The caller's own fold.
    pub fold: H::Fold,
}

/// A correction of what was sent under a collapse id, because events of it were read or cancelled. Send it to the
/// device as an invisible push: the device removes the notification if [`remaining`](Self::remaining) is 0, and
/// otherwise shows that fewer events are left.
#[allow(
    clippy::exhaustive_structs,
    reason = "plain data that users make and take apart; another field is another version of the log"
)]
pub struct Clear<H: Host> {
    /// Whose.
    pub key: H::Key,
    /// Newer than what it takes back.
    pub generation: Generation,
    /// What it replaces.
    pub collapse_id: CollapseId,
    /// Which of the key's two collapse ids that is.
    pub lane: Lane,
    /// Why.
    pub cause: Cause,
    /// Which events it takes back, and of what kind each was: a missed call wants another text than a message. Empty where
    /// they were only counted, or nothing is remembered of them. What an earlier read took back without a clear is not named
    /// again.
    pub events: Vec<(EventId, u16)>,
    /// How many of the events sent under this collapse id still stand; 0 takes the notification away.
    pub remaining: u32,
}

/// Which of a key's two notifications it is: the ordinary digest, or that of urgent events which overtook it. Each has
/// a collapse id of its own, so that one does not replace the other; use it to choose, for example, another sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(
    clippy::exhaustive_enums,
    reason = "users match all of it; another variant is another behaviour version"
)]
pub enum Lane {
    /// What the windows give.
    Digest,
    /// Urgent events that overtook.
    Urgent,
}

/// Why a [`Clear`] takes something back: its events were read, or they were cancelled. Use it to choose what the
/// receiver shows instead: nothing after a read, perhaps "missed call" after a cancel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(
    clippy::exhaustive_enums,
    reason = "users match all of it; another variant is another behaviour version"
)]
pub enum Cause {
    /// All of it was read.
    Read,
    /// Some or all of it was cancelled.
    Cancelled,
}

impl<H: Host> Output<H> {
    /// Gives the key that this output is about: recipient and conversation.
    #[must_use]
    pub const fn key(&self) -> &H::Key {
        match self {
            Self::Notify(notify) => &notify.key,
            Self::Clear(clear) => &clear.key,
            Self::Unread { key, .. } | Self::Dropped { key, .. } => key,
        }
    }
}

impl<H: Host> fmt::Debug for Output<H> {
    /// Neither keys nor payloads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Notify(notify) => notify.fmt(f),
            Self::Clear(clear) => clear.fmt(f),
            Self::Unread { count, .. } => {
                f.debug_struct("Unread").field("count", count).finish_non_exhaustive()
            }
            Self::Dropped { fate, count, .. } => {
                f.debug_struct("Dropped").field("fate", fate).field("count", count).finish_non_exhaustive()
            }
        }
    }
}

impl<H: Host> fmt::Debug for Notify<H> {
    /// Neither key nor payloads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notify")
            .field("generation", &self.generation)
            .field("collapse_id", &self.collapse_id)
            .field("lane", &self.lane)
            .field("reminder", &self.reminder)
            .field("summary", &self.summary)
            .finish_non_exhaustive()
    }
}

impl<H: Host> fmt::Debug for Clear<H> {
    /// Not the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clear")
            .field("generation", &self.generation)
            .field("collapse_id", &self.collapse_id)
            .field("cause", &self.cause)
            .field("remaining", &self.remaining)
            .finish_non_exhaustive()
    }
}
