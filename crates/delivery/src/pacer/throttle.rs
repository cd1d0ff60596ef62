//! Adaptive throttling on the client's side (the SRE book, "Handling Overload").

use std::time::Duration;

use reveille_core::settings::{InvalidSettings, per_mille};
use reveille_core::{Jitter, UnixTime};

use super::window::Window;

const REQUESTS: usize = 0;
const ACCEPTS: usize = 1;

/// Refuses a request here, with growing probability, that the service would probably refuse there:
/// `(requests − K · accepts) / (requests + 1)` over two minutes. Use it in a pacer with
/// [`PacerSettings::with_throttle`](super::PacerSettings::with_throttle), or alone for other calls.
///
/// An option: a breaker is all or nothing, this lets through what the service can bear. A request counts when it starts;
/// counted at its end, a service that answers nothing at all would look well (zeromicro/go-zero#5011).
#[derive(Clone, Debug)]
pub struct Throttle {
    k_per_mille: u32,
    window: Window<2>,
    jitter: Jitter,
}

impl Throttle {
    /// `k_per_mille` thousandths of what was accepted may be tried; 2,000 is usual.
    ///
    /// # Errors
    /// [`InvalidSettings`] unless it is from 1,000 to 1,000,000: below, even a service that takes everything would be
    /// throttled.
    pub fn new(k_per_mille: u32, seed: u64) -> Result<Self, InvalidSettings> {
        Ok(Self::checked(Self::check(k_per_mille)?, seed))
    }

    pub(super) fn check(k_per_mille: u32) -> Result<u32, InvalidSettings> {
        per_mille("throttle", k_per_mille, 1_000..=1_000_000)
    }

    pub(super) fn checked(k_per_mille: u32, seed: u64) -> Self {
        Self { k_per_mille, window: Window::new(Duration::from_secs(120)), jitter: Jitter::new(seed) }
    }

    /// Asks to start a request, and counts it.
    pub fn start(&mut self, now: UnixTime) -> bool {
        let [requests, accepts] = self.window.sums(now);
        self.window.add(REQUESTS, now);
        let over = (requests * 1_000).saturating_sub(accepts * u64::from(self.k_per_mille));
        // A uniform number below requests + 1, in thousandths.
        self.jitter.up_to_u64((requests + 1) * 1_000 - 1) >= over
    }

    /// The service took one.
    pub fn accepted(&mut self, now: UnixTime) {
        self.window.add(ACCEPTS, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// go-zero#5011: counted when they end, requests that hang are never counted.
    #[test]
    fn a_service_that_answers_nothing_is_left_alone() {
        let (mut throttle, now) = (Throttle::new(2_000, 5).unwrap(), UnixTime::from_secs(1_000));
        let started = (0..1_000).filter(|_| throttle.start(now)).count();
        assert!(started < 30, "{started}");
    }

    #[test]
    fn a_service_that_takes_half_is_not_throttled_and_one_that_takes_a_tenth_is() {
        let run = |one_in: u32| {
            let (mut throttle, now) = (Throttle::new(2_000, 5).unwrap(), UnixTime::from_secs(1_000));
            let mut started = 0;
            for call in 0..10_000 {
                if throttle.start(now) {
                    started += 1;
                    if call % one_in == 0 {
                        throttle.accepted(now);
                    }
                }
            }
            started
        };
        assert!(run(2) > 9_500, "{}", run(2));
        assert!(run(10) < 5_000, "{}", run(10));
    }
}
