//! A notification is made, and its events move on: in flight, or delivered.

use crate::batch::Batch;
use crate::flights::Flight;
use crate::options::{Collect, Keep, Urgent};
use crate::store::record::{flag, identity};
use crate::summary::{Actors, Summary};
use crate::sums::Sums;
use crate::time::{after, span, wall};
use crate::{Cause, Clear, CollapseId, Engine, Generation, Host, Item, Lane, Notify, Output};

impl<H: Host> Engine<H> {
    /// Sends a batch that was pending.
    #[inline(never)]
    pub(crate) fn send(
        &mut self,
        index: u32,
        lane: Lane,
        batch: Batch<H>,
        failures: u8,
        now: u64,
    ) -> Generation {
        self.send_here(index, lane, batch, failures, now)
    }

    /// The same, where much is known of the batch: an event alone needs no loops.
    #[inline(always)]
    pub(crate) fn send_here(
        &mut self,
        index: u32,
        lane: Lane,
        batch: Batch<H>,
        failures: u8,
        now: u64,
    ) -> Generation {
        let generation = self.next_generation();
        let total = batch.sums.total;
        self.ledger.notify(total);
        let samples = self.samples(&batch);
        let Some((hot, cold)) = self.store.both_mut(index) else { return generation };
        let Some(key) = cold.key.clone() else { return generation };
        let collapse_id = self.seed.collapse_id_of(identity(hot, cold), lane);
        if self.derived.tracks {
            hot.set(flag::EXTRA, true);
            cold.extra.get_or_insert_default();
        }
        let extra = if hot.has(flag::EXTRA) { cold.extra.as_deref_mut() } else { None };
        let pending = hot.total.saturating_add(total);
        let unread = extra.as_deref().map_or(pending, |extra| extra.unread(pending));
        self.outputs.push_back(Output::Notify(Notify {
            key,
            generation,
            collapse_id,
            lane,
            reminder: None,
            class: batch.sums.class,
            summary: summary(&batch.sums, batch.counted_actors(self.policy.actors), unread),
            samples,
            ids: batch.kept.each(|item| item.id),
            fold: batch.fold(&self.host),
        }));
        if let Some(extra) = extra.filter(|_| self.derived.tracks) {
            extra.told = unread;
            if let Some(timeout) = self.policy.ack_timeout {
                extra.flights.push(Flight {
                    generation: generation.to_bits(),
                    lane,
                    collapse_id,
                    until: after(now, span(timeout)),
                    held: false,
                    superseded: false,
                    failures,
                    sent: total,
                    read: 0,
                    cancelled: 0,
                    batch,
                });
                return generation;
            }
        }
        self.deliver(index, lane, generation, batch);
        generation
    }

    /// A batch arrived: what is kept of it is what reads, cancels and reminders need.
    #[inline(never)]
    pub(crate) fn deliver(&mut self, index: u32, lane: Lane, generation: Generation, batch: Batch<H>) {
        self.bytes = self.bytes.saturating_sub(batch.kept_bytes);
        self.kept = self.kept.saturating_sub(batch.kept.len() as u64);
        if batch.sums.total == 0 {
            return;
        }
        let remembers = self.derived.remembers;
        if let Some(extra) = self.store.extra_there(index) {
            // It stands in the place of what may have been shown.
            *extra.silent_mut(lane) = false;
            extra.known &= remembers;
            if lane == Lane::Urgent {
                let is_older =
                    |flight: &&mut Flight<H>| flight.lane == lane && flight.generation < generation.to_bits();
                extra.flights.iter_mut().filter(is_older).for_each(|flight| flight.superseded = true);
            }
        }
        if !remembers {
            self.forgot = true;
            return;
        }
        let (most, actors) = (self.limits.per_key(), self.policy.actors);
        let Some(extra) = self.store.extra_mut(index) else { return };
        let delivered = match lane {
            Lane::Digest => &mut extra.delivered,
            Lane::Urgent => extra.overtook.get_or_insert_default(),
        };
        self.delivered += batch.kept.len() as u64;
        delivered.add(batch, actors);
        self.delivered = self.delivered.saturating_sub(delivered.keep_last(most, actors));
        while self.delivered > self.limits.delivered && self.forget_oldest() {}
        if self.delivered > self.limits.delivered
            && let Some(extra) = self.store.extra_mut(index)
            && let Some(delivered) = extra.delivered_in(lane)
        {
            self.delivered -= delivered.keep_last(0, actors);
        }
    }

    pub(crate) fn collapse_id(&self, index: u32, lane: Lane) -> CollapseId {
        self.seed.collapse_id_of(self.store.identity_of(index), lane)
    }

    /// Nothing is known of this key: whatever was shown for it is taken away.
    pub(crate) fn clear_unknown(&mut self, key: &H::Key, cause: Cause) {
        for lane in [Lane::Digest, Lane::Urgent] {
            if self.uses(lane) {
                self.clear_lane(key, lane, cause);
            }
        }
    }

    /// Whether anything is sent in this lane.
    pub(crate) fn uses(&self, lane: Lane) -> bool {
        lane == Lane::Digest || self.policy.urgent == Urgent::Overtake
    }

    /// The same of one lane.
    pub(crate) fn clear_lane(&mut self, key: &H::Key, lane: Lane, cause: Cause) {
        let (generation, collapse_id) = (self.next_generation(), self.seed.collapse_id(key, lane));
        let (key, events, remaining) = (key.clone(), Vec::new(), 0);
        let clear = Clear { key, generation, collapse_id, lane, cause, events, remaining };
        self.outputs.push_back(Output::Clear(clear));
    }

    /// The events to show.
    #[inline(always)]
    fn samples(&self, batch: &Batch<H>) -> Vec<Item<H::Payload>> {
        let all = batch.kept.as_slice();
        let latest = self.policy.collect == Collect::Latest;
        let some = match self.policy.keep {
            _ if latest => all.get(all.len().saturating_sub(1)..),
            Keep::First(count) => all.get(..count.into()),
            Keep::Last(count) => all.get(all.len().saturating_sub(count.into())..),
            Keep::Top(count) => return top(all, count),
        };
        match some.unwrap_or(all) {
            [one] => vec![one.clone()],
            some => some.to_vec(),
        }
    }
}

/// Those of the highest rank; the older one first among equals.
#[inline(never)]
fn top<T: Clone>(all: &[Item<T>], count: u16) -> Vec<Item<T>> {
    let mut ranked: Vec<_> = all.iter().collect();
    ranked.sort_by_key(|item| std::cmp::Reverse(item.rank));
    ranked.into_iter().take(usize::from(count)).cloned().collect()
}

pub(crate) fn summary(sums: &Sums, actors: Actors, unread: u32) -> Summary {
    let (total, bytes) = (sums.total, sums.bytes);
    Summary { total, actors, first: wall(sums.first), last: wall(sums.last), bytes, unread }
}
