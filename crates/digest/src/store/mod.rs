//! Where records are kept, found and woken. The engine above speaks of keys, windows and batches; here are numbers,
//! cache lines and timers. This is the whole face: find, insert, remove, the two halves of a record, `arm` after every
//! change, `next_due` and `front`, and `fetch` for rows of loads.

pub(crate) mod items;
mod large;
pub(crate) mod memories;
pub(crate) mod record;
pub(crate) mod seen;
mod slab;
mod table;
mod timers;
mod wheel;

use std::collections::BTreeMap;
use std::hint::black_box;

use crate::batch::{Batch, Gone, Select};
use crate::hash::{Identity, Keyed, Place};
use crate::sums::Sums;
use crate::time::NEVER;
use crate::{EventId, Host, Item, Seed};
use items::{Items, Node};
use large::Index;
use record::{Cold, Counted, Extra, Hot, Wait, flag};
use slab::Slab;
use table::Table;
use timers::Timers;

/// How many records are read ahead of their turn, and how many events of each.
pub(crate) const ROW: usize = 64;
const LISTED_AHEAD: usize = 6;

pub(crate) struct Store<H: Host> {
    table: Table,
    slab: Slab<H>,
    pub(crate) items: Items<H::Payload>,
    timers: Timers,
    /// Of records with very many listed events: where each of them is.
    large: BTreeMap<u32, Index>,
    by_id: Keyed,
    /// How long a sliding window waits for quiet; the end of time if windows do not slide.
    pub(crate) sliding: u64,
}

impl<H: Host> Store<H> {
    pub(crate) fn new(sliding: u64, seed: &Seed) -> Self {
        Self {
            table: Table::new(),
            slab: Slab::new(),
            items: Items::new(),
            timers: Timers::new(),
            large: BTreeMap::new(),
            by_id: seed.keyed(),
            sliding,
        }
    }

    /// Records in use.
    pub(crate) const fn used(&self) -> u32 {
        self.slab.used()
    }

    #[inline]
    pub(crate) fn find(&self, identity: Identity) -> Option<u32> {
        self.find_guessed(self.table.guess(identity.tag()), identity)
    }

    /// [`find`](Self::find), begun with the first half of the identity: the table's memory is under way while the
    /// second half is computed.
    #[inline(always)]
    pub(crate) fn guess(&self, place: &Place) -> u32 {
        self.table.guess(place.tag())
    }

    #[inline(always)]
    pub(crate) fn find_guessed(&self, guess: u32, identity: Identity) -> Option<u32> {
        if self.is(guess, identity) { Some(guess) } else { self.search(identity) }
    }

    #[inline(always)]
    fn is(&self, index: u32, identity: Identity) -> bool {
        self.slab
            .hot(index)
            .is_some_and(|hot| hot.fingerprint == identity.fingerprint() && hot.wait != Wait::Free)
    }

    #[inline(never)]
    fn search(&self, identity: Identity) -> Option<u32> {
        self.table.find(identity.tag(), |index| self.is(index, identity))
    }

    /// A record for a key that has none; `None` if all numbers are taken.
    pub(crate) fn insert(&mut self, identity: Identity, key: H::Key) -> Option<u32> {
        let index = self.slab.insert(identity, key)?;
        self.table.insert(identity.tag(), index);
        Some(index)
    }

    /// Takes a record out; its timer goes stale.
    pub(crate) fn remove(&mut self, index: u32) -> Option<(Hot, Cold<H>)> {
        let identity = self.identity_of(index);
        if self.slab.hot(index).is_some_and(|hot| hot.has(flag::ARMED)) {
            self.timers.stale += 1;
        }
        let removed = self.slab.remove(index)?;
        self.table.remove(identity.tag(), index);
        self.settle_if_front(index);
        Some(removed)
    }

    /// The identity of a record's key.
    pub(crate) fn identity_of(&self, index: u32) -> Identity {
        self.slab.both(index).map_or(Identity::NONE, |(hot, cold)| record::identity(hot, cold))
    }

    #[inline]
    pub(crate) fn hot(&self, index: u32) -> Option<&Hot> {
        self.slab.hot(index)
    }

    #[inline]
    pub(crate) fn hot_mut(&mut self, index: u32) -> Option<&mut Hot> {
        self.slab.hot_mut(index)
    }

    pub(crate) fn cold(&self, index: u32) -> Option<&Cold<H>> {
        self.slab.cold(index)
    }

    #[inline]
    pub(crate) fn both_mut(&mut self, index: u32) -> Option<(&mut Hot, &mut Cold<H>)> {
        self.slab.both_mut(index)
    }

    pub(crate) fn key(&self, index: u32) -> Option<&H::Key> {
        self.slab.cold(index)?.key.as_ref()
    }

    #[inline]
    pub(crate) fn extra(&self, index: u32) -> Option<&Extra<H>> {
        let (hot, cold) = self.slab.both(index)?;
        if hot.has(flag::EXTRA) { cold.extra.as_deref() } else { None }
    }

    /// The extra of a record, if it has one.
    pub(crate) fn extra_there(&mut self, index: u32) -> Option<&mut Extra<H>> {
        let (hot, cold) = self.slab.both_mut(index)?;
        if hot.has(flag::EXTRA) { cold.extra.as_deref_mut() } else { None }
    }

    /// What every event touches of a record, and its extra, if it has one.
    #[inline]
    pub(crate) fn parts_mut(&mut self, index: u32) -> Option<(&mut Hot, Option<&mut Extra<H>>)> {
        let (hot, cold) = self.slab.both_mut(index)?;
        let extra = if hot.has(flag::EXTRA) { cold.extra.as_deref_mut() } else { None };
        Some((hot, extra))
    }

    /// The extra of a record, made if it is not there.
    pub(crate) fn extra_mut(&mut self, index: u32) -> Option<&mut Extra<H>> {
        let (hot, cold) = self.slab.both_mut(index)?;
        hot.set(flag::EXTRA, true);
        Some(cold.extra.get_or_insert_default())
    }

    /// Adds an event to a record of which all pending events are kept. Gives it back if this one cannot be.
    #[inline]
    pub(crate) fn keep(&mut self, index: u32, item: Item<H::Payload>) -> Result<(), Item<H::Payload>> {
        match self.slab.hot_mut(index) {
            Some(hot) if (hot.total == 0 || hot.has(flag::LISTED)) && self.items.has_room() => {
                let (id, number) = (item.id, hot.list(&mut self.items, item));
                let total = hot.total;
                self.was_listed(index, id, number, total);
                Ok(())
            }
            _ => Err(item),
        }
    }

    /// The record of an open window of which all pending events are kept, if it is one and another can be added: with
    /// [`Hot::list`], and then [`was_listed`](Self::was_listed).
    #[inline(always)]
    pub(crate) fn open_list(&mut self, index: u32) -> Option<(&mut Hot, &mut Items<H::Payload>)> {
        let hot = self.slab.hot_mut(index)?;
        let is_one = hot.wait == Wait::Open && hot.has(flag::LISTED) && self.items.has_room();
        is_one.then_some((hot, &mut self.items))
    }

    /// An event was added to a record's list under this number; so many are in it.
    #[inline(always)]
    pub(crate) fn was_listed(&mut self, index: u32, id: EventId, number: u32, total: u32) {
        if total > large::LARGE || !self.large.is_empty() {
            self.index_one(index, id, number);
        }
    }

    /// The pending events of a record of which all are kept, the newest first.
    pub(crate) fn listed(&self, index: u32) -> impl Iterator<Item = &Node> {
        let last = self.slab.hot(index).map_or(items::NONE, Hot::last_listed);
        self.items.back_from(last).map(|(_, node, _)| node)
    }

    /// Takes all pending events out; what the record waits for stays.
    pub(crate) fn take_pending(&mut self, index: u32) -> Batch<H> {
        let Some((hot, cold)) = self.slab.both_mut(index) else { return Batch::default() };
        let (mut sums, last) = (hot.sums(), hot.last_listed());
        hot.set_sums(Sums::default());
        hot.set(flag::KEPT | flag::LISTED | flag::PERISHES, false);
        if last != items::NONE {
            let kept = self.items.take(last, sums.total as usize);
            if sums.total > 0 && self.large.remove(&index).is_some() {
                // Of a large list it may be too high.
                sums.seq_hi = kept.iter().map(|item| item.seq).max().unwrap_or_default();
            }
            let kept_bytes = match sums.bytes {
                // As many as can be counted, or more.
                u32::MAX => kept.iter().map(|item| u64::from(item.bytes)).sum(),
                exact => exact.into(),
            };
            return Batch { sums, kept: kept.into(), kept_bytes, ..Batch::default() };
        }
        if sums.total == 0 {
            return Batch::default();
        }
        let counted = cold.extra.as_deref_mut().and_then(|extra| extra.counted.take());
        let Counted { kept, kept_bytes, useful_until, actors } =
            counted.map_or_else(Counted::default, |counted| *counted);
        let fold = std::mem::take(&mut cold.fold);
        Batch { sums, kept: kept.into(), kept_bytes, useful_until, actors, fold }
    }

    /// Takes events out of a record of which all are kept, where they are.
    pub(crate) fn remove_listed(&mut self, index: u32, select: Select) -> Gone {
        if let Select::Event(id) = select
            && let Some(gone) = self.remove_indexed(index, id)
        {
            return gone;
        }
        let (mut gone, mut sums) = (Gone::default(), Sums::default());
        let Some(hot) = self.slab.hot_mut(index).filter(|hot| hot.has(flag::LISTED)) else { return gone };
        let goes = |node: &Node| {
            gone.bytes += u64::from(node.bytes);
            gone.ids.push(EventId(node.id));
        };
        let takes = |node: &Node| node.is_of(select);
        let last = self.items.take_some(hot.last_listed(), takes, goes, |node| node.add_to(&mut sums));
        // Numbers that are free now are in it.
        self.large.remove(&index);
        hot.set_sums(sums);
        hot.set_last_listed(last);
        if last == items::NONE {
            hot.set(flag::LISTED | flag::PERISHES, false);
        }
        gone.ids.reverse();
        gone.count = u32::try_from(gone.ids.len()).unwrap_or(u32::MAX);
        gone
    }

    /// Puts a batch into a record that has nothing pending.
    pub(crate) fn put_pending(&mut self, index: u32, mut batch: Batch<H>) {
        if batch.is_exact() {
            let mut kept = std::mem::take(&mut batch.kept).into_vec().into_iter();
            let Some(item) = kept.find_map(|item| self.keep(index, item).err()) else { return };
            // There are no more numbers: the rest is kept in the record.
            batch = self.take_pending(index);
            for item in std::iter::once(item).chain(kept) {
                batch.sums.count(&item);
                batch.kept_bytes += u64::from(item.bytes);
                batch.kept.push(item);
            }
        }
        let Some((hot, cold)) = self.slab.both_mut(index) else { return };
        hot.set_sums(batch.sums);
        hot.set(flag::KEPT, !batch.kept.is_empty());
        // Known only of what is not exact; that of an exact batch is in its events.
        let useful_until = if batch.is_exact() { NEVER } else { batch.useful_until };
        hot.set(flag::PERISHES, useful_until != NEVER);
        cold.fold = batch.fold;
        if !(batch.actors.is_empty() && batch.kept.is_empty() && useful_until == NEVER) {
            hot.set(flag::EXTRA, hot.has(flag::EXTRA) || !batch.actors.is_empty());
            let Batch { kept, kept_bytes, actors, .. } = batch;
            let counted = Counted { kept: kept.into_vec(), kept_bytes, useful_until, actors };
            cold.extra.get_or_insert_default().counted = Some(Box::new(counted));
        }
    }

    /// The numbers in use, rising.
    pub(crate) fn indices(&self) -> impl Iterator<Item = u32> + use<'_, H> {
        self.slab.indices()
    }

    /// One more than the highest number given since no record was in use.
    pub(crate) const fn made(&self) -> u32 {
        self.slab.made()
    }

    /// The free numbers, in the order in which they will be used again.
    pub(crate) fn free_list(&self) -> impl Iterator<Item = u32> + use<'_, H> {
        self.slab.free_list()
    }

    /// For restoring: so many records, all free, in the order given.
    pub(crate) fn rebuild(&mut self, made: u32, free: &[u32]) -> Option<()> {
        self.slab = Slab::rebuild(made, free)?;
        Some(())
    }

    /// Brings the events of these records into the cache, as far as they are listed and not very many.
    pub(crate) fn fetch_listed(&self, indices: &[u32]) {
        let mut last = [items::NONE; ROW];
        let listed = |index: u32| self.slab.hot(index).map_or(items::NONE, Hot::last_listed);
        let last = last.get_mut(..indices.len()).unwrap_or_default();
        last.iter_mut().zip(indices).for_each(|(last, index)| *last = listed(*index));
        let mut payloads = false;
        for _ in 0..LISTED_AHEAD {
            let mut ends = items::NONE;
            for last in last.iter_mut() {
                let (before, has_payload) = self.items.before(*last);
                (*last, payloads) = (before, payloads ^ has_payload);
                ends &= before;
            }
            if ends == items::NONE {
                // All of them: most lists are short.
                break;
            }
        }
        black_box((last, payloads));
    }

    /// For restoring: puts a record where it was.
    pub(crate) fn put(&mut self, index: u32, identity: Identity, hot: Hot, cold: Cold<H>) -> Option<()> {
        if self.find(identity).is_some() {
            return None;
        }
        self.slab.put(index, hot, cold)?;
        self.table.insert(identity.tag(), index);
        Some(())
    }

    /// Bytes that are held, without what keys, payloads and single records hold themselves.
    pub(crate) fn memory(&self) -> usize {
        let large: usize = self.large.values().map(Index::memory).sum();
        self.table.memory() + self.slab.memory() + self.items.memory() + self.timers.memory() + large
    }

    /// Gives memory back for what is not kept.
    pub(crate) fn shrink(&mut self) {
        if self.slab.used() == 0 {
            self.slab.shrink();
            self.table.shrink();
            self.timers.shrink();
        }
        if self.timers.is_empty() {
            self.timers.shrink();
        }
        self.items.shrink();
    }

    /// Brings what these keys need into the cache, and guesses where they are: rows of loads that do not depend on each
    /// other, so that their misses overlap. The less stands between two loads, the more of them are under way at once.
    #[inline(always)]
    pub(crate) fn fetch(&self, identities: &[Identity], guesses: &mut [u32]) {
        let touch = |sum: u32, identity: &Identity| sum.wrapping_add(self.table.touch(identity.tag()));
        black_box(identities.iter().fold(0, touch));
        let touch = |sum: u64, (identity, guess): (&Identity, &mut u32)| {
            *guess = self.table.guess(identity.tag());
            sum.wrapping_add(self.slab.hot(*guess).map_or(0, |hot| hot.fingerprint))
        };
        black_box(identities.iter().zip(guesses).fold(0, touch));
    }
}
