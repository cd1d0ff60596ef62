//! What somebody has to sign, for whatever short-lived credential.

use std::fmt;

use super::UnsignedJws;

/// The two algorithms that push services take (RFC 7518 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SigningAlgorithm {
    /// ECDSA on P-256 with SHA-256; the signature is R and S, 64 bytes, not DER (RFC 7518 §3.4): VAPID and APNs.
    Es256,
    /// RSASSA-PKCS1-v1_5 with SHA-256; the signature is as long as the modulus (RFC 7518 §3.3): Google's OAuth.
    Rs256,
}

impl SigningAlgorithm {
    /// Its name in the header of a token, `alg`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
        }
    }
}

/// Names one [`SigningRequest`] of one source of tokens, so that a signature that comes late is known for what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SigningId(u64);

impl SigningId {
    /// The `number`-th request of a source.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }
}

/// Something to sign for a short-lived credential, where the key is not in this process (KMS, HSM, a sidecar).
///
/// All sources of tokens hand it out of `poll_output`: sign [`signing_input`](Self::signing_input) with the key that
/// [`key_id`](Self::key_id) names, then give request and signature to the source's `handle_signature`, which checks the
/// signature before it uses it; or say `handle_failure`.
///
/// ```
/// use reveille_crypto::jws::{SigningAlgorithm, SigningId, SigningRequest, UnsignedJws};
/// let jws = UnsignedJws::new(br#"{"alg":"ES256"}"#, b"{}");
/// let request = SigningRequest::new(SigningId::new(1), SigningAlgorithm::Es256, "ABC123DEFG", &jws);
/// assert_eq!(request.signing_input(), b"eyJhbGciOiJFUzI1NiJ9.e30");
/// assert_eq!((request.algorithm().as_str(), request.key_id()), ("ES256", "ABC123DEFG"));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct SigningRequest {
    id: SigningId,
    algorithm: SigningAlgorithm,
    key_id: String,
    signing_input: Vec<u8>,
}

impl SigningRequest {
    /// A request for a signature over `jws`. Sources of tokens make it.
    #[must_use]
    pub fn new(
        id: SigningId,
        algorithm: SigningAlgorithm,
        key_id: impl Into<String>,
        jws: &UnsignedJws,
    ) -> Self {
        Self { id, algorithm, key_id: key_id.into(), signing_input: jws.signing_input().to_vec() }
    }

    /// Which request of its source this is.
    #[must_use]
    pub const fn id(&self) -> SigningId {
        self.id
    }

    /// Returns the algorithm to sign with.
    #[must_use]
    pub const fn algorithm(&self) -> SigningAlgorithm {
        self.algorithm
    }

    /// Which key is to sign: the id of a VAPID key, Apple's `kid`, Google's `private_key_id` (empty if that is unknown).
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// The bytes to sign; they are not hashed yet.
    #[must_use]
    pub fn signing_input(&self) -> &[u8] {
        &self.signing_input
    }
}

/// Claims may hold personal data, so only the length is printed.
impl fmt::Debug for SigningRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningRequest")
            .field("id", &self.id)
            .field("algorithm", &self.algorithm)
            .field("key_id", &self.key_id)
            .field("signing_input_bytes", &self.signing_input.len())
            .finish()
    }
}
