//! Who is due next: a heap with four children a node, so that a node's children share a line of memory.

use reveille_core::UnixTime;

use crate::index::NONE;

const CHILDREN: usize = 4;

/// The earliest first; of those due at one time, who came first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Timer {
    due: UnixTime,
    turn: u64,
    job: u32,
}

/// One timer at most for each job, named by its place.
#[derive(Debug, Default)]
pub(super) struct Timers {
    heap: Vec<Timer>,
    /// Where in the heap a job's timer is, by the job's place.
    places: Vec<u32>,
}

impl Timers {
    /// Who is due first, and when.
    #[inline]
    pub(super) fn first(&self) -> Option<(UnixTime, u32)> {
        self.heap.first().map(|timer| (timer.due, timer.job))
    }

    /// Sets a job's timer; `MAX` is never.
    pub(super) fn set(&mut self, job: u32, due: UnixTime, turn: u64) {
        if due == UnixTime::MAX {
            return self.clear(job);
        }
        let timer = Timer { due, turn, job };
        match self.place(job) {
            Some(at) => self.settle(at, timer),
            None => {
                let wanted = job as usize + 1;
                if self.places.len() < wanted {
                    self.places.resize(wanted, NONE);
                }
                self.heap.push(timer);
                self.rise(self.heap.len() - 1, timer);
            }
        }
    }

    /// A job waits for no time any more.
    pub(super) fn clear(&mut self, job: u32) {
        let Some(at) = self.place(job) else { return };
        if let Some(place) = self.places.get_mut(job as usize) {
            *place = NONE;
        }
        if let Some(last) = self.heap.pop()
            && at < self.heap.len()
        {
            self.settle(at, last);
        }
    }

    #[inline]
    fn place(&self, job: u32) -> Option<usize> {
        let place = *self.places.get(job as usize)?;
        (place != NONE).then_some(place as usize)
    }

    /// Finds the right place for a timer that is to be at `at`, or near.
    fn settle(&mut self, at: usize, timer: Timer) {
        let above = at.checked_sub(1).and_then(|at| self.heap.get(at / CHILDREN));
        if above.is_some_and(|above| *above > timer) { self.rise(at, timer) } else { self.sink(at, timer) }
    }

    fn rise(&mut self, mut at: usize, timer: Timer) {
        while at > 0 {
            let parent = (at - 1) / CHILDREN;
            let Some(above) = self.heap.get(parent).copied().filter(|above| *above > timer) else { break };
            self.write(at, above);
            at = parent;
        }
        self.write(at, timer);
    }

    fn sink(&mut self, mut at: usize, timer: Timer) {
        loop {
            let first = at * CHILDREN + 1;
            let end = (first + CHILDREN).min(self.heap.len());
            let children = self.heap.get(first..end).unwrap_or_default();
            let least = children.iter().zip(first..).min_by_key(|(child, _)| **child);
            let Some((least, below)) =
                least.map(|(child, at)| (*child, at)).filter(|(child, _)| *child < timer)
            else {
                break;
            };
            self.write(at, least);
            at = below;
        }
        self.write(at, timer);
    }

    fn write(&mut self, at: usize, timer: Timer) {
        if let Some(node) = self.heap.get_mut(at) {
            *node = timer;
        }
        if let Some(place) = self.places.get_mut(timer.job as usize) {
            *place = at as u32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    proptest! {
        #[test]
        fn like_a_sorted_set(ops in proptest::collection::vec((0..40_u32, 0..12_u64), 0..400)) {
            let (mut timers, mut set, mut dues) = (Timers::default(), BTreeSet::new(), BTreeMap::new());
            for (job, due) in ops {
                // Ties in time are common, turns are not those of the places.
                let turn = u64::from(job * 7 % 40);
                let due = if due == 0 { UnixTime::MAX } else { UnixTime::from_millis(due) };
                if let Some(old) = dues.insert(job, due) {
                    set.remove(&(old, turn, job));
                }
                if due != UnixTime::MAX {
                    set.insert((due, turn, job));
                }
                timers.set(job, due, turn);
                prop_assert_eq!(timers.first(), set.first().map(|(due, _, job)| (*due, *job)));
                prop_assert_eq!(timers.heap.len(), set.len());
            }
            while let Some((due, _, job)) = set.pop_first() {
                prop_assert_eq!(timers.first(), Some((due, job)));
                timers.clear(job);
            }
            prop_assert_eq!(timers.first(), None);
        }
    }
}
