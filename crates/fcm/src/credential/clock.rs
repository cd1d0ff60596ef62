//! A clock that nobody vouches for: it is set back, it jumps ahead and comes back.

use std::time::Duration;

use reveille_core::UnixTime;

/// Steps back that are noise between threads, not a clock being set.
const NOISE: Duration = Duration::from_secs(5);
/// A step ahead of more than this is a leap: a machine that slept, an idle caller, or a clock gone wrong.
const LEAP: Duration = Duration::from_secs(120);
/// So long without a step back, in small steps, and the clock is trusted again.
const CALM: Duration = Duration::from_secs(60 * 60);

/// The latest time seen, and what is known of the clock that gave it.
#[derive(Clone, Copy)]
pub(super) struct Clock {
    seen: UnixTime,
    steps_back: u32,
    calm: Duration,
}

/// What a reading of the clock is, compared with those before.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    Steady,
    /// Far ahead of the last one.
    Leap,
    /// Behind the last one, which was this.
    Back {
        was: UnixTime,
    },
}

impl Clock {
    pub(super) const fn new() -> Self {
        Self { seen: UnixTime::EPOCH, steps_back: 0, calm: Duration::ZERO }
    }

    /// The time to go by.
    pub(super) const fn now(&self) -> UnixTime {
        self.seen
    }

    /// How often the clock stepped back lately.
    pub(super) const fn steps_back(&self) -> u32 {
        self.steps_back
    }

    pub(super) fn read(&mut self, now: UnixTime) -> Reading {
        let (was, back, ahead) = (self.seen, self.seen.since(now), now.since(self.seen));
        if back > NOISE {
            self.seen = now;
            self.calm = Duration::ZERO;
            self.steps_back = self.steps_back.saturating_add(1);
            return Reading::Back { was };
        }
        self.seen = self.seen.max(now);
        if ahead > LEAP {
            return Reading::Leap;
        }
        self.calm = self.calm.saturating_add(ahead);
        if self.calm >= CALM {
            self.steps_back = 0;
        }
        Reading::Steady
    }
}

/// A point in time, and when it was set.
///
/// Where the clock is found before that moment, the point was set by a clock that was ahead, and goes back with it: what
/// was to happen in a minute still happens in a minute. A clock that went ahead and came back moves nothing that was set
/// before it went; and one that went back and returns finds everything where it was.
#[derive(Clone, Copy, Debug)]
pub(super) struct Point {
    pub(super) at: UnixTime,
    set: UnixTime,
    /// The same by another clock: `at` and `set` before it went back, or after.
    other: Option<(UnixTime, UnixTime)>,
}

impl Point {
    /// In the past of everything.
    pub(super) const PAST: Self = Self::new(UnixTime::EPOCH, UnixTime::EPOCH);
    /// Never.
    pub(super) const NEVER: Self = Self::new(UnixTime::MAX, UnixTime::EPOCH);

    pub(super) const fn new(at: UnixTime, set: UnixTime) -> Self {
        Self { at, set, other: None }
    }

    /// After this reading of the clock, which is at `now`.
    pub(super) fn after(self, reading: Reading, now: UnixTime) -> Self {
        if self.at == UnixTime::MAX {
            return self;
        }
        let swapped = |(at, set)| Self { at, set, other: Some((self.at, self.set)) };
        match (reading, self.other) {
            (Reading::Back { .. }, _) if self.set <= now => self,
            (Reading::Back { .. }, Some(other)) if other.1 <= now => swapped(other),
            (Reading::Back { was }, _) => swapped((now + self.at.since(was), now)),
            // Back where it came from.
            (Reading::Leap, Some(other)) if other.1 <= now && other.1 > self.set => swapped(other),
            (Reading::Leap | Reading::Steady, _) => self,
        }
    }
}
