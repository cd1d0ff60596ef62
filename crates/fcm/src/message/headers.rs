//! Headers that FCM passes on to Apple and to Web Push services.

use std::collections::BTreeMap;

use http::{HeaderName, HeaderValue};
use reveille_core::UnixTime;
use reveille_payload::WriteJson;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use super::text::{Text, is_unreserved, quoted};

/// Why a header cannot be passed on; the error of [`ApnsHeaders`] and [`WebpushHeaders`]. Names appear in the texts,
/// values do not.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidHeader {
    /// A name or a value that it cannot have.
    #[error("header {name:?} {problem}")]
    Header {
        /// Its name, cut to 64 bytes.
        name: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// More headers than anybody needs.
    #[error("more than {limit} headers")]
    TooMany {
        /// How many headers are allowed.
        limit: usize,
    },
}

/// A set of headers; the rules for known names are a function.
macro_rules! header_set {
    ($(#[$meta:meta])* $name:ident, $rule:ident) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct $name(BTreeMap<Text, Text>);

        impl $name {
            /// Headers that are accepted.
            pub const MAX_ENTRIES: usize = 64;

            /// From pairs; of doubled names the last stays.
            ///
            /// # Errors
            /// As [`with_header`](Self::with_header).
            pub fn new<K, V>(pairs: impl IntoIterator<Item = (K, V)>) -> Result<Self, InvalidHeader>
            where
                K: Into<Text>,
                V: Into<Text>,
            {
                let mut headers = Self::default();
                for (name, value) in pairs {
                    headers.insert(name, value)?;
                }
                Ok(headers)
            }

            /// With one more header, or another value for the same name; case does not matter.
            ///
            /// # Errors
            /// [`InvalidHeader::Header`] if the name is not a header name, the value is not visible ASCII and blanks, or
            /// a known header has a value it cannot have; [`InvalidHeader::TooMany`] above
            /// [`MAX_ENTRIES`](Self::MAX_ENTRIES).
            pub fn with_header(
                mut self,
                name: impl Into<Text>,
                value: impl Into<Text>,
            ) -> Result<Self, InvalidHeader> {
                self.insert(name, value)?;
                Ok(self)
            }

            pub(crate) fn insert(&mut self, name: impl Into<Text>, value: impl Into<Text>) -> Result<(), InvalidHeader> {
                let (name, value) = (name.into(), value.into());
                let fail = |problem| Err(InvalidHeader::Header { name: quoted(&name), problem });
                let Ok(lower) = HeaderName::from_bytes(name.as_bytes()) else {
                    return fail("has a name that is none (RFC 9110 §5.1)");
                };
                // `http` takes bytes above 127 as well, HTTP/2 servers need not (RFC 9110 §5.5).
                if HeaderValue::from_str(&value).is_err() || !value.is_ascii() {
                    return fail("has a value with control characters, or that is not ASCII");
                }
                if let Some(problem) = $rule(lower.as_str(), &value) {
                    return fail(problem);
                }
                if self.0.len() >= Self::MAX_ENTRIES && !self.0.contains_key(&name) {
                    return Err(InvalidHeader::TooMany { limit: Self::MAX_ENTRIES });
                }
                self.replace(name, value);
                Ok(())
            }

            /// Puts a header in the place of one whose name differs in case only.
            pub(crate) fn replace(&mut self, name: Text, value: Text) {
                self.0.retain(|known, _| !known.eq_ignore_ascii_case(&name));
                self.0.insert(name, value);
            }

            /// All headers, in the order of their names.
            pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
                self.0.iter().map(|(name, value)| (name.as_ref(), value.as_ref()))
            }

            /// The value of a header; case does not matter.
            #[must_use]
            pub fn value(&self, name: &str) -> Option<&str> {
                self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_ref())
            }
        }

        impl WriteJson for $name {
            fn write_json(&self, out: &mut Vec<u8>) {
                self.0.write_json(out);
            }
        }

        /// As an object of strings.
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_map(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let map = BTreeMap::<String, String>::deserialize(deserializer)?;
                Self::new(map).map_err(serde::de::Error::custom)
            }
        }
    };
}

header_set! {
    /// Headers for Apple's service, for [`ApnsConfig::with_headers`](super::ApnsConfig::with_headers). Without them
    /// FCM sends `apns-priority: 10` and an expiration in 30 days.
    ApnsHeaders, apns_rule
}
header_set! {
    /// Headers for the Web Push service behind FCM (RFC 8030 §5), such as `TTL` and `Urgency`, for
    /// [`WebpushConfig::with_headers`](super::WebpushConfig::with_headers).
    WebpushHeaders, webpush_rule
}

impl ApnsHeaders {
    /// With `apns-expiration`, in whole seconds: Apple tries no longer than this. [`UnixTime::EPOCH`] means once.
    #[must_use]
    pub fn with_expiration(mut self, at: UnixTime) -> Self {
        self.replace("apns-expiration".into(), at.as_secs().to_string().into());
        self
    }

    /// Sets the header `apns-priority`.
    #[must_use]
    pub fn with_priority(mut self, priority: ApnsPriority) -> Self {
        self.replace("apns-priority".into(), priority.as_str().into());
        self
    }
}

/// When Apple delivers (`apns-priority`), for [`ApnsHeaders::with_priority`]: 5 for data, 10 for what is shown at
/// once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ApnsPriority {
    /// `10`: at once. Not for pushes that show nothing.
    Immediate,
    /// `5`: when it suits the battery; what data alone needs.
    Considerate,
    /// `1`: nothing wakes the device for it.
    Low,
}

impl ApnsPriority {
    /// Returns the value of the header `apns-priority`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Immediate => "10",
            Self::Considerate => "5",
            Self::Low => "1",
        }
    }
}

/// `apns-push-type`, all that Apple knows in 2026.
const PUSH_TYPES: [&str; 12] = [
    "alert",
    "background",
    "complication",
    "controls",
    "fileprovider",
    "liveactivity",
    "location",
    "mdm",
    "pushtotalk",
    "urlsession",
    "voip",
    "widgets",
];

/// What is wrong with a header of "Sending notification requests to APNs".
fn apns_rule(name: &str, value: &str) -> Option<&'static str> {
    match name {
        "authorization" => Some("belongs to FCM; it has the key from the Firebase console"),
        "apns-priority" if !matches!(value, "1" | "5" | "10") => Some("must be 1, 5 or 10"),
        "apns-expiration" if !is_number(value) => Some("must be a number of seconds since 1970, or 0"),
        "apns-push-type" if !PUSH_TYPES.contains(&value) => Some("names no push type that Apple knows"),
        "apns-collapse-id" if value.is_empty() || value.len() > 64 => Some("must have 1 to 64 bytes"),
        _ => None,
    }
}

/// What is wrong with a header of RFC 8030.
fn webpush_rule(name: &str, value: &str) -> Option<&'static str> {
    match name {
        "authorization" => Some("belongs to FCM; it has the VAPID key from the Firebase console"),
        "ttl" if !is_number(value) => Some("must be a number of seconds (RFC 8030 §5.2)"),
        "urgency" if !matches!(value, "very-low" | "low" | "normal" | "high") => {
            Some("must be very-low, low, normal or high (RFC 8030 §5.3)")
        }
        "topic" if value.is_empty() || value.len() > 32 || !value.bytes().all(is_base64url) => {
            Some("must have 1 to 32 characters of base64url (RFC 8030 §5.4)")
        }
        _ => None,
    }
}

fn is_number(value: &str) -> bool {
    !value.is_empty() && value.len() <= 19 && value.bytes().all(|b| b.is_ascii_digit())
}

const fn is_base64url(byte: u8) -> bool {
    is_unreserved(byte) && !matches!(byte, b'.' | b'~' | b'%')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_headers_are_checked() {
        for (name, value) in [
            ("apns-priority", "high"),
            ("APNS-Priority", "7"),
            ("apns-expiration", "-1"),
            ("apns-push-type", "alarm"),
            ("x", "é"),
            ("apns-collapse-id", ""),
            ("authorization", "bearer x"),
            ("bad name", "x"),
            ("x", "line\nbreak"),
        ] {
            assert!(matches!(ApnsHeaders::new([(name, value)]), Err(InvalidHeader::Header { .. })), "{name}");
        }
        for (name, value) in
            [("TTL", "1h"), ("Urgency", "urgent"), ("Topic", "a.b"), ("topic", &"x".repeat(33))]
        {
            assert!(WebpushHeaders::new([(name, value.to_owned())]).is_err(), "{name}");
        }
        assert!(WebpushHeaders::new([("TTL", "15"), ("Urgency", "high"), ("Topic", "call_1")]).is_ok());
    }

    #[test]
    fn one_name_in_two_cases_is_one_header() {
        let headers = WebpushHeaders::new([("TTL", "15"), ("ttl", "16")]).unwrap();
        assert_eq!((headers.value("Ttl"), headers.0.len()), (Some("16"), 1));
    }

    #[test]
    fn typed_headers() {
        let headers = ApnsHeaders::default()
            .with_priority(ApnsPriority::Immediate)
            .with_expiration(UnixTime::from_millis(1_999));
        assert_eq!(headers.value("apns-priority"), Some("10"));
        assert_eq!(headers.value("apns-expiration"), Some("1"));
        // They replace what was given by name, whatever its case.
        let headers = ApnsHeaders::new([("APNS-Priority", "5"), ("Apns-Expiration", "7")]).unwrap();
        let headers = headers.with_priority(ApnsPriority::Immediate).with_expiration(UnixTime::from_secs(9));
        assert_eq!(
            (headers.value("apns-priority"), headers.value("apns-expiration")),
            (Some("10"), Some("9"))
        );
        assert_eq!(headers.0.len(), 2);
    }
}
