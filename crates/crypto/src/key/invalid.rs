//! Why a private key could not be read.

use thiserror::Error;

use crate::p256::InvalidPublicKey;

/// Why text or bytes are not a private key; the error of [`EcPrivateKey`](crate::EcPrivateKey) and
/// [`RsaPrivateKey`](crate::RsaPrivateKey). No variant carries any part of the input.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidKey {
    /// The scalar has the wrong length.
    #[error("P-256 private key must be 32 bytes, got {length}")]
    Length {
        /// How many bytes were given.
        length: usize,
    },
    /// Not base64url (nor base64).
    #[error("private key is not base64url: {0}")]
    Base64(#[from] crate::base64url::InvalidBase64),
    /// The PEM armour is broken: no `BEGIN`, no matching `END`, or what is between them is not base64.
    #[error("malformed PEM: {problem}")]
    Pem {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The PEM block holds something else.
    #[error("PEM holds {found}, expected {expected}")]
    PemLabel {
        /// What was looked for.
        expected: &'static str,
        /// What was found.
        found: &'static str,
    },
    /// The DER is not the structure, or neither of the two.
    #[error("malformed DER: not a {expected} structure")]
    Der {
        /// What was tried.
        expected: &'static str,
    },
    /// The key is for another algorithm or curve.
    #[error("key is not {expected}")]
    Algorithm {
        /// What it must be.
        expected: &'static str,
    },
    /// The JSON is not a JWK of a private P-256 key.
    #[error("malformed JWK: {problem}")]
    Jwk {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The public key beside the private one is not valid.
    #[error("public key beside the private key: {0}")]
    PublicKey(#[from] InvalidPublicKey),
}
