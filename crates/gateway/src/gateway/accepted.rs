//! Each event of a source once: exact on (source, event id), for as long as the settings say or as long as there is room.

use std::collections::{BTreeMap, BTreeSet};

use reveille_core::UnixTime;
use serde::{Deserialize, Serialize};

use super::trail::Why;

/// The ids of events that were taken in. All times are those of the rules' clock, which never falls.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Accepted {
    until: BTreeMap<u128, u64>,
    #[serde(skip)]
    order: BTreeSet<(u64, u128)>,
    /// What happened then or before is too old: its id may have been forgotten.
    horizon: u64,
}

impl Accepted {
    /// Takes an event in that happened at `at`, unless it came before or is so old that nobody can tell.
    ///
    /// An id is kept for `span` after the later of its event and its arrival; so whoever comes again and is not too old is
    /// still known. A source whose clock is ahead by more than `span` has no such promise.
    pub(super) fn take(
        &mut self,
        id: u128,
        at: UnixTime,
        span: u64,
        most: u32,
        now: UnixTime,
    ) -> Result<(), Why> {
        let (at, now) = (at.as_millis(), now.as_millis());
        self.horizon = self.horizon.max(now.saturating_sub(span));
        self.forget(now, most, span);
        if self.until.contains_key(&id) {
            return Err(Why::AlreadyTaken);
        }
        if at <= self.horizon && self.horizon > 0 {
            return Err(Why::TooOld);
        }
        let until = now.max(at.min(now.saturating_add(span))).saturating_add(span);
        self.until.insert(id, until);
        self.order.insert((until, id));
        self.forget(now, most, span);
        Ok(())
    }

    fn forget(&mut self, now: u64, most: u32, span: u64) {
        while let Some((until, id)) = self.order.first().copied() {
            if until > now && self.order.len() <= most as usize {
                return;
            }
            self.order.remove(&(until, id));
            self.until.remove(&id);
            self.horizon = self.horizon.max(until.saturating_sub(span));
        }
    }

    pub(super) fn len(&self) -> usize {
        self.until.len()
    }

    /// What a snapshot does not hold.
    pub(super) fn index(&mut self) {
        self.order = self.until.iter().map(|(id, until)| (*until, *id)).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HOUR: u64 = 3_600_000;

    fn at(ms: u64) -> UnixTime {
        UnixTime::from_millis(10 * HOUR + ms)
    }

    #[test]
    fn once_for_an_hour_and_then_too_old() {
        let mut accepted = Accepted::default();
        assert_eq!(accepted.take(1, at(0), HOUR, 10, at(5)), Ok(()));
        assert_eq!(accepted.take(1, at(0), HOUR, 10, at(HOUR - 1)), Err(Why::AlreadyTaken));
        assert_eq!(accepted.take(1, at(0), HOUR, 10, at(HOUR + 5)), Err(Why::TooOld));
        assert_eq!(
            accepted.take(2, at(6), HOUR, 10, at(HOUR + 5)),
            Ok(()),
            "late, but its id would be known"
        );
    }

    #[test]
    fn without_room_the_horizon_moves() {
        let mut accepted = Accepted::default();
        for id in 0..5 {
            assert_eq!(accepted.take(id, at(id as u64), HOUR, 3, at(id as u64)), Ok(()));
        }
        assert_eq!(accepted.len(), 3);
        assert_eq!(accepted.take(1, at(1), HOUR, 3, at(9)), Err(Why::TooOld));
        assert_eq!(accepted.take(4, at(4), HOUR, 3, at(9)), Err(Why::AlreadyTaken));
    }

    proptest! {
        /// Whatever comes, however late and however often: no id is taken twice, if its source's clock is less than a span ahead.
        #[test]
        fn nothing_is_taken_twice(
            events in proptest::collection::vec((0..20_u64, 0..90_u64), 1..200), most in 1..10_u32,
        ) {
            let (mut accepted, mut taken, mut now) = (Accepted::default(), BTreeSet::new(), 100_u64);
            for (id, passed) in events {
                now += passed;
                // An event has its time for good.
                let happened = 60 + id * 20;
                if happened > now + 50 {
                    continue;
                }
                let result = accepted.take(id.into(), UnixTime::from_millis(happened), 50, most, UnixTime::from_millis(now));
                if result.is_ok() {
                    prop_assert!(taken.insert(id), "event {} was taken twice", id);
                }
                prop_assert!(accepted.len() <= most as usize);
            }
        }
    }
}
