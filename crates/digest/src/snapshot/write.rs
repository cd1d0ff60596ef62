//! Writing. What there are millions of has a fixed width: that is larger than it could be, and fast.

use super::Codec;
use crate::batch::{Batch, Flight};
use crate::engine::is_memory;
use crate::store::record::{Cold, Extra, Hot, Sums, flag};
use crate::{Engine, Host, Item, Ledger};

impl<H: Host> Engine<H>
where
    H::Key: Codec,
    H::Payload: Codec,
    H::Fold: Codec,
    H::Calendar: Codec,
{
    /// Appends the whole state.
    pub(super) fn write_state(&self, out: &mut Vec<u8>) {
        debug_assert!(self.outputs.is_empty() && self.staged.is_none(), "outputs are not in a snapshot");
        let kept = usize::try_from(self.kept + self.delivered).unwrap_or(0);
        out.reserve(self.store.used() as usize * 80 + kept * (ITEM + 8));
        (self.now, self.generation).encode(out);
        self.policy.encode(out);
        self.limits.encode(out);
        self.calendar.encode(out);
        for number in ledger_fields(&self.ledger) {
            number.encode(out);
        }
        let free: Vec<u64> = self.store.free_list().map(u64::from).collect();
        write_numbers(&free, out);
        self.store.used().encode(out);
        let mut next = 0;
        for index in self.store.indices() {
            if let (Some(hot), Some(cold)) = (self.store.hot(index), self.store.cold(index)) {
                (index - next).encode(out);
                next = index + 1;
                write_record(hot, cold, out);
            }
        }
        let memories =
            self.memories.entries().filter(|(_, index, entry)| is_memory(&self.store, *index, *entry));
        let memories: Vec<u64> = memories.map(|(_, index, _)| u64::from(index)).collect();
        write_numbers(&memories, out);
        let seen = self.seen.entries(self.now);
        (seen.len() as u64).encode(out);
        for (id, until, known) in seen {
            (id, until, known as u8).encode(out);
        }
    }
}

pub(super) const fn ledger_fields(ledger: &Ledger) -> [u64; 11] {
    let l = ledger;
    [
        l.events,
        l.pending,
        l.notified,
        l.merged,
        l.read_before,
        l.duplicate,
        l.throttled,
        l.quiet,
        l.cancelled,
        l.expired,
        l.refused,
    ]
}

pub(super) const SUMS: usize = 8 * 4 + 4 * 2 + 3;

fn write_sums(sums: &Sums, out: &mut Vec<u8>) {
    for number in [sums.first, sums.last, sums.seq_hi, sums.actor] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    out.extend_from_slice(&sums.total.to_le_bytes());
    out.extend_from_slice(&sums.bytes.to_le_bytes());
    out.extend_from_slice(&[sums.actors, sums.class, u8::from(sums.more)]);
}

fn write_record<H: Host>(hot: &Hot, cold: &Cold<H>, out: &mut Vec<u8>)
where
    H::Key: Codec,
    H::Payload: Codec,
    H::Fold: Codec,
{
    if let Some(key) = &cold.key {
        key.encode(out);
    }
    out.extend_from_slice(&[hot.wait as u8, hot.flags & (flag::KEPT | flag::EXTRA)]);
    out.extend_from_slice(&hot.end.to_le_bytes());
    write_sums(&hot.sums(), out);
    cold.fold.encode(out);
    if hot.has(flag::KEPT) {
        write_items(&cold.kept, out);
    }
    if let Some(extra) = cold.extra.as_deref().filter(|_| hot.has(flag::EXTRA)) {
        write_extra(extra, out);
    }
}

fn write_extra<H: Host>(extra: &Extra<H>, out: &mut Vec<u8>)
where
    H::Payload: Codec,
    H::Fold: Codec,
{
    write_numbers(&extra.actors, out);
    (extra.mark, extra.told, extra.failures, extra.refractory_level).encode(out);
    (extra.refractory_until, extra.notified_at, extra.remind_at, extra.remind_step).encode(out);
    (extra.remind_held, extra.since).encode(out);
    extra.delivered.iter().for_each(|batch| write_batch(batch, out));
    (extra.flights.len() as u64).encode(out);
    for flight in &extra.flights {
        let Flight { generation, lane, until, held, failures, sent, read, cancelled, batch } = flight;
        (*generation, *lane as u8, *until, *held).encode(out);
        (*failures, *sent, *read, *cancelled).encode(out);
        write_batch(batch, out);
    }
}

fn write_batch<H: Host>(batch: &Batch<H>, out: &mut Vec<u8>)
where
    H::Payload: Codec,
    H::Fold: Codec,
{
    // Most are empty.
    (batch.sums.total > 0).encode(out);
    if batch.sums.total > 0 {
        write_sums(&batch.sums, out);
        write_numbers(&batch.actors, out);
        batch.fold.encode(out);
        write_items(&batch.kept, out);
    }
}

fn write_numbers(numbers: &[u64], out: &mut Vec<u8>) {
    (numbers.len() as u64).encode(out);
    numbers.iter().for_each(|number| number.encode(out));
}

pub(super) const ITEM: usize = 16 + 8 * 4 + 4 * 2 + 3;

fn write_items<T: Codec>(items: &[Item<T>], out: &mut Vec<u8>) {
    (items.len() as u64).encode(out);
    for item in items {
        out.extend_from_slice(&item.id.0.to_le_bytes());
        for number in [item.seq, item.actor, item.at.as_millis(), item.useful_until.as_millis()] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&item.rank.to_le_bytes());
        out.extend_from_slice(&item.bytes.to_le_bytes());
        out.extend_from_slice(&item.kind.to_le_bytes());
        out.push(item.class);
        item.payload.encode(out);
    }
}
