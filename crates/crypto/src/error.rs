//! Errors that give an attacker nothing.

use thiserror::Error;

use crate::base64url::InvalidBase64;
use crate::jws::InvalidJws;
use crate::key::InvalidKey;
use crate::p256::InvalidPublicKey;

/// Everything that this crate can refuse, for functions that want one `?` for all of it; each small error turns into it.
/// The texts are those of the errors inside.
///
/// ```
/// use reveille_crypto::{EcPrivateKey, Error, base64url};
///
/// fn key(text: &str) -> Result<EcPrivateKey, Error> {
///     let raw = base64url::decode(text)?;
///     Ok(EcPrivateKey::parse(&base64url::encode(&raw))?)
/// }
/// assert!(matches!(key("not base64url"), Err(Error::Base64(_))));
/// assert!(matches!(key("AAAA"), Err(Error::Key(_))));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(transparent)]
#[non_exhaustive]
pub enum Error {
    /// An operation failed.
    Crypto(#[from] CryptoError),
    /// A backend could not take a key.
    Backend(#[from] KeyError),
    /// Text or bytes are not a private key.
    Key(#[from] InvalidKey),
    /// Bytes are not a P-256 public key.
    PublicKey(#[from] InvalidPublicKey),
    /// A text is not base64url.
    Base64(#[from] InvalidBase64),
    /// A text is not a compact JWS.
    Jws(#[from] InvalidJws),
}

/// A cryptographic operation failed; every capability returns it. It does not say why: the reason would help whoever
/// tries many inputs.
///
/// Deliberately opaque: a text that told a wrong tag from a wrong length could serve as an oracle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Error)]
#[error("cryptographic operation failed")]
#[allow(clippy::exhaustive_structs, reason = "it says all there is to say")]
pub struct CryptoError;

/// A backend could not take a key, for it does not offer the algorithm or the key is none for it. Returned where a
/// key is loaded, before anything is signed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The backend does not have this operation; use another provider for it.
    #[error("the {backend} backend does not support {operation}")]
    Unsupported {
        /// The provider's name.
        backend: &'static str,
        /// What was asked of it.
        operation: &'static str,
    },
    /// The key is well formed, but the backend refuses it: scalar out of range, modulus too small, parts that do not
    /// belong together.
    #[error("the {backend} backend rejects this {kind} key: out of range, too small, or inconsistent")]
    Rejected {
        /// The provider's name.
        backend: &'static str,
        /// Kind of key.
        kind: &'static str,
    },
    /// The public key that came with the private key is not its public key.
    #[error("the public key does not belong to the private key")]
    PublicKeyMismatch,
    /// The operation failed inside the backend.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        insta::assert_snapshot!(CryptoError, @"cryptographic operation failed");
        insta::assert_snapshot!(Error::from(CryptoError), @"cryptographic operation failed");
        insta::assert_snapshot!(Error::from(InvalidJws::Parts), @"token must have exactly three parts separated by dots");
        let unsupported = KeyError::Unsupported { backend: "ring", operation: "loading an agreement key" };
        insta::assert_snapshot!(unsupported, @"the ring backend does not support loading an agreement key");
        let rejected = KeyError::Rejected { backend: "ring", kind: "P-256 private" };
        insta::assert_snapshot!(rejected, @"the ring backend rejects this P-256 private key: out of range, too small, or inconsistent");
        insta::assert_snapshot!(KeyError::PublicKeyMismatch, @"the public key does not belong to the private key");
    }
}
