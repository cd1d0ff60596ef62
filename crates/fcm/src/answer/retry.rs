//! Google's guidance for retries ("Scale FCM sends"): how long to wait, and when to give up.

use std::time::Duration;

use reveille_core::{Jitter, UnixTime};

/// At least this long before any retry.
pub const RETRY_MINIMUM: Duration = Duration::from_secs(10);
/// A message that was not accepted after this long is given up.
pub const RETRY_FOR: Duration = Duration::from_secs(60 * 60);

/// The longest step of the exponential back-off.
const MAX_STEP: Duration = Duration::from_secs(15 * 60);
const QUARTER_HOUR: u64 = 15 * 60 * 1_000;
/// Half of the two minutes around a quarter hour.
const AROUND: u64 = 60 * 1_000;

/// When to try again: exponential from 10 s with full jitter on top of the minimum, not before `not_before` (from
/// [`Action::Retry`](reveille_core::Action::Retry)), not around the quarter hours. `None` once the message is an hour
/// old: give up. `attempt` counts the failed attempts, from 1.
///
/// ```
/// use reveille_core::{Jitter, UnixTime};
/// use reveille_fcm::answer::retry_at;
/// use std::time::Duration;
///
/// let (mut jitter, first) = (Jitter::new(1), UnixTime::from_secs(200));
/// let at = retry_at(1, first, first, &mut jitter, first).unwrap();
/// assert!(at >= first + Duration::from_secs(10) && at <= first + Duration::from_secs(20));
/// let late = first + Duration::from_secs(3_600);
/// assert_eq!(retry_at(9, first, late, &mut jitter, late), None);
/// ```
#[must_use]
pub fn retry_at(
    attempt: u32,
    first_attempt: UnixTime,
    not_before: UnixTime,
    jitter: &mut Jitter,
    now: UnixTime,
) -> Option<UnixTime> {
    let step = RETRY_MINIMUM.saturating_mul(2_u32.saturating_pow(attempt.saturating_sub(1))).min(MAX_STEP);
    let at = (now + RETRY_MINIMUM).max(not_before) + jitter.up_to(step);
    let at = avoid_quarter_hours(at, jitter);
    (at <= first_attempt + RETRY_FOR).then_some(at)
}

/// A time that lies within a minute of :00, :15, :30 or :45 moves behind it, spread over another minute. Everybody
/// sends at those times; what can wait should.
#[must_use]
pub fn avoid_quarter_hours(at: UnixTime, jitter: &mut Jitter) -> UnixTime {
    let into = at.as_millis() % QUARTER_HOUR;
    let to_edge = match into {
        0..AROUND => AROUND - into,
        _ if into > QUARTER_HOUR - AROUND => QUARTER_HOUR - into + AROUND,
        _ => return at,
    };
    at + Duration::from_millis(to_edge) + jitter.up_to(Duration::from_millis(AROUND))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn quarter_hours_are_avoided() {
        let mut jitter = Jitter::new(3);
        for (minute, second) in [(0, 0), (0, 59), (14, 1), (15, 0), (29, 59), (44, 30), (59, 1)] {
            let at = UnixTime::from_secs(3_600 * 1_000 + minute * 60 + second);
            let moved = avoid_quarter_hours(at, &mut jitter);
            let into = moved.as_millis() % QUARTER_HOUR;
            assert!(moved > at && (AROUND..=2 * AROUND).contains(&into), "{minute}:{second} moved to {into}");
        }
        let quiet = UnixTime::from_secs(3_600 + 7 * 60);
        assert_eq!(avoid_quarter_hours(quiet, &mut jitter), quiet);
    }

    proptest! {
        #[test]
        fn never_too_early_and_never_after_an_hour(attempt: u32, first in 0..u64::MAX / 2, age in 0..4_000_000_u64, floor: u64, seed: u64) {
            let (first, mut jitter) = (UnixTime::from_millis(first), Jitter::new(seed));
            let now = first + Duration::from_millis(age);
            if let Some(at) = retry_at(attempt, first, UnixTime::from_millis(floor), &mut jitter, now) {
                prop_assert!(at >= now + RETRY_MINIMUM && at.as_millis() >= floor && at <= first + RETRY_FOR);
            }
        }
    }
}
