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

#[cfg(test)]
mod tests {
    use super::*;

    const START: UnixTime = UnixTime::from_secs(1_000_000);

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn is(reading: Reading) -> &'static str {
        match reading {
            Reading::Steady => "steady",
            Reading::Leap => "leap",
            Reading::Back { .. } => "back",
        }
    }

    /// A clock that has been at `START`.
    fn clock() -> Clock {
        let mut clock = Clock::new();
        assert!(clock.read(START) == Reading::Leap, "from 1970 to there");
        assert_eq!((clock.now(), clock.steps_back()), (START, 0));
        clock
    }

    #[test]
    fn five_seconds_back_are_noise_and_two_minutes_ahead_no_leap() {
        for (now, reading, seen) in [
            (START, "steady", START),
            (START - ms(5_000), "steady", START),
            (START - ms(5_001), "back", START - ms(5_001)),
            (START + ms(120_000), "steady", START + ms(120_000)),
            (START + ms(120_001), "leap", START + ms(120_001)),
        ] {
            let mut clock = clock();
            assert_eq!(is(clock.read(now)), reading, "{now}");
            assert_eq!((clock.now(), clock.steps_back()), (seen, u32::from(reading == "back")), "{now}");
        }
    }

    #[test]
    fn a_step_back_says_where_the_clock_was() {
        let mut clock = clock();
        assert!(clock.read(START - ms(60_000)) == Reading::Back { was: START });
        assert!(clock.read(START - ms(90_000)) == Reading::Back { was: START - ms(60_000) });
        assert_eq!(clock.steps_back(), 2);
    }

    /// Counted in small steps; a leap and noise count nothing, a step back begins anew.
    #[test]
    fn an_hour_of_calm_brings_trust_back() {
        let mut clock = clock();
        let back = START - ms(10_000);
        let _ = clock.read(back);
        let mut now = back;
        for _ in 0..35 {
            now += ms(100_000);
            assert!(clock.read(now) == Reading::Steady);
        }
        // 3,500 s of calm; a leap of ten minutes does not fill the hour.
        now += ms(600_000);
        assert!(clock.read(now) == Reading::Leap);
        now += ms(99_999);
        assert!(clock.read(now) == Reading::Steady);
        assert_eq!(clock.steps_back(), 1, "a millisecond is missing");
        assert!(clock.read(now - ms(5_000)) == Reading::Steady, "noise");
        assert_eq!(clock.steps_back(), 1);
        assert!(clock.read(now + ms(1)) == Reading::Steady);
        assert_eq!(clock.steps_back(), 0);
        // After another step back the hour begins at its beginning.
        now = now - ms(10_000);
        let _ = clock.read(now);
        for _ in 0..36 {
            assert_eq!(clock.steps_back(), 1);
            now += ms(100_000);
            assert!(clock.read(now) == Reading::Steady);
        }
        assert_eq!(clock.steps_back(), 0);
    }

    #[test]
    fn a_point_goes_back_with_the_clock_that_set_it() {
        let (set, at) = (START, START + ms(60_000));
        let point = Point::new(at, set);
        let back = |was, now| point.after(Reading::Back { was }, now);
        // The clock is still behind the moment when it was set, or just there: nothing moves.
        assert_eq!(back(set + ms(10_000), set).at, at);
        // Before it: what was to come in 50 seconds still comes in 50 seconds.
        let moved = back(set + ms(10_000), set - ms(1));
        assert_eq!((moved.at, moved.set), (set - ms(1) + ms(50_000), set - ms(1)));
        // What was due is due.
        assert_eq!(back(at + ms(1), set - ms(1)).at, set - ms(1));
        for reading in [Reading::Leap, Reading::Steady] {
            assert_eq!(point.after(reading, set + ms(500_000)).at, at);
        }
    }

    #[test]
    fn a_clock_that_returns_finds_its_point() {
        let (set, at) = (START, START + ms(60_000));
        let early = set - ms(300_000);
        let moved = Point::new(at, set).after(Reading::Back { was: set }, early);
        assert_eq!(moved.at, early + ms(60_000));
        assert_eq!(moved.after(Reading::Steady, set).at, moved.at, "only by a leap");
        assert_eq!(moved.after(Reading::Leap, set - ms(1)).at, moved.at, "not before it was set");
        let returned = moved.after(Reading::Leap, set);
        assert_eq!((returned.at, returned.set), (at, set));
        // Back again: the other one is there still, and is not counted anew.
        let again = returned.after(Reading::Back { was: set + ms(9_000) }, early + ms(1_000));
        assert_eq!((again.at, again.set), (early + ms(60_000), early));
        // A leap never goes to a point that was set earlier.
        assert_eq!(returned.after(Reading::Leap, set + ms(400_000)).at, at);
    }

    #[test]
    fn never_stays_never() {
        for reading in [Reading::Leap, Reading::Steady, Reading::Back { was: UnixTime::MAX }] {
            assert_eq!(Point::NEVER.after(reading, UnixTime::EPOCH).at, UnixTime::MAX);
        }
        let forever = Point::new(UnixTime::MAX, START);
        assert_eq!(forever.after(Reading::Back { was: START }, UnixTime::EPOCH).at, UnixTime::MAX);
        assert_eq!(Point::PAST.after(Reading::Back { was: START }, UnixTime::EPOCH).at, UnixTime::EPOCH);
    }
}
