//! A message with its target.

use bytes::Bytes;
use http::Request;

use crate::json::json_error;
use crate::{AccessToken, Message, MessageError, Oversize, Prepared, Project, SizeBudget, Target};

/// A message with its target, as the body of `messages:send` has it.
#[derive(Clone, Debug, PartialEq)]
pub struct SendRequest {
    /// The message.
    pub message: Message,
    /// Where it goes.
    pub target: Target,
    /// A dry run.
    pub validate_only: bool,
}

impl SendRequest {
    /// Reads `{"message":{…,"token":…},"validateOnly":…}`.
    ///
    /// # Errors
    /// [`MessageError`]; a message without a target, or with two, is one.
    pub fn from_json(json: &[u8]) -> Result<Self, MessageError> {
        let wire: wire::SendMessageRequest =
            serde_json::from_slice(json).map_err(|error| json_error(&error))?;
        let message = wire.message.ok_or(MessageError::Empty { what: "message" })?;
        Self::from_parts(*message, wire.validate_only.unwrap_or_default())
    }

    /// Reads a message with its target in it: `{"token":…,"notification":{…}}`.
    ///
    /// # Errors
    /// As [`from_json`](Self::from_json).
    pub fn from_message_json(json: &[u8]) -> Result<Self, MessageError> {
        let message = serde_json::from_slice(json).map_err(|error| json_error(&error))?;
        Self::from_parts(message, false)
    }

    fn from_parts(targeted: wire::TargetedMessage, validate_only: bool) -> Result<Self, MessageError> {
        let target = targeted.target.ok_or(MessageError::Targets { found: 0 })?;
        Ok(Self { message: targeted.message, target, validate_only })
    }

    /// The request.
    ///
    /// # Errors
    /// [`Oversize`].
    pub fn request(
        &self,
        project: &Project,
        token: &AccessToken,
        budget: SizeBudget,
    ) -> Result<Request<Bytes>, Oversize> {
        let prepare = if self.validate_only { Prepared::dry_run } else { Prepared::new };
        prepare(&self.message, budget)?.request(project, token, &self.target)
    }
}

mod wire {
    //! The body of `messages:send` as it is read.

    use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess};

    use crate::json::{Fields, JsonFields, ObjectWriter, read_object, set_once};
    use crate::{Message, Target};

    #[derive(Default)]
    pub(super) struct SendMessageRequest {
        pub(super) message: Option<Box<TargetedMessage>>,
        pub(super) validate_only: Option<bool>,
    }

    #[derive(Default)]
    pub(super) struct TargetedMessage {
        pub(super) message: Message,
        pub(super) target: Option<Target>,
    }

    impl JsonFields for SendMessageRequest {
        const NAME: &'static str = "SendMessageRequest";

        fn write_fields(&self, _: &mut ObjectWriter<'_>) {}

        fn read_field<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error> {
            match key {
                "message" => set_once(&mut self.message, "message", map),
                "validateOnly" | "validate_only" => set_once(&mut self.validate_only, "validateOnly", map),
                _ => Ok(false),
            }
        }
    }

    impl JsonFields for TargetedMessage {
        const NAME: &'static str = "Message";

        fn write_fields(&self, _: &mut ObjectWriter<'_>) {}

        fn read_field<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error> {
            // Output only: what a client sends there is not looked at.
            if key == "name" {
                return map.next_value::<IgnoredAny>().map(|_| true);
            }
            Ok(self.message.read_field(key, map)? || Target::read_field(&mut self.target, key, map)?)
        }
    }

    impl<'de> Deserialize<'de> for SendMessageRequest {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            read_object(deserializer)
        }
    }

    impl<'de> Deserialize<'de> for TargetedMessage {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            read_object(deserializer)
        }
    }
}
