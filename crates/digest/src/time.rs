//! Times inside the engine: milliseconds that cannot overflow.
//!
//! Any `u64` is a legal time for the caller. Inside, the clock stops at 2⁶² ms (146 million years) and no span is longer,
//! so that the sum of both is always less than "never", and a moment of nonsense leaves no deadline that never comes.

use std::time::Duration;

use reveille_core::UnixTime;

pub(crate) const NEVER: u64 = u64::MAX;
/// The last time of the clock: what is due later never comes.
pub(crate) const END: u64 = 1 << 62;

/// The clock's time.
pub(crate) fn inside(now: UnixTime) -> u64 {
    now.as_millis().min(END)
}

/// A point that somebody named: [`UnixTime::MAX`] is never.
pub(crate) fn point(at: UnixTime) -> u64 {
    if at == UnixTime::MAX { NEVER } else { at.as_millis().min(NEVER - 1) }
}

pub(crate) fn span(span: Duration) -> u64 {
    reveille_core::millis(span).min(END)
}

/// `span` from `now`; a span without end is never over.
pub(crate) const fn after(now: u64, span: u64) -> u64 {
    if span >= END { NEVER } else { now.saturating_add(span) }
}

pub(crate) const fn wall(at: u64) -> UnixTime {
    UnixTime::from_millis(at)
}

/// A step of the wall clock: what is a span goes with it, what is a point stays.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) was: u64,
    pub(crate) is: u64,
}

impl Step {
    pub(crate) const fn shift(self, at: u64) -> u64 {
        if at == NEVER {
            NEVER
        } else if self.is < self.was {
            at.saturating_sub(self.was - self.is)
        } else {
            let shifted = at.saturating_add(self.is - self.was);
            if shifted == NEVER { NEVER - 1 } else { shifted }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_time_is_not_never() {
        let now = inside(UnixTime::MAX);
        assert!(after(now, span(Duration::from_secs(1 << 50))) < NEVER);
        assert_eq!(after(now, span(Duration::MAX)), NEVER);
        let back = Step { was: now, is: 1_000 };
        assert_eq!((back.shift(after(now, 5)), back.shift(NEVER)), (1_005, NEVER));
    }
}
