//! Durations and points in time, as proto3's JSON mapping writes them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use reveille_core::UnixTime;
use reveille_payload::{WriteJson, write_integer};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use crate::schema::{json_as_display, serde_as_display};

/// Why a span or a point in time is refused; the error of [`Ttl`], [`ProtoDuration`] and [`Timestamp`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidTime {
    /// A time to live above 4 weeks.
    #[error("ttl is out of range; allowed: 0 to 2419200 s (4 weeks)")]
    Ttl,
    /// Not a `google.protobuf.Duration`, or a negative one.
    #[error("duration is not seconds with at most nine decimals and an `s`, like \"3.5s\"")]
    Duration,
    /// Not a `google.protobuf.Timestamp` from 1970 on.
    #[error("timestamp is not RFC 3339 from 1970 on, like \"2014-10-02T15:01:23.045Z\"")]
    Timestamp,
}

/// How long FCM keeps a message for a device that is offline: whole seconds, 0 to 4 weeks, for
/// [`AndroidConfig::with_ttl`](crate::AndroidConfig::with_ttl).
///
/// 0 means now or never. FCM rounds down to the second, so this type does.
///
/// ```
/// use reveille_fcm::Ttl;
/// use std::time::Duration;
/// assert_eq!(Ttl::new(Duration::from_secs(3600))?.as_secs(), 3600);
/// assert!(Ttl::new(Duration::from_secs(28 * 86_400 + 1)).is_err());
/// # Ok::<(), reveille_fcm::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ttl {
    secs: u32,
}

impl Ttl {
    /// The longest: 4 weeks.
    pub const MAX: Self = Self { secs: 2_419_200 };
    /// Deliver at once or not at all.
    pub const ZERO: Self = Self { secs: 0 };

    /// Checks the span: whole seconds, 0 to 4 weeks.
    ///
    /// # Errors
    /// [`InvalidTime::Ttl`] above 4 weeks.
    pub fn new(span: Duration) -> Result<Self, InvalidTime> {
        match u32::try_from(span.as_secs()) {
            Ok(secs) if secs <= Self::MAX.secs => Ok(Self { secs }),
            _ => Err(InvalidTime::Ttl),
        }
    }

    /// Returns the span in whole seconds.
    #[must_use]
    pub const fn as_secs(self) -> u32 {
        self.secs
    }
}

/// As FCM writes it: `3600s`.
impl fmt::Display for Ttl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}s", self.secs)
    }
}

/// From `3600s`; decimals are cut, as FCM does.
impl FromStr for Ttl {
    type Err = InvalidTime;

    fn from_str(text: &str) -> Result<Self, InvalidTime> {
        Self::new(text.parse::<ProtoDuration>()?.as_duration())
    }
}

impl Serialize for Ttl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl WriteJson for Ttl {
    fn write_json(&self, out: &mut Vec<u8>) {
        out.push(b'"');
        write_integer(out, self.secs.into());
        out.extend_from_slice(b"s\"");
    }
}

impl<'de> Deserialize<'de> for Ttl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let span = ProtoDuration::deserialize(deserializer)?;
        Self::new(span.as_duration()).map_err(serde::de::Error::custom)
    }
}

/// A `google.protobuf.Duration` that is not negative: up to 10,000 years, in nanoseconds. It is made from a
/// [`Duration`] and written as seconds with an `s`.
///
/// ```
/// use reveille_fcm::message::ProtoDuration;
/// use std::time::Duration;
/// assert_eq!("3.5s".parse::<ProtoDuration>()?, Duration::from_millis(3_500).into());
/// # Ok::<(), reveille_fcm::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProtoDuration(Duration);

/// `google/protobuf/duration.proto`: "Must be from … to +315,576,000,000 inclusive".
const MAX_SECS: u64 = 315_576_000_000;

impl ProtoDuration {
    /// Returns the span as a plain [`Duration`].
    #[must_use]
    pub const fn as_duration(self) -> Duration {
        self.0
    }
}

/// From text like `3s` or `3.000000001s`.
impl FromStr for ProtoDuration {
    type Err = InvalidTime;

    fn from_str(text: &str) -> Result<Self, InvalidTime> {
        parse_duration(text).ok_or(InvalidTime::Duration)
    }
}

fn parse_duration(text: &str) -> Option<ProtoDuration> {
    let number = text.strip_suffix('s')?;
    let (secs, fraction) = number.split_once('.').map_or((number, None), |(s, f)| (s, Some(f)));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(secs) || !fraction.is_none_or(|f| digits(f) && f.len() <= 9) {
        return None;
    }
    let secs = secs.parse().ok().filter(|secs| *secs <= MAX_SECS)?;
    let nanos = format!("{:0<9}", fraction.unwrap_or_default()).parse().ok()?;
    Some(ProtoDuration(Duration::new(secs, nanos)))
}

/// Saturates at 10,000 years.
impl From<Duration> for ProtoDuration {
    fn from(span: Duration) -> Self {
        Self(span.min(Duration::from_secs(MAX_SECS)))
    }
}

/// As short as it can be: `3s`, `3.5s`.
impl fmt::Display for ProtoDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (secs, nanos) = (self.0.as_secs(), self.0.subsec_nanos());
        let fraction = if nanos == 0 { String::new() } else { format!(".{nanos:09}") };
        write!(f, "{secs}{}s", fraction.trim_end_matches('0'))
    }
}

/// A `google.protobuf.Timestamp` in milliseconds, from 1970 to 9999: when the event of a notification happened. It is
/// made from a [`UnixTime`] and written as RFC 3339.
///
/// ```
/// use reveille_fcm::message::Timestamp;
/// use reveille_core::UnixTime;
/// let time = Timestamp::from(UnixTime::from_millis(1_412_175_661_500));
/// assert_eq!(time.to_string(), "2014-10-01T15:01:01.500Z");
/// assert_eq!("2014-10-01T17:01:01.5+02:00".parse::<Timestamp>()?, time);
/// # Ok::<(), reveille_fcm::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(UnixTime);

/// 9999-12-31T23:59:59.999Z.
const MAX_MILLIS: u64 = 253_402_300_799_999;
const DAY_SECS: u64 = 86_400;

impl Timestamp {
    /// As the time of all other interfaces.
    #[must_use]
    pub const fn as_unix(self) -> UnixTime {
        self.0
    }
}

/// From RFC 3339 text; digits below the millisecond are cut.
impl FromStr for Timestamp {
    type Err = InvalidTime;

    fn from_str(text: &str) -> Result<Self, InvalidTime> {
        parse_timestamp(text).ok_or(InvalidTime::Timestamp)
    }
}

/// Saturates at the end of the year 9999.
impl From<UnixTime> for Timestamp {
    fn from(time: UnixTime) -> Self {
        Self(time.min(UnixTime::from_millis(MAX_MILLIS)))
    }
}

impl Timestamp {
    /// RFC 3339, and how long it is: nearly every message has one.
    fn text(self) -> ([u8; 24], usize) {
        let (secs, millis) = (self.0.as_secs(), self.0.as_millis() % 1_000);
        let (year, month, day) = civil(secs / DAY_SECS);
        let (hour, minute, second) = (secs / 3_600 % 24, secs / 60 % 60, secs % 60);
        let mut text = *b"0000-00-00T00:00:00.000Z";
        let parts = [(3, year), (6, month), (9, day), (12, hour), (15, minute), (18, second), (22, millis)];
        for (last, number) in parts {
            let mut rest = number;
            for place in text.iter_mut().take(last + 1).rev().take_while(|place| place.is_ascii_digit()) {
                // The remainder of a division by ten fits a byte.
                *place = b'0' + (rest % 10) as u8;
                rest /= 10;
            }
        }
        if millis > 0 {
            return (text, 24);
        }
        let [.., end, _, _, _, _] = &mut text;
        *end = b'Z';
        (text, 20)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (text, length) = self.text();
        f.write_str(text.get(..length).and_then(|text| str::from_utf8(text).ok()).unwrap_or_default())
    }
}

impl WriteJson for Timestamp {
    fn write_json(&self, out: &mut Vec<u8>) {
        let (text, length) = self.text();
        out.push(b'"');
        out.extend_from_slice(text.get(..length).unwrap_or_default());
        out.push(b'"');
    }
}

serde_as_display!(ProtoDuration, Timestamp);
json_as_display!(ProtoDuration);

/// Year, month and day of a number of days since 1970-01-01 (Hinnant, "chrono-compatible low-level date algorithms").
const fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + if month <= 2 { 1 } else { 0 }, month, day)
}

/// The inverse of [`civil`], for years from 1 on.
const fn days_since_1970(year: u64, month: u64, day: u64) -> Option<u64> {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year / 400, year % 400);
    let shifted = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * shifted + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    (era * 146_097 + day_of_era).checked_sub(719_468)
}

fn parse_timestamp(text: &str) -> Option<Timestamp> {
    let mut parts = Digits { rest: text.as_bytes() };
    let year = parts.number(4, None)?;
    let month = parts.number(2, Some(b'-'))?;
    let day = parts.number(2, Some(b'-'))?;
    parts.one_of(b"Tt ")?;
    let hour = parts.number(2, None)?;
    let minute = parts.number(2, Some(b':'))?;
    let second = parts.number(2, Some(b':'))?;
    if year == 0 || day == 0 || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let days = days_since_1970(year, month, day)?;
    // The 31st of a short month comes out as another day, and so does a 13th month.
    if civil(days) != (year, month, day) {
        return None;
    }
    let millis = parts.fraction()?;
    let offset = parts.offset_secs()?;
    let secs = i64::try_from(days * DAY_SECS + hour * 3_600 + minute * 60 + second).ok()? - offset;
    let total = u64::try_from(secs).ok()? * 1_000 + millis;
    (parts.rest.is_empty() && total <= MAX_MILLIS).then_some(Timestamp(UnixTime::from_millis(total)))
}

struct Digits<'a> {
    rest: &'a [u8],
}

impl Digits<'_> {
    fn one_of(&mut self, allowed: &[u8]) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        allowed.contains(first).then_some(*first)
    }

    fn number(&mut self, digits: usize, before: Option<u8>) -> Option<u64> {
        if let Some(before) = before {
            self.one_of(&[before])?;
        }
        let mut value = 0;
        for _ in 0..digits {
            value = value * 10 + u64::from(self.one_of(b"0123456789")? - b'0');
        }
        Some(value)
    }

    /// Milliseconds of `.` and one to nine digits, if there are any.
    fn fraction(&mut self) -> Option<u64> {
        if self.rest.first() != Some(&b'.') {
            return Some(0);
        }
        self.one_of(b".")?;
        let (mut millis, mut scale, mut digits) = (0, 100, 0);
        while self.rest.first().is_some_and(u8::is_ascii_digit) {
            millis += self.number(1, None)? * scale;
            scale /= 10;
            digits += 1;
        }
        (1..=9).contains(&digits).then_some(millis)
    }

    fn offset_secs(&mut self) -> Option<i64> {
        let sign = match self.one_of(b"Zz+-")? {
            b'+' => 1,
            b'-' => -1,
            _ => return Some(0),
        };
        let (hours, minutes) = (self.number(2, None)?, self.number(2, Some(b':'))?);
        let secs = i64::try_from(hours * 3_600 + minutes * 60).ok()?;
        (hours < 24 && minutes < 60).then_some(sign * secs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn json(value: &impl WriteJson) -> String {
        let mut out = Vec::new();
        value.write_json(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn durations_are_short_and_exact() {
        for (span, text) in [
            (Duration::ZERO, "0s"),
            (Duration::from_secs(3), "3s"),
            (Duration::from_millis(3_500), "3.5s"),
            (Duration::new(3, 1), "3.000000001s"),
            (Duration::from_secs(10), "10s"),
        ] {
            assert_eq!(json(&ProtoDuration::from(span)), format!("\"{text}\""));
            assert_eq!(text.parse::<ProtoDuration>().unwrap().as_duration(), span);
        }
        assert_eq!(
            "3.500000000s".parse::<ProtoDuration>().unwrap().as_duration(),
            Duration::from_millis(3_500)
        );
        for text in
            ["", "s", "3", "-1s", "+1s", "1.s", ".5s", "1.0000000001s", "1e3s", "315576000001s", "1 s"]
        {
            assert!(text.parse::<ProtoDuration>().is_err(), "{text}");
        }
        assert_eq!(json(&ProtoDuration::from(Duration::MAX)), "\"315576000000s\"");
    }

    #[test]
    fn a_time_to_live_is_whole_seconds_up_to_four_weeks() {
        let read = |text: &str| serde_json::from_str::<Ttl>(text);
        assert_eq!(read("\"3600.9s\"").unwrap().as_secs(), 3_600);
        assert_eq!(json(&Ttl::MAX), "\"2419200s\"");
        assert!(read("\"2419201s\"").is_err());
        assert!(read("3600").is_err());
    }

    #[test]
    fn timestamps_that_do_not_exist_are_refused() {
        for text in [
            "2023-02-29T00:00:00Z",
            "2023-13-01T00:00:00Z",
            "2023-00-01T00:00:00Z",
            "2023-01-01T24:00:00Z",
            "1969-12-31T23:59:59Z",
            "2023-01-01T00:00:00",
            "2023-01-01T00:00:00.Z",
            "2023-01-01T00:00:00Zx",
            "2023-01-01T00:00:00+24:00",
            "0000-01-01T00:00:00Z",
            "10000-01-01T00:00:00Z",
            "",
        ] {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
        assert_eq!("2024-02-29T00:00:00Z".parse::<Timestamp>().unwrap().to_string(), "2024-02-29T00:00:00Z");
        assert_eq!(Timestamp::from(UnixTime::MAX).to_string(), "9999-12-31T23:59:59.999Z");
    }

    proptest! {
        #[test]
        fn timestamps_round_trip(millis in 0..=MAX_MILLIS) {
            let time = Timestamp::from(UnixTime::from_millis(millis));
            prop_assert_eq!(time.to_string().parse::<Timestamp>(), Ok(time));
        }

        #[test]
        fn reading_is_total(text in "[0-9TZ:.+s-]{0,32}") {
            let _ = (text.parse::<Timestamp>(), text.parse::<ProtoDuration>());
        }
    }
}
