//! What is pending of a key grows: by an event, or by a notification that came back.

use crate::batch::{Batch, Room, Select};
use crate::{Engine, Fate, Host, Item};

impl<H: Host> Engine<H> {
    /// Adds an event to what is pending: kept if there is room, counted in any case.
    #[inline]
    pub(crate) fn add_pending(&mut self, index: u32, item: Item<H::Payload>) {
        let bytes = self.bytes.saturating_add(u64::from(item.bytes));
        let room = self.kept < self.limits.items && bytes <= self.limits.bytes;
        let Some(hot) = self.store.hot(index) else { return };
        self.ledger.pending += 1;
        let fits = hot.bytes.saturating_add(item.bytes) <= self.derived.keep_bytes;
        let mut item = item;
        if room && fits && (hot.total as usize) < self.derived.keep {
            item = match self.store.keep(index, item) {
                Ok(()) => {
                    self.kept += 1;
                    self.bytes = bytes;
                    return;
                }
                Err(item) => item,
            };
        }
        self.add_to_many(index, item);
    }

    /// The same where not all of them can be kept, or are.
    fn add_to_many(&mut self, index: u32, item: Item<H::Payload>) {
        let mut batch = self.store.take_pending(index);
        // As if nothing of this key were kept: then there is so much room for it.
        self.kept = self.kept.saturating_sub(batch.kept.len() as u64);
        self.bytes = self.bytes.saturating_sub(batch.kept_bytes);
        let others = usize::try_from(self.limits.items.saturating_sub(self.kept)).unwrap_or(usize::MAX);
        let most = others.max(batch.kept.len());
        let bytes = self.limits.bytes.saturating_sub(self.bytes).min(self.derived.keep_bytes.into());
        let room = Room { events: self.derived.keep.min(most), bytes };
        batch.push(item, room, &self.host, self.policy.actors);
        self.kept += batch.kept.len() as u64;
        self.bytes = self.bytes.saturating_add(batch.kept_bytes);
        self.store.put_pending(index, batch);
    }

    /// A notification came back: its events are pending again, before what came since.
    pub(crate) fn put_back(&mut self, index: u32, mut batch: Batch<H>) {
        let later = self.store.take_pending(index);
        if batch.sums.total.checked_add(later.sums.total).is_none() {
            // More than can be counted.
            let removed = batch.remove(Select::All);
            self.let_drop(index, Fate::Expired, removed.into());
        }
        let kept = (batch.kept.len() + later.kept.len()) as u64;
        let bytes = batch.kept_bytes + later.kept_bytes;
        batch.join(later, &self.host, self.policy.actors);
        if self.derived.keep > 0 {
            let room = Room { events: self.derived.keep, bytes: self.derived.keep_bytes.into() };
            batch.keep_last(room, &self.host, self.policy.actors);
        }
        self.kept = (self.kept + batch.kept.len() as u64).saturating_sub(kept);
        self.bytes = (self.bytes + batch.kept_bytes).saturating_sub(bytes);
        self.store.put_pending(index, batch);
    }
}
