//! The webhooks of a conversation platform (E).
//!
//! `eventType`, `timestamp`, `conversationId`, and a body per type. Types of participants are `PRIMARY`, `SECONDARY`,
//! `VISITOR` and `BOT`; the state of a call, per person, is `RINGING`, `CONNECTED`, `IDLE` or `NONE` (E3).

use std::borrow::Cow;

use reveille_core::UnixTime;
use serde::Deserialize;

use super::time::When;
use super::{Counts, Parsed, SourceError, from_json};
use crate::event::{
    Answered, Declined, Event, HandedOver, Joined, Left, Message, Offer, Read, StateChanged, Target,
    TimedOut, What, Withdrawn,
};
use crate::event::{MessageKind, Role};
use crate::id::{ConversationId, DeviceId, EventId, MessageId, OfferId, PersonId, QueueId};
use crate::text::Text;
use crate::{Cause, Input, Media};

/// Reads the webhooks of a conversation platform. Check a webhook's signature first, and then give its body to
/// [`read`](Self::read).
#[derive(Clone, Debug, Default)]
pub struct Platform {
    counts: Counts,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Webhook<'a> {
    #[serde(borrow)]
    event_type: Cow<'a, str>,
    id: Option<EventId>,
    timestamp: Option<When>,
    conversation_id: Option<ConversationId>,
    person: Option<Person>,
    sender: Option<Person>,
    recipient: Option<Recipient>,
    message: Option<Body>,
    call: Option<Call>,
    sequence: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Person {
    id: PersonId,
    #[serde(default)]
    participant_type: Type,
    name: Option<Text>,
    #[serde(default)]
    hidden: bool,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Type {
    #[default]
    Primary,
    Secondary,
    Visitor,
    Bot,
    System,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Recipient {
    agent_id: Option<PersonId>,
    queue_id: Option<QueueId>,
}

#[derive(Deserialize)]
struct Body {
    id: Option<MessageId>,
    sequence: Option<u64>,
    text: Option<Text>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Call {
    id: Option<OfferId>,
    state: State,
    reason: Option<Why>,
    device_id: Option<DeviceId>,
    caller_name: Option<Text>,
    #[serde(default)]
    auto_join: bool,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum State {
    Ringing,
    Connected,
    Idle,
    None,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Why {
    CallerHungUp,
    TimedOut,
    Declined,
}

impl Platform {
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

    /// One webhook's body. `now` stands for a `timestamp` that is not there. Its signature is checked before.
    ///
    /// # Errors
    /// [`SourceError`] names the path of what is malformed.
    pub fn read(&mut self, json: &str, now: UnixTime) -> Result<Parsed, SourceError> {
        let parsed = parse(json, now);
        self.counts.count(parsed)
    }
}

fn parse(json: &str, now: UnixTime) -> Result<Parsed, SourceError> {
    #[derive(Deserialize)]
    struct Kind<'a> {
        #[serde(rename = "eventType", borrow)]
        kind: Cow<'a, str>,
    }
    let known = [
        "conversation.new_message",
        "conversation.read",
        "conversation.call_state_changed",
        "conversation.person_joined",
        "conversation.person_left",
        "conversation.forwarded",
        "conversation.invited",
        "conversation.delegated",
        "conversation.ended",
        "conversation.reopened",
    ];
    // The kind first: a body of another kind may hold anything.
    if !known.contains(&&*from_json::<Kind<'_>>(json)?.kind) {
        return Ok(Parsed::Unknown);
    }
    let hook: Webhook<'_> = from_json(json)?;
    let at = hook.timestamp.map_or(now, |when| when.0);
    let missing = |path: &str| SourceError::missing(path, "a value");
    let conversation = hook.conversation_id.clone().ok_or_else(|| missing("conversationId"))?;
    let id = hook.id.clone();
    let what = match &*hook.event_type {
        "conversation.new_message" => message(hook.sender, hook.message)?,
        "conversation.read" => {
            let person = hook.person.ok_or_else(|| missing("person"))?.id;
            What::ReadUpTo(Read { person, sequence: hook.sequence })
        }
        "conversation.call_state_changed" => {
            let person = hook.person.ok_or_else(|| missing("person"))?;
            call(person, hook.call.ok_or_else(|| missing("call"))?)
        }
        "conversation.person_joined" => {
            let person = hook.person.ok_or_else(|| missing("person"))?;
            What::Joined(Joined { role: role_of(person.participant_type), person: person.id })
        }
        "conversation.person_left" => {
            What::Left(Left { person: hook.person.ok_or_else(|| missing("person"))?.id })
        }
        "conversation.ended" => What::StateChanged(StateChanged { open: false }),
        "conversation.reopened" => What::StateChanged(StateChanged { open: true }),
        kind => {
            let to = hook.recipient.ok_or_else(|| missing("recipient"))?;
            let to = match (to.agent_id, to.queue_id) {
                (Some(agent), _) => Target::Agent(agent),
                (None, Some(queue)) => Target::Queue(queue),
                (None, None) => return Err(missing("recipient.agentId")),
            };
            let (by, by_name) = hook.sender.map_or((None, None), |sender| (Some(sender.id), sender.name));
            let handed = HandedOver { to, by, by_name };
            match kind {
                "conversation.forwarded" => What::Forwarded(handed),
                "conversation.invited" => What::Invited(handed),
                _ => What::Delegated(handed),
            }
        }
    };
    Ok(Parsed::Inputs(vec![Input::Event(Event { conversation, at, id, what })]))
}

const fn role_of(kind: Type) -> Role {
    match kind {
        Type::Primary => Role::Primary,
        Type::Secondary => Role::Secondary,
        Type::Visitor => Role::Visitor,
        Type::Bot | Type::System => Role::Bot,
    }
}

fn message(sender: Option<Person>, body: Option<Body>) -> Result<What, SourceError> {
    let sender = sender.ok_or_else(|| SourceError::missing("sender", "a value"))?;
    let body = body.ok_or_else(|| SourceError::missing("message", "a value"))?;
    let system = matches!(sender.participant_type, Type::System);
    Ok(What::MessageSent(Message {
        role: role_of(sender.participant_type),
        sender: sender.id,
        kind: if system { MessageKind::System } else { MessageKind::Written },
        message: body.id,
        sequence: body.sequence,
        sender_name: sender.name,
        preview: body.text,
    }))
}

/// The state of one person's call (E3): RINGING rings, IDLE revokes, NONE is the end, for a reason.
fn call(person: Person, call: Call) -> What {
    let (role, hidden, person, offer) = (role_of(person.participant_type), person.hidden, person.id, call.id);
    match (call.state, call.reason) {
        (State::Ringing, _) => What::CallOffered(Offer {
            person,
            role,
            media: Media::Call,
            offer,
            caller: None,
            caller_name: call.caller_name,
            queue: None,
            queue_name: None,
            assigned: true,
            auto_join: call.auto_join,
            hidden,
            presence: None,
            rings_for_ms: None,
            restated: false,
        }),
        (State::Connected, _) => {
            What::CallAnswered(Answered { person, role: Some(role), device: call.device_id, offer })
        }
        (State::Idle, _) => What::CallWithdrawn(Withdrawn { person, cause: Cause::Revoked, offer }),
        (State::None, Some(Why::Declined)) => {
            What::CallDeclined(Declined { person, device: call.device_id, offer })
        }
        (State::None, Some(Why::CallerHungUp)) => {
            What::CallWithdrawn(Withdrawn { person, cause: Cause::Abandoned, offer })
        }
        (State::None, Some(Why::TimedOut)) => What::CallTimedOut(TimedOut { person: Some(person), offer }),
        (State::None, None) => What::CallWithdrawn(Withdrawn { person, cause: Cause::Ended, offer }),
    }
}
