//! What goes in: an event, and the part of it that is kept.

use std::hash::Hash;

use reveille_core::UnixTime;

use crate::{Host, Seed};

/// The caller's name for an event: the engine recognises duplicates by it, and finds the event that is to be cancelled.
/// Use the id that the event has at its source, so that the same event always comes with the same id.
///
/// 128 bits, so a UUID fits as it is. Other names are hashed with the secret [`Seed`]: nobody who does not know the
/// seed can choose two names that collide.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(clippy::exhaustive_structs, reason = "a number under a name")]
pub struct EventId(pub u128);

impl EventId {
    /// Makes an id from 128 bits, for example from those of a UUID.
    #[must_use]
    pub const fn from_bits(bits: u128) -> Self {
        Self(bits)
    }

    /// Gives the 128 bits, for example to store the id.
    #[must_use]
    pub const fn to_bits(self) -> u128 {
        self.0
    }

    /// An id for any hashable name, for example `(conversation, kind)` to suppress a double ring.
    ///
    /// ```
    /// use reveille_digest::{EventId, Seed};
    /// let seed = Seed::new([7; 16]);
    /// assert_eq!(EventId::of(&seed, &("conv-1", "ring")), EventId::of(&seed, &("conv-1", "ring")));
    /// assert_ne!(EventId::of(&seed, &("conv-1", "ring")), EventId::of(&seed, &("conv-2", "ring")));
    /// ```
    #[must_use]
    pub fn of(seed: &Seed, name: &impl Hash) -> Self {
        Self(seed.event_id(name))
    }
}

/// One event that may become a notification, or a part of one. Make one with [`Event::new`] for each message, ring or
/// the like, and give it to [`Engine::handle_event`](crate::Engine::handle_event).
#[allow(
    clippy::exhaustive_structs,
    reason = "plain data that users make and take apart; another field is another version of the log"
)]
pub struct Event<H: Host> {
    /// Whom and what it concerns: recipient and conversation. One key has at most one open window.
    pub key: H::Key,
    /// The caller's name for it.
    pub id: EventId,
    /// Its place in the conversation, rising; 0 if the conversation does not number its events.
    /// A read watermark covers every number up to it, and whatever has none and is there when the read arrives.
    pub seq: u64,
    /// Who caused it; used for counting distinct actors only.
    pub actor: u64,
    /// The caller's kind of event; used for cancelling by kind only.
    pub kind: u16,
    /// How much it matters: the calendar is asked with the highest class that is pending.
    pub class: u8,
    /// Whether it goes out at once ([`Urgent`](crate::options::Urgent) says how).
    pub urgent: bool,
    /// Its rank among the samples under [`Keep::Top`](crate::options::Keep::Top).
    pub rank: u32,
    /// What it would add to the notification, in bytes; counts towards the byte caps.
    pub bytes: u32,
    /// Until when it is of use: an event whose time is over expires when its turn comes to go, or to go again. What was
    /// delivered is delivered. `None`: as long as [`Policy::useful_for`](crate::Policy) says.
    pub useful_until: Option<UnixTime>,
    /// What the caller wants to see again in the notification's samples.
    pub payload: H::Payload,
}

impl<H: Host> Event<H> {
    /// An ordinary event: unnumbered, actor, kind, class, rank and bytes 0, not urgent.
    #[must_use]
    pub fn new(key: H::Key, id: EventId, payload: H::Payload) -> Self {
        Self {
            key,
            id,
            seq: 0,
            actor: 0,
            kind: 0,
            class: 0,
            urgent: false,
            rank: 0,
            bytes: 0,
            useful_until: None,
            payload,
        }
    }

    /// Sets its place in the conversation: a read up to this number, or a higher one, covers it.
    #[must_use]
    pub fn with_seq(mut self, seq: u64) -> Self {
        self.seq = seq;
        self
    }

    /// Sets who caused it: events with the same number count as one actor.
    #[must_use]
    pub fn with_actor(mut self, actor: u64) -> Self {
        self.actor = actor;
        self
    }

    /// Sets the caller's kind of event: all events of a kind can be cancelled together.
    #[must_use]
    pub fn with_kind(mut self, kind: u16) -> Self {
        self.kind = kind;
        self
    }

    /// Sets how much it matters: the calendar is asked with the highest class that waits.
    #[must_use]
    pub fn with_class(mut self, class: u8) -> Self {
        self.class = class;
        self
    }

    /// Makes it urgent: it goes out at once, as [`Urgent`](crate::options::Urgent) says.
    #[must_use]
    pub fn urgent(mut self) -> Self {
        self.urgent = true;
        self
    }

    /// Sets its rank among the samples; only [`Keep::Top`](crate::options::Keep::Top) looks at it.
    #[must_use]
    pub fn with_rank(mut self, rank: u32) -> Self {
        self.rank = rank;
        self
    }

    /// Sets what it would add to the notification, in bytes; this counts towards the byte caps.
    #[must_use]
    pub fn with_bytes(mut self, bytes: u32) -> Self {
        self.bytes = bytes;
        self
    }
}

impl<H: Host> Event<H> {
    /// Sets until when it is of use: after that it expires and is not sent.
    #[must_use]
    pub fn with_useful_until(mut self, until: UnixTime) -> Self {
        self.useful_until = Some(until);
        self
    }

    /// The event as it is kept.
    pub(crate) fn into_item(self, at: u64) -> (H::Key, Item<H::Payload>) {
        let Self { key, id, seq, actor, kind, class, urgent: _, rank, bytes, useful_until, payload } = self;
        let (at, useful_until) = (UnixTime::from_millis(at), useful_until.unwrap_or(UnixTime::MAX));
        (key, Item { id, seq, actor, at, useful_until, kind, class, rank, bytes, payload: Some(payload) })
    }
}

impl<H: Host> Clone for Event<H> {
    fn clone(&self) -> Self {
        Self { key: self.key.clone(), payload: self.payload.clone(), ..*self }
    }
}

impl<H: Host> std::fmt::Debug for Event<H> {
    /// Neither key nor payload: they are the caller's, and may be secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Event")
            .field("id", &self.id)
            .field("seq", &self.seq)
            .field("kind", &self.kind)
            .field("class", &self.class)
            .field("urgent", &self.urgent)
            .finish_non_exhaustive()
    }
}

/// An event without its key, as the engine keeps it. Notifications bring items as their samples, and [`Host::fold`] is
/// given each of them; read them to write the notification's text.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Item<T> {
    /// The caller's name for it.
    pub id: EventId,
    /// Its place in the conversation; 0 for none.
    pub seq: u64,
    /// Who caused it.
    pub actor: u64,
    /// When it came.
    pub at: UnixTime,
    /// Until when it is of use; [`UnixTime::MAX`] for no limit of its own.
    pub useful_until: UnixTime,
    /// The caller's kind.
    pub kind: u16,
    /// How much it matters.
    pub class: u8,
    /// Its rank among the samples.
    pub rank: u32,
    /// What it adds, in bytes.
    pub bytes: u32,
    /// The caller's payload; `None` for what was delivered before and is only remembered.
    pub payload: Option<T>,
}
