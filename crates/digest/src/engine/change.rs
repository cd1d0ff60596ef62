//! The rules change, and the clock does, while windows are open.

use reveille_core::UnixTime;

use super::Derived;
use super::catch_up::Waits;
use crate::batch::Batch;
use crate::catch_up::Rate;
use crate::options::InvalidPolicy;
use crate::store::items::NONE;
use crate::store::record::{Hot, Wait};
use crate::time::{self, Step, after};
use crate::{Engine, Host, Item, Lane, Limits, Policy};

impl<H: Host> Engine<H> {
    /// Puts another policy in force. An open window closes at its old end, or one new waiting time from now, whichever is
    /// earlier; what it has kept of its events stays as it is. O(keys): policies change seldom.
    ///
    /// # Errors
    /// [`InvalidPolicy`]: the old one stays in force.
    pub fn set_policy(&mut self, policy: Policy, now: UnixTime) -> Result<(), InvalidPolicy> {
        policy.check()?;
        let now = self.observe(now);
        let _: Result<(), crate::Error> = self.bring_up(now);
        self.change_policy(policy, now);
        Ok(())
    }

    pub(crate) fn change_policy(&mut self, policy: Policy, now: u64) {
        self.derived = Derived::new(&policy, &self.limits);
        self.store.sliding = policy.window.sliding();
        self.policy = policy;
        let end = after(now, self.derived.max_wait);
        for index in 0..self.store.made() {
            if let Some(hot) = self.store.hot_mut(index)
                && hot.wait == Wait::Open
            {
                hot.end = hot.end.min(end);
            }
        }
        self.store.arm_all(now);
    }

    /// Puts other limits in force. What is over them stays until it goes by itself; of memories, the least recent
    /// go, and of known ids the oldest.
    pub fn set_limits(&mut self, limits: Limits, now: UnixTime) {
        let now = self.observe(now);
        let _: Result<(), crate::Error> = self.bring_up(now);
        self.change_limits(limits);
    }

    pub(crate) fn change_limits(&mut self, limits: Limits) {
        self.limits = limits;
        self.derived = Derived::new(&self.policy, &limits);
        self.seen.set_limit(limits.ids);
        while self.memories.len > limits.memories && self.forget_oldest() {}
    }

    /// Puts another calendar in force. What waits for the end of a quiet is asked again, at most at this rate; what was
    /// [held](Self::handle_held) by somebody above goes on waiting, because this calendar is not why it waits. O(keys).
    /// Returns how many waited.
    pub fn set_calendar(&mut self, calendar: H::Calendar, rate: Rate, now: UnixTime) -> u32 {
        let now = self.observe(now);
        let _: Result<(), crate::Error> = self.bring_up(now);
        self.calendar = calendar;
        self.recheck_all(Waits::Quiet, |_| true, rate, now)
    }

    /// Closes the open window of a key at once, as if its time had come: poll for the notification. `false` if it has
    /// none with events, or if something holds flushes back (a batch in flight, the refractory period, the calendar, or
    /// somebody above who had it [held](Self::handle_held)): then the window keeps its time.
    ///
    /// ```text
    ///         x   x   flush_now                x
    ///         |-------N2                       |---- 30 s ---->N1
    /// ```
    pub fn flush_now(&mut self, key: &H::Key, now: UnixTime) -> bool {
        let now = self.observe(now);
        let _: Result<(), crate::Error> = self.bring_up(now);
        self.flush_key(key, now)
    }

    pub(crate) fn flush_key(&mut self, key: &H::Key, now: u64) -> bool {
        let found = self.store.find(self.seed.identity(key));
        let Some(index) = found.filter(|index| self.hold(*index, now).is_none()) else { return false };
        if self
            .store
            .hot(index)
            .is_none_or(|hot| hot.total == 0 || !hot.wait.is_window() || hot.wait == Wait::Held)
        {
            return false;
        }
        self.wait_for(index, Wait::Turn, now);
        self.finish(index, now);
        true
    }

    /// The wall clock was set: what is a span (a window, a time-out, a memory) goes with it, what is a point (until when a
    /// batch is held, until when an event is of use) stays. After a step back the calendar is asked again for what waits
    /// for the end of a quiet. O(keys). A driver that compares the wall clock with a monotonic
    /// one says so here; a step back by more than [`Policy::clock_tolerance`](crate::Policy) is found without that. If the
    /// engine was told a later time than `was`, spans count from that time: what was left of them is left after the step.
    pub fn handle_clock_step(&mut self, was: UnixTime, is: UnixTime) {
        // The clock may have been behind the engine's time, within the tolerance: spans count from the engine's.
        let step = Step { was: time::inside(was).max(self.now), is: time::inside(is) };
        self.step_clock(step);
        self.now = step.is;
        self.store.at(self.now);
    }

    #[cold]
    pub(crate) fn step_clock(&mut self, step: Step) {
        let shift = |at: &mut u64| *at = step.shift(*at);
        let shift_batch = |batch: &mut Batch<H>| {
            if batch.sums.total > 0 {
                shift(&mut batch.sums.first);
                shift(&mut batch.sums.last);
            }
            batch
                .kept
                .as_mut_slice()
                .iter_mut()
                .for_each(|item| item.at = time::wall(step.shift(item.at.as_millis())));
        };
        let back = step.is < step.was;
        for index in 0..self.store.made() {
            let last = self.store.hot(index).map_or(NONE, Hot::last_listed);
            self.store.items.each_time(last, shift);
            let Some((hot, cold)) = self.store.both_mut(index) else { continue };
            if hot.total > 0 {
                shift(&mut hot.first);
                shift(&mut hot.last);
            }
            match hot.wait {
                // The end of a quiet that a wrong clock named may be far: the calendar is asked again.
                Wait::Quiet if back => hot.wait_for(Wait::Turn, step.is),
                Wait::Quiet | Wait::Held => {}
                _ => shift(&mut hot.end),
            }
            let Some(extra) = cold.extra.as_deref_mut() else { continue };
            shift(&mut extra.since);
            if let Some(counted) = extra.counted.as_deref_mut() {
                let shift =
                    |item: &mut Item<H::Payload>| item.at = time::wall(step.shift(item.at.as_millis()));
                counted.kept.iter_mut().for_each(shift);
            }
            if let Some(paces) = extra.paces.as_deref_mut() {
                if paces.refractory_until > step.was || hot.wait == Wait::Idle && paces.refractory_until > 0 {
                    // Also if it is over, where its end is all that wakes the record.
                    paces.refractory_until = step.shift(paces.refractory_until).max(1);
                } else {
                    paces.refractory_until = 0;
                }
                shift(&mut paces.notified_at);
                shift(&mut paces.before.1);
                if !paces.remind_held {
                    shift(&mut paces.remind_at);
                } else if back {
                    (paces.remind_at, paces.remind_held) = (step.is, false);
                }
            }
            for flight in extra.flights.iter_mut() {
                if !flight.held {
                    shift(&mut flight.until);
                }
                shift_batch(&mut flight.batch);
            }
            for lane in [Lane::Digest, Lane::Urgent] {
                extra.delivered_in(lane).into_iter().for_each(|delivered| delivered.each_time(shift));
            }
        }
        self.memories.shift(|at| step.shift(at));
        self.seen.shift(step);
        self.store.at(step.is);
        self.store.arm_all(step.is);
    }
}
