//! The end of a change: a record is woken at its next deadline, becomes a memory, or is forgotten.

use crate::store::record::{Extra, Hot, Wait};
use crate::time::NEVER;
use crate::{Engine, Host};

impl<H: Host> Engine<H> {
    /// A memory that is needed again is none any more.
    pub(crate) fn revive(&mut self, index: u32) {
        if let Some(hot) = self.store.hot_mut(index)
            && hot.wait == Wait::Remembered
        {
            hot.wait = Wait::Idle;
            self.memories.len -= 1;
        }
    }

    /// After every change of a record.
    pub(crate) fn finish(&mut self, index: u32, now: u64) {
        let sliding = self.store.sliding;
        let Some((hot, extra)) = self.store.parts_mut(index) else { return };
        let mut timer = hot.deadline(sliding);
        let mut rests = hot.wait == Wait::Idle && hot.total == 0;
        if let Some(extra) = extra {
            if let Some(paces) = extra.paces.as_deref_mut().filter(|paces| paces.refractory_until <= now) {
                paces.refractory_until = 0;
            }
            rests = rests && extra.rests();
            timer = timer.min(extra.timer(hot));
        }
        if rests {
            self.remember(index, now);
        } else {
            self.store.arm(index, timer);
        }
    }

    pub(crate) fn is_idle(&self, index: u32) -> bool {
        let idle = |hot: &Hot| hot.wait == Wait::Idle && hot.total == 0;
        self.store.hot(index).is_some_and(idle) && self.store.extra(index).is_none_or(Extra::rests)
    }

    /// Nothing is to be done for this key: it is remembered for a while, in a cache from which the least recent goes.
    #[inline(never)]
    fn remember(&mut self, index: u32, now: u64) {
        let Some((hot, Some(extra))) =
            self.store.parts_mut(index).filter(|(_, extra)| extra.is_some() && self.derived.remember > 0)
        else {
            self.forget(index);
            return;
        };
        hot.wait_for(Wait::Remembered, NEVER);
        (extra.since, extra.entry) = (now, self.memories.push(now, index));
        self.store.put_off(index);
        while self.memories.len > self.limits.memories && self.forget_oldest() {}
        let store = &self.store;
        self.memories.compact(|index, entry| is_memory(store, index, entry));
    }

    /// Memories whose time is over are forgotten. Nobody is told: nothing is shown that would be wrong now, and a read of
    /// what was forgotten still clears.
    pub(crate) fn sweep(&mut self, now: u64) {
        while self
            .memories
            .oldest()
            .is_some_and(|(since, ..)| since.saturating_add(self.derived.remember) <= now)
        {
            self.forget_oldest();
        }
    }

    /// Takes the oldest entry out. `false` if there is none.
    pub(crate) fn forget_oldest(&mut self) -> bool {
        let Some((_, index, entry)) = self.memories.oldest() else { return false };
        self.memories.pop();
        if is_memory(&self.store, index, entry) {
            self.memories.len -= 1;
            self.forget(index);
        }
        true
    }

    #[inline(never)]
    fn forget(&mut self, index: u32) {
        if let Some(extra) = self.store.extra(index) {
            let delivered: usize = extra.all_delivered().map(|delivered| delivered.kept().len()).sum();
            let shows = extra.all_delivered().any(|delivered| !delivered.is_empty());
            self.forgot |= shows || extra.silent.contains(&true);
            self.delivered = self.delivered.saturating_sub(delivered as u64);
        }
        self.store.remove(index);
    }
}

/// Whether an entry of the queue is the one of a memory.
pub(crate) fn is_memory<H: Host>(store: &crate::store::Store<H>, index: u32, entry: u32) -> bool {
    store.hot(index).is_some_and(|hot| hot.wait == Wait::Remembered)
        && store.extra(index).is_some_and(|extra| extra.entry == entry)
}
