//! How much each caller may ask: a bucket for each key and each user, and for each address that shows neither.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::Caller;
use crate::api::subscriber;
use crate::clock::Uptime;

/// Callers that are remembered. One that asked for nothing lately needs no room.
const MOST: usize = 100_000;

/// Requests a second of keys and of users; in a burst as many as in this time.
const BURST: Duration = Duration::from_secs(2);

/// The buckets. Those of callers and those of addresses are kept apart, because there is no end of addresses.
#[derive(Debug)]
pub struct Rates {
    /// Nanoseconds between two requests.
    key: u64,
    user: u64,
    address: u64,
    callers: Buckets<String>,
    addresses: Buckets<IpAddr>,
}

/// Each is one number: the time at which it is empty again (GCRA).
#[derive(Debug)]
struct Buckets<K>(Mutex<HashMap<K, u64>>);

impl Rates {
    /// So many requests a second of a key, of a user, and without either of them from an address; 0 is taken for 1.
    pub fn new(key: u32, user: u32, address: u32) -> Self {
        let every = |rate: u32| 1_000_000_000 / u64::from(rate.max(1));
        let (callers, addresses) = (Buckets(Mutex::default()), Buckets(Mutex::default()));
        Self { key: every(key), user: every(user), address: every(address), callers, addresses }
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
        self.callers.take(caller.name(), every, nanos(now))
    }

    /// The same for a webhook, at the rate of a key.
    ///
    /// # Errors
    /// The time to wait.
    pub fn take_hook(&self, name: &str, now: Uptime) -> Result<(), Duration> {
        self.callers.take(format!("hook:{name}"), self.key, nanos(now))
    }

    /// The same for a request of nobody who is known.
    ///
    /// # Errors
    /// The time to wait.
    pub fn take_stranger(&self, address: IpAddr, now: Uptime) -> Result<(), Duration> {
        self.addresses.take(subscriber(address), self.address, nanos(now))
    }
}

fn nanos(now: Uptime) -> u64 {
    now.as_millis().saturating_mul(1_000_000)
}

impl<K: Hash + Eq> Buckets<K> {
    fn take(&self, name: K, every: u64, now: u64) -> Result<(), Duration> {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
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
        let (buckets, second) = (Buckets(Mutex::default()), 1_000_000_000);
        let take = |name: &str, now| buckets.take(name.to_owned(), second / 10, now);
        assert_eq!((0..30).filter(|_| take("a", 5 * second).is_ok()).count(), 20);
        assert_eq!(take("a", 5 * second), Err(Duration::from_millis(100)));
        assert!(take("b", 5 * second).is_ok(), "each by itself");
        assert_eq!((0..30).filter(|_| take("a", 6 * second).is_ok()).count(), 10);
    }

    #[test]
    fn room_is_bounded() {
        let buckets = Buckets(Mutex::default());
        for number in 0..MOST + 10 {
            let taken = buckets.take(number.to_string(), 1_000, 0);
            assert_eq!(taken.is_ok(), number < MOST, "{number}");
        }
        assert!(buckets.take("later".to_owned(), 1_000, 2_000).is_ok(), "who is idle needs no room");
    }

    #[test]
    fn strangers_are_counted_by_their_subscriber_and_take_nothing_from_callers() {
        let rates = Rates::new(1, 1, 1);
        let take = |address: &str| rates.take_stranger(address.parse().unwrap(), Uptime::default());
        assert!(take("2001:db8::1").is_ok() && take("2001:db8::2").is_ok(), "a burst of two seconds");
        assert!(take("2001:db8::3").is_err(), "the same /64");
        assert!(take("2001:db8:0:1::1").is_ok());
        for number in 0..MOST as u128 + 10 {
            let _ =
                rates.take_stranger(std::net::Ipv6Addr::from_bits(number << 64).into(), Uptime::default());
        }
        assert!(take("192.0.2.1").is_err(), "there is an end to them");
        let user = super::super::User { person: "kate".parse().unwrap(), app: None };
        assert!(rates.take(&Caller::User(user), Uptime::default()).is_ok());
    }
}
