//! A notification is made, and its events move on: in flight, or delivered.

use crate::batch::{Batch, Flight};
use crate::options::{Collect, Keep};
use crate::summary::{Actors, Summary};
use crate::sums::Sums;
use crate::time::{after, span, wall};
use crate::{Cause, Clear, Engine, EventId, Generation, Host, Item, Lane, Notify, Output};

/// What a notification says of its events.
pub(crate) struct Content<H: Host> {
    pub(crate) sums: Sums,
    pub(crate) actors: Actors,
    pub(crate) samples: Vec<Item<H::Payload>>,
    pub(crate) ids: Vec<EventId>,
    pub(crate) fold: H::Fold,
}

impl<H: Host> Engine<H> {
    /// Sends a batch that was pending.
    pub(crate) fn send(
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
        let unread = self.unread_of(index).saturating_add(total);
        let content = Content {
            sums: batch.sums,
            actors: batch.counted_actors(self.policy.actors),
            samples: self.samples(&batch),
            ids: batch.kept.iter().map(|item| item.id).collect(),
            fold: batch.fold(&self.host),
        };
        self.notify(index, content, generation, lane, None, unread);
        if self.derived.tracks
            && let Some(extra) = self.store.extra_mut(index)
        {
            extra.told = unread;
            if let Some(timeout) = self.policy.ack_timeout {
                let (until, generation) = (after(now, span(timeout)), generation.to_bits());
                let (held, sent, read, cancelled) = (false, total, 0, 0);
                extra.flights.push(Flight {
                    generation,
                    lane,
                    until,
                    held,
                    failures,
                    sent,
                    read,
                    cancelled,
                    batch,
                });
                return Generation::from_bits(generation);
            }
        }
        self.deliver(index, lane, batch);
        generation
    }

    /// A batch arrived: what is kept of it is what reads, cancels and reminders need.
    pub(crate) fn deliver(&mut self, index: u32, lane: Lane, batch: Batch<H>) {
        self.bytes = self.bytes.saturating_sub(u64::from(batch.sums.bytes));
        self.kept = self.kept.saturating_sub(batch.kept.len() as u64);
        if !self.derived.remembers || batch.sums.total == 0 {
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

    pub(crate) fn notify(
        &mut self,
        index: u32,
        content: Content<H>,
        generation: Generation,
        lane: Lane,
        reminder: Option<u8>,
        unread: u32,
    ) {
        let identity = self.store.identity_of(index);
        let Some(key) = self.store.key(index).cloned() else { return };
        let Content { sums, actors, samples, ids, fold } = content;
        self.outputs.push_back(Output::Notify(Notify {
            key,
            generation,
            collapse_id: self.seed.collapse_id_of(identity, lane),
            lane,
            reminder,
            class: sums.class,
            summary: Summary {
                total: sums.total,
                actors,
                first: wall(sums.first),
                last: wall(sums.last),
                bytes: sums.bytes,
                unread,
            },
            samples,
            ids,
            fold,
        }));
    }

    pub(crate) fn clear(
        &mut self,
        index: u32,
        lane: Lane,
        cause: Cause,
        events: Vec<(EventId, u16)>,
        remaining: u32,
    ) {
        let identity = self.store.identity_of(index);
        let Some(key) = self.store.key(index).cloned() else { return };
        let (generation, collapse_id) = (self.next_generation(), self.seed.collapse_id_of(identity, lane));
        self.outputs.push_back(Output::Clear(Clear {
            key,
            generation,
            collapse_id,
            lane,
            cause,
            events,
            remaining,
        }));
    }

    /// Nothing is known of this key: whatever was shown for it is taken away.
    pub(crate) fn clear_unknown(&mut self, key: &H::Key, cause: Cause) {
        let identity = self.seed.identity(key);
        let lanes = [Lane::Digest, Lane::Urgent];
        let used = if self.policy.urgent == crate::options::Urgent::Flush { 1 } else { 2 };
        for lane in lanes.into_iter().take(used) {
            let (generation, collapse_id) =
                (self.next_generation(), self.seed.collapse_id_of(identity, lane));
            let (key, events, remaining) = (key.clone(), Vec::new(), 0);
            self.outputs.push_back(Output::Clear(Clear {
                key,
                generation,
                collapse_id,
                lane,
                cause,
                events,
                remaining,
            }));
        }
    }

    /// The events to show.
    fn samples(&self, batch: &Batch<H>) -> Vec<Item<H::Payload>> {
        let all = batch.kept.as_slice();
        let first = |count: u16| all.get(..count.into()).unwrap_or(all).to_vec();
        let last =
            |count: u16| all.get(all.len().saturating_sub(count.into())..).unwrap_or_default().to_vec();
        match self.policy.keep {
            _ if self.policy.collect == Collect::Latest => last(1),
            Keep::First(count) => first(count),
            Keep::Last(count) => last(count),
            Keep::Top(count) => {
                let mut ranked: Vec<_> = all.iter().collect();
                ranked.sort_by_key(|item| std::cmp::Reverse(item.rank));
                ranked.into_iter().take(usize::from(count)).cloned().collect()
            }
        }
    }
}
