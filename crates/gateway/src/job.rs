//! What leaves the machine for whoever writes requests: plain data, no token, no endpoint, no key.

use std::sync::Arc;

use reveille_conversation::event::Role;
use reveille_conversation::id::{ConversationId, PersonId};
use reveille_conversation::lookup::Takes;
use reveille_conversation::rules::Channels;
use reveille_conversation::{Channel, CollapseKey, Intent, Kind, Slot, Withdraw};
use reveille_core::UnixTime;
use reveille_delivery::{Device, DeviceId, JobId, LegId, PayloadDigest, Priority};
use serde::{Deserialize, Serialize};

use crate::audience::AnnouncementId;

/// The first question about a notification: which devices is it for? Whoever has the records answers with [`Devices`](crate::Devices), or with [`Deferred`](crate::Deferred) for the whole
/// job while the person wants quiet; until one of the two is there, it is asked again every five minutes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recipient {
    /// For which job.
    pub job: JobId,
    /// Whose devices.
    pub person: PersonId,
    /// In which conversation: a guest's subscriptions may be bound to one.
    pub conversation: ConversationId,
    /// About what: it decides which of a device's tokens is used, and whether it may pass a pause.
    pub kind: Kind,
    /// As what they take part, for the rules of an app; none where something is taken back, which goes to whoever was told.
    pub role: Option<Role>,
    /// Devices on these channels only: [`Channel::Mobile`] is APNs and FCM, [`Channel::WebPush`] is Web Push.
    pub channels: Channels,
    /// Not these: they show the conversation.
    pub except: Arc<[DeviceId]>,
    /// How much it hurries.
    pub priority: Priority,
    /// From then on nothing of it leaves.
    pub not_after: UnixTime,
    /// Devices may have been told, by a process that died before it was in the log which. So the answer names all that would
    /// be told, also when `not_after` is over: what rings on them is taken back.
    pub maybe_again: bool,
    /// What a first attempt needs besides, where it may leave before the answer is in the log: see
    /// [`AtOnce`](crate::AtOnce).
    pub(crate) first: Option<First>,
}

/// What the first attempts of a job have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct First {
    pub(crate) generation: u64,
    pub(crate) decided: UnixTime,
    pub(crate) digest: PayloadDigest,
    pub(crate) content: Arc<Content>,
    /// On so many devices at most.
    pub(crate) most: usize,
}

/// One attempt to be made: what the writer of requests gets. A job of [`delivery`](reveille_delivery) on one target, with
/// all names that a request needs.
///
/// Every attempt of a leg has the same names; whatever was made from it can be made again, byte for byte, but for what is
/// encrypted anew. A job that comes back from the dead letters was decided when it came back: its resume token has the same
/// id, and another time. Report each with an [`Outcome`](crate::Outcome) or a [`Deferred`](crate::Deferred).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Job {
    /// One notification for one recipient.
    pub job: JobId,
    /// The job on this target: `apns-id` and the resume token's id follow from it.
    pub leg: LegId,
    /// Where to.
    pub target: Target,
    /// For whom.
    pub person: PersonId,
    /// Where.
    pub conversation: ConversationId,
    /// The number of the attempt, from 1; one that was deferred keeps it.
    pub attempt: u8,
    /// The target may have been told already.
    pub maybe_again: bool,
    /// Grows with everything that leaves under this collapse key: a receiver drops what is not newer than what it saw.
    pub generation: u64,
    /// What it replaces on the screen, and with the service: `Topic`, `apns-collapse-id`, `collapse_key`, tag.
    pub collapse: CollapseKey,
    /// When the job was decided on: the issue time of the resume token inside.
    pub decided: UnixTime,
    /// When it is of no more use, exclusive: TTL and expiration follow from it.
    pub not_after: UnixTime,
    /// How much it hurries.
    pub priority: Priority,
    /// What the message says, as a hash: for the pacer's watch for poison.
    pub digest: PayloadDigest,
    /// What it says.
    pub content: Arc<Content>,
}

/// Where a [`Job`] goes. Push to devices; hand the others to your own mailer, webhook or text message service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Target {
    /// One device, at the revision with which it was chosen.
    Device(Device),
    /// The customer's webhook.
    Webhook,
    /// The person's mailbox.
    Email,
    /// The person's telephone, by text message. An attempt is in the log before it is made, and is not made twice.
    Sms,
}

/// What a notification says, as the rules decided it: [`reveille_conversation::content`] makes texts, categories, buttons
/// and routing data of it. Read it from [`Job::content`] when you write the request yourself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Content {
    /// Tell somebody something.
    Show {
        /// What. Of several messages, the last one; `arguments.unread` counts all that are unread at the time of the job.
        intent: Box<Intent>,
        /// Messages that are told with it; 1 for everything else.
        messages: u32,
        /// People who wrote them, as far as they were counted; 1 for everything else.
        senders: u32,
        /// The announcement that it is, if it is one.
        announcement: Option<AnnouncementId>,
    },
    /// Take something back: stop a ring, or invalidate what is shown.
    TakeBack(Box<Withdraw>),
}

impl Content {
    /// What it is about. Of what is taken back, what that was.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Show { intent, .. } => intent.kind,
            Self::TakeBack(withdraw) => withdraw.of,
        }
    }

    /// As what the person takes part. None where something is taken back.
    #[must_use]
    pub fn role(&self) -> Option<Role> {
        match self {
            Self::Show { intent, .. } => Some(intent.role),
            Self::TakeBack(_) => None,
        }
    }

    /// Returns the announcement that it is, if it is one.
    #[must_use]
    pub const fn announcement(&self) -> Option<AnnouncementId> {
        match self {
            Self::Show { announcement, .. } => *announcement,
            Self::TakeBack(_) => None,
        }
    }

    /// Returns for whom it is.
    #[must_use]
    pub fn person(&self) -> &PersonId {
        match self {
            Self::Show { intent, .. } => &intent.recipient,
            Self::TakeBack(withdraw) => &withdraw.recipient,
        }
    }

    /// Returns in which conversation it is.
    #[must_use]
    pub fn conversation(&self) -> &ConversationId {
        match self {
            Self::Show { intent, .. } => &intent.conversation,
            Self::TakeBack(withdraw) => &withdraw.conversation,
        }
    }

    /// Where it may go.
    #[must_use]
    pub fn channels(&self) -> Channels {
        match self {
            Self::Show { intent, .. } => intent.channels,
            Self::TakeBack(withdraw) => withdraw.channels,
        }
    }

    /// Whether it takes something back.
    #[must_use]
    pub const fn takes_back(&self) -> bool {
        matches!(self, Self::TakeBack(_))
    }

    /// What it replaces.
    pub(crate) fn collapse(&self) -> CollapseKey {
        match self {
            Self::Show { intent, .. } => intent.collapse,
            Self::TakeBack(withdraw) => withdraw.collapse,
        }
    }

    /// Whether it goes to a device's token for calls, if there is one: a ringing call, and its cancel.
    #[must_use]
    pub fn is_for_calls(&self) -> bool {
        let silent = matches!(self, Self::TakeBack(withdraw) if withdraw.how == Takes::Invalidate);
        self.kind() == Kind::IncomingCall && !silent
    }
}

impl Target {
    /// The channel that it belongs to; of a device it follows from its class, see [`class`](crate::class).
    #[must_use]
    pub const fn channel(self) -> Option<Channel> {
        match self {
            Self::Device(device) => crate::class::channel(device.class),
            Self::Webhook => Some(Channel::Webhook),
            Self::Email => Some(Channel::Email),
            Self::Sms => None,
        }
    }

    /// The device, if it is one.
    #[must_use]
    pub const fn device(self) -> Option<Device> {
        if let Self::Device(device) = self { Some(device) } else { None }
    }
}

impl Job {
    /// `apns-id`, the name of the push in a resume token: the leg, as a UUID (version 8, RFC 9562 §5.8).
    /// The same for every attempt, on every machine.
    #[must_use]
    pub fn name(&self) -> String {
        crate::id::uuid(self.leg.to_bits())
    }

    /// `Message-ID` of an e-mail without the domain; `webhook-id` and `Idempotency-Key` of a webhook or text message. The job
    /// has one target then, and the same name for every attempt.
    #[must_use]
    pub fn job_name(&self) -> String {
        crate::id::uuid(self.job.to_bits())
    }
}

/// For whoever drives a writer without a [`Gateway`](crate::Gateway): tests, benchmarks. The other fields are set afterwards.
impl Recipient {
    /// Nobody is spared, and calls and offers hurry.
    #[must_use]
    pub fn new(job: JobId, content: &Content, not_after: UnixTime) -> Self {
        Self {
            job,
            person: content.person().clone(),
            conversation: content.conversation().clone(),
            kind: content.kind(),
            role: content.role(),
            channels: content.channels(),
            except: Arc::default(),
            priority: priority(content),
            not_after,
            maybe_again: false,
            first: None,
        }
    }

    /// Whether first attempts may leave before the answer is in the log, through [`AtOnce`](crate::AtOnce).
    #[must_use]
    pub const fn is_at_once(&self) -> bool {
        self.first.is_some()
    }
}

/// For whoever drives a writer without a [`Gateway`](crate::Gateway). The other fields are set afterwards.
impl Job {
    /// Makes the first attempt of a job.
    #[must_use]
    pub fn new(job: JobId, leg: LegId, target: Target, content: Arc<Content>, decided: UnixTime) -> Self {
        let (generation, not_after) = match &*content {
            Content::Show { intent, .. } => (intent.generation, intent.not_after),
            Content::TakeBack(withdraw) => (withdraw.generation, withdraw.not_after),
        };
        Self {
            job,
            leg,
            target,
            person: content.person().clone(),
            conversation: content.conversation().clone(),
            attempt: 1,
            maybe_again: false,
            generation: generation.to_bits(),
            collapse: content.collapse(),
            decided,
            not_after,
            priority: priority(&content),
            digest: PayloadDigest::default(),
            content,
        }
    }
}

fn priority(content: &Content) -> Priority {
    if content.kind().slot() == Slot::Call { Priority::Urgent } else { Priority::Normal }
}
