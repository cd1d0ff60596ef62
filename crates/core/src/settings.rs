//! Settings out of their ranges: one error, for all who have settings.

use std::time::Duration;

use thiserror::Error;

use crate::millis;

/// A setting out of its range: the `with_` methods of settings return it, and change nothing. Show its text, which names
/// the setting and its limits, to whoever configured it.
///
/// ```
/// use reveille_core::settings::{number, span};
/// use std::time::Duration;
/// assert_eq!(number("probes", 3, 1..=1_000)?, 3);
/// let error = span("window", Duration::ZERO, 20..=86_400_000).unwrap_err();
/// assert_eq!(error.to_string(), "window must be from 20 to 86400000 ms, got 0");
/// # Ok::<(), reveille_core::settings::InvalidSettings>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{what} must be from {least} to {most}{unit}, got {given}")]
#[non_exhaustive]
pub struct InvalidSettings {
    /// Which setting.
    pub what: &'static str,
    /// The least that is allowed.
    pub least: u64,
    /// The most that is allowed.
    pub most: u64,
    /// What was given.
    pub given: u64,
    /// What is counted, with a space before it; empty where that is plain.
    pub unit: &'static str,
}

type Range = std::ops::RangeInclusive<u64>;

fn check(what: &'static str, given: u64, range: Range, unit: &'static str) -> Result<u64, InvalidSettings> {
    let (least, most) = range.into_inner();
    if (least..=most).contains(&given) {
        return Ok(given);
    }
    Err(InvalidSettings { what, least, most, given, unit })
}

/// A number that has to be in a range; gives it back.
///
/// # Errors
/// [`InvalidSettings`].
pub fn number(what: &'static str, given: u64, range: Range) -> Result<u64, InvalidSettings> {
    check(what, given, range, "")
}

/// A share in thousandths.
///
/// # Errors
/// [`InvalidSettings`].
pub fn per_mille(what: &'static str, given: u32, range: Range) -> Result<u32, InvalidSettings> {
    check(what, given.into(), range, " per mille").map(|_| given)
}

/// A span that has to be in a range of milliseconds; gives it in milliseconds.
///
/// # Errors
/// [`InvalidSettings`].
pub fn span(what: &'static str, given: Duration, range: Range) -> Result<u64, InvalidSettings> {
    check(what, millis(given), range, " ms")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_are_allowed_and_no_more() {
        for (given, legal) in [(0, false), (1, true), (9, true), (10, false), (u64::MAX, false)] {
            assert_eq!(number("n", given, 1..=9).is_ok(), legal, "{given}");
            assert_eq!(span("s", Duration::from_millis(given), 1..=9).is_ok(), legal, "{given}");
        }
        insta::assert_snapshot!(number("n", 10, 1..=9).unwrap_err(), @"n must be from 1 to 9, got 10");
        insta::assert_snapshot!(per_mille("p", 1_001, 1..=1_000).unwrap_err(), @"p must be from 1 to 1000 per mille, got 1001");
        insta::assert_snapshot!(span("s", Duration::MAX, 1..=9).unwrap_err(), @"s must be from 1 to 9 ms, got 18446744073709551615");
    }
}
