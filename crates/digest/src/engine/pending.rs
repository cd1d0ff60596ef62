//! A record's pending events as a batch, and back.

use crate::batch::Batch;
use crate::record::{MORE_ACTORS, bit};
use crate::{Actors, Collect, Engine, Event, Host, Item};

impl<H: Host> Engine<H> {
    /// Takes all pending events out of a record; its window stays as it is.
    pub(crate) fn take_pending(&mut self, index: u32) -> Batch<H> {
        let Some((hot, cold)) = self.slab.both_mut(index) else {
            return Batch::default();
        };
        let first = if hot.has(bit::FIRST) { cold.extra.as_deref().map(|extra| extra.first) } else { None };
        let (items, rest) = match cold.extra.as_deref_mut() {
            Some(extra) => (std::mem::take(&mut extra.items), std::mem::take(&mut extra.actors)),
            None => (Vec::new(), Vec::new()),
        };
        let actors = Actors { rest, ..hot.counted_actors() };
        let tracked = hot.has(bit::TRACKED);
        // The newest may have been taken back since, and what came back after a failure is not in order.
        let newest =
            if tracked { items.iter().map(|item: &Item<_>| item.at.as_millis()).max() } else { None };
        let batch = Batch {
            tracked,
            total: hot.total,
            bytes: hot.bytes,
            first: first.unwrap_or(hot.opened),
            last: newest.unwrap_or(hot.last),
            seq_hi: hot.seq_hi,
            class: hot.class,
            actors,
            items,
            fold: std::mem::take(&mut cold.fold),
        };
        (hot.total, hot.bytes, hot.seq_hi, hot.class, hot.actors) = (0, 0, 0, 0, 0);
        hot.unset(bit::FIRST | bit::TRACKED);
        batch
    }

    /// Puts a batch into a record that has nothing pending.
    pub(crate) fn put_pending(&mut self, index: u32, batch: Batch<H>) {
        if batch.total == 0 {
            return;
        }
        let opened = self.slab.hot(index).map_or(0, |hot| hot.opened);
        let plain = batch.first == opened && batch.items.is_empty() && batch.actors.rest.is_empty();
        if !plain && let Some(extra) = self.extra_mut(index) {
            extra.first = batch.first;
            extra.items = batch.items;
            extra.actors = batch.actors.rest;
        }
        let Some((hot, cold)) = self.slab.both_mut(index) else {
            return;
        };
        hot.total = batch.total;
        hot.bytes = batch.bytes;
        // The window's last event may have been taken back; of events that are only counted none is, alone.
        hot.last = if batch.tracked { hot.last.max(batch.last) } else { batch.last };
        hot.seq_hi = batch.seq_hi;
        hot.class = batch.class;
        let known = u16::from(batch.actors.first.is_some());
        let rest = cold.extra.as_deref().map_or(0, |extra| extra.actors.len());
        hot.actors =
            known + u16::try_from(rest).unwrap_or(0) + if batch.actors.more { MORE_ACTORS } else { 0 };
        hot.actor = batch.actors.first.unwrap_or_default();
        if !plain {
            hot.set(bit::FIRST);
        }
        if batch.tracked {
            hot.set(bit::TRACKED);
        }
        cold.fold = batch.fold;
    }

    /// Adds an event to what is pending. The caller has checked the limits.
    pub(crate) fn add_pending(&mut self, index: u32, item: Item<H::Payload>, now: u64) {
        let collect = self.policy.collect;
        let bound = self.policy.actors;
        let empty = self.slab.hot(index).is_none_or(|hot| hot.total == 0);
        let tracked = if empty {
            collect == Collect::Items
        } else {
            self.slab.hot(index).is_some_and(|hot| hot.has(bit::TRACKED))
        };
        let opened = self.slab.hot(index).map_or(now, |hot| hot.opened);
        if tracked || collect == Collect::Latest || bound > 1 || (empty && opened != now) {
            // Only those need more than the record itself.
            let extra = self.extra_mut(index);
            if empty && let Some(extra) = extra {
                extra.first = now;
                extra.actors.clear();
            }
            if empty && let Some(hot) = self.slab.hot_mut(index) {
                hot.set(bit::FIRST);
            }
        }
        let bytes = item.bytes;
        let Some((hot, cold)) = self.slab.both_mut(index) else {
            return;
        };
        hot.total = hot.total.saturating_add(1);
        hot.bytes = hot.bytes.saturating_add(bytes);
        hot.last = now;
        hot.seq_hi = hot.seq_hi.max(item.seq);
        hot.class = hot.class.max(item.class);
        self.ledger.pending += 1;
        self.bytes += u64::from(bytes);
        if tracked {
            hot.set(bit::TRACKED);
            if let Some(extra) = cold.extra.as_deref_mut() {
                extra.items.push(item);
                self.items += 1;
            }
            return;
        }
        if hot.actors == 0 {
            (hot.actor, hot.actors) = (item.actor, 1);
        } else if hot.actor != item.actor {
            let known = hot.actors & !MORE_ACTORS;
            match cold.extra.as_deref_mut() {
                Some(extra) if extra.actors.contains(&item.actor) => {}
                Some(extra) if known < bound => {
                    extra.actors.push(item.actor);
                    hot.actors += 1;
                }
                _ => hot.actors |= MORE_ACTORS,
            }
        }
        self.host.fold(&mut cold.fold, &item);
        if let Some(extra) = cold.extra.as_deref_mut() {
            self.items = self.items.saturating_sub(extra.items.len() as u64);
            extra.items.clear();
            if collect == Collect::Latest {
                extra.items.push(item);
                self.items += 1;
            }
        }
    }
}

/// The event as it is kept.
pub(crate) fn item<H: Host>(event: Event<H>, at: reveille_core::UnixTime) -> (H::Key, Item<H::Payload>) {
    let Event { key, id, seq, actor, kind, class, urgent: _, rank, bytes, payload } = event;
    (key, Item { id, seq, actor, at, kind, class, rank, bytes, payload: Some(payload) })
}
