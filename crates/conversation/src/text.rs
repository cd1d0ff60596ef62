//! Names and snippets that people wrote.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The longest text, in bytes. A notification shows far less, and what is cut to a payload's size is cut later, on the
/// boundaries of graphemes.
pub const MAX_TEXT: usize = 512;

/// A name or the start of a message, for use in a notification: at most 512 bytes; what is longer is cut between two
/// characters. `Debug` shows its length only, because what people write to each other does not belong in logs.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(Arc<str>);

impl Text {
    /// The start of a text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let end = text.floor_char_boundary(MAX_TEXT);
        Self(Arc::from(text.get(..end).unwrap_or_default()))
    }

    /// The text as it is shown; keep it out of logs.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Text({} bytes)", self.0.len())
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Text;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Text, E> {
                Ok(Text::new(text))
            }
        }
        from.deserialize_str(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cut_at_a_character_and_silent_in_logs() {
        let text = Text::new(&"é".repeat(300));
        assert_eq!(text.as_str().len(), 512);
        assert_eq!(Text::new(&format!("x{}", "é".repeat(300))).as_str().len(), 511);
        assert_eq!(format!("{text:?}"), "Text(512 bytes)");
    }
}
