//! A request that is ready, and what stays here of it until its answer comes.

use std::fmt;

use bytes::Bytes;
use http::{HeaderValue, Request};
use reveille_apns::DeviceToken;
use reveille_delivery::pacer::{CredentialId, LaneId, Offer, PlatformId, ServiceId};
use reveille_delivery::{Device, JobId, LegId, RecipientId};
use reveille_fcm as fcm;
use reveille_gateway::{Job, Target};
use reveille_payload::Cut;
use reveille_registry::{DeviceKey, Purpose};
use reveille_resume::IssueError;
use reveille_webpush::Subscription;

use crate::credential::Credential;

/// A leg that was written. Send [`request`](Self::request), and hand its answer in with [`sent`](Self::sent).
///
/// `Debug` shows what `sent` shows, and sizes: neither URI nor headers nor body.
#[non_exhaustive]
pub struct Ready {
    /// The request. URI, authorization and body are as good as the device.
    pub request: Request<Bytes>,
    /// What is needed to read the answer.
    pub sent: Sent,
    /// How it is paced.
    pub way: Way,
    /// Whether it shows something; what does not counts against a browser's budget (E5).
    pub visible: bool,
    /// What was cut to make it fit (C5).
    pub cuts: Vec<Cut>,
    /// There should be a resume token in it, and there is none: the push leads to a log-in.
    pub without_token: Option<IssueError>,
}

/// What goes together on its way: lane, service, credential, platform. Use it if you make the offer yourself. Names for a [`Pacer`](reveille_delivery::pacer::Pacer).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(clippy::exhaustive_structs, reason = "plain data that users make and take apart")]
pub struct Way {
    /// The service: the number of the device's class ([`class`](reveille_gateway::class)).
    pub service: ServiceId,
    /// A VAPID key at one push service, an APNs key, an FCM project.
    pub credential: CredentialId,
    /// Service, credential and host.
    pub lane: LaneId,
    /// What stands behind FCM: 0 Android, 1 Apple, 2 a browser. 0 for other services.
    pub platform: PlatformId,
}

/// What stays here of a request that is under way: keep it until the answer comes, and give both to
/// [`Writer::read`](crate::Writer::read). It is volatile: a process that dies leaves attempts without an answer, which is what
/// the gateway takes them for.
///
/// `Debug` shows ids only.
pub struct Sent {
    pub(crate) job: JobId,
    pub(crate) leg: LegId,
    pub(crate) recipient: RecipientId,
    pub(crate) target: Target,
    pub(crate) attempt: u8,
    pub(crate) device: Device,
    pub(crate) key: DeviceKey,
    pub(crate) purpose: Purpose,
    pub(crate) credential: Credential,
    pub(crate) authorization: Option<HeaderValue>,
    pub(crate) named: Named,
}

/// What the service knows the device by.
pub(crate) enum Named {
    Browser(Box<Subscription>),
    Apple(DeviceToken),
    Google(fcm::Target),
}

impl Sent {
    /// Returns which job it is an attempt of.
    #[must_use]
    pub const fn job(&self) -> JobId {
        self.job
    }

    /// Returns the job on this device: the name that all its attempts share.
    #[must_use]
    pub const fn leg(&self) -> LegId {
        self.leg
    }

    /// The device, at the revision of the record that the request was made of.
    #[must_use]
    pub const fn device(&self) -> Device {
        self.device
    }

    /// Returns the number of the attempt, from 1.
    #[must_use]
    pub const fn attempt(&self) -> u8 {
        self.attempt
    }

    /// Returns what the token is for that was used: which one of the device's.
    #[must_use]
    pub const fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// Returns the credential that it was signed with.
    #[must_use]
    pub const fn credential(&self) -> Credential {
        self.credential
    }
}

impl Ready {
    /// The request as the pacer queues it.
    #[must_use]
    pub fn into_offer(self, job: &Job) -> Offer<Self> {
        let (way, bytes) = (self.way, self.request.body().len());
        let recipient = fold(self.sent.recipient.to_bits());
        let mut offer = Offer::of_leg(job.leg, way.lane, way.service, way.credential, self);
        offer.platform = way.platform;
        offer.attempt = job.attempt;
        offer.recipient = recipient;
        offer.device = fold(job.target.id().to_bits());
        offer.conversation = fold(job.collapse.to_bits());
        (offer.priority, offer.not_after, offer.digest) = (job.priority, job.not_after, job.digest);
        offer.bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        offer
    }
}

const fn fold(bits: u128) -> u64 {
    (bits ^ (bits >> 64)) as u64
}

impl fmt::Debug for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sent")
            .field("job", &self.job)
            .field("leg", &self.leg)
            .field("attempt", &self.attempt)
            .field("device", &self.device)
            .field("purpose", &self.purpose)
            .field("credential", &self.credential)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ready")
            .field("sent", &self.sent)
            .field("way", &self.way)
            .field("body_bytes", &self.request.body().len())
            .field("visible", &self.visible)
            .field("cuts", &self.cuts.len())
            .field("without_token", &self.without_token)
            .finish_non_exhaustive()
    }
}
