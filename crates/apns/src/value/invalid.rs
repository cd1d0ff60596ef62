//! Why a value was refused.

use thiserror::Error;

/// Why a value was refused. No variant carries the value: some are secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidValue {
    /// Nothing was given.
    #[error("{what} is empty")]
    Empty {
        /// Which value.
        what: &'static str,
    },
    /// More bytes than allowed.
    #[error("{what} of {length} bytes is longer than {limit}")]
    TooLong {
        /// Which value.
        what: &'static str,
        /// Bytes given.
        length: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// A fixed length was missed.
    #[error("{what} must be {expected} characters, got {length}")]
    Length {
        /// Which value.
        what: &'static str,
        /// Characters it must have.
        expected: usize,
        /// Bytes given.
        length: usize,
    },
    /// A character that must not occur.
    #[error("{what} must consist of {expected}")]
    Character {
        /// Which value.
        what: &'static str,
        /// What it may consist of.
        expected: &'static str,
    },
    /// Not in the expected form.
    #[error("{what} must be {expected}")]
    Form {
        /// Which value.
        what: &'static str,
        /// The form it must have.
        expected: &'static str,
    },
}

/// Checks a text that must not be empty, nor longer than `limit`, nor hold bytes other than `allowed`.
pub(crate) fn check_text(
    what: &'static str,
    text: &str,
    limit: usize,
    expected: &'static str,
    allowed: impl Fn(u8) -> bool,
) -> Result<(), InvalidValue> {
    if text.is_empty() {
        return Err(InvalidValue::Empty { what });
    }
    if text.len() > limit {
        return Err(InvalidValue::TooLong { what, length: text.len(), limit });
    }
    // Without an early exit, so that the loop is vectorised.
    if text.bytes().fold(true, |all, byte| all & allowed(byte)) {
        Ok(())
    } else {
        Err(InvalidValue::Character { what, expected })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        insta::assert_snapshot!(InvalidValue::Empty { what: "device token" }, @"device token is empty");
        insta::assert_snapshot!(InvalidValue::TooLong { what: "apns-collapse-id", length: 65, limit: 64 }, @"apns-collapse-id of 65 bytes is longer than 64");
        insta::assert_snapshot!(InvalidValue::Length { what: "team id", expected: 10, length: 9 }, @"team id must be 10 characters, got 9");
        insta::assert_snapshot!(InvalidValue::Character { what: "device token", expected: "hexadecimal digits" }, @"device token must consist of hexadecimal digits");
        insta::assert_snapshot!(InvalidValue::Form { what: "apns-id", expected: "a UUID" }, @"apns-id must be a UUID");
    }
}
