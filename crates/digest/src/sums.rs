//! What is counted of events that belong together.

use crate::Item;
use crate::summary::Actors;

/// Counts of a batch.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sums {
    /// When the first and the last event came.
    pub(crate) first: u64,
    pub(crate) last: u64,
    /// The highest sequence number.
    pub(crate) seq_hi: u64,
    /// The first actor, how many are counted, and whether there are more. Only of batches that are not exact.
    pub(crate) actor: u64,
    pub(crate) actors: u8,
    pub(crate) more: bool,
    pub(crate) total: u32,
    pub(crate) bytes: u32,
    /// The highest class.
    pub(crate) class: u8,
}

impl Sums {
    /// Adds an event to all sums but those of the actors.
    #[inline(always)]
    pub(crate) fn count<T>(&mut self, item: &Item<T>) {
        self.add(item.at.as_millis(), item.bytes, item.seq, item.class);
    }

    #[inline(always)]
    pub(crate) fn add(&mut self, at: u64, bytes: u32, seq: u64, class: u8) {
        // After a step of the clock a later event may have an earlier time.
        self.first = if self.total == 0 { at } else { self.first.min(at) };
        self.last = self.last.max(at);
        self.total = self.total.saturating_add(1);
        self.bytes = self.bytes.saturating_add(bytes);
        self.seq_hi = self.seq_hi.max(seq);
        self.class = self.class.max(class);
    }

    /// Some events are no part of it any more.
    pub(crate) fn lose_bytes(&mut self, bytes: u64) {
        self.bytes = self.bytes.saturating_sub(u32::try_from(bytes).unwrap_or(u32::MAX));
    }

    /// Takes the actors over; those after the first have their place elsewhere.
    pub(crate) fn set_actors(&mut self, actors: Actors) -> Vec<u64> {
        self.actors = u8::try_from(actors.count()).unwrap_or(u8::MAX);
        self.more = actors.more;
        self.actor = actors.first.unwrap_or_default();
        actors.rest
    }

    /// Adds those of later events, all but the actors.
    pub(crate) fn join(&mut self, later: &Self) {
        self.first = if self.total == 0 { later.first } else { self.first.min(later.first) };
        self.last = self.last.max(later.last);
        self.total = self.total.saturating_add(later.total);
        self.bytes = self.bytes.saturating_add(later.bytes);
        self.seq_hi = self.seq_hi.max(later.seq_hi);
        self.class = self.class.max(later.class);
    }

    pub(crate) fn known_actors(&self, rest: &[u64]) -> Actors {
        let first = (self.actors > 0).then_some(self.actor);
        Actors { first, rest: rest.to_vec(), more: self.more }
    }
}
