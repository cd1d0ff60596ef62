//! A stop that ends by itself, on a clock that may be set.

use std::time::Duration;

use reveille_core::UnixTime;

/// A clock that goes back by no more than this has not been set.
pub(super) const STEP: Duration = Duration::from_secs(1);

/// From one time to another. Once the clock shows less than the beginning it has been set, and nobody knows how much of the stop
/// is left: it is over, and whoever was stopped may find out anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Until {
    since: UnixTime,
    end: UnixTime,
}

impl Until {
    pub(super) const fn new(since: UnixTime, end: UnixTime) -> Self {
        Self { since, end }
    }

    /// When it ends, as long as it holds.
    #[inline]
    pub(super) fn end(self, now: UnixTime) -> Option<UnixTime> {
        (now < self.end && self.since <= now + STEP).then_some(self.end)
    }
}
