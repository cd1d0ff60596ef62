//! Keys with very many pending events: one of them is found by its id, and taken out, without a walk through the others.

use std::collections::HashMap;

use super::Store;
use super::items::NONE;
use super::record::{Hot, flag};
use crate::batch::Gone;
use crate::hash::Keyed;
use crate::sums::Sums;
use crate::{EventId, Host};

/// From how many events on a walk through them is too long. Small where tests run, so that they come this way.
pub(super) const LARGE: u32 = if cfg!(debug_assertions) { 4 } else { 1024 };

/// Where the listed events of one record are.
pub(super) struct Index {
    /// By id; [`NONE`] if several have it.
    numbers: HashMap<u128, u32, Keyed>,
    /// Events of the list that were taken out: they stay in their places until they are as many as the others.
    gone: u32,
}

impl Index {
    pub(super) fn memory(&self) -> usize {
        self.numbers.capacity() * size_of::<(u128, u32)>()
    }

    fn add(&mut self, id: u128, number: u32) {
        self.numbers.entry(id).and_modify(|several| *several = NONE).or_insert(number);
    }
}

impl<H: Host> Store<H> {
    /// An event was added to a list that is large, or was.
    #[cold]
    #[inline(never)]
    pub(super) fn index_one(&mut self, index: u32, id: EventId, number: u32) {
        match self.large.get_mut(&index) {
            Some(large) => large.add(id.0, number),
            None if self.slab.hot(index).is_some_and(|hot| hot.total > LARGE) => self.index_all(index),
            None => {}
        }
    }

    fn index_all(&mut self, index: u32) {
        let Some(hot) = self.slab.hot(index) else { return };
        let numbers = HashMap::with_capacity_and_hasher(hot.total as usize * 2, self.by_id);
        let mut large = Index { numbers, gone: 0 };
        self.items.back_from(hot.last_listed()).for_each(|(number, node, _)| large.add(node.id, number));
        self.large.insert(index, large);
    }

    /// When a listed event of this record came.
    pub(crate) fn time_listed(&self, index: u32, id: EventId) -> Option<u64> {
        let number = self.large.get(&index).map(|large| large.numbers.get(&id.0).copied());
        match number {
            Some(None) => None,
            Some(Some(number)) if number != NONE => self.items.node(number).map(|node| node.at),
            // A small list, or several of this id: the newest counts.
            _ => self.listed(index).find(|node| node.id == id.0).map(|node| node.at),
        }
    }

    /// Takes one event out of a large list; `None` if that takes a walk.
    pub(super) fn remove_indexed(&mut self, index: u32, id: EventId) -> Option<Gone> {
        if self.slab.hot(index)?.total > LARGE && !self.large.contains_key(&index) {
            self.index_all(index);
        }
        let large = self.large.get_mut(&index)?;
        let hot = self.slab.hot_mut(index).filter(|hot| hot.has(flag::LISTED) && hot.total > 1)?;
        let Some(number) = large.numbers.get(&id.0).copied() else { return Some(Gone::default()) };
        if number == NONE {
            return None;
        }
        large.numbers.remove(&id.0);
        large.gone += 1;
        let node = self.items.leave_out(number)?;
        // What is gone at the head would be passed over by every walk to come.
        let (last, cut) = self.items.cut_gone(hot.last_listed());
        large.gone = large.gone.saturating_sub(cut);
        let mut sums = hot.sums();
        (sums.total, sums.bytes) = (sums.total - 1, sums.bytes.saturating_sub(node.bytes));
        let others = || self.items.back_from(last).map(|(_, node, _)| node);
        // They are in the order of their times: the newest of the others says which is the last now.
        sums.last = others().next().map_or(sums.last, |newest| newest.at);
        // That it was the first, or had the highest class alone, takes a walk. (Its number may stay the highest until the
        // events are taken: no other use is made of it here than to know what is above all of them.)
        let has_class = sums.class == 0 || node.class < sums.class || others().any(|o| o.class == sums.class);
        if !has_class || node.at <= sums.first || hot.bytes == u32::MAX {
            sums = Sums::default();
            others().for_each(|node| node.add_to(&mut sums));
        }
        set(hot, sums, last);
        if large.gone > sums.total {
            large.gone = 0;
            let last = self.items.take_some(last, |_| false, |_| (), |_| ());
            set(hot, sums, last);
        }
        Some(Gone { count: 1, bytes: node.bytes.into(), ids: vec![id] })
    }
}

fn set(hot: &mut Hot, sums: Sums, last: u32) {
    hot.set_sums(sums);
    hot.set_last_listed(last);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Select;
    use crate::{Event, Plain, Seed};

    /// What was taken out at the head was passed over by every later cancel: the newest first took quadratic time.
    #[test]
    fn what_is_gone_at_the_head_is_not_passed_over_again() {
        let seed = Seed::new([1; 16]);
        let mut store: Store<Plain<u64>> = Store::new(u64::MAX, &seed);
        let index = store.insert(seed.identity(&1), 1).unwrap();
        let many = LARGE * 4;
        for n in 0..many {
            let event = Event::<Plain<u64>>::new(1, EventId(n.into()), ()).with_seq(n.into());
            assert!(store.keep(index, event.into_item(n.into()).1).is_ok());
        }
        let take = |store: &mut Store<Plain<u64>>, n: u32| {
            assert_eq!(store.remove_listed(index, Select::Event(EventId(n.into()))).count, 1);
            let hot = store.hot(index).unwrap();
            (hot.last_listed(), hot.last)
        };
        let head = many - 1;
        assert_eq!(take(&mut store, head - 1), (head, head.into()), "in the middle it stays in its place");
        assert_eq!(take(&mut store, head), (head - 2, u64::from(head) - 2), "both are gone");
        for n in (LARGE + 1..head - 1).rev() {
            assert_eq!(take(&mut store, n), (n - 1, u64::from(n) - 1));
        }
        let ids: Vec<_> = store.take_pending(index).kept.iter().map(|item| item.id.0).collect();
        assert!(ids.into_iter().eq(0..=LARGE.into()));
    }
}
