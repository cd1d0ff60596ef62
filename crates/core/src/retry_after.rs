//! `Retry-After` (RFC 9110 §10.2.3).

use std::time::{Duration, UNIX_EPOCH};

use thiserror::Error;

use crate::UnixTime;

/// The value of a `Retry-After` header in either of its two forms (RFC 9110 §10.2.3). `classify` of each service
/// reads it for you; use this type for answers of other servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "users match all of it: there is nothing else")]
pub enum RetryAfter {
    /// `delay-seconds`: wait this long from the moment the answer arrived.
    Delay(Duration),
    /// `HTTP-date`: wait until then.
    At(UnixTime),
}

/// A `Retry-After` value that is neither a number of seconds nor an HTTP-date; the error of [`RetryAfter::parse`].
/// Treat such a header as absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("Retry-After is neither a number of seconds nor an HTTP-date (RFC 9110 §10.2.3)")]
#[allow(clippy::exhaustive_structs, reason = "it says all there is to say")]
pub struct InvalidRetryAfter;

impl RetryAfter {
    /// Reads the header's value. Surrounding white space is ignored; a number too large for 64 bits saturates.
    ///
    /// # Errors
    /// [`InvalidRetryAfter`] for anything but `1*DIGIT` or one of the three HTTP-date formats of RFC 9110 §5.6.7.
    pub fn parse(value: &str) -> Result<Self, InvalidRetryAfter> {
        let value = value.trim_matches([' ', '\t']);
        if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
            let secs = value.parse().unwrap_or(u64::MAX);
            return Ok(Self::Delay(Duration::from_secs(secs)));
        }
        let date = httpdate::parse_http_date(value).map_err(|_| InvalidRetryAfter)?;
        let since_epoch = date.duration_since(UNIX_EPOCH).map_err(|_| InvalidRetryAfter)?;
        Ok(Self::At(UnixTime::EPOCH + since_epoch))
    }

    /// Reads the header's value as it came, `None` where there is none or where it says nothing that can be read: an
    /// answer is written by somebody else, and a wrong header is as good as none.
    ///
    /// ```
    /// use reveille_core::RetryAfter;
    /// use std::time::Duration;
    /// assert_eq!(RetryAfter::from_header(Some(b"120")), Some(RetryAfter::Delay(Duration::from_secs(120))));
    /// assert_eq!(RetryAfter::from_header(Some(b"soon")), None);
    /// assert_eq!(RetryAfter::from_header(None), None);
    /// ```
    #[must_use]
    pub fn from_header(value: Option<&[u8]>) -> Option<Self> {
        Self::parse(str::from_utf8(value?).ok()?).ok()
    }

    /// The earliest time at which to try again, at least `floor` and at most `ceiling` from now: a service's word is kept,
    /// a slip of a service's clock is not.
    ///
    /// ```
    /// use reveille_core::{RetryAfter, UnixTime};
    /// use std::time::Duration;
    /// let (now, floor, ceiling) = (UnixTime::from_secs(1_000), Duration::from_secs(1), Duration::from_secs(3_600));
    /// let clamped = |secs| RetryAfter::Delay(Duration::from_secs(secs)).resolve_within(floor, ceiling, now);
    /// assert_eq!(clamped(0), now + floor);
    /// assert_eq!(clamped(60), now + Duration::from_secs(60));
    /// assert_eq!(clamped(1_000_000), now + ceiling);
    /// ```
    #[must_use]
    pub fn resolve_within(self, floor: Duration, ceiling: Duration, now: UnixTime) -> UnixTime {
        self.resolve(now).min(now + ceiling).max(now + floor)
    }

    /// The earliest time at which to try again. A date in the past gives `now`.
    #[must_use]
    pub fn resolve(self, now: UnixTime) -> UnixTime {
        match self {
            Self::Delay(delay) => now + delay,
            Self::At(at) => at.max(now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn all_three_date_formats_name_the_same_second() {
        let expected = RetryAfter::At(UnixTime::from_secs(784_111_777));
        for text in
            ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]
        {
            assert_eq!(RetryAfter::parse(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a_date_in_the_past_means_now() {
        let now = UnixTime::from_secs(2_000_000_000);
        assert_eq!(RetryAfter::parse("Sun, 06 Nov 1994 08:49:37 GMT").unwrap().resolve(now), now);
    }

    #[test]
    fn huge_delays_saturate() {
        let wait = RetryAfter::parse("99999999999999999999999999").unwrap();
        assert_eq!(wait.resolve(UnixTime::from_secs(1)), UnixTime::MAX);
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", " ", "-1", "+1", "1.5", "soon", "12 s", "Sun, 06 Nov 1994", "٣"] {
            assert_eq!(RetryAfter::parse(text), Err(InvalidRetryAfter), "{text:?}");
        }
        insta::assert_snapshot!(InvalidRetryAfter, @"Retry-After is neither a number of seconds nor an HTTP-date (RFC 9110 §10.2.3)");
    }

    proptest! {
        #[test]
        fn parse_is_total(text in ".{0,60}", now: u64) {
            if let Ok(wait) = RetryAfter::parse(&text) {
                prop_assert!(wait.resolve(UnixTime::from_millis(now)).as_millis() >= now);
            }
        }
    }
}
