//! Vector files of `vectors/`; their sources are in `vectors/SOURCE.md`.

use reveille_crypto::base64url;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error as _};

/// Bytes written in hexadecimal.
#[derive(Debug)]
pub(super) struct Hex(pub(super) Vec<u8>);

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits = text.chars().map(|c| c.to_digit(16)).collect::<Option<Vec<_>>>();
        let digits =
            digits.filter(|digits| digits.len() % 2 == 0).ok_or_else(|| D::Error::custom("not hex"))?;
        Ok(Self(digits.chunks(2).map(|pair| (pair[0] << 4 | pair[1]) as u8).collect()))
    }
}

/// Bytes written in base64url.
#[derive(Debug)]
pub(super) struct Base64(pub(super) Vec<u8>);

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        base64url::decode(&String::deserialize(deserializer)?).map(Self).map_err(D::Error::custom)
    }
}

/// The file's content.
pub(super) fn load<T: DeserializeOwned>(json: &str) -> T {
    serde_json::from_str(json).expect("a vector file of this crate")
}

/// `rfc7515.json`.
#[derive(serde::Deserialize)]
pub(super) struct Rfc7515 {
    pub(super) hs256: Symmetric,
    pub(super) rs256: Asymmetric<RsaJwk>,
    pub(super) es256: Asymmetric<serde_json::Value>,
}

/// RFC 7515 A.1.
#[derive(serde::Deserialize)]
pub(super) struct Symmetric {
    pub(super) k: Base64,
    pub(super) token: String,
}

/// RFC 7515 A.2 and A.3.
#[derive(serde::Deserialize)]
pub(super) struct Asymmetric<Jwk> {
    pub(super) jwk: Jwk,
    pub(super) token: String,
}

/// An RSA key in the members of RFC 7518 §6.3.
#[derive(serde::Deserialize)]
pub(super) struct RsaJwk {
    pub(super) n: Base64,
    pub(super) e: Base64,
    pub(super) d: Base64,
    pub(super) p: Base64,
    pub(super) q: Base64,
    pub(super) dp: Base64,
    pub(super) dq: Base64,
    pub(super) qi: Base64,
}

impl Rfc7515 {
    pub(super) fn load() -> Self {
        load(include_str!("../../vectors/rfc7515.json"))
    }
}

/// Every variant of `bytes` with one bit flipped.
pub(super) fn flipped_bits(bytes: &[u8]) -> impl Iterator<Item = (usize, Vec<u8>)> + '_ {
    (0..bytes.len() * 8).map(|bit| {
        let mut flipped = bytes.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        (bit, flipped)
    })
}
