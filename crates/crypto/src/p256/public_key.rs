//! Public keys: what exists is on the curve.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use thiserror::Error;

use super::curve::is_on_curve;
use crate::base64url;

/// Bytes of an uncompressed point: 0x04 ‖ x ‖ y (SEC 1 §2.3.3).
pub const P256_PUBLIC_KEY_LEN: usize = 65;

/// A P-256 public key in uncompressed form, checked to be on the curve when it is made: a subscription's `p256dh`, a
/// VAPID key's public half. It is not a secret.
///
/// Serialised as unpadded base64url, the form of `k=` (RFC 8292 §3.2) and `p256dh`; parsing also takes padding and
/// the standard alphabet.
///
/// ```
/// use reveille_crypto::P256PublicKey;
/// // The user agent's key of RFC 8291 Appendix A.
/// let text = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
/// let key: P256PublicKey = text.parse()?;
/// assert_eq!(key.as_bytes()[0], 0x04);
/// assert_eq!(key.to_string(), text);
/// # Ok::<(), reveille_crypto::p256::InvalidPublicKey>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct P256PublicKey([u8; P256_PUBLIC_KEY_LEN]);

/// Why bytes are not a P-256 public key; the error of each constructor of [`P256PublicKey`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidPublicKey {
    /// Not base64url (nor base64).
    #[error("P-256 public key is not base64url: {0}")]
    Base64(#[from] base64url::InvalidBase64),
    /// Wrong number of bytes.
    #[error("P-256 public key must be {P256_PUBLIC_KEY_LEN} bytes, got {length}")]
    Length {
        /// How many bytes were given.
        length: usize,
    },
    /// The first byte does not announce an uncompressed point.
    #[error("P-256 public key must be an uncompressed point (first byte 0x04), got 0x{first:02x}")]
    Form {
        /// The first byte given.
        first: u8,
    },
    /// The coordinates do not satisfy the curve's equation.
    #[error("P-256 public key is not a point on the curve")]
    NotOnCurve,
}

impl P256PublicKey {
    /// Checks and takes an uncompressed point.
    ///
    /// # Errors
    /// [`InvalidPublicKey`] for a wrong length or form, or a point off the curve.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidPublicKey> {
        let point: &[u8; P256_PUBLIC_KEY_LEN] =
            bytes.try_into().map_err(|_| InvalidPublicKey::Length { length: bytes.len() })?;
        let [first, coordinates @ ..] = point;
        if *first != 0x04 {
            return Err(InvalidPublicKey::Form { first: *first });
        }
        let (Some((x, _)), Some((_, y))) =
            (coordinates.split_first_chunk::<32>(), coordinates.split_last_chunk::<32>())
        else {
            return Err(InvalidPublicKey::Length { length: bytes.len() });
        };
        if is_on_curve(x, y) { Ok(Self(*point)) } else { Err(InvalidPublicKey::NotOnCurve) }
    }

    /// Returns the uncompressed point, 65 bytes (0x04 ‖ x ‖ y).
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; P256_PUBLIC_KEY_LEN] {
        &self.0
    }

    /// The affine x coordinate, big-endian.
    #[must_use]
    pub fn x(&self) -> &[u8] {
        self.0.get(1..33).unwrap_or_default()
    }

    /// The affine y coordinate, big-endian.
    #[must_use]
    pub fn y(&self) -> &[u8] {
        self.0.get(33..).unwrap_or_default()
    }
}

impl AsRef<[u8]> for P256PublicKey {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl FromStr for P256PublicKey {
    type Err = InvalidPublicKey;
    fn from_str(text: &str) -> Result<Self, InvalidPublicKey> {
        Self::from_bytes(&base64url::decode_lenient(text)?)
    }
}

impl fmt::Display for P256PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base64url::encode(&self.0))
    }
}

impl fmt::Debug for P256PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "P256PublicKey({self})")
    }
}

impl Serialize for P256PublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for P256PublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str =
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";

    #[test]
    fn every_flipped_bit_leaves_the_curve_or_the_form() {
        let good = *KEY.parse::<P256PublicKey>().unwrap().as_bytes();
        for bit in 0..good.len() * 8 {
            let mut bad = good;
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(P256PublicKey::from_bytes(&bad).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn texts() {
        let err = |bytes: &[u8]| P256PublicKey::from_bytes(bytes).unwrap_err();
        insta::assert_snapshot!(err(&[]), @"P-256 public key must be 65 bytes, got 0");
        insta::assert_snapshot!(err(&[2; 65]), @"P-256 public key must be an uncompressed point (first byte 0x04), got 0x02");
        insta::assert_snapshot!(err(&[4; 65]), @"P-256 public key is not a point on the curve");
        insta::assert_snapshot!("*".parse::<P256PublicKey>().unwrap_err(), @"P-256 public key is not base64url: invalid character or length");
    }

    #[test]
    fn kept_as_text() {
        let key: P256PublicKey = KEY.parse().unwrap();
        assert_eq!(key.to_string(), KEY);
        assert_eq!(format!("{key:?}"), format!("P256PublicKey({KEY})"));
        assert_eq!([&[4], key.x(), key.y()].concat(), key.as_bytes());
        assert_eq!(key.as_ref(), key.as_bytes());
        let json = serde_json::to_string(&key).unwrap();
        assert_eq!(json, format!("\"{KEY}\""));
        assert_eq!(serde_json::from_str::<P256PublicKey>(&json).unwrap(), key);
        // Escaped, it is no part of the input any more.
        let escaped = json.replacen('B', r"\u0042", 1);
        assert_eq!(serde_json::from_str::<P256PublicKey>(&escaped).unwrap(), key);
        insta::assert_snapshot!(serde_json::from_str::<P256PublicKey>("\"BA\"").unwrap_err(), @"P-256 public key must be 65 bytes, got 1");
        assert!(serde_json::from_str::<P256PublicKey>("7").is_err());
    }

    #[test]
    fn coordinates_not_below_p_are_refused() {
        // (0, √b) with x written as p instead of 0.
        let p = [
            0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff,
            0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        ];
        let sqrt_b = [
            0x66, 0x48, 0x5c, 0x78, 0x0e, 0x2f, 0x83, 0xd7, 0x24, 0x33, 0xbd, 0x5d, 0x84, 0xa0, 0x6b, 0xb6,
            0x54, 0x1c, 0x2a, 0xf3, 0x1d, 0xae, 0x87, 0x17, 0x28, 0xbf, 0x85, 0x6a, 0x17, 0x4f, 0x93, 0xf4,
        ];
        let point = |x: &[u8]| [&[4], x, &sqrt_b].concat();
        assert!(P256PublicKey::from_bytes(&point(&[0; 32])).is_ok(), "(0, √b) is on the curve");
        assert_eq!(P256PublicKey::from_bytes(&point(&p)), Err(InvalidPublicKey::NotOnCurve));
    }
}
