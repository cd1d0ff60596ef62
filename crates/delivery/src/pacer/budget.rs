//! Retries get a share of the traffic, no more: otherwise a service that fails gets three times the load.

use std::time::Duration;

use reveille_core::UnixTime;
use reveille_core::settings::{InvalidSettings, number, per_mille};

use super::window::Window;

const REQUESTS: usize = 0;
const RETRIES: usize = 1;

/// A share of the traffic for retries; the SRE book's rule is a tenth.
///
/// ```
/// use reveille_delivery::pacer::RetryBudget;
/// use reveille_core::UnixTime;
/// let (mut budget, now) = (RetryBudget::new(100, 2)?, UnixTime::from_secs(1_000));
/// (0..50).for_each(|_| budget.request(now));
/// let granted = (0..20).filter(|_| budget.retry(now)).count();
/// assert_eq!(granted, 7); // a tenth of 50, and 2
/// # Ok::<(), reveille_delivery::InvalidSettings>(())
/// ```
#[derive(Clone, Debug)]
pub struct RetryBudget {
    per_mille: u32,
    reserve: u32,
    window: Window<2>,
}

impl RetryBudget {
    /// `per_mille` thousandths of the requests of the last 60 s, and `reserve` in any case, so that little traffic can be
    /// retried at all.
    ///
    /// # Errors
    /// [`InvalidSettings`] if the share is over 1,000, or both are 0, so that no retry would ever leave.
    pub fn new(per_mille: u32, reserve: u32) -> Result<Self, InvalidSettings> {
        Self::check(per_mille, reserve)?;
        Ok(Self::checked(per_mille, reserve))
    }

    pub(super) fn check(share: u32, reserve: u32) -> Result<(), InvalidSettings> {
        per_mille("retries", share, 0..=1_000)?;
        number("retries in any case", reserve.into(), u64::from(share == 0)..=u32::MAX.into())?;
        Ok(())
    }

    pub(super) fn checked(per_mille: u32, reserve: u32) -> Self {
        Self { per_mille, reserve, window: Window::new(Duration::from_secs(60)) }
    }

    /// A first attempt is made.
    #[inline]
    pub fn request(&mut self, now: UnixTime) {
        self.window.add(REQUESTS, now);
    }

    /// Asks for a retry, and takes it.
    #[inline]
    pub fn retry(&mut self, now: UnixTime) -> bool {
        let granted = self.allows(now);
        if granted {
            self.window.add(RETRIES, now);
        }
        granted
    }

    /// Whether a retry would be granted.
    pub fn allows(&mut self, now: UnixTime) -> bool {
        let [requests, retries] = self.window.sums(now);
        retries < requests * u64::from(self.per_mille) / 1_000 + u64::from(self.reserve)
    }
}
