//! Where a push goes.

use std::fmt;
use std::str::FromStr;

use bytes::{BufMut as _, Bytes, BytesMut};
use http::uri::PathAndQuery;

use reveille_payload::check_text;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::InvalidValue;

const PREFIX: &str = "/3/device/";

/// A device token (or a Live Activity's push token), in hexadecimal as apps report it. It is the target of every push
/// that is not a broadcast; keep it parsed.
///
/// It holds the request's path ready made, so that a fan-out copies nothing; a clone shares it. `Debug` never shows
/// it, and it has no `Display`; [`expose`](Self::expose) and serde give the text. Apple says to make no assumption about its length, and none is made below [`MAX_LEN`](Self::MAX_LEN).
///
/// ```
/// use reveille_apns::DeviceToken;
/// let token: DeviceToken = "00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0".parse()?;
/// assert_eq!(token.path(), "/3/device/00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0");
/// assert_eq!(format!("{token:?}"), "DeviceToken(…)");
/// # Ok::<(), reveille_apns::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct DeviceToken(PathAndQuery);

impl DeviceToken {
    /// The most that is taken, in characters: a bound against nonsense, far above what Apple issues (64, and up to
    /// about 200 for Live Activities).
    pub const MAX_LEN: usize = 1_024;

    /// Reads many tokens into shared buffers: one allocation for two hundred of them instead of two for each, and
    /// none at all while those that were read before are dropped in time. A buffer lives as long as the last token
    /// in it, so keep what is read one by one instead.
    ///
    /// ```
    /// use reveille_apns::DeviceToken;
    /// let tokens: Vec<_> = DeviceToken::parse_many(["00fc", "no token", "13ad"]).collect();
    /// assert_eq!(tokens[2].as_ref().map(DeviceToken::expose), Ok("13ad"));
    /// assert!(tokens[1].is_err());
    /// ```
    pub fn parse_many<'t>(
        texts: impl IntoIterator<Item = &'t str>,
    ) -> impl Iterator<Item = Result<Self, InvalidValue>> {
        const CHUNK: usize = 16 * 1024;
        let mut buffer = BytesMut::with_capacity(CHUNK);
        texts.into_iter().map(move |text| {
            check(text)?;
            buffer.reserve(PREFIX.len() + text.len());
            Self::within(&mut buffer, text)
        })
    }

    /// The token, as it was given.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.path().trim_start_matches(PREFIX)
    }

    /// Returns the path of a request to this device.
    #[must_use]
    pub fn path(&self) -> &str {
        self.0.path()
    }

    pub(crate) fn path_and_query(&self) -> PathAndQuery {
        self.0.clone()
    }

    /// `split` leaves bytes that are shared already, so that a later clone does not allocate.
    fn within(buffer: &mut BytesMut, text: &str) -> Result<Self, InvalidValue> {
        buffer.put_slice(PREFIX.as_bytes());
        buffer.put_slice(text.as_bytes());
        let path: Bytes = buffer.split().freeze();
        let path = PathAndQuery::from_maybe_shared(path);
        path.map(Self).map_err(|_| InvalidValue::Form { what: WHAT, expected: "a URL path segment" })
    }
}

const WHAT: &str = "device token";

fn check(text: &str) -> Result<(), InvalidValue> {
    check_text(WHAT, text, DeviceToken::MAX_LEN, "hexadecimal digits", |byte| byte.is_ascii_hexdigit())?;
    Ok(())
}

impl FromStr for DeviceToken {
    type Err = InvalidValue;

    /// # Errors
    /// [`InvalidValue`] unless it is 1 to 1,024 hexadecimal digits.
    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        check(text)?;
        Self::within(&mut BytesMut::with_capacity(PREFIX.len() + text.len()), text)
    }
}

/// As text: a registry and a queue keep it.
impl Serialize for DeviceToken {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.expose())
    }
}

impl<'de> Deserialize<'de> for DeviceToken {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'_, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl fmt::Debug for DeviceToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceToken(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn one_by_one_and_many_agree(texts in prop::collection::vec("[0-9a-fA-Fg/]{0,80}", 0..50)) {
            let one_by_one: Vec<_> = texts.iter().map(|text| text.parse::<DeviceToken>()).collect();
            let many: Vec<_> = DeviceToken::parse_many(texts.iter().map(String::as_str)).collect();
            prop_assert_eq!(&many, &one_by_one);
            for (text, token) in texts.iter().zip(one_by_one) {
                if let Ok(token) = token {
                    prop_assert_eq!(token.expose(), text);
                }
            }
        }
    }

    #[test]
    fn kept_as_text() {
        let token: DeviceToken = serde_json::from_str("\"00Fc\"").unwrap();
        assert_eq!((token.expose(), serde_json::to_string(&token).unwrap().as_str()), ("00Fc", "\"00Fc\""));
        let refused = serde_json::from_str::<DeviceToken>("\"SECRET\"").unwrap_err().to_string();
        assert!(!refused.contains("SECRET"), "{refused}");
    }

    #[test]
    fn no_length_is_assumed() {
        assert!("ab".parse::<DeviceToken>().is_ok());
        assert!("a".repeat(200).parse::<DeviceToken>().is_ok());
        assert!("a".repeat(1_025).parse::<DeviceToken>().is_err());
    }

    #[test]
    fn more_than_one_chunk() {
        let texts = vec!["f".repeat(1_000); 200];
        let tokens: Vec<_> = DeviceToken::parse_many(texts.iter().map(String::as_str)).collect();
        assert!(tokens.iter().all(|token| token.as_ref().unwrap().expose() == texts[0]));
    }
}
