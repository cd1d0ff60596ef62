//! ES256 signatures.

use std::fmt::Debug;
use std::sync::Arc;

use crate::{CryptoError, EcPrivateKey, KeyError, P256PublicKey};

/// Bytes of an ES256 signature: R and S, 32 bytes each, big-endian, left-padded (RFC 7518 §3.4).
pub const ES256_SIGNATURE_LEN: usize = 64;

/// ECDSA on P-256 with SHA-256 (ES256, RFC 7518 §3.4): loads keys that sign, and verifies. VAPID and APNs provider
/// tokens need it.
///
/// ```
/// use reveille_crypto_ring::PROVIDER;
///
/// let key = PROVIDER.es256.load(&PROVIDER.p256.generate()?)?;
/// let signature = key.sign(b"message")?;
/// assert!(PROVIDER.es256.verify(key.public_key(), b"message", &signature).is_ok());
/// assert!(PROVIDER.es256.verify(key.public_key(), b"another", &signature).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Es256: Debug + Send + Sync {
    /// Makes a signing key. The public key is derived; one that `private` carries is checked against it.
    ///
    /// # Errors
    /// [`KeyError`] if the scalar is zero or not below the group order, or the public key does not belong to it.
    fn load(&self, private: &EcPrivateKey) -> Result<Arc<dyn Es256SigningKey>, KeyError>;

    /// Verifies a signature over `message`.
    ///
    /// # Errors
    /// [`CryptoError`] if it is not valid.
    fn verify(&self, public: &P256PublicKey, message: &[u8], signature: &[u8]) -> Result<(), CryptoError>;
}

/// A key that signs. Implement it for an HSM that answers at once; for a remote one use the two phases of
/// [`UnsignedJws`](crate::jws::UnsignedJws).
pub trait Es256SigningKey: Debug + Send + Sync {
    /// The public half.
    fn public_key(&self) -> &P256PublicKey;

    /// Signs `message` (hashed inside).
    ///
    /// # Errors
    /// [`CryptoError`] if the random source or the device fails.
    fn sign(&self, message: &[u8]) -> Result<[u8; ES256_SIGNATURE_LEN], CryptoError>;
}
