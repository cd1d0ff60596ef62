//! Authenticated encryption.

use std::fmt::Debug;

use crate::CryptoError;

/// Bytes of an AES-GCM nonce.
pub const AEAD_NONCE_LEN: usize = 12;
/// Bytes of an AES-GCM tag.
pub const AEAD_TAG_LEN: usize = 16;

/// AES-GCM with a 96-bit nonce and a 128-bit tag (RFC 5116 §5); a capability of a
/// [`CryptoProvider`](crate::CryptoProvider). One call includes the key set-up, for in push every message has its own
/// key.
pub trait Aead: Debug + Send + Sync {
    /// Bytes of a key: 16 or 32.
    fn key_len(&self) -> usize;

    /// Encrypts `in_out` in place and returns the tag.
    ///
    /// # Errors
    /// [`CryptoError`] if the key has the wrong length or the text is too long. A nonce must never be used twice with one key.
    fn seal_in_place(
        &self,
        key: &[u8],
        nonce: &[u8; AEAD_NONCE_LEN],
        aad: &[u8],
        in_out: &mut [u8],
    ) -> Result<[u8; AEAD_TAG_LEN], CryptoError>;

    /// Checks the tag and decrypts `in_out` in place.
    ///
    /// # Errors
    /// [`CryptoError`] if anything is wrong; the content of `in_out` is then unspecified and must not be used.
    fn open_in_place(
        &self,
        key: &[u8],
        nonce: &[u8; AEAD_NONCE_LEN],
        aad: &[u8],
        in_out: &mut [u8],
        tag: &[u8; AEAD_TAG_LEN],
    ) -> Result<(), CryptoError>;
}
