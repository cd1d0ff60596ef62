//! Why a message could not be built or read.

use thiserror::Error;

/// Why a value or a message is refused. No text carries a token, a payload value or an endpoint; field names and
/// data keys do appear.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MessageError {
    /// A value is empty that must not be.
    #[error("{what} must not be empty")]
    Empty {
        /// Which value.
        what: &'static str,
    },
    /// A value is too long.
    #[error("{what} has {length} bytes, the limit is {limit}")]
    TooLong {
        /// Which value.
        what: &'static str,
        /// Bytes given.
        length: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// A value has a character that it must not have.
    #[error("{what} has a character at byte {at} that is not allowed; allowed: {allowed}")]
    Character {
        /// Which value.
        what: &'static str,
        /// Where the first such character starts.
        at: usize,
        /// What is allowed.
        allowed: &'static str,
    },
    /// A number, time or duration is out of its range.
    #[error("{what} is out of range; allowed: {allowed}")]
    Range {
        /// Which value.
        what: &'static str,
        /// What is allowed.
        allowed: &'static str,
    },
    /// A value does not have its form.
    #[error("{what} is malformed; expected {expected}")]
    Malformed {
        /// Which value.
        what: &'static str,
        /// What it must look like.
        expected: &'static str,
    },
    /// A data key that FCM keeps for itself; the message would be refused, or accepted and never delivered.
    #[error("data key {key:?} is reserved by FCM ({rule})")]
    ReservedKey {
        /// The key, cut to 64 bytes.
        key: String,
        /// The rule it breaks.
        rule: &'static str,
    },
    /// More entries than could ever be sent.
    #[error("{what} has more than {limit} entries")]
    TooMany {
        /// Which map.
        what: &'static str,
        /// Entries allowed.
        limit: usize,
    },
    /// A condition does not follow the grammar.
    #[error("condition is malformed at byte {at}: {problem}")]
    Condition {
        /// Where.
        at: usize,
        /// What is wrong.
        problem: &'static str,
    },
    /// A header has a name or a value that it cannot have.
    #[error("header {name:?}: {problem}")]
    Header {
        /// Its name, cut to 64 bytes.
        name: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// JSON that is not what it must be. The text quotes no value of the input.
    #[error("malformed JSON at line {line}, column {column}: {problem}")]
    Json {
        /// What is wrong.
        problem: String,
        /// Line, from 1.
        line: usize,
        /// Column, from 1; 0 at the start of a line.
        column: usize,
    },
    /// The JSON of a request names no target, or more than one.
    #[error("a message needs exactly one of fid, token, topic and condition; found {found}")]
    Targets {
        /// How many were found.
        found: usize,
    },
}

/// The start of a name for an error text.
pub(crate) fn quoted(name: &str) -> String {
    name.get(..name.floor_char_boundary(64)).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        insta::assert_snapshot!(MessageError::Empty { what: "topic" }, @"topic must not be empty");
        insta::assert_snapshot!(MessageError::TooLong { what: "topic", length: 901, limit: 900 }, @"topic has 901 bytes, the limit is 900");
        insta::assert_snapshot!(MessageError::Character { what: "topic", at: 3, allowed: "A-Z a-z 0-9 - _ . ~ %" }, @"topic has a character at byte 3 that is not allowed; allowed: A-Z a-z 0-9 - _ . ~ %");
        insta::assert_snapshot!(MessageError::Range { what: "ttl", allowed: "0 to 2419200 s" }, @"ttl is out of range; allowed: 0 to 2419200 s");
        insta::assert_snapshot!(MessageError::Malformed { what: "color", expected: "#rrggbb" }, @"color is malformed; expected #rrggbb");
        insta::assert_snapshot!(MessageError::ReservedKey { key: quoted("from"), rule: "the word `from`" }, @r#"data key "from" is reserved by FCM (the word `from`)"#);
        insta::assert_snapshot!(MessageError::TooMany { what: "data", limit: 4_096 }, @"data has more than 4096 entries");
        insta::assert_snapshot!(MessageError::Condition { at: 7, problem: "expected `in topics`" }, @"condition is malformed at byte 7: expected `in topics`");
        insta::assert_snapshot!(MessageError::Header { name: quoted("apns-priority"), problem: "must be 1, 5 or 10" }, @r#"header "apns-priority": must be 1, 5 or 10"#);
        insta::assert_snapshot!(MessageError::Json { problem: "expected an object".into(), line: 1, column: 2 }, @"malformed JSON at line 1, column 2: expected an object");
        insta::assert_snapshot!(MessageError::Targets { found: 2 }, @"a message needs exactly one of fid, token, topic and condition; found 2");
    }

    #[test]
    fn a_long_name_is_cut() {
        assert_eq!(quoted(&"ä".repeat(100)).len(), 64);
    }
}
