//! A message as a queue keeps it.

use reveille_crypto::base64url;
use reveille_payload::SizeLimit;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::object::from_object;

use super::{InvalidMessage, Message, Padding, Topic, Ttl, Urgency};

/// The form this version writes and reads.
const VERSION: u8 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    v: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    payload: Option<String>,
    ttl: Ttl,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    urgency: Option<Urgency>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    topic: Option<Topic>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    padding: Option<Padding>,
}

impl Serialize for Message {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let stored = Stored {
            v: VERSION,
            payload: self.payload().map(base64url::encode),
            ttl: self.ttl,
            urgency: self.urgency,
            topic: self.topic.clone(),
            padding: Some(self.padding).filter(|padding| *padding != Padding::None),
        };
        stored.serialize(serializer)
    }
}

/// The payload may be as long as the provider's limit: it was within the sender's budget when it was made.
impl<'de> Deserialize<'de> for Message {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let stored: Stored = from_object(deserializer, "a push message")?;
        if stored.v != VERSION {
            return Err(D::Error::custom(format_args!("v: expected {VERSION}, found {}", stored.v)));
        }
        let payload = stored.payload.map(|text| base64url::decode(&text));
        let payload =
            payload.transpose().map_err(|error| D::Error::custom(format_args!("payload: {error}")))?;
        stored_message(payload, stored.ttl, stored.urgency, stored.topic, stored.padding)
            .map_err(D::Error::custom)
    }
}

fn stored_message(
    payload: Option<Vec<u8>>,
    ttl: Ttl,
    urgency: Option<Urgency>,
    topic: Option<Topic>,
    padding: Option<Padding>,
) -> Result<Message, InvalidMessage> {
    let message = match payload {
        Some(payload) => Message::new_within(SizeLimit::Provider, payload, ttl)?,
        None => Message::without_payload(ttl),
    };
    Message { urgency, topic, ..message }.with_padding(padding.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use reveille_payload::from_json;

    fn err(json: &str) -> String {
        from_json::<Message>(json.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn texts() {
        insta::assert_snapshot!(err(r#"[1,"aGVsbG8",60,null,null,null]"#), @"JSON, line 1 column 0: expected a push message as a JSON object, found an array");
        insta::assert_snapshot!(err(r#"{"ttl":60}"#), @"JSON, line 1 column 10: missing field `v`");
        insta::assert_snapshot!(err(r#"{"v":2,"ttl":60}"#), @"JSON: v: expected 1, found 2");
        insta::assert_snapshot!(err(r#"{"v":1,"ttl":"SECRET"}"#), @"JSON at ttl, line 1 column 21: expected u64, found a string");
        insta::assert_snapshot!(err(r#"{"v":1,"ttl":2147483648}"#), @"JSON at ttl, line 1 column 24: TTL of 2147483648 seconds is longer than the limit of 2147483647");
        insta::assert_snapshot!(err(r#"{"v":1,"ttl":60,"payload":"SECRET!"}"#), @"JSON: payload: invalid character or length");
        insta::assert_snapshot!(err(r#"{"v":1,"ttl":60,"urgency":"SECRET"}"#), @"JSON at urgency, line 1 column 35: urgency must be very-low, low, normal or high");
        insta::assert_snapshot!(err(r#"{"v":1,"ttl":60,"padding":"to_maximum"}"#), @"JSON: a message without payload cannot be padded");
        insta::assert_snapshot!(err(r#"{"v":1,"ttl":60,"subscription":{}}"#), @"JSON at subscription, line 1 column 30: unknown field `subscription`, expected one of `v`, `payload`, `ttl`, `urgency`, `topic`, `padding`");
    }

    proptest! {
        #[test]
        fn what_is_kept_is_what_was_made(
            payload in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..=3_993)),
            ttl in 0..=0x7fff_ffff_u64,
            urgency in proptest::option::of(prop_oneof![Just(Urgency::VeryLow), Just(Urgency::Low), Just(Urgency::Normal), Just(Urgency::High)]),
            topic in proptest::option::of("[A-Za-z0-9_-]{1,32}"),
            padding in prop_oneof![Just(Padding::None), (0..100_usize).prop_map(Padding::Bytes), (0..4_000_usize).prop_map(Padding::ToLength), Just(Padding::ToMaximum)],
        ) {
            let topic = topic.map(|topic| topic.parse().unwrap());
            let made = stored_message(payload, Ttl::from_secs(ttl).unwrap(), urgency, topic, Some(padding));
            let Ok(message) = made else { return Ok(()) };
            let json = serde_json::to_string(&message).unwrap();
            let read: Message = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(&read, &message);
            prop_assert_eq!(serde_json::to_string(&read).unwrap(), json);
        }
    }
}
