//! Each event of a source once: exact on (source, event id), for as long as the settings say or as long as there is room.

use std::collections::{BTreeSet, HashSet, VecDeque};

use reveille_core::UnixTime;
use serde::{Deserialize, Serialize};

use super::trail::Why;
use crate::hashed::Hashed;

/// The ids of events that were taken in. All times are those of the rules' clock, which never falls.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Accepted {
    /// In the order of arrival, which is that of the times since when they are kept.
    queue: VecDeque<Id>,
    /// Of sources whose clocks are ahead: they are kept since a time that is still to come.
    ahead: BTreeSet<Id>,
    #[serde(skip)]
    known: HashSet<u128, Hashed>,
    /// What happened then or before is too old: its id may have been forgotten.
    horizon: u64,
}

/// Since when it is kept, and its two halves: without the alignment of 16 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Id(u64, u64, u64);

impl Id {
    const fn new(since: u64, id: u128) -> Self {
        Self(since, (id >> 64) as u64, id as u64)
    }

    const fn id(self) -> u128 {
        (self.1 as u128) << 64 | self.2 as u128
    }
}

/// Room that is kept although nothing is in it.
const ROOM: usize = 1_024;

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
        self.forget(span, most, now);
        let (at, now) = (at.as_millis(), now.as_millis());
        self.horizon = self.horizon.max(now.saturating_sub(span));
        if self.known.contains(&id) {
            return Err(Why::AlreadyTaken);
        }
        if at <= self.horizon && self.horizon > 0 {
            return Err(Why::TooOld);
        }
        self.known.insert(id);
        if at > now {
            self.ahead.insert(Id::new(at.min(now.saturating_add(span)), id));
        } else {
            self.queue.push_back(Id::new(now, id));
        }
        self.cut(most);
        Ok(())
    }

    /// Forgets those whose time is over, and of more than `most` those that are kept for the longest time.
    pub(super) fn forget(&mut self, span: u64, most: u32, now: UnixTime) {
        let over = |id: Option<&Id>| id.is_some_and(|id| id.0.saturating_add(span) <= now.as_millis());
        let mut any = false;
        while over(self.oldest()) {
            self.forget_oldest();
            any = true;
        }
        self.cut(most);
        if any && self.queue.capacity() > ROOM && self.queue.len() < self.queue.capacity() / 8 {
            self.queue.shrink_to(ROOM.max(self.queue.len() * 2));
            self.known.shrink_to(ROOM.max(self.known.len() * 2));
        }
    }

    fn cut(&mut self, most: u32) {
        while self.known.len() > most as usize {
            self.forget_oldest();
        }
    }

    fn oldest(&self) -> Option<&Id> {
        match (self.queue.front(), self.ahead.first()) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        }
    }

    fn forget_oldest(&mut self) {
        let Some(oldest) = self.oldest().copied() else { return };
        if self.queue.front() == Some(&oldest) {
            self.queue.pop_front();
        } else {
            self.ahead.remove(&oldest);
        }
        self.known.remove(&oldest.id());
        self.horizon = self.horizon.max(oldest.0);
    }

    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    /// What a snapshot does not hold.
    pub(super) fn index(&mut self) {
        self.known = self.queue.iter().chain(&self.ahead).map(|id| id.id()).collect();
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
                prop_assert_eq!(accepted.len(), accepted.queue.len() + accepted.ahead.len());
                let mut again = Accepted { known: HashSet::default(), ..accepted.clone() };
                again.index();
                prop_assert_eq!(&again, &accepted, "a snapshot holds all of it");
            }
        }
    }
}
