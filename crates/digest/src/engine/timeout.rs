//! Time passes.

use std::hint::black_box;

use reveille_core::UnixTime;

use crate::hash::Identity;
use crate::record::{Extra, bit};
use crate::wheel::Armed;
use crate::{Engine, Host, Output};
use reveille_core::millis;

/// How many due records are read ahead of their turn.
const AHEAD: usize = 64;

impl<H: Host> Engine<H> {
    /// Tells the time. What is due comes out of [`poll_output`](Self::poll_output); an early or repeated call
    /// changes nothing.
    pub fn handle_timeout(&mut self, now: UnixTime) {
        self.clock.observe(now, self.derived.tolerance);
    }

    /// The next output, or `None` when all that is due by now is done. One window is closed at a time: however many
    /// are due, the memory for one output is enough.
    pub fn poll_output(&mut self) -> Option<Output<H>> {
        let now = self.clock.now();
        loop {
            if let Some(output) = self.outputs.pop_front() {
                return Some(output);
            }
            if let Some((at, index)) = self.next_due() {
                let output = self.entry_is_due(at, index, now);
                if self.due.is_empty() {
                    self.settle();
                }
                if output.is_some() {
                    return output;
                }
            } else if !self.take_due(now) {
                return None;
            }
        }
    }

    /// Moves what is due from the wheel into `due`. `false` if nothing is.
    fn take_due(&mut self, now: u64) -> bool {
        if self.front.0 > now {
            return false;
        }
        let mut due = std::mem::take(&mut self.due);
        self.wheel.take_due(now, &mut due);
        let taken = due.len();
        due.retain(|(at, index)| self.is_its_turn(*at, *index));
        self.due = due;
        if self.due.is_empty() {
            self.settle();
        }
        taken > 0
    }

    /// Whether a record is due at the time of its entry. If its deadline has moved since, the entry goes to its true
    /// place now, before anything later is taken out: a late driver too closes windows in the order of their deadlines.
    fn is_its_turn(&mut self, at: u64, index: u32) -> bool {
        if !self.holds(at, index) {
            self.stale = self.stale.saturating_sub(1);
            return false;
        }
        let timer = self.timer(index);
        if timer > at {
            if let Some(hot) = self.slab.hot_mut(index) {
                hot.unset(bit::ARMED | bit::FAR);
            }
            self.enter(index, timer);
        }
        timer <= at
    }

    fn next_due(&mut self) -> Option<(u64, u32)> {
        if self.ahead.is_empty() {
            self.read_ahead();
        }
        let (at, index) = self.due.pop()?;
        self.known = (index, self.ahead.pop().unwrap_or_default());
        Some((at, index))
    }

    /// Fetches what the next due records will need: rows of independent loads, so that their misses overlap.
    fn read_ahead(&mut self) {
        let first = self.due.len().saturating_sub(AHEAD);
        let due = self.due.get(first..).unwrap_or_default();
        let slab = &self.slab;
        let key = |index: u32| slab.cold(index).and_then(|cold| cold.key.as_ref());
        black_box(due.iter().fold(0, |sum, (_, index)| sum ^ slab.hot(*index).map_or(0, |hot| hot.state)));
        black_box(due.iter().fold(false, |sum, (_, index)| sum ^ key(*index).is_some()));
        let identities = due
            .iter()
            .map(|(_, index)| key(*index).map_or_else(Identity::default, |key| self.seed.identity(key)));
        self.ahead.extend(identities);
        let tags = self.ahead.iter().map(|identity| identity.tag());
        black_box(tags.fold(0, |sum, tag| sum ^ self.table.touch(tag)));
    }

    /// A record's turn has come. It may have moved its deadline since it was taken out: then it goes back.
    fn entry_is_due(&mut self, at: u64, index: u32, now: u64) -> Option<Output<H>> {
        let hot = self.slab.hot_mut(index)?;
        if !hot.relies_on(at as u32) {
            return None;
        }
        hot.unset(bit::ARMED | bit::FAR);
        let timer = self.timer(index);
        if timer > at {
            // Even if it is due too: it takes its turn.
            self.arm(index, timer);
            return None;
        }
        let output = self.conclude(index, now);
        if output.is_none() {
            self.fire(index, now);
        }
        output
    }

    /// Whether an entry of the wheel is the one its record relies on.
    fn holds(&self, at: u64, index: u32) -> bool {
        self.slab.hot(index).is_some_and(|hot| hot.relies_on(at as u32))
    }

    /// Everything of this record that is due: answers that did not come, the window, a reminder, forgetting.
    pub(crate) fn fire(&mut self, index: u32, now: u64) {
        while let Some(at) = self.extra(index).and_then(|extra| {
            extra.flights.iter().position(|flight| flight.until <= now && flight.until != u64::MAX)
        }) {
            self.fail(index, at, now);
        }
        if let Some(hot) = self.slab.hot(index)
            && hot.has(bit::OPEN)
            && hot.deadline <= now
            && hot.deadline != u64::MAX
        {
            if hot.total == 0 {
                self.close(index);
            } else {
                self.try_flush(index, now);
            }
        }
        if self.extra(index).is_some_and(|extra| extra.remind_at <= now && extra.remind_at != u64::MAX) {
            self.remind(index, now);
        }
        // A snapshot from elsewhere may hold a time to forget beside events; they come first.
        let holds_events = self.slab.hot(index).is_some_and(|hot| hot.has(bit::OPEN) || hot.total > 0);
        let forgettable = |extra: &Extra<H>| {
            extra.flights.is_empty() && extra.forget_at <= now && extra.forget_at != u64::MAX
        };
        if !holds_events && self.extra(index).is_some_and(forgettable) {
            self.forget(index);
            self.settle_if_front(index);
            return;
        }
        self.finish(index, now);
    }

    /// After every change of a record: forget it, or see to it that its next deadline is in the wheel.
    pub(crate) fn finish(&mut self, index: u32, now: u64) {
        let Some(hot) = self.slab.hot(index) else {
            return;
        };
        let idle = !hot.has(bit::OPEN) && hot.total == 0;
        let waits =
            self.extra(index).is_some_and(|extra| !extra.flights.is_empty() || extra.remind_at != u64::MAX);
        if idle && !waits {
            let remember = millis(self.policy.remember);
            let refractory = self.extra(index).map_or(0, |extra| extra.refractory_until);
            if remember == 0 && refractory <= now {
                self.forget(index);
                self.settle_if_front(index);
                return;
            }
            let until = now.saturating_add(remember).max(refractory);
            if let Some(extra) = self.extra_mut(index) {
                extra.forget_at = until;
            }
        } else if self.extra(index).is_some()
            && let Some(extra) = self.extra_mut(index)
        {
            extra.forget_at = u64::MAX;
        }
        let timer = self.timer(index);
        self.arm(index, timer);
        self.settle_if_front(index);
    }

    /// Nothing is known of this key any more.
    fn forget(&mut self, index: u32) {
        if let Some(extra) = self.extra(index) {
            let delivered: usize = extra.delivered.iter().map(|batch| batch.items.len()).sum();
            self.items = self.items.saturating_sub(delivered as u64);
        }
        if self.slab.hot(index).is_some_and(|hot| hot.has(bit::ARMED)) {
            self.stale += 1;
        }
        let identity = self.identity_of(index);
        if self.slab.remove(index).is_some() {
            self.table.remove(identity.tag(), index);
        }
        self.compact();
    }

    /// Sees to it that the wheel wakes us at `timer` or before. An entry that is early stays where it is.
    pub(crate) fn arm(&mut self, index: u32, timer: u64) {
        let Some(hot) = self.slab.hot(index) else {
            return;
        };
        let armed = hot.has(bit::ARMED);
        if timer == u64::MAX {
            return;
        }
        if armed && !hot.has(bit::FAR) && self.wheel.near_time(hot.armed) <= timer {
            if timer < self.front.0 {
                self.front = (timer, index);
            }
            return;
        }
        if armed {
            self.stale += 1;
        }
        let now = self.clock.now();
        if self.wheel.len() == 0 && timer >= now && self.due.is_empty() {
            self.wheel.advance(now);
        }
        self.enter(index, timer);
        self.compact();
    }

    /// Puts a record's deadline into the wheel. No deadline that is to keep its place may be before the wheel's time.
    pub(crate) fn enter(&mut self, index: u32, timer: u64) {
        if timer == u64::MAX {
            return;
        }
        let entry = match self.join_due(index, timer) {
            Some(at) => Armed { at, far: false },
            None => self.wheel.push(timer, index),
        };
        if let Some(hot) = self.slab.hot_mut(index) {
            hot.armed = entry.at as u32;
            hot.set(bit::ARMED);
            if entry.far {
                hot.set(bit::FAR);
            } else {
                hot.unset(bit::FAR);
            }
        }
        if timer < self.front.0 {
            self.front = (timer, index);
        }
    }

    /// A record that is due at the time of those that were taken out, or before, joins them in its place, so that the
    /// order does not depend on how many were taken out. Gives that time.
    fn join_due(&mut self, index: u32, timer: u64) -> Option<u64> {
        let (at, last) = self.due.first().copied()?;
        if timer > at || index > last {
            return None;
        }
        let place = self.due.partition_point(|(_, other)| *other > index);
        let before_it = self.due.len() - place;
        self.due.insert(place, (at, index));
        if let Some(place) = self.ahead.len().checked_sub(before_it) {
            self.ahead.insert(place, Identity::default());
        }
        Some(at)
    }

    fn settle_if_front(&mut self, index: u32) {
        if self.front.1 == index && self.front.0 != u64::MAX {
            self.settle();
        }
    }

    /// Finds the earliest deadline anew: entries at the front that no longer hold are thrown away, those that are
    /// early go to their true place. Each was paid for by the event that moved it.
    ///
    /// Not while something is taken out: whatever of it goes back must find its place, and until then it is due at once.
    #[cold]
    pub(crate) fn settle(&mut self) {
        if !self.due.is_empty() {
            // The wheel stays at their time. When the last is gone this is done.
            return;
        }
        let now = self.clock.now();
        loop {
            self.wheel.advance(now);
            let Some((at, index)) = self.wheel.peek() else {
                self.front = (u64::MAX, 0);
                return;
            };
            if !self.holds(at, index) {
                self.wheel.pop();
                self.stale = self.stale.saturating_sub(1);
                continue;
            }
            let timer = self.timer(index);
            if timer <= at {
                self.front = (timer, index);
                return;
            }
            self.wheel.pop();
            if let Some(hot) = self.slab.hot_mut(index) {
                hot.unset(bit::ARMED | bit::FAR);
            }
            self.front = (u64::MAX, 0);
            self.arm(index, timer);
        }
    }

    /// Keeps the entries that no longer hold fewer than those that do.
    fn compact(&mut self) {
        if self.stale < 4096 || self.stale * 2 < self.wheel.len() {
            return;
        }
        let slab = &self.slab;
        self.wheel.retain(|low, index| slab.hot(index).is_some_and(|hot| hot.relies_on(low)));
        self.stale = 0;
    }
}
