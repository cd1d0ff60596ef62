//! Beside the peers, where they mean the same.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // Test helpers.

use std::num::NonZeroU32;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use governor::clock::FakeRelativeClock;
use governor::{Quota, RateLimiter};
use proptest::prelude::*;
use recloser::Recloser;
use reveille_core::UnixTime;
use reveille_delivery::LegId;
use reveille_delivery::pacer::{Breaker, BreakerSettings, Level, Rate};
use reveille_delivery::retry::{RetryPolicy, Spread};

const START: UnixTime = UnixTime::from_secs(1_000_000);

proptest! {
    /// governor counts in nanoseconds and rounds the interval down, we up: spans that divide are the same.
    #[test]
    fn buckets_let_through_what_governor_lets_through(
        interval in 1..400_u64,
        burst in 1..30_u32,
        steps in proptest::collection::vec(0..600_u64, 1..300),
    ) {
        let quota = Quota::with_period(Duration::from_millis(interval)).unwrap();
        let clock = FakeRelativeClock::default();
        let quota = quota.allow_burst(NonZeroU32::new(burst).unwrap());
        let theirs = RateLimiter::direct_with_clock(quota, clock.clone());
        let rate = Rate::new(1, Duration::from_millis(interval), burst).unwrap();
        let (mut ours, mut now) = (Level::EMPTY, START);
        for step in steps {
            // Most steps are short, so that the limit is felt.
            let step = Duration::from_millis(if step < 300 { step % 7 } else { step });
            now += step;
            clock.advance(step);
            prop_assert_eq!(ours.take(&rate, now).is_ok(), theirs.check().is_ok());
        }
    }

    /// recloser looks at the last N calls, we at the last minute: for the first N they are the same.
    #[test]
    fn breakers_open_when_recloser_opens(calls in proptest::collection::vec(any::<bool>(), 20), failures in 1..19_u32) {
        // Between two counts, so that "more than" and "at least" are the same.
        let per_mille = failures * 50 - 25;
        let theirs = Recloser::custom().closed_len(20).error_rate(per_mille as f32 / 1_000.0).build();
        let settings = BreakerSettings::default().with_failures(per_mille, Duration::from_secs(60), 20).unwrap();
        let mut ours = Breaker::new(settings, 1);
        // It looks only once its ring is full and one more has come.
        let _ = theirs.call(|| Ok::<_, ()>(()));
        for succeeded in calls {
            let permit = ours.admit(START).unwrap();
            ours.record(permit, succeeded, Duration::ZERO, START);
            let _ = theirs.call(|| if succeeded { Ok(()) } else { Err(()) });
        }
        let their_state = theirs.call(|| Ok::<_, ()>(()));
        prop_assert_eq!(ours.admit(START).is_ok(), their_state.is_ok());
    }
}

/// backon without jitter is the bound below which AWS's full jitter is drawn, uniformly.
#[test]
fn back_offs_are_uniform_below_backons() {
    let (base, cap) = (Duration::from_millis(800), Duration::from_secs(20));
    let bounds = ExponentialBuilder::default().with_min_delay(base).with_max_delay(cap).with_factor(2.0);
    let policy = RetryPolicy::default().with_backoff(base, cap).unwrap();
    for (attempt, bound) in (1..9).zip(bounds.with_max_times(8).build()) {
        let bound = bound.as_millis() as u64;
        let equal = policy.with_spread(Spread::Equal);
        let mut quarters = [0_u32; 4];
        for leg in 0..8_000 {
            let leg = LegId::from_bits(leg);
            let delay = policy.backoff(1, leg, attempt, 0);
            assert!(delay <= bound);
            quarters[(delay * 4 / (bound + 1)) as usize] += 1;
            let delay = equal.backoff(1, leg, attempt, 0);
            assert!((bound / 2..=bound).contains(&delay));
        }
        // 2,000 expected; six standard deviations are 232.
        assert!(quarters.iter().all(|count| count.abs_diff(2_000) < 232), "{quarters:?}");
    }
}

/// `sleep = min(cap, random(base, previous · 3))`, as the article has it.
#[test]
fn decorrelated_jitter_is_as_documented() {
    let policy = RetryPolicy::default().with_spread(Spread::Decorrelated);
    let (base, cap) = (1_000_u64, 60_000_u64);
    for previous in [0, 1_000, 5_000, 30_000] {
        let top = previous.max(base) * 3;
        let draws = 8_000;
        let mut sum = 0.0;
        for leg in 0..draws {
            let delay = policy.backoff(1, LegId::from_bits(leg), 2, previous);
            assert!((base..=top.min(cap)).contains(&delay));
            sum += delay as f64;
        }
        if top <= cap {
            let expected = (base + top) as f64 / 2.0;
            let error = (sum / draws as f64 - expected).abs();
            assert!(error < (top - base) as f64 * 0.02, "{previous}: off by {error}");
        }
    }
}
