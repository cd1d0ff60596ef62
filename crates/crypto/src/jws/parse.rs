//! Taking a compact JWS apart, strictly.

use std::fmt;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

use crate::base64url;

/// Why a text is not a compact JWS; the error of [`CompactJws::parse`] and [`CompactJws::claims`]. It repeats nothing
/// of the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidJws {
    /// Longer than the caller's limit.
    #[error("token of {length} bytes is longer than the limit of {limit}")]
    TooLong {
        /// How many bytes were given.
        length: usize,
        /// How many bytes are allowed.
        limit: usize,
    },
    /// Not three parts with dots between them.
    #[error("token must have exactly three parts separated by dots")]
    Parts,
    /// A part is not strict base64url.
    #[error("{part} is not unpadded base64url")]
    Base64 {
        /// Which part of the token it is.
        part: &'static str,
    },
    /// A part is not the JSON object that was expected; also for doubled members.
    #[error("{part} is not the expected JSON object")]
    Json {
        /// Which part of the token it is.
        part: &'static str,
    },
    /// The header demands extensions (`crit`, RFC 7515 §4.1.11); none is supported.
    #[error("header has critical extensions, none is supported")]
    Critical,
}

/// A compact JWS (RFC 7515 §7.1) taken apart and not yet verified: verify its signature with a key of your own choice
/// before you read its claims.
///
/// ```
/// use reveille_crypto::jws::CompactJws;
///
/// let jws = CompactJws::parse("eyJhbGciOiJIUzI1NiJ9.e30.-w", 1_000)?;
/// assert_eq!(jws.algorithm(), "HS256"); // compare it with what your key is for; never choose by it
/// assert_eq!(jws.signing_input(), b"eyJhbGciOiJIUzI1NiJ9.e30");
/// assert_eq!(jws.signature(), [0xfb]);
/// # Ok::<(), reveille_crypto::jws::InvalidJws>(())
/// ```
pub struct CompactJws<'a> {
    signing_input: &'a str,
    payload: Vec<u8>,
    signature: Vec<u8>,
    algorithm: String,
    token_type: Option<String>,
    key_id: Option<String>,
}

/// The header members that matter here (RFC 7515 §4.1). `jwk`, `jku`, `x5c` and the like are read over: a key is
/// never taken from the token it is to verify.
#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    typ: Option<String>,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default, deserialize_with = "present")]
    crit: bool,
}

/// Whether the member is there at all, whatever its value.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    serde::de::IgnoredAny::deserialize(deserializer).map(|_| true)
}

impl<'a> CompactJws<'a> {
    /// Takes a token of at most `limit` bytes apart.
    ///
    /// # Errors
    /// [`InvalidJws`].
    pub fn parse(token: &'a str, limit: usize) -> Result<Self, InvalidJws> {
        if token.len() > limit {
            return Err(InvalidJws::TooLong { length: token.len(), limit });
        }
        let (signing_input, signature) = token.rsplit_once('.').ok_or(InvalidJws::Parts)?;
        let (header, payload) = signing_input.split_once('.').ok_or(InvalidJws::Parts)?;
        if payload.contains('.') {
            return Err(InvalidJws::Parts);
        }
        let decode = |text, part| base64url::decode(text).map_err(|_| InvalidJws::Base64 { part });
        let header = decode(header, "header")?;
        let payload = decode(payload, "payload")?;
        let signature = decode(signature, "signature")?;
        let header: Header = from_json(&header, "header")?;
        if header.crit {
            return Err(InvalidJws::Critical);
        }
        Ok(Self {
            signing_input,
            payload,
            signature,
            algorithm: header.alg,
            token_type: header.typ,
            key_id: header.kid,
        })
    }

    /// The header's `alg`. Compare it with the one algorithm the key is for; never choose the algorithm by it.
    #[must_use]
    pub fn algorithm(&self) -> &str {
        &self.algorithm
    }

    /// Returns the header's `typ`, if there is one.
    #[must_use]
    pub fn token_type(&self) -> Option<&str> {
        self.token_type.as_deref()
    }

    /// Returns the header's `kid`, if there is one.
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// The bytes the signature is over.
    #[must_use]
    pub const fn signing_input(&self) -> &[u8] {
        self.signing_input.as_bytes()
    }

    /// Returns the signature's bytes.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// The payload. Not to be trusted before the signature is verified.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The payload as a struct. A derived `Deserialize` refuses doubled members.
    ///
    /// # Errors
    /// [`InvalidJws::Json`].
    pub fn claims<T: DeserializeOwned>(&self) -> Result<T, InvalidJws> {
        from_json(&self.payload, "payload")
    }
}

/// Only what is harmless in a log.
impl fmt::Debug for CompactJws<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CompactJws").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

fn from_json<T: DeserializeOwned>(json: &[u8], part: &'static str) -> Result<T, InvalidJws> {
    // A derived struct would also take a JSON array of its fields in order.
    if json.trim_ascii_start().first() != Some(&b'{') {
        return Err(InvalidJws::Json { part });
    }
    serde_json::from_slice(json).map_err(|_| InvalidJws::Json { part })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jws::UnsignedJws;
    use proptest::prelude::*;

    fn token(header: &str, payload: &str) -> String {
        format!("{}.{}.AA", base64url::encode(header.as_bytes()), base64url::encode(payload.as_bytes()))
    }

    #[test]
    fn texts() {
        let err = |token: &str| CompactJws::parse(token, 100).unwrap_err();
        insta::assert_snapshot!(err(&"a".repeat(101)), @"token of 101 bytes is longer than the limit of 100");
        insta::assert_snapshot!(err("e30.e30"), @"token must have exactly three parts separated by dots");
        insta::assert_snapshot!(err("e30.e30.e30.e30"), @"token must have exactly three parts separated by dots");
        insta::assert_snapshot!(err("e30=.e30.e30"), @"header is not unpadded base64url");
        insta::assert_snapshot!(err("e30.e30.e30"), @"header is not the expected JSON object");
        insta::assert_snapshot!(err(&token(r#"{"alg":"ES256","crit":["x"]}"#, "{}")), @"header has critical extensions, none is supported");
        insta::assert_snapshot!(err(&token(r#"{"alg":"ES256","crit":null}"#, "{}")), @"header has critical extensions, none is supported");
        insta::assert_snapshot!(err(&token(r#"{"alg":"ES256","alg":"none"}"#, "{}")), @"header is not the expected JSON object");
        insta::assert_snapshot!(err(&token(r#"["ES256"]"#, "{}")), @"header is not the expected JSON object");
    }

    #[test]
    fn what_is_said_is_not_printed() {
        let token = token(r#"{"alg":"ES256","kid":"SECRET"}"#, r#"{"sub":"SECRET"}"#);
        let jws = CompactJws::parse(&token, 200).unwrap();
        assert_eq!(format!("{jws:?}"), r#"CompactJws { algorithm: "ES256", .. }"#);
        // The limit is the last length that is read.
        assert!(CompactJws::parse(&token, token.len()).is_ok());
        assert!(CompactJws::parse(&token, token.len() - 1).is_err());
    }

    #[test]
    fn every_part_comes_out_as_it_went_in() {
        let header = r#"{"alg":"ES256","typ":"JWT","kid":"key-1"}"#;
        let unsigned = UnsignedJws::new(header.as_bytes(), br#"{"sub":"SECRET"}"#);
        assert_eq!(
            format!("{unsigned:?}"),
            format!("UnsignedJws {{ signing_input_bytes: {} }}", unsigned.signing_input().len())
        );
        let signed = unsigned.signing_input().to_vec();
        let token = unsigned.finish(b"signature");
        let jws = CompactJws::parse(&token, 200).unwrap();
        assert_eq!((jws.algorithm(), jws.token_type(), jws.key_id()), ("ES256", Some("JWT"), Some("key-1")));
        assert_eq!((jws.signing_input(), jws.signature()), (&*signed, &b"signature"[..]));
        assert_eq!(jws.payload(), br#"{"sub":"SECRET"}"#);
        let bare = UnsignedJws::new(br#"{"alg":"none"}"#, b"{}").finish(b"");
        let jws = CompactJws::parse(&bare, 200).unwrap();
        assert_eq!((jws.algorithm(), jws.token_type(), jws.key_id()), ("none", None, None));
    }

    proptest! {
        #[test]
        fn parse_is_total(text in "[A-Za-z0-9_.=-]{0,80}") {
            let _ = CompactJws::parse(&text, 1_000);
        }
    }
}
