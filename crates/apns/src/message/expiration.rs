//! `apns-expiration` and its three states.

use std::fmt;

use reveille_core::UnixTime;
use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Until when APNs keeps trying (`apns-expiration`). An absent header and `0` differ: that is why there are three states.
///
/// Serialised as `"once"` or as Unix **milliseconds**; `Unset` is left out. A time that must be Unix seconds which were
/// taken for milliseconds, is refused when a request is prepared
/// ([`InvalidRequest::Seconds`](crate::request::InvalidRequest::Seconds)).
///
/// ```
/// use reveille_apns::Expiration;
/// use reveille_core::UnixTime;
///
/// assert_eq!(Expiration::default(), Expiration::Unset); // no header
/// assert_eq!(Expiration::Once.as_secs(), Some(0)); // one attempt
/// assert_eq!(Expiration::At(UnixTime::from_millis(1_999)).as_secs(), Some(1)); // rounded down
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "the service has these forms and no others")]
pub enum Expiration {
    /// No header: APNs stores the notification by its own policy, at most 30 days, one per app and device.
    #[default]
    Unset,
    /// `0`: one attempt, nothing is stored.
    Once,
    /// Until then; the header has seconds, rounded down so that nothing arrives late. Never `0`, which would mean
    /// [`Once`](Self::Once): the first second of 1970 becomes `1`.
    At(UnixTime),
}

impl Expiration {
    /// Returns whether the header is left out.
    #[must_use]
    pub const fn is_unset(&self) -> bool {
        matches!(self, Self::Unset)
    }

    /// The header's value, Unix seconds.
    #[must_use]
    pub fn as_secs(self) -> Option<u64> {
        match self {
            Self::Unset => None,
            Self::Once => Some(0),
            Self::At(time) => Some(time.as_secs().max(1)),
        }
    }
}

/// Whether `time` must be Unix seconds that were taken for milliseconds: as seconds it lies between 1973 and 5138, as
/// milliseconds in the first three years of Unix time.
pub(crate) fn looks_like_seconds(time: UnixTime) -> bool {
    (100_000_000..100_000_000_000).contains(&time.as_millis())
}

impl Serialize for Expiration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Unset => serializer.serialize_none(),
            Self::Once => serializer.serialize_str("once"),
            Self::At(time) => time.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Expiration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ExpirationVisitor)
    }
}

struct ExpirationVisitor;

impl Visitor<'_> for ExpirationVisitor {
    type Value = Expiration;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"once\", Unix milliseconds, or null")
    }

    fn visit_unit<E: Error>(self) -> Result<Expiration, E> {
        Ok(Expiration::Unset)
    }

    fn visit_none<E: Error>(self) -> Result<Expiration, E> {
        Ok(Expiration::Unset)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Expiration, E> {
        match text {
            "once" => Ok(Expiration::Once),
            _ => Err(E::invalid_value(Unexpected::Other("another string"), &self)),
        }
    }

    fn visit_u64<E: Error>(self, millis: u64) -> Result<Expiration, E> {
        Ok(Expiration::At(UnixTime::from_millis(millis)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_zero_and_a_time_are_distinct() {
        assert_eq!(Expiration::Unset.as_secs(), None);
        assert_eq!(Expiration::Once.as_secs(), Some(0));
        assert_eq!(Expiration::At(UnixTime::from_millis(1_999)).as_secs(), Some(1));
        assert_eq!(Expiration::At(UnixTime::EPOCH).as_secs(), Some(1));
    }

    #[test]
    fn json_form() {
        for (json, expiration) in [
            ("null", Expiration::Unset),
            ("\"once\"", Expiration::Once),
            ("1700000000000", Expiration::At(UnixTime::from_secs(1_700_000_000))),
        ] {
            assert_eq!(serde_json::from_str::<Expiration>(json).unwrap(), expiration);
            assert_eq!(serde_json::to_string(&expiration).unwrap(), json);
        }
        insta::assert_snapshot!(serde_json::from_str::<Expiration>("\"never\"").unwrap_err(), @r#"invalid value: another string, expected "once", Unix milliseconds, or null at line 1 column 7"#);
        assert!(serde_json::from_str::<Expiration>("-1").is_err());
    }
}
