//! Spreading deadlines, repeatably.

use std::time::Duration;

/// A small seeded generator (SplitMix64) for jitter, so that a run can be replayed from its seed. Use it to spread
/// deadlines, and never for secrets.
///
/// Never use it for anything secret: the crypto provider has a random source for that.
///
/// ```
/// use reveille_core::Jitter;
/// use std::time::Duration;
/// let (mut a, mut b) = (Jitter::new(7), Jitter::new(7));
/// assert_eq!(a.up_to(Duration::from_secs(30)), b.up_to(Duration::from_secs(30)));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jitter {
    state: u64,
}

impl Jitter {
    /// A generator that always gives the same sequence for the same seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The state, to be kept in a snapshot: `Jitter::new(state)` goes on where this one stands.
    #[must_use]
    pub const fn state(&self) -> u64 {
        self.state
    }

    /// Returns the next 64 pseudo-random bits; the same seed gives the same sequence.
    pub const fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = self.state;
        let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A uniform number from 0 to `bound`, both included.
    pub fn up_to_u64(&mut self, bound: u64) -> u64 {
        let product = u128::from(self.next_u64()) * (u128::from(bound) + 1);
        u64::try_from(product >> 64).unwrap_or(bound)
    }

    /// A uniform duration from zero to `span`, both included, in milliseconds ("full jitter").
    pub fn up_to(&mut self, span: Duration) -> Duration {
        Duration::from_millis(self.up_to_u64(crate::millis(span)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn matches_the_published_sequence() {
        // Vigna, splitmix64.c, seed 1234567.
        let mut jitter = Jitter::new(1_234_567);
        assert_eq!(
            [jitter.next_u64(), jitter.next_u64(), jitter.next_u64()],
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
    }

    proptest! {
        #[test]
        fn stays_in_bounds(seed: u64, bound: u64) {
            prop_assert!(Jitter::new(seed).up_to_u64(bound) <= bound);
        }
    }

    #[test]
    fn goes_on_from_its_state() {
        let mut jitter = Jitter::new(7);
        assert_eq!(jitter.state(), 7);
        for _ in 0..3 {
            let mut restored = Jitter::new(jitter.state());
            assert_eq!(restored.next_u64(), jitter.next_u64());
            assert_eq!(restored, jitter);
        }
    }

    #[test]
    fn a_span_is_counted_in_milliseconds() {
        let (mut spans, mut numbers) = (Jitter::new(3), Jitter::new(3));
        for _ in 0..50 {
            let span = spans.up_to(Duration::from_secs(2));
            assert_eq!(span, Duration::from_millis(numbers.up_to_u64(2_000)));
        }
        assert_eq!(Jitter::new(3).up_to(Duration::ZERO), Duration::ZERO);
    }

    #[test]
    fn reaches_both_ends() {
        let mut jitter = Jitter::new(1);
        let seen: std::collections::BTreeSet<_> = (0..1_000).map(|_| jitter.up_to_u64(3)).collect();
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), [0, 1, 2, 3]);
    }
}
