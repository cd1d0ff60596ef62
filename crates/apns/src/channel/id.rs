//! `apns-channel-id`.

use std::fmt;
use std::str::FromStr;

use http::HeaderValue;

use reveille_payload::check_text;

use crate::InvalidValue;
use crate::text::serde_as_text;

/// A channel's id, base64 as APNs gave it. No size is assumed below [`MAX_LEN`](Self::MAX_LEN). It belongs to one
/// environment.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChannelId(String);

impl ChannelId {
    /// The most that is taken, in characters: a bound against nonsense.
    pub const MAX_LEN: usize = 256;

    /// Returns the id as APNs gave it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn header(&self) -> Result<HeaderValue, InvalidValue> {
        HeaderValue::from_str(&self.0)
            .map_err(|_| InvalidValue::Form { what: "apns-channel-id", expected: "a header value" })
    }
}

impl FromStr for ChannelId {
    type Err = InvalidValue;

    /// # Errors
    /// [`InvalidValue`] unless it is 1 to 256 characters of base64, of either alphabet.
    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let allowed =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_' | b'=');
        check_text("channel id", text, Self::MAX_LEN, "base64", allowed)?;
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for ChannelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ChannelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChannelId({})", self.0)
    }
}

serde_as_text!(ChannelId);
