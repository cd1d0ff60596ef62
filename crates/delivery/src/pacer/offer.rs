//! What goes into a pacer and what comes out.

use reveille_core::UnixTime;

use super::{BreakerChange, ConnectionId, Permit, Pruning, ServiceId};
use crate::id::id;
use crate::{HeldBy, LegId, PayloadDigest, Priority, Send, Verdict};

id! {
    /// The number of a lane: requests that are paced together, because they go to one service, with one credential, to
    /// one host. Use a hash of these three, or a number of your own.
    LaneId(u64)
}
id! {
    /// The number of a credential: a VAPID key at one push service, an APNs key, an FCM project. Give the same number
    /// to everything that is sent with it: when the service refuses the credential, all of that waits.
    CredentialId(u32)
}
id! {
    /// A platform behind a service, for one app (FCM sends to Apple and to browsers, too); 0 where there is none.
    PlatformId(u32)
}

/// A request that should leave when its turn comes. `T` is the request itself, or what it is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Offer<T> {
    /// The job on its device.
    pub leg: LegId,
    /// The number of the attempt; those after the first are retries.
    pub attempt: u8,
    /// What it is paced with.
    pub lane: LaneId,
    /// To which service.
    pub service: ServiceId,
    /// With which credential.
    pub credential: CredentialId,
    /// Through to which platform.
    pub platform: PlatformId,
    /// For whom, for fairness and rates. 0 is nobody, here and in the next two: no rate holds for it, and a service that asks to
    /// leave it alone pauses no other request.
    pub recipient: u64,
    /// To which device; 0 for a webhook or a mailbox.
    pub device: u64,
    /// About which conversation.
    pub conversation: u64,
    /// How much it hurries.
    pub priority: Priority,
    /// When it is of no more use.
    pub not_after: UnixTime,
    /// What the message says.
    pub digest: PayloadDigest,
    /// Bytes that it counts for in the queue.
    pub bytes: u32,
    /// The request.
    pub content: T,
}

impl<T> Offer<T> {
    /// What a delivery wants sent, through a lane. The slot stands for the conversation.
    #[must_use]
    pub fn new(send: &Send, lane: LaneId, service: ServiceId, credential: CredentialId, content: T) -> Self {
        Self {
            leg: send.leg,
            attempt: send.attempt,
            lane,
            service,
            credential,
            platform: PlatformId::default(),
            recipient: fold(send.recipient.to_bits()),
            device: fold(send.device.id.to_bits()),
            conversation: fold(send.slot.to_bits()),
            priority: send.priority,
            not_after: send.not_after,
            digest: send.digest,
            bytes: u32::try_from(send.content.len()).unwrap_or(u32::MAX),
            content,
        }
    }

    /// A leg, for whoever has no [`Send`] at hand: a gateway's jobs carry the same under other names. The other fields are 0
    /// and the defaults until they are set; bounds count `bytes`, rates `recipient` and `device`.
    #[must_use]
    pub const fn of_leg(
        leg: LegId,
        lane: LaneId,
        service: ServiceId,
        credential: CredentialId,
        content: T,
    ) -> Self {
        Self {
            leg,
            attempt: 1,
            lane,
            service,
            credential,
            platform: PlatformId::from_bits(0),
            recipient: 0,
            device: 0,
            conversation: 0,
            priority: Priority::Normal,
            not_after: UnixTime::MAX,
            digest: PayloadDigest::from_bits(0),
            bytes: 0,
            content,
        }
    }

    /// Sets the platform behind the service.
    #[must_use]
    pub const fn with_platform(mut self, platform: PlatformId) -> Self {
        self.platform = platform;
        self
    }

    /// Sets the conversation: what a lane keeps in order, and a rate can limit.
    #[must_use]
    pub const fn with_conversation(mut self, conversation: u64) -> Self {
        self.conversation = conversation;
        self
    }
}

const fn fold(bits: u128) -> u64 {
    (bits ^ (bits >> 64)) as u64
}

/// A request that may leave now; returned by [`Pacer::next`](super::Pacer::next). Send its content at once, and give
/// the ticket back with the result, since it takes a place until then.
#[derive(Debug)]
#[must_use = "send it, and report"]
#[allow(
    clippy::exhaustive_structs,
    reason = "plain data that users make and take apart; another field is another version of the log"
)]
pub struct Leave<T> {
    /// To be given back with the result.
    pub ticket: Ticket,
    /// On which connection, where connections are reported.
    pub connection: Option<ConnectionId>,
    /// The request.
    pub content: T,
}

/// The place that a request takes while it is under way. Give it back with [`Pacer::report`](super::Pacer::report) or
/// [`Pacer::give_back`](super::Pacer::give_back).
#[derive(Debug)]
pub struct Ticket {
    pub(super) leg: LegId,
    pub(super) lane: u32,
    pub(super) credential: CredentialId,
    pub(super) platform: PlatformId,
    pub(super) recipient: u64,
    pub(super) device: u64,
    pub(super) conversation: u64,
    pub(super) digest: PayloadDigest,
    pub(super) started: UnixTime,
    /// Of the lane's rate, in thousandths.
    pub(super) cost: u32,
    pub(super) connection: Option<ConnectionId>,
    pub(super) permit: Permit,
    pub(super) credential_permit: Option<Permit>,
    pub(super) platform_permit: Option<Permit>,
}

impl Ticket {
    /// Which leg it is for.
    #[must_use]
    pub const fn leg(&self) -> LegId {
        self.leg
    }
}

/// A request that is not to leave for now. Tell the delivery: [`Input::Deferred`](crate::Input::Deferred).
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_structs,
    reason = "plain data that users make and take apart; another field is another version of the log"
)]
pub struct Held<T> {
    /// Which leg.
    pub leg: LegId,
    /// Until when.
    pub until: UnixTime,
    /// By what.
    pub by: HeldBy,
    /// The request.
    pub content: T,
}

/// What an attempt's result means after all that is known across jobs: returned by
/// [`Pacer::report`](super::Pacer::report). Give this verdict to the delivery, and not the one that you reported: for
/// example, a target that was said to be dead may only be suspected.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_structs,
    reason = "plain data that users make and take apart; another field is another version of the log"
)]
pub struct Judged {
    /// For the delivery: [`Input::Outcome`](crate::Input::Outcome).
    pub verdict: Verdict,
}

/// What the operator should know: a service, a credential or a message is in trouble, or well again. Take it from
/// [`Pacer::poll_alert`](super::Pacer::poll_alert) and show it; after [`CredentialBad`](Self::CredentialBad) somebody
/// has to act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Alert {
    /// A lane's breaker has changed.
    Breaker {
        /// Which lane.
        lane: LaneId,
        /// How.
        change: BreakerChange,
    },
    /// A credential is refused: what uses it waits. Somebody has to look.
    CredentialBad {
        /// Which.
        credential: CredentialId,
        /// For which platform behind the service; `None`: for all.
        platform: Option<PlatformId>,
        /// When it is tried again.
        until: UnixTime,
    },
    /// A credential works again.
    CredentialWell {
        /// Which.
        credential: CredentialId,
    },
    /// Too many targets died at once: they are suspected only, and nothing is dropped.
    PruningStopped {
        /// Of which credential.
        credential: CredentialId,
        /// Until when.
        until: UnixTime,
    },
    /// Several devices refused the same message: it is not sent any more.
    Poison {
        /// Which message.
        digest: PayloadDigest,
    },
}

impl Alert {
    pub(super) const fn pruning(credential: CredentialId, pruning: Pruning) -> Option<Self> {
        match pruning {
            Pruning::JustStopped { until } => Some(Self::PruningStopped { credential, until }),
            _ => None,
        }
    }
}
