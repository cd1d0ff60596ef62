//! How many pushes a browser got that show nothing: browsers punish those (E5).

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reveille_core::UnixTime;
use reveille_delivery::{DeviceId, LegId};

/// The budget is one for this time, from a browser's first one on.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Browsers that are counted at once. Others get nothing invisible meanwhile.
const MOST: usize = 100_000;
/// How often those whose day is over are looked for.
const SWEEP: Duration = Duration::from_secs(60);

/// Counts pushes that show nothing, for each browser and day, within
/// [`ChannelRules::invisible_web_pushes_per_day`](reveille_conversation::rules::ChannelRules::invisible_web_pushes_per_day).
/// Every [`Writer`](crate::Writer) has one; give it on when you replace a writer. It counts in the memory of one process: a
/// restart begins anew.
#[derive(Debug, Default)]
pub struct Invisible(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    browsers: BTreeMap<DeviceId, Day>,
    swept: UnixTime,
}

#[derive(Debug)]
struct Day {
    since: UnixTime,
    legs: Vec<LegId>,
}

impl Day {
    /// One that begins later than now was begun by a clock that has been set since.
    fn is_over(&self, now: UnixTime) -> bool {
        now < self.since || now.since(self.since) >= DAY
    }
}

impl Invisible {
    /// Whether it may leave. A leg that is written again has its place already.
    pub(crate) fn take(&self, browser: DeviceId, leg: LegId, most: u32, now: UnixTime) -> bool {
        let counts = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.browsers.len() >= MOST && !counts.browsers.contains_key(&browser) {
            if now >= counts.swept && now.since(counts.swept) < SWEEP {
                return false;
            }
            counts.swept = now;
            counts.browsers.retain(|_, day| !day.is_over(now));
            if counts.browsers.len() >= MOST {
                return false;
            }
        }
        let day = counts.browsers.entry(browser).or_insert_with(|| Day { since: now, legs: Vec::new() });
        if day.is_over(now) {
            *day = Day { since: now, legs: Vec::new() };
        }
        if day.legs.contains(&leg) {
            return true;
        }
        let room = day.legs.len() < most as usize;
        if room {
            day.legs.push(leg);
        }
        room
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

    fn browser(number: usize) -> DeviceId {
        DeviceId::from_bits(number as u128)
    }

    fn leg(number: u128) -> LegId {
        LegId::from_bits(number)
    }

    #[test]
    fn three_a_day_and_none_at_all() {
        let invisible = Invisible::default();
        for number in 0..3 {
            assert!(invisible.take(browser(1), leg(number), 3, NOW));
        }
        assert!(!invisible.take(browser(1), leg(3), 3, NOW + Duration::from_secs(86_399)));
        assert!(invisible.take(browser(1), leg(2), 3, NOW), "the same leg again");
        assert!(invisible.take(browser(2), leg(4), 3, NOW), "another browser");
        assert!(invisible.take(browser(1), leg(3), 3, NOW + DAY));
        assert!(!invisible.take(browser(3), leg(5), 0, NOW));
    }

    #[test]
    fn a_clock_that_was_ahead_shuts_nothing() {
        let invisible = Invisible::default();
        assert!(invisible.take(browser(1), leg(1), 1, UnixTime::from_millis(u64::MAX)));
        assert!(invisible.take(browser(1), leg(2), 1, NOW));
        assert!(!invisible.take(browser(1), leg(3), 1, NOW));
    }

    #[test]
    fn memory_is_bounded_and_comes_back() {
        let invisible = Invisible::default();
        for number in 0..MOST {
            assert!(invisible.take(browser(number), leg(1), 1, NOW));
        }
        assert!(!invisible.take(browser(MOST), leg(1), 1, NOW));
        assert!(invisible.take(browser(0), leg(1), 1, NOW), "who is counted is counted on");
        assert!(invisible.take(browser(MOST), leg(1), 1, NOW + DAY));
        assert_eq!(invisible.0.lock().unwrap().browsers.len(), 1);
    }
}
