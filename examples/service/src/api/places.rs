//! How many connections each address has.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// Whose connection or call it is, as far as the address says: an IPv6 subscriber has a whole /64 (RFC 6177), and may take
/// another address in it for every connection.
pub fn subscriber(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() & !u128::from(u64::MAX)).into()),
        address => address,
    }
}

/// Places for connections, so many for each subscriber.
#[derive(Clone, Debug)]
pub(super) struct Places {
    most: usize,
    taken: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// A place; it is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    of: IpAddr,
    taken: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

impl Places {
    pub(super) fn new(most: usize) -> Self {
        Self { most, taken: Arc::default() }
    }

    /// `None` if the subscriber has too many.
    pub(super) fn take(&self, address: IpAddr) -> Option<Place> {
        let of = subscriber(address);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(of).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Place { of, taken: Arc::clone(&self.taken) })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.of) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.of);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_subscriber_has_places_and_gets_them_back() {
        let places = Places::new(2);
        let take = |address: &str| places.take(address.parse().unwrap());
        let kept = [take("2001:db8:0:1::1"), take("2001:db8:0:1:ffff::7")];
        assert!(kept.iter().all(Option::is_some));
        assert!(take("2001:db8:0:1::3").is_none(), "the same /64");
        assert!(take("2001:db8:0:2::3").is_some(), "another one");
        let both = (take("192.0.2.1"), take("::ffff:192.0.2.1"));
        assert!(
            both.0.is_some() && both.1.is_some() && take("192.0.2.1").is_none(),
            "one address in both forms"
        );
        assert!(take("192.0.2.2").is_some());
        drop((kept, both));
        assert!(places.taken.lock().unwrap().is_empty(), "nothing is kept of who is gone");
        assert!(take("192.0.2.1").is_some());
    }
}
