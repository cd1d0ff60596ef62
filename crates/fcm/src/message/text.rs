//! Text and the characters it may have.

use std::borrow::Cow;

use crate::MessageError;

/// Text of a message: a constant of the program costs nothing, everything else is a `String`.
pub type Text = Cow<'static, str>;

/// `A-Z a-z 0-9 - _ . ~ %`, of topics and analytics labels.
pub(crate) const UNRESERVED: &str = "A-Z a-z 0-9 - _ . ~ %";

pub(crate) const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~' | b'%')
}

/// Checks length and characters of a short ASCII value.
#[inline]
pub(crate) fn check(
    what: &'static str,
    text: &str,
    limit: usize,
    allowed: &'static str,
    is_allowed: impl Fn(u8) -> bool,
) -> Result<(), MessageError> {
    if text.is_empty() {
        return Err(MessageError::Empty { what });
    }
    if text.len() > limit {
        return Err(MessageError::TooLong { what, length: text.len(), limit });
    }
    // Without a branch per byte first: tokens have 163 bytes, and all of them are fine.
    if text.bytes().fold(true, |ok, byte| ok & is_allowed(byte)) {
        return Ok(());
    }
    let at = text.bytes().position(|byte| !is_allowed(byte)).unwrap_or_default();
    Err(MessageError::Character { what, at, allowed })
}
