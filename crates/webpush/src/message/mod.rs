//! What is pushed, and how: payload, TTL, urgency, topic, padding.

mod padding;
mod stored;
mod topic;
mod ttl;
mod urgency;

use std::fmt;

use bytes::Bytes;
use http::HeaderValue;
use reveille_payload::Part;
use thiserror::Error;

pub use padding::Padding;
pub use reveille_payload::{Cut, FieldSize, SizeLimit, TooLarge};
pub use topic::{InvalidTopic, Topic};
pub use ttl::{InvalidTtl, Ttl};
pub use urgency::{InvalidUrgency, Urgency};

/// The longest plaintext, in bytes: what fits a body of 4,096 octets (RFC 8291 §4).
pub const MAX_PLAINTEXT: usize = 3_993;

/// A push message: payload, TTL, urgency and topic. It is checked when it is made, then sent to any number of
/// subscriptions.
///
/// ```
/// use reveille_webpush::{Message, Padding, Topic, Ttl, Urgency};
///
/// let message = Message::new("Agent Smith sent 3 new messages", Ttl::from_secs(3_600)?)?
///     .with_urgency(Urgency::High)
///     .with_topic(Topic::new("chat-42")?)
///     .with_padding(Padding::ToLength(128))?;
/// assert_eq!(message.padded_len(), 128);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # In a queue
/// `Serialize` and `Deserialize` keep it as this JSON; members that are not set are absent, and nothing else may be there.
///
/// | member | value |
/// |---|---|
/// | `v` | 1 |
/// | `payload` | base64url; absent for a push without body |
/// | `ttl` | seconds |
/// | `urgency` | `very-low`, `low`, `normal`, `high` |
/// | `topic` | text |
/// | `padding` | see [`Padding`] |
///
/// ```
/// # use reveille_webpush::{Message, Topic, Ttl};
/// let message = Message::new("hello", Ttl::from_secs(60)?)?.with_topic(Topic::new("chat-42")?);
/// let json = serde_json::to_string(&message)?;
/// assert_eq!(json, r#"{"v":1,"payload":"aGVsbG8","ttl":60,"topic":"chat-42"}"#);
/// assert_eq!(serde_json::from_str::<Message>(&json)?, message);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    payload: Option<Bytes>,
    ttl: Ttl,
    urgency: Option<Urgency>,
    topic: Option<Topic>,
    padding: Padding,
    ttl_value: HeaderValue,
}

/// Why a message cannot be built; the error of [`Message::new`] and of the setters that can refuse.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidMessage {
    /// The payload is longer than the budget, or than one record of a 4,096-octet body holds (RFC 8291 §4).
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    /// Payload and padding together do not fit.
    #[error(
        "payload of {length} bytes with {padding} bytes of padding is longer than the limit of {MAX_PLAINTEXT}"
    )]
    PaddingTooLong {
        /// Bytes of the payload.
        length: usize,
        /// Bytes of padding asked for.
        padding: usize,
    },
    /// Padding without a payload: nothing would be encrypted.
    #[error("a message without payload cannot be padded")]
    NothingToPad,
}

impl Message {
    /// A message with a payload of at most 2,048 bytes, which every push service takes for every device. An empty payload is still
    /// encrypted; for a push without any body see [`without_payload`](Self::without_payload).
    ///
    /// The TTL has no default: zero loses messages for browsers that are not running, and only the caller knows for
    /// how long the message is of use.
    ///
    /// # Errors
    /// [`InvalidMessage::TooLarge`].
    pub fn new(payload: impl Into<Bytes>, ttl: Ttl) -> Result<Self, InvalidMessage> {
        Self::new_within(SizeLimit::Own, payload, ttl)
    }

    /// A message with a payload of at most `limit`; [`SizeLimit::Provider`] is [`MAX_PLAINTEXT`] bytes. Mozilla's bridge to
    /// Android takes less than that: stay below 2,600 bytes where it matters.
    ///
    /// # Errors
    /// [`InvalidMessage::TooLarge`].
    pub fn new_within(limit: SizeLimit, payload: impl Into<Bytes>, ttl: Ttl) -> Result<Self, InvalidMessage> {
        let payload = payload.into();
        let (size, limit) = (payload.len(), limit.of(MAX_PLAINTEXT));
        if size > limit {
            return Err(TooLarge::uncut(size, limit, &[Part::fixed("payload", size)]).into());
        }
        Ok(Self { payload: Some(payload), ..Self::without_payload(ttl) })
    }

    /// A push without body: the service worker only learns that there was one.
    #[must_use]
    pub fn without_payload(ttl: Ttl) -> Self {
        Self {
            payload: None,
            ttl,
            urgency: None,
            topic: None,
            padding: Padding::None,
            ttl_value: HeaderValue::from(ttl.as_secs()),
        }
    }

    /// Sets the urgency (RFC 8030 §5.3). Without it no header is sent, which means `normal`.
    #[must_use]
    pub fn with_urgency(self, urgency: Urgency) -> Self {
        Self { urgency: Some(urgency), ..self }
    }

    /// Sets the topic (RFC 8030 §5.4): a message waiting with the same topic is replaced.
    #[must_use]
    pub fn with_topic(self, topic: Topic) -> Self {
        Self { topic: Some(topic), ..self }
    }

    /// Sets the padding, which hides the payload's length from the push service. Payload and padding together may take
    /// [`MAX_PLAINTEXT`] bytes, whatever the budget for the payload was.
    ///
    /// # Errors
    /// [`InvalidMessage`] if it does not fit, or there is no payload.
    pub fn with_padding(self, padding: Padding) -> Result<Self, InvalidMessage> {
        let length = match &self.payload {
            Some(payload) => payload.len(),
            None if padding.bytes_for(0) == 0 => 0,
            None => return Err(InvalidMessage::NothingToPad),
        };
        let pad = padding.bytes_for(length);
        if pad > MAX_PLAINTEXT.saturating_sub(length) {
            return Err(InvalidMessage::PaddingTooLong { length, padding: pad });
        }
        Ok(Self { padding, ..self })
    }

    /// The payload, if there is one.
    #[must_use]
    pub fn payload(&self) -> Option<&[u8]> {
        self.payload.as_deref()
    }

    /// Bytes of payload and padding together.
    #[must_use]
    pub fn padded_len(&self) -> usize {
        let length = self.payload.as_ref().map_or(0, Bytes::len);
        length.saturating_add(self.padding.bytes_for(length))
    }

    /// How long the push service may keep the message.
    #[must_use]
    pub const fn ttl(&self) -> Ttl {
        self.ttl
    }

    /// Returns the urgency, if it was set.
    #[must_use]
    pub const fn urgency(&self) -> Option<Urgency> {
        self.urgency
    }

    /// Returns the topic, if it was set.
    #[must_use]
    pub const fn topic(&self) -> Option<&Topic> {
        self.topic.as_ref()
    }

    /// Returns how much padding there is.
    #[must_use]
    pub const fn padding(&self) -> Padding {
        self.padding
    }

    /// The same message without payload and padding: its other headers.
    #[cfg(feature = "aesgcm")]
    pub(crate) fn stripped(self) -> Self {
        Self { payload: None, padding: Padding::None, ..self }
    }

    /// The TTL as a header value, made once.
    pub(crate) const fn ttl_value(&self) -> &HeaderValue {
        &self.ttl_value
    }
}

/// The payload's length, not the payload.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("payload_bytes", &self.payload.as_ref().map(Bytes::len))
            .field("ttl", &self.ttl)
            .field("urgency", &self.urgency)
            .field("topic", &self.topic)
            .field("padding", &self.padding)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(length: usize) -> Result<Message, InvalidMessage> {
        Message::new_within(SizeLimit::Provider, vec![0; length], Ttl::ZERO)
    }

    #[test]
    fn the_limits_are_exact() {
        assert_eq!(of(3_993).unwrap().padded_len(), 3_993);
        insta::assert_snapshot!(of(3_994).unwrap_err(), @"message of 3994 bytes does not fit into 3993, at least 3994 are needed: payload 3994");
        let own = |length| Message::new(vec![0; length], Ttl::ZERO);
        assert_eq!(own(2_048).unwrap().padded_len(), 2_048);
        insta::assert_snapshot!(own(2_049).unwrap_err(), @"message of 2049 bytes does not fit into 2048, at least 2049 are needed: payload 2049");
        assert!(Message::new_within(SizeLimit::Bytes(5_000), vec![0; 3_994], Ttl::ZERO).is_err());
    }

    #[test]
    fn padding() {
        let padded = |length, padding| of(length).unwrap().with_padding(padding).map(|m| m.padded_len());
        assert_eq!(padded(5, Padding::None), Ok(5));
        assert_eq!(padded(5, Padding::Bytes(100)), Ok(105));
        assert_eq!(padded(5, Padding::ToLength(100)), Ok(100));
        assert_eq!(padded(100, Padding::ToLength(5)), Ok(100));
        assert_eq!(padded(0, Padding::ToMaximum), Ok(MAX_PLAINTEXT));
        assert_eq!(padded(3_993, Padding::ToMaximum), Ok(MAX_PLAINTEXT));
        insta::assert_snapshot!(padded(3_993, Padding::Bytes(1)).unwrap_err(), @"payload of 3993 bytes with 1 bytes of padding is longer than the limit of 3993");
        assert!(padded(5, Padding::Bytes(usize::MAX)).is_err());
        assert!(padded(5, Padding::ToLength(usize::MAX)).is_err());
        let bare = Message::without_payload(Ttl::ZERO).with_padding(Padding::ToMaximum);
        insta::assert_snapshot!(bare.unwrap_err(), @"a message without payload cannot be padded");
    }

    #[test]
    fn debug_does_not_show_the_payload() {
        let message = Message::new("SECRET", Ttl::from_secs(60).unwrap()).unwrap();
        insta::assert_snapshot!(format!("{message:?}"), @"Message { payload_bytes: Some(6), ttl: Ttl(60), urgency: None, topic: None, padding: None }");
    }
}
