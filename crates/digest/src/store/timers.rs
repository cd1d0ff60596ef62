//! Which record is due next, exactly: the wheel, what of it is stale, and the earliest deadline.
//!
//! An event that moves a deadline does not touch the wheel (lazy re-arm): an entry carries the time for which it was
//! made, fires early, and goes to its true place then. [`Store::front`] stays exact all the same, because it is settled
//! whenever its own record changes.

use std::hint::black_box;

use super::record::{Hot, flag};
use super::wheel::Wheel;
use super::{ROW, Store};
use crate::Host;
use crate::time::NEVER;

pub(super) struct Timers {
    wheel: Wheel,
    /// Entries of the wheel that no longer hold.
    pub(super) stale: usize,
    /// The earliest deadline and its record, exactly; `NEVER` for none.
    front: (u64, u32),
    /// Those of one millisecond that were taken out of the wheel, the first to go last.
    due: Vec<u32>,
    /// How many of them were read ahead.
    ahead: usize,
    /// The engine's time.
    now: u64,
}

impl Timers {
    pub(super) const fn new() -> Self {
        Self { wheel: Wheel::new(), stale: 0, front: (NEVER, 0), due: Vec::new(), ahead: 0, now: 0 }
    }

    /// Nothing will ever wake.
    pub(super) fn is_empty(&self) -> bool {
        self.wheel.len() == 0 && self.due.is_empty() && self.front.0 == NEVER
    }

    pub(super) fn memory(&self) -> usize {
        self.wheel.memory() + self.due.capacity() * size_of::<u32>()
    }

    pub(super) fn shrink(&mut self) {
        *self = Self { now: self.now, ..Self::new() };
        self.wheel.reset(self.now);
    }
}

impl<H: Host> Store<H> {
    /// The earliest deadline; `NEVER` for none. Zero while some records have been taken out and wait for their turn.
    #[inline(always)]
    pub(crate) const fn front(&self) -> u64 {
        self.timers.front.0
    }

    /// Time passes.
    #[inline(always)]
    pub(crate) const fn at(&mut self, now: u64) {
        self.timers.now = now;
    }

    /// The earliest deadline of a record.
    fn timer(&self, index: u32) -> u64 {
        self.timer_of(index).map_or(NEVER, |(timer, _)| timer)
    }

    #[inline(always)]
    fn timer_of(&self, index: u32) -> Option<(u64, &Hot)> {
        let (hot, cold) = self.slab.both(index)?;
        let window = hot.deadline(self.sliding);
        let extra = if hot.has(flag::EXTRA) { cold.extra.as_deref() } else { None };
        Some((extra.map_or(window, |extra| window.min(extra.timer(hot))), hot))
    }

    /// After every change of a record: sees to it that it is woken at its deadline, `timer`. An entry that is early stays.
    #[inline]
    pub(crate) fn arm(&mut self, index: u32, timer: u64) {
        let Some(hot) = self.slab.hot(index) else { return };
        // What has been taken out will be asked for its deadline in its turn.
        if !hot.has(flag::DUE) && timer != NEVER {
            let armed = hot.has(flag::ARMED);
            if !armed || hot.has(flag::FAR) || self.timers.wheel.near_time(hot.armed) > timer {
                self.arm_anew(index, timer, armed);
            }
            if timer < self.timers.front.0 {
                self.timers.front = (timer, index);
            }
        }
        self.settle_if_front(index);
    }

    fn arm_anew(&mut self, index: u32, timer: u64, armed: bool) {
        let now = self.timers.now;
        self.timers.stale += usize::from(armed);
        if self.timers.wheel.len() == 0 && timer >= now && self.timers.due.is_empty() {
            self.timers.wheel.advance(now);
        }
        self.enter(index, timer);
        self.compact();
    }

    /// An event that can only have put the deadline off: nothing to do, unless the front was this one.
    #[inline(always)]
    pub(crate) fn put_off(&mut self, index: u32) {
        if self.timers.front.1 == index {
            self.settle();
        }
    }

    fn enter(&mut self, index: u32, timer: u64) {
        let entry = self.timers.wheel.push(timer, index);
        if let Some(hot) = self.slab.hot_mut(index) {
            hot.armed = entry.at as u32;
            hot.set(flag::ARMED, true);
            hot.set(flag::FAR, entry.far);
        }
    }

    pub(super) fn settle_if_front(&mut self, index: u32) {
        if self.timers.front.1 == index && self.timers.front.0 != NEVER {
            self.settle();
        }
    }

    /// Finds the earliest deadline anew: entries at the front that no longer hold are thrown away, those that are
    /// early go to their true place. Each was paid for by the event that moved it.
    #[cold]
    fn settle(&mut self) {
        if !self.timers.due.is_empty() {
            self.timers.front = (0, u32::MAX);
            return;
        }
        loop {
            self.timers.wheel.advance(self.timers.now);
            let Some((at, index)) = self.timers.wheel.peek() else {
                self.timers.front = (NEVER, 0);
                return;
            };
            if !self.slab.hot(index).is_some_and(|hot| hot.relies_on(at as u32)) {
                self.timers.wheel.pop();
                self.timers.stale = self.timers.stale.saturating_sub(1);
                continue;
            }
            let timer = self.timer(index);
            if timer <= at {
                self.timers.front = (timer, index);
                return;
            }
            self.timers.wheel.pop();
            if let Some(hot) = self.slab.hot_mut(index) {
                hot.set(flag::TIMER, false);
            }
            if timer != NEVER {
                self.enter(index, timer);
            }
        }
    }

    /// The next record whose deadline is not after `now`, in the order of deadlines, then of numbers.
    #[inline]
    pub(crate) fn next_due(&mut self, now: u64) -> Option<u32> {
        if self.timers.front.0 > now {
            return None;
        }
        self.take_next(now)
    }

    fn take_next(&mut self, now: u64) -> Option<u32> {
        loop {
            while let Some(index) = self.take_one() {
                if !self.slab.hot(index).is_some_and(|hot| hot.has(flag::DUE)) {
                    continue;
                }
                if let Some(hot) = self.slab.hot_mut(index) {
                    hot.set(flag::TIMER, false);
                }
                let timer = self.timer(index);
                if timer <= now {
                    if self.timers.due.is_empty() {
                        self.settle();
                    }
                    return Some(index);
                }
                if timer != NEVER {
                    self.enter(index, timer);
                }
            }
            let mut due = std::mem::take(&mut self.timers.due);
            let at = self.timers.wheel.take_due(now, &mut due);
            self.timers.due = due;
            let Some(at) = at else {
                self.timers.due = Vec::new();
                self.settle();
                return None;
            };
            self.mark_due(at);
            self.timers.front = (0, u32::MAX);
        }
    }

    /// Of what was taken out, what is due at its own time has its turn; the others go to their true places before
    /// anything later is taken out, so that a late driver too sees deadlines in order.
    fn mark_due(&mut self, at: u64) {
        let mut due = std::mem::take(&mut self.timers.due);
        due.retain(|index| {
            if !self.slab.hot(*index).is_some_and(|hot| hot.relies_on(at as u32)) {
                self.timers.stale = self.timers.stale.saturating_sub(1);
                return false;
            }
            let timer = self.timer(*index);
            if let Some(hot) = self.slab.hot_mut(*index) {
                hot.set(flag::TIMER, false);
                hot.set(flag::DUE, timer <= at);
            }
            if timer > at && timer != NEVER {
                self.enter(*index, timer);
            }
            timer <= at
        });
        self.timers.due = due;
        self.timers.ahead = 0;
    }

    fn take_one(&mut self) -> Option<u32> {
        if self.timers.ahead == 0 {
            self.read_ahead();
        }
        self.timers.ahead = self.timers.ahead.saturating_sub(1);
        self.timers.due.pop()
    }

    /// Fetches what the next due records will need: rows of independent loads, so that their misses overlap.
    fn read_ahead(&mut self) {
        let due = self.timers.due.as_slice();
        let due = due.get(due.len().saturating_sub(ROW)..).unwrap_or_default();
        self.timers.ahead = due.len();
        if due.len() == 1 {
            return;
        }
        let slab = &self.slab;
        black_box(due.iter().fold(0, |sum, index| sum ^ slab.hot(*index).map_or(0, |hot| hot.flags)));
        black_box(due.iter().fold(0, |sum, index| {
            sum ^ slab.cold(*index).map_or(0, |cold| usize::from(cold.extra.is_some()))
        }));
        self.fetch_listed(due);
        let extra = |index: u32| {
            slab.cold(index).and_then(|cold| cold.extra.as_deref()).map_or(0, |extra| extra.mark)
        };
        black_box(due.iter().fold(0, |sum, index| sum ^ extra(*index)));
        let touch = |index: &u32| self.table.touch(self.identity_of(*index).tag());
        black_box(due.iter().fold(0, |sum, index| sum ^ touch(index)));
    }

    /// Keeps the entries that no longer hold fewer than those that do.
    fn compact(&mut self) {
        if self.timers.stale < 4096 || self.timers.stale * 2 < self.timers.wheel.len() {
            return;
        }
        let slab = &self.slab;
        self.timers.wheel.retain(|low, index| slab.hot(index).is_some_and(|hot: &Hot| hot.relies_on(low)));
        self.timers.stale = 0;
    }

    /// Makes all timers anew, after a restore or a step of the clock.
    pub(crate) fn arm_all(&mut self, now: u64) {
        for index in 0..self.made() {
            if let Some(hot) = self.slab.hot_mut(index) {
                hot.set(flag::TIMER, false);
            }
        }
        self.timers = Timers { now, ..Timers::new() };
        let earliest = self.indices().map(|index| self.timer(index)).min().unwrap_or(now);
        // What is overdue keeps its order: the wheel begins with the earliest.
        self.timers.wheel.reset(earliest.min(now));
        for index in 0..self.made() {
            let timer = self.timer(index);
            if timer != NEVER {
                self.enter(index, timer);
            }
        }
        self.settle();
    }
}
