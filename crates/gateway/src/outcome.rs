//! What comes back from whoever writes and carries requests.

use reveille_core::UnixTime;
use reveille_delivery::{Device, DeviceId, HeldBy, JobId, Verdict};

use crate::{Job, Target};

/// How one attempt ended. One for each [`Job`], unless that was [`Deferred`].
///
/// ```
/// use reveille_delivery::{JobId, Verdict};
/// use reveille_gateway::{Input, Outcome, Target};
///
/// let outcome = Outcome::new(JobId::from_bits(7), Target::Webhook, 1, Verdict::Accepted { status: 204 });
/// let mut bytes = Vec::new();
/// Input::from(outcome.clone()).encode(&mut bytes);
/// assert_eq!(Input::decode(&bytes)?, Input::Outcome(outcome));
/// # Ok::<(), reveille_gateway::log::InvalidInput>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome {
    /// [`Job::job`]
    pub job: JobId,
    /// [`Target::id`] of the job's target.
    pub device: DeviceId,
    /// [`Job::attempt`]
    pub attempt: u8,
    /// How it ended. `Verdict::from(&outcome)` makes it of what `classify` said.
    pub verdict: Verdict,
}

/// An attempt was not made, or the person as a whole is to be left alone: hand it in as an input when a pause, quiet hours
/// or the pacer holds something back. It costs no attempt, and is given out again at `until`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Deferred {
    /// [`Job::job`], or [`Recipient::job`](crate::Recipient::job).
    pub job: JobId,
    /// On which target; `None`: the answer to [`Recipient`](crate::Recipient). What was collected is collected on until
    /// then, and goes out as one.
    pub device: Option<DeviceId>,
    /// Until when.
    pub until: UnixTime,
    /// What holds it back.
    pub by: HeldBy,
}

/// The answer to [`Recipient`](crate::Recipient): the devices that this notification is for. None is an answer, too: it
/// sets off the fallback.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Devices {
    /// [`Recipient::job`](crate::Recipient::job)
    pub job: JobId,
    /// Each once, with the revision of its record and the class of its service ([`class`](crate::class)).
    pub devices: Vec<Device>,
    /// Their first attempts have left: [`AtOnce`](crate::AtOnce) alone says so.
    pub(crate) let_go: bool,
}

impl Outcome {
    /// How an attempt of `job` on `target` ended.
    #[must_use]
    pub const fn new(job: JobId, target: Target, attempt: u8, verdict: Verdict) -> Self {
        Self { job, device: target.id(), attempt, verdict }
    }

    /// How this very attempt ended.
    #[must_use]
    pub const fn of(job: &Job, verdict: Verdict) -> Self {
        Self::new(job.job, job.target, job.attempt, verdict)
    }
}

impl Deferred {
    /// This attempt was held back.
    #[must_use]
    pub const fn attempt(job: &Job, until: UnixTime, by: HeldBy) -> Self {
        Self { job: job.job, device: Some(job.target.id()), until, by }
    }

    /// The person wants quiet.
    #[must_use]
    pub const fn person(job: JobId, until: UnixTime, by: HeldBy) -> Self {
        Self { job, device: None, until, by }
    }
}

impl Devices {
    /// Answers with these devices.
    #[must_use]
    pub fn new(job: JobId, devices: impl Into<Vec<Device>>) -> Self {
        Self { job, devices: devices.into(), let_go: false }
    }

    /// Whether the first attempts on them left before this is in the log ([`AtOnce`](crate::AtOnce)).
    #[must_use]
    pub const fn were_let_go(&self) -> bool {
        self.let_go
    }
}
