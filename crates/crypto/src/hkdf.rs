//! HKDF-SHA256.

use std::fmt::Debug;

use crate::CryptoError;

/// HKDF-SHA256 (RFC 5869), by which keys are made from a shared secret; a capability of a
/// [`CryptoProvider`](crate::CryptoProvider).
pub trait HkdfSha256: Debug + Send + Sync {
    /// One extract, then any number of expands from the same pseudo-random key:
    ///
    /// ```text
    /// PRK = HKDF-Extract(salt, ikm)
    /// for each output: out = HKDF-Expand(PRK, info, L = out.len())
    /// ```
    ///
    /// RFC 8291 needs two such calls: extract and expand once for `IKM`, extract once and expand twice for `CEK` and
    /// `NONCE`.
    ///
    /// # Errors
    /// [`CryptoError`] if an output is longer than 255 × 32 bytes. The outputs must not be used then.
    fn derive(&self, salt: &[u8], ikm: &[u8], outputs: &mut [Expand<'_>]) -> Result<(), CryptoError>;
}

/// One output of [`HkdfSha256::derive`]: what it is for (`info`), and where it is to be written.
///
/// ```
/// use reveille_crypto::Expand;
/// use reveille_crypto_ring::PROVIDER;
///
/// let (mut key, mut nonce) = ([0; 16], [0; 12]);
/// PROVIDER.hkdf_sha256.derive(b"salt", b"shared secret", &mut [
///     Expand { info: &[b"key"], out: &mut key },
///     Expand { info: &[b"nonce"], out: &mut nonce },
/// ])?;
/// assert_ne!(key[..12], nonce);
/// # Ok::<(), reveille_crypto::CryptoError>(())
/// ```
#[derive(Debug)]
#[allow(clippy::exhaustive_structs, reason = "users make it from its parts")]
pub struct Expand<'a> {
    /// Concatenated, the `info` of RFC 5869 §2.3.
    pub info: &'a [&'a [u8]],
    /// Where the key material goes; its length is `L`.
    pub out: &'a mut [u8],
}
