//! Periods and limits.

use std::time::Duration;

use reveille_core::settings::{InvalidSettings, number, span};

use crate::suspicion::SuspicionPolicy;

pub(crate) const SECOND: u64 = 1_000;
pub(crate) const DECADE: u64 = 10 * 366 * 86_400_000;
const MOST_DEVICES: u64 = 10_000;
const DAY: Duration = Duration::from_secs(86_400);

/// The periods and limits of a registry: when a token is checked, and when a silent device is given up. Begin with the
/// default, change single values with the `with_` methods, and give it to [`decide`](crate::decide::decide()).
///
/// | setting | default | |
/// |---|---|---|
/// | validate every | 30 days | a token that its service has not confirmed for so long is due |
/// | prompt after | 24 h | a token registered longer ago makes the app register again, at its next contact |
/// | purge after | 90 days | without contact a device is retired, and purged a day later |
/// | keep retired | 24 h | at least so long after its retirement a record stays |
/// | quarantine | 7 days | without contact, a quarantined device is retired then |
/// | suspicion | 3 answers over 24 h | [`SuspicionPolicy`] |
/// | devices of an owner | 20 | over it, the one seen least recently goes |
///
/// FCM calls a token stale after 270 days without contact, and Apple asks apps to register at every launch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegistryPolicy {
    pub(crate) validate_every: Duration,
    pub(crate) prompt_after: Duration,
    pub(crate) purge_after: Duration,
    pub(crate) keep_retired: Duration,
    pub(crate) quarantine: Duration,
    pub(crate) suspicion: SuspicionPolicy,
    pub(crate) devices: usize,
}

impl Default for RegistryPolicy {
    fn default() -> Self {
        Self {
            validate_every: 30 * DAY,
            prompt_after: DAY,
            purge_after: 90 * DAY,
            keep_retired: DAY,
            quarantine: 7 * DAY,
            suspicion: SuspicionPolicy::default(),
            devices: 20,
        }
    }
}

impl RegistryPolicy {
    /// Sets how long a validation holds.
    ///
    /// # Errors
    /// [`InvalidSettings`] unless it is from 1 second to 10 years.
    pub fn with_validate_every(mut self, period: Duration) -> Result<Self, InvalidSettings> {
        span("validate every", period, SECOND..=DECADE)?;
        self.validate_every = period;
        Ok(self)
    }

    /// Sets the age of a token from which the app is asked to register again.
    ///
    /// # Errors
    /// [`InvalidSettings`] unless it is from 1 second to 10 years.
    pub fn with_prompt_after(mut self, age: Duration) -> Result<Self, InvalidSettings> {
        span("prompt after", age, SECOND..=DECADE)?;
        self.prompt_after = age;
        Ok(self)
    }

    /// Sets how long a device may be without contact, and how long a retired one is kept at least.
    ///
    /// # Errors
    /// [`InvalidSettings`] unless each is from 1 second to 10 years.
    pub fn with_purge_after(
        mut self,
        silence: Duration,
        keep_retired: Duration,
    ) -> Result<Self, InvalidSettings> {
        span("purge after", silence, SECOND..=DECADE)?;
        span("keep retired", keep_retired, SECOND..=DECADE)?;
        (self.purge_after, self.keep_retired) = (silence, keep_retired);
        Ok(self)
    }

    /// Sets how long a device stays in quarantine.
    ///
    /// # Errors
    /// [`InvalidSettings`] unless it is from 1 second to 10 years.
    pub fn with_quarantine(mut self, period: Duration) -> Result<Self, InvalidSettings> {
        span("quarantine", period, SECOND..=DECADE)?;
        self.quarantine = period;
        Ok(self)
    }

    /// Sets how long a target may be unknown.
    #[must_use]
    pub const fn with_suspicion(mut self, suspicion: SuspicionPolicy) -> Self {
        self.suspicion = suspicion;
        self
    }

    /// Sets how many devices an owner may have.
    ///
    /// # Errors
    /// [`InvalidSettings`] unless it is from 1 to 10,000.
    pub fn with_devices(mut self, devices: usize) -> Result<Self, InvalidSettings> {
        number("devices", devices as u64, 1..=MOST_DEVICES)?;
        self.devices = devices;
        Ok(self)
    }
}
