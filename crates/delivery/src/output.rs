//! What a delivery wants done, and what it reports.

use bytes::Bytes;
use reveille_core::UnixTime;

use crate::dead::DeadId;
use crate::{Device, DeviceId, Fate, JobId, LegId, PayloadDigest, Priority, RecipientId, SlotId};

/// One output of a [`Delivery`](crate::Delivery): something that has to be done, or a report. Every input can give
/// several; match each of them, and do what its variant says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Output {
    /// Look up the recipient's devices and answer with [`Input::Resolved`](crate::Input::Resolved), or with
    /// [`Input::Deferred`](crate::Input::Deferred) while the person wants quiet.
    Resolve {
        /// For which job.
        job: JobId,
        /// Whose.
        recipient: RecipientId,
    },
    /// Write [`Input::Attempt`](crate::Input::Attempt) to the log: this attempt must not be made before it is there.
    Commit {
        /// Which job.
        job: JobId,
        /// On which device.
        device: DeviceId,
        /// Its number.
        attempt: u8,
    },
    /// Send it, and report with [`Input::Outcome`](crate::Input::Outcome) or [`Input::Deferred`](crate::Input::Deferred).
    Send(Send),
    /// Do not send it if no byte has left; report [`Verdict::NotSent`](crate::Verdict::NotSent) then.
    Withdraw {
        /// Which job.
        job: JobId,
        /// On which device.
        device: DeviceId,
    },
    /// What the registry should know of a device.
    Device {
        /// Which, and which revision of it.
        device: Device,
        /// What.
        effect: Effect,
        /// When that was known.
        at: UnixTime,
    },
    /// A leg has ended.
    LegSettled {
        /// Which job.
        job: JobId,
        /// On which device.
        device: DeviceId,
        /// How.
        fate: Fate,
    },
    /// A job has ended, with its last leg. [`Fate::failed`] says whether a fallback is due.
    Settled {
        /// Which.
        job: JobId,
        /// How.
        fate: Fate,
    },
    /// Something for the operator's log.
    Note(Note),
}

/// One attempt to be made: one message for one device. Make the request from it, let it leave (mostly through a
/// [`Pacer`](crate::pacer::Pacer)), and report the result with [`Input::Outcome`](crate::Input::Outcome).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Send {
    /// The job.
    pub job: JobId,
    /// The job on this device: the same for every attempt, so use it as the message's id at the service.
    pub leg: LegId,
    /// Where to.
    pub device: Device,
    /// For whom.
    pub recipient: RecipientId,
    /// What it replaces there.
    pub slot: SlotId,
    /// Its generation in the slot.
    pub generation: u64,
    /// The number of the attempt, from 1; one that was deferred keeps it.
    pub attempt: u8,
    /// The device may have been told already.
    pub maybe_again: bool,
    /// When it is of no more use.
    pub not_after: UnixTime,
    /// How much it hurries.
    pub priority: Priority,
    /// What the message says, as a hash.
    pub digest: PayloadDigest,
    /// The message.
    pub content: Bytes,
}

/// What delivery found out about a device; comes with [`Output::Device`]. Hand it to the registry together with the
/// device's revision: the registry then keeps, suspects or drops the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Effect {
    /// The service took a message for it.
    Accepted,
    /// The service may not know it any more.
    Suspect,
    /// The service says that it is gone.
    Gone {
        /// The time of death, where the service named one: a registration that is newer stays.
        if_registered_before: Option<UnixTime>,
    },
}

/// What happened besides, for the operator's log; comes with [`Output::Note`]. Log all of them;
/// [`DeadLetterLost`](Self::DeadLetterLost) needs attention, because what was in that letter cannot be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Note {
    /// A job came twice; the second is ignored.
    Duplicate {
        /// Which.
        job: JobId,
    },
    /// A report about an attempt that nobody waits for, or a job that is not known; ignored.
    Stale {
        /// Which job.
        job: JobId,
    },
    /// A leg has died, and is in the dead letters.
    Dead {
        /// The letter.
        letter: DeadId,
        /// Which job.
        job: JobId,
    },
    /// The dead letters were full: the oldest is lost.
    DeadLetterLost {
        /// Which.
        letter: DeadId,
    },
    /// A redrive was looked at.
    Redriven {
        /// Letters that live again.
        started: u32,
        /// Letters that stay dead: too late, superseded, or no room.
        skipped: u32,
    },
}
