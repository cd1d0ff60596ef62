//! When tokens are renewed, and how failures are spread.

use std::time::Duration;

use thiserror::Error;

/// A setting that is out of its range; the error of the setters of [`TokenSettings`]. It says which range is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{setting} must be {allowed}")]
#[non_exhaustive]
pub struct InvalidSettings {
    /// Which setting was refused.
    pub setting: &'static str,
    /// What is allowed.
    pub allowed: &'static str,
}

/// When a [`TokenSource`](super::TokenSource) renews its token, and how it backs off. The defaults suit Google's servers.
///
/// ```
/// use reveille_fcm::TokenSettings;
/// use std::time::Duration;
/// let settings = TokenSettings::default().with_early(Duration::from_secs(600))?;
/// assert_eq!(settings.early(), Duration::from_secs(600));
/// assert!(TokenSettings::default().with_early(Duration::from_secs(3_600)).is_err());
/// # Ok::<(), reveille_fcm::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenSettings {
    early: Duration,
    spread: Duration,
    fetch_timeout: Duration,
    backoff: Duration,
    max_backoff: Duration,
    max_backoff_operator: Duration,
}

impl Default for TokenSettings {
    fn default() -> Self {
        Self {
            early: Duration::from_secs(225),
            spread: Duration::from_secs(60),
            fetch_timeout: Duration::from_secs(30),
            backoff: Duration::from_secs(1),
            max_backoff: Duration::from_secs(64),
            max_backoff_operator: Duration::from_secs(300),
        }
    }
}

macro_rules! settings {
    ($( $(#[$meta:meta])* $field:ident, $setter:ident, $least:literal ..= $most:literal ms, $allowed:literal; )*) => { $(
        $(#[$meta])*
        ///
        /// # Errors
        #[doc = concat!("[`InvalidSettings`] outside of ", $allowed, ".")]
        pub fn $setter(mut self, span: Duration) -> Result<Self, InvalidSettings> {
            if !($least..=$most).contains(&span.as_millis()) {
                return Err(InvalidSettings { setting: stringify!($field), allowed: $allowed });
            }
            self.$field = span;
            Ok(self)
        }

        #[doc = concat!("Returns the span that [`", stringify!($setter), "`](Self::", stringify!($setter), ") sets.")]
        #[must_use]
        pub const fn $field(&self) -> Duration {
            self.$field
        }
    )* };
}

impl TokenSettings {
    settings! {
        /// How long before its end a token is renewed. 225 s by default, as in Google's own library: the metadata server
        /// gives out the old token until about five minutes before its end, so asking much earlier is useless. Never
        /// more than half of a token's life.
        early, with_early, 0..=1_800_000 ms, "0 to 30 minutes";
        /// Renewals of many processes are spread over this; it makes the renewal later, by half of `early` at most.
        spread, with_spread, 0..=1_800_000 ms, "0 to 30 minutes";
        /// A fetch of which nothing is heard for this long has failed.
        fetch_timeout, with_fetch_timeout, 1_000..=600_000 ms, "1 s to 10 minutes";
        /// The first back-off; it doubles, and half of it is jitter.
        backoff, with_backoff, 100..=60_000 ms, "100 ms to 1 minute";
        /// The longest back-off while the server fails.
        max_backoff, with_max_backoff, 1_000..=3_600_000 ms, "1 s to 1 hour";
        /// The longest back-off while only a person can help.
        max_backoff_operator, with_max_backoff_operator, 1_000..=3_600_000 ms, "1 s to 1 hour";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_out_of_range_is_refused_at_once() {
        let settings = TokenSettings::default();
        let span = Duration::from_millis;
        insta::assert_snapshot!(settings.with_fetch_timeout(span(999)).unwrap_err(), @"fetch_timeout must be 1 s to 10 minutes");
        assert_eq!(settings.with_fetch_timeout(span(1_000)).unwrap().fetch_timeout(), span(1_000));
        for refused in [
            settings.with_early(span(1_800_001)),
            settings.with_spread(span(1_800_001)),
            settings.with_backoff(Duration::ZERO),
            settings.with_max_backoff(span(3_600_001)),
            settings.with_max_backoff_operator(Duration::MAX),
        ] {
            assert!(refused.is_err(), "{refused:?}");
        }
    }
}
