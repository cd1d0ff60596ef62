//! Two-phase signing, so that a remote KMS can sign without async traits.

use std::fmt;

use crate::base64url;

/// A JWS that lacks its signature, for signers that are elsewhere: hand out [`signing_input`](Self::signing_input),
/// then [`finish`](Self::finish) with the signature (RFC 7515 §5.1).
///
/// ```
/// use reveille_crypto::jws::UnsignedJws;
/// let jws = UnsignedJws::new(br#"{"alg":"HS256"}"#, b"{}");
/// assert_eq!(jws.signing_input(), b"eyJhbGciOiJIUzI1NiJ9.e30");
/// // … hand these bytes to the signer, then:
/// assert_eq!(jws.finish(&[0xfb]), "eyJhbGciOiJIUzI1NiJ9.e30.-w");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct UnsignedJws {
    signing_input: String,
}

impl UnsignedJws {
    /// From the JSON of the protected header and the payload, byte for byte.
    #[must_use]
    pub fn new(header: &[u8], payload: &[u8]) -> Self {
        // Room for an RS256 signature of 4,096 bits, so that `finish` need not grow it.
        let mut signing_input = String::with_capacity((header.len() + payload.len() + 512) * 4 / 3 + 8);
        base64url::encode_to(header, &mut signing_input);
        signing_input.push('.');
        base64url::encode_to(payload, &mut signing_input);
        Self { signing_input }
    }

    /// Phase one: the bytes to sign, `BASE64URL(header) "." BASE64URL(payload)` (RFC 7515 §5.1).
    #[must_use]
    pub fn signing_input(&self) -> &[u8] {
        self.signing_input.as_bytes()
    }

    /// Phase two: the token. For ES256 the signature is R ‖ S, 64 bytes, not DER (RFC 7518 §3.4).
    #[must_use]
    pub fn finish(self, signature: &[u8]) -> String {
        let mut token = self.signing_input;
        token.push('.');
        base64url::encode_to(signature, &mut token);
        token
    }
}

/// Claims may hold personal data, so only the length is printed.
impl fmt::Debug for UnsignedJws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnsignedJws").field("signing_input_bytes", &self.signing_input.len()).finish()
    }
}
