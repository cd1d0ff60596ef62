//! The token, before and after signing.

use std::fmt;

use http::HeaderValue;
use reveille_core::UnixTime;
use reveille_crypto::{ES256_SIGNATURE_LEN, P256PublicKey, jws::UnsignedJws};
use serde::Serialize;

use super::{Contact, VapidKeyId};

/// The protected header of every token. The order is that of the RFC's example.
const HEADER: &[u8] = br#"{"typ":"JWT","alg":"ES256"}"#;

/// The claims of RFC 8292 §2, and no others: `iat` and `nbf` only serve to make a token invalid on a slow clock.
#[derive(Serialize)]
struct Claims<'a> {
    aud: &'a str,
    exp: u64,
    sub: &'a str,
}

/// A VAPID token that lacks its signature: phase one of signing with a remote KMS.
///
/// Sign [`signing_input`](Self::signing_input) with ES256 (SHA-256 inside, R ‖ S as 64 bytes, not DER), then call
/// [`finish`](Self::finish).
#[derive(Clone)]
pub struct UnsignedVapid {
    jws: UnsignedJws,
    public: P256PublicKey,
    origin: String,
    expires: UnixTime,
}

impl UnsignedVapid {
    pub(super) fn new(public: P256PublicKey, origin: String, contact: &Contact, expires: UnixTime) -> Self {
        let claims = Claims { aud: &origin, exp: expires.as_secs(), sub: contact.as_str() };
        // Two strings and a number into JSON: cannot fail.
        let claims = serde_json::to_vec(&claims).unwrap_or_default();
        Self { jws: UnsignedJws::new(HEADER, &claims), public, origin, expires }
    }

    /// The bytes to sign.
    #[must_use]
    pub fn signing_input(&self) -> &[u8] {
        self.jws.signing_input()
    }

    /// The key to sign with.
    #[must_use]
    pub fn key(&self) -> VapidKeyId {
        VapidKeyId::of(&self.public)
    }

    /// Its public half.
    #[must_use]
    pub const fn public_key(&self) -> &P256PublicKey {
        &self.public
    }

    /// The audience: the push service's origin.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// When the token ends.
    #[must_use]
    pub const fn expires(&self) -> UnixTime {
        self.expires
    }

    /// Phase two: the value of the `Authorization` header (RFC 8292 §3), marked as sensitive.
    #[must_use]
    pub fn finish(self, signature: &[u8; ES256_SIGNATURE_LEN]) -> HeaderValue {
        let text = format!("vapid t={}, k={}", self.jws.finish(signature), self.public);
        // base64url, dots, spaces, commas: always a legal header value.
        let mut value = HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(""));
        value.set_sensitive(true);
        value
    }
}

impl fmt::Debug for UnsignedVapid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnsignedVapid")
            .field("key", &self.key())
            .field("origin", &self.origin)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}
