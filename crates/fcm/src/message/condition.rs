//! Conditions over topics: `'stock' in topics && ('gold' in topics || !('silver' in topics))`.

use super::Topic;
use super::text::Text;
use crate::MessageError;
use crate::json::read_through_parse;

/// A checked condition: `!`, `&&`, `||`, parentheses, and at most five topics.
///
/// ```
/// use reveille_fcm::Condition;
/// let condition = Condition::parse("'gold' in topics && !('silver' in topics)")?;
/// assert_eq!(condition.topics(), 2);
/// assert_eq!(
///     Condition::parse("'gold' in topic").unwrap_err().to_string(),
///     "condition is malformed at byte 10: expected `topics`",
/// );
/// # Ok::<(), reveille_fcm::MessageError>(())
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

    /// Checks it.
    ///
    /// # Errors
    /// [`MessageError`]; for a wrong grammar with the place.
    pub fn parse(text: impl Into<Text>) -> Result<Self, MessageError> {
        let text = text.into();
        if text.len() > Self::MAX_LEN {
            return Err(MessageError::TooLong {
                what: "condition",
                length: text.len(),
                limit: Self::MAX_LEN,
            });
        }
        let topics = Scanner { text: &text, at: 0 }.expression()?;
        if topics > Self::MAX_TOPICS {
            return Err(MessageError::TooMany { what: "condition", limit: Self::MAX_TOPICS });
        }
        Ok(Self { text, topics })
    }

    /// The text.
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

read_through_parse!(Condition);

struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl Scanner<'_> {
    /// `operand ((&& | ||) operand)*`, where an operand may be negated or in parentheses. A loop instead of a
    /// recursion: the depth is the caller's input. Gives the number of topics.
    fn expression(mut self) -> Result<usize, MessageError> {
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

    fn topic(&mut self) -> Result<(), MessageError> {
        if !self.eat("'") {
            return Err(self.error("expected a topic in single quotes"));
        }
        let Some((name, _)) = self.rest().split_once('\'') else {
            return Err(self.error("quote is not closed"));
        };
        if Topic::parse(name.to_owned()).is_err() {
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

    const fn error(&self, problem: &'static str) -> MessageError {
        MessageError::Condition { at: self.at, problem }
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
            assert_eq!(Condition::parse(text).map(|c| c.topics()), Ok(topics), "{text}");
        }
    }

    #[test]
    fn malformed() {
        let error = |text: &'static str| Condition::parse(text).unwrap_err().to_string();
        insta::assert_snapshot!(error(""), @"condition is malformed at byte 0: expected a topic in single quotes");
        insta::assert_snapshot!(error("('a' in topics"), @"condition is malformed at byte 14: expected `)`");
        insta::assert_snapshot!(error("'a' in topics)"), @"condition is malformed at byte 13: expected `&&`, `||` or the end");
        insta::assert_snapshot!(error("'a' in topics &&"), @"condition is malformed at byte 16: expected a topic in single quotes");
        insta::assert_snapshot!(error("'a b' in topics"), @"condition is malformed at byte 1: not a topic name");
        insta::assert_snapshot!(error("'a"), @"condition is malformed at byte 1: quote is not closed");
        insta::assert_snapshot!(error("'a' of topics"), @"condition is malformed at byte 4: expected `in`");
        let six = ["'a' in topics"; 6].join(" || ");
        insta::assert_snapshot!(Condition::parse(six).unwrap_err(), @"condition has more than 5 entries");
    }

    proptest! {
        #[test]
        fn parse_is_total(text in "[()!&|' a]{0,12}( in topics)?.{0,8}") {
            let _ = Condition::parse(text);
        }
    }
}
