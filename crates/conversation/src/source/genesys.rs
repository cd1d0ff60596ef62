//! Genesys Cloud: notifications (WebSocket), event streams, and `routing.…` events.
//!
//! Envelope of notifications: `topicName`, `version`, `eventBody`, `metadata`. Event streams put the same under `detail`.
//! The `routing.…` events have no public schema: `topicName`, `eventType` or `type`, and `eventBody`, `data` or `detail`
//! are taken, whichever is there.

use std::borrow::Cow;

use reveille_core::UnixTime;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::participants::{self, Report, media_of, role_of};
use super::time::When;
use super::{Counts, Parsed, SourceError, from_json};
use crate::event::{
    Ended, Event, Joined, Left, Message, Offer, PersonChange, PersonEvent, StateChanged, What, Withdrawn,
};
use crate::event::{MessageKind, Presence, Role};
use crate::id::{ConversationId, EventId, MessageId, OfferId, PersonId, QueueId};
use crate::text::Text;
use crate::{Cause, Input, Media};

/// Reads what Genesys Cloud sends: notifications, event streams and `routing.…` events. Keep one, because it counts
/// what it did not know, and give each document to [`read`](Self::read).
///
/// ```
/// use reveille_conversation::source::{Genesys, Parsed};
/// use reveille_core::UnixTime;
///
/// let mut source = Genesys::new();
/// let now = UnixTime::from_secs(1_700_000_000);
/// let parsed = source.read(r#"{"topicName":"v2.detail.events.conversation.c1.message","eventBody":{
///     "eventTime":1700000000000,"conversationId":"c1","messageId":"m1","userId":"kate"}}"#, now)?;
/// assert!(matches!(parsed, Parsed::Inputs(inputs) if inputs.len() == 1));
/// assert_eq!(source.read(r#"{"topicName":"v2.new.things","eventBody":{}}"#, now)?, Parsed::Unknown);
/// assert_eq!(source.counts().unknown, 1);
/// # Ok::<(), reveille_conversation::source::SourceError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Genesys {
    media: Vec<Media>,
    counts: Counts,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "topicName", alias = "eventType", alias = "type", borrow)]
    topic: Option<Cow<'a, str>>,
    #[serde(rename = "eventBody", alias = "data", borrow)]
    body: Option<&'a RawValue>,
    #[serde(borrow)]
    detail: Option<&'a RawValue>,
    #[serde(alias = "eventId")]
    id: Option<EventId>,
    #[serde(alias = "timestamp")]
    time: Option<When>,
    /// `{"message":"pong"}`
    #[serde(borrow)]
    message: Option<Cow<'a, str>>,
}

/// The body of detail events, and of `routing.…` events.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detail<'a> {
    #[serde(alias = "timestamp")]
    event_time: Option<When>,
    conversation_id: Option<ConversationId>,
    #[serde(alias = "memberId", alias = "agentId")]
    user_id: Option<PersonId>,
    participant_id: Option<PersonId>,
    #[serde(alias = "customerId")]
    caller_id: Option<PersonId>,
    #[serde(alias = "communicationId")]
    session_id: Option<OfferId>,
    message_id: Option<MessageId>,
    sequence: Option<u64>,
    queue_id: Option<QueueId>,
    queue_name: Option<Text>,
    #[serde(alias = "callerName", alias = "customerName")]
    from_name: Option<Text>,
    #[serde(alias = "body", alias = "textBody")]
    text: Option<Text>,
    #[serde(borrow)]
    media_type: Option<Cow<'a, str>>,
    #[serde(borrow)]
    purpose: Option<Cow<'a, str>>,
    #[serde(borrow)]
    direction: Option<Cow<'a, str>>,
    #[serde(borrow)]
    disconnect_type: Option<Cow<'a, str>>,
    interacting_duration_ms: Option<u64>,
    #[serde(default, alias = "members", borrow)]
    participants: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Present<'a> {
    #[serde(borrow)]
    presence_definition: Option<Definition<'a>>,
    #[serde(borrow)]
    routing_status: Option<Status<'a>>,
    modified_date: Option<When>,
    /// The `activity` topic has it inside.
    #[serde(borrow)]
    presence: Option<Inner<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Inner<'a> {
    #[serde(borrow)]
    presence_definition: Option<Definition<'a>>,
    modified_date: Option<When>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Definition<'a> {
    #[serde(borrow)]
    system_presence: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Status<'a> {
    #[serde(borrow)]
    status: Cow<'a, str>,
}

impl Genesys {
    /// A reader for all media that has counted nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { media: Vec::new(), counts: Counts { documents: 0, unknown: 0, malformed: 0 } }
    }

    /// One more medium that is wanted; the first call leaves out all others. They are alternatives (B1).
    #[must_use]
    pub fn with_media(mut self, media: Media) -> Self {
        self.media.push(media);
        self
    }

    /// What it has counted.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// One message of the stream. `now` stands for times that are not there.
    ///
    /// # Errors
    /// [`SourceError`] names the path of what is malformed.
    pub fn read(&mut self, json: &str, now: UnixTime) -> Result<Parsed, SourceError> {
        let parsed = self.parse(json, now);
        self.counts.count(parsed)
    }

    fn parse(&self, json: &str, now: UnixTime) -> Result<Parsed, SourceError> {
        let outer: Envelope<'_> = from_json(json)?;
        // An event stream: the notification is inside.
        let inner = match (&outer.topic, outer.body, outer.detail) {
            (topic, None, Some(detail)) if !topic.as_deref().is_some_and(is_routing) => {
                from_json::<Envelope<'_>>(detail.get()).map_err(|error| error.within("detail"))?
            }
            _ => outer,
        };
        let at = inner.time.map_or(now, |time| time.0);
        let Some(topic) = inner.topic.as_deref() else {
            return Ok(if inner.message.is_some() { Parsed::Heartbeat } else { Parsed::Unknown });
        };
        let (place, body) = match (inner.body, inner.detail) {
            (Some(body), _) => ("eventBody", body.get()),
            (None, Some(detail)) => ("detail", detail.get()),
            (None, None) => ("eventBody", "{}"),
        };
        let parsed = match topic {
            "channel.metadata" => return Ok(Parsed::Heartbeat),
            "v2.system.socket_closing" => return Ok(Parsed::ClosingSoon),
            _ => self.topic(topic, body, inner.id, at),
        };
        parsed.map_err(|error| error.within(place))
    }

    fn topic(
        &self,
        topic: &str,
        body: &str,
        id: Option<EventId>,
        at: UnixTime,
    ) -> Result<Parsed, SourceError> {
        if is_routing(topic) {
            return self.routing(topic, body, id, at);
        }
        let parts: Vec<&str> = topic.split('.').collect();
        match parts.as_slice() {
            ["v2", "detail", "events", "conversation", conversation, kind @ ..] => {
                self.detail(conversation, &kind.join("."), body, id, at)
            }
            ["v2", "users", _, "conversations"] | ["v2", "routing", "queues", _, "conversations"] => {
                participants::inputs(from_json::<Report<'_>>(body)?, None, &self.media, at)
                    .map(Parsed::Inputs)
            }
            ["v2", "users", _, "conversations", media]
            | ["v2", "routing", "queues", _, "conversations", media] => {
                let Some(media) = media_of(media) else { return Ok(Parsed::Unknown) };
                participants::inputs(from_json::<Report<'_>>(body)?, Some(media), &self.media, at)
                    .map(Parsed::Inputs)
            }
            ["v2", "users", person, "presence" | "routingStatus" | "activity"] => presence(person, body, at),
            _ => Ok(Parsed::Unknown),
        }
    }

    fn detail(
        &self,
        conversation: &str,
        kind: &str,
        body: &str,
        id: Option<EventId>,
        at: UnixTime,
    ) -> Result<Parsed, SourceError> {
        if !["message", "user.start", "user.end", "customer.start", "customer.end"].contains(&kind) {
            return Ok(Parsed::Unknown);
        }
        let detail: Detail<'_> = from_json(body)?;
        let conversation = match detail.conversation_id.clone() {
            Some(conversation) => conversation,
            None => {
                ConversationId::new(conversation).map_err(|error| SourceError::id("conversationId", error))?
            }
        };
        let media = detail.media();
        if kind != "message" && !self.wants(media) {
            return Ok(Parsed::Inputs(Vec::new()));
        }
        let at = detail.event_time.map_or(at, |when| when.0);
        let what = match kind {
            "message" => What::MessageSent(detail.message()?),
            "user.start" => What::CallOffered(detail.offer(media)?),
            "user.end" => {
                let person = detail.user()?;
                if detail.interacting_duration_ms.unwrap_or(0) > 0 {
                    What::Left(Left { person })
                } else {
                    participants::unanswered(&person, detail.disconnect_type.as_deref(), detail.session_id)
                }
            }
            "customer.start" => What::Joined(Joined { person: detail.customer()?, role: Role::Visitor }),
            _ => What::CallEnded(Ended { abandoned: true }),
        };
        Ok(Parsed::Inputs(vec![Input::Event(Event { conversation, at, id, what })]))
    }

    fn routing(
        &self,
        topic: &str,
        body: &str,
        id: Option<EventId>,
        at: UnixTime,
    ) -> Result<Parsed, SourceError> {
        let detail: Detail<'_> = match topic {
            "routing.queue.member.added"
            | "routing.queue.member.removed"
            | "routing.conversation.created"
            | "routing.conversation.updated"
            | "routing.conversation.deleted" => from_json(body)?,
            _ => return Ok(Parsed::Unknown),
        };
        let media = detail.media();
        if !self.wants(media) {
            return Ok(Parsed::Inputs(Vec::new()));
        }
        let conversation = detail.conversation_id.clone();
        let conversation =
            conversation.ok_or_else(|| SourceError::missing("conversationId", "a conversation's id"))?;
        let at = detail.event_time.map_or(at, |when| when.0);
        let what = match topic {
            "routing.queue.member.added" => What::CallOffered(detail.offer(media)?),
            "routing.queue.member.removed" => What::CallWithdrawn(Withdrawn {
                person: detail.user()?,
                cause: Cause::Transferred,
                offer: detail.session_id,
            }),
            "routing.conversation.created" => What::StateChanged(StateChanged { open: true }),
            "routing.conversation.deleted" => What::CallEnded(Ended { abandoned: true }),
            _ => {
                let participants = match detail.participants {
                    Some(raw) => {
                        from_json(raw.get()).map_err(|error: SourceError| error.within("participants"))?
                    }
                    None => Vec::new(),
                };
                let report = Report { id: conversation, participants };
                return participants::inputs(report, Some(media), &self.media, at).map(Parsed::Inputs);
            }
        };
        Ok(Parsed::Inputs(vec![Input::Event(Event { conversation, at, id, what })]))
    }

    fn wants(&self, media: Media) -> bool {
        self.media.is_empty() || self.media.contains(&media)
    }
}

fn is_routing(topic: &str) -> bool {
    topic.starts_with("routing.")
}

impl Detail<'_> {
    fn media(&self) -> Media {
        self.media_type.as_deref().and_then(media_of).unwrap_or(Media::Call)
    }

    fn user(&self) -> Result<PersonId, SourceError> {
        self.user_id.clone().ok_or_else(|| SourceError::missing("userId", "a user's id"))
    }

    fn customer(&self) -> Result<PersonId, SourceError> {
        self.participant_id.clone().ok_or_else(|| SourceError::missing("participantId", "a participant's id"))
    }

    fn message(self) -> Result<Message, SourceError> {
        // An agent has a user id; otherwise the purpose or the direction tells.
        let outbound = self.direction.as_deref().is_some_and(|way| way.eq_ignore_ascii_case("outbound"));
        let role = match (&self.user_id, self.purpose.as_deref(), outbound) {
            (Some(_), ..) => Role::Primary,
            (None, Some(purpose), _) => role_of(purpose).unwrap_or(Role::Bot),
            (None, None, true) => Role::Bot,
            (None, None, false) => Role::Visitor,
        };
        let sender = match self.user_id.clone() {
            Some(user) => user,
            None => self.customer()?,
        };
        Ok(Message {
            sender,
            role,
            kind: MessageKind::Written,
            message: self.message_id,
            sequence: self.sequence,
            sender_name: self.from_name,
            preview: self.text,
        })
    }

    fn offer(self, media: Media) -> Result<Offer, SourceError> {
        let person = self.user()?;
        Ok(Offer {
            media,
            offer: self.session_id,
            // The participant of these events is the agent.
            caller: self.caller_id,
            caller_name: self.from_name,
            queue: self.queue_id,
            queue_name: self.queue_name,
            ..Offer::new(person)
        })
    }
}

fn presence(person: &str, body: &str, at: UnixTime) -> Result<Parsed, SourceError> {
    let person = PersonId::new(person).map_err(|error| SourceError::id("topicName", error))?;
    let mut present: Present<'_> = from_json(body)?;
    if let (None, Some(inner)) = (&present.presence_definition, present.presence.take()) {
        (present.presence_definition, present.modified_date) =
            (inner.presence_definition, inner.modified_date);
    }
    let at = present.modified_date.map_or(at, |when| when.0);
    let word = match (&present.presence_definition, &present.routing_status) {
        (Some(definition), _) => &definition.system_presence,
        (None, Some(status)) => &status.status,
        (None, None) => return Ok(Parsed::Unknown),
    };
    let presence = match word.to_ascii_lowercase().replace([' ', '_'], "").as_str() {
        "available" | "onqueue" | "idle" => Presence::Available,
        "offline" => Presence::Offline,
        "interacting" | "communicating" | "oncall" => Presence::OnCall,
        _ => Presence::Away,
    };
    let event = PersonEvent { person, at, what: PersonChange::Presence(presence) };
    Ok(Parsed::Inputs(vec![Input::Person(event)]))
}
