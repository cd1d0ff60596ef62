//! Where a message goes.

use std::fmt;

use super::text::{Text, UNRESERVED, check, is_unreserved};
use crate::json::{Fields, Json, ObjectWriter, read_through_parse, set_once};
use crate::{Condition, MessageError};

/// The one target of a message. They exclude each other.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// A Firebase installation; what new code should use.
    Fid(Fid),
    /// A registration token; Google calls it deprecated, it is what apps send today.
    Token(RegistrationToken),
    /// Everybody who subscribed to a topic.
    Topic(Topic),
    /// A combination of topics.
    Condition(Condition),
}

impl Target {
    /// A single device, rather than a topic or a condition. The two have different size limits.
    #[must_use]
    pub const fn is_device(&self) -> bool {
        matches!(self, Self::Fid(_) | Self::Token(_))
    }

    /// The label with its comma, as it stands behind the last field of a message, and the value.
    pub(crate) fn member(&self) -> (&'static str, &str) {
        match self {
            Self::Fid(fid) => (",\"fid\":", fid.expose()),
            Self::Token(token) => (",\"token\":", token.expose()),
            Self::Topic(topic) => (",\"topic\":", topic.as_str()),
            Self::Condition(condition) => (",\"condition\":", condition.as_str()),
        }
    }
}

impl Fields for Target {
    fn write_fields(&self, object: &mut ObjectWriter<'_>) {
        let (label, value) = self.member();
        object.member(label, &Text::Owned(value.to_owned()));
    }

    fn read_field<'de, A: serde::de::MapAccess<'de>>(
        slot: &mut Option<Self>,
        key: &str,
        map: &mut A,
    ) -> Result<bool, A::Error> {
        fn read<'de, T: serde::Deserialize<'de>, A: serde::de::MapAccess<'de>>(
            slot: &mut Option<Target>,
            name: &'static str,
            map: &mut A,
            make: fn(T) -> Target,
        ) -> Result<bool, A::Error> {
            let mut value = None;
            set_once::<T, A>(&mut value, name, map)?;
            if let Some(value) = value
                && slot.replace(make(value)).is_some()
            {
                return Err(serde::de::Error::custom(MessageError::Targets { found: 2 }));
            }
            Ok(true)
        }
        match key {
            "fid" => read(slot, "fid", map, Target::Fid),
            "token" => read(slot, "token", map, Target::Token),
            "topic" => read(slot, "topic", map, Target::Topic),
            "condition" => read(slot, "condition", map, Target::Condition),
            _ => Ok(false),
        }
    }
}

impl From<Fid> for Target {
    fn from(fid: Fid) -> Self {
        Self::Fid(fid)
    }
}

impl From<RegistrationToken> for Target {
    fn from(token: RegistrationToken) -> Self {
        Self::Token(token)
    }
}

impl From<Topic> for Target {
    fn from(topic: Topic) -> Self {
        Self::Topic(topic)
    }
}

impl From<Condition> for Target {
    fn from(condition: Condition) -> Self {
        Self::Condition(condition)
    }
}

/// A device name: whoever has it and a credential can send to the device, so it is never printed.
macro_rules! device_name {
    ($(#[$meta:meta])* $name:ident, $what:literal, $limit:literal) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq, Hash)]
        pub struct $name(Box<str>);

        impl $name {
            /// The longest accepted, in bytes.
            pub const MAX_LEN: usize = $limit;

            /// Checks it: visible ASCII without `"` and `\`.
            ///
            /// # Errors
            /// [`MessageError`].
            pub fn parse(text: impl Into<Text>) -> Result<Self, MessageError> {
                let text = text.into();
                check($what, &text, Self::MAX_LEN, "visible ASCII without quote and backslash", is_plain)?;
                Ok(Self(text.into_owned().into_boxed_str()))
            }

            /// The text; the long name is there to be found in a review.
            #[must_use]
            pub fn expose(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({} bytes)"), self.0.len())
            }
        }

        impl Json for $name {
            fn write(&self, out: &mut Vec<u8>) {
                self.0.write(out);
            }
        }
    };
}

device_name! {
    /// A registration token, as the client SDK's `getToken` gives it. During Google's transition FCM also takes a
    /// Firebase installation id in its place.
    RegistrationToken, "registration token", 4_096
}
device_name! {
    /// A Firebase installation id.
    Fid, "fid", 512
}
device_name! {
    /// The push token of a Live Activity on Apple devices (`ApnsConfig.liveActivityToken`).
    LiveActivityToken, "live activity token", 4_096
}

const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_graphic() && byte != b'"' && byte != b'\\'
}

/// A topic's name without the `/topics/` of the old API: `[a-zA-Z0-9-_.~%]{1,900}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Topic(Text);

impl Topic {
    /// The longest, in bytes.
    pub const MAX_LEN: usize = 900;

    /// Checks it.
    ///
    /// # Errors
    /// [`MessageError`].
    pub fn parse(text: impl Into<Text>) -> Result<Self, MessageError> {
        let text = text.into();
        check("topic", &text, Self::MAX_LEN, UNRESERVED, is_unreserved)?;
        Ok(Self(text))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

read_through_parse!(RegistrationToken, Fid, LiveActivityToken, Topic);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn device_names_are_not_printed() {
        let target = Target::from(RegistrationToken::parse("SECRET").unwrap());
        insta::assert_snapshot!(format!("{target:?}"), @"Token(RegistrationToken(6 bytes))");
        let target = Target::from(Fid::parse("SECRET").unwrap());
        insta::assert_snapshot!(format!("{target:?}"), @"Fid(Fid(6 bytes))");
        insta::assert_snapshot!(format!("{:?}", LiveActivityToken::parse("SECRET").unwrap()), @"LiveActivityToken(6 bytes)");
    }

    #[test]
    fn a_name_that_could_break_out_of_its_string_is_refused() {
        for text in ["", "a\"b", "a\\b", "a b", "a\nb", "é"] {
            assert!(RegistrationToken::parse(text).is_err(), "{text:?}");
        }
        assert!(RegistrationToken::parse("x".repeat(4_097)).is_err());
        assert!(RegistrationToken::parse("cE8-_x:APA91bF~%/+=").is_ok());
    }

    #[test]
    fn topics_follow_the_pattern_of_the_schema() {
        for text in ["weather", "a-b_c.d~e%20", "0"] {
            assert_eq!(Topic::parse(text).unwrap().as_str(), text);
        }
        for text in ["", "/topics/weather", "a b", "ä", "'", &"x".repeat(901)] {
            assert!(Topic::parse(text.to_owned()).is_err(), "{text:?}");
        }
    }
}
