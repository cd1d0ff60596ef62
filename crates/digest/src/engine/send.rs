//! A notification is made, and its events move on: in flight, or delivered.

use crate::batch::{Batch, Flight};
use crate::options::{Collect, Keep};
use crate::summary::Summary;
use crate::time::{after, span, wall};
use crate::{Cause, Clear, Engine, EventId, Generation, Host, Item, Lane, Notify, Output};

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
        self.notify(index, &batch, generation, lane, None, unread);
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
    pub(crate) fn deliver(&mut self, index: u32, lane: Lane, mut batch: Batch<H>) {
        self.bytes = self.bytes.saturating_sub(u64::from(batch.sums.bytes));
        self.kept = self.kept.saturating_sub(batch.kept.len() as u64);
        if !self.derived.remembers || batch.sums.total == 0 {
            return;
        }
        for item in &mut batch.kept {
            item.payload = None;
        }
        let (most, actors) = (self.limits.per_key(), self.policy.actors);
        let host = &self.host;
        let Some(extra) = self.store.extra_mut(index) else { return };
        let delivered = match lane {
            Lane::Digest => &mut extra.delivered,
            Lane::Urgent => extra.overtook.get_or_insert_default(),
        };
        self.delivered += batch.kept.len() as u64;
        delivered.join(batch, host, actors);
        self.delivered = self.delivered.saturating_sub(delivered.keep_last(most, host, actors));
        while self.delivered > self.limits.delivered && self.forget_oldest() {}
        if self.delivered > self.limits.delivered
            && let Some(extra) = self.store.extra_mut(index)
            && let Some(delivered) = extra.delivered_in(lane)
        {
            self.delivered -= delivered.keep_last(0, &self.host, actors);
        }
    }

    pub(crate) fn notify(
        &mut self,
        index: u32,
        batch: &Batch<H>,
        generation: Generation,
        lane: Lane,
        reminder: Option<u8>,
        unread: u32,
    ) {
        let identity = self.store.identity_of(index);
        let Some(key) = self.store.key(index).cloned() else { return };
        let again = reminder.is_some();
        self.outputs.push_back(Output::Notify(Notify {
            key,
            generation,
            collapse_id: self.seed.collapse_id_of(identity, lane),
            lane,
            reminder,
            class: batch.sums.class,
            summary: Summary {
                total: batch.sums.total,
                actors: batch.counted_actors(self.policy.actors),
                first: wall(batch.sums.first),
                last: wall(batch.sums.last),
                bytes: batch.sums.bytes,
                unread,
            },
            // A reminder's events have lost their payloads: there is nothing to show and nothing to fold.
            samples: if again { Vec::new() } else { self.samples(batch) },
            ids: batch.kept.iter().map(|item| item.id).collect(),
            fold: if again { H::Fold::default() } else { batch.fold(&self.host) },
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
        let all = batch.kept.iter();
        let last = |count: u16| batch.kept.len().saturating_sub(usize::from(count));
        match self.policy.keep {
            _ if self.policy.collect == Collect::Latest => all.skip(last(1)).cloned().collect(),
            Keep::First(count) => all.take(usize::from(count)).cloned().collect(),
            Keep::Last(count) => all.skip(last(count)).cloned().collect(),
            Keep::Top(count) => {
                let mut ranked: Vec<_> = all.collect();
                ranked.sort_by_key(|item| std::cmp::Reverse(item.rank));
                ranked.into_iter().take(usize::from(count)).cloned().collect()
            }
        }
    }
}
