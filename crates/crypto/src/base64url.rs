//! base64url as JOSE and Web Push use it (RFC 4648 §5, RFC 7515 §2).

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{
    DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::URL_SAFE_NO_PAD,
};
use thiserror::Error;

const LENIENT_CONFIG: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const LENIENT_URL: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT_CONFIG);
const LENIENT_STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT_CONFIG);

/// Text that is not base64url (RFC 4648 §5); the error of [`decode`] and its sisters. It repeats nothing of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("invalid character or length")]
#[allow(clippy::exhaustive_structs, reason = "it says all there is to say")]
pub struct InvalidBase64;

/// Encodes bytes in the URL-safe alphabet, without padding (RFC 4648 §5).
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Encodes without padding at the end of `out`.
pub fn encode_to(bytes: &[u8], out: &mut String) {
    URL_SAFE_NO_PAD.encode_string(bytes, out);
}

/// Decodes strictly: no padding, no other alphabet, no stray bits in the last character, so that one value has one text.
///
/// # Errors
/// [`InvalidBase64`].
pub fn decode(text: &str) -> Result<Vec<u8>, InvalidBase64> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidBase64)
}

/// Decodes what is found in the wild: with or without padding, in the URL-safe or in the standard alphabet, but not
/// both in one text.
///
/// # Errors
/// [`InvalidBase64`].
pub fn decode_lenient(text: &str) -> Result<Vec<u8>, InvalidBase64> {
    let engine = if text.contains(['+', '/']) { LENIENT_STANDARD } else { LENIENT_URL };
    engine.decode(text).map_err(|_| InvalidBase64)
}

/// [`decode_lenient`] into a caller's buffer, without a heap allocation: the number of bytes written.
///
/// # Errors
/// [`InvalidBase64`], also if the buffer is too small. The buffer must hold the decoded length rounded up to the next multiple of 3.
pub fn decode_lenient_to(text: &str, out: &mut [u8]) -> Result<usize, InvalidBase64> {
    let engine = if text.contains(['+', '/']) { LENIENT_STANDARD } else { LENIENT_URL };
    engine.decode_slice(text, out).map_err(|_| InvalidBase64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lenient_takes_what_browsers_and_servers_write() {
        for text in ["-_8", "-_8=", "+/8", "+/8="] {
            assert_eq!(decode_lenient(text), Ok(vec![0xfb, 0xff]), "{text}");
        }
        for text in ["-/8", "-_8==", "-_8 ", " -_8", "-_9", "a", "é"] {
            assert_eq!(decode_lenient(text), Err(InvalidBase64), "{text}");
        }
    }

    #[test]
    fn strict_has_one_text_per_value() {
        assert_eq!(decode("-_8"), Ok(vec![0xfb, 0xff]));
        for text in ["-_8=", "+/8", "-_9"] {
            assert_eq!(decode(text), Err(InvalidBase64), "{text}");
        }
    }

    proptest! {
        #[test]
        fn round_trip(bytes: Vec<u8>) {
            let text = encode(&bytes);
            prop_assert_eq!(decode(&text), Ok(bytes.clone()));
            prop_assert_eq!(decode_lenient(&text), Ok(bytes.clone()));
            let mut buffer = vec![0; bytes.len() + 3];
            prop_assert_eq!(decode_lenient_to(&text, &mut buffer), Ok(bytes.len()));
            prop_assert_eq!(&buffer[..bytes.len()], &bytes);
        }
    }
}
