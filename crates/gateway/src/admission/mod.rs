//! What a queue before a log answers: a place, or the bound that is reached. The queue is [`Admission`](crate::Admission).

use thiserror::Error;

pub(crate) mod credit;
pub(crate) mod limits;
pub(crate) mod queue;
pub(crate) mod waiting;

/// Which bound of the queue, or of the gateway, an input met: use its [name](Self::name) in the answer to the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Bound {
    /// [`crate::AdmissionLimits::events`]
    Events,
    /// [`crate::AdmissionLimits::bytes`]
    Bytes,
    /// [`crate::AdmissionLimits::events_of_one`]
    EventsOfOne,
    /// [`crate::AdmissionLimits::bytes_of_one`]
    BytesOfOne,
    /// The gateway's own: jobs of [`GatewaySettings::with_jobs`](crate::GatewaySettings::with_jobs), those included that
    /// may follow from what waits in the queue.
    Jobs,
    /// The gateway's own: bytes of the same, counted in the same way.
    JobBytes,
    /// The gateway's own: `windows` of [`GatewaySettings::digest_limits`](crate::GatewaySettings::digest_limits). Messages only.
    Collecting,
    /// The gateway's own: [`GatewaySettings::with_announcements`](crate::GatewaySettings::with_announcements).
    Announcements,
    /// The rules' own: `conversations` of [`MemoryRules`](reveille_conversation::rules::MemoryRules), those included that wait in
    /// the queue. Events of a conversation that is not remembered only.
    Conversations,
    /// The gateway's own: [`GatewaySettings::with_handshakes`](crate::GatewaySettings::with_handshakes). Reservations only.
    Handshakes,
}

impl Bound {
    /// Its name in snake case, for the answer 429.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Bytes => "bytes",
            Self::EventsOfOne => "events_of_one",
            Self::BytesOfOne => "bytes_of_one",
            Self::Jobs => "jobs",
            Self::JobBytes => "job_bytes",
            Self::Collecting => "collecting",
            Self::Announcements => "announcements",
            Self::Conversations => "conversations",
            Self::Handshakes => "handshakes",
        }
    }
}

/// An input is not taken in: a bound is reached. Nothing of it is kept; answer 429, or leave it with the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the bound {} is reached: {waiting} wait, at most {most} may", bound.name())]
#[allow(clippy::exhaustive_structs, reason = "it says all there is to say")]
pub struct Refused {
    /// Which bound.
    pub bound: Bound,
    /// What waits, in the bound's unit.
    pub waiting: u64,
    /// How much may.
    pub most: u64,
}

/// The place of an input in the queue. Tickets rise from 1 on; when a group is committed, all up to [`Applied::ticket`] are.
/// Answers about an audience all have 0: they let others pass, and no source waits for them.
///
/// [`Applied::ticket`]: crate::log::Applied::ticket
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(clippy::exhaustive_structs, reason = "a number under a name")]
pub struct Ticket(pub u64);
