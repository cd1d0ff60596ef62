//! What is kept per key: one cache line that every event touches, half a line that opening and flushing touch, and
//! an extra for those who need more than a debounce.

use crate::batch::{Batch, Flight};
use crate::{Actors, Host, Item};

/// The state bits of a record.
pub(crate) mod bit {
    /// The record is in use.
    pub(crate) const USED: u8 = 1 << 7;
    /// A window is open.
    pub(crate) const OPEN: u8 = 1 << 0;
    /// Its deadline is the end of a hold (quiet, refractory, in flight), not what the policy gives.
    pub(crate) const HELD: u8 = 1 << 1;
    /// `Extra::first` is the time of the first pending event, not `Hot::opened`.
    pub(crate) const FIRST: u8 = 1 << 2;
    /// There is an [`Extra`](super::Extra).
    pub(crate) const EXTRA: u8 = 1 << 3;
    /// Pending events are kept one by one.
    pub(crate) const TRACKED: u8 = 1 << 4;
    /// The wheel has an entry for `Hot::armed`.
    pub(crate) const ARMED: u8 = 1 << 5;
    /// That entry was put into the far set: its time is not known from its low half.
    pub(crate) const FAR: u8 = 1 << 6;
}

/// The part that every event touches: 64 bytes, one cache line.
#[derive(Clone, Debug, Default)]
#[repr(C, align(64))]
pub(crate) struct Hot {
    /// 64 of the 96 identity bits of the key.
    pub(crate) fingerprint: u64,
    /// When the window closes; `u64::MAX` for never.
    pub(crate) deadline: u64,
    pub(crate) opened: u64,
    pub(crate) last: u64,
    /// The highest sequence number pending.
    pub(crate) seq_hi: u64,
    /// The first actor.
    pub(crate) actor: u64,
    pub(crate) total: u32,
    pub(crate) bytes: u32,
    /// The low half of the time of the wheel's entry; in a free record, the next free one.
    pub(crate) armed: u32,
    /// Distinct actors; the top bit says that there are more.
    pub(crate) actors: u16,
    pub(crate) state: u8,
    pub(crate) class: u8,
}

pub(crate) const MORE_ACTORS: u16 = 0x8000;

impl Hot {
    pub(crate) fn has(&self, bits: u8) -> bool {
        self.state & bits != 0
    }

    pub(crate) fn set(&mut self, bits: u8) {
        self.state |= bits;
    }

    /// Whether the wheel's entry with this low half of a time is the one that wakes this record.
    pub(crate) fn relies_on(&self, low: u32) -> bool {
        self.state & (bit::USED | bit::ARMED) == bit::USED | bit::ARMED && self.armed == low
    }

    /// The actors that it knows of; there may be others in [`Extra::actors`].
    pub(crate) fn counted_actors(&self) -> Actors {
        let first = (self.actors != 0).then_some(self.actor);
        Actors { first, rest: Vec::new(), more: self.actors & MORE_ACTORS != 0 }
    }

    pub(crate) fn unset(&mut self, bits: u8) {
        self.state &= !bits;
    }
}

/// The part that opening and flushing touch.
pub(crate) struct Cold<H: Host> {
    pub(crate) key: Option<H::Key>,
    pub(crate) extra: Option<Box<Extra<H>>>,
    pub(crate) fold: H::Fold,
}

impl<H: Host> Default for Cold<H> {
    fn default() -> Self {
        Self { key: None, extra: None, fold: H::Fold::default() }
    }
}

/// What only some keys need. Times are `u64::MAX` for never.
pub(crate) struct Extra<H: Host> {
    /// Pending events, where they are kept; under `Collect::Latest` the last one.
    pub(crate) items: Vec<Item<H::Payload>>,
    /// Pending actors after the first.
    pub(crate) actors: Vec<u64>,
    /// When the first pending event came, if `bit::FIRST`.
    pub(crate) first: u64,
    /// The read watermark.
    pub(crate) mark: u64,
    pub(crate) flights: Vec<Flight<H>>,
    /// What was delivered and is unread, per lane.
    pub(crate) delivered: [Batch<H>; 2],
    /// The unread count that the caller was last told.
    pub(crate) told: u32,
    /// How often in a row a batch failed.
    pub(crate) failures: u8,
    pub(crate) refractory_level: u8,
    pub(crate) refractory_until: u64,
    /// The last notification that counts for the refractory period.
    pub(crate) notified_at: u64,
    pub(crate) remind_at: u64,
    pub(crate) remind_step: u8,
    /// When the key is forgotten, if nothing comes.
    pub(crate) forget_at: u64,
}

impl<H: Host> Default for Extra<H> {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            actors: Vec::new(),
            first: 0,
            mark: 0,
            flights: Vec::new(),
            delivered: [Batch::default(), Batch::default()],
            told: 0,
            failures: 0,
            refractory_level: 0,
            refractory_until: 0,
            notified_at: 0,
            remind_at: u64::MAX,
            remind_step: 0,
            forget_at: u64::MAX,
        }
    }
}

impl<H: Host> Extra<H> {
    /// The earliest of the timers that are not the window's.
    pub(crate) fn timer(&self) -> u64 {
        let flight = self.flights.iter().map(|flight| flight.until).min().unwrap_or(u64::MAX);
        flight.min(self.remind_at).min(self.forget_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Plain;

    #[test]
    fn the_layout_keeps_its_promise() {
        assert_eq!((size_of::<Hot>(), align_of::<Hot>()), (64, 64));
        assert_eq!(size_of::<Cold<Plain<(u64, u64)>>>(), 32);
    }
}
