//! How much each caller may ask: a bucket for each key and each user.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::Caller;
use crate::clock::Uptime;

/// Callers that are remembered. One that asked for nothing lately needs no room.
const MOST: usize = 100_000;

/// Requests a second of keys and of users; in a burst as many as in this time.
const BURST: Duration = Duration::from_secs(2);

/// The buckets. Each is one number: the time at which it is empty again (GCRA).
#[derive(Debug)]
pub struct Rates {
    /// Nanoseconds between two requests.
    key: u64,
    user: u64,
    buckets: Mutex<HashMap<String, u64>>,
}

impl Rates {
    /// So many requests a second; 0 is taken for 1.
    pub fn new(key: u32, user: u32) -> Self {
        let every = |rate: u32| 1_000_000_000 / u64::from(rate.max(1));
        Self { key: every(key), user: every(user), buckets: Mutex::default() }
    }

    /// Takes a request in, or says after how long one will be.
    ///
    /// # Errors
    /// The time to wait.
    pub fn take(&self, caller: &Caller, now: Uptime) -> Result<(), Duration> {
        let every = match caller {
            Caller::Key(_) => self.key,
            Caller::User(_) => self.user,
        };
        self.take_named(caller.name(), every, now.as_millis().saturating_mul(1_000_000))
    }

    /// The same for a webhook, at the rate of a key.
    ///
    /// # Errors
    /// The time to wait.
    pub fn take_hook(&self, name: &str, now: Uptime) -> Result<(), Duration> {
        self.take_named(format!("hook:{name}"), self.key, now.as_millis().saturating_mul(1_000_000))
    }

    fn take_named(&self, name: String, every: u64, now: u64) -> Result<(), Duration> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MOST && !buckets.contains_key(&name) {
            buckets.retain(|_, empty| *empty > now);
            if buckets.len() >= MOST {
                return Err(Duration::from_secs(1));
            }
        }
        let burst = u64::try_from(BURST.as_nanos()).unwrap_or(u64::MAX).max(every);
        let empty = buckets.entry(name).or_default();
        let next = (*empty).max(now).saturating_add(every);
        if next > now.saturating_add(burst) {
            return Err(Duration::from_nanos(next - now.saturating_add(burst)));
        }
        *empty = next;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_and_then_a_rate() {
        let (rates, second) = (Rates::new(10, 1), 1_000_000_000);
        let take = |name: &str, now| rates.take_named(name.to_owned(), second / 10, now);
        assert_eq!((0..30).filter(|_| take("a", 5 * second).is_ok()).count(), 20);
        assert_eq!(take("a", 5 * second), Err(Duration::from_millis(100)));
        assert!(take("b", 5 * second).is_ok(), "each by itself");
        assert_eq!((0..30).filter(|_| take("a", 6 * second).is_ok()).count(), 10);
    }

    #[test]
    fn room_is_bounded() {
        let rates = Rates::new(1, 1);
        for number in 0..MOST + 10 {
            let taken = rates.take_named(number.to_string(), 1_000, 0);
            assert_eq!(taken.is_ok(), number < MOST, "{number}");
        }
        assert!(rates.take_named("later".to_owned(), 1_000, 2_000).is_ok(), "who is idle needs no room");
    }
}
