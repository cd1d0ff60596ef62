//! What a delivery is told.

use std::time::Duration;

use reveille_core::UnixTime;

use crate::dead::DeadId;
use crate::{Device, DeviceId, Job, JobId, SlotId, Verdict};

/// One input of a [`Delivery`](crate::Delivery): a job, an answer, a cancel, or time. Write it to the log with
/// [`encode`](Self::encode), if there is a log, and then give it to [`apply`](reveille_core::Machine::apply).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Input {
    /// Time has passed.
    Tick,
    /// Deliver this. Ask [`Delivery::admit`](crate::Delivery::admit) first.
    Submit {
        /// What.
        job: Box<Job>,
    },
    /// The answer to [`Output::Resolve`](crate::Output::Resolve): the recipient's devices, for this kind of push.
    Resolved {
        /// Which job's.
        job: JobId,
        /// The devices; none ends the job.
        devices: Vec<Device>,
    },
    /// The answer to [`Output::Resolve`](crate::Output::Resolve) where [`Resolve::at_once`](crate::Resolve::at_once) allowed
    /// it, and the first attempt was made on each of these devices. It must be in the log before the outcomes of these
    /// attempts.
    LetGo {
        /// Which job's.
        job: JobId,
        /// The devices; none ends the job.
        devices: Vec<Device>,
    },
    /// The answer to [`Output::Commit`](crate::Output::Commit): this attempt is in the log.
    Attempt {
        /// Which job.
        job: JobId,
        /// On which device.
        device: DeviceId,
        /// Its number.
        attempt: u8,
    },
    /// An attempt has ended.
    Outcome {
        /// Which job.
        job: JobId,
        /// On which device.
        device: DeviceId,
        /// Its number.
        attempt: u8,
        /// How.
        verdict: Verdict,
    },
    /// An attempt was not made: it is held back and costs nothing. Give it out again at `until`.
    Deferred {
        /// Which job.
        job: JobId,
        /// On which device; `None`: the recipient as a whole, instead of devices.
        device: Option<DeviceId>,
        /// Until when.
        until: UnixTime,
        /// What holds it back.
        by: HeldBy,
    },
    /// Whatever in this slot has a lower generation is not wanted any more, and nothing has to be sent for that. A job that
    /// is late is cancelled, too. To take something away that is on screen, submit a job with
    /// [`Role::Cancel`](crate::Role::Cancel).
    Cancel {
        /// The slot.
        slot: SlotId,
        /// The first generation that stays.
        generation: u64,
    },
    /// A device is not to be told any more (log-out): what waits for it ends as [`Gone`](crate::Fate::Gone).
    DropDevice {
        /// Which.
        device: DeviceId,
    },
    /// Dead letters shall live again, as far as they are still wanted.
    Redrive {
        /// Those that died at this time or later …
        from: UnixTime,
        /// … and before this.
        to: UnixTime,
        /// One in each span of this length.
        every: Duration,
        /// None after this time: the rest stays dead.
        until: UnixTime,
    },
    /// A dead letter is not needed any more.
    Discard {
        /// Which.
        letter: DeadId,
    },
    /// The clock was set. Spans go on, points stay: see [`Delivery`](crate::Delivery).
    ClockStep {
        /// What it showed.
        was: UnixTime,
        /// What it shows.
        is: UnixTime,
    },
    /// The process died and the log was read again. What was on its way is let go again, or ends as unknown.
    Recovered {
        /// Over which span this is spread.
        spread: Duration,
    },
}

/// What holds an attempt back for now; such an attempt is not counted. Give it in [`Input::Deferred`], as the pacer's
/// `Held` says it; [`Delivery::explain`](crate::Delivery::explain) shows it for as long as the attempt waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum HeldBy {
    /// The person's quiet hours.
    Quiet,
    /// The person, or an operator, has paused it.
    Pause,
    /// A rate.
    Rate,
    /// The service asked to slow down.
    SlowDown,
    /// The breaker of its lane.
    Breaker,
    /// The breaker of its credential.
    Credential,
    /// The throttle that follows the service's answers.
    Throttle,
    /// The share of traffic that retries may have.
    RetryBudget,
    /// The queue's bounds.
    Full,
    /// The message itself is at fault.
    Poison,
    /// The process that would send it cannot at the moment: its store does not answer, or its lease is over.
    Process,
}

impl HeldBy {
    /// The name in snake case, as logs print it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Quiet => "quiet",
            Self::Pause => "pause",
            Self::Rate => "rate",
            Self::SlowDown => "slow_down",
            Self::Breaker => "breaker",
            Self::Credential => "credential",
            Self::Throttle => "throttle",
            Self::RetryBudget => "retry_budget",
            Self::Full => "full",
            Self::Poison => "poison",
            Self::Process => "process",
        }
    }
}
