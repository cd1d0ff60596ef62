//! CloudEvents 1.0, structured and binary: the generic form, in our own vocabulary.

use std::borrow::Cow;

use reveille_core::UnixTime;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::time::{When, rfc3339};
use super::{Counts, Parsed, SourceError, from_json};
use crate::Input;
use crate::event::Presence;
use crate::event::{Event, PersonChange, PersonEvent, QueueChange, QueueEvent, Wait, What};
use crate::id::{ConversationId, DeviceId, EventId, PersonId, QueueId};

/// What the `type` of our events begins with; the rest is the kind, as in `reveille.conversation.message_sent`.
const PREFIX: &str = "reveille.conversation.";

/// Reads CloudEvents 1.0 whose `type` is `reveille.conversation.` and a kind of [`What`]. `data` holds the fields of the
/// kind, and `conversation`, unless that is the `subject`; `schema/event.schema.json` beside this crate describes it.
///
/// ```
/// use reveille_conversation::source::{CloudEvents, Parsed};
/// use reveille_core::UnixTime;
///
/// let mut source = CloudEvents::new();
/// let parsed = source.read(r#"{"specversion":"1.0","id":"1","source":"/chat","type":"reveille.conversation.read_up_to",
///     "time":"2026-01-01T00:00:00Z","data":{"conversation":"c1","person":"ann","sequence":7}}"#, UnixTime::EPOCH)?;
/// assert!(matches!(parsed, Parsed::Inputs(inputs) if inputs.len() == 1));
/// # Ok::<(), reveille_conversation::source::SourceError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct CloudEvents {
    counts: Counts,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    specversion: Cow<'a, str>,
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    id: EventId,
    time: Option<When>,
    #[serde(borrow)]
    subject: Option<Cow<'a, str>>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(borrow)]
    data_base64: Option<&'a RawValue>,
}

/// What all kinds have.
#[derive(Deserialize)]
struct Head {
    conversation: Option<ConversationId>,
    queue: Option<QueueId>,
}

#[derive(Deserialize)]
struct PresenceChanged {
    person: PersonId,
    presence: Presence,
}

#[derive(Deserialize)]
struct LoggedOut {
    person: PersonId,
    device: Option<DeviceId>,
}

impl CloudEvents {
    /// A reader that has counted nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { counts: Counts { documents: 0, unknown: 0, malformed: 0 } }
    }

    /// What it has counted.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// A structured event (`application/cloudevents+json`). `now` stands for a `time` that is not there.
    ///
    /// # Errors
    /// [`SourceError`] names the path of what is malformed.
    pub fn read(&mut self, json: &str, now: UnixTime) -> Result<Parsed, SourceError> {
        let parsed = structured(json, now);
        self.counts.count(parsed)
    }

    /// A batch (`application/cloudevents-batch+json`), one result for each.
    ///
    /// # Errors
    /// [`SourceError`] if it is no list.
    pub fn read_batch(
        &mut self,
        json: &str,
        now: UnixTime,
    ) -> Result<Vec<Result<Parsed, SourceError>>, SourceError> {
        let events: Vec<&RawValue> = from_json(json)?;
        Ok(events.into_iter().map(|event| self.read(event.get(), now)).collect())
    }

    /// A binary event: attributes in `ce-…` headers, `data` as the body (HTTP binding §3.1). Values are percent-decoded.
    ///
    /// # Errors
    /// [`SourceError`] names the header or the path of what is malformed.
    pub fn read_binary<'h>(
        &mut self,
        headers: impl IntoIterator<Item = (&'h str, &'h str)>,
        body: &str,
        now: UnixTime,
    ) -> Result<Parsed, SourceError> {
        let parsed = binary(headers, body, now);
        self.counts.count(parsed)
    }
}

fn structured(json: &str, now: UnixTime) -> Result<Parsed, SourceError> {
    let envelope: Envelope<'_> = from_json(json)?;
    if envelope.specversion != "1.0" {
        return Err(SourceError::invalid("specversion", "1.0", "another version"));
    }
    if envelope.data_base64.is_some() {
        return Err(SourceError::invalid("data_base64", "JSON in data", "base64"));
    }
    let at = envelope.time.map_or(now, |time| time.0);
    let data = envelope.data.map_or("{}", RawValue::get);
    inputs(&envelope.kind, envelope.id, envelope.subject.as_deref(), data, at)
        .map_err(|error| error.within("data"))
}

fn binary<'h>(
    headers: impl IntoIterator<Item = (&'h str, &'h str)>,
    body: &str,
    now: UnixTime,
) -> Result<Parsed, SourceError> {
    let (mut version, mut kind, mut id, mut subject, mut at) = (None, None, None, None, now);
    for (name, value) in headers {
        let Some((prefix, name)) = name.split_at_checked(3) else { continue };
        if !prefix.eq_ignore_ascii_case("ce-") {
            continue;
        }
        let value = percent_decoded(value);
        match name.to_ascii_lowercase().as_str() {
            "specversion" => version = Some(value),
            "type" => kind = Some(value),
            "id" => id = Some(EventId::new(&value).map_err(|error| SourceError::id("ce-id", error))?),
            "subject" => subject = Some(value),
            "time" => {
                let time = rfc3339(&value);
                at = time
                    .ok_or_else(|| SourceError::invalid("ce-time", "a time as RFC 3339", "another text"))?;
            }
            _ => {}
        }
    }
    if version.as_deref() != Some("1.0") {
        let found = if version.is_some() { "another version" } else { "nothing" };
        return Err(SourceError::invalid("ce-specversion", "1.0", found));
    }
    let kind = kind.ok_or_else(|| SourceError::missing("ce-type", "a type"))?;
    let id = id.ok_or_else(|| SourceError::missing("ce-id", "an id"))?;
    let body = if body.is_empty() { "{}" } else { body };
    inputs(&kind, id, subject.as_deref(), body, at)
}

fn inputs(
    kind: &str,
    id: EventId,
    subject: Option<&str>,
    data: &str,
    at: UnixTime,
) -> Result<Parsed, SourceError> {
    let Some(kind) = kind.strip_prefix(PREFIX) else { return Ok(Parsed::Unknown) };
    if !What::NAMES.contains(&kind) && kind != "presence_changed" && kind != "logged_out" {
        return Ok(Parsed::Unknown);
    }
    input(kind, Some(id), subject, data, at).map(|input| Parsed::Inputs(vec![input]))
}

/// One event in our vocabulary.
pub(super) fn input(
    kind: &str,
    id: Option<EventId>,
    subject: Option<&str>,
    data: &str,
    at: UnixTime,
) -> Result<Input, SourceError> {
    match kind {
        "presence_changed" => {
            let PresenceChanged { person, presence } = from_json(data)?;
            return Ok(Input::Person(PersonEvent { person, at, what: PersonChange::Presence(presence) }));
        }
        "logged_out" => {
            let LoggedOut { person, device } = from_json(data)?;
            return Ok(Input::Person(PersonEvent { person, at, what: PersonChange::LoggedOut(device) }));
        }
        _ => {}
    }
    let head: Head = from_json(data)?;
    if let (None, Some(queue)) = (&head.conversation, head.queue) {
        let what = match kind {
            "estimated_wait" => Some(QueueChange::EstimatedWait(from_json::<Wait>(data)?)),
            "business_closing" => Some(QueueChange::Closing),
            _ => None,
        };
        if let Some(what) = what {
            return Ok(Input::Queue(QueueEvent { queue, at, what }));
        }
    }
    let conversation = match (head.conversation, subject) {
        (Some(conversation), _) => conversation,
        (None, Some(subject)) => {
            ConversationId::new(subject).map_err(|error| SourceError::id("subject", error))?
        }
        (None, None) => return Err(SourceError::missing("conversation", "a conversation's id")),
    };
    let unknown = || SourceError::invalid("kind", "a kind of event", "another word");
    let what = What::read(kind, data).ok_or_else(unknown)??;
    Ok(Input::Event(Event { conversation, at, id, what }))
}

/// RFC 3986 §2.1; what is not well-formed stays as it is.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, more @ ..] = rest {
        let digits = more.first_chunk::<2>().filter(|_| *first == b'%');
        let byte = digits.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        (rest, _) = match byte {
            Some(byte) => (more.get(2..).unwrap_or_default(), bytes.push(byte)),
            None => (more, bytes.push(*first)),
        };
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}
