//! RS256 signatures.

use std::fmt::Debug;
use std::sync::Arc;

use crate::{CryptoError, KeyError, RsaPrivateKey, RsaPublicKey};

/// RSASSA-PKCS1-v1_5 with SHA-256. A backend without it answers [`KeyError::Unsupported`] and [`CryptoError`].
pub trait Rs256: Debug + Send + Sync {
    /// Makes a signing key.
    ///
    /// # Errors
    /// [`KeyError`] if the backend has no RSA or refuses the key; moduli below 2,048 bits are refused.
    fn load(&self, private: &RsaPrivateKey) -> Result<Arc<dyn Rs256SigningKey>, KeyError>;

    /// Verifies a signature over `message`. Moduli below 2,048 bits are refused.
    ///
    /// # Errors
    /// [`CryptoError`] if it is not valid, the modulus is too small, or the backend has no RSA.
    fn verify(&self, public: &RsaPublicKey, message: &[u8], signature: &[u8]) -> Result<(), CryptoError>;
}

/// A loaded RSA key that signs (RS256, RFC 7518 §3.3): [`Rs256::load`] gives it. Google's service accounts have such
/// keys.
pub trait Rs256SigningKey: Debug + Send + Sync {
    /// Signs `message` (hashed inside); the signature is as long as the modulus.
    ///
    /// # Errors
    /// [`CryptoError`] if the random source or the device fails.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CryptoError>;
}
