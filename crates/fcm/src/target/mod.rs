//! Where a message goes: [`Target`], and what it is made of.

mod condition;
mod names;
mod topic;

pub use condition::{Condition, InvalidCondition};
pub use names::{Fid, LiveActivityToken, RegistrationToken};
pub use topic::Topic;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::schema::{ReadFields, read_object, set_once};

/// The one target of a message: a device, a topic or a condition. Make it `from` the name of one; a message that goes
/// to several targets is sent several times.
///
/// Serialised as an object with one member, as in the schema; `Debug` never shows a device.
///
/// ```
/// use reveille_fcm::{RegistrationToken, Target};
/// let target = Target::from(RegistrationToken::new("device-7")?);
/// let json = serde_json::to_string(&target)?;
/// assert_eq!(json, r#"{"token":"device-7"}"#);
/// assert_eq!(serde_json::from_str::<Target>(&json)?, target);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "the service has these forms and no others")]
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

/// How many devices a target may reach, as [`Target::reach`] says: FCM's size limit depends on it, 4,096 bytes for a
/// device and 2,048 for a topic.
///
/// ```
/// use reveille_fcm::{Target, Topic};
/// use reveille_fcm::target::Reach;
/// assert_eq!(Reach::from(&Target::from(Topic::new("weather")?)).limit(), 2_048);
/// assert_eq!(Reach::Device.limit(), 4_096);
/// # Ok::<(), reveille_fcm::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reach {
    /// One device: a token or an installation id.
    Device,
    /// Subscribers: a topic or a condition.
    Subscribers,
}

impl Reach {
    /// Bytes that a message may have (Google, "FCM message types" and the `INVALID_ARGUMENT` row of `ErrorCode`).
    #[must_use]
    pub const fn limit(self) -> usize {
        match self {
            Self::Device => 4_096,
            Self::Subscribers => 2_048,
        }
    }
}

impl From<&Target> for Reach {
    fn from(target: &Target) -> Self {
        target.reach()
    }
}

impl Target {
    /// Returns whether it is one device or a number of subscribers.
    #[must_use]
    pub const fn reach(&self) -> Reach {
        match self {
            Self::Fid(_) | Self::Token(_) => Reach::Device,
            Self::Topic(_) | Self::Condition(_) => Reach::Subscribers,
        }
    }

    /// What may not be seen in any text: the name of a device. Topics are no secret.
    pub(crate) const fn secret(&self) -> Option<&str> {
        match self {
            Self::Fid(fid) => Some(fid.expose()),
            Self::Token(token) => Some(token.expose()),
            Self::Topic(_) | Self::Condition(_) => None,
        }
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

/// What is said of none or of two.
pub(crate) fn not_one(found: usize) -> String {
    format!("a message needs exactly one of fid, token, topic and condition; found {found}")
}

impl Target {
    pub(crate) fn serialize_fields<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        match self {
            Self::Fid(fid) => map.serialize_entry("fid", fid),
            Self::Token(token) => map.serialize_entry("token", token),
            Self::Topic(topic) => map.serialize_entry("topic", topic),
            Self::Condition(condition) => map.serialize_entry("condition", condition),
        }
    }

    pub(crate) fn read_field<'de, A: MapAccess<'de>>(
        slot: &mut Option<Self>,
        key: &str,
        map: &mut A,
    ) -> Result<bool, A::Error> {
        fn read<'de, T: Deserialize<'de>, A: MapAccess<'de>>(
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
                return Err(A::Error::custom(not_one(2)));
            }
            Ok(true)
        }
        match key {
            "fid" => read(slot, "fid", map, Self::Fid),
            "token" => read(slot, "token", map, Self::Token),
            "topic" => read(slot, "topic", map, Self::Topic),
            "condition" => read(slot, "condition", map, Self::Condition),
            _ => Ok(false),
        }
    }
}

impl Serialize for Target {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        self.serialize_fields(&mut map)?;
        map.end()
    }
}

#[derive(Default)]
struct Only(Option<Target>);

impl ReadFields for Only {
    const NAME: &'static str = "target";

    fn read_field<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error> {
        Target::read_field(&mut self.0, key, map)
    }
}

impl<'de> Deserialize<'de> for Target {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let only: Only = read_object(deserializer)?;
        only.0.ok_or_else(|| D::Error::custom(not_one(0)))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn device_names_are_not_printed() {
        let target = Target::from(RegistrationToken::new("SECRET").unwrap());
        insta::assert_snapshot!(format!("{target:?}"), @"Token(RegistrationToken(6 bytes))");
        let target = Target::from(Fid::new("SECRET").unwrap());
        insta::assert_snapshot!(format!("{target:?}"), @"Fid(Fid(6 bytes))");
    }

    #[test]
    fn a_target_survives_a_queue() {
        for json in
            [r#"{"fid":"f"}"#, r#"{"token":"t"}"#, r#"{"topic":"news"}"#, r#"{"condition":"'a' in topics"}"#]
        {
            let target: Target = serde_json::from_str(json).unwrap();
            assert_eq!(serde_json::to_string(&target).unwrap(), json);
        }
        for json in ["{}", r#"{"fid":"f","token":"t"}"#, r#"{"to":"t"}"#, r#"{"fid":""}"#, "[]"] {
            assert!(serde_json::from_str::<Target>(json).is_err(), "{json}");
        }
    }
}
