//! Time to live.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use thiserror::Error;

/// How many seconds the push service may keep a message for a browser that is not connected (RFC 8030 §5.2).
///
/// Services shorten it (Mozilla keeps messages for at most 30 days) and say so in their answer, see
/// [`Receipt::ttl`](reveille_core::Receipt).
///
/// ```
/// use reveille_webpush::Ttl;
/// use std::time::Duration;
///
/// let minute = Ttl::from_secs(60)?;
/// assert_eq!(Ttl::try_from(Duration::from_secs(60))?, minute);
/// assert_eq!(minute.to_string(), "60");
/// assert!(Ttl::from_secs(1 << 31).is_err());
/// # Ok::<(), reveille_webpush::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ttl(u32);

/// A TTL that does not fit 31 bits (RFC 8030 §5.2), which is 68 years; the error of [`Ttl::from_secs`] and of its
/// other conversions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("TTL of {seconds} seconds is longer than the limit of {}", Ttl::MAX.as_secs())]
pub struct InvalidTtl {
    seconds: u64,
}

impl Ttl {
    /// Deliver at once or not at all. The message is lost if the browser is not connected at this moment.
    pub const ZERO: Self = Self(0);
    /// The longest that every service must be able to read: 2³¹ − 1 seconds.
    pub const MAX: Self = Self(0x7fff_ffff);

    /// Makes a TTL of whole seconds, up to 2³¹ − 1.
    ///
    /// # Errors
    /// [`InvalidTtl`] above [`Ttl::MAX`].
    pub const fn from_secs(seconds: u64) -> Result<Self, InvalidTtl> {
        if seconds <= Self::MAX.0 as u64 { Ok(Self(seconds as u32)) } else { Err(InvalidTtl { seconds }) }
    }

    /// Returns the TTL in whole seconds.
    #[must_use]
    pub const fn as_secs(self) -> u32 {
        self.0
    }
}

/// Fractions of a second are rounded up, so that a message is not lost to rounding.
impl TryFrom<Duration> for Ttl {
    type Error = InvalidTtl;
    fn try_from(span: Duration) -> Result<Self, InvalidTtl> {
        Self::from_secs(span.as_secs().saturating_add(u64::from(span.subsec_nanos() > 0)))
    }
}

/// Whole seconds, as in the header.
impl fmt::Display for Ttl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A number of seconds.
impl Serialize for Ttl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(self.0)
    }
}

impl<'de> Deserialize<'de> for Ttl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_secs(u64::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl fmt::Debug for Ttl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ttl({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits() {
        assert_eq!(Ttl::from_secs(0x7fff_ffff), Ok(Ttl::MAX));
        insta::assert_snapshot!(Ttl::from_secs(0x8000_0000).unwrap_err(), @"TTL of 2147483648 seconds is longer than the limit of 2147483647");
        assert_eq!(Ttl::try_from(Duration::from_millis(1)), Ttl::from_secs(1));
        assert!(Ttl::try_from(Duration::MAX).is_err());
    }
}
