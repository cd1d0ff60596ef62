//! `apns-collapse-id`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use http::HeaderValue;
use reveille_crypto::{Sha256, base64url};

use reveille_payload::{InvalidText, check_text};

use crate::InvalidValue;
use crate::text::serde_as_text;

/// The name under which notifications are shown as one, the last one (`apns-collapse-id`): use the same for a ring
/// and its cancel, or for all counts of one conversation. At most 64 bytes of printable ASCII.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CollapseId(Cow<'static, str>);

impl CollapseId {
    /// Apple's limit, in bytes.
    pub const MAX_LEN: usize = 64;

    /// An id of 43 characters from parts of any length: the SHA-256 of the parts, each with its length before it, so
    /// that `["a", "bc"]` and `["ab", "c"]` differ.
    ///
    /// ```
    /// use reveille_apns::CollapseId;
    /// let sha256 = reveille_crypto_ring::PROVIDER.sha256;
    /// let id = CollapseId::derived(sha256, &["conversation", "5f1e7b6c-2f7c-4b9e-a0c5-3f3f9b6c0a11"]);
    /// assert_eq!(id.as_str(), "X2z4jpme31s6E46qUsSxebDRNTmw39rvO5Sd0DpZNho");
    /// ```
    #[must_use]
    pub fn derived(sha256: &dyn Sha256, parts: &[&str]) -> Self {
        let lengths: Vec<[u8; 8]> = parts.iter().map(|part| (part.len() as u64).to_be_bytes()).collect();
        let pieces: Vec<&[u8]> = lengths
            .iter()
            .zip(parts)
            .flat_map(|(length, part)| [length.as_slice(), part.as_bytes()])
            .collect();
        Self(base64url::encode(&sha256.digest(&pieces)).into())
    }

    /// Returns the id's text, as the header carries it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn header(&self) -> Result<HeaderValue, InvalidValue> {
        HeaderValue::from_str(&self.0)
            .map_err(|_| InvalidValue::Form { what: "apns-collapse-id", expected: "a header value" })
    }
}

impl FromStr for CollapseId {
    type Err = InvalidValue;

    /// # Errors
    /// [`InvalidValue`] unless it is 1 to 64 bytes of printable ASCII without a space at either end.
    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        const EXPECTED: &str = "printable ASCII without a space at either end";
        check_text("apns-collapse-id", text, Self::MAX_LEN, EXPECTED, |byte| matches!(byte, b' '..=b'~'))?;
        let (start, end) = (text.trim_ascii_start().len(), text.trim_ascii_end().len());
        if start != text.len() || end != text.len() {
            let at = if start == text.len() { end } else { 0 };
            return Err(InvalidText::Character { what: "apns-collapse-id", at, allowed: EXPECTED }.into());
        }
        Ok(Self(text.to_owned().into()))
    }
}

impl fmt::Display for CollapseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for CollapseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CollapseId({:?})", self.0)
    }
}

serde_as_text!(CollapseId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits() {
        assert!("a".repeat(64).parse::<CollapseId>().is_ok());
        for text in ["", &"a".repeat(65), "é", "a\n", " a", "a ", "a\u{7f}"] {
            assert!(text.parse::<CollapseId>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn derived_ids_keep_parts_apart() {
        let sha256 = reveille_crypto_ring::PROVIDER.sha256;
        assert_ne!(CollapseId::derived(sha256, &["a", "bc"]), CollapseId::derived(sha256, &["ab", "c"]));
        assert_eq!(
            CollapseId::derived(sha256, &["a"]).as_str().parse(),
            Ok(CollapseId::derived(sha256, &["a"]))
        );
    }
}
