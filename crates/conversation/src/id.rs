//! Names that other systems gave to things: opaque, checked once, cheap to clone.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// The longest id, in bytes. UUIDs have 36, the longest ids of the platforms read here about 80.
pub const MAX_ID: usize = 128;

/// Why a text is not an id.
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
        /// Where.
        at: usize,
    },
}

fn checked(text: &str) -> Result<Arc<str>, InvalidId> {
    if text.is_empty() {
        return Err(InvalidId::Empty);
    }
    if text.len() > MAX_ID {
        return Err(InvalidId::TooLong { given: text.len() });
    }
    match text.bytes().position(|byte| byte < 0x20 || byte == 0x7f) {
        Some(at) => Err(InvalidId::Control { at }),
        None => Ok(Arc::from(text)),
    }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// From its text: 1 to 128 bytes, no control characters.
            ///
            /// # Errors
            /// [`InvalidId`] says what is wrong.
            pub fn new(text: &str) -> Result<Self, InvalidId> {
                checked(text).map(Self)
            }

            /// Its text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
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
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(&self.0)
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
    /// A conversation: the key of everything here, and of the shard.
    ConversationId
    /// A person as the registry of devices knows them: an agent's user id, a guest's session.
    PersonId
    /// One device of a person.
    DeviceId
    /// A queue.
    QueueId
    /// A message, as its platform names it.
    MessageId
    /// One offer of a call to one person (the platform's communication, session or leg id). With it, an answer or a cancel
    /// finds its ring even when events change places.
    OfferId
    /// An app, for the kill switch.
    AppId
    /// An event, as its source names it. Idempotency over hours belongs to who admits events; it is carried, not used here.
    EventId
}

struct IdVisitor;

impl serde::de::Visitor<'_> for IdVisitor {
    type Value = Arc<str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an id of 1 to {MAX_ID} bytes without control characters")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Arc<str>, E> {
        checked(text).map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
