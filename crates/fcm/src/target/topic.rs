//! Topics.

use std::fmt;

use reveille_payload::{InvalidText, check_text};

use crate::message::Text;
use crate::message::text::{UNRESERVED, is_unreserved};
use crate::schema::text_value;

/// A topic's name without the `/topics/` of the old API: `[a-zA-Z0-9-_.~%]{1,900}`. Use it as a
/// [`Target`](crate::Target), in a [`Condition`](crate::target::Condition), and to subscribe devices.
///
/// ```
/// use reveille_fcm::Topic;
/// let topic: Topic = "weather".parse()?;
/// assert_eq!(topic.as_str(), "weather");
/// assert!(Topic::new("/topics/weather").is_err());
/// # Ok::<(), reveille_fcm::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Topic(Text);

impl Topic {
    /// The longest, in bytes.
    pub const MAX_LEN: usize = 900;

    /// Checks the name and keeps it; `/topics/` before it is an error.
    ///
    /// # Errors
    /// [`InvalidText`]: empty, longer than [`MAX_LEN`](Self::MAX_LEN), or with another character.
    pub fn new(text: impl Into<Text>) -> Result<Self, InvalidText> {
        let text = text.into();
        check_text("topic", &text, Self::MAX_LEN, UNRESERVED, is_unreserved)?;
        Ok(Self(text))
    }

    /// Returns the topic's name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

text_value! { Topic, InvalidText, as_str; }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_follow_the_pattern_of_the_schema() {
        for text in ["weather", "a-b_c.d~e%20", "0"] {
            let topic = Topic::new(text).unwrap();
            assert_eq!((topic.as_str(), topic.to_string().as_str()), (text, text));
        }
        for text in ["", "/topics/weather", "a b", "ä", "'", &"x".repeat(901)] {
            assert!(Topic::new(text.to_owned()).is_err(), "{text:?}");
        }
    }
}
