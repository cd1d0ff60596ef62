//! HMAC-SHA256.

use std::fmt::Debug;
use std::sync::Arc;

use crate::CryptoError;

/// HMAC-SHA256 (RFC 2104), a capability of a [`CryptoProvider`](crate::CryptoProvider): prepares keys. Resume tokens
/// are made and checked with it.
pub trait HmacSha256: Debug + Send + Sync {
    /// Prepares a key of any length. Preparing costs as much as a signature: do it once and keep the key.
    fn key(&self, secret: &[u8]) -> Arc<dyn HmacKey>;
}

/// A prepared HMAC-SHA256 key; it wipes itself where the backend can. As a JWS signer this is HS256.
///
/// ```
/// use reveille_crypto_ring::PROVIDER;
///
/// let key = PROVIDER.hmac_sha256.key(b"Jefe");
/// let tag = key.sign(&[b"what do ya want ", b"for nothing?"]); // RFC 4231 §4.3
/// assert_eq!(tag[..4], [0x5b, 0xdc, 0xc1, 0x46]);
/// assert!(key.verify(&[b"what do ya want for nothing?"], &tag).is_ok());
/// assert!(key.verify(&[b"what do ya want for something?"], &tag).is_err());
/// ```
pub trait HmacKey: Debug + Send + Sync {
    /// The tag over the concatenation of `parts`.
    fn sign(&self, parts: &[&[u8]]) -> [u8; 32];

    /// Checks the first `tag.len()` bytes of the tag, in constant time.
    ///
    /// # Errors
    /// [`CryptoError`] if the tag is wrong, shorter than 16 bytes or longer than 32 (RFC 2104 §5 advises against
    /// less than half of the hash).
    fn verify(&self, parts: &[&[u8]], tag: &[u8]) -> Result<(), CryptoError>;
}
