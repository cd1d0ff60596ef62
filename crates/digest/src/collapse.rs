//! The name under which one notification replaces another.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// 22 characters of base64url, stable per key and [`Lane`](crate::Lane): they fit a Web Push `Topic` (32 characters,
/// RFC 8030 §5.4), an APNs `apns-collapse-id` (64 bytes), an FCM `collapse_key` and an Android tag.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CollapseId(u128);

impl CollapseId {
    pub(crate) const fn from_bits(bits: u128) -> Self {
        Self(bits)
    }

    /// The 16 bytes that the characters stand for.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0.to_le_bytes()
    }
}

/// Prints the 22 characters.
impl fmt::Display for CollapseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.to_bytes()))
    }
}

impl fmt::Debug for CollapseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CollapseId({self})")
    }
}
