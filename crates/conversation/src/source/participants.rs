//! The participants of a Genesys Cloud conversation: a report of the whole state, turned into events.
//!
//! Sources: the schemas `QueueConversationEventTopicParticipant` and `ConversationCallEventTopicCallMediaParticipant` of
//! the platform's client SDKs. The machine knows what is new in a report; see `restated`.

use std::borrow::Cow;

use reveille_core::UnixTime;
use serde::Deserialize;

use super::SourceError;
use super::time::When;
use crate::event::Role;
use crate::event::{Answered, Declined, Event, Joined, Offer, TimedOut, What, Withdrawn};
use crate::id::{ConversationId, OfferId, PersonId, QueueId};
use crate::text::Text;
use crate::{Cause, Input, Media};

/// The body of `v2.users.{id}.conversations` and its kin.
#[derive(Deserialize)]
pub(super) struct Report<'a> {
    pub(super) id: ConversationId,
    #[serde(default, borrow)]
    pub(super) participants: Vec<Participant<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Participant<'a> {
    id: Option<PersonId>,
    user_id: Option<PersonId>,
    user: Option<Reference<PersonId>>,
    queue_id: Option<QueueId>,
    queue: Option<Reference<QueueId>>,
    name: Option<Text>,
    queue_name: Option<Text>,
    #[serde(borrow)]
    purpose: Option<Cow<'a, str>>,
    alerting_timeout_ms: Option<u64>,
    // The `.calls`, `.chats`, … topics have the state here. Not flattened: that would buffer every field of a participant.
    #[serde(borrow)]
    state: Option<Cow<'a, str>>,
    #[serde(borrow)]
    disconnect_type: Option<Cow<'a, str>>,
    start_alerting_time: Option<When>,
    connected_time: Option<When>,
    disconnected_time: Option<When>,
    #[serde(default, borrow)]
    calls: Vec<Leg<'a>>,
    #[serde(default, borrow)]
    chats: Vec<Leg<'a>>,
    #[serde(default, borrow)]
    callbacks: Vec<Leg<'a>>,
    #[serde(default, borrow)]
    emails: Vec<Leg<'a>>,
    #[serde(default, borrow)]
    messages: Vec<Leg<'a>>,
}

/// References may be empty: `"queue": {}`.
#[derive(Deserialize)]
struct Reference<T> {
    #[serde(default = "none")]
    id: Option<T>,
}

const fn none<T>() -> Option<T> {
    None
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Leg<'a> {
    id: Option<OfferId>,
    #[serde(borrow)]
    state: Option<Cow<'a, str>>,
    #[serde(borrow)]
    disconnect_type: Option<Cow<'a, str>>,
    start_alerting_time: Option<When>,
    connected_time: Option<When>,
    disconnected_time: Option<When>,
}

impl Participant<'_> {
    fn person(&self) -> Option<&PersonId> {
        self.user_id.as_ref().or_else(|| self.user.as_ref()?.id.as_ref()).or(self.id.as_ref())
    }

    fn own(&self) -> Leg<'_> {
        Leg {
            // The participant is the offer then.
            id: self.id.as_ref().and_then(|id| OfferId::new(id.as_str()).ok()),
            state: self.state.clone(),
            disconnect_type: self.disconnect_type.clone(),
            start_alerting_time: self.start_alerting_time,
            connected_time: self.connected_time,
            disconnected_time: self.disconnected_time,
        }
    }

    fn role(&self) -> Option<Role> {
        role_of(self.purpose.as_deref()?)
    }
}

/// The platform's `purpose` of a participant; `None` for queues, flows and the like, who are told nothing.
pub(super) fn role_of(purpose: &str) -> Option<Role> {
    let roles = [
        (["agent", "user"], Role::Primary),
        (["customer", "external"], Role::Visitor),
        (["bot", "botflow"], Role::Bot),
    ];
    roles.into_iter().find(|(names, _)| is(purpose, names)).map(|(_, role)| role)
}

pub(super) fn media_of(name: &str) -> Option<Media> {
    let media: [(&[&str], Media); 5] = [
        (&["voice", "call", "calls"], Media::Call),
        (&["chat", "chats", "webchat"], Media::Chat),
        (&["callback", "callbacks"], Media::Callback),
        (&["message", "messages", "messaging"], Media::Message),
        (&["email", "emails"], Media::Email),
    ];
    media.into_iter().find(|(names, _)| is(name, names)).map(|(_, media)| media)
}

/// Whether a word is one of these; the platform's words come in both cases.
fn is(word: &str, names: &[&str]) -> bool {
    names.iter().any(|name| word.eq_ignore_ascii_case(name))
}

/// `only`: the media of the topic, where it names one. `filter`: media that are wanted; they are alternatives (B1).
pub(super) fn inputs(
    report: Report<'_>,
    only: Option<Media>,
    filter: &[Media],
    now: UnixTime,
) -> Result<Vec<Input>, SourceError> {
    let mut inputs = Vec::new();
    let visitor = report.participants.iter().find(|participant| participant.role() == Some(Role::Visitor));
    let caller = visitor.and_then(|visitor| visitor.name.clone());
    let event = |what: What, at: UnixTime| Input::Event(Event::new(report.id.clone(), what, at));
    for participant in &report.participants {
        let (Some(person), Some(role)) = (participant.person(), participant.role()) else { continue };
        if role == Role::Visitor {
            inputs.push(event(What::Joined(Joined { person: person.clone(), role }), now));
            continue;
        }
        let own = [participant.own()];
        let own = only.map(|media| (media, own.as_slice()));
        let lists = [
            (Media::Call, participant.calls.as_slice()),
            (Media::Chat, participant.chats.as_slice()),
            (Media::Callback, participant.callbacks.as_slice()),
            (Media::Email, participant.emails.as_slice()),
            (Media::Message, participant.messages.as_slice()),
        ];
        for (media, legs) in own.into_iter().chain(lists) {
            if !filter.is_empty() && !filter.contains(&media) {
                continue;
            }
            for leg in legs {
                let offer = leg.id.clone();
                let time = |when: Option<When>| when.map_or(now, |when| when.0);
                let Some(state) = leg.state.as_deref() else { continue };
                if is(state, &["alerting", "offering"]) {
                    let queue = participant.queue.as_ref().and_then(|queue| queue.id.clone());
                    let offer = Offer {
                        role,
                        media,
                        offer,
                        caller_name: caller.clone(),
                        queue: participant.queue_id.clone().or(queue),
                        queue_name: participant.queue_name.clone(),
                        rings_for_ms: participant.alerting_timeout_ms,
                        restated: true,
                        ..Offer::new(person.clone())
                    };
                    inputs.push(event(What::CallOffered(offer), time(leg.start_alerting_time)));
                } else if is(state, &["connected", "contacting"]) {
                    let answered = Answered { person: person.clone(), role: Some(role), device: None, offer };
                    inputs.push(event(What::CallAnswered(answered), time(leg.connected_time)));
                } else if is(state, &["disconnected", "terminated"]) && leg.connected_time.is_none() {
                    let what = unanswered(person, leg.disconnect_type.as_deref(), offer);
                    inputs.push(event(what, time(leg.disconnected_time)));
                }
            }
        }
    }
    Ok(inputs)
}

/// An offer that ended without an answer, by the platform's `disconnectType`.
pub(super) fn unanswered(person: &PersonId, disconnect_type: Option<&str>, offer: Option<OfferId>) -> What {
    let person = person.clone();
    match disconnect_type.map(str::to_ascii_lowercase).as_deref() {
        Some("client") => What::CallDeclined(Declined { person, device: None, offer }),
        Some("timeout" | "system" | "notresponding") => {
            What::CallTimedOut(TimedOut { person: Some(person), offer })
        }
        Some("peer" | "endpoint") => {
            What::CallWithdrawn(Withdrawn { person, cause: Cause::Abandoned, offer })
        }
        _ => What::CallWithdrawn(Withdrawn { person, cause: Cause::Transferred, offer }),
    }
}
