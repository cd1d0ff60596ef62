//! A notification is made, and its events move on: in flight, or delivered.

use crate::batch::{Batch, Flight};
use crate::record::bit;
use crate::{Cause, Clear, Collect, Engine, Host, Item, Keep, Lane, Notify, Output, Summary};
use reveille_core::millis;

impl<H: Host> Engine<H> {
    /// Makes the notification of what is pending, and notes its events as in flight or delivered.
    /// `others` are pending too, and stay it.
    pub(crate) fn send(&mut self, index: u32, lane: Lane, others: u32, now: u64) -> u64 {
        let generation = self.next_generation(now);
        let batch = self.take_pending(index);
        self.ledger.notify(batch.total);
        let unread = self.unread_of(index).saturating_add(batch.total).saturating_add(others);
        self.notify(index, &batch, generation, lane, None, unread);
        match self.policy.ack_timeout {
            Some(timeout) => {
                let until = now.saturating_add(millis(timeout));
                let sent = batch.total;
                if let Some(extra) = self.extra_mut(index) {
                    extra.flights.push(Flight {
                        generation,
                        lane,
                        until,
                        sent,
                        read: 0,
                        cancelled: 0,
                        batch,
                    });
                    extra.told = unread;
                }
            }
            None => {
                self.deliver(index, lane, batch);
                if self.derived.remembers
                    && let Some(extra) = self.extra_mut(index)
                {
                    extra.told = unread;
                }
            }
        }
        generation
    }

    /// The short way out for a window that is due and leaves nothing behind: [`send`](Self::send), close and forget in
    /// one. `None` if it is not that simple.
    pub(crate) fn conclude(&mut self, index: u32, now: u64) -> Option<Output<H>> {
        const PLAIN: u8 = bit::OPEN | bit::EXTRA | bit::FIRST | bit::TRACKED;
        let hot = self.slab.hot(index)?;
        if !self.derived.forgets || hot.state & PLAIN != bit::OPEN || hot.total == 0 {
            return None;
        }
        let key = self.slab.cold(index)?.key.as_ref()?;
        if self.host.quiet(key, hot.class, self.wall(now)).is_some() {
            return None;
        }
        let identity = self.identity_of(index);
        let (hot, cold) = self.slab.remove(index)?;
        self.table.remove(identity.tag(), index);
        self.ledger.notify(hot.total);
        self.bytes = self.bytes.saturating_sub(u64::from(hot.bytes));
        let summary = Summary {
            total: hot.total,
            actors: hot.counted_actors(),
            first: self.wall(hot.opened),
            last: self.wall(hot.last),
            bytes: hot.bytes,
            unread: hot.total,
        };
        Some(Output::Notify(Notify {
            key: cold.key?,
            generation: self.next_generation(now),
            collapse_id: self.seed.collapse_id(identity, Lane::Digest),
            lane: Lane::Digest,
            reminder: None,
            class: hot.class,
            summary,
            samples: Vec::new(),
            ids: Vec::new(),
            fold: cold.fold,
        }))
    }

    /// A batch arrived: what is kept of it is what reads, cancels and reminders need.
    pub(crate) fn deliver(&mut self, index: u32, lane: Lane, mut batch: Batch<H>) {
        self.bytes = self.bytes.saturating_sub(u64::from(batch.bytes));
        let held = batch.items.len() as u64;
        if !self.derived.remembers {
            self.items = self.items.saturating_sub(held);
            return;
        }
        if batch.tracked {
            for item in &mut batch.items {
                item.payload = None;
            }
        } else {
            self.items = self.items.saturating_sub(held);
            batch.items.clear();
        }
        let actors = self.policy.actors;
        let Some(cold) = self.slab.cold_mut(index) else {
            return;
        };
        if let Some(delivered) =
            cold.extra.get_or_insert_with(Box::default).delivered.get_mut(usize::from(lane == Lane::Urgent))
        {
            let mut dropped = delivered.join(batch, &self.host, actors);
            if !delivered.tracked {
                dropped += delivered.items.len() as u64;
                delivered.items.clear();
            }
            self.items = self.items.saturating_sub(dropped);
        }
        // The extra is there; this only notes it.
        self.extra_mut(index);
    }

    /// Sends what is delivered and unread once more.
    pub(crate) fn remind(&mut self, index: u32, now: u64) {
        let Some(extra) = self.extra_mut(index) else {
            return;
        };
        extra.remind_at = u64::MAX;
        let step = extra.remind_step;
        let [digest, _] = &mut extra.delivered;
        let delivered = std::mem::take(digest);
        let unread = self.unread_of(index).saturating_add(delivered.total);
        let pending = self.slab.hot(index).map_or(0, |hot| hot.total);
        if delivered.total > 0 && pending == 0 {
            match self.quiet(index, delivered.class, now) {
                None => {
                    let generation = self.next_generation(now);
                    self.notify(index, &delivered, generation, Lane::Digest, Some(step + 1), unread);
                    let next = self.policy.reminders.get(usize::from(step) + 1).copied();
                    if let Some(extra) = self.extra_mut(index) {
                        extra.told = unread;
                        extra.remind_step = step + 1;
                        extra.remind_at = next.map_or(u64::MAX, |after| now.saturating_add(millis(after)));
                    }
                }
                Some(super::flush::Hold::Until(until)) => {
                    if let Some(extra) = self.extra_mut(index) {
                        extra.remind_at = until;
                    }
                }
                Some(super::flush::Hold::Drop) => {}
            }
        }
        if let Some(Some(extra)) = self.slab.cold_mut(index).map(|cold| cold.extra.as_deref_mut())
            && let [digest, _] = &mut extra.delivered
        {
            *digest = delivered;
        }
    }

    fn notify(
        &mut self,
        index: u32,
        batch: &Batch<H>,
        generation: u64,
        lane: Lane,
        reminder: Option<u8>,
        unread: u32,
    ) {
        let summary = self.summarise(batch, unread);
        let samples = if reminder.is_some() { Vec::new() } else { self.samples(batch) };
        let tracked = batch.tracked;
        let ids = if tracked { batch.items.iter().map(|item| item.id).collect() } else { Vec::new() };
        // A reminder's events have lost their payloads: there is nothing to fold.
        let fold = if reminder.is_some() { H::Fold::default() } else { batch.fold(&self.host) };
        let Some(key) = self.slab.cold(index).and_then(|cold| cold.key.clone()) else {
            return;
        };
        let identity = self.identity_of(index);
        let collapse_id = self.seed.collapse_id(identity, lane);
        self.outputs.push_back(Output::Notify(Notify {
            key,
            generation,
            collapse_id,
            lane,
            reminder,
            class: batch.class,
            summary,
            samples,
            ids,
            fold,
        }));
    }

    pub(crate) fn clear(&mut self, index: u32, lane: Lane, cause: Cause, remaining: u32, now: u64) {
        let generation = self.next_generation(now);
        let Some(key) = self.slab.cold(index).and_then(|cold| cold.key.clone()) else {
            return;
        };
        let identity = self.identity_of(index);
        let collapse_id = self.seed.collapse_id(identity, lane);
        self.outputs.push_back(Output::Clear(Clear { key, generation, collapse_id, lane, cause, remaining }));
    }

    fn summarise(&self, batch: &Batch<H>, unread: u32) -> Summary {
        let (mut first, mut last) = (batch.first, batch.last);
        if batch.tracked {
            first = batch.items.iter().map(|item| item.at.as_millis()).min().unwrap_or(first);
            last = batch.items.iter().map(|item| item.at.as_millis()).max().unwrap_or(last);
        }
        Summary {
            total: batch.total,
            actors: batch.counted_actors(self.policy.actors),
            first: self.wall(first),
            last: self.wall(last),
            bytes: batch.bytes,
            unread,
        }
    }

    /// The events to show.
    fn samples(&self, batch: &Batch<H>) -> Vec<Item<H::Payload>> {
        if batch.items.is_empty() {
            return Vec::new();
        }
        let all = batch.items.iter();
        let mut samples: Vec<_> = match self.policy.keep {
            _ if self.policy.collect == Collect::Latest || !batch.tracked => {
                all.rev().take(1).cloned().collect()
            }
            Keep::First(count) => all.take(usize::from(count)).cloned().collect(),
            Keep::Last(count) => {
                let skip = batch.items.len().saturating_sub(usize::from(count));
                all.skip(skip).cloned().collect()
            }
            Keep::Top(count) => {
                let mut ranked: Vec<_> = all.collect();
                ranked.sort_by_key(|item| std::cmp::Reverse(item.rank));
                ranked.into_iter().take(usize::from(count)).cloned().collect()
            }
        };
        for item in &mut samples {
            item.at = self.wall(item.at.as_millis());
        }
        samples
    }
}
