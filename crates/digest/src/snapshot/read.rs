//! Reading: total on any bytes, and no allocation larger than they are.

use reveille_core::UnixTime;

use super::codec::take;
use super::write::{check_sum, ledger_fields};
use super::{CatchUp, Codec, MAGIC, RestoreError, VERSION};
use crate::batch::{Batch, Flight};
use crate::clock::Clock;
use crate::record::{Cold, Extra, Hot, bit};
use crate::slab::Slab;
use crate::{Actors, Engine, EventId, Host, Item, Lane, Ledger, Limits, Policy, Seed};

/// More than any engine ever counts to; a forged count that is larger could overflow.
const COUNTABLE: u64 = 1 << 62;
/// Distinct actors beside the first: [`Policy::actors`] is at most 32767.
const MORE_THAN_FIRST: usize = 0x7FFE;

/// What the ledger must hold for the batches in flight.
#[derive(Default)]
struct Sent {
    notified: u64,
    merged: u64,
}

impl<H: Host> Engine<H>
where
    H::Key: Codec,
    H::Payload: Codec,
    H::Fold: Codec,
{
    /// An engine from a snapshot. With the same host, policy and seed it goes on exactly where the other one stood;
    /// what came due meanwhile is treated as `catch_up` says. If it holds more events or bytes than the limits allow,
    /// they are kept, and new ones are refused until there is room.
    ///
    /// # Errors
    /// [`RestoreError`] says why the bytes are no snapshot, or why it cannot be used here.
    pub fn restore(
        host: H,
        policy: Policy,
        limits: Limits,
        seed: Seed,
        snapshot: &[u8],
        catch_up: CatchUp,
        now: UnixTime,
    ) -> Result<Self, RestoreError> {
        let mut engine = Self::new(host, policy, limits, seed)?;
        let body = check(snapshot)?;
        let mut rest = body;
        let read = engine.read(&mut rest).and_then(|()| rest.is_empty().then_some(()));
        if read.is_none() {
            return Err(RestoreError::Damaged { at: snapshot.len() - 8 - rest.len() });
        }
        let given = u64::from(engine.slab.used());
        if given > u64::from(limits.windows) {
            return Err(RestoreError::TooLarge { given, limit: limits.windows });
        }
        let now = engine.clock.observe(now, engine.derived.tolerance);
        engine.catch_up(catch_up, now);
        engine.arm_all(now);
        Ok(engine)
    }

    /// What is overdue keeps its order: the wheel begins with the earliest.
    fn arm_all(&mut self, now: u64) {
        let earliest = self.slab.indices().map(|index| self.timer(index)).min();
        self.wheel.advance(earliest.unwrap_or(now).min(now));
        for index in 0..self.slab.made() {
            if self.slab.hot(index).is_some_and(|hot| hot.state & (bit::USED | bit::ARMED) == bit::USED) {
                self.enter(index, self.timer(index));
            }
        }
        self.settle();
    }

    fn read(&mut self, bytes: &mut &[u8]) -> Option<()> {
        self.clock = Clock { last: take(bytes)?, offset: take(bytes)? };
        self.generation = take(bytes).filter(|generation| *generation <= COUNTABLE)?;
        self.ledger = read_ledger(bytes)?;
        let free = read_numbers(bytes)?;
        let free: Vec<u32> = free.into_iter().map(u32::try_from).collect::<Result<_, _>>().ok()?;
        let used = u32::try_from(take(bytes)?).ok()?;
        // Every record takes more than a byte.
        if used as usize > bytes.len() {
            return None;
        }
        let made = used.checked_add(u32::try_from(free.len()).ok()?)?;
        self.slab = Slab::rebuild(made, &free)?;
        let mut next = 0_u32;
        let (mut pending, mut sent) = (0, Sent::default());
        for _ in 0..used {
            let index = next.checked_add(u32::try_from(take(bytes)?).ok()?)?;
            next = index.checked_add(1)?;
            pending += u64::from(self.read_record(index, &mut sent, bytes)?);
        }
        // Every record was named once: those in use by the records, the others by the list.
        let free_again =
            free.iter().all(|index| self.slab.hot(*index).is_some_and(|hot| !hot.has(bit::USED)));
        if !free_again || self.slab.free_list().take(free.len() + 1).count() != free.len() {
            return None;
        }
        // If a batch comes back, its events are taken out of these sums again.
        if pending != self.ledger.pending
            || sent.notified > self.ledger.notified
            || sent.merged > self.ledger.merged
        {
            return None;
        }
        for _ in 0..take(bytes)? {
            let at = take(bytes)?;
            let (id, done) = <(u128, bool)>::decode(bytes)?;
            if let Some(dedup) = &mut self.dedup {
                dedup.restore(at, EventId(id), done)?;
            }
        }
        Some(())
    }

    fn read_record(&mut self, index: u32, sent: &mut Sent, bytes: &mut &[u8]) -> Option<u32> {
        let key = H::Key::decode(bytes)?;
        let (state, class) = <(u8, u8)>::decode(bytes)?;
        if state & (bit::USED | bit::ARMED | bit::FAR) != 0 {
            return None;
        }
        let opened = take(bytes)?;
        let last = opened.wrapping_add(take(bytes)?);
        let deadline = opened.wrapping_add(take(bytes)?);
        let identity = self.seed.identity(&key);
        let hot = Hot {
            fingerprint: identity.fingerprint(),
            deadline,
            opened,
            last,
            seq_hi: take(bytes)?,
            actor: take(bytes)?,
            total: Codec::decode(bytes)?,
            bytes: Codec::decode(bytes)?,
            armed: 0,
            actors: Codec::decode(bytes)?,
            state: state | bit::USED,
            class,
        };
        let fold = H::Fold::decode(bytes)?;
        let extra = if hot.has(bit::EXTRA) { Some(Box::new(self.read_extra(sent, bytes)?)) } else { None };
        let items = extra.as_deref().map_or(0, |extra: &Extra<H>| extra.items.len());
        let consistent = if hot.has(bit::TRACKED) { items == hot.total as usize } else { items <= 1 };
        if !consistent || (hot.total > 0 && !hot.has(bit::OPEN)) || self.find(identity).is_some() {
            return None;
        }
        self.bytes = self.bytes.checked_add(u64::from(hot.bytes))?;
        self.items += items as u64;
        let total = hot.total;
        self.slab.put(index, hot, Cold { key: Some(key), extra, fold })?;
        self.table.insert(identity.tag(), index);
        Some(total)
    }

    fn read_extra(&mut self, in_flight: &mut Sent, bytes: &mut &[u8]) -> Option<Extra<H>> {
        let mut extra = Extra {
            items: read_items(bytes)?,
            actors: read_numbers(bytes)?,
            first: take(bytes)?,
            mark: take(bytes)?,
            told: Codec::decode(bytes)?,
            failures: Codec::decode(bytes)?,
            refractory_level: Codec::decode(bytes)?,
            refractory_until: take(bytes)?,
            notified_at: take(bytes)?,
            remind_at: take(bytes)?,
            remind_step: Codec::decode(bytes)?,
            forget_at: take(bytes)?,
            delivered: [self.read_batch(bytes)?, self.read_batch(bytes)?],
            flights: Vec::new(),
        };
        // A ladder has 16 steps at most; one that is to be taken counts.
        let steps = extra.remind_step.saturating_add(u8::from(extra.remind_at != u64::MAX));
        if extra.actors.len() > MORE_THAN_FIRST || steps > 16 {
            return None;
        }
        for _ in 0..take(bytes)? {
            let generation = take(bytes)?;
            let lane = match u8::decode(bytes)? {
                0 => Lane::Digest,
                1 => Lane::Urgent,
                _ => return None,
            };
            let until = take(bytes)?;
            let (sent, read, cancelled) = <(u32, u32, u32)>::decode(bytes)?;
            let batch = self.read_batch(bytes)?;
            let rest = u64::from(batch.total) + u64::from(read) + u64::from(cancelled);
            if rest != u64::from(sent) {
                return None;
            }
            in_flight.notified += u64::from(sent > 0);
            in_flight.merged += u64::from(sent.saturating_sub(1));
            self.bytes = self.bytes.checked_add(u64::from(batch.bytes))?;
            extra.flights.push(Flight { generation, lane, until, sent, read, cancelled, batch });
        }
        Some(extra)
    }

    fn read_batch(&mut self, bytes: &mut &[u8]) -> Option<Batch<H>> {
        let batch = Batch {
            tracked: Codec::decode(bytes)?,
            total: Codec::decode(bytes)?,
            bytes: Codec::decode(bytes)?,
            first: take(bytes)?,
            last: take(bytes)?,
            seq_hi: take(bytes)?,
            class: Codec::decode(bytes)?,
            actors: Actors {
                first: Codec::decode(bytes)?,
                rest: read_numbers(bytes)?,
                more: Codec::decode(bytes)?,
            },
            items: read_items(bytes)?,
            fold: H::Fold::decode(bytes)?,
        };
        self.items += batch.items.len() as u64;
        let consistent =
            if batch.tracked { batch.items.len() == batch.total as usize } else { batch.items.len() <= 1 };
        (consistent && batch.actors.rest.len() <= MORE_THAN_FIRST).then_some(batch)
    }
}

/// The part between the version and the check sum.
fn check(snapshot: &[u8]) -> Result<&[u8], RestoreError> {
    let Some(rest) = snapshot.strip_prefix(&MAGIC) else {
        return Err(RestoreError::NotASnapshot);
    };
    let Some((given, rest)) = rest.split_first() else {
        return Err(RestoreError::NotASnapshot);
    };
    if *given != VERSION {
        return Err(RestoreError::Version { given: *given, expected: VERSION });
    }
    let damaged = RestoreError::Damaged { at: snapshot.len() };
    let (body, _) = rest.split_last_chunk::<8>().ok_or(damaged)?;
    let (summed, sum) = snapshot.split_last_chunk::<8>().ok_or(damaged)?;
    if check_sum(summed) != u64::from_le_bytes(*sum) {
        return Err(damaged);
    }
    Ok(body)
}

fn read_ledger(bytes: &mut &[u8]) -> Option<Ledger> {
    let mut l = Ledger::default();
    for field in [
        &mut l.events,
        &mut l.pending,
        &mut l.notified,
        &mut l.merged,
        &mut l.read_before,
        &mut l.duplicate,
        &mut l.throttled,
        &mut l.quiet,
        &mut l.cancelled,
        &mut l.expired,
        &mut l.refused,
    ] {
        *field = take(bytes)?;
    }
    let exact = ledger_fields(&l).into_iter().skip(1).try_fold(0_u64, u64::checked_add)?;
    (exact == l.events && exact <= COUNTABLE).then_some(l)
}

fn read_numbers(bytes: &mut &[u8]) -> Option<Vec<u64>> {
    let len = usize::try_from(take(bytes)?).ok()?;
    // Every number takes a byte at least.
    if len > bytes.len() {
        return None;
    }
    (0..len).map(|_| take(bytes)).collect()
}

fn read_items<T: Codec>(bytes: &mut &[u8]) -> Option<Vec<Item<T>>> {
    let len = usize::try_from(take(bytes)?).ok()?;
    // Every item takes 24 bytes at least.
    if len > bytes.len() / 24 {
        return None;
    }
    (0..len)
        .map(|_| {
            Some(Item {
                id: EventId(Codec::decode(bytes)?),
                seq: take(bytes)?,
                actor: take(bytes)?,
                at: UnixTime::from_millis(take(bytes)?),
                kind: Codec::decode(bytes)?,
                class: Codec::decode(bytes)?,
                rank: Codec::decode(bytes)?,
                bytes: Codec::decode(bytes)?,
                payload: Codec::decode(bytes)?,
            })
        })
        .collect()
}
