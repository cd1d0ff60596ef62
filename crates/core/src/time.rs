//! Wall-clock time as plain data.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A point in time: milliseconds since the Unix epoch. Every function that needs the time takes one as its last
/// argument, `now`, by value.
///
/// Every deadline of a push system is wall-clock time (JWT `exp`, `Retry-After` dates, the APNs 410 time), so one
/// type serves all. There is no `now()`: the caller passes the time in. Any `u64` is legal and all arithmetic
/// saturates, so a clock that jumps cannot make a library panic.
///
/// ```
/// use reveille_core::UnixTime;
/// use std::time::Duration;
///
/// let sent = UnixTime::from_secs(1_700_000_000);
/// assert_eq!((sent + Duration::from_millis(1_500)).as_millis(), 1_700_000_001_500);
/// assert_eq!(sent.since(sent + Duration::from_secs(1)), Duration::ZERO);
/// assert_eq!(UnixTime::MAX + Duration::from_secs(1), UnixTime::MAX);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixTime(u64);

impl UnixTime {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);
    /// The last representable time; as a deadline it means "never".
    pub const MAX: Self = Self(u64::MAX);

    /// From milliseconds since the epoch.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// From whole seconds since the epoch, as JWT and APNs use them; saturates.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1_000))
    }

    /// Returns the milliseconds since the epoch.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    #[must_use]
    pub const fn as_secs(self) -> u64 {
        self.0 / 1_000
    }

    /// The time from `earlier` to `self`; zero if `earlier` is in fact later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// Milliseconds of a duration, saturating: what [`UnixTime`] counts in.
///
/// ```
/// use std::time::Duration;
/// assert_eq!(reveille_core::millis(Duration::from_secs(2)), 2_000);
/// assert_eq!(reveille_core::millis(Duration::MAX), u64::MAX);
/// ```
#[must_use]
pub fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

impl Add<Duration> for UnixTime {
    type Output = Self;
    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(millis(span)))
    }
}

impl AddAssign<Duration> for UnixTime {
    fn add_assign(&mut self, span: Duration) {
        *self = *self + span;
    }
}

impl Sub<Duration> for UnixTime {
    type Output = Self;
    fn sub(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(millis(span)))
    }
}

/// Prints the number of milliseconds.
impl fmt::Display for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn arithmetic_never_panics_and_keeps_order(a: u64, b: u64, secs: u64, nanos in 0u32..1_000_000_000) {
            let (t, span) = (UnixTime::from_millis(a), Duration::new(secs, nanos));
            prop_assert!(t + span >= t);
            prop_assert!(t - span <= t);
            let other = UnixTime::from_millis(b);
            prop_assert_eq!(t.since(other) + other.since(t), Duration::from_millis(a.abs_diff(b)));
        }
    }

    #[test]
    fn seconds_round_down_and_saturate() {
        assert_eq!(UnixTime::from_millis(1_999).as_secs(), 1);
        assert_eq!(UnixTime::from_secs(u64::MAX), UnixTime::MAX);
    }

    #[test]
    fn serialises_as_a_bare_number() {
        assert_eq!(serde_json::to_string(&UnixTime::from_millis(5)).unwrap(), "5");
        assert_eq!(serde_json::from_str::<UnixTime>("5").unwrap(), UnixTime::from_millis(5));
    }
}
