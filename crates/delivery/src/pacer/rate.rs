//! GCRA: how often something may happen, in two words.

use std::time::Duration;

use reveille_core::UnixTime;
use thiserror::Error;

const NANOS_PER_MILLI: u64 = 1_000_000;

/// How often something may happen: so many times in each span, and so many at once; rounded so that it is never
/// exceeded. Give it to a lane, to a [`Keyed`](super::Keyed) limiter, or to a [`Level`].
///
/// Defaults of this crate and documented limits of services are the constants here; see
/// [`PacerSettings`](crate::pacer::PacerSettings) for where they go.
///
/// ```
/// use reveille_delivery::pacer::{Level, Rate};
/// use reveille_core::UnixTime;
/// use std::time::Duration;
///
/// let rate = Rate::new(2, Duration::from_secs(1), 3)?;
/// let (mut level, now) = (Level::EMPTY, UnixTime::from_secs(1_000));
/// assert!((0..3).all(|_| level.take(&rate, now).is_ok()));
/// assert_eq!(level.take(&rate, now), Err(now + Duration::from_millis(500)));
/// # Ok::<(), reveille_delivery::pacer::InvalidRate>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Nanoseconds for which one is paid.
    interval: u64,
    /// Nanoseconds that may be owed.
    tolerance: u64,
}

/// Why a [`Rate`] cannot be made: the error of [`Rate::new`]. A rate must allow at least one in its span and one at
/// once; show the error's text to whoever configured the rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidRate {
    /// Nothing is allowed.
    #[error("a rate must allow at least 1 in its span and 1 at once, got {count} and {burst}")]
    Nothing {
        /// How many in the span.
        count: u32,
        /// How many at once.
        burst: u32,
    },
    /// The span is longer than this arithmetic carries.
    #[error(
        "{burst} at once of {count} in {span_ms} ms: that is over 500 years, or more than 1 in a nanosecond"
    )]
    Span {
        /// How many in the span.
        count: u32,
        /// The span.
        span_ms: u64,
        /// How many at once.
        burst: u32,
    },
    /// A share of nothing, or of more than there is.
    #[error("a share must be at least 1 part and at most the whole, got {part} of {whole}")]
    Share {
        /// How many parts.
        part: u32,
        /// Of how many.
        whole: u32,
    },
}

impl Rate {
    /// 500 a second to a push service: what one sender should not exceed unless it knows better.
    pub const PUSH_SERVICE: Self = Self { interval: 2_000_000, tolerance: 500 * 2_000_000 };
    /// 300 a minute for a client of a contact-centre platform's API.
    pub const PLATFORM_API: Self = Self { interval: 200_000_000, tolerance: 30 * 200_000_000 };
    /// FCM: 600,000 a minute for a project; the minutes are not the clock's.
    pub const FCM_PROJECT: Self = Self { interval: 100_000, tolerance: 10_000 * 100_000 };
    /// FCM: 240 a minute for one device.
    pub const FCM_DEVICE: Self = Self { interval: 250_000_000, tolerance: 20 * 250_000_000 };
    /// FCM: messages that replace each other, 20 at once and one more every 3 minutes for an app on a device.
    pub const FCM_COLLAPSIBLE: Self = Self { interval: 180_000_000_000, tolerance: 20 * 180_000_000_000 };

    /// `count` in each `span`, of which `burst` may come at once.
    ///
    /// # Errors
    /// [`InvalidRate`].
    pub fn new(count: u32, span: Duration, burst: u32) -> Result<Self, InvalidRate> {
        if count == 0 || burst == 0 {
            return Err(InvalidRate::Nothing { count, burst });
        }
        let interval = span.as_nanos().div_ceil(count.into());
        let span_ms = reveille_core::millis(span);
        let too_long = InvalidRate::Span { count, span_ms, burst };
        let tolerance = interval.checked_mul(burst.into()).ok_or(too_long)?;
        match (u64::try_from(interval), u64::try_from(tolerance)) {
            (Ok(interval @ 1..), Ok(tolerance)) => Ok(Self { interval, tolerance }),
            _ => Err(too_long),
        }
    }

    /// The share `part` of `whole` of this rate, with the same burst, at least one in its time.
    ///
    /// # Errors
    /// [`InvalidRate::Share`] for nothing, or more than the whole.
    pub fn share(self, part: u32, whole: u32) -> Result<Self, InvalidRate> {
        if part == 0 || part > whole {
            return Err(InvalidRate::Share { part, whole });
        }
        let interval = (u128::from(self.interval) * u128::from(whole)).div_ceil(u128::from(part));
        let interval = u64::try_from(interval).map_err(|_| InvalidRate::Share { part, whole })?;
        Ok(Self { interval, tolerance: self.tolerance.max(interval) })
    }

    /// What one costs that costs so many thousandths of the usual.
    #[inline]
    fn scaled(&self, per_mille: u32) -> u64 {
        if per_mille == 1_000 {
            return self.interval;
        }
        let cost = u128::from(self.interval) * u128::from(per_mille);
        u64::try_from(cost.div_ceil(1_000)).unwrap_or(u64::MAX)
    }

    /// The most that can happen in a window of this length: what the rate promises.
    #[must_use]
    pub fn most_in(&self, window: Duration) -> u64 {
        let paid = window.as_nanos().saturating_add(self.tolerance.into()) / u128::from(self.interval);
        u64::try_from(paid).unwrap_or(u64::MAX)
    }
}

/// How much of a rate is used up: 16 bytes. The generic cell rate algorithm as a leaking bucket: what is owed, and since
/// when; a clock that steps back therefore stops nothing, and one that steps forward forgives at most a burst.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Level {
    /// Nanoseconds owed at `at`.
    owed: u64,
    /// Milliseconds.
    at: u64,
}

impl Level {
    /// Nothing used.
    pub const EMPTY: Self = Self { owed: 0, at: 0 };

    /// A word of it.
    #[inline]
    pub(super) const fn since(&self) -> u64 {
        self.at
    }

    /// What is owed now, in nanoseconds.
    #[inline]
    #[must_use]
    pub fn owed(&self, now: UnixTime) -> u64 {
        let passed = now.as_millis().saturating_sub(self.at);
        self.owed.saturating_sub(passed.saturating_mul(NANOS_PER_MILLI))
    }

    /// Takes one, if the rate allows it now.
    ///
    /// # Errors
    /// When to come again: nothing is taken. A millisecond too early is too early.
    #[inline]
    pub fn take(&mut self, rate: &Rate, now: UnixTime) -> Result<(), UnixTime> {
        self.take_cost(rate, rate.interval, now)
    }

    /// Takes one that costs `per_mille` thousandths of the usual: for a part of a rate. One is always possible from time to
    /// time.
    ///
    /// # Errors
    /// When to come again.
    pub fn take_scaled(&mut self, rate: &Rate, per_mille: u32, now: UnixTime) -> Result<(), UnixTime> {
        self.take_cost(rate, rate.scaled(per_mille), now)
    }

    #[inline]
    fn take_cost(&mut self, rate: &Rate, cost: u64, now: UnixTime) -> Result<(), UnixTime> {
        let owed = self.owed(now);
        let after = owed.saturating_add(cost);
        let over = after.saturating_sub(rate.tolerance.max(cost));
        if over > 0 {
            // As it stood, but measured from now: also when the clock stepped back.
            *self = Self { owed, at: now.as_millis() };
            return Err(now + Duration::from_millis(over.div_ceil(NANOS_PER_MILLI)));
        }
        *self = Self { owed: after, at: now.as_millis() };
        Ok(())
    }

    /// When one could be taken; `now` if at once. Nothing changes.
    ///
    /// # Errors
    /// When to come again.
    #[inline]
    pub fn peek(&self, rate: &Rate, now: UnixTime) -> Result<(), UnixTime> {
        let mut copy = *self;
        copy.take(rate, now)
    }

    /// Gives one back that was not used after all.
    #[inline]
    pub fn refund(&mut self, rate: &Rate, now: UnixTime) {
        self.refund_cost(rate.interval, now);
    }

    /// Gives one back that was taken with [`take_scaled`](Self::take_scaled), for what it cost.
    pub fn refund_scaled(&mut self, rate: &Rate, per_mille: u32, now: UnixTime) {
        self.refund_cost(rate.scaled(per_mille), now);
    }

    #[inline]
    fn refund_cost(&mut self, cost: u64, now: UnixTime) {
        *self = Self { owed: self.owed(now).saturating_sub(cost), at: now.as_millis() };
    }

    /// Takes one without asking whether it may, at a time when there is one for whoever comes first. Gives for how long those
    /// that came before have it; nobody waits longer than `furthest`.
    pub(super) fn queue(&mut self, rate: &Rate, furthest: Duration, first: UnixTime) -> Duration {
        // Later than by one before: the clock was set, and those places are no longer.
        let set = self.at > first.as_millis().saturating_add(rate.interval.div_ceil(NANOS_PER_MILLI));
        let owed = if set { 0 } else { self.owed(first) };
        let wait = Duration::from_millis(owed.div_ceil(NANOS_PER_MILLI));
        // Those that are sent to the end share it.
        let place = if wait < furthest { rate.interval } else { 0 };
        *self = Self { owed: owed.saturating_add(place), at: first.as_millis() };
        wait.min(furthest)
    }

    /// What is owed, measured from now: after the clock stepped back.
    pub(super) fn re_anchor(&mut self, now: UnixTime) {
        self.refund_cost(0, now);
    }

    /// Lets nothing through before `until`.
    pub fn block(&mut self, rate: &Rate, until: UnixTime, now: UnixTime) {
        let wait = reveille_core::millis(until.since(now)).saturating_mul(NANOS_PER_MILLI);
        let full = rate.tolerance.saturating_sub(rate.interval).saturating_add(wait);
        *self = Self { owed: self.owed(now).max(full), at: now.as_millis() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn constants_are_what_they_say() {
        let rate = |count, secs, burst| Rate::new(count, Duration::from_secs(secs), burst).unwrap();
        assert_eq!(Rate::PUSH_SERVICE, rate(500, 1, 500));
        assert_eq!(Rate::PLATFORM_API, rate(300, 60, 30));
        assert_eq!(Rate::FCM_PROJECT, rate(600_000, 60, 10_000));
        assert_eq!(Rate::FCM_DEVICE, rate(240, 60, 20));
        assert_eq!(Rate::FCM_COLLAPSIBLE, rate(1, 180, 20));
    }

    #[test]
    fn a_clock_that_steps_back_stops_nothing_for_long() {
        let rate = Rate::new(1, Duration::from_secs(1), 1).unwrap();
        let mut level = Level::EMPTY;
        level.take(&rate, UnixTime::from_secs(1_000_000)).unwrap();
        let back = UnixTime::from_secs(10);
        assert_eq!(level.take(&rate, back), Err(UnixTime::from_secs(11)));
        assert_eq!(level.take(&rate, UnixTime::from_secs(11)), Ok(()));
    }

    #[test]
    fn blocked_is_blocked_until_then() {
        let rate = Rate::new(10, Duration::from_secs(1), 5).unwrap();
        let (mut level, now) = (Level::EMPTY, UnixTime::from_secs(50));
        let until = now + Duration::from_secs(7);
        level.block(&rate, until, now);
        assert_eq!(level.peek(&rate, now), Err(until));
        assert_eq!(level.take(&rate, until), Ok(()));
    }

    proptest! {
        /// In no window, wherever it begins, more than the rate allows; and who comes when told is let in.
        #[test]
        fn never_more_than_allowed(count in 1..50_u32, span in 1..5_000_u64, burst in 1..20_u32, steps in proptest::collection::vec(0..300_u64, 1..200)) {
            let rate = Rate::new(count, Duration::from_millis(span), burst).unwrap();
            let (mut level, mut now) = (Level::EMPTY, 1_000_000_u64);
            let mut taken = Vec::new();
            for step in steps {
                now += step;
                match level.take(&rate, UnixTime::from_millis(now)) {
                    Ok(()) => taken.push(now),
                    Err(at) => {
                        prop_assert!(at > UnixTime::from_millis(now));
                        prop_assert_eq!(level.peek(&rate, at), Ok(()));
                        let before = UnixTime::from_millis(at.as_millis() - 1);
                        prop_assert!(level.peek(&rate, before).is_err());
                    }
                }
            }
            for (first, start) in taken.iter().enumerate() {
                for (inside, end) in taken[first..].iter().enumerate() {
                    let window = Duration::from_millis(end - start);
                    prop_assert!((inside as u64) < rate.most_in(window), "{} in {:?}", inside + 1, window);
                }
            }
        }

        #[test]
        fn a_refund_undoes_a_take(count in 1..50_u32, burst in 1..20_u32, before in 0..20_u32, at: u64) {
            let rate = Rate::new(count, Duration::from_secs(1), burst).unwrap();
            let (mut level, now) = (Level::EMPTY, UnixTime::from_millis(at));
            for _ in 0..before {
                let _ = level.take(&rate, now);
            }
            let owed = level.owed(now);
            if level.take(&rate, now).is_ok() {
                level.refund(&rate, now);
            }
            prop_assert_eq!(level.owed(now), owed);
        }

        #[test]
        fn any_time_is_legal(owed: u64, at: u64, now: u64, per_mille: u32) {
            let mut level = Level { owed, at };
            let now = UnixTime::from_millis(now);
            if let Err(until) = level.take_scaled(&Rate::PUSH_SERVICE, per_mille, now) {
                prop_assert!(until > now || now == UnixTime::MAX);
            }
        }
    }

    #[test]
    fn texts() {
        insta::assert_snapshot!(Rate::new(0, Duration::from_secs(1), 1).unwrap_err(), @"a rate must allow at least 1 in its span and 1 at once, got 0 and 1");
        insta::assert_snapshot!(Rate::new(1, Duration::MAX, 1).unwrap_err(), @"1 at once of 1 in 18446744073709551615 ms: that is over 500 years, or more than 1 in a nanosecond");
        assert!(Rate::new(2, Duration::ZERO, 1).is_err());
        insta::assert_snapshot!(Rate::PUSH_SERVICE.share(3, 2).unwrap_err(), @"a share must be at least 1 part and at most the whole, got 3 of 2");
        assert!(Rate::PUSH_SERVICE.share(0, 2).is_err());
        assert_eq!(Rate::PUSH_SERVICE.share(2, 2), Ok(Rate::PUSH_SERVICE));
    }
}
