//! What the machine wants done, and what it has to say.

use reveille_conversation as conversation;
use reveille_conversation::Kind;
use reveille_conversation::id::{AudienceId, ConversationId, EventId, PersonId};
use reveille_core::UnixTime;
use reveille_delivery::dead::DeadId;
use reveille_delivery::{Device, DeviceId, Effect, Fate, JobId};
use serde::Serialize;

use crate::audience::{AnnouncementId, Ended, PageRefused, Wanted};
use crate::explain::Why;
use crate::resume::TokenId;
use crate::{Epoch, Job, Recipient, SourceId, Target};

/// One output of a [`Gateway`](crate::Gateway). It leaves when its group is committed, never before.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Output {
    /// Find something out, and hand it in.
    LookUp(LookUp),
    /// Write [`Input::Attempt`](crate::Input::Attempt) to the log: this attempt must not be made before it is there.
    Attempt {
        /// Which job.
        job: JobId,
        /// On which target.
        device: DeviceId,
        /// Its number.
        attempt: u8,
    },
    /// Push this: [`Job::target`] is a device.
    Send(Box<Job>),
    /// Send this on a channel of the caller: webhook, e-mail, text message; because the rules say so, or in place of a push
    /// that failed.
    FallBack(Box<Job>),
    /// Do not send it if no byte has left; report [`Verdict::NotSent`](reveille_delivery::Verdict::NotSent) then. It concerns
    /// what was given out before: nobody heard of that in time, and another attempt may follow, or it is not wanted any more.
    Withdraw {
        /// Which job.
        job: JobId,
        /// On which target.
        device: DeviceId,
    },
    /// A [`LookUp::Devices`] that may leave [at once](crate::AtOnce) is not wanted any more: let nothing of it begin to leave
    /// ([`AtOnce::call_off`](crate::AtOnce::call_off)), and answer all the same.
    CallOff {
        /// Which job.
        job: JobId,
    },
    /// What the registry should know of a device. Apply it to the record only while that has the revision `device.revision`.
    Device {
        /// Which.
        device: Device,
        /// Which of its tokens: the one for calls, if it has one, or the one for everything else.
        for_calls: bool,
        /// What.
        effect: Effect,
        /// When that was known.
        at: UnixTime,
    },
    /// For the store of tokens and for the queue of contacts.
    Resume(ResumeEffect),
    /// A job, or its leg on one device, could not be delivered: for the operator's list. It stays in the shard, bounded, and
    /// [`Command::Redrive`](crate::Command::Redrive) gives it another life.
    DeadLetter {
        /// Its number in this shard.
        letter: DeadId,
        /// The job.
        job: JobId,
    },
    /// For explanations, alerts and audits. Nothing has to be done.
    Note(Note),
}

/// A question to somebody who knows: the store, the directory. Ask, and admit the answer as an input.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LookUp {
    /// A name or a snippet. Nothing waits longer than the deadline for it.
    Name(conversation::lookup::Lookup),
    /// The devices of a recipient.
    Devices(Recipient),
    /// The next people of an audience. Nothing hurries.
    Audience(Wanted),
}

/// What follows from a [`Resume`](crate::resume::Resume): apply it to the store of tokens, or to the queue of contacts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub enum ResumeEffect {
    /// The token is used up: it must not be forgotten before it expires.
    Used {
        /// Which.
        token: TokenId,
    },
    /// Nobody connected: the reservation is given back.
    GiveBack {
        /// Which token.
        token: TokenId,
        /// Which attempt held it.
        attempt: u64,
    },
    /// Nobody connected: the contact goes back into its queue (C11).
    Requeue {
        /// Who.
        person: PersonId,
        /// Which conversation.
        conversation: ConversationId,
    },
}

/// What happened besides. Nothing has to be done; count it by kind, log it, and show it to whoever asks why.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// An event was not taken in.
    NotTaken {
        /// From where.
        source: SourceId,
        /// Which.
        event: EventId,
        /// Why.
        why: Why,
    },
    /// Somebody is not told, and why.
    Suppressed(conversation::Suppressed),
    /// What the rules note: facts taken in, audits, waits.
    Rules(conversation::Note),
    /// A job begins.
    Begun {
        /// Which.
        job: JobId,
        /// For whom.
        person: PersonId,
        /// Where.
        conversation: ConversationId,
        /// About what.
        kind: Kind,
    },
    /// Messages that were collected, and are not told of.
    Dropped {
        /// To whom.
        person: PersonId,
        /// Where.
        conversation: ConversationId,
        /// Why.
        fate: reveille_digest::Fate,
        /// How many.
        count: u32,
    },
    /// The rules' matrix is silent on this channel: the cancel was not sent to the device.
    Silent {
        /// Which job.
        job: JobId,
        /// To which device.
        device: DeviceId,
    },
    /// A leg has ended.
    LegSettled {
        /// Which job.
        job: JobId,
        /// On which target.
        device: DeviceId,
        /// How.
        fate: Fate,
    },
    /// A job has ended.
    Settled {
        /// Which.
        job: JobId,
        /// How.
        fate: Fate,
    },
    /// `push failed` (C9): nobody was told. An alert, unless there is a fallback.
    PushFailed {
        /// Which job.
        job: JobId,
        /// Whom.
        person: PersonId,
        /// Where.
        conversation: ConversationId,
        /// Of what.
        kind: Kind,
        /// How it failed.
        fate: Fate,
        /// What is tried instead.
        instead: Option<Target>,
    },
    /// `handshake_failed` (C11): an alert.
    HandshakeFailed {
        /// Who.
        person: PersonId,
        /// In which conversation.
        conversation: ConversationId,
    },
    /// A step of a resume that nobody waits for (or waits for no longer), or for which there is no room.
    NoHandshake {
        /// Of which token.
        token: TokenId,
    },
    /// An announcement begins.
    Announced {
        /// What it is called.
        announcement: AnnouncementId,
        /// To whom it goes.
        audience: AudienceId,
    },
    /// Nobody was told because of this page.
    PageRefused {
        /// Of which announcement, by its own word.
        announcement: AnnouncementId,
        /// Why.
        why: PageRefused,
    },
    /// No more people are asked for.
    AnnouncementEnded {
        /// Which.
        announcement: AnnouncementId,
        /// How.
        ended: Ended,
        /// For how many people a job was begun.
        told: u64,
    },
    /// What delivery notes.
    Delivery(reveille_delivery::Note),
    /// The settings changed; `false`: they cannot work, and the old ones stay.
    SettingsChanged(bool),
    /// The clock was set.
    ClockStepped {
        /// What it showed.
        was: UnixTime,
        /// What it shows.
        is: UnixTime,
    },
    /// The shard has another owner.
    Owned(Epoch),
}

impl Output {
    /// Whether a store keeps what it says. After a crash the outputs of the log's tail are made again: those for the store
    /// are applied from the number on up to which it has them, and all others are dropped, because
    /// [`Input::Recovered`](crate::Input::Recovered) gives out again what is still wanted.
    #[must_use]
    pub const fn is_effect(&self) -> bool {
        matches!(self, Self::Device { .. } | Self::Resume(_) | Self::DeadLetter { .. })
    }

    /// Whether it asks for something to be done at once.
    #[must_use]
    pub const fn is_note(&self) -> bool {
        matches!(self, Self::Note(_))
    }
}
