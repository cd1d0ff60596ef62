//! Periods and limits.

use std::time::Duration;

use crate::suspicion::SuspicionPolicy;

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
    #[must_use]
    pub const fn with_validate_every(mut self, span: Duration) -> Self {
        self.validate_every = span;
        self
    }

    /// Sets the age of a token from which the app is asked to register again.
    #[must_use]
    pub const fn with_prompt_after(mut self, span: Duration) -> Self {
        self.prompt_after = span;
        self
    }

    /// Sets how long a device may be without contact, and how long a retired one is kept at least.
    #[must_use]
    pub const fn with_purge_after(mut self, span: Duration, keep_retired: Duration) -> Self {
        (self.purge_after, self.keep_retired) = (span, keep_retired);
        self
    }

    /// Sets how long a device stays in quarantine.
    #[must_use]
    pub const fn with_quarantine(mut self, span: Duration) -> Self {
        self.quarantine = span;
        self
    }

    /// Sets how long a target may be unknown.
    #[must_use]
    pub const fn with_suspicion(mut self, suspicion: SuspicionPolicy) -> Self {
        self.suspicion = suspicion;
        self
    }

    /// Sets how many devices an owner may have.
    #[must_use]
    pub const fn with_devices(mut self, devices: usize) -> Self {
        self.devices = devices;
        self
    }
}
