//! A window closes: into a notification, into a hold, or into nothing.

use reveille_core::UnixTime;

use crate::batch::Select;
use crate::record::bit;
use crate::{AtEnd, Engine, Fate, Host, Lane};
use reveille_core::millis;

/// What became of an attempt to flush.
pub(crate) enum Flushed {
    Sent(u64),
    Held,
    Dropped(Fate),
}

/// Why a flush has to wait.
pub(crate) enum Hold {
    /// Until then; `u64::MAX` until something happens.
    Until(u64),
    /// It does not wait, it is dropped.
    Drop,
}

impl<H: Host> Engine<H> {
    /// Flushes what is pending, unless something forbids it now.
    pub(crate) fn try_flush(&mut self, index: u32, now: u64) -> Flushed {
        if let Some(useful) = self.policy.useful_for {
            let before = now.saturating_sub(millis(useful));
            self.drop_pending(index, Select::Before(before), Fate::Expired);
            if self.slab.hot(index).is_none_or(|hot| hot.total == 0) {
                self.close(index);
                return Flushed::Dropped(Fate::Expired);
            }
        }
        match self.hold(index, now) {
            None => Flushed::Sent(self.flush(index, Lane::Digest, now)),
            Some(Hold::Until(until)) => {
                if let Some(hot) = self.slab.hot_mut(index) {
                    hot.set(bit::HELD);
                    hot.deadline = until;
                }
                Flushed::Held
            }
            Some(Hold::Drop) => {
                self.drop_pending(index, Select::All, Fate::Quiet);
                self.close(index);
                Flushed::Dropped(Fate::Quiet)
            }
        }
    }

    /// What forbids a flush now: an unanswered batch, the refractory period, the calendar. In this order.
    pub(crate) fn hold(&self, index: u32, now: u64) -> Option<Hold> {
        if let Some(extra) = self.extra(index) {
            if extra.flights.iter().any(|flight| flight.lane == Lane::Digest) {
                return Some(Hold::Until(u64::MAX));
            }
            if now < extra.refractory_until {
                return Some(Hold::Until(extra.refractory_until));
            }
        }
        let class = self.slab.hot(index).map_or(0, |hot| hot.class);
        self.quiet(index, class, now)
    }

    /// What the calendar says.
    pub(crate) fn quiet(&self, index: u32, class: u8, now: u64) -> Option<Hold> {
        let key = self.slab.cold(index)?.key.as_ref()?;
        let quiet = self.host.quiet(key, class, self.wall(now))?;
        if quiet.then == AtEnd::Drop {
            return Some(Hold::Drop);
        }
        if quiet.until == UnixTime::MAX {
            return Some(Hold::Until(u64::MAX));
        }
        let spread = self.seed.spread(key, quiet.until.as_millis(), millis(self.policy.spread));
        let until = self.clock.inside(quiet.until.as_millis()).saturating_add(spread);
        Some(Hold::Until(until.max(now.saturating_add(1))))
    }

    /// Sends what is pending and closes the window; under a leading edge the next one opens.
    pub(crate) fn flush(&mut self, index: u32, lane: Lane, now: u64) -> u64 {
        let generation = self.send(index, lane, 0, now);
        self.close(index);
        if self.policy.leading {
            self.open_if_closed(index, now);
        }
        self.start_refractory(index, now);
        self.start_reminders(index, now);
        generation
    }

    pub(crate) fn close(&mut self, index: u32) {
        if let Some(hot) = self.slab.hot_mut(index) {
            hot.unset(bit::OPEN | bit::HELD);
            hot.deadline = u64::MAX;
        }
    }

    fn start_refractory(&mut self, index: u32, now: u64) {
        let Some(refractory) = self.policy.refractory else {
            return;
        };
        let Some(extra) = self.extra_mut(index) else {
            return;
        };
        let level = match extra.notified_at {
            0 => 0,
            last => {
                let since = now.saturating_sub(last - 1);
                refractory.next_level(extra.refractory_level, std::time::Duration::from_millis(since))
            }
        };
        extra.refractory_level = level;
        // One more than the time, so that 0 is never.
        extra.notified_at = now.saturating_add(1);
        extra.refractory_until = now.saturating_add(millis(refractory.period(level)));
    }

    fn start_reminders(&mut self, index: u32, now: u64) {
        let Some(first) = self.policy.reminders.first() else {
            return;
        };
        let at = now.saturating_add(millis(*first));
        if let Some(extra) = self.extra_mut(index) {
            (extra.remind_at, extra.remind_step) = (at, 0);
        }
    }

    pub(crate) fn next_generation(&mut self, now: u64) -> u64 {
        // At least the time in ms, so that it rises even after all state was lost; 53 bits, so that JSON can hold it.
        self.generation = self.generation.saturating_add(1).max(now.min(1 << 53));
        self.generation
    }
}
