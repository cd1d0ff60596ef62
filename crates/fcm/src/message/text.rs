//! Text and the characters it may have.

use std::borrow::Cow;

/// Text of a message; the setters take `&'static str` or `String` and make one. A constant of the program costs
/// nothing, everything else is a `String`.
pub type Text = Cow<'static, str>;

/// `A-Z a-z 0-9 - _ . ~ %`, of topics and analytics labels.
pub(crate) const UNRESERVED: &str = "A-Z a-z 0-9 - _ . ~ %";

pub(crate) const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~' | b'%')
}

/// The start of a name for an error text.
pub(crate) fn quoted(name: &str) -> String {
    name.get(..name.floor_char_boundary(64)).unwrap_or_default().to_owned()
}
