//! Checks on texts that become parts of a request.

use thiserror::Error;

/// A text that cannot be what it should be; the error of [`check_text`] and of the constructors that use it. It never
/// carries the text: some are secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidText {
    /// Nothing was given.
    #[error("{what} must not be empty")]
    Empty {
        /// Which value was refused.
        what: &'static str,
    },
    /// More bytes than allowed.
    #[error("{what} has {length} bytes, the limit is {limit}")]
    TooLong {
        /// Which value was refused.
        what: &'static str,
        /// How many bytes were given.
        length: usize,
        /// How many bytes are allowed.
        limit: usize,
    },
    /// A character that must not occur.
    #[error("{what} has a character at byte {at} that is not allowed; allowed: {allowed}")]
    Character {
        /// Which value was refused.
        what: &'static str,
        /// Where the first such character starts.
        at: usize,
        /// What is allowed.
        allowed: &'static str,
    },
}

/// Checks a text that must not be empty, nor longer than `limit` bytes, nor hold bytes that `is_allowed` refuses; `allowed` says in
/// words which those are.
///
/// ```
/// use reveille_payload::check_text;
/// let check = |text| check_text("topic", text, 5, "letters", |byte| byte.is_ascii_alphabetic());
/// assert!(check("chat").is_ok());
/// assert_eq!(check("").unwrap_err().to_string(), "topic must not be empty");
/// assert_eq!(check("chat-4").unwrap_err().to_string(), "topic has 6 bytes, the limit is 5");
/// assert_eq!(check("chat4").unwrap_err().to_string(), "topic has a character at byte 4 that is not allowed; allowed: letters");
/// ```
///
/// # Errors
/// [`InvalidText`].
#[inline]
pub fn check_text(
    what: &'static str,
    text: &str,
    limit: usize,
    allowed: &'static str,
    is_allowed: impl Fn(u8) -> bool,
) -> Result<(), InvalidText> {
    if text.is_empty() {
        return Err(InvalidText::Empty { what });
    }
    if text.len() > limit {
        return Err(InvalidText::TooLong { what, length: text.len(), limit });
    }
    // Without an early exit, so that the loop is vectorised.
    if text.bytes().fold(true, |all, byte| all & is_allowed(byte)) {
        return Ok(());
    }
    let at = text.bytes().position(|byte| !is_allowed(byte)).unwrap_or(text.len());
    Err(InvalidText::Character { what, at: text.floor_char_boundary(at), allowed })
}
