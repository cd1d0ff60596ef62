//! Times in documents: RFC 3339, or milliseconds since the epoch.

use std::fmt;

use reveille_core::UnixTime;
use serde::{Deserialize, Deserializer};

/// A time in either form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct When(pub(super) UnixTime);

impl<'de> Deserialize<'de> for When {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = When;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time, as RFC 3339 or in milliseconds since 1970")
            }
            fn visit_u64<E: serde::de::Error>(self, millis: u64) -> Result<When, E> {
                Ok(When(UnixTime::from_millis(millis)))
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<When, E> {
                let invalid = || E::invalid_value(serde::de::Unexpected::Str(""), &self);
                rfc3339(text).map(When).ok_or_else(invalid)
            }
        }
        from.deserialize_any(Visitor)
    }
}

/// RFC 3339 §5.6, `date-time`, from 1970 on. Fractions beyond milliseconds are cut; a leap second is the next second.
pub(super) fn rfc3339(text: &str) -> Option<UnixTime> {
    let (date, rest) = text.split_at_checked(10)?;
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let (time, rest) = rest.split_at_checked(8)?;
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let [hour, minute, second] = numbers(time, ':', [2, 2, 2])?;
    let (millis, zone) = match rest.strip_prefix('.') {
        None => (0, rest),
        Some(rest) => {
            let end = rest.find(|c: char| !c.is_ascii_digit())?;
            let (digits, zone) = rest.split_at_checked(end)?;
            let first = digits.bytes().chain(*b"00").take(3);
            if digits.is_empty() {
                return None;
            }
            (first.fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0')), zone)
        }
    };
    let offset = match zone {
        "Z" | "z" => 0,
        _ => {
            let [hours, minutes] = numbers(zone.get(1..)?, ':', [2, 2])?;
            let minutes = i64::try_from(hours * 60 + minutes).ok().filter(|_| hours < 24 && minutes < 60)?;
            if zone.starts_with('+') {
                minutes
            } else if zone.starts_with('-') {
                -minutes
            } else {
                return None;
            }
        }
    };
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let in_month = *days.get(usize::try_from(month.checked_sub(1)?).ok()?)?;
    if year < 1970 || day == 0 || day > in_month || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let before = year - 1;
    let leap_days = |year: u64| year / 4 - year / 100 + year / 400;
    let to_year = (year - 1970) * 365 + leap_days(before) - leap_days(1969);
    let to_month: u64 = days.iter().take(usize::try_from(month - 1).ok()?).sum();
    let seconds = (to_year + to_month + day - 1) * 86_400 + hour * 3_600 + minute * 60 + second;
    let seconds = i64::try_from(seconds).ok()? - offset * 60;
    Some(UnixTime::from_millis(u64::try_from(seconds).ok()? * 1_000 + millis))
}

fn numbers<const N: usize>(text: &str, separator: char, lengths: [usize; N]) -> Option<[u64; N]> {
    let mut parts = text.split(separator);
    let mut numbers = [0; N];
    for (number, length) in numbers.iter_mut().zip(lengths) {
        let part = parts.next().filter(|part| part.len() == length)?;
        *number = part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok())??;
    }
    parts.next().is_none().then_some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_times() {
        for (text, millis) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2022-07-04T20:04:12.131Z", 1_656_965_052_131),
            ("2022-07-04T22:04:12.1319+02:00", 1_656_965_052_131),
            ("2024-02-29t23:59:60-00:30", 1_709_253_000_000),
            ("2000-02-29T00:00:00.5Z", 951_782_400_500),
        ] {
            assert_eq!(rfc3339(text), Some(UnixTime::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn what_is_no_time() {
        for text in [
            "",
            "2022-07-04",
            "2022-02-29T00:00:00Z",
            "2022-13-01T00:00:00Z",
            "2022-00-01T00:00:00Z",
            "2022-07-04T24:00:00Z",
            "2022-07-04T00:00:00",
            "2022-07-04T00:00:00.Z",
            "2022-07-04T00:00:00+2:00",
            "1969-12-31T23:59:59Z",
            "2022-07-04T00:00:00é",
            "+022-07-04T00:00:00Z",
            "1970-01-01T00:00:00+00:01",
        ] {
            assert_eq!(rfc3339(text), None, "{text}");
        }
    }
}
