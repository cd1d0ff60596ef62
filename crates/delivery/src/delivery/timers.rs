//! Who is due next. Most timers are set in the order in which they are due, and cleared in that order, too: these stand in
//! line, where both cost nothing. The others are in a heap with four children a node, so that a node's children share a line
//! of memory.

use std::collections::VecDeque;

use reveille_core::UnixTime;

use crate::index::NONE;

const CHILDREN: usize = 4;

/// The earliest first; of those due at one time, who came first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Timer {
    due: UnixTime,
    turn: u64,
    /// [`NONE`] in line, where nobody waits any more.
    job: u32,
}

/// Where a job's timer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Nowhere,
    /// Its number in line; they wrap around.
    Line(u32),
    Heap(u32),
}

/// One timer at most for each job, named by its place.
#[derive(Debug, Default)]
pub(super) struct Timers {
    /// In order. Somebody waits at both ends.
    line: VecDeque<Timer>,
    /// The number of the first in line.
    first: u32,
    /// So many in line wait no more.
    gone: usize,
    heap: Vec<Timer>,
    /// By the job's place.
    places: Vec<Place>,
}

impl Timers {
    /// Who is due first, and when.
    #[inline]
    pub(super) fn first(&self) -> Option<(UnixTime, u32)> {
        let (line, heap) = (self.line.front(), self.heap.first());
        let first = match (line, heap) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        first.map(|timer| (timer.due, timer.job))
    }

    /// Sets a job's timer; `MAX` is never.
    pub(super) fn set(&mut self, job: u32, due: UnixTime, turn: u64) {
        if due == UnixTime::MAX {
            return self.clear(job);
        }
        let timer = Timer { due, turn, job };
        match self.place(job) {
            Place::Heap(at) => self.settle(at as usize, timer),
            Place::Line(number) if self.in_line(number) == Some(&timer) => {}
            Place::Line(number) => {
                self.leave_line(number);
                self.enter(timer);
            }
            Place::Nowhere => {
                let wanted = job as usize + 1;
                if self.places.len() < wanted {
                    self.places.resize(wanted, Place::Nowhere);
                }
                self.enter(timer);
            }
        }
    }

    /// A job waits for no time any more.
    pub(super) fn clear(&mut self, job: u32) {
        let place = self.place(job);
        self.put(job, Place::Nowhere);
        match place {
            Place::Nowhere => {}
            Place::Line(number) => self.leave_line(number),
            Place::Heap(at) => {
                if let Some(last) = self.heap.pop()
                    && (at as usize) < self.heap.len()
                {
                    self.settle(at as usize, last);
                }
            }
        }
    }

    #[inline]
    fn place(&self, job: u32) -> Place {
        self.places.get(job as usize).copied().unwrap_or(Place::Nowhere)
    }

    #[inline]
    fn put(&mut self, job: u32, place: Place) {
        if let Some(known) = self.places.get_mut(job as usize) {
            *known = place;
        }
    }

    fn in_line(&self, number: u32) -> Option<&Timer> {
        self.line.get(number.wrapping_sub(self.first) as usize)
    }

    /// At the end of the line, if it is not due before the last one there. One that is due much later than all others stands
    /// in nobody's way: it goes into the heap.
    fn enter(&mut self, timer: Timer) {
        let after = |last: Option<&Timer>| last.is_none_or(|last| *last < timer);
        if !after(self.line.back()) && after(self.line.iter().nth_back(1)) {
            self.line.pop_back().into_iter().for_each(|last| self.enter_heap(last));
            self.trim();
        }
        if self.line.back().is_some_and(|last| *last > timer) || self.line.len() >= NONE as usize {
            return self.enter_heap(timer);
        }
        self.put(timer.job, Place::Line(self.first.wrapping_add(self.line.len() as u32)));
        self.line.push_back(timer);
    }

    fn leave_line(&mut self, number: u32) {
        let Some(timer) = self.line.get_mut(number.wrapping_sub(self.first) as usize) else { return };
        timer.job = NONE;
        self.gone += 1;
        self.trim();
        if self.gone * 2 > self.line.len() {
            self.close_up();
        }
    }

    /// Somebody waits at both ends of the line.
    fn trim(&mut self) {
        while self.line.pop_front_if(|timer| timer.job == NONE).is_some() {
            (self.first, self.gone) = (self.first.wrapping_add(1), self.gone - 1);
        }
        while self.line.pop_back_if(|timer| timer.job == NONE).is_some() {
            self.gone -= 1;
        }
    }

    /// Only those stay in line that wait.
    fn close_up(&mut self) {
        self.line.retain(|timer| timer.job != NONE);
        (self.first, self.gone) = (0, 0);
        for (number, timer) in (0..).zip(&self.line) {
            if let Some(place) = self.places.get_mut(timer.job as usize) {
                *place = Place::Line(number);
            }
        }
    }

    fn enter_heap(&mut self, timer: Timer) {
        self.heap.push(timer);
        self.rise(self.heap.len() - 1, timer);
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
        self.put(timer.job, Place::Heap(at as u32));
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
                prop_assert_eq!(timers.heap.len() + timers.line.len() - timers.gone, set.len());
                prop_assert!(timers.gone * 2 <= timers.line.len(), "what nobody waits for takes no room");
            }
            while let Some((due, _, job)) = set.pop_first() {
                prop_assert_eq!(timers.first(), Some((due, job)));
                timers.clear(job);
            }
            prop_assert_eq!(timers.first(), None);
        }
    }
}
