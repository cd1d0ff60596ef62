//! `apns-id` and `apns-request-id`.

use std::fmt;
use std::str::FromStr;

use http::HeaderValue;
use reveille_crypto::{CryptoError, SecureRandom};

use crate::InvalidValue;
use crate::text::serde_as_text;

/// A UUID that names one request (`apns-id`, `apns-request-id`): what to look for in Apple's delivery log. APNs echoes
/// it, and makes one itself where there is none.
///
/// ```
/// use reveille_apns::message::ApnsId;
/// let id: ApnsId = "EABEAE54-14A8-11E5-B60B-1697F925EC7B".parse()?;
/// assert_eq!(id.to_string(), "eabeae54-14a8-11e5-b60b-1697f925ec7b", "Apple wants lower case");
/// # Ok::<(), reveille_apns::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ApnsId([u8; 16]);

impl ApnsId {
    /// From the 16 bytes of any UUID.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// A random UUID (RFC 9562 §5.4).
    ///
    /// # Errors
    /// [`CryptoError`] if the random source fails.
    pub fn random(source: &dyn SecureRandom) -> Result<Self, CryptoError> {
        let mut bytes = [0; 16];
        source.fill(&mut bytes)?;
        let value = u128::from_be_bytes(bytes);
        let value = value & !(0xf << 76) | 0x4 << 76;
        let value = value & !(0x3 << 62) | 0x2 << 62;
        Ok(Self(value.to_be_bytes()))
    }

    /// Returns the 16 bytes of the UUID.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Canonical lower case, 8-4-4-4-12.
    fn text(self) -> [u8; 36] {
        let mut text = [b'-'; 36];
        let digits = self.0.iter().flat_map(|byte| [byte >> 4, byte & 0x0f]);
        let places = text.iter_mut().enumerate().filter(|(at, _)| !matches!(at, 8 | 13 | 18 | 23));
        for ((_, place), digit) in places.zip(digits) {
            *place = if digit < 10 { b'0' + digit } else { b'a' + digit - 10 };
        }
        text
    }

    pub(crate) fn header(self) -> Result<HeaderValue, InvalidValue> {
        HeaderValue::from_bytes(&self.text())
            .map_err(|_| InvalidValue::Form { what: "apns-id", expected: "a header value" })
    }
}

impl FromStr for ApnsId {
    type Err = InvalidValue;

    /// # Errors
    /// [`InvalidValue::Form`] unless it is 8-4-4-4-12 hexadecimal digits, in either case.
    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        const NOT_A_UUID: InvalidValue =
            InvalidValue::Form { what: "apns-id", expected: "a UUID, 8-4-4-4-12 hexadecimal digits" };
        if text.len() != 36 {
            return Err(NOT_A_UUID);
        }
        let mut value = 0_u128;
        for (at, byte) in text.bytes().enumerate() {
            if matches!(at, 8 | 13 | 18 | 23) {
                if byte != b'-' {
                    return Err(NOT_A_UUID);
                }
            } else {
                let digit = char::from(byte).to_digit(16).ok_or(NOT_A_UUID)?;
                value = value << 4 | u128::from(digit);
            }
        }
        Ok(Self(value.to_be_bytes()))
    }
}

impl fmt::Display for ApnsId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text().iter().try_for_each(|byte| write!(f, "{}", char::from(*byte)))
    }
}

impl fmt::Debug for ApnsId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApnsId({self})")
    }
}

serde_as_text!(ApnsId);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn round_trip(bytes: [u8; 16]) {
            let id = ApnsId::from_bytes(bytes);
            prop_assert_eq!(id.to_string().parse(), Ok(id));
            prop_assert_eq!(id.to_string().to_uppercase().parse(), Ok(id));
            prop_assert!(id.header().unwrap() == id.to_string());
        }

        #[test]
        fn parse_is_total(text in ".{30,40}") {
            let _ = text.parse::<ApnsId>();
        }
    }

    #[test]
    fn random_ids_are_version_4() {
        let text = ApnsId::random(reveille_crypto_ring::PROVIDER.random).unwrap().to_string();
        assert_eq!(text.chars().nth(14), Some('4'));
        assert!(matches!(text.chars().nth(19), Some('8' | '9' | 'a' | 'b')));
    }

    #[test]
    fn near_misses() {
        for text in [
            "",
            "eabeae5414a811e5b60b1697f925ec7b",
            "eabeae54-14a8-11e5-b60b-1697f925ec7g",
            "{eabeae54-14a8-11e5-b60b-1697f925ec7}",
        ] {
            assert!(text.parse::<ApnsId>().is_err(), "{text}");
        }
        insta::assert_snapshot!("x".parse::<ApnsId>().unwrap_err(), @"apns-id must be a UUID, 8-4-4-4-12 hexadecimal digits");
    }
}
