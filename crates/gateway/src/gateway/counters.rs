//! How much of what: plain numbers under names that stay.

use reveille_conversation::Reason;
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
    /// By the place of the reason in [`Reason::ALL`].
    suppressed: Vec<u64>,
}

impl Counting {
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

/// Counters and sizes of a [`Gateway`], to be exported: names are stable, a name with `:` has a label behind it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Numbers that only grow, over restarts, too.
    pub totals: Vec<(String, u64)>,
    /// Numbers that go up and down.
    pub sizes: Vec<(&'static str, u64)>,
}

impl Counters {
    /// The number of this name, of either list; 0 if nothing was counted.
    #[must_use]
    pub fn of(&self, name: &str) -> u64 {
        let total = self.totals.iter().find(|(known, _)| known == name).map(|(_, number)| *number);
        let size = || self.sizes.iter().find(|(known, _)| *known == name).map(|(_, number)| *number);
        total.or_else(size).unwrap_or_default()
    }
}

impl Gateway {
    /// All counters, in a fixed order. A question without side effects.
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
        let sizes = vec![
            ("conversations", self.rules.live() as u64),
            ("digest_keys", u64::from(self.digests.keys())),
            ("messages_pending", ledger.pending),
            ("jobs_open", self.delivery.len() as u64),
            ("dead_letters", self.delivery.dead_letters().count() as u64),
            ("event_ids", self.accepted.len() as u64),
            ("announcements_open", self.audiences.live() as u64),
            ("announcement_jobs_open", self.audiences.open_jobs() as u64),
            ("handshakes", self.handshakes.len() as u64),
            ("trail", self.trail.len() as u64),
        ];
        Counters { totals, sizes }
    }
}
