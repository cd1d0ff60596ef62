//! How a gateway behaves besides the rules: windows, retries, bounds. An input like any other.

use std::time::Duration;

use reveille_conversation::Kind;
use reveille_core::millis;
use reveille_delivery::{Class, DeliverySettings};
use reveille_digest::options::Collect;
use reveille_digest::{Limits, Policy};
use serde::{Deserialize, Serialize};

use super::{InvalidSettings, Retry};
use crate::{Target, class};

/// Settings of a [`Gateway`](crate::Gateway). The same for its whole life, until [`Input::Settings`](crate::Input::Settings)
/// brings others.
///
/// | setting | default | |
/// |---|---|---|
/// | digests | 30 s after the first message, the last one is shown | how messages are collected; reminders are not supported |
/// | digest limits | [`Limits::default`] | how much may be collected |
/// | retries | 3 attempts, 1 s to 60 s; FCM from 10 s on, for an hour, never at a quarter hour | one [`Retry`] for each class of devices |
/// | jobs | 1,000,000 and 1 GiB | that are not settled |
/// | devices | 100 | of one job |
/// | answer within | 5 min | what is not reported on by then counts as sent without an answer |
/// | slots | 2,000,000 for 1 h | what rang where, for the cancel that comes late |
/// | dead letters | 10,000 and 64 MiB | the oldest go first |
/// | event ids | 1,000,000 for 1 h | each is taken once; what happened longer ago is too old |
/// | fallbacks | none | by kind: what is sent when the push has failed |
/// | connected within | 30 s | after a token was reserved (C11) |
/// | handshakes | 100,000 | tokens that are waited for |
/// | announcements | 16 | that go on at once; over it the source is refused |
/// | page | 256 | people of an audience who are asked for at once |
/// | audience jobs | 4,096 | that are under way for all announcements; while these wait, no page is asked for |
/// | trail | 16,384 | lines for "what became of this event": one for each person and way that it led to |
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GatewaySettings {
    /// How messages are collected.
    pub digests: Policy,
    /// How much may be collected.
    pub digest_limits: Limits,
    /// Everything else.
    pub(crate) more: More,
}

/// What is not the digest's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct More {
    pub(crate) retries: Vec<Retry>,
    pub(crate) jobs: u32,
    pub(crate) job_bytes: u64,
    pub(crate) devices: u16,
    pub(crate) answer_within: Duration,
    pub(crate) slots: u32,
    pub(crate) slot_memory: Duration,
    pub(crate) dead_letters: u32,
    pub(crate) dead_bytes: u64,
    pub(crate) event_ids: u32,
    pub(crate) event_ids_for: Duration,
    pub(crate) fallbacks: Vec<(Kind, u8)>,
    pub(crate) connected_within: Duration,
    pub(crate) handshakes: u32,
    pub(crate) trail: u32,
    pub(crate) announcements: u16,
    pub(crate) page: u16,
    pub(crate) audience_jobs: u32,
}

impl Default for GatewaySettings {
    fn default() -> Self {
        let mut digests = Policy::default().answered_above();
        // The rules know duplicates already, and one notification is about the last message (E1).
        (digests.dedup, digests.collect) = (None, Collect::Latest);
        let mut retries = vec![Retry::default(); 6];
        if let Some(fcm) = retries.get_mut(usize::from(class::FCM.0)) {
            *fcm = Retry::fcm();
        }
        let hour = Duration::from_secs(3_600);
        Self {
            digests,
            digest_limits: Limits::default(),
            more: More {
                retries,
                jobs: 1_000_000,
                job_bytes: 1 << 30,
                devices: 100,
                answer_within: Duration::from_secs(300),
                slots: 2_000_000,
                slot_memory: hour,
                dead_letters: 10_000,
                dead_bytes: 64 << 20,
                event_ids: 1_000_000,
                event_ids_for: hour,
                fallbacks: Vec::new(),
                connected_within: Duration::from_secs(30),
                handshakes: 100_000,
                trail: 16_384,
                announcements: 16,
                page: 256,
                audience_jobs: 4_096,
            },
        }
    }
}

impl GatewaySettings {
    /// Sets how messages are collected. That delivery answers for every batch is set in any case.
    #[must_use]
    pub fn with_digests(mut self, policy: Policy) -> Self {
        self.digests = policy.answered_above();
        self
    }

    /// Sets how attempts follow each other on a class of devices.
    #[must_use]
    pub fn with_retry(mut self, class: Class, retry: Retry) -> Self {
        if let Some(place) = self.more.retries.get_mut(usize::from(class.0)) {
            *place = retry;
        }
        self
    }

    /// Sets how many jobs may be unsettled, and how many bytes of content; cancels have a quarter of both besides. An event
    /// takes room for the three jobs of one person, so with fewer none comes in.
    #[must_use]
    pub const fn with_jobs(mut self, jobs: u32, bytes: u64) -> Self {
        (self.more.jobs, self.more.job_bytes) = (jobs, bytes);
        self
    }

    /// Sets how many devices one job may have; of an answer with more, the rest is left out.
    #[must_use]
    pub const fn with_devices(mut self, devices: u16) -> Self {
        self.more.devices = devices;
        self
    }

    /// Sets for how many notifications it is remembered which devices were told, and how long: what is taken back later than
    /// that reaches nobody.
    #[must_use]
    pub const fn with_slots(mut self, slots: u32, span: Duration) -> Self {
        (self.more.slots, self.more.slot_memory) = (slots, span);
        self
    }

    /// Sets when an attempt without a report counts as unanswered. It begins when the attempt is given out, so make it longer
    /// than a request may wait for its turn and then for its answer: what has left and is taken for lost too early leaves
    /// twice, and what still waits is withdrawn and goes to the end of its queue.
    #[must_use]
    pub const fn with_answer_within(mut self, span: Duration) -> Self {
        self.more.answer_within = span;
        self
    }

    /// Sets how many ids of events are kept, and how long.
    #[must_use]
    pub const fn with_event_ids(mut self, ids: u32, span: Duration) -> Self {
        (self.more.event_ids, self.more.event_ids_for) = (ids, span);
        self
    }

    /// Sets what is sent when the push of this kind has failed, or nobody has a device; a device is no answer to that, and
    /// takes the fallback away.
    #[must_use]
    pub fn with_fallback(mut self, kind: Kind, target: Target) -> Self {
        self.more.fallbacks.retain(|(known, _)| *known != kind);
        if let Some(way) = target.way() {
            self.more.fallbacks.push((kind, way));
        }
        self
    }

    /// Sets how long a reserved token waits for its app (C11), and how many are waited for.
    #[must_use]
    pub const fn with_handshakes(mut self, within: Duration, most: u32) -> Self {
        (self.more.connected_within, self.more.handshakes) = (within, most);
        self
    }

    /// Sets how many announcements may go on at once, how many people of their audiences are asked for at once, and how many
    /// jobs for them may be under way. What waits for over a minute, such as for a person's morning, does not count.
    #[must_use]
    pub const fn with_announcements(mut self, most: u16, page: u16, jobs: u32) -> Self {
        (self.more.announcements, self.more.page, self.more.audience_jobs) = (most, page, jobs);
        self
    }

    /// Sets how many lines are kept to explain what became of events.
    #[must_use]
    pub const fn with_trail(mut self, lines: u32) -> Self {
        self.more.trail = lines;
        self
    }

    /// Sets how many dead letters are kept, and how many bytes of content in them.
    #[must_use]
    pub const fn with_dead_letters(mut self, letters: u32, bytes: u64) -> Self {
        (self.more.dead_letters, self.more.dead_bytes) = (letters, bytes);
        self
    }

    /// Checks what the types cannot.
    ///
    /// # Errors
    /// [`InvalidSettings`].
    pub fn check(&self) -> Result<(), InvalidSettings> {
        self.digests.check()?;
        if self.digests.collect == Collect::Totals {
            return Err(InvalidSettings::NothingKept);
        }
        if !self.digests.reminders.is_empty() {
            return Err(InvalidSettings::Reminders { given: self.digests.reminders.len() });
        }
        let wrong = self.more.retries.iter().position(|retry| retry.policy().is_none());
        if let Some(class) = wrong {
            return Err(InvalidSettings::Retry { class: u8::try_from(class).unwrap_or(u8::MAX) });
        }
        let (page, jobs) = (self.more.page, self.more.audience_jobs);
        if page == 0 || u32::from(page) > jobs {
            return Err(InvalidSettings::Page { page, jobs });
        }
        self.delivery().map(drop)
    }

    pub(crate) fn fallback(&self, kind: Kind) -> Option<Target> {
        let (_, way) = self.more.fallbacks.iter().find(|(known, _)| *known == kind)?;
        Target::of_way(*way)
    }

    pub(crate) fn delivery(&self) -> Result<DeliverySettings, InvalidSettings> {
        let more = &self.more;
        let mut settings = DeliverySettings::default()
            .with_jobs(more.jobs as usize, more.job_bytes)?
            .with_devices(usize::from(more.devices))?
            .with_answer_within(more.answer_within)?
            .with_slots(more.slots as usize, more.slot_memory)?
            .with_dead_letters(more.dead_letters as usize, more.dead_bytes)?;
        for (class, retry) in (0_u8..).zip(&more.retries) {
            settings = settings.with_policy(Class(class), retry.policy().unwrap_or_default());
        }
        Ok(settings)
    }

    /// The policy, with what delivery's answers need.
    pub(crate) fn digest_policy(&self) -> Policy {
        self.digests.clone().answered_above()
    }

    pub(crate) fn event_ids_for(&self) -> u64 {
        millis(self.more.event_ids_for)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_errors() {
        let mut totals = GatewaySettings::default();
        totals.digests.collect = Collect::Totals;
        let mut reminders = GatewaySettings::default();
        reminders.digests.reminders.push(Duration::from_secs(1));
        let mut actors = GatewaySettings::default();
        actors.digests.actors = 0;
        let none =
            GatewaySettings::default().with_retry(class::APNS, Retry { attempts: 0, ..Retry::default() });
        let page = GatewaySettings::default().with_announcements(1, 9, 8);
        let all =
            [totals, reminders, actors, none, page].map(|settings| settings.check().unwrap_err().to_string());
        insta::assert_snapshot!(all.join("\n"), @"
        digests.collect is Totals: a notification needs at least the latest message
        digests.reminders must be empty, found 1
        policy.actors is 0: it must be from 1 to 255
        the retries of class 0 need at least one attempt and a cap that is not below the base
        a page of an audience must have from 1 to 8 people, found 9: as many jobs may be under way
        ");
        assert_eq!(GatewaySettings::default().check(), Ok(()));
    }
}
