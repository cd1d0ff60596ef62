//! Hiding the payload's length.

use serde::{Deserialize, Serialize};

use super::MAX_PLAINTEXT;

/// How much padding goes into the encrypted record (RFC 8188 §2), for
/// [`Message::with_padding`](crate::Message::with_padding). Without it the push service learns the payload's exact
/// length.
///
/// In JSON `"none"`, `{"bytes":100}`, `{"to_length":512}` or `"to_maximum"`.
///
/// ```
/// use reveille_webpush::{Message, Padding, Ttl};
///
/// let message = Message::new("yes", Ttl::from_secs(60)?)?.with_padding(Padding::ToLength(512))?;
/// assert_eq!(message.padded_len(), 512); // "yes" and "not today" look the same
/// # Ok::<(), reveille_webpush::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Padding {
    /// No padding: the body's length tells the payload's.
    #[default]
    None,
    /// This many bytes.
    Bytes(usize),
    /// Up to this many bytes of payload and padding together; longer payloads get none.
    ToLength(usize),
    /// Up to the limit: all messages look the same.
    ToMaximum,
}

impl Padding {
    /// Bytes of padding for a payload of `length` bytes.
    pub(crate) const fn bytes_for(self, length: usize) -> usize {
        match self {
            Self::None => 0,
            Self::Bytes(bytes) => bytes,
            Self::ToLength(total) => total.saturating_sub(length),
            Self::ToMaximum => MAX_PLAINTEXT.saturating_sub(length),
        }
    }
}
