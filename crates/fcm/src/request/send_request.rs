//! A message with its target.

use bytes::Bytes;
use http::Request;
use reveille_payload::{InvalidJson, from_json};
use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::{PrepareError, Prepared, Project};
use crate::credential::Token;
use crate::message::{Message, SizeRule};
use crate::schema::{ReadFields, WriteFields, read_object, set_once};
use crate::target::{Target, not_one};

/// A message with its target, and whether it is only to be validated: keep it in a queue, as JSON, and make the
/// request of it when its time has come.
///
/// Serialised as the body of `messages:send` has it, in Google's own form.
///
/// ```
/// use reveille_fcm::{Message, Notification, RegistrationToken, SendRequest};
/// let message = Message::new().with_notification(Notification::new().with_title("Anna"));
/// let send = SendRequest::new(message, RegistrationToken::new("device-7")?);
/// let json = serde_json::to_string(&send)?;
/// assert_eq!(json, r#"{"message":{"notification":{"title":"Anna"},"token":"device-7"}}"#);
/// assert_eq!(serde_json::from_str::<SendRequest>(&json)?, send);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SendRequest {
    /// The message.
    pub message: Message,
    /// Where it goes.
    pub target: Target,
    /// A dry run: FCM checks everything and delivers nothing.
    pub validate_only: bool,
}

impl SendRequest {
    /// A message for a target.
    pub fn new(message: Message, target: impl Into<Target>) -> Self {
        Self { message, target: target.into(), validate_only: false }
    }

    /// As a dry run, or not.
    #[must_use]
    pub const fn with_validate_only(mut self, validate_only: bool) -> Self {
        self.validate_only = validate_only;
        self
    }

    /// Reads `{"message":{…,"token":…},"validateOnly":…}`, the body of `messages:send`.
    ///
    /// # Errors
    /// [`InvalidJson`] with path; a message without a target, or with two, is one.
    pub fn from_json(json: &[u8]) -> Result<Self, InvalidJson> {
        from_json(json)
    }

    /// Reads a message with its target in it: `{"token":…,"notification":{…}}`.
    ///
    /// # Errors
    /// As [`from_json`](Self::from_json).
    pub fn from_message_json(json: &[u8]) -> Result<Self, InvalidJson> {
        let Targeted { message, target } = from_json(json)?;
        Ok(Self { message, target, validate_only: false })
    }

    /// Builds the request, ready for any HTTP client.
    ///
    /// # Errors
    /// [`PrepareError`].
    pub fn request(
        &self,
        project: &Project,
        token: &Token,
        rule: impl Into<SizeRule>,
    ) -> Result<Request<Bytes>, PrepareError> {
        let rule = rule.into();
        let prepared = if self.validate_only {
            Prepared::dry_run(&self.message, rule)?
        } else {
            Prepared::new(&self.message, rule)?
        };
        Ok(prepared.request(project, &self.target, token)?)
    }
}

impl Serialize for SendRequest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if self.validate_only {
            map.serialize_entry("validateOnly", &true)?;
        }
        map.serialize_entry("message", &Both { message: &self.message, target: &self.target })?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for SendRequest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let parts: Body = read_object(deserializer)?;
        let Targeted { message, target } =
            *parts.message.ok_or_else(|| D::Error::missing_field("message"))?;
        Ok(Self { message, target, validate_only: parts.validate_only.unwrap_or(false) })
    }
}

struct Both<'a> {
    message: &'a Message,
    target: &'a Target,
}

impl Serialize for Both<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.message.serialize_fields(&mut map)?;
        self.target.serialize_fields(&mut map)?;
        map.end()
    }
}

/// `Message` of the schema, which has its target in it.
struct Targeted {
    message: Message,
    target: Target,
}

impl<'de> Deserialize<'de> for Targeted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let parts: TargetedParts = read_object(deserializer)?;
        let target = parts.target.ok_or_else(|| D::Error::custom(not_one(0)))?;
        Ok(Self { message: parts.message, target })
    }
}

#[derive(Default)]
struct Body {
    message: Option<Box<Targeted>>,
    validate_only: Option<bool>,
}

#[derive(Default)]
struct TargetedParts {
    message: Message,
    target: Option<Target>,
}

impl ReadFields for Body {
    const NAME: &'static str = "SendMessageRequest";

    fn read_field<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error> {
        match key {
            "message" => set_once(&mut self.message, "message", map),
            "validateOnly" | "validate_only" => set_once(&mut self.validate_only, "validateOnly", map),
            _ => Ok(false),
        }
    }
}

impl ReadFields for TargetedParts {
    const NAME: &'static str = "Message";

    fn read_field<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error> {
        // Output only: what a client sends there is not looked at.
        if key == "name" {
            return map.next_value::<IgnoredAny>().map(|_| true);
        }
        Ok(self.message.read_field(key, map)? || Target::read_field(&mut self.target, key, map)?)
    }
}
