//! Which devices: the answer to a gateway's question.

use reveille_conversation::{Channel, Kind, Reason};
use reveille_core::UnixTime;
use reveille_delivery::{Class, Device, DeviceId, HeldBy, Priority};
use reveille_gateway::{Deferred, Devices, Input, Recipient, class};
use reveille_registry as registry;
use reveille_registry::{Purpose, PushKind, State};

use crate::person::paused;
use crate::{App, Person, Writer};

/// What becomes of one device of a person, as [`Writer::pick`] decided. Read it to explain why a telephone stayed silent;
/// the answer for the gateway holds what it needs already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Choice {
    /// A leg goes to it.
    Leg(Device),
    /// It has to wait. If another device of the person gets its leg now, this one is in the answer, too, and its leg is
    /// deferred when it is [written](Writer::write).
    Held {
        /// Which.
        device: Device,
        /// Until when.
        until: UnixTime,
        /// By what.
        by: HeldBy,
    },
    /// It gets nothing, and this is why.
    Skipped(Skip),
}

/// Why a device gets nothing of a notification. Count it by [`name`](Self::name), and show it to whoever asks why no push
/// came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Skip {
    /// It is quarantined or retired.
    NotReachable,
    /// It is an address, for the fallback.
    Address,
    /// It has no token that serves this kind of push on its platform.
    NoToken,
    /// It lives as long as another event, and is told of that one only.
    OtherEvent,
    /// The rules do not send this kind on its channel.
    Channel,
    /// It shows the conversation.
    Excepted,
    /// The person does not want this.
    Unwanted,
    /// There are no credentials for its app and service.
    NoCredential,
    /// The kill switch has stopped its app (E1).
    Killed,
    /// The rules of its app do not send this.
    AppRules {
        /// Why not.
        reason: Reason,
    },
    /// App and device together are too long for a name, or not fit for a log.
    Name,
    /// The record is another person's.
    OtherOwner,
    /// A device of this name was there before.
    Twice,
    /// It is of no more use, and nobody can have been told of it.
    Late,
}

impl Skip {
    /// The name in snake case, as logs and counters print it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotReachable => "not_reachable",
            Self::Address => "address",
            Self::NoToken => "no_token",
            Self::OtherEvent => "other_event",
            Self::Channel => "channel",
            Self::Excepted => "excepted",
            Self::Unwanted => "unwanted",
            Self::NoCredential => "no_credential",
            Self::Killed => "killed_app",
            Self::AppRules { .. } => "app_rules",
            Self::Name => "name",
            Self::OtherOwner => "other_owner",
            Self::Twice => "twice",
            Self::Late => "late",
        }
    }
}

/// What [`Writer::pick`] returns: the answer to a [`Recipient`], to be handed to the gateway, and what was chosen for each
/// device, for explanations.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Picked {
    /// For the gateway.
    pub answer: Answer,
    /// For explanations: one per device of the person, in their order.
    pub each: Vec<Choice>,
}

/// What the gateway is told about a [`Recipient`]. Turn it into an [`Input`] with `into`, and admit that.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "the gateway takes these two answers")]
pub enum Answer {
    /// These devices, or none, which sets off the fallback.
    Devices(Devices),
    /// All that could be told wait: ask again then.
    Deferred(Deferred),
}

impl From<Answer> for Input {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Devices(devices) => devices.into(),
            Answer::Deferred(deferred) => deferred.into(),
        }
    }
}

impl Writer {
    /// Picks the devices of a notification: those that have a token for this kind of push and credentials to send with, on
    /// the channels that the rules allow, as far as the person wants it. Nothing is picked that shows the conversation, and
    /// what pauses or quiet hours hold back waits. No attempt is counted for any of this.
    ///
    /// What a pause holds back is counted in the person's [`Pauses`](reveille_registry::pause::Pauses) (E9), once for each call: store
    /// them if their revision has risen.
    pub fn pick(&self, recipient: &Recipient, person: &mut Person, now: UnixTime) -> Picked {
        let mut each: Vec<Choice> = Vec::with_capacity(person.devices.len());
        for record in &person.devices {
            let choice = match self.leg(recipient, record, person, now) {
                Err(skip) => Choice::Skipped(skip),
                Ok((device, _)) if each.iter().any(|other| other.device() == Some(device.id)) => {
                    Choice::Skipped(Skip::Twice)
                }
                Ok((device, channel)) => {
                    match person.holds(channel, recipient.priority, recipient.not_after, now) {
                        Some((until, by)) => Choice::Held { device, until, by },
                        None => Choice::Leg(device),
                    }
                }
            };
            each.push(choice);
        }
        self.count_held(&each, recipient.priority, person, now);
        let earliest = each.iter().filter_map(Choice::held).min_by_key(|(until, _)| *until);
        let legs = each.iter().any(|choice| matches!(choice, Choice::Leg(_)));
        let answer = match earliest {
            Some((until, by)) if !legs => Answer::Deferred(Deferred::person(recipient.job, until, by)),
            _ => {
                let devices: Vec<Device> = each.iter().filter_map(Choice::whole).collect();
                Answer::Devices(Devices::new(recipient.job, devices))
            }
        };
        let picked = Picked { answer, each };
        self.counting.picked(&picked);
        picked
    }

    fn leg(
        &self,
        recipient: &Recipient,
        record: &registry::Device,
        person: &Person,
        now: UnixTime,
    ) -> Result<(Device, Channel), Skip> {
        // Nothing leaves that is late; but who may have been told of it has to hear that it is over.
        if recipient.not_after <= now && !recipient.maybe_again {
            return Err(Skip::Late);
        }
        if record.owner != recipient.person.as_str() {
            return Err(Skip::OtherOwner);
        }
        if !matches!(record.state, State::Active | State::Suspect { .. }) {
            return Err(Skip::NotReachable);
        }
        if record.platform == registry::Platform::Address {
            return Err(Skip::Address);
        }
        if record.event.as_deref().is_some_and(|event| event != recipient.conversation.as_str()) {
            return Err(Skip::OtherEvent);
        }
        let token = record.token_for(push_kind(recipient.kind)).ok_or(Skip::NoToken)?;
        let class = class_of(token.purpose).ok_or(Skip::NoToken)?;
        let channel = class::channel(class).ok_or(Skip::NoToken)?;
        if !recipient.channels.has(channel) {
            return Err(Skip::Channel);
        }
        if !person.preferences.allow(recipient.kind, channel, &record.key.app) {
            return Err(Skip::Unwanted);
        }
        let id = self.device_id(record).ok_or(Skip::Name)?;
        if recipient.except.contains(&id) {
            return Err(Skip::Excepted);
        }
        let app = self.app(&record.key.app).filter(|app| can_send(app, class)).ok_or(Skip::NoCredential)?;
        // Who is late is asked for only to take back what may be there, whatever the rules say by now.
        if let Some(role) = recipient.role.filter(|_| recipient.not_after > now) {
            if self.killed.contains(&app.id) {
                return Err(Skip::Killed);
            }
            let rules = app.rules.as_ref();
            let told = rules.map_or(Ok(()), |rules| rules.allow(recipient.kind, role, channel));
            told.map_err(|reason| Skip::AppRules { reason })?;
        }
        Ok((Device::new(id, record.revision).with_class(class), channel))
    }

    /// E9: nothing is lost silently. Once per channel, however many devices there are on it.
    fn count_held(&self, each: &[Choice], priority: Priority, person: &mut Person, now: UnixTime) {
        for channel in [Channel::Mobile, Channel::WebPush] {
            let held = each.iter().any(|choice| match choice {
                Choice::Held { device, .. } => class::channel(device.class) == Some(channel),
                _ => false,
            });
            if let Some(channel) = paused(channel).filter(|_| held) {
                let _ = person.pauses.weigh(channel, priority == Priority::Urgent, now);
            }
        }
    }
}

impl Choice {
    const fn whole(&self) -> Option<Device> {
        match self {
            Self::Leg(device) | Self::Held { device, .. } => Some(*device),
            Self::Skipped(_) => None,
        }
    }

    fn device(&self) -> Option<DeviceId> {
        self.whole().map(|device| device.id)
    }

    const fn held(&self) -> Option<(UnixTime, HeldBy)> {
        match self {
            Self::Held { until, by, .. } => Some((*until, *by)),
            _ => None,
        }
    }
}

/// A ringing call goes to the token for calls, and so does its cancel; a missed call does not ring (B1).
pub(crate) const fn push_kind(kind: Kind) -> PushKind {
    match kind {
        Kind::IncomingCall => PushKind::Call,
        _ => PushKind::Message,
    }
}

/// The service of a token; `None` for addresses.
pub(crate) const fn class_of(purpose: Purpose) -> Option<Class> {
    match purpose {
        Purpose::WebPush => Some(class::WEB_PUSH),
        Purpose::ApnsAlert | Purpose::ApnsVoip => Some(class::APNS),
        Purpose::FcmToken | Purpose::FcmInstallation => Some(class::FCM),
        _ => None,
    }
}

const fn can_send(app: &App, class: Class) -> bool {
    match class {
        class::WEB_PUSH => app.web_push.is_some(),
        class::APNS => app.apns.is_some(),
        class::FCM => app.fcm.is_some(),
        _ => false,
    }
}
