//! Reading: total on any bytes, and nothing is allocated but in proportion to them.

use super::items::{fixed, read_items};
use super::write::{SUMS, ledger_fields};
use super::{Codec, RestoreError};
use crate::batch::Batch;
use crate::delivered::{Delivered, Told};
use crate::flights::{Flight, Flights};
use crate::hash::Identity;
use crate::store::items::Node;
use crate::store::record::{Cold, Counted, Extra, Hot, Paces, Wait, flag};
use crate::store::seen::Known;
use crate::sums::Sums;
use crate::time::NEVER;
use crate::{Engine, Host, Item, Lane, Ledger, Limits, Policy, Seed};

/// More than any engine ever counts to; a forged count that is larger could overflow.
const COUNTABLE: u64 = 1 << 62;

/// What the ledger must hold for the records.
#[derive(Default)]
struct Tally {
    pending: u64,
    notified: u64,
    merged: u64,
}

impl<H: Host> Engine<H>
where
    H::Key: Codec,
    H::Payload: Codec,
    H::Fold: Codec,
    H::Calendar: Codec,
{
    pub(super) fn read_state(host: H, seed: Seed, bytes: &[u8]) -> Result<Self, RestoreError> {
        let mut rest = bytes;
        let engine = Self::read_all(host, seed, &mut rest).filter(|_| rest.is_empty());
        engine.ok_or(RestoreError::Damaged { at: bytes.len() - rest.len() })
    }

    fn read_all(host: H, seed: Seed, bytes: &mut &[u8]) -> Option<Self> {
        let (now, generation, forgot) = <(u64, u64, bool)>::decode(bytes)?;
        let (policy, limits) = <(Policy, Limits)>::decode(bytes)?;
        let mut engine = Self::new(host, policy, limits, seed).ok()?;
        engine.calendar = Codec::decode(bytes)?;
        if now > COUNTABLE || generation > COUNTABLE {
            return None;
        }
        (engine.now, engine.generation, engine.forgot) = (now, generation, forgot);
        engine.ledger = read_ledger(bytes)?;
        engine.read_records(bytes)?;
        engine.read_memories(bytes)?;
        for known in [Known::Came, Known::Cancelled] {
            for _ in 0..u64::decode(bytes)? {
                let id = u128::from_le_bytes(fixed(bytes)?);
                engine.seen.restore(known, id, u64::from_le_bytes(fixed(bytes)?));
            }
        }
        engine.store.at(now);
        engine.store.arm_all(now);
        Some(engine)
    }

    fn read_records(&mut self, bytes: &mut &[u8]) -> Option<()> {
        let free = read_numbers(bytes)?;
        let free: Vec<u32> = free.into_iter().map(u32::try_from).collect::<Result<_, _>>().ok()?;
        let used = u32::decode(bytes)?;
        // Every record takes more than a byte.
        if used as usize > bytes.len() {
            return None;
        }
        let made = used.checked_add(u32::try_from(free.len()).ok()?)?;
        self.store.rebuild(made, &free)?;
        let (mut next, mut counted) = (0_u32, Tally::default());
        for _ in 0..used {
            let index = next.checked_add(u32::decode(bytes)?)?;
            next = index.checked_add(1)?;
            self.read_record(index, &mut counted, bytes)?;
        }
        // Every record was named once: those in use by the records, the others by the list.
        let all_free =
            free.iter().all(|index| self.store.hot(*index).is_some_and(|hot| hot.wait == Wait::Free));
        let listed = self.store.free_list().take(free.len() + 1).count() == free.len();
        // If a batch comes back, its events are taken out of these sums again.
        let exact = counted.pending == self.ledger.pending
            && counted.notified <= self.ledger.notified
            && counted.merged <= self.ledger.merged;
        (all_free && listed && exact).then_some(())
    }

    fn read_record(&mut self, index: u32, counted: &mut Tally, bytes: &mut &[u8]) -> Option<()> {
        let key = H::Key::decode(bytes)?;
        let [wait, flags] = fixed(bytes)?;
        let (wait, end) = (Wait::from_byte(wait)?, u64::from_le_bytes(fixed(bytes)?));
        let identity = self.seed.identity(&key);
        let mut hot = Hot { fingerprint: identity.fingerprint(), end, wait, flags, ..Hot::default() };
        hot.set(flag::LISTED, false);
        let perishes = flags & flag::PERISHES != 0;
        let (mut sums, mut fold, mut listed) = (Sums::default(), H::Fold::default(), Vec::new());
        if flags & flag::LISTED != 0 {
            listed = read_items(bytes)?;
            listed.reverse();
            listed.iter().for_each(|item| sums.count(item));
        } else {
            sums = read_sums(bytes)?;
            hot.set_sums(sums);
            fold = H::Fold::decode(bytes)?;
        }
        let useful_until = if perishes { u64::decode(bytes)? } else { NEVER };
        let kept = if flags & flag::KEPT != 0 { read_items(bytes)? } else { Vec::new() };
        let mut extra = if flags & flag::EXTRA != 0 {
            Some(Box::new(self.read_extra(identity, counted, bytes)?))
        } else {
            None
        };
        let known = flags & !(flag::LISTED | flag::KEPT | flag::EXTRA | flag::PERISHES) == 0
            && perishes == (useful_until != NEVER)
            && !(perishes && (flags & flag::LISTED != 0 || sums.total == 0))
            && kept.is_empty() == (flags & flag::KEPT == 0)
            && listed.is_empty() == (flags & flag::LISTED == 0)
            && (kept.is_empty() || listed.is_empty());
        let waits = if sums.total == 0 {
            matches!(wait, Wait::Open | Wait::Idle | Wait::Remembered)
        } else {
            wait.is_window()
        };
        let blocked = wait != Wait::InFlight || extra.as_deref().is_some_and(Extra::digest_in_flight);
        if !known || !waits || !blocked || kept.len() > sums.total as usize {
            return None;
        }
        counted.pending = counted.pending.checked_add(u64::from(sums.total))?;
        let kept_bytes = bytes_of(&kept);
        self.bytes = self.bytes.checked_add(kept_bytes + bytes_of(&listed))?;
        self.kept += (kept.len() + listed.len()) as u64;
        if !kept.is_empty() || perishes {
            let extra: &mut Box<Extra<H>> = extra.get_or_insert_default();
            let counted = extra.counted.get_or_insert_default();
            (counted.kept, counted.kept_bytes, counted.useful_until) = (kept, kept_bytes, useful_until);
        }
        self.store.put(index, identity, hot, Cold { key: Some(key), low: identity.low(), extra, fold })?;
        listed.into_iter().try_for_each(|item| self.store.keep(index, item).ok())?;
        // A record that nothing would ever end.
        (!self.is_idle(index)).then_some(())
    }

    fn read_extra(&mut self, identity: Identity, counted: &mut Tally, bytes: &mut &[u8]) -> Option<Extra<H>> {
        let actors = read_actors(bytes)?;
        let mut paces = Paces::NONE;
        let (mark, told, failures);
        (mark, told, failures, paces.refractory_level) = Codec::decode(bytes)?;
        (paces.refractory_until, paces.notified_at, paces.remind_at, paces.remind_step) =
            Codec::decode(bytes)?;
        let (since, known);
        (paces.remind_held, since, known, paces.before) = Codec::decode(bytes)?;
        let silent = <(bool, bool)>::decode(bytes)?.into();
        let (delivered, overtook) = (read_delivered::<H>(bytes)?, read_delivered::<H>(bytes)?);
        self.delivered += (delivered.kept().len() + overtook.kept().len()) as u64;
        let overtook = (!overtook.is_empty()).then(|| Box::new(overtook));
        let mut flights = Flights::default();
        for _ in 0..u64::decode(bytes)? {
            let (generation, lane, until, held) = <(u64, u8, u64, bool)>::decode(bytes)?;
            let lane = [Lane::Digest, Lane::Urgent].into_iter().find(|l| *l as u8 == lane)?;
            let superseded = bool::decode(bytes)?;
            let (failures, sent, read, cancelled) = <(u8, u32, u32, u32)>::decode(bytes)?;
            let batch: Batch<H> = read_batch(bytes)?;
            if u64::from(batch.sums.total) + u64::from(read) + u64::from(cancelled) != u64::from(sent) {
                return None;
            }
            if held {
                counted.pending = counted.pending.checked_add(u64::from(sent))?;
            } else {
                counted.notified += u64::from(sent > 0);
                counted.merged += u64::from(sent.saturating_sub(1));
            }
            if held && (lane == Lane::Digest || read > 0 || cancelled > 0) {
                return None;
            }
            self.bytes = self.bytes.checked_add(batch.kept_bytes)?;
            self.kept += batch.kept.len() as u64;
            let collapse_id = self.seed.collapse_id_of(identity, lane);
            flights.push(Flight {
                generation,
                lane,
                collapse_id,
                until,
                held,
                superseded,
                failures,
                sent,
                read,
                cancelled,
                batch,
            });
        }
        let counted = (!actors.is_empty()).then(|| Box::new(Counted { actors, ..Counted::default() }));
        let paces = (paces != Paces::NONE).then(|| Box::new(paces));
        let entry = 0;
        Some(Extra {
            mark,
            since,
            entry,
            told,
            failures,
            known,
            silent,
            flights,
            delivered,
            overtook,
            counted,
            paces,
        })
    }

    /// The memories in the order in which they go.
    fn read_memories(&mut self, bytes: &mut &[u8]) -> Option<()> {
        let mut last = 0;
        for index in read_numbers(bytes)? {
            let index = u32::try_from(index).ok()?;
            let since = self.store.extra(index)?.since;
            let memory = self.store.hot(index)?.wait == Wait::Remembered;
            if !memory || since < last {
                return None;
            }
            last = since;
            let entry = self.memories.push(since, index);
            let extra = self.store.extra_mut(index).filter(|extra| extra.entry == 0)?;
            extra.entry = entry;
        }
        let memories = self
            .store
            .indices()
            .filter(|index| self.store.hot(*index).is_some_and(|hot| hot.wait == Wait::Remembered));
        (memories.count() == self.memories.len as usize).then_some(())
    }
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
        &mut l.superseded,
    ] {
        *field = u64::decode(bytes)?;
    }
    let exact = ledger_fields(&l).into_iter().skip(1).try_fold(0_u64, u64::checked_add)?;
    (exact == l.events && exact <= COUNTABLE).then_some(l)
}

fn read_sums(bytes: &mut &[u8]) -> Option<Sums> {
    let whole: [u8; SUMS] = fixed(bytes)?;
    let mut rest = whole.as_slice();
    let mut long = || Some(u64::from_le_bytes(fixed(&mut rest)?));
    let (first, last, seq_hi, actor) = (long()?, long()?, long()?, long()?);
    let (total, size) = (u32::from_le_bytes(fixed(&mut rest)?), u32::from_le_bytes(fixed(&mut rest)?));
    let [actors, class, more] = fixed(&mut rest)?;
    let more = [false, true].get(usize::from(more)).copied()?;
    Some(Sums { first, last, seq_hi, actor, actors, more, total, bytes: size, class })
}

fn read_batch<H: Host>(bytes: &mut &[u8]) -> Option<Batch<H>>
where
    H::Payload: Codec,
    H::Fold: Codec,
{
    if !bool::decode(bytes)? {
        return Some(Batch::default());
    }
    let sums = read_sums(bytes)?;
    let (actors, fold) = (read_actors(bytes)?, H::Fold::decode(bytes)?);
    let kept: Vec<Item<H::Payload>> = read_items(bytes)?;
    let useful_until = if kept.len() == sums.total as usize { 0 } else { u64::decode(bytes)? };
    let kept_bytes = bytes_of(&kept);
    (sums.total > 0 && kept.len() <= sums.total as usize).then_some(Batch {
        sums,
        kept: kept.into(),
        kept_bytes,
        useful_until,
        actors,
        fold,
    })
}

fn read_delivered<H: Host>(bytes: &mut &[u8]) -> Option<Delivered>
where
    H::Payload: Codec,
    H::Fold: Codec,
{
    let Batch { sums, kept, actors, .. } = read_batch::<H>(bytes)?;
    let kept = kept.iter().map(|item| Told::of(&Node::of(item))).collect();
    Some(Delivered::restored(sums, actors, kept))
}

fn bytes_of<T>(items: &[Item<T>]) -> u64 {
    items.iter().map(|item| u64::from(item.bytes)).sum()
}

fn read_actors(bytes: &mut &[u8]) -> Option<Vec<u64>> {
    read_numbers(bytes).filter(|actors| actors.len() < usize::from(u8::MAX))
}

fn read_numbers(bytes: &mut &[u8]) -> Option<Vec<u64>> {
    let len = usize::try_from(u64::decode(bytes)?).ok()?;
    // Every number takes a byte at least.
    if len > bytes.len() {
        return None;
    }
    (0..len).map(|_| u64::decode(bytes)).collect()
}
