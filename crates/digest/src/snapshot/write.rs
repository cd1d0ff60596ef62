//! Writing.

use std::hash::Hasher;

use super::codec::put;
use super::{Codec, MAGIC, Undrained, VERSION};
use crate::batch::Batch;
use crate::record::{Cold, Extra, Hot, bit};
use crate::{Actors, Engine, Host, Item, Ledger};
use reveille_core::siphash::Sip13;

impl<H: Host> Engine<H>
where
    H::Key: Codec,
    H::Payload: Codec,
    H::Fold: Codec,
{
    /// Appends the whole state, with version and check sum: windows, memories, batches in flight, deduplication,
    /// ledger. Host, policy, limits and seed are not in it: the one who restores supplies them.
    ///
    /// # Errors
    /// [`Undrained`]: poll all outputs first.
    pub fn snapshot(&self, out: &mut Vec<u8>) -> Result<(), Undrained> {
        let waiting = self.outputs.len() + self.due.len();
        if waiting > 0 {
            return Err(Undrained { waiting });
        }
        let start = out.len();
        out.extend_from_slice(&MAGIC);
        out.push(VERSION);
        for number in [self.clock.last, self.clock.offset, self.generation] {
            put(out, number);
        }
        for number in ledger_fields(&self.ledger) {
            put(out, number);
        }
        put(out, self.slab.free_list().count() as u64);
        for index in self.slab.free_list() {
            put(out, u64::from(index));
        }
        put(out, u64::from(self.slab.used()));
        let mut next = 0;
        for index in self.slab.indices() {
            if let (Some(hot), Some(cold)) = (self.slab.hot(index), self.slab.cold(index)) {
                put(out, u64::from(index - next));
                next = index + 1;
                write_record(hot, cold, out);
            }
        }
        let entries: Vec<_> = self.dedup.iter().flat_map(|dedup| dedup.entries()).collect();
        put(out, entries.len() as u64);
        for (at, id, done) in entries {
            put(out, at);
            (id.0, done).encode(out);
        }
        let sum = check_sum(out.get(start..).unwrap_or_default());
        out.extend_from_slice(&sum.to_le_bytes());
        Ok(())
    }
}

/// Adds the check sum that [`Engine::restore`] wants: for tests that forge snapshots.
#[doc(hidden)]
#[must_use]
pub fn with_check_sum(mut bytes: Vec<u8>) -> Vec<u8> {
    let sum = check_sum(&bytes);
    bytes.extend_from_slice(&sum.to_le_bytes());
    bytes
}

/// Against accidents, not against attackers: the key is known.
pub(super) fn check_sum(bytes: &[u8]) -> u64 {
    let mut hasher = Sip13::new(0, 0);
    hasher.write(bytes);
    hasher.finish()
}

pub(super) fn ledger_fields(ledger: &Ledger) -> [u64; 11] {
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

fn write_record<H: Host>(hot: &Hot, cold: &Cold<H>, out: &mut Vec<u8>)
where
    H::Key: Codec,
    H::Payload: Codec,
    H::Fold: Codec,
{
    if let Some(key) = &cold.key {
        key.encode(out);
    }
    (hot.state & !(bit::USED | bit::ARMED | bit::FAR), hot.class).encode(out);
    // Times close to each other, as differences: most are short.
    put(out, hot.opened);
    put(out, hot.last.wrapping_sub(hot.opened));
    put(out, hot.deadline.wrapping_sub(hot.opened));
    for number in [hot.seq_hi, hot.actor, u64::from(hot.total), u64::from(hot.bytes), u64::from(hot.actors)] {
        put(out, number);
    }
    cold.fold.encode(out);
    if let Some(extra) = &cold.extra {
        write_extra(extra, out);
    }
}

fn write_extra<H: Host>(extra: &Extra<H>, out: &mut Vec<u8>)
where
    H::Payload: Codec,
    H::Fold: Codec,
{
    write_items(&extra.items, out);
    write_numbers(&extra.actors, out);
    for number in [
        extra.first,
        extra.mark,
        u64::from(extra.told),
        u64::from(extra.failures),
        u64::from(extra.refractory_level),
        extra.refractory_until,
        extra.notified_at,
        extra.remind_at,
        u64::from(extra.remind_step),
        extra.forget_at,
    ] {
        put(out, number);
    }
    for batch in &extra.delivered {
        write_batch(batch, out);
    }
    put(out, extra.flights.len() as u64);
    for flight in &extra.flights {
        put(out, flight.generation);
        (flight.lane as u8).encode(out);
        put(out, flight.until);
        for count in [flight.sent, flight.read, flight.cancelled] {
            put(out, u64::from(count));
        }
        write_batch(&flight.batch, out);
    }
}

fn write_batch<H: Host>(batch: &Batch<H>, out: &mut Vec<u8>)
where
    H::Payload: Codec,
    H::Fold: Codec,
{
    batch.tracked.encode(out);
    for number in [
        u64::from(batch.total),
        u64::from(batch.bytes),
        batch.first,
        batch.last,
        batch.seq_hi,
        u64::from(batch.class),
    ] {
        put(out, number);
    }
    let Actors { first, rest, more } = &batch.actors;
    first.encode(out);
    write_numbers(rest, out);
    more.encode(out);
    write_items(&batch.items, out);
    batch.fold.encode(out);
}

fn write_numbers(numbers: &[u64], out: &mut Vec<u8>) {
    put(out, numbers.len() as u64);
    for number in numbers {
        put(out, *number);
    }
}

fn write_items<T: Codec>(items: &[Item<T>], out: &mut Vec<u8>) {
    put(out, items.len() as u64);
    for item in items {
        item.id.0.encode(out);
        for number in [
            item.seq,
            item.actor,
            item.at.as_millis(),
            u64::from(item.kind),
            u64::from(item.class),
            u64::from(item.rank),
            u64::from(item.bytes),
        ] {
            put(out, number);
        }
        item.payload.encode(out);
    }
}
