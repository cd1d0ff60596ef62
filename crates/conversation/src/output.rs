//! What follows from an event: never nothing.

use reveille_core::UnixTime;
use serde::{Deserialize, Serialize};

use crate::event::{Presence, Role};
use crate::id::{ConversationId, DeviceId, MessageId, PersonId, QueueId};
use crate::rules::{CancelForm, Channels};
use crate::text::Text;
use crate::words::words;
use crate::{Cause, Kind, Media, Reason, Slot, Urgency};

/// One consequence of an [`Input`](crate::input::Input): a notification, a withdrawal, a question, or a line for logs.
/// Take all of them from the machine after each input, and act on each one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Output {
    /// Tell somebody something.
    Intent(Box<Intent>),
    /// Take something back.
    Withdraw(Box<Withdraw>),
    /// Nobody is told, and why (X2).
    Suppressed(Suppressed),
    /// Find out a name or a snippet, and hand it in as [`Answer`](crate::lookup::Answer).
    Lookup(Lookup),
    /// Nothing to do; for logs, audits and counters.
    Note(Note),
}

/// One notification for one person: a digest may collect it, and a writer makes a push of it for each of their devices
/// (E10). Send it to the given channels only, and not after the given time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(
    clippy::exhaustive_structs,
    reason = "plain data that users make and take apart; another field is another version of the log"
)]
pub struct Intent {
    /// The conversation that it is about.
    pub conversation: ConversationId,
    /// The person whose devices get it.
    pub recipient: PersonId,
    /// What they are in the conversation.
    pub role: Role,
    /// What it says; texts and channels follow from it.
    pub kind: Kind,
    /// What is offered, for offers.
    pub media: Option<Media>,
    /// How soon it has to arrive: a pacer lets the urgent go first (C8).
    pub urgency: Urgency,
    /// What it replaces and is replaced by: the same for ring and cancel.
    pub collapse: CollapseKey,
    /// Grows within a slot: a device that saw a greater one drops this (X3).
    pub generation: Generation,
    /// Which ring (B6).
    pub episode: Option<Episode>,
    /// Not to be shown from then on (B5).
    pub not_after: UnixTime,
    /// Where it may go.
    pub channels: Channels,
    /// Devices that must not get it: they show the conversation (A2).
    pub except: Vec<DeviceId>,
    /// What its text is made of.
    pub arguments: Arguments,
}

/// What a text is made of, as far as it is known. See [`content`](crate::content).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(
    clippy::exhaustive_structs,
    reason = "plain data that users make and take apart; another field is another version of the log"
)]
pub struct Arguments {
    /// Who wrote, who calls, who handed over.
    pub from: Option<Text>,
    /// The name of the queue from which a call comes.
    pub queue: Option<Text>,
    /// The start of a message.
    pub snippet: Option<Text>,
    /// The number to call.
    pub number: Option<Text>,
    /// Messages of this conversation that the recipient has not read.
    pub unread: u32,
    /// Minutes to wait, rounded up.
    pub minutes: Option<u32>,
    /// Which attempt, of how many.
    pub attempt: Option<(u32, u32)>,
}

/// Take something back: a ring, or what is shown of messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(
    clippy::exhaustive_structs,
    reason = "plain data that users make and take apart; another field is another version of the log"
)]
pub struct Withdraw {
    /// The conversation that it is about.
    pub conversation: ConversationId,
    /// The person whose devices were told.
    pub recipient: PersonId,
    /// What it takes back.
    pub of: Kind,
    /// Invalidate or cancel.
    pub how: Takes,
    /// Why it is taken back; an app may show it.
    pub cause: Cause,
    /// The same as that of what it takes back.
    pub collapse: CollapseKey,
    /// Greater than that of what it takes back.
    pub generation: Generation,
    /// The ring that stops; none for messages.
    pub episode: Option<Episode>,
    /// Who answered, for the app's text. The answering device ignores the cancel (B7).
    pub answered_by: Option<PersonId>,
    /// The device that answered or declined: it needs no cancel.
    pub except: Option<DeviceId>,
    /// Only this device, on a log-out.
    pub only: Option<DeviceId>,
    /// Where it goes.
    pub channels: Channels,
    /// Its form on each platform.
    pub forms: Forms,
    /// Not to be shown from then on.
    pub not_after: UnixTime,
}

words! {
    /// How a [`Withdraw`] takes something back: silently, or as the cancel of a ring. Match on it when you write the
    /// push for a device.
    Takes {
        /// Silently: what is shown disappears (E2).
        Invalidate = "invalidate",
        /// As a cancel: the ring stops (B7).
        Cancel = "cancel",
    }
}

/// The form that a cancel has on each of the three push services (B7), as the
/// [`CancelRules`](crate::rules::CancelRules) say. Read it when you write a [`Withdraw`] for a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(
    clippy::exhaustive_structs,
    reason = "plain data that users make and take apart; another field is another version of the log"
)]
pub struct Forms {
    /// The form for devices of Apple.
    pub apns: CancelForm,
    /// The form for devices behind FCM.
    pub fcm: CancelForm,
    /// On Web Push.
    pub web_push: CancelForm,
}

/// The report that an input leads to no push for somebody, with the [`Reason`] (X2). Nothing has to be done; count it
/// or log it, so that you can answer why a push did not come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(
    clippy::exhaustive_structs,
    reason = "plain data that users make and take apart; another field is another version of the log"
)]
pub struct Suppressed {
    /// Where, if it is about one conversation.
    pub conversation: Option<ConversationId>,
    /// Who is not told, if it is about one person.
    pub recipient: Option<PersonId>,
    /// What is not told, if it is known.
    pub kind: Option<Kind>,
    /// Why nobody is told, as a code for counters.
    pub reason: Reason,
}

/// A question for a name or a text that an event does not hold. Ask the directory, the cache or the platform's API that
/// knows it, and give the result as [`Answer`](crate::input::Answer); at the deadline, what waits leaves without it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(
    clippy::exhaustive_structs,
    reason = "plain data that users make and take apart; another field is another version of the log"
)]
pub struct Lookup {
    /// What is wanted.
    pub of: LookupKey,
    /// An answer that comes later is kept for the next time, but nothing waits for it (A2).
    pub deadline: UnixTime,
}

/// What a [`Lookup`] asks for: the name of a queue or of a person, or the start of a message. Give the same key back in
/// the [`Answer`](crate::input::Answer).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum LookupKey {
    /// A queue's name.
    Queue(QueueId),
    /// A person's name.
    Person(PersonId),
    /// The start of a message. Not kept.
    Snippet(ConversationId, MessageId),
}

/// A line for logs, audits and counters: an input that leads to no push, or more about one that does. Nothing has to be
/// done for it, but keep those for the audit if you need one (B8).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(
    clippy::exhaustive_structs,
    reason = "plain data that users make and take apart; another field is another version of the log"
)]
pub struct Note {
    /// Where, if it is about one conversation.
    pub conversation: Option<ConversationId>,
    /// Whom it is about.
    pub person: Option<PersonId>,
    /// What is noted.
    pub what: Noted,
}

/// What a [`Note`] says. Match on it to count what happened, and to write an audit of the decisions about presence
/// (B8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Noted {
    /// A fact was taken in.
    Taken,
    /// The outcome waits, until then at the latest.
    Held {
        /// What it will be, if it is known.
        kind: Option<Kind>,
        /// It leaves or is dropped at this time at the latest.
        until: UnixTime,
    },
    /// For the audit (B8): presence spoke against it, the assignment for it; it rings.
    PresenceOverridden {
        /// What presence said.
        presence: Presence,
    },
    /// For the audit (B8): presence spoke against it; it does not ring.
    PresenceObeyed {
        /// What presence said.
        presence: Presence,
    },
    /// A look-up was answered, and so many notifications were waiting for it.
    Answered {
        /// How many notifications left with it.
        waiting: u32,
    },
    /// The rules changed.
    RulesChanged,
}

/// The key by which a device replaces one notification with another: give it to the push service as collapse key. It is
/// a keyed hash of recipient, conversation and slot, so nobody learns from it who talks to whom.
///
/// Its text form has 22 characters of base64url, so that it fits Web Push `Topic`, APNs and FCM alike.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CollapseKey(u128);

impl CollapseKey {
    /// Makes one again from [`to_bits`](Self::to_bits).
    #[must_use]
    pub const fn from_bits(bits: u128) -> Self {
        Self(bits)
    }

    /// The number in it, for a store.
    #[must_use]
    pub const fn to_bits(self) -> u128 {
        self.0
    }
}

impl std::fmt::Display for CollapseKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        use std::fmt::Write as _;
        // 22 groups of six bits, from the top: 132 bits, of which the last four are zero.
        for group in 0..22_u32 {
            let six = if group == 21 { (self.0 << 4) & 63 } else { (self.0 >> (122 - 6 * group)) & 63 };
            f.write_char(ALPHABET.get(six as usize).map_or('A', |letter| char::from(*letter)))?;
        }
        Ok(())
    }
}

impl std::fmt::Debug for CollapseKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident($int:ty))*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name($int);

        impl $name {
            /// Makes one again from [`to_bits`](Self::to_bits).
            #[must_use]
            pub const fn from_bits(bits: $int) -> Self {
                Self(bits)
            }

            /// The number in it, for a store.
            #[must_use]
            pub const fn to_bits(self) -> $int {
                self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

numbers! {
    /// Grows with everything that leaves for a conversation: the time in ms, or one more than the last. So it still grows
    /// when the conversation was forgotten in between.
    Generation(u64)
    /// A ring: from the first offer to its cancel. A call that comes back to a person after a cancel has another one (B6).
    Episode(u32)
}

impl Slot {
    pub(crate) const fn domain(self) -> u64 {
        0x5c01 + self as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn collapse_keys_are_base64url() {
        assert_eq!(CollapseKey::from_bits(0).to_string(), "AAAAAAAAAAAAAAAAAAAAAA");
        assert_eq!(CollapseKey::from_bits(u128::MAX).to_string(), "_____________________w");
        // The bytes 00 01 … 0f.
        let bits = u128::from_be_bytes(std::array::from_fn(|at| at as u8));
        assert_eq!(CollapseKey::from_bits(bits).to_string(), "AAECAwQFBgcICQoLDA0ODw");
    }
}
