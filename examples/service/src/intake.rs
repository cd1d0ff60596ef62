//! From documents to inboxes: the way that all events take, whether they come by the API, by a webhook or by a stream.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use axum::http::{HeaderMap, header};
use reveille_conversation as conversation;
use reveille_conversation::id::EventId;
use reveille_conversation::source::{CloudEvents, Genesys, Parsed, Platform, SourceError};
use reveille_core::UnixTime;
use reveille_crypto_ring::PROVIDER;
use reveille_gateway::store::ShardId;
use reveille_gateway::{Input, SourceId};
use serde::Deserialize;

use crate::shards::{NotTaken, Shards, Submitted};

/// The form of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// CloudEvents 1.0: the media type, or the headers, say in which of their forms.
    CloudEvents,
    /// An event as Genesys Cloud has it.
    Genesys,
    /// A webhook of a conversation platform: `eventType`, `conversationId`.
    Platform,
}

/// What a document was.
pub type Read = Result<Parsed, SourceError>;

/// What a request holds: one event, or a batch.
pub enum Reads {
    /// One.
    One(Read),
    /// Many, each by itself.
    Batch(Vec<Read>),
}

/// Why nothing of a request can be read.
#[derive(Debug)]
pub enum Unreadable {
    /// The media type is none of these forms.
    MediaType,
    /// A batch is no list.
    Batch(SourceError),
}

/// Reads a body, by its media type; a hook may know more, and then `form` says so.
///
/// # Errors
/// [`Unreadable`]
pub fn read(form: Option<Form>, headers: &HeaderMap, text: &str, now: UnixTime) -> Result<Reads, Unreadable> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_binary = headers.contains_key("ce-type");
    Ok(match (form, kind.as_str()) {
        (None | Some(Form::CloudEvents), "application/cloudevents-batch+json") => {
            Reads::Batch(CloudEvents::new().read_batch(text, now).map_err(Unreadable::Batch)?)
        }
        (None | Some(Form::CloudEvents), "application/cloudevents+json") => {
            Reads::One(CloudEvents::new().read(text, now))
        }
        (None | Some(Form::CloudEvents), "application/json") if is_binary => {
            Reads::One(binary(headers, text, now))
        }
        (Some(Form::CloudEvents), "application/json") => Reads::One(CloudEvents::new().read(text, now)),
        (None | Some(Form::Genesys), "application/json") => Reads::One(Genesys::new().read(text, now)),
        (Some(Form::Platform), "application/json") => Reads::One(Platform::new().read(text, now)),
        _ => return Err(Unreadable::MediaType),
    })
}

fn binary(headers: &HeaderMap, text: &str, now: UnixTime) -> Read {
    let pairs = headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    CloudEvents::new().read_binary(pairs, text, now)
}

impl Reads {
    /// All of them.
    pub fn all(&self) -> &[Read] {
        match self {
            Self::One(read) => std::slice::from_ref(read),
            Self::Batch(reads) => reads,
        }
    }

    /// All inputs in them.
    pub fn inputs_mut(&mut self) -> impl Iterator<Item = &mut conversation::Input> {
        let reads = match self {
            Self::One(read) => std::slice::from_mut(read),
            Self::Batch(reads) => reads.as_mut_slice(),
        };
        reads
            .iter_mut()
            .filter_map(|read| match read {
                Ok(Parsed::Inputs(inputs)) => Some(inputs),
                _ => None,
            })
            .flatten()
    }

    /// Events that have no id of their own get that of the message which brought them, so that it is taken once.
    pub fn name(&mut self, message: &str) {
        for (at, input) in self.inputs_mut().enumerate() {
            if let conversation::Input::Event(event) = input
                && event.id.is_none()
            {
                event.id = name_of(message, at as u64);
            }
        }
    }
}

/// The id of an event by the message that brought it: a hash, so that it fits however long the message's id is.
pub fn name_of(message: &str, at: u64) -> Option<EventId> {
    let digest = PROVIDER.sha256.digest(&[message.as_bytes(), &at.to_be_bytes()]);
    let mut name = String::from("message-");
    for byte in digest.iter().take(16) {
        let _ = write!(name, "{byte:02x}");
    }
    EventId::new(&name).ok()
}

/// The number of a source that has no key: from its name, so that it stays the same when others come and go. Keys get the
/// lowest numbers that are free, these are in the upper half.
pub fn source_of(name: &str) -> SourceId {
    let [high, low, ..] = PROVIDER.sha256.digest(&[b"source\0", name.as_bytes()]);
    SourceId(0x8000 | u16::from_be_bytes([high, low]))
}

/// Hands inputs to the shards that they concern. What is about a person or a queue concerns all: a shard keeps what it may
/// need later, presence above all.
///
/// # Errors
/// [`NotTaken`] if one of the shards cannot take them; others may have theirs.
pub fn submit(
    shards: &Shards,
    source: SourceId,
    inputs: Vec<conversation::Input>,
) -> Result<Vec<Submitted>, NotTaken> {
    let mut by_shard: BTreeMap<ShardId, Vec<Input>> = BTreeMap::new();
    for input in inputs {
        let all: Input = match input {
            conversation::Input::Event(event) => {
                let input = Input::Event { source, event: event.into() };
                if let Some(shard) = shards.of(&input) {
                    by_shard.entry(shard).or_default().push(input);
                }
                continue;
            }
            conversation::Input::Person(event) => Input::Person(event),
            conversation::Input::Queue(event) => Input::Queue(event),
            _ => continue,
        };
        for shard in ShardId::all() {
            by_shard.entry(shard).or_default().push(all.clone());
        }
    }
    by_shard.into_iter().map(|(shard, inputs)| shards.submit(shard, inputs)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_without_an_id_get_one_of_their_message() {
        let text = r#"{"topicName":"v2.detail.events.conversation.c1.message","eventBody":{"conversationId":"c1","userId":"kate"}}"#;
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, "application/json".parse().unwrap())]);
        let id = |message: &str| {
            let mut reads = read(None, &headers, text, UnixTime::from_secs(1)).unwrap();
            reads.name(message);
            let Some(conversation::Input::Event(event)) = reads.inputs_mut().next() else {
                panic!("no event")
            };
            event.id.clone().unwrap()
        };
        assert_eq!(id("m1"), id("m1"));
        assert_ne!(id("m1"), id("m2"));
        assert!(id(&"x".repeat(10_000)).as_str().len() == 40);
    }

    #[test]
    fn sources_without_a_key_are_in_the_upper_half() {
        assert_eq!(source_of("a"), source_of("a"));
        assert_ne!(source_of("a"), source_of("b"));
        assert!(source_of("a").0 >= 0x8000);
    }
}
