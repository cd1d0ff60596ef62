//! Requests on their way: what becomes of each, and what is left of it for the oracle.

use std::time::Duration;

use reveille_conversation::Kind;
use reveille_conversation::id::{ConversationId, PersonId};
use reveille_core::UnixTime;
use reveille_delivery::DeviceId;
use reveille_delivery::pacer::LaneId;
use reveille_gateway::{Content, Job, Target};
use serde_json::Value;

use super::Faults;
use super::draw::Draw;
use super::services::{Answer, Service, Taken};

/// One request, as a service saw it, or as the wire lost it.
#[derive(Clone, Debug)]
pub(super) struct Record {
    /// Its place among all that happened.
    pub(super) seq: u64,
    pub(super) at: UnixTime,
    pub(super) job: Job,
    /// Since when it waited for its turn.
    pub(super) offered: UnixTime,
    /// A byte left.
    pub(super) started: bool,
    pub(super) end: End,
    /// Whoever sent it heard nothing in time, whatever the service did.
    pub(super) silent: bool,
    /// It was our credential that was refused.
    pub(super) refused_us: bool,
    pub(super) seen: Seen,
    /// The process that sent it, and its lane; for the rates.
    pub(super) process: u32,
    pub(super) lane: Option<(Service, LaneId)>,
}

/// What the device was shown; where no service took it, what the process meant.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) device: DeviceId,
    pub(super) conversation: ConversationId,
    pub(super) kind: Kind,
    pub(super) takes_back: bool,
    pub(super) generation: Option<u64>,
    /// Whose device it came to, if it came.
    pub(super) owner: Option<PersonId>,
    /// Whom the push says it is for.
    pub(super) addressed: Option<String>,
}

/// What a service did with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Accepted,
    /// For good.
    Refused,
    /// For this time, or it never came there.
    Failed,
    /// It did not come there, and nobody knows.
    Lost,
}

/// What the wire does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wire {
    /// It comes there and the answer comes back after this.
    Well(Duration),
    /// The service answers something else.
    Instead(Answer, Duration),
    /// No byte leaves.
    NotSent,
    /// It comes there, and the answer does not come back.
    AnswerLost,
    /// It does not come there, and nobody knows.
    RequestLost,
    /// The answer comes when nobody waits for it any more: after this.
    Late(Duration),
    /// The answer comes twice, the second time after this.
    Twice(Duration, Duration),
}

impl Wire {
    /// Whether nothing is heard while somebody waits for it.
    pub(super) const fn is_silent(self) -> bool {
        matches!(self, Self::AnswerLost | Self::RequestLost | Self::Late(_))
    }
}

/// The writer of requests waits as long for an answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

impl Seen {
    pub(super) fn of(job: &Job, taken: Option<Taken>) -> Self {
        let mut seen = Self {
            device: job.target.id(),
            conversation: job.conversation.clone(),
            kind: job.content.kind(),
            takes_back: job.content.takes_back(),
            generation: None,
            owner: None,
            addressed: None,
        };
        let Some(taken) = taken else { return seen };
        let text = |name: &str| taken.data.get(name).and_then(Value::as_str);
        (seen.device, seen.owner) = (taken.device, Some(taken.owner.clone()));
        seen.takes_back = text("action").is_some();
        seen.generation = text("generation").and_then(|text| text.parse().ok());
        seen.addressed = text("userId").map(str::to_owned);
        if let Some(conversation) = text("conversationId").and_then(|text| text.parse().ok()) {
            seen.conversation = conversation;
        }
        if let Some(kind) = Kind::ALL.iter().find(|kind| text("kind") == Some(kind.as_str())) {
            seen.kind = *kind;
        }
        seen
    }
}

impl Record {
    /// The event whose text it shows.
    pub(super) fn shows(&self) -> Option<&str> {
        match &*self.job.content {
            Content::Show { intent, .. } => intent.arguments.snippet.as_ref().map(|text| text.as_str()),
            _ => None,
        }
    }

    pub(super) const fn is_to_device(&self) -> bool {
        matches!(self.job.target, Target::Device(_))
    }
}

/// How bad it is at the moment.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Weather {
    /// Two of three requests meet 503.
    pub(super) storm: bool,
    /// Two of three are answered 404, whatever lives.
    pub(super) not_found: bool,
    /// One service is slow.
    pub(super) slow: Option<Service>,
}

pub(super) fn wire(faults: Faults, weather: Weather, service: Option<Service>, draw: &mut Draw) -> Wire {
    let slow = weather.slow.is_some() && weather.slow == service;
    let quick = if slow { draw.ms(2_000, 9_000) } else { draw.ms(5, 400) };
    if faults == Faults::None {
        return Wire::Well(quick);
    }
    if weather.storm && draw.per_mille(700) {
        return Wire::Instead(Answer::Unavailable, quick);
    }
    if weather.not_found && draw.per_mille(700) {
        return Wire::Instead(Answer::NotFound, quick);
    }
    let worse = if faults == Faults::Hell { 3 } else { 1 };
    match draw.below(1_000) / worse {
        0..10 => Wire::Instead(Answer::SlowDown(1 + draw.below(5) as u32), quick),
        10..20 => Wire::Instead(Answer::Unavailable, quick),
        20..25 => Wire::Instead(Answer::NotFound, quick),
        // Apple refuses a new token within twenty minutes of the last one: its credential expires by itself.
        25..27 if service != Some(Service::Apns) => Wire::Instead(Answer::Credential, quick),
        27..37 => Wire::NotSent,
        37..47 => Wire::AnswerLost,
        47..52 => Wire::RequestLost,
        52..57 => Wire::Late(PATIENCE + draw.ms(1, 5_000)),
        57..62 => Wire::Twice(quick, quick * 3),
        _ => Wire::Well(quick),
    }
}
