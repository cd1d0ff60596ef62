//! Topic.

use std::fmt;
use std::str::FromStr;

use http::HeaderValue;
use reveille_crypto::{HmacKey, base64url};
use thiserror::Error;

/// The name under which a waiting message is replaced by a newer one (RFC 8030 §5.4): 1 to 32 characters of the
/// base64url alphabet. Give one to messages of which only the last matters, such as a count of unread messages.
///
/// The push service can read it and link messages by it; [`Topic::derived`] hides the meaning.
///
/// ```
/// use reveille_webpush::Topic;
///
/// let topic: Topic = "unread-42".parse()?;
/// assert_eq!(topic.as_str(), "unread-42");
/// assert!(Topic::new("unread 42").is_err());
/// # Ok::<(), reveille_webpush::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Topic {
    text: Box<str>,
    value: HeaderValue,
}

/// Why text is not a topic; the error of [`Topic::new`]. [`Topic::derived`] makes a topic of any text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidTopic {
    /// Nothing, or more than 32 characters.
    #[error("topic must be 1 to {} characters, got {length}", Topic::MAX_LEN)]
    Length {
        /// How many characters were given.
        length: usize,
    },
    /// A character outside `A–Z a–z 0–9 - _`.
    #[error("topic may only contain A-Z, a-z, 0-9, '-' and '_'")]
    Character,
}

impl Topic {
    /// The longest topic, in characters.
    pub const MAX_LEN: usize = 32;

    /// Checks and takes a topic.
    ///
    /// # Errors
    /// [`InvalidTopic`].
    pub fn new(topic: &str) -> Result<Self, InvalidTopic> {
        let length = topic.chars().count();
        if length == 0 || length > Self::MAX_LEN {
            return Err(InvalidTopic::Length { length });
        }
        if !topic.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')) {
            return Err(InvalidTopic::Character);
        }
        let value = HeaderValue::from_str(topic).map_err(|_| InvalidTopic::Character)?;
        Ok(Self { text: topic.into(), value })
    }

    /// The topic of any name, such as a conversation id: 32 characters of a keyed hash. The same key and name always
    /// give the same topic, and without the key the name cannot be guessed.
    ///
    /// # Errors
    /// [`InvalidTopic`], which a hash in base64url never is.
    pub fn derived(key: &dyn HmacKey, name: &[u8]) -> Result<Self, InvalidTopic> {
        let [topic @ .., _, _, _, _, _, _, _, _] = key.sign(&[b"reveille web push topic\0", name]);
        Self::new(&base64url::encode(&topic))
    }

    /// Returns the topic's text, as the header carries it.
    #[must_use]
    pub const fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) const fn value(&self) -> &HeaderValue {
        &self.value
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

text_serde!(Topic);

impl fmt::Debug for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Topic({self})")
    }
}

impl FromStr for Topic {
    type Err = InvalidTopic;
    fn from_str(topic: &str) -> Result<Self, InvalidTopic> {
        Self::new(topic)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reveille_crypto_ring::PROVIDER;

    #[test]
    fn limits() {
        assert_eq!(Topic::new(&"a".repeat(32)).unwrap().as_str().len(), 32);
        insta::assert_snapshot!(Topic::new(&"a".repeat(33)).unwrap_err(), @"topic must be 1 to 32 characters, got 33");
        insta::assert_snapshot!(Topic::new("").unwrap_err(), @"topic must be 1 to 32 characters, got 0");
        insta::assert_snapshot!(Topic::new("a b").unwrap_err(), @"topic may only contain A-Z, a-z, 0-9, '-' and '_'");
        for bad in ["a=", "ä", "a+b", "a/b", "\n"] {
            assert_eq!(Topic::new(bad), Err(InvalidTopic::Character), "{bad:?}");
        }
    }

    #[test]
    fn derived_topics_are_stable_legal_and_keyed() {
        let key = |secret: &[u8]| PROVIDER.hmac_sha256.key(secret);
        let topic = Topic::derived(&*key(b"k"), b"conversation 7").unwrap();
        assert_eq!(Ok(&topic), Topic::derived(&*key(b"k"), b"conversation 7").as_ref());
        assert_eq!(Topic::new(topic.as_str()), Ok(topic.clone()));
        assert_eq!(topic.as_str().len(), Topic::MAX_LEN);
        assert_ne!(topic, Topic::derived(&*key(b"other"), b"conversation 7").unwrap());
        assert_ne!(topic, Topic::derived(&*key(b"k"), b"conversation 8").unwrap());
    }
}
