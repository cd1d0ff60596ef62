//! The engine's own time: it never goes back.

use reveille_core::UnixTime;

/// Wall-clock time in, monotone time inside. When the wall clock steps back by more than the tolerance, the
/// difference is remembered, and with it every pending deadline moves back: in O(1), without touching any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Clock {
    /// The highest wall-clock time since the last step back.
    pub(crate) last: u64,
    /// Inside time minus wall-clock time.
    pub(crate) offset: u64,
}

impl Clock {
    /// Takes note of the wall clock, and gives the inside time.
    pub(crate) fn observe(&mut self, now: UnixTime, tolerance: u64) -> u64 {
        let now = now.as_millis();
        if now >= self.last {
            self.last = now;
        } else if self.last - now > tolerance {
            self.offset = self.offset.saturating_add(self.last - now);
            self.last = now;
        }
        self.inside(self.last)
    }

    /// The last inside time.
    pub(crate) fn now(&self) -> u64 {
        self.inside(self.last)
    }

    pub(crate) fn inside(&self, wall: u64) -> u64 {
        wall.saturating_add(self.offset)
    }

    /// `u64::MAX` is "never" on both sides.
    pub(crate) fn wall(&self, inside: u64) -> UnixTime {
        if inside == u64::MAX {
            return UnixTime::MAX;
        }
        UnixTime::from_millis(inside.saturating_sub(self.offset))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn never_goes_back(times: Vec<u64>, tolerance: u64) {
            let (mut clock, mut last) = (Clock::default(), 0);
            for time in times {
                let now = clock.observe(UnixTime::from_millis(time), tolerance);
                prop_assert!(now >= last);
                last = now;
            }
        }
    }

    #[test]
    fn small_steps_back_stand_still_large_ones_are_followed() {
        let mut clock = Clock::default();
        let at = UnixTime::from_millis;
        assert_eq!(clock.observe(at(10_000), 2_000), 10_000);
        assert_eq!(clock.observe(at(8_000), 2_000), 10_000);
        assert_eq!(clock.observe(at(10_001), 2_000), 10_001);
        assert_eq!(clock.observe(at(5_000), 2_000), 10_001);
        assert_eq!(clock.observe(at(5_010), 2_000), 10_011);
        assert_eq!(clock.wall(10_011), at(5_010));
    }
}
