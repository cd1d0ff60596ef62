//! One error for all of this crate.

use thiserror::Error;

#[cfg(feature = "render")]
use crate::content::InvalidTexts;
use crate::id::InvalidId;
use crate::reconnect::{InvalidReconnect, TooManyTopics};
use crate::rules::{InvalidRule, RulesError};
use crate::source::SourceError;
use crate::{DecodeError, RestoreError};

/// Everything that this crate can refuse, for functions that want one `?` for all of it; each small error turns into it.
/// The texts are those of the errors inside.
///
/// ```
/// use reveille_conversation::id::PersonId;
/// use reveille_conversation::rules::Rules;
/// use reveille_conversation::{Conversations, Error, Seed};
///
/// fn start(person: &str) -> Result<(Conversations, PersonId), Error> {
///     let machine = Conversations::new(Rules::default(), Seed::new([7; 16]))?;
///     Ok((machine, PersonId::new(person)?))
/// }
/// assert!(start("kate").is_ok());
/// assert!(matches!(start(""), Err(Error::Id(_))));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(transparent)]
#[non_exhaustive]
pub enum Error {
    /// A text is no name.
    Id(#[from] InvalidId),
    /// A rule is out of range.
    Rule(#[from] InvalidRule),
    /// Rules cannot be read.
    Rules(#[from] RulesError),
    /// A source's document cannot be read.
    Source(#[from] SourceError),
    /// Texts cannot be made.
    #[cfg(feature = "render")]
    Texts(#[from] InvalidTexts),
    /// A setting of the connection is out of range.
    Reconnect(#[from] InvalidReconnect),
    /// A client cannot subscribe this much.
    TooManyTopics(#[from] TooManyTopics),
    /// Bytes are not an input.
    Decode(#[from] DecodeError),
    /// Bytes are not a snapshot.
    Restore(#[from] RestoreError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_becomes_the_one_with_its_own_words() {
        let topics = TooManyTopics { given: 3, limit: 2 };
        assert_eq!(Error::from(InvalidId::Empty).to_string(), InvalidId::Empty.to_string());
        assert_eq!(Error::from(topics).to_string(), topics.to_string());
        #[cfg(feature = "render")]
        {
            let texts = InvalidTexts::Language { given: "?".to_owned() };
            assert_eq!(Error::from(texts.clone()).to_string(), texts.to_string());
        }
    }
}
