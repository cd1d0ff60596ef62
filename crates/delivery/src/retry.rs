//! When the next attempt is made: pure functions of seed, leg and attempt.

use std::hash::Hasher as _;
use std::time::Duration;

use reveille_core::settings::{InvalidSettings, number, span};
use reveille_core::siphash::Sip13;
use reveille_core::{Jitter, RetrySource, UnixTime, millis};

use crate::LegId;

const YEAR: u64 = 365 * 86_400_000;
const QUARTER_HOUR: u64 = 15 * 60 * 1_000;
/// Half of the two minutes around a quarter hour.
const QUARTER_HOUR_MARGIN: u64 = 60 * 1_000;

/// How attempts follow each other; one for each [`Class`](crate::Class) of devices.
///
/// | setting | default | |
/// |---|---|---|
/// | attempts | 3 | the first included |
/// | base | 1 s | the back-off before the second attempt, doubled for each further one |
/// | cap | 60 s | the longest back-off |
/// | spread | [`Spread::Full`] | how a delay is drawn |
/// | minimum | 0 | no retry is earlier than this, whoever named the time |
/// | longest wait | 1 h | a time named by the service is cut to this |
/// | give-up age | none | a leg older than this since its first attempt is not tried again |
/// | quarter hours avoided | no | no guessed retry falls within a minute of a quarter hour |
///
/// [`RetryPolicy::FCM`] is what Google asks for.
///
/// ```
/// use reveille_delivery::{Class, DeliverySettings};
/// use reveille_delivery::retry::RetryPolicy;
/// let settings = DeliverySettings::default().with_policy(Class(2), RetryPolicy::FCM);
/// assert_eq!(settings.policy(Class(2)).attempts(), 3);
/// # assert_ne!(RetryPolicy::FCM, RetryPolicy::default());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    attempts: u8,
    base: u64,
    cap: u64,
    spread: Spread,
    minimum: u64,
    longest_wait: u64,
    give_up_age: u64,
    avoid_quarter_hours: bool,
}

/// How the delay of a retry is drawn at random below its bound, so that not everything that failed comes back at once:
/// the three forms of the AWS article "Exponential Backoff And Jitter". Set it with [`RetryPolicy::with_spread`]; keep
/// the default, [`Full`](Self::Full), unless retries must not come almost at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Spread {
    /// `random(0, min(cap, base · 2ⁿ))`: the fewest calls in all.
    #[default]
    Full,
    /// Half of `min(cap, base · 2ⁿ)`, and as much again at random: never quite at once.
    Equal,
    /// `min(cap, random(base, 3 · the last delay))`.
    Decorrelated,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 3,
            base: 1_000,
            cap: 60_000,
            spread: Spread::Full,
            minimum: 0,
            longest_wait: 3_600_000,
            give_up_age: u64::MAX,
            avoid_quarter_hours: false,
        }
    }
}

impl RetryPolicy {
    /// What Google asks of those who send through FCM ("Scale FCM sends"): no retry within 10 s, back-off from there to
    /// 15 min, none after an hour, none within a minute of :00, :15, :30 and :45, when everybody's timers fire.
    pub const FCM: Self = Self {
        attempts: 3,
        base: 10_000,
        cap: 15 * 60_000,
        spread: Spread::Full,
        minimum: 10_000,
        longest_wait: 3_600_000,
        give_up_age: 3_600_000,
        avoid_quarter_hours: true,
    };

    /// Sets how many attempts are made, the first included.
    ///
    /// # Errors
    /// [`InvalidSettings`] if it is 0.
    pub fn with_attempts(mut self, attempts: u8) -> Result<Self, InvalidSettings> {
        number("attempts", attempts.into(), 1..=u8::MAX.into())?;
        self.attempts = attempts;
        Ok(self)
    }

    /// Sets the first back-off and the longest.
    ///
    /// # Errors
    /// [`InvalidSettings`] unless the first is from 1 ms to 365 days, and the longest from there to 365 days.
    pub fn with_backoff(mut self, base: Duration, cap: Duration) -> Result<Self, InvalidSettings> {
        self.base = span("base", base, 1..=YEAR)?;
        self.cap = span("cap", cap, self.base..=YEAR)?;
        Ok(self)
    }

    /// Sets how a delay is drawn.
    #[must_use]
    pub const fn with_spread(mut self, spread: Spread) -> Self {
        self.spread = spread;
        self
    }

    /// Sets the shortest wait; zero: none.
    ///
    /// # Errors
    /// [`InvalidSettings`] if it is over 365 days.
    pub fn with_minimum(mut self, minimum: Duration) -> Result<Self, InvalidSettings> {
        self.minimum = span("minimum", minimum, 0..=YEAR)?;
        Ok(self)
    }

    /// Sets to what a time named by the service is cut.
    ///
    /// # Errors
    /// [`InvalidSettings`] unless it is from 1 ms to 365 days.
    pub fn with_longest_wait(mut self, longest: Duration) -> Result<Self, InvalidSettings> {
        self.longest_wait = span("longest wait", longest, 1..=YEAR)?;
        Ok(self)
    }

    /// Sets the age, since its first attempt, from which a leg is not tried again.
    ///
    /// # Errors
    /// [`InvalidSettings`] unless it is from 1 ms to 365 days.
    pub fn with_give_up_age(mut self, age: Duration) -> Result<Self, InvalidSettings> {
        self.give_up_age = span("give-up age", age, 1..=YEAR)?;
        Ok(self)
    }

    /// Keeps guessed retries a minute away from quarter hours, where everybody's timers fire.
    #[must_use]
    pub const fn with_quarter_hours_avoided(mut self) -> Self {
        self.avoid_quarter_hours = true;
        self
    }

    /// How many attempts are made, the first included.
    #[must_use]
    pub const fn attempts(&self) -> u8 {
        self.attempts
    }

    /// Whether a leg whose first attempt was at `first` may be tried again at `at`, after `attempts` attempts.
    #[must_use]
    pub fn allows(&self, attempts: u8, first: UnixTime, at: UnixTime) -> bool {
        attempts < self.attempts && millis(at.since(first)) < self.give_up_age
    }

    /// The back-off after `attempt` (1 is the first), in milliseconds: never more than the cap. `previous` is the last
    /// one of this leg, 0 before the first; [`Spread::Decorrelated`] needs it.
    ///
    /// The same seed, leg and attempt always give the same.
    #[must_use]
    pub fn backoff(&self, seed: u64, leg: LegId, attempt: u8, previous: u64) -> u64 {
        let mut random = draw(seed, leg, attempt);
        let doublings = u32::from(attempt.saturating_sub(1)).min(63);
        let bound = self.base.saturating_mul(1 << doublings).min(self.cap);
        match self.spread {
            Spread::Full => random.up_to_u64(bound),
            Spread::Equal => bound / 2 + random.up_to_u64(bound - bound / 2),
            Spread::Decorrelated => {
                let above = previous.max(self.base).saturating_mul(3) - self.base;
                self.base.saturating_add(random.up_to_u64(above)).min(self.cap)
            }
        }
    }

    /// When attempt `attempt + 1` may be made, and the back-off behind it. A time that the service named wins; where the
    /// time is a guess, the back-off is added to now and the guess is a lower bound.
    #[must_use]
    pub fn next_attempt(
        &self,
        after: After,
        not_before: UnixTime,
        source: RetrySource,
        now: UnixTime,
    ) -> (UnixTime, u64) {
        let backoff = self.backoff(after.seed, after.leg, after.attempt, after.previous);
        let longest = now + Duration::from_millis(self.longest_wait);
        let earliest = now + Duration::from_millis(self.minimum);
        let at = match source {
            RetrySource::Service => not_before.min(longest),
            _ => (now + Duration::from_millis(backoff)).max(not_before.min(longest)),
        };
        let mut at = at.max(earliest);
        if self.avoid_quarter_hours && source != RetrySource::Service {
            at = away_from_quarter_hour(at, &mut draw(!after.seed, after.leg, after.attempt));
        }
        (at, backoff)
    }
}

/// Which attempt has ended without success, so that the time of the next one can be computed. Give it to
/// [`RetryPolicy::next_attempt`]; a [`Delivery`](crate::Delivery) does this by itself, so only programs without one,
/// and tests, need it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_structs,
    reason = "plain data that users make and take apart; another field is another version of the log"
)]
pub struct After {
    /// The seed of the delivery.
    pub seed: u64,
    /// The leg.
    pub leg: LegId,
    /// The number of the attempt, from 1.
    pub attempt: u8,
    /// The leg's last back-off in milliseconds, 0 if there was none.
    pub previous: u64,
}

fn draw(seed: u64, leg: LegId, attempt: u8) -> Jitter {
    let mut hash = Sip13::new(seed, u64::from_le_bytes(*b"attempt\0"));
    hash.write_u128(leg.to_bits());
    hash.write_u8(attempt);
    Jitter::new(hash.finish())
}

/// Moves a time that is less than a minute from a quarter hour behind it, spread over a minute.
fn away_from_quarter_hour(at: UnixTime, random: &mut Jitter) -> UnixTime {
    let into = at.as_millis() % QUARTER_HOUR;
    let to_end = if into < QUARTER_HOUR_MARGIN {
        QUARTER_HOUR_MARGIN - into
    } else if into > QUARTER_HOUR - QUARTER_HOUR_MARGIN {
        QUARTER_HOUR - into + QUARTER_HOUR_MARGIN
    } else {
        return at;
    };
    at + Duration::from_millis(to_end.saturating_add(random.up_to_u64(QUARTER_HOUR_MARGIN)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn after(attempt: u8) -> After {
        After { seed: 7, leg: LegId::from_bits(9), attempt, previous: 0 }
    }

    #[test]
    fn quarter_hours_are_avoided() {
        let policy = RetryPolicy::default().with_quarter_hours_avoided();
        for second in 0..3_600 {
            let now = UnixTime::from_secs(1_800_000_000 + second);
            let (at, _) = policy.next_attempt(after(1), now, RetrySource::Guess, now);
            let into = at.as_millis() % QUARTER_HOUR;
            assert!((QUARTER_HOUR_MARGIN..=QUARTER_HOUR - QUARTER_HOUR_MARGIN).contains(&into), "{at}");
            // The service's own word is not improved upon.
            let named = now + Duration::from_secs(1);
            assert_eq!(policy.next_attempt(after(1), named, RetrySource::Service, now).0, named);
        }
    }

    #[test]
    fn the_services_time_wins_and_is_clamped() {
        let (policy, now) = (RetryPolicy::default(), UnixTime::from_secs(1_000));
        let at = |secs: u64, source| policy.next_attempt(after(3), UnixTime::from_secs(secs), source, now).0;
        assert_eq!(at(1_001, RetrySource::Service), UnixTime::from_secs(1_001));
        assert_eq!(at(900_000, RetrySource::Service), UnixTime::from_secs(4_600));
        assert_eq!(at(0, RetrySource::Service), now);
        assert!(at(1_050, RetrySource::Guess) >= UnixTime::from_secs(1_050));
    }

    proptest! {
        #[test]
        fn any_time_and_attempt_will_do(seed: u64, leg: u128, attempt: u8, previous: u64, at: u64, now: u64, kind in 0..3_u8, avoid: bool, named: bool) {
            let spread = [Spread::Full, Spread::Equal, Spread::Decorrelated][usize::from(kind)];
            let mut policy = RetryPolicy::default().with_spread(spread).with_minimum(Duration::from_millis(17)).unwrap();
            if avoid {
                policy = policy.with_quarter_hours_avoided();
            }
            let source = if named { RetrySource::Service } else { RetrySource::Guess };
            let after = After { seed, leg: LegId::from_bits(leg), attempt, previous };
            let now = UnixTime::from_millis(now);
            let (at, backoff) = policy.next_attempt(after, UnixTime::from_millis(at), source, now);
            prop_assert!(at >= now + Duration::from_millis(17));
            prop_assert!(backoff <= 60_000);
            prop_assert!(spread != Spread::Decorrelated || backoff >= 1_000);
            prop_assert_eq!(policy.next_attempt(after, UnixTime::from_millis(at.as_millis()), source, now).1, backoff);
        }
    }
}
