//! Writing. What there are millions of has few fields of a fixed width: that is larger than it could be, and fast.

use super::Codec;
use super::items::{TYPICAL, write_items, write_node};
use crate::batch::Batch;
use crate::delivered::Delivered;
use crate::engine::is_memory;
use crate::flights::Flight;
use crate::store::ROW;
use crate::store::record::{Cold, Extra, Hot, flag};
use crate::store::seen::Known;
use crate::sums::Sums;
use crate::time::NEVER;
use crate::{Engine, Host, Ledger};

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
        out.reserve(self.store.used() as usize * RECORD + kept * TYPICAL + self.seen.len() * 24);
        (self.now, self.generation, self.forgot).encode(out);
        self.policy.encode(out);
        self.limits.encode(out);
        self.calendar.encode(out);
        for number in ledger_fields(&self.ledger) {
            number.encode(out);
        }
        let free: Vec<u64> = self.store.free_list().map(u64::from).collect();
        write_numbers(&free, out);
        self.store.used().encode(out);
        let (mut next, mut row) = (0, Vec::with_capacity(ROW));
        let mut indices = self.store.indices();
        loop {
            row.extend(indices.by_ref().take(ROW));
            if row.is_empty() {
                break;
            }
            self.store.fetch_listed(&row);
            for index in row.drain(..) {
                if let (Some(hot), Some(cold)) = (self.store.hot(index), self.store.cold(index)) {
                    (index - next).encode(out);
                    next = index + 1;
                    self.write_record(hot, cold, out);
                }
            }
        }
        let memories =
            self.memories.entries().filter(|(_, index, entry)| is_memory(&self.store, *index, *entry));
        let memories: Vec<u64> = memories.map(|(_, index, _)| u64::from(index)).collect();
        write_numbers(&memories, out);
        for known in [Known::Came, Known::Cancelled] {
            let seen = self.seen.entries(known, self.now);
            (seen.len() as u64).encode(out);
            for (id, until) in seen {
                out.extend_from_slice(&id.to_le_bytes());
                out.extend_from_slice(&until.to_le_bytes());
            }
        }
    }

    fn write_record(&self, hot: &Hot, cold: &Cold<H>, out: &mut Vec<u8>) {
        if let Some(key) = &cold.key {
            key.encode(out);
        }
        let mut front = [0; 10];
        let [wait, flags, end @ ..] = &mut front;
        (*wait, *flags) = (hot.wait as u8, hot.flags & (flag::LISTED | flag::KEPT | flag::EXTRA));
        let counted = cold.extra.as_deref().and_then(|extra| extra.counted.as_deref());
        let perishes = counted.filter(|counted| !hot.has(flag::LISTED) && counted.useful_until != NEVER);
        *flags |= u8::from(perishes.is_some()) * flag::PERISHES;
        *end = hot.end.to_le_bytes();
        out.extend_from_slice(&front);
        if hot.has(flag::LISTED) {
            // The newest first, and no sums: they are made from the events.
            hot.total.encode(out);
            for (_, node, payload) in self.store.items.back_from(hot.last_listed()) {
                write_node(node, payload, out);
            }
        } else {
            write_sums(&hot.sums(), out);
            cold.fold.encode(out);
        }
        if let Some(counted) = perishes {
            counted.useful_until.encode(out);
        }
        if hot.has(flag::KEPT) {
            write_items(cold.kept(), out);
        }
        if let Some(extra) = cold.extra.as_deref().filter(|_| hot.has(flag::EXTRA)) {
            write_extra(extra, out);
        }
    }
}

pub(super) const fn ledger_fields(ledger: &Ledger) -> [u64; 12] {
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
        l.superseded,
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

fn write_extra<H: Host>(extra: &Extra<H>, out: &mut Vec<u8>)
where
    H::Payload: Codec,
    H::Fold: Codec,
{
    let paces = extra.paces();
    write_numbers(extra.actors(), out);
    (extra.mark, extra.told, extra.failures, paces.refractory_level).encode(out);
    (paces.refractory_until, paces.notified_at, paces.remind_at, paces.remind_step).encode(out);
    (paces.remind_held, extra.since, extra.known, paces.before).encode(out);
    out.extend_from_slice(&extra.silent.map(u8::from));
    write_delivered::<H>(&extra.delivered, out);
    match extra.overtook.as_deref() {
        Some(overtook) => write_delivered::<H>(overtook, out),
        None => false.encode(out),
    }
    (extra.flights.len() as u64).encode(out);
    for flight in extra.flights.iter() {
        let Flight { generation, lane, until, held, superseded, failures, .. } = flight;
        let Flight { sent, read, cancelled, batch, .. } = flight;
        (*generation, *lane as u8, *until, *held).encode(out);
        superseded.encode(out);
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
        if !batch.is_exact() {
            batch.useful_until.encode(out);
        }
    }
}

/// As a batch whose events have lost what nobody will ask for.
fn write_delivered<H: Host>(delivered: &Delivered, out: &mut Vec<u8>)
where
    H::Fold: Codec,
{
    (!delivered.is_empty()).encode(out);
    if !delivered.is_empty() {
        write_sums(&delivered.sums(), out);
        write_numbers(delivered.counted_rest(), out);
        H::Fold::default().encode(out);
        (delivered.kept().len() as u64).encode(out);
        delivered.kept().iter().for_each(|told| write_node::<()>(&told.node(), None, out));
        if delivered.kept().len() < delivered.total() as usize {
            // Nobody asks whether it is of use.
            NEVER.encode(out);
        }
    }
}

fn write_numbers(numbers: &[u64], out: &mut Vec<u8>) {
    (numbers.len() as u64).encode(out);
    numbers.iter().for_each(|number| number.encode(out));
}

/// About the size of a record without its events.
const RECORD: usize = 40;
