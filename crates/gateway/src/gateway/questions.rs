//! Questions. None of them changes anything, so none of them is in the log.

use std::hint::black_box;
use std::sync::Arc;

use reveille_conversation::Ringing;
use reveille_conversation::id::{ConversationId, EventId, PersonId};
use reveille_core::UnixTime;
use reveille_delivery::dead::{DeadId, DeadLetter};
use reveille_delivery::explain::Explanation;
use reveille_delivery::{JobId, NotAdmitted};

use super::Gateway;
use super::trail::Followed;
use crate::audience::{AnnouncementId, Progress};
use crate::resume::TokenId;
use crate::{Content, Input, SourceId};

/// What is known of a job: [`Gateway::explain`] returns it, for whoever asks what became of a notification.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct JobExplanation {
    /// What it says; `None` once it is settled.
    pub content: Option<Arc<Content>>,
    /// Where it stands, and each of its legs.
    pub delivery: Explanation,
}

impl Gateway {
    /// What should ring for a person now (B10), in the order of the conversations' ids: for an app that got no push. Of this
    /// shard only; ask all that the index of the person names.
    #[must_use]
    pub fn ringing(&self, person: &PersonId, now: UnixTime) -> Vec<Ringing> {
        let mut ringing = self.rules.ringing(person, self.timeline.of_rules(now.max(self.now)));
        for ring in &mut ringing {
            ring.until = self.timeline.of_wall(ring.until);
        }
        ringing
    }

    /// What followed from an event, for each person. Empty if it is not known any more
    /// ([`GatewaySettings::with_trail`](crate::GatewaySettings::with_trail)), if it never came or has no id, and also if there
    /// is nothing to explain: what only becomes known (who joined, who is looking) and what takes something back (read,
    /// answered, withdrawn) leaves no line.
    #[must_use]
    pub fn followed(&self, source: SourceId, event: &EventId) -> Vec<Followed> {
        self.trail.of(self.seed.event(source, event))
    }

    /// How far an announcement is; `None` if it never was, or ended too long ago: as many that have ended are kept as may go
    /// on at once.
    #[must_use]
    pub fn announcement(&self, announcement: AnnouncementId) -> Option<Progress> {
        self.audiences.of(announcement)
    }

    /// Whether an input is a page of an audience, or an answer about one of its people: everything else goes first.
    pub(crate) fn is_for_an_audience(&self, input: &Input) -> bool {
        let job = match input {
            Input::Page(_) => return true,
            Input::Devices(devices) => devices.job,
            Input::Outcome(outcome) => outcome.job,
            Input::Deferred(deferred) => deferred.job,
            Input::Attempt { job, .. } => *job,
            _ => return false,
        };
        self.audiences.has(job)
    }

    /// Reads what the next inputs are about, all at once, so that it comes from memory while others are worked on.
    pub(crate) fn read_ahead<'a>(&self, inputs: impl Iterator<Item = &'a Input> + Clone) {
        let events = inputs.clone().filter_map(|input| match input {
            Input::Event { event, .. } => Some(&event.conversation),
            _ => None,
        });
        self.rules.read_ahead(events);
        let jobs = inputs.filter_map(|input| match input {
            Input::Outcome(outcome) => Some(outcome.job),
            Input::Devices(devices) => Some(devices.job),
            _ => None,
        });
        self.delivery.read_ahead(jobs.clone());
        let known = jobs.filter_map(|job| self.jobs.get(&job));
        // The last outcome of a notification lets go of what it said.
        black_box(known.fold(0, |read, live| read ^ live.decided.as_millis() ^ live.content.kind() as u64));
    }

    /// What stands for a conversation in tables that are never read in their order.
    pub(crate) fn hash_of(&self, conversation: &ConversationId) -> u64 {
        self.seed.conversation(conversation)
    }

    /// For how many people and conversations messages are collected, or on their way, and for how many they may.
    pub(crate) fn collecting(&self) -> (u64, u64) {
        let keys = self.digests.keys().saturating_sub(self.digests.memories());
        (keys.into(), self.settings.digest_limits.windows.into())
    }

    /// How many conversations are remembered, and how many may be.
    pub(crate) fn conversations(&self) -> (u64, u64) {
        (self.rules.live() as u64, self.rules.rules().memory().conversations().into())
    }

    pub(crate) fn remembers(&self, conversation: &ConversationId) -> bool {
        self.rules.remembers(conversation)
    }

    /// How many tokens are waited for, and how many may be.
    pub(crate) fn handshakes(&self) -> (u64, u64) {
        (self.handshakes.len() as u64, self.settings.more.handshakes.into())
    }

    pub(crate) fn awaits(&self, token: TokenId) -> bool {
        self.handshakes.has(token)
    }

    /// How many announcements go on.
    pub(crate) fn announcements(&self) -> usize {
        self.audiences.live()
    }

    /// What became of a job; `None` if it never was, or ended too long ago.
    #[must_use]
    pub fn explain(&self, job: JobId) -> Option<JobExplanation> {
        let delivery = self.delivery.explain(job)?;
        let content = self.jobs.get(&job).map(|live| Arc::clone(&live.content));
        Some(JobExplanation { content, delivery })
    }

    /// How many messages of a conversation a person has not read.
    #[must_use]
    pub fn unread(&self, conversation: &ConversationId, person: &PersonId) -> u32 {
        self.rules.unread(conversation, person)
    }

    /// The dead letters, the oldest first.
    pub fn dead_letters(&self) -> impl Iterator<Item = (DeadId, &DeadLetter)> {
        self.delivery.dead_letters()
    }

    /// A dead letter by its name; `None` if it was removed, sent again, or pushed out by newer ones.
    #[must_use]
    pub fn dead_letter(&self, id: DeadId) -> Option<&DeadLetter> {
        self.delivery.dead_letter(id)
    }

    /// How many jobs are not settled.
    #[must_use]
    pub fn open_jobs(&self) -> u64 {
        self.delivery.len() as u64
    }

    /// Whether there is room for so many jobs, with so many bytes of content in all. Asked by [`Admission`](crate::Admission)
    /// before an event is written to the log, with what waits there already.
    ///
    /// # Errors
    /// [`NotAdmitted`] names the bound.
    pub fn room(&self, jobs: usize, bytes: u64) -> Result<(), NotAdmitted> {
        self.delivery.room(jobs, bytes)
    }
}
