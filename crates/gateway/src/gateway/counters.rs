//! How much of what: plain numbers under names that stay.

use reveille_conversation::Reason;
use reveille_core::metrics::{Counters, Histogram};
use reveille_core::{UnixTime, millis};
use reveille_delivery::Fate;
use serde::{Deserialize, Serialize};

use super::Gateway;

/// What only the gateway counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Counting {
    pub(super) events: u64,
    pub(super) already_taken: u64,
    pub(super) too_old: u64,
    pub(super) intents: u64,
    pub(super) withdrawn: u64,
    pub(super) jobs: u64,
    pub(super) announcements: u64,
    pub(super) announced: u64,
    pub(super) pages: u64,
    pub(super) pages_refused: u64,
    /// By way, devices first.
    settled_after: [Histogram; 4],
    /// By the place of the reason in [`Reason::ALL`].
    suppressed: Vec<u64>,
}

/// The labels of ways.
const WAYS: [&str; 4] = ["devices", "webhook", "email", "sms"];

impl Counting {
    pub(super) fn settled(&mut self, way: u8, decided: UnixTime, now: UnixTime) {
        if let Some(histogram) = self.settled_after.get_mut(usize::from(way)) {
            histogram.record(millis(now.since(decided)));
        }
    }

    pub(super) fn suppressed(&mut self, reason: Reason) {
        let place = reason as usize;
        if self.suppressed.len() <= place {
            self.suppressed.resize(Reason::ALL.len().max(place + 1), 0);
        }
        if let Some(count) = self.suppressed.get_mut(place) {
            *count = count.saturating_add(1);
        }
    }
}

impl Gateway {
    /// Everything that was counted, in a fixed order. A question without side effects. It looks at every open job for the
    /// oldest: milliseconds, if there are a million.
    ///
    /// Totals are in the snapshot, so they grow over restarts, too:
    ///
    /// | name | what |
    /// |---|---|
    /// | `events`, `events_already_taken`, `events_too_old` | events of sources, announcements included in the last two |
    /// | `intents`, `withdrawn` | what the rules wanted told, and taken back |
    /// | `jobs` | notifications that were begun, one for each person and way |
    /// | `messages_collected`, `_notified`, `_read_before`, `_expired`, `_refused` | what became of messages in digests |
    /// | `announcements`, `announced_people`, `pages`, `pages_refused` | large audiences |
    /// | `suppressed:REASON` | nobody was told, and why |
    /// | `settled:FATE` | jobs that ended, and how |
    /// | `dead_letters_lost` | the oldest, for which there was no room |
    ///
    /// Sizes are what is there now: `conversations`, `digest_keys`, `messages_pending`, `jobs_open`, `oldest_job_ms` (the age of
    /// the one that was decided on first, at the last input), `dead_letters`, `event_ids`, `announcements_open`,
    /// `announcement_jobs_open`, `handshakes`, `trail`.
    ///
    /// Histograms: `settled_after_ms:WAY` is the time from the decision to the end of a job; ways are `devices`, `webhook`,
    /// `email`, `sms`. How long attempts take is known to the [pacer](reveille_delivery::pacer::Pacer::counters), how long a
    /// commit takes to [`Commits`](crate::metrics::Commits).
    #[must_use]
    pub fn counters(&self) -> Counters {
        let counting = &self.counting;
        let ledger = self.digests.explain();
        let own = [
            ("events", counting.events),
            ("events_already_taken", counting.already_taken),
            ("events_too_old", counting.too_old),
            ("intents", counting.intents),
            ("withdrawn", counting.withdrawn),
            ("jobs", counting.jobs),
            ("announcements", counting.announcements),
            ("announced_people", counting.announced),
            ("pages", counting.pages),
            ("pages_refused", counting.pages_refused),
            ("messages_collected", ledger.events),
            ("messages_notified", ledger.notified.saturating_add(ledger.merged)),
            ("messages_read_before", ledger.read_before),
            ("messages_expired", ledger.expired),
            ("messages_refused", ledger.refused),
        ];
        let mut totals: Vec<_> = own.map(|(name, number)| (name.to_owned(), number)).into();
        for (reason, number) in Reason::ALL.iter().zip(&counting.suppressed) {
            totals.push((format!("suppressed:{reason}"), *number));
        }
        for fate in Fate::ALL {
            totals.push((format!("settled:{}", fate.name()), self.delivery.counts().settled(*fate)));
        }
        totals.push(("dead_letters_lost".to_owned(), self.delivery.dead_letters_lost()));
        let oldest = self.jobs.values().map(|live| live.decided).min();
        let oldest = oldest.map_or(0, |decided| millis(self.now.since(decided)));
        let sizes = [
            ("conversations", self.rules.live() as u64),
            ("digest_keys", u64::from(self.digests.keys())),
            ("messages_pending", ledger.pending),
            ("jobs_open", self.delivery.len() as u64),
            ("oldest_job_ms", oldest),
            ("dead_letters", self.delivery.dead_letters().count() as u64),
            ("event_ids", self.accepted.len() as u64),
            ("announcements_open", self.audiences.live() as u64),
            ("announcement_jobs_open", self.audiences.open_jobs() as u64),
            ("handshakes", self.handshakes.len() as u64),
            ("trail", self.trail.len() as u64),
        ];
        let mut counters = Counters::default();
        counters.totals = totals;
        counters.sizes = sizes.map(|(name, number)| (name.to_owned(), number)).into();
        for (way, histogram) in WAYS.iter().zip(&counting.settled_after).filter(|(_, one)| one.count() > 0) {
            counters.histograms.push((format!("settled_after_ms:{way}"), histogram.clone()));
        }
        counters
    }
}
