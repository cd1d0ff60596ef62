//! The clock of the rules. They know spans only, and a clock that never falls: so they get one.

use reveille_core::UnixTime;
use serde::{Deserialize, Serialize};

/// How far the clock of the rules is ahead of the wall clock, in milliseconds: the sum of all steps of the latter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Timeline {
    ahead: i64,
}

impl Timeline {
    pub(super) fn step(&mut self, was: UnixTime, is: UnixTime) {
        let back = was.since(is).as_millis().min(1 << 48) as i64;
        let forth = is.since(was).as_millis().min(1 << 48) as i64;
        self.ahead = self.ahead.saturating_add(back).saturating_sub(forth);
    }

    /// A wall-clock time, as the rules see it. "Never" stays.
    pub(super) const fn of_rules(&self, at: UnixTime) -> UnixTime {
        if at.as_millis() == u64::MAX {
            return at;
        }
        UnixTime::from_millis(at.as_millis().saturating_add_signed(self.ahead))
    }

    /// A time of the rules, on the wall clock.
    pub(super) const fn of_wall(&self, at: UnixTime) -> UnixTime {
        if at.as_millis() == u64::MAX {
            return at;
        }
        UnixTime::from_millis(at.as_millis().saturating_add_signed(self.ahead.saturating_neg()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_add_up_and_never_stays() {
        let (mut timeline, at) = (Timeline::default(), UnixTime::from_secs);
        timeline.step(at(1_000), at(400));
        assert_eq!((timeline.of_rules(at(400)), timeline.of_wall(at(1_030))), (at(1_000), at(430)));
        timeline.step(at(500), at(1_100));
        assert_eq!(timeline, Timeline::default());
        timeline.step(UnixTime::MAX, at(0));
        assert_eq!(timeline.of_rules(UnixTime::MAX), UnixTime::MAX);
        assert_eq!(timeline.of_wall(timeline.of_rules(at(7))), at(7));
    }
}
