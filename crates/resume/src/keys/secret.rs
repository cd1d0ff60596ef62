//! A symmetric secret in the formats people keep it in.

use std::borrow::Cow;

use reveille_core::Secret;
use reveille_crypto::{CryptoError, base64url};
use serde::Deserialize;
use thiserror::Error;

/// The shortest secret taken, in bytes: the strength of the compact format's tag.
const MIN_LEN: usize = 16;
/// The longest secret taken, in bytes.
const MAX_LEN: usize = 1_024;

/// A secret that token keys are made of. Wiped when dropped, never printed.
///
/// ```
/// use reveille_resume::TokenSecret;
/// let secret = TokenSecret::parse("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8")?;
/// assert_eq!(secret.expose().len(), 32);
/// let same = TokenSecret::parse(r#"{"kty":"oct","k":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}"#)?;
/// assert_eq!(same.expose(), secret.expose());
/// assert_eq!(format!("{secret:?}"), "TokenSecret { bytes: Secret(…), algorithm: None }");
/// # Ok::<(), reveille_resume::keys::InvalidSecret>(())
/// ```
#[derive(Clone, Debug)]
pub struct TokenSecret {
    bytes: Secret<Vec<u8>>,
    algorithm: Option<&'static str>,
}

/// Why text or bytes are not a secret that can be used; the constructors of secrets and keys return it. No part of
/// the secret is repeated.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidSecret {
    /// Too short or too long for what it is to do.
    #[error("secret must be {min} to {max} bytes, got {length}")]
    Length {
        /// Bytes allowed at least.
        min: usize,
        /// Bytes allowed at most.
        max: usize,
        /// How many bytes were given.
        length: usize,
    },
    /// Not base64url (nor base64).
    #[error("secret is not base64url: {0}")]
    Base64(#[from] base64url::InvalidBase64),
    /// The JSON is not a JWK of a symmetric key.
    #[error("malformed JWK: {problem}")]
    Jwk {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The JWK says what the key is for, and it is for something else.
    #[error("JWK is for {found}, expected {expected}")]
    Algorithm {
        /// What it is needed for.
        expected: &'static str,
        /// What it says.
        found: &'static str,
    },
    /// Deriving the key failed inside the backend.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

/// RFC 7518 §6.4. Unknown members are ignored, as RFC 7517 §4 says.
#[derive(Deserialize)]
struct OctJwk<'a> {
    #[serde(borrow)]
    kty: Cow<'a, str>,
    #[serde(borrow, default)]
    k: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    alg: Option<Cow<'a, str>>,
}

impl TokenSecret {
    /// From raw bytes: 16 to 1,024, better 32 random ones. A pass phrase is not a secret: derive one first.
    ///
    /// # Errors
    /// [`InvalidSecret::Length`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidSecret> {
        let length = bytes.len();
        if !(MIN_LEN..=MAX_LEN).contains(&length) {
            return Err(InvalidSecret::Length { min: MIN_LEN, max: MAX_LEN, length });
        }
        Ok(Self { bytes: Secret::new(bytes.to_vec()), algorithm: None })
    }

    /// From text: a JWK if it begins with `{`, else base64url or base64.
    ///
    /// # Errors
    /// [`InvalidSecret`].
    pub fn parse(text: &str) -> Result<Self, InvalidSecret> {
        let text = text.trim();
        if text.starts_with('{') { Self::from_jwk(text) } else { Self::from_base64url(text) }
    }

    /// From base64url or base64, with or without padding.
    ///
    /// # Errors
    /// [`InvalidSecret`].
    pub fn from_base64url(text: &str) -> Result<Self, InvalidSecret> {
        Self::from_bytes(Secret::new(base64url::decode_lenient(text)?).expose())
    }

    /// From a JSON Web Key of type `oct` (RFC 7518 §6.4). If it has an `alg`, it can only be used for that.
    ///
    /// # Errors
    /// [`InvalidSecret`].
    pub fn from_jwk(json: &str) -> Result<Self, InvalidSecret> {
        let jwk: OctJwk<'_> = serde_json::from_str(json)
            .map_err(|_| InvalidSecret::Jwk { problem: "not a JSON object of a key" })?;
        if jwk.kty != "oct" {
            return Err(InvalidSecret::Jwk { problem: "kty is not oct" });
        }
        let k = jwk.k.ok_or(InvalidSecret::Jwk { problem: "no member k" })?;
        let algorithm = jwk.alg.map(|alg| match &*alg {
            "HS256" => "HS256",
            "A256GCM" => "A256GCM",
            "dir" => "dir",
            _ => "another algorithm",
        });
        Ok(Self { algorithm, ..Self::from_base64url(&k)? })
    }

    /// The secret itself; the long name is there to be found in a review.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.bytes.expose()
    }

    /// Refuses a secret that says it is for something else than one of `allowed`, or is shorter than `min`.
    pub(crate) fn check(
        &self,
        allowed: &[&str],
        expected: &'static str,
        min: usize,
        max: usize,
    ) -> Result<&[u8], InvalidSecret> {
        if let Some(found) = self.algorithm.filter(|found| !allowed.contains(found)) {
            return Err(InvalidSecret::Algorithm { expected, found });
        }
        let length = self.expose().len();
        if !(min..=max).contains(&length) {
            return Err(InvalidSecret::Length { min, max, length });
        }
        Ok(self.expose())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        let err = |text: &str| TokenSecret::parse(text).unwrap_err();
        insta::assert_snapshot!(err("AAEC"), @"secret must be 16 to 1024 bytes, got 3");
        insta::assert_snapshot!(err(""), @"secret must be 16 to 1024 bytes, got 0");
        insta::assert_snapshot!(err("not base64!"), @"secret is not base64url: invalid character or length");
        insta::assert_snapshot!(err("{"), @"malformed JWK: not a JSON object of a key");
        insta::assert_snapshot!(err(r#"{"kty":"EC","crv":"P-256"}"#), @"malformed JWK: kty is not oct");
        insta::assert_snapshot!(err(r#"{"kty":"oct"}"#), @"malformed JWK: no member k");
        let hs256 =
            TokenSecret::parse(r#"{"kty":"oct","alg":"HS256","k":"AAECAwQFBgcICQoLDA0ODw"}"#).unwrap();
        insta::assert_snapshot!(hs256.check(&["A256GCM", "dir"], "A256GCM", 32, 32).unwrap_err(), @"JWK is for HS256, expected A256GCM");
        insta::assert_snapshot!(hs256.check(&["HS256"], "HS256", 32, 1024).unwrap_err(), @"secret must be 32 to 1024 bytes, got 16");
    }

    #[test]
    fn the_longest_secret_is_bounded() {
        assert!(TokenSecret::from_bytes(&[1; 1_024]).is_ok());
        assert!(TokenSecret::from_bytes(&[1; 1_025]).is_err());
    }
}
