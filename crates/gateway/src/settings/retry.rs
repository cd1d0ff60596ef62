//! How attempts follow each other.

use std::time::Duration;

use reveille_delivery::retry::{RetryPolicy, Spread};
use serde::{Deserialize, Serialize};

/// How attempts follow each other on one class of devices; give it to [`crate::GatewaySettings::with_retry`]. See [`RetryPolicy`], which it becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(
    clippy::exhaustive_structs,
    reason = "plain data that users make and take apart; another field is another version of the log"
)]
pub struct Retry {
    /// How many attempts, the first included; at least 1.
    pub attempts: u8,
    /// The back-off before the second attempt; it doubles.
    pub base: Duration,
    /// The longest back-off; at least the base.
    pub cap: Duration,
    /// No retry is earlier, whoever named the time.
    pub minimum: Duration,
    /// What a service asks for is cut to this.
    pub longest_wait: Duration,
    /// A leg older than this is not tried again.
    pub give_up_age: Option<Duration>,
    /// No retry falls within a minute of a quarter hour, if nobody named its time.
    pub avoid_quarter_hours: bool,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            attempts: 3,
            base: Duration::from_secs(1),
            cap: Duration::from_secs(60),
            minimum: Duration::ZERO,
            longest_wait: Duration::from_secs(3_600),
            give_up_age: None,
            avoid_quarter_hours: false,
        }
    }
}

impl Retry {
    /// What Google asks for ("Scale FCM sends"): not before 10 s, not after an hour, not at a quarter hour.
    #[must_use]
    pub fn fcm() -> Self {
        Self {
            minimum: Duration::from_secs(10),
            give_up_age: Some(Duration::from_secs(3_600)),
            avoid_quarter_hours: true,
            ..Self::default()
        }
    }

    pub(super) fn policy(&self) -> Option<RetryPolicy> {
        let mut policy = RetryPolicy::default()
            .with_attempts(self.attempts)
            .ok()?
            .with_backoff(self.base, self.cap)
            .ok()?
            .with_spread(Spread::Full)
            .with_minimum(self.minimum)
            .ok()?
            .with_longest_wait(self.longest_wait)
            .ok()?;
        if let Some(age) = self.give_up_age {
            policy = policy.with_give_up_age(age).ok()?;
        }
        Some(if self.avoid_quarter_hours { policy.with_quarter_hours_avoided() } else { policy })
    }
}
