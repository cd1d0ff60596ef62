//! Names that other systems gave to things: opaque, checked once, cheap to clone.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// The longest id, in bytes. UUIDs have 36, the longest ids of the platforms read here about 80.
pub const MAX_ID: usize = 128;

/// Why a text is not an id: returned by `new` and `from_str` of every id here, such as [`PersonId::new`]. An id has 1
/// to 128 bytes and no control characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidId {
    /// It has no characters.
    #[error("expected an id of 1 to {MAX_ID} bytes, found an empty text")]
    Empty,
    /// It is too long.
    #[error("expected an id of 1 to {MAX_ID} bytes, found {given}")]
    TooLong {
        /// Its length in bytes.
        given: usize,
    },
    /// Ids end up in logs, one line each.
    #[error("expected an id without control characters, found one at byte {at}")]
    Control {
        /// The place of the control character, in bytes from the start.
        at: usize,
    },
}

/// UUIDs fit: such an id lies where it is used. One behind a pointer costs a cache miss for each comparison, and two
/// atomic operations for each copy.
const HERE: usize = 38;

/// The text of an id.
#[derive(Clone)]
enum Name {
    Here(u8, [u8; HERE]),
    There(Arc<str>),
}

impl Name {
    fn checked(text: &str) -> Result<Self, InvalidId> {
        if text.is_empty() {
            return Err(InvalidId::Empty);
        }
        if text.len() > MAX_ID {
            return Err(InvalidId::TooLong { given: text.len() });
        }
        let control = |byte: u8| byte < 0x20 || byte == 0x7f;
        // Hardly ever is there one: all bytes are looked at together.
        if text.bytes().fold(false, |any, byte| any | control(byte)) {
            let at = text.bytes().position(control).unwrap_or_default();
            return Err(InvalidId::Control { at });
        }
        let mut here = [0; HERE];
        match here.get_mut(..text.len()) {
            Some(room) => {
                room.copy_from_slice(text.as_bytes());
                Ok(Self::Here(text.len() as u8, here))
            }
            None => Ok(Self::There(Arc::from(text))),
        }
    }

    fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Here(length, bytes) => bytes.get(..usize::from(*length)).unwrap_or_default(),
            Self::There(text) => text.as_bytes(),
        }
    }

    fn as_str(&self) -> &str {
        match self {
            Self::Here(..) => str::from_utf8(self.as_bytes()).unwrap_or_default(),
            Self::There(text) => text,
        }
    }
}

impl PartialEq for Name {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            // What is behind the text is zero: the length is a constant, and no call is needed.
            (Self::Here(length, bytes), Self::Here(other, others)) => length == other && bytes == others,
            _ => self.as_bytes() == other.as_bytes(),
        }
    }
}

impl Eq for Name {}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Name {
    /// As texts are ordered, whose order is that of their bytes.
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl Hash for Name {
    /// As a text is hashed, without the check that it is one.
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(self.as_bytes());
        state.write_u8(0xff);
    }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Name);

        impl $name {
            /// What stands where no id is: equal to none that can be made.
            #[allow(dead_code, reason = "not every kind of id has such places")]
            pub(crate) const NOBODY: Self = Self(Name::Here(0, [0; HERE]));

            /// From its text: 1 to 128 bytes, no control characters.
            ///
            /// # Errors
            /// [`InvalidId`] says what is wrong.
            pub fn new(text: &str) -> Result<Self, InvalidId> {
                Name::checked(text).map(Self)
            }

            /// The id as it was given.
            #[must_use]
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }

            /// Its bytes, without the check that they are UTF-8.
            #[allow(dead_code, reason = "not every kind of id is hashed")]
            pub(crate) fn as_bytes(&self) -> &[u8] {
                self.0.as_bytes()
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self.as_str(), f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                from.deserialize_str(IdVisitor).map(Self)
            }
        }
    )*};
}

ids! {
    /// The id of a conversation, as its platform gives it. Everything here is kept by it; choose the shard by it, too,
    /// so that one machine gets all events of a conversation.
    ConversationId
    /// The id of a person: an agent's user id, or a guest's session. Use the same id as the owner of devices in your
    /// registry, so that a notification finds its devices.
    PersonId
    /// The id of one device of a person. Give it in events that happen on a device, so that this device gets no
    /// needless push, such as the cancel of a call that it answered.
    DeviceId
    /// The id of a queue of a contact centre. Use it in offers, callbacks and [`Thresholds`](crate::rules::Thresholds)
    /// to say which queue is meant.
    QueueId
    /// The id of a message, as its platform gives it. Give it in each [`Message`](crate::event::Message) if you can: it
    /// serves to look up the start of the text, and to notice a message that comes twice where the platform does not
    /// number them.
    MessageId
    /// One offer of a call to one person (the platform's communication, session or leg id). With it, an answer or a cancel
    /// finds its ring even when events change places.
    OfferId
    /// The id of an app, such as a bundle id: list it in the [`KillSwitch`](crate::rules::KillSwitch) to stop the
    /// pushes to this app.
    AppId
    /// The id of an event, as its source gives it. The machine carries it but does not use it: to drop an event that
    /// comes again after hours, compare ids before you hand events in.
    EventId
    /// A list of people that your store holds under a name: the audience of an announcement. Nothing here keeps it.
    AudienceId
}

struct IdVisitor;

impl serde::de::Visitor<'_> for IdVisitor {
    type Value = Name;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an id of 1 to {MAX_ID} bytes without control characters")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Name, E> {
        Name::checked(text).map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ids on both sides of the length that lies in place are the same kind of thing.
    #[test]
    fn what_lies_elsewhere_is_no_different() {
        let texts = [
            "",
            "a",
            "é",
            &"b".repeat(37),
            &"b".repeat(38),
            &"b".repeat(39),
            &"é".repeat(19),
            &"c".repeat(128),
        ];
        let ids: Vec<_> = texts.iter().filter_map(|text| PersonId::new(text).ok()).collect();
        assert_eq!(ids.len(), texts.len() - 1);
        for (id, text) in ids.iter().zip(&texts[1..]) {
            assert_eq!((id.as_str(), id.as_bytes()), (*text, text.as_bytes()));
            assert_eq!(format!("{id} {id:?}"), format!("{text} {text:?}"));
            for (other, known) in ids.iter().zip(&texts[1..]) {
                assert_eq!((id == other, id.cmp(other)), (text == known, text.cmp(known)));
            }
        }
    }

    #[test]
    fn an_id_and_its_absence_take_forty_bytes() {
        assert_eq!((size_of::<PersonId>(), size_of::<Option<PersonId>>()), (40, 40));
    }

    #[test]
    fn texts_of_errors() {
        let all = [String::new(), "x".repeat(129), "a\nb".to_owned()]
            .map(|text| PersonId::new(&text).unwrap_err().to_string());
        insta::assert_snapshot!(all.join("\n"), @"
        expected an id of 1 to 128 bytes, found an empty text
        expected an id of 1 to 128 bytes, found 129
        expected an id without control characters, found one at byte 1
        ");
    }
}
