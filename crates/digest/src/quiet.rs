//! Quiet hours: a pure function of a time zone's table and a week's spans.

use std::time::Duration;

use reveille_core::UnixTime;
use thiserror::Error;

pub use crate::host::{AtEnd, Quiet};

const MINUTE: u64 = 60_000;
const DAY: u64 = 24 * 60 * MINUTE;
const WEEK: u64 = 7 * DAY;

/// A time zone as the caller's time zone library gives it: from when on which offset holds. This crate has no table of
/// its own, so it cannot be out of date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    /// Offset from UTC in minutes, east positive, before the first change.
    initial: i16,
    /// Times of change, rising, with the offset from then on.
    changes: Vec<(UnixTime, i16)>,
}

/// One quiet span of the week in local time, for example every night from 22:00 to 07:00. Give one or more of them to
/// [`QuietHours::new`]; a span whose end is not later than its beginning goes on until the next day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_structs,
    reason = "plain data that users make and take apart; another field is another version of the log"
)]
pub struct Span {
    /// The days on which it begins: bit 0 is Monday.
    pub days: u8,
    /// When it begins, in minutes after midnight.
    pub from: u16,
    /// When it ends. Not later than `from`: on the next day.
    pub to: u16,
}

/// The quiet hours of one person: spans of the week, in the local time of a [`Zone`]. Use them in your
/// [`Host::quiet`](crate::Host::quiet): [`until`](Self::until) says whether it is quiet and when that ends. Spans may
/// overlap or touch: it is quiet while any of them covers the local time.
///
/// ```
/// use reveille_core::UnixTime;
/// use reveille_digest::quiet::{QuietHours, Span, Zone};
///
/// // Berlin in the spring of 2024: one hour ahead of UTC, two from Sunday, 31 March, 01:00 UTC.
/// let zone = Zone::new(60, vec![(UnixTime::from_secs(1_711_846_800), 120)])?;
/// // Every night from 22:00 to 07:00.
/// let hours = QuietHours::new(zone, vec![Span { days: 0x7F, from: 22 * 60, to: 7 * 60 }])?;
///
/// // Saturday 23:00 local (22:00 UTC): quiet until 07:00 summer time, which is 05:00 UTC, after 7 hours, not 8.
/// let saturday = UnixTime::from_secs(1_711_836_000);
/// assert_eq!(hours.until(saturday), Some(UnixTime::from_secs(1_711_836_000 + 7 * 3600)));
/// // Sunday noon: not quiet.
/// assert_eq!(hours.until(UnixTime::from_secs(1_711_879_200)), None);
/// # Ok::<(), reveille_digest::quiet::InvalidHours>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuietHours {
    zone: Zone,
    spans: Vec<Span>,
}

/// Why a [`Zone`] or [`QuietHours`] cannot be made: the error of [`Zone::new`], [`Zone::from_transitions`] and
/// [`QuietHours::new`]. Its text names the value that is wrong; show it to whoever configures the hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidHours {
    /// No place on Earth is that far from UTC.
    #[error("offset is {given} minutes: it must be from -1440 to 1440")]
    Offset {
        /// What was given.
        given: i16,
    },
    /// The table is not in order.
    #[error("changes must rise in time: number {place} does not")]
    Order {
        /// Which one, from 0.
        place: usize,
    },
    /// There is no such time of day.
    #[error("a span goes from minute {from} to minute {to}: a day has 1440")]
    Minute {
        /// Its beginning.
        from: u16,
        /// Its end.
        to: u16,
    },
}

impl Zone {
    /// A zone from its offset in minutes and its changes.
    ///
    /// # Errors
    /// [`InvalidHours`] if an offset is more than a day or the changes are not in order.
    pub fn new(initial: i16, changes: Vec<(UnixTime, i16)>) -> Result<Self, InvalidHours> {
        for given in changes.iter().map(|change| change.1).chain([initial]) {
            if !(-1440..=1440).contains(&given) {
                return Err(InvalidHours::Offset { given });
            }
        }
        let pairs = changes.iter().zip(changes.iter().skip(1));
        if let Some(place) = pairs.clone().position(|(one, next)| one.0 >= next.0) {
            return Err(InvalidHours::Order { place: place + 1 });
        }
        Ok(Self { initial, changes })
    }

    /// A zone from what time zone libraries give: the offset now, and the transitions that follow, as Unix seconds with the
    /// offset from then on; offsets are in seconds, east positive. With `jiff`, for the next ten years or so:
    ///
    /// ```text
    /// let tz = jiff::tz::TimeZone::get("Europe/Berlin")?;
    /// let now = jiff::Timestamp::from_second(1_710_000_000)?;
    /// let next = tz.following(now).take(20).map(|t| (t.timestamp().as_second(), t.offset().seconds()));
    /// let zone = Zone::from_transitions(tz.to_offset(now).seconds(), next)?;
    /// ```
    ///
    /// (`examples/tests/zones.rs` compiles these lines and asks ten years of nights when they end.) Make it anew once in a while,
    /// or when the library has new rules, and hand it in as another [calendar](crate::Host::Calendar).
    ///
    /// ```
    /// use reveille_core::UnixTime;
    /// use reveille_digest::quiet::Zone;
    /// let berlin = Zone::from_transitions(3_600, [(1_711_846_800, 7_200)])?;
    /// assert_eq!(berlin, Zone::new(60, vec![(UnixTime::from_secs(1_711_846_800), 120)])?);
    /// # Ok::<(), reveille_digest::quiet::InvalidHours>(())
    /// ```
    ///
    /// # Errors
    /// [`InvalidHours`] if an offset is more than a day or the transitions are not in order.
    pub fn from_transitions(
        initial: i32,
        transitions: impl IntoIterator<Item = (i64, i32)>,
    ) -> Result<Self, InvalidHours> {
        let minutes = |seconds: i32| {
            let minutes = seconds.div_euclid(60);
            i16::try_from(minutes).unwrap_or(if minutes < 0 { i16::MIN } else { i16::MAX })
        };
        let at = |second: i64| UnixTime::from_secs(u64::try_from(second).unwrap_or(0));
        let changes = transitions.into_iter().map(|(second, offset)| (at(second), minutes(offset)));
        Self::new(minutes(initial), changes.collect())
    }

    /// Offset in minutes at a time, and when it changes next.
    fn at(&self, now: UnixTime) -> (i16, Option<UnixTime>) {
        let place = self.changes.partition_point(|change| change.0 <= now);
        let before = place.checked_sub(1).and_then(|place| self.changes.get(place));
        (before.map_or(self.initial, |change| change.1), self.changes.get(place).map(|change| change.0))
    }
}

impl QuietHours {
    /// Quiet hours of a week in a zone.
    ///
    /// # Errors
    /// [`InvalidHours::Minute`] if a span names a minute that no day has.
    pub fn new(zone: Zone, spans: Vec<Span>) -> Result<Self, InvalidHours> {
        match spans.iter().find(|span| span.from >= 1440 || span.to > 1440) {
            Some(Span { from, to, .. }) => Err(InvalidHours::Minute { from: *from, to: *to }),
            None => Ok(Self { zone, spans }),
        }
    }

    /// If it is quiet at `now`: when that ends. [`UnixTime::MAX`] if it does not end within 400 days.
    #[must_use]
    pub fn until(&self, now: UnixTime) -> Option<UnixTime> {
        let mut at = now;
        // Each step ends a span or passes a change of the clock, so spans that overlap or touch are one.
        for _ in 0..(self.spans.len() + 1) * 400 {
            let (offset, change) = self.zone.at(at);
            let Some(left) = self.left(at, offset) else {
                return (at > now).then_some(at);
            };
            let end = at + left;
            at = change.filter(|change| *change < end).unwrap_or(end);
            if at.since(now) > Duration::from_millis(400 * DAY) {
                break;
            }
        }
        Some(UnixTime::MAX)
    }

    /// How long the spans that cover this local time go on, if the clock does not change.
    fn left(&self, at: UnixTime, offset: i16) -> Option<Duration> {
        // 1970-01-01 was a Thursday; weeks begin on Monday here. Three weeks are added so that nothing is negative.
        let shift = (3 * DAY + 3 * WEEK).saturating_add_signed(i64::from(offset) * MINUTE as i64);
        let local = (at.as_millis() % WEEK).saturating_add(shift) % WEEK;
        let ends = self.spans.iter().flat_map(|span| {
            let (from, to) = (u64::from(span.from) * MINUTE, u64::from(span.to) * MINUTE);
            let length = if to > from { to - from } else { to + DAY - from };
            (0..7).filter(|day| span.days & (1 << day) != 0).filter_map(move |day| {
                let begin = day * DAY + from;
                let since = (local + WEEK - begin) % WEEK;
                (since < length).then(|| length - since)
            })
        });
        ends.max().map(Duration::from_millis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(secs: u64) -> UnixTime {
        UnixTime::from_secs(secs)
    }

    fn berlin() -> Zone {
        // 2024-03-31 01:00 UTC and 2024-10-27 01:00 UTC.
        Zone::new(60, vec![(at(1_711_846_800), 120), (at(1_729_990_800), 60)]).unwrap()
    }

    fn nights() -> QuietHours {
        QuietHours::new(berlin(), vec![Span { days: 0x7F, from: 22 * 60, to: 7 * 60 }]).unwrap()
    }

    #[test]
    fn in_autumn_the_night_is_an_hour_longer() {
        // Saturday 2024-10-26 22:00 summer time is 20:00 UTC; 07:00 winter time is 06:00 UTC.
        let evening = at(1_729_972_800);
        assert_eq!(nights().until(evening), Some(evening + Duration::from_secs(10 * 3600)));
    }

    #[test]
    fn a_span_inside_the_hour_that_comes_twice_is_quiet_twice() {
        // 02:10 to 02:50 on Sunday 2024-10-27: at 00:10 UTC and again at 01:10 UTC.
        let hours = QuietHours::new(berlin(), vec![Span { days: 1 << 6, from: 130, to: 170 }]).unwrap();
        let first = at(1_729_987_800);
        assert_eq!(hours.until(first), Some(at(1_729_990_200)));
        assert_eq!(hours.until(at(1_729_990_200)), None);
        let second = first + Duration::from_secs(3600);
        assert_eq!(hours.until(second), Some(at(1_729_993_800)));
    }

    #[test]
    fn a_span_inside_the_hour_that_is_left_out_is_never_quiet() {
        // 02:10 to 02:50 on Sunday 2024-03-31 does not exist.
        let hours = QuietHours::new(berlin(), vec![Span { days: 1 << 6, from: 130, to: 170 }]).unwrap();
        for minutes in 0..180 {
            assert_eq!(hours.until(at(1_711_843_200 + minutes * 60)), None, "{minutes}");
        }
    }

    #[test]
    fn spans_that_touch_are_one() {
        let spans =
            vec![Span { days: 0x7F, from: 0, to: 6 * 60 }, Span { days: 0x7F, from: 6 * 60, to: 8 * 60 }];
        let hours = QuietHours::new(Zone::new(0, vec![]).unwrap(), spans).unwrap();
        assert_eq!(hours.until(at(0)), Some(at(8 * 3600)));
    }

    #[test]
    fn a_week_without_a_gap_never_ends() {
        let always = vec![Span { days: 0x7F, from: 0, to: 1440 }];
        let hours = QuietHours::new(berlin(), always).unwrap();
        assert_eq!(hours.until(at(1_700_000_000)), Some(UnixTime::MAX));
    }

    proptest! {
        /// Against a walk in minutes.
        #[test]
        fn ends_at_the_first_minute_that_is_not_quiet(
            minute in 28_528_000u64..28_560_000, from in 0u16..1440, to in 0u16..=1440, days in 0u8..128,
        ) {
            let hours = QuietHours::new(berlin(), vec![Span { days, from, to }]).unwrap();
            let now = at(minute * 60);
            let walked = (0..10 * 1440).map(|m| now + Duration::from_secs(m * 60)).find(|t| hours.until(*t).is_none());
            prop_assume!(walked.is_some());
            match hours.until(now) {
                None => prop_assert_eq!(walked, Some(now)),
                Some(end) => prop_assert_eq!(walked, Some(end)),
            }
        }

        #[test]
        fn total(now: u64, offset in -1440i16..=1440, change: u64, from in 0u16..1440, to in 0u16..=1440, days: u8) {
            let zone = Zone::new(offset, vec![(UnixTime::from_millis(change), -offset)]).unwrap();
            let hours = QuietHours::new(zone, vec![Span { days, from, to }]).unwrap();
            let now = UnixTime::from_millis(now);
            prop_assert!(hours.until(now).is_none_or(|end| end > now || end == UnixTime::MAX));
        }
    }

    #[test]
    fn texts() {
        let all = [
            Zone::new(1441, vec![]).unwrap_err(),
            Zone::new(0, vec![(at(2), 0), (at(2), 1)]).unwrap_err(),
            QuietHours::new(berlin(), vec![Span { days: 1, from: 1440, to: 0 }]).unwrap_err(),
        ];
        insta::assert_snapshot!(all.map(|e| e.to_string()).join("\n"), @r"
        offset is 1441 minutes: it must be from -1440 to 1440
        changes must rise in time: number 1 does not
        a span goes from minute 1440 to minute 0: a day has 1440
        ");
    }
}
