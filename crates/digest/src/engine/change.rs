//! The rules change while windows are open.

use reveille_core::UnixTime;

use crate::dedup::Dedup;
use crate::record::bit;
use crate::{Collect, Engine, Host, InvalidPolicy, Policy};

use super::Derived;

impl<H: Host> Engine<H> {
    /// Puts another policy in force. Open windows close at the earlier of what the old and the new policy say; what
    /// they have kept of their events stays as it is: of actors counted under a smaller bound no more become known. A
    /// new deduplication window starts empty.
    /// O(keys): policies change seldom.
    ///
    /// # Errors
    /// [`InvalidPolicy`]: the old one stays in force.
    pub fn set_policy(&mut self, policy: Policy, now: UnixTime) -> Result<(), InvalidPolicy> {
        policy.check()?;
        let now = self.clock.observe(now, self.derived.tolerance);
        if policy.dedup != self.policy.dedup {
            self.dedup = policy.dedup.map(|window| Dedup::new(window, self.limits.ids, self.seed));
        }
        self.derived = Derived::from(&policy);
        self.policy = policy;
        // A record that counted lean cannot go on with kept events, and the other way round: that is per window.
        debug_assert!(!self.derived.lean || self.policy.collect == Collect::Totals);
        for index in 0..self.slab.made() {
            let deadline = self.derived.deadline;
            let Some(hot) = self.slab.hot_mut(index) else {
                continue;
            };
            if hot.state & (bit::USED | bit::OPEN | bit::HELD) != bit::USED | bit::OPEN {
                continue;
            }
            hot.deadline = hot.deadline.min(deadline.of(hot.opened, hot.last)).max(now);
            let timer = self.timer(index);
            self.arm(index, timer);
        }
        self.settle();
        Ok(())
    }

    /// The calendar's answer for a key has changed (a pause was lifted): what waits for it is asked again now.
    /// Returns whether anything waited.
    pub fn recheck(&mut self, key: &H::Key, now: UnixTime) -> bool {
        let now = self.clock.observe(now, self.derived.tolerance);
        let identity = self.seed.identity(key);
        self.find(identity).is_some_and(|index| self.recheck_record(index, now))
    }

    /// The same for every key that `select` names, for example all of a recipient. O(keys). Returns how many waited.
    pub fn recheck_where(&mut self, mut select: impl FnMut(&H::Key) -> bool, now: UnixTime) -> u32 {
        let now = self.clock.observe(now, self.derived.tolerance);
        let mut rechecked = 0;
        for index in 0..self.slab.made() {
            let selected = self.slab.cold(index).and_then(|cold| cold.key.as_ref()).is_some_and(&mut select);
            rechecked += u32::from(selected && self.recheck_record(index, now));
        }
        rechecked
    }

    /// Closes the open window of a key at once, as if its time had come: poll for the notification. `false` if it has
    /// none with events, or if something holds flushes back (a batch in flight, the refractory period, the calendar):
    /// then the window keeps its time.
    ///
    /// ```text
    ///         x   x   flush_now                x
    ///         |-------N2                       |---- 30 s ---->N1
    /// ```
    pub fn flush_now(&mut self, key: &H::Key, now: UnixTime) -> bool {
        let now = self.clock.observe(now, self.derived.tolerance);
        let identity = self.seed.identity(key);
        let found = self.find(identity).and_then(|index| self.run_due(index, identity, now));
        let Some(index) = found.filter(|index| self.hold(*index, now).is_none()) else {
            return false;
        };
        let Some(hot) = self.slab.hot_mut(index).filter(|hot| hot.has(bit::OPEN) && hot.total > 0) else {
            return false;
        };
        // The end of time is never.
        hot.deadline = now.min(u64::MAX - 1);
        self.finish(index, now);
        true
    }

    fn recheck_record(&mut self, index: u32, now: u64) -> bool {
        let Some(hot) = self.slab.hot_mut(index) else {
            return false;
        };
        if !hot.has(bit::OPEN) || !hot.has(bit::HELD) {
            return false;
        }
        // Whatever else holds it is asked again when it comes due, which is now.
        hot.deadline = now;
        self.finish(index, now);
        true
    }
}
