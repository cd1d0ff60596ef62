//! What happens to windows that came due while nobody ran the engine.

use std::time::Duration;

use crate::batch::Select;
use crate::record::bit;
use crate::{Engine, Fate, Host};
use reveille_core::millis;

/// How a restored engine treats windows whose time has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CatchUp {
    /// What happens to them.
    pub overdue: Overdue,
    /// At most so many of them in each span of this length; `None`: all at once.
    pub rate: Option<(u32, Duration)>,
}

/// What happens to an overdue window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overdue {
    /// It is flushed.
    Flush,
    /// It waits once more, so that what comes now joins it.
    Merge,
    /// Its events older than this expire; what is left is flushed.
    DropOlderThan(Duration),
}

impl Default for CatchUp {
    /// Flush everything, all at once.
    fn default() -> Self {
        Self { overdue: Overdue::Flush, rate: None }
    }
}

impl<H: Host> Engine<H> {
    pub(super) fn catch_up(&mut self, catch_up: CatchUp, now: u64) {
        if catch_up == CatchUp::default() {
            // They are due, that is all.
            return;
        }
        let mut overdue: Vec<(u64, u64, u32)> = (0..self.slab.made())
            .filter_map(|index| {
                let hot = self.slab.hot(index)?;
                let due =
                    hot.has(bit::OPEN) && hot.total > 0 && hot.deadline <= now && hot.deadline != u64::MAX;
                due.then_some((hot.deadline, hot.fingerprint, index))
            })
            .collect();
        // The oldest first; among equals by identity, so that a replay gives the same.
        overdue.sort_unstable();
        for (place, (_, _, index)) in overdue.into_iter().enumerate() {
            let turn = catch_up.rate.map_or(0, |(windows, every)| {
                let turn = (place as u64).checked_div(u64::from(windows)).unwrap_or(place as u64);
                turn.saturating_mul(millis(every))
            });
            self.catch_up_one(index, catch_up.overdue, now, turn);
        }
    }

    fn catch_up_one(&mut self, index: u32, overdue: Overdue, now: u64, turn: u64) {
        let mut wait = 0;
        match overdue {
            Overdue::Flush => {}
            Overdue::Merge => wait = millis(self.policy.window.wait()),
            Overdue::DropOlderThan(age) => {
                let before = now.saturating_sub(millis(age));
                self.drop_pending(index, Select::Before(before), Fate::Expired);
                if self.slab.hot(index).is_some_and(|hot| hot.total == 0) {
                    self.close(index);
                    self.finish(index, now);
                    return;
                }
            }
        }
        if let Some(hot) = self.slab.hot_mut(index) {
            // Held: further events join it, and do not change its turn.
            hot.set(bit::HELD);
            hot.deadline = now.saturating_add(wait).saturating_add(turn);
        }
    }
}
