//! The app a push is for.

use std::fmt;
use std::str::FromStr;

use http::HeaderValue;

use reveille_payload::check_text;

use crate::InvalidValue;
use crate::message::PushType;
use crate::text::serde_as_text;

/// The app's bundle id, from which `apns-topic` is made, for [`App`](crate::App); for MDM, the topic (UID) of the MDM
/// push certificate.
///
/// ```
/// use reveille_apns::BundleId;
/// use reveille_apns::message::PushType;
/// let app: BundleId = "com.example.app".parse()?;
/// assert_eq!(app.topic(&PushType::Voip), "com.example.app.voip");
/// assert_eq!(app.topic(&PushType::Alert), "com.example.app");
/// # Ok::<(), reveille_apns::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BundleId {
    text: String,
    /// The same as a header's value, which all requests share whose topic has no suffix.
    plain: HeaderValue,
}

const NO_HEADER: InvalidValue = InvalidValue::Form { what: "apns-topic", expected: "a header value" };

impl BundleId {
    /// The most that is taken, in bytes.
    pub const MAX_LEN: usize = 255;

    /// Returns the bundle id as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The value of `apns-topic` for a kind of push. The suffix is always added: an app may well be called
    /// `com.example.voip`, and its VoIP topic is `com.example.voip.voip`.
    #[must_use]
    pub fn topic(&self, kind: &PushType) -> String {
        [self.as_str(), kind.topic_suffix()].concat()
    }

    pub(crate) fn topic_header(&self, kind: &PushType) -> Result<HeaderValue, InvalidValue> {
        if kind.topic_suffix().is_empty() {
            return Ok(self.plain.clone());
        }
        HeaderValue::try_from(self.topic(kind)).map_err(|_| NO_HEADER)
    }
}

impl FromStr for BundleId {
    type Err = InvalidValue;

    /// # Errors
    /// [`InvalidValue`] unless it is 1 to 255 letters, digits, dots, hyphens and underscores.
    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        check_text(
            "bundle id",
            text,
            Self::MAX_LEN,
            "letters, digits, dots, hyphens and underscores",
            allowed,
        )?;
        let plain = HeaderValue::from_str(text).map_err(|_| NO_HEADER)?;
        Ok(Self { text: text.to_owned(), plain })
    }
}

impl fmt::Display for BundleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for BundleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BundleId({})", self.text)
    }
}

serde_as_text!(BundleId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suffixes() {
        let app: BundleId = "a.b".parse().unwrap();
        let topics: Vec<_> = PushType::ALL.iter().map(|kind| app.topic(kind)).collect();
        assert_eq!(
            topics,
            [
                "a.b",
                "a.b",
                "a.b.complication",
                "a.b.push-type.controls",
                "a.b.pushkit.fileprovider",
                "a.b.push-type.liveactivity",
                "a.b.location-query",
                "a.b",
                "a.b.voip-ptt",
                "a.b.voip",
                "a.b.push-type.widgets",
            ]
        );
        let softphone: BundleId = "a.b.voip".parse().unwrap();
        assert_eq!(softphone.topic(&PushType::Alert), "a.b.voip");
        assert_eq!(softphone.topic(&PushType::Voip), "a.b.voip.voip");
    }

    #[test]
    fn nothing_that_would_break_a_header_or_a_path() {
        for text in ["", "a b", "a/b", "a\r\nb", "a?b", "é", &"a".repeat(256)] {
            assert!(text.parse::<BundleId>().is_err(), "{text:?}");
        }
    }
}
