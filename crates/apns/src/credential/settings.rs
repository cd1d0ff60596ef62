//! When tokens are renewed.

use std::time::Duration;

use thiserror::Error;

const MINUTE: Duration = Duration::from_secs(60);

/// When provider tokens are renewed, and how patient the source is with a signer that is elsewhere.
///
/// ```
/// use reveille_apns::TokenSettings;
/// use std::time::Duration;
/// let settings = TokenSettings::default().with_renew_after(Duration::from_secs(45 * 60))?;
/// assert_eq!(settings.renew_after(), Duration::from_secs(45 * 60));
/// assert!(TokenSettings::default().with_renew_after(Duration::from_secs(60)).is_err());
/// # Ok::<(), reveille_apns::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenSettings {
    renew_after: Duration,
    signer_timeout: Duration,
    signer_pause: Duration,
}

/// A setting out of its range; the error of the setters of [`TokenSettings`]. It says which range is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{what} must be from {} to {} seconds, got {}", .least.as_secs(), .most.as_secs(), .given.as_secs())]
#[non_exhaustive]
pub struct InvalidSettings {
    /// Which setting was refused.
    pub what: &'static str,
    /// The least that is allowed.
    pub least: Duration,
    /// The most that is allowed.
    pub most: Duration,
    /// What was given.
    pub given: Duration,
}

/// 50 minutes, so that ten are left for a signer that is out of reach; such a signer is lost after 60 seconds, and asked
/// again 10 seconds after a failure.
impl Default for TokenSettings {
    fn default() -> Self {
        Self { renew_after: 50 * MINUTE, signer_timeout: MINUTE, signer_pause: Duration::from_secs(10) }
    }
}

impl TokenSettings {
    /// Renews tokens at this age.
    ///
    /// # Errors
    /// [`InvalidSettings`] unless it is from 20 to 59 minutes: "no more than once every 20 minutes and no less than once
    /// every 60" (Apple).
    pub fn with_renew_after(self, age: Duration) -> Result<Self, InvalidSettings> {
        check("renew_after", 20 * MINUTE, 59 * MINUTE, age)?;
        Ok(Self { renew_after: age, ..self })
    }

    /// After this time without an answer, a signer that is elsewhere counts as lost and another request is made; an answer
    /// that comes later is refused. Set it above the longest time that the signer may take.
    ///
    /// # Errors
    /// [`InvalidSettings`] unless it is from 1 second to 10 minutes.
    pub fn with_signer_timeout(self, timeout: Duration) -> Result<Self, InvalidSettings> {
        check("signer_timeout", Duration::from_secs(1), 10 * MINUTE, timeout)?;
        Ok(Self { signer_timeout: timeout, ..self })
    }

    /// How long to wait after a signer has failed.
    ///
    /// # Errors
    /// [`InvalidSettings`] unless it is from 1 second to 10 minutes.
    pub fn with_signer_pause(self, pause: Duration) -> Result<Self, InvalidSettings> {
        check("signer_pause", Duration::from_secs(1), 10 * MINUTE, pause)?;
        Ok(Self { signer_pause: pause, ..self })
    }

    /// The age at which tokens are renewed.
    #[must_use]
    pub const fn renew_after(&self) -> Duration {
        self.renew_after
    }

    /// The time after which a signer counts as lost.
    #[must_use]
    pub const fn signer_timeout(&self) -> Duration {
        self.signer_timeout
    }

    /// The wait after a signer has failed.
    #[must_use]
    pub const fn signer_pause(&self) -> Duration {
        self.signer_pause
    }
}

fn check(
    what: &'static str,
    least: Duration,
    most: Duration,
    given: Duration,
) -> Result<(), InvalidSettings> {
    if given < least || given > most { Err(InvalidSettings { what, least, most, given }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        let settings = TokenSettings::default();
        for (minutes, legal) in [(0, false), (19, false), (20, true), (59, true), (60, false)] {
            assert_eq!(settings.with_renew_after(minutes * MINUTE).is_ok(), legal, "{minutes}");
        }
        for (seconds, legal) in [(0, false), (1, true), (600, true), (601, false)] {
            assert_eq!(settings.with_signer_timeout(Duration::from_secs(seconds)).is_ok(), legal);
            assert_eq!(settings.with_signer_pause(Duration::from_secs(seconds)).is_ok(), legal);
        }
        insta::assert_snapshot!(settings.with_renew_after(Duration::MAX).unwrap_err(), @"renew_after must be from 1200 to 3540 seconds, got 18446744073709551615");
    }
}
