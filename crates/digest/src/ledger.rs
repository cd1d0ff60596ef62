//! Explain: where every event ended.

use crate::Generation;

/// What became of an event: returned by [`Engine::handle_event`](crate::Engine::handle_event), and given again if the
/// event ends later without a notification. Use it to answer "why was I not notified?"; [`Ledger`] counts the events of
/// each fate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(
    clippy::exhaustive_enums,
    reason = "users match all of it; another variant is another behaviour version"
)]
pub enum Fate {
    /// It waits for its notification.
    Pending,
    /// It is the newest event of a notification.
    Notified {
        /// Which.
        generation: Generation,
    },
    /// It is in a notification with a newer event.
    Merged {
        /// Which.
        generation: Generation,
    },
    /// It was read before it was notified.
    ReadBefore,
    /// Its id was seen a moment ago.
    Duplicate,
    /// It came in a refractory period that drops.
    Throttled,
    /// It waited for a quiet time that drops.
    Quiet,
    /// It was taken back before it was notified, or before it came.
    Cancelled,
    /// It became useless, or its notification failed too often.
    Expired,
    /// There was no room for it: [`Error::Full`](crate::Error).
    Refused,
    /// It was urgent and did not arrive, or was held; a newer urgent event of its key took its place.
    Superseded,
}

impl Fate {
    /// The fate's name in snake case, without its generation: for what is shown, and for what is kept.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Notified { .. } => "notified",
            Self::Merged { .. } => "merged",
            Self::ReadBefore => "read_before",
            Self::Duplicate => "duplicate",
            Self::Throttled => "throttled",
            Self::Quiet => "quiet",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Refused => "refused",
            Self::Superseded => "superseded",
        }
    }
}

/// Where all events stand. Every event is counted in exactly one of the fields below `events`, always.
///
/// ```
/// use reveille_digest::Ledger;
/// let ledger = Ledger { events: 3, notified: 1, merged: 1, pending: 1, ..Ledger::default() };
/// assert_eq!(ledger.sum(), ledger.events);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_structs,
    reason = "plain data that users make and take apart; another field is another version of the log"
)]
pub struct Ledger {
    /// All that were handed in.
    pub events: u64,
    /// Waiting for their notification.
    pub pending: u64,
    /// The newest of their notification: the number of notifications, without reminders.
    pub notified: u64,
    /// In a notification with a newer one.
    pub merged: u64,
    /// Read before they were notified.
    pub read_before: u64,
    /// Seen a moment ago.
    pub duplicate: u64,
    /// Came in a refractory period that drops.
    pub throttled: u64,
    /// Waited for a quiet time that drops.
    pub quiet: u64,
    /// Taken back before they were notified.
    pub cancelled: u64,
    /// Useless, or failed too often.
    pub expired: u64,
    /// No room.
    pub refused: u64,
    /// A newer urgent event took their place.
    pub superseded: u64,
}

impl Ledger {
    /// The sum of all fates; equal to `events`.
    #[must_use]
    pub fn sum(&self) -> u64 {
        let Self { pending, notified, merged, read_before, duplicate, throttled, quiet, .. } = self;
        let Self { cancelled, expired, refused, superseded, .. } = self;
        let first = [pending, notified, merged, read_before, duplicate, throttled];
        let others = [quiet, cancelled, expired, refused, superseded];
        first.into_iter().chain(others).fold(0, |sum, n| sum.saturating_add(*n))
    }

    /// `n` pending events met their fate.
    pub(crate) fn settle(&mut self, fate: Fate, n: u32) {
        self.pending = self.pending.saturating_sub(u64::from(n));
        self.add(fate, u64::from(n));
    }

    pub(crate) fn add(&mut self, fate: Fate, n: u64) {
        let field = match fate {
            Fate::Pending => &mut self.pending,
            Fate::Notified { .. } => &mut self.notified,
            Fate::Merged { .. } => &mut self.merged,
            Fate::ReadBefore => &mut self.read_before,
            Fate::Duplicate => &mut self.duplicate,
            Fate::Throttled => &mut self.throttled,
            Fate::Quiet => &mut self.quiet,
            Fate::Cancelled => &mut self.cancelled,
            Fate::Expired => &mut self.expired,
            Fate::Refused => &mut self.refused,
            Fate::Superseded => &mut self.superseded,
        };
        *field = field.saturating_add(n);
    }

    /// A batch of `n` was notified.
    pub(crate) fn notify(&mut self, n: u32) {
        self.pending = self.pending.saturating_sub(u64::from(n));
        self.notified += u64::from(n > 0);
        self.merged += u64::from(n.saturating_sub(1));
    }

    /// That notification failed: its `n` events are pending again.
    pub(crate) fn take_back(&mut self, n: u32) {
        self.pending += u64::from(n);
        self.notified = self.notified.saturating_sub(u64::from(n > 0));
        self.merged = self.merged.saturating_sub(u64::from(n.saturating_sub(1)));
    }
}
