//! The name under which one notification replaces another.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// 22 characters of base64url, stable per key and [`Lane`](crate::Lane): they fit a Web Push `Topic` (32 characters,
/// RFC 8030 §5.4), an APNs `apns-collapse-id` (64 bytes), an FCM `collapse_key` and an Android tag.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CollapseId([u8; 22]);

impl CollapseId {
    pub(crate) fn from_bits(bits: u128) -> Self {
        let mut text = [b'A'; 22];
        // 16 bytes are 22 characters; the slice always fits.
        let _ = URL_SAFE_NO_PAD.encode_slice(bits.to_le_bytes(), &mut text);
        Self(text)
    }

    /// The characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for CollapseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for CollapseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CollapseId({self})")
    }
}
