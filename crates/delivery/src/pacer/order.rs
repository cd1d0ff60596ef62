//! One conversation, one request at a time: for lanes that keep an order.

use std::collections::BTreeMap;
use std::time::Duration;

use reveille_core::UnixTime;

use crate::LegId;

/// What was begun and is neither finished nor back by then has been forgotten: the conversation goes on.
const LEASE: Duration = Duration::from_secs(3_600);

/// Who holds which conversation of which lane.
#[derive(Debug, Default)]
pub(super) struct Order {
    busy: BTreeMap<(u32, u64), Busy>,
    by_leg: BTreeMap<LegId, (u32, u64)>,
}

#[derive(Debug)]
struct Busy {
    /// Whose turn it is until it is finished; `None`: nobody's, it just waits.
    leg: Option<LegId>,
    on_wire: bool,
    until: UnixTime,
}

impl Order {
    pub(super) fn is_owner(&self, lane: u32, conversation: u64, leg: LegId) -> bool {
        self.busy.get(&(lane, conversation)).is_some_and(|busy| busy.leg == Some(leg))
    }

    pub(super) fn is_free(&self, lane: u32, conversation: u64, leg: LegId, now: UnixTime) -> bool {
        self.busy
            .get(&(lane, conversation))
            .is_none_or(|busy| busy.until <= now || (busy.leg == Some(leg) && !busy.on_wire))
    }

    /// When the next conversation of a lane is free without a report. Those that are free are forgotten.
    pub(super) fn next_free(&mut self, lane: u32, now: UnixTime) -> UnixTime {
        let over = self.busy.extract_if((lane, 0)..=(lane, u64::MAX), |_, busy| busy.until <= now);
        for (_, busy) in over {
            if let Some(leg) = busy.leg {
                self.by_leg.remove(&leg);
            }
        }
        let of_lane = self.busy.range((lane, 0)..=(lane, u64::MAX));
        of_lane.map(|(_, busy)| busy.until).min().unwrap_or(UnixTime::MAX)
    }

    /// The clock stepped back: nothing waits for a time that it showed before.
    pub(super) fn step_back(&mut self, now: UnixTime) {
        self.busy.retain(|_, busy| busy.leg.is_some());
        for busy in self.busy.values_mut() {
            busy.until = now + LEASE;
        }
    }

    pub(super) fn begin(&mut self, lane: u32, conversation: u64, leg: LegId, now: UnixTime) {
        let busy = Busy { leg: Some(leg), on_wire: true, until: now + LEASE };
        if let Some(Busy { leg: Some(old), .. }) = self.busy.insert((lane, conversation), busy) {
            self.by_leg.remove(&old);
        }
        self.by_leg.insert(leg, (lane, conversation));
    }

    /// A conversation waits, whoever is first in it.
    pub(super) fn hold(&mut self, lane: u32, conversation: u64, until: UnixTime) {
        self.busy.entry((lane, conversation)).and_modify(|busy| busy.until = until).or_insert(Busy {
            leg: None,
            on_wire: false,
            until,
        });
    }

    /// A leg's request has ended, but the leg has not: its next attempt comes before all others.
    pub(super) fn comes_back(&mut self, leg: LegId) {
        if let Some(busy) = self.by_leg.get(&leg).and_then(|key| self.busy.get_mut(key)) {
            busy.on_wire = false;
        }
    }

    /// A leg has ended: the conversation goes on. Gives the lane.
    #[inline]
    pub(super) fn finish(&mut self, leg: LegId) -> Option<u32> {
        let key = self.by_leg.remove(&leg)?;
        self.busy.remove(&key);
        Some(key.0)
    }
}
