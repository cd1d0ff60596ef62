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
    Resolve(Resolve),
    /// The job is not wanted any more while its devices are looked up, and attempts of it may leave [at
    /// once](Resolve::at_once): let none begin to leave, and answer all the same. An attempt that was begun is among
    /// [`Input::LetGo`](crate::Input::LetGo), and has its outcome; without any, answer as if none could be made at once.
    CallOff {
        /// Which job.
        job: JobId,
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
    /// Do not send it if no byte has left; report [`Verdict::NotSent`](crate::Verdict::NotSent) then. It concerns what was
    /// given out before: another [`Send`](Self::Send) may follow.
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

/// A question: which devices is a job for? Comes with [`Output::Resolve`].
///
/// Where [`at_once`](Self::at_once) says so, the first attempt on each device need not wait until the answer is in the log:
/// make it from [`first`](Self::first), and answer with [`Input::LetGo`](crate::Input::LetGo). That saves a commit, and the
/// machine does not give these attempts out again.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Resolve {
    /// For which job.
    pub job: JobId,
    /// Whose.
    pub recipient: RecipientId,
    /// What it replaces.
    pub slot: SlotId,
    /// Its generation in the slot.
    pub generation: u64,
    /// When it is of no more use.
    pub not_after: UnixTime,
    /// How much it hurries.
    pub priority: Priority,
    /// What the message says, as a hash.
    pub digest: PayloadDigest,
    /// The message.
    pub content: Bytes,
    /// Whether first attempts may be made before the answer is in the log: not where an older generation may be on the wire,
    /// not for what is [maybe never](crate::WhenUnsure::GiveUp), and not once the job was called off.
    pub at_once: bool,
    /// It was asked before: the devices may have been told already.
    pub maybe_again: bool,
    /// On so many devices at most; the others are over the bound.
    pub most: usize,
}

impl Resolve {
    /// The first attempt on a device.
    #[must_use]
    pub fn first(&self, device: Device) -> Send {
        Send {
            job: self.job,
            leg: LegId::of(self.job, device.id),
            device,
            recipient: self.recipient,
            slot: self.slot,
            generation: self.generation,
            attempt: 1,
            maybe_again: self.maybe_again,
            not_after: self.not_after,
            priority: self.priority,
            digest: self.digest,
            content: self.content.clone(),
        }
    }
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
    /// A service had taken what was in a dead letter: its answer came late. The letter is gone.
    Arrived {
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
