//! Conditions over topics: `'stock' in topics && ('gold' in topics || !('silver' in topics))`.

use std::fmt;

use thiserror::Error;

use super::Topic;
use crate::message::Text;
use crate::schema::text_value;

/// Why a text is no condition; the error of [`Condition::new`]. The text says what is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidCondition {
    /// More bytes than any condition needs.
    #[error("condition has {length} bytes, the limit is {limit}")]
    TooLong {
        /// How many bytes were given.
        length: usize,
        /// How many bytes are allowed.
        limit: usize,
    },
    /// More topics than FCM takes.
    #[error("condition names {topics} topics, the limit is {limit}")]
    TooManyTopics {
        /// How many topics it names.
        topics: usize,
        /// How many topics are allowed.
        limit: usize,
    },
    /// It does not follow the grammar.
    #[error("condition at byte {at}: {problem}")]
    Grammar {
        /// Where it is wrong, in bytes from the start.
        at: usize,
        /// What is wrong.
        problem: &'static str,
    },
}

/// A checked condition over topics: `!`, `&&`, `||`, parentheses, and at most five topics. Use it as a
/// [`Target`](crate::Target) to reach devices by what they subscribe.
///
/// ```
/// use reveille_fcm::target::Condition;
/// let condition = Condition::new("'gold' in topics && !('silver' in topics)")?;
/// assert_eq!(condition.topics(), 2);
/// assert_eq!(
///     Condition::new("'gold' in topic").unwrap_err().to_string(),
///     "condition at byte 10: expected `topics`",
/// );
/// # Ok::<(), reveille_fcm::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Condition {
    text: Text,
    topics: usize,
}

impl Condition {
    /// Topics that one condition may name.
    pub const MAX_TOPICS: usize = 5;
    /// The longest accepted, in bytes: five topics of full length and what is between them.
    pub const MAX_LEN: usize = 5_000;

    /// Checks the text and keeps it.
    ///
    /// # Errors
    /// [`InvalidCondition`]; for a wrong grammar with the place.
    pub fn new(text: impl Into<Text>) -> Result<Self, InvalidCondition> {
        let text = text.into();
        if text.len() > Self::MAX_LEN {
            return Err(InvalidCondition::TooLong { length: text.len(), limit: Self::MAX_LEN });
        }
        let topics = Scanner { text: &text, at: 0 }.expression()?;
        if topics > Self::MAX_TOPICS {
            return Err(InvalidCondition::TooManyTopics { topics, limit: Self::MAX_TOPICS });
        }
        Ok(Self { text, topics })
    }

    /// Returns the condition's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// How many topics it names.
    #[must_use]
    pub const fn topics(&self) -> usize {
        self.topics
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

text_value! { Condition, InvalidCondition, as_str; }

struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl Scanner<'_> {
    /// `operand ((&& | ||) operand)*`, where an operand may be negated or in parentheses. A loop instead of a
    /// recursion: the depth is the caller's input. Gives the number of topics.
    fn expression(mut self) -> Result<usize, InvalidCondition> {
        let (mut open, mut topics) = (0_usize, 0);
        loop {
            while self.eat("!") {}
            if self.eat("(") {
                open += 1;
                continue;
            }
            self.topic()?;
            topics += 1;
            while open > 0 && self.eat(")") {
                open -= 1;
            }
            if self.eat("&&") || self.eat("||") {
                continue;
            }
            return match (self.rest().is_empty(), open) {
                (true, 0) => Ok(topics),
                (true, _) => Err(self.error("expected `)`")),
                (false, _) => Err(self.error("expected `&&`, `||` or the end")),
            };
        }
    }

    fn topic(&mut self) -> Result<(), InvalidCondition> {
        if !self.eat("'") {
            return Err(self.error("expected a topic in single quotes"));
        }
        let Some((name, _)) = self.rest().split_once('\'') else {
            return Err(self.error("quote is not closed"));
        };
        if Topic::new(name.to_owned()).is_err() {
            return Err(self.error("not a topic name"));
        }
        self.at += name.len() + 1;
        if !self.eat("in") {
            return Err(self.error("expected `in`"));
        }
        if !self.eat("topics") {
            return Err(self.error("expected `topics`"));
        }
        Ok(())
    }

    /// Skips blanks, and `token` if it is next.
    fn eat(&mut self, token: &str) -> bool {
        let rest = self.rest();
        let trimmed = rest.trim_start_matches(' ');
        let (blanks, found) = (rest.len() - trimmed.len(), trimmed.starts_with(token));
        self.at += blanks + if found { token.len() } else { 0 };
        found
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    const fn error(&self, problem: &'static str) -> InvalidCondition {
        InvalidCondition::Grammar { at: self.at, problem }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn well_formed() {
        for (text, topics) in [
            ("'a' in topics", 1),
            ("!('a' in topics)", 1),
            ("'a' in topics&&'b' in topics", 2),
            ("('TopicA' in topics && 'TopicB' in topics) || ('TopicC' in topics && 'TopicD' in topics)", 4),
            ("(((( 'a'in topics ))))", 1),
        ] {
            assert_eq!(Condition::new(text).map(|c| c.topics()), Ok(topics), "{text}");
        }
    }

    #[test]
    fn malformed() {
        let error = |text: &'static str| Condition::new(text).unwrap_err().to_string();
        insta::assert_snapshot!(error(""), @"condition at byte 0: expected a topic in single quotes");
        insta::assert_snapshot!(error("('a' in topics"), @"condition at byte 14: expected `)`");
        insta::assert_snapshot!(error("'a' in topics)"), @"condition at byte 13: expected `&&`, `||` or the end");
        insta::assert_snapshot!(error("'a' in topics &&"), @"condition at byte 16: expected a topic in single quotes");
        insta::assert_snapshot!(error("'a b' in topics"), @"condition at byte 1: not a topic name");
        insta::assert_snapshot!(error("'a"), @"condition at byte 1: quote is not closed");
        insta::assert_snapshot!(error("'a' of topics"), @"condition at byte 4: expected `in`");
        let six = ["'a' in topics"; 6].join(" || ");
        insta::assert_snapshot!(Condition::new(six).unwrap_err(), @"condition names 6 topics, the limit is 5");
    }

    proptest! {
        #[test]
        fn parse_is_total(text in "[()!&|' a]{0,12}( in topics)?.{0,8}") {
            let _ = Condition::new(text);
        }
    }
}
