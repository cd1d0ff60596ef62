//! What the machine is told: all of it is in the log, and nothing else is.

use std::time::Duration;

use reveille_conversation::event::{Event, PersonEvent, QueueEvent};
use reveille_conversation::id::{ConversationId, PersonId};
use reveille_conversation::lookup::Answer;
use reveille_conversation::rules::Rules;
use reveille_core::UnixTime;
use reveille_delivery::dead::DeadId;
use reveille_delivery::{DeviceId, JobId};
use serde::{Deserialize, Serialize};

use crate::audience::{Announcement, AnnouncementId, Page};
use crate::{Deferred, Devices, Epoch, GatewaySettings, Outcome, SourceId};

/// One input of a [`Gateway`](crate::Gateway): an event of a source, the answer to one of its outputs, or an operator's
/// word. Give it to [`Admission::admit`](crate::Admission::admit); it happens when its group is committed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Input {
    /// Time has passed. Logged when [`next_wakeup`](reveille_core::Machine::next_wakeup) is due and nothing else comes.
    Tick,
    /// Something happened in a conversation. Of a source's events with the same id one is taken.
    Event {
        /// Who says so.
        source: SourceId,
        /// What. [`reveille_conversation::source`] reads it from documents.
        event: Box<Event>,
    },
    /// A message for a large audience. Of a source's announcements and events with the same id one is taken.
    Announce {
        /// Who says so.
        source: SourceId,
        /// What, and to whom.
        announcement: Box<Announcement>,
    },
    /// The answer to [`LookUp::Audience`](crate::LookUp::Audience).
    Page(Page),
    /// Something about a person, in all their conversations of this shard.
    Person(PersonEvent),
    /// Something about a queue, for all callbacks of this shard that wait in it.
    Queue(QueueEvent),
    /// The answer to [`LookUp::Name`](crate::LookUp::Name).
    Answer(Answer),
    /// The answer to [`LookUp::Devices`](crate::LookUp::Devices).
    Devices(Devices),
    /// The answer to [`Output::Attempt`](crate::Output::Attempt): this attempt is in the log, now it may be made.
    Attempt {
        /// Which job.
        job: JobId,
        /// On which target.
        device: DeviceId,
        /// Its number.
        attempt: u8,
    },
    /// An attempt has ended.
    Outcome(Outcome),
    /// An attempt, or a whole job, is held back.
    Deferred(Deferred),
    /// A device is not to be told any more: what waits for it is cancelled. The registry says so (`CancelPending`).
    DropDevice(DeviceId),
    /// A token on its way back into a conversation.
    Resume(Resume),
    /// Other rules from now on. What rings already is not touched.
    Rules(Box<Rules>),
    /// Other settings from now on. Settings that cannot work change nothing: check them first.
    Settings(Box<GatewaySettings>),
    /// An operator wants something.
    Command(Command),
    /// The process died, the snapshot and the rest of the log were read. What was on its way is let go again, as far as it
    /// is still wanted. It belongs into the first group after the log, which puts it in front.
    Recovered(CatchUp),
    /// The clock was set: spans go on, points stay.
    ClockStep {
        /// What it showed.
        was: UnixTime,
        /// What it shows.
        is: UnixTime,
    },
    /// Somebody claimed the shard. Outputs after it belong to them.
    Owner(Epoch),
}

/// What an operator can ask for; admit it as [`Input::Command`], so that it is in the log like everything else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Command {
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
    Discard(DeadId),
    /// What is collected for this person goes out now; also when a pause ends early.
    Flush {
        /// For whom.
        person: PersonId,
        /// From which conversation.
        conversation: ConversationId,
    },
    /// An announcement is not to go on: nobody else is told, and what waits does not leave. What has left stays.
    CancelAnnouncement(AnnouncementId),
}

/// How to treat what came due while nobody was there: admit it as [`Input::Recovered`] after a restart, before any event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CatchUp {
    /// What happens to digests whose time passed.
    pub digests: reveille_digest::catch_up::CatchUp,
    /// Over which span attempts are spread whose fate nobody knows.
    pub spread: Duration,
}

impl CatchUp {
    /// Makes it of its two parts.
    #[must_use]
    pub const fn new(digests: reveille_digest::catch_up::CatchUp, spread: Duration) -> Self {
        Self { digests, spread }
    }
}

/// A resume token, by the id under which its use is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs, reason = "a number under a name")]
pub struct TokenId(pub u128);

/// A step of a token on its way back into its conversation (C7, C11): whoever verifies tokens hands it in as
/// [`Input::Resume`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(
    clippy::exhaustive_structs,
    reason = "plain data that users make and take apart; another field is another version of the log"
)]
pub struct Resume {
    /// Which token.
    pub token: TokenId,
    /// Which step.
    pub step: ResumeStep,
}

/// The steps of a [`Resume`], in their order. Report each when it happens; a token whose last one does not come in time
/// is given back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ResumeStep {
    /// A flow has verified it, and holds it under an attempt id. Reported again, it changes nothing, also for an hour after the
    /// end ([`GatewaySettings::with_event_ids`](crate::GatewaySettings::with_event_ids)), if no more have ended than may be waited
    /// for; what was given back can be reserved by another attempt.
    Reserved {
        /// The attempt; the same one may come again.
        attempt: u64,
        /// Who comes back.
        person: PersonId,
        /// Into which conversation.
        conversation: ConversationId,
    },
    /// The app has used it.
    Committed,
    /// The app is connected: within 30 s of the reservation, or the handshake has failed.
    Connected,
}

impl Input {
    /// Whether it has to be let through at once: rings and what takes them back close a group, so that nothing waits for it.
    #[must_use]
    pub fn is_urgent(&self) -> bool {
        use reveille_conversation::event::{PersonChange, What};
        match self {
            Self::Event { event, .. } => matches!(
                event.what,
                What::CallOffered(_)
                    | What::CallAnswered(_)
                    | What::CallEnded(_)
                    | What::CallWithdrawn(_)
                    | What::CallDeclined(_)
                    | What::CallTimedOut(_)
                    | What::Left(_)
                    | What::GuestSessionEnded(_)
                    | What::StateChanged(_)
            ),
            Self::Person(event) => matches!(event.what, PersonChange::LoggedOut(_)),
            // What has left already need not hurry into the log.
            Self::Devices(devices) => !devices.let_go,
            // A ring may wait for this name.
            Self::Answer(_) | Self::Attempt { .. } | Self::Resume(_) | Self::Owner(_) => true,
            _ => false,
        }
    }

    /// The conversation that it is about, if it is an event or an announcement: the key of shards and of admission.
    #[must_use]
    pub fn conversation(&self) -> Option<&ConversationId> {
        match self {
            Self::Event { event, .. } => Some(&event.conversation),
            Self::Announce { announcement, .. } => Some(&announcement.conversation),
            _ => None,
        }
    }
}

impl From<Outcome> for Input {
    fn from(outcome: Outcome) -> Self {
        Self::Outcome(outcome)
    }
}

impl From<Deferred> for Input {
    fn from(deferred: Deferred) -> Self {
        Self::Deferred(deferred)
    }
}

impl From<Devices> for Input {
    fn from(devices: Devices) -> Self {
        Self::Devices(devices)
    }
}
