//! `apns-push-type`, and all that follows from it.

use std::fmt;
use std::str::FromStr;

use http::HeaderValue;
use reveille_payload::check_text;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::InvalidValue;

/// The kind of a push, which becomes the `apns-push-type` header. The typed notifications set it; [`Raw`](crate::Raw)
/// takes one.
///
/// It decides the topic's suffix, the size limit and what the payload may hold (Apple, "Sending notification requests
/// to APNs", table of push types). The typed notifications choose it themselves; only [`Raw`](crate::Raw) is told.
///
/// JSON form: the header's value as a string; of [`Other`](Self::Other) `{"name":…,"topic_suffix":…}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PushType {
    /// Something the user sees or hears.
    Alert,
    /// Wakes the app for work, shows nothing.
    Background,
    /// Updates a watchOS complication.
    Complication,
    /// Reloads a control (Control Center, Lock Screen).
    Controls,
    /// Signals changes to a File Provider extension.
    FileProvider,
    /// Starts, updates or ends a Live Activity.
    LiveActivity,
    /// Asks a Location Push Service extension for the position.
    Location,
    /// Makes a managed device contact its MDM server.
    Mdm,
    /// Push to Talk.
    PushToTalk,
    /// An incoming call, through PushKit.
    Voip,
    /// Reloads widgets.
    Widgets,
    /// What Apple invents tomorrow.
    Other(OtherPushType),
}

/// A push type that this crate does not know: its name, and the suffix of its topic. Use it with [`Raw`](crate::Raw)
/// for what Apple invents tomorrow.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "OtherForm", into = "OtherForm")]
pub struct OtherPushType {
    name: String,
    topic_suffix: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename = "push type", deny_unknown_fields)]
struct OtherForm {
    name: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    topic_suffix: String,
}

impl PushType {
    /// All that are known.
    pub const ALL: [Self; 11] = [
        Self::Alert,
        Self::Background,
        Self::Complication,
        Self::Controls,
        Self::FileProvider,
        Self::LiveActivity,
        Self::Location,
        Self::Mdm,
        Self::PushToTalk,
        Self::Voip,
        Self::Widgets,
    ];

    /// A push type of tomorrow: the value of its header, and what its topic has behind the bundle id (empty, or with a
    /// dot in front). Its payload may have 4,096 bytes.
    ///
    /// ```
    /// use reveille_apns::message::PushType;
    /// let kind = PushType::other("hologram", ".push-type.hologram")?;
    /// assert_eq!((kind.as_str(), kind.topic_suffix()), ("hologram", ".push-type.hologram"));
    /// assert!(PushType::other("voip", "").is_err(), "this one is known");
    /// # Ok::<(), reveille_apns::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`InvalidValue`] unless the name is 1 to 64 lower-case letters, digits and hyphens and not a known one, and the
    /// suffix is empty, or a dot and letters, digits, dots, hyphens and underscores, at most 64 bytes.
    pub fn other(name: &str, topic_suffix: &str) -> Result<Self, InvalidValue> {
        OtherPushType::new(name, topic_suffix).map(Self::Other)
    }

    /// Returns the value of the header `apns-push-type`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Other(other) => &other.name,
            known => known.known().unwrap_or_default(),
        }
    }

    /// The header's value; of those that are known it is not copied.
    pub(crate) fn header(&self) -> Result<HeaderValue, InvalidValue> {
        self.known()
            .map_or_else(|| HeaderValue::from_str(self.as_str()), |known| Ok(HeaderValue::from_static(known)))
            .map_err(|_| InvalidValue::Form { what: "apns-push-type", expected: "a header value" })
    }

    const fn known(&self) -> Option<&'static str> {
        Some(match self {
            Self::Alert => "alert",
            Self::Background => "background",
            Self::Complication => "complication",
            Self::Controls => "controls",
            Self::FileProvider => "fileprovider",
            Self::LiveActivity => "liveactivity",
            Self::Location => "location",
            Self::Mdm => "mdm",
            Self::PushToTalk => "pushtotalk",
            Self::Voip => "voip",
            Self::Widgets => "widgets",
            Self::Other(_) => return None,
        })
    }

    /// What `apns-topic` has behind the bundle id; empty for those whose topic is the id itself.
    #[must_use]
    pub fn topic_suffix(&self) -> &str {
        match self {
            Self::Alert | Self::Background | Self::Mdm => "",
            Self::Complication => ".complication",
            Self::Controls => ".push-type.controls",
            Self::FileProvider => ".pushkit.fileprovider",
            Self::LiveActivity => ".push-type.liveactivity",
            Self::Location => ".location-query",
            Self::PushToTalk => ".voip-ptt",
            Self::Voip => ".voip",
            Self::Widgets => ".push-type.widgets",
            Self::Other(other) => &other.topic_suffix,
        }
    }

    /// Apple's hard limit of the payload, in bytes: 5,120 for VoIP, 4,096 for all others.
    #[must_use]
    pub const fn max_payload(&self) -> usize {
        match self {
            Self::Voip => 5_120,
            _ => 4_096,
        }
    }
}

impl OtherPushType {
    fn new(name: &str, topic_suffix: &str) -> Result<Self, InvalidValue> {
        const WHAT: &str = "apns-push-type";
        let in_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        check_text(WHAT, name, 64, "lower-case letters, digits and hyphens", in_name)?;
        if name.parse::<PushType>().is_ok() {
            return Err(InvalidValue::Form { what: WHAT, expected: "one that is not known already" });
        }
        if !topic_suffix.is_empty() {
            let in_suffix = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
            let allowed = "letters, digits, dots, hyphens and underscores";
            check_text("suffix of apns-topic", topic_suffix, 64, allowed, in_suffix)?;
            if !topic_suffix.starts_with('.') {
                return Err(InvalidValue::Form {
                    what: "suffix of apns-topic",
                    expected: "empty or begin with a dot",
                });
            }
        }
        Ok(Self { name: name.to_owned(), topic_suffix: topic_suffix.to_owned() })
    }
}

impl FromStr for PushType {
    type Err = InvalidValue;

    /// # Errors
    /// [`InvalidValue::Form`] unless it is one of [`ALL`](Self::ALL).
    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let known = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        known.ok_or(InvalidValue::Form { what: "apns-push-type", expected: "one that is known" })
    }
}

impl fmt::Display for PushType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<OtherPushType> for OtherForm {
    fn from(OtherPushType { name, topic_suffix }: OtherPushType) -> Self {
        Self { name, topic_suffix }
    }
}

impl TryFrom<OtherForm> for OtherPushType {
    type Error = InvalidValue;

    fn try_from(form: OtherForm) -> Result<Self, InvalidValue> {
        Self::new(&form.name, &form.topic_suffix)
    }
}

impl Serialize for PushType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Other(other) => other.serialize(serializer),
            known => serializer.serialize_str(known.as_str()),
        }
    }
}

impl<'de> Deserialize<'de> for PushType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TypeVisitor;

        impl<'de> Visitor<'de> for TypeVisitor {
            type Value = PushType;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a push type, or {\"name\", \"topic_suffix\"} of another one")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<PushType, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<PushType, A::Error> {
                OtherPushType::deserialize(MapAccessDeserializer::new(map)).map(PushType::Other)
            }
        }

        deserializer.deserialize_any(TypeVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serialises_as_its_header() {
        for kind in PushType::ALL {
            let json = serde_json::to_string(&kind).unwrap();
            assert_eq!(json, format!("{:?}", kind.as_str()));
            assert_eq!(serde_json::from_str::<PushType>(&json).unwrap(), kind);
        }
    }

    #[test]
    fn tomorrows_types_are_kept_and_checked() {
        let kind = PushType::other("holo-gram", ".x").unwrap();
        let json = serde_json::to_string(&kind).unwrap();
        assert_eq!(json, r#"{"name":"holo-gram","topic_suffix":".x"}"#);
        assert_eq!(serde_json::from_str::<PushType>(&json).unwrap(), kind);
        assert_eq!(kind.max_payload(), 4_096);
        for (name, suffix) in
            [("", ""), ("A", ""), ("a b", ""), ("alert", ""), ("x", "x"), ("x", ".é"), ("x", ".a/b")]
        {
            assert!(PushType::other(name, suffix).is_err(), "{name} {suffix}");
            let json = serde_json::json!({"name": name, "topic_suffix": suffix});
            assert!(serde_json::from_value::<PushType>(json).is_err(), "{name} {suffix}");
        }
        insta::assert_snapshot!(PushType::other("voip", "").unwrap_err(), @"apns-push-type must be one that is not known already");
        insta::assert_snapshot!(PushType::other("x", "x").unwrap_err(), @"suffix of apns-topic must be empty or begin with a dot");
        insta::assert_snapshot!("sms".parse::<PushType>().unwrap_err(), @"apns-push-type must be one that is known");
    }
}
