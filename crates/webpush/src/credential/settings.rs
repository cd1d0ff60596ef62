//! How tokens are made and kept.

use std::time::Duration;

use thiserror::Error;

use super::Contact;

/// How tokens are made and kept. A value that is out of range is an error where it is set; nothing is changed later.
///
/// ```
/// use reveille_webpush::VapidSettings;
/// use std::time::Duration;
/// let settings = VapidSettings::new("mailto:ops@example.com".parse()?).with_lifetime(Duration::from_secs(6 * 3600))?;
/// assert_eq!(settings.renew_before(), Duration::from_secs(3600));
/// assert!(settings.with_lifetime(Duration::from_secs(25 * 3600)).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VapidSettings {
    contact: Contact,
    lifetime: Duration,
    renew_before: Duration,
    capacity: usize,
}

/// Why a setting is refused; the error of the setters of [`VapidSettings`]. The settings are not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidSettings {
    /// Less than [`VapidSettings::MIN_LIFETIME`], or more than [`VapidSettings::MAX_LIFETIME`].
    #[error("lifetime of {} s is not from 7200 s to 85800 s", given.as_secs())]
    Lifetime {
        /// The span that was given.
        given: Duration,
    },
    /// Less than a minute, or more than half of the lifetime.
    #[error("renew_before of {} s is not from 60 s to half of the lifetime, {} s", given.as_secs(), half.as_secs())]
    RenewBefore {
        /// The span that was given.
        given: Duration,
        /// Half of the lifetime.
        half: Duration,
    },
    /// Room for no push service at all.
    #[error("capacity must be at least 1")]
    Capacity,
}

impl VapidSettings {
    /// The longest life of a token, 23 hours 50 minutes. The limit is 24 hours from the time of the request **on the push
    /// service's clock** (RFC 8292 §2), so some room is left for a clock that is ahead.
    pub const MAX_LIFETIME: Duration = Duration::from_secs(24 * 3600 - 600);
    /// The shortest life of a token, 2 hours: a shorter one would need more than one token an hour, which Apple asks
    /// senders not to make.
    pub const MIN_LIFETIME: Duration = Duration::from_secs(2 * 3600);
    /// The shortest margin: a token is not used in its last minute.
    const MIN_RENEW_BEFORE: Duration = Duration::from_secs(60);

    /// Tokens for 12 hours, renewed an hour before their end, for 10,000 push services. `contact` is whom the push
    /// service's operator can reach (`sub`, RFC 8292 §2.1).
    #[must_use]
    pub const fn new(contact: Contact) -> Self {
        Self {
            contact,
            lifetime: Duration::from_secs(12 * 3600),
            renew_before: Duration::from_secs(3600),
            capacity: 10_000,
        }
    }

    /// Sets the life of a token.
    ///
    /// # Errors
    /// [`InvalidSettings`] if it is not from [`MIN_LIFETIME`](Self::MIN_LIFETIME) to [`MAX_LIFETIME`](Self::MAX_LIFETIME), or
    /// less than twice [`renew_before`](Self::renew_before).
    pub fn with_lifetime(self, lifetime: Duration) -> Result<Self, InvalidSettings> {
        if !(Self::MIN_LIFETIME..=Self::MAX_LIFETIME).contains(&lifetime) {
            return Err(InvalidSettings::Lifetime { given: lifetime });
        }
        let renew_before = self.renew_before;
        Self { lifetime, ..self }.with_renew_before(renew_before)
    }

    /// Sets the margin: a token with less than this left is renewed, and used until the new one is there.
    ///
    /// # Errors
    /// [`InvalidSettings::RenewBefore`] if it is less than a minute or more than half of the lifetime.
    pub fn with_renew_before(self, renew_before: Duration) -> Result<Self, InvalidSettings> {
        let half = self.lifetime / 2;
        if !(Self::MIN_RENEW_BEFORE..=half).contains(&renew_before) {
            return Err(InvalidSettings::RenewBefore { given: renew_before, half });
        }
        Ok(Self { renew_before, ..self })
    }

    /// Sets for how many push services tokens are kept. Endpoints come from users: without a bound anybody could fill the
    /// memory with made-up origins.
    ///
    /// # Errors
    /// [`InvalidSettings::Capacity`] for 0.
    pub fn with_capacity(self, capacity: usize) -> Result<Self, InvalidSettings> {
        if capacity == 0 { Err(InvalidSettings::Capacity) } else { Ok(Self { capacity, ..self }) }
    }

    /// Whom the push service's operator can reach.
    #[must_use]
    pub const fn contact(&self) -> &Contact {
        &self.contact
    }

    /// The life of a token.
    #[must_use]
    pub const fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// How long before its end a token is renewed.
    #[must_use]
    pub const fn renew_before(&self) -> Duration {
        self.renew_before
    }

    /// For how many push services tokens are kept.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.capacity
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn settings() -> VapidSettings {
        VapidSettings::new("mailto:ops@example.com".parse().unwrap())
    }

    #[test]
    fn what_is_out_of_range_is_refused_where_it_is_set() {
        let second = Duration::from_secs(1);
        insta::assert_snapshot!(settings().with_lifetime(HOUR * 2 - second).unwrap_err(), @"lifetime of 7199 s is not from 7200 s to 85800 s");
        insta::assert_snapshot!(settings().with_lifetime(VapidSettings::MAX_LIFETIME + second).unwrap_err(), @"lifetime of 85801 s is not from 7200 s to 85800 s");
        insta::assert_snapshot!(settings().with_renew_before(HOUR * 6 + second).unwrap_err(), @"renew_before of 21601 s is not from 60 s to half of the lifetime, 21600 s");
        insta::assert_snapshot!(settings().with_renew_before(Duration::ZERO).unwrap_err(), @"renew_before of 0 s is not from 60 s to half of the lifetime, 21600 s");
        let long_margin = settings().with_renew_before(HOUR * 6).unwrap();
        insta::assert_snapshot!(long_margin.with_lifetime(HOUR * 2).unwrap_err(), @"renew_before of 21600 s is not from 60 s to half of the lifetime, 3600 s");
        insta::assert_snapshot!(settings().with_capacity(0).unwrap_err(), @"capacity must be at least 1");
        assert!(settings().with_lifetime(VapidSettings::MIN_LIFETIME).is_ok());
        assert!(settings().with_lifetime(VapidSettings::MAX_LIFETIME).is_ok());
    }
}
