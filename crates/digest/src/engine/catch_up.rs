//! Many windows at once: after a restart, and when a calendar changes.

use std::time::Duration;

use reveille_core::UnixTime;

use crate::batch::Select;
use crate::flights::Flight;
use crate::store::record::{Hot, Wait};
use crate::time::{NEVER, after, span};
use crate::{Engine, Fate, Host, Lane};

/// How a recovered engine treats windows, unanswered digests and reminders whose time passed while nobody ran it. Give it
/// to [`Engine::handle_recovered`] once after a restart, before the first poll; the default flushes all of them at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_structs,
    reason = "plain data that users make and take apart; another field is another version of the log"
)]
pub struct CatchUp {
    /// What happens to them.
    pub overdue: Overdue,
    /// How fast.
    pub rate: Rate,
}

/// What happens to a window, or a digest without an answer, that was overdue when the engine recovered. Choose it in
/// [`CatchUp::overdue`]: send old events at once, let them wait for new ones, or let those expire that are too old.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_enums,
    reason = "users match all of it; another variant is another behaviour version"
)]
pub enum Overdue {
    /// It is flushed.
    Flush,
    /// It waits once more, so that what comes now joins it.
    Merge,
    /// Its events older than this expire; what is left is flushed.
    DropOlderThan(Duration),
}

/// How fast many waiting windows may go out: at most `windows` in each span of `every`, the oldest first. Use it in
/// [`CatchUp`] and with [`Engine::recheck_where`], so that a restart or another calendar does not send everything in
/// the same second. After a restart, digests without an answer and reminders stand in the same row. Urgent events that had no
/// answer do not: what is still of use goes at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_structs,
    reason = "plain data that users make and take apart; another field is another version of the log"
)]
pub struct Rate {
    /// How many.
    pub windows: u32,
    /// In how long.
    pub every: Duration,
}

impl Rate {
    /// All at once.
    pub const UNLIMITED: Self = Self { windows: u32::MAX, every: Duration::ZERO };

    /// When it is the turn of the key with this place in the row.
    fn turn(&self, place: usize) -> u64 {
        let turn = (place as u64).checked_div(u64::from(self.windows)).unwrap_or(place as u64);
        turn.saturating_mul(span(self.every)).min(span(Duration::MAX) - 1)
    }
}

impl Default for CatchUp {
    /// Flush everything, all at once.
    fn default() -> Self {
        Self { overdue: Overdue::Flush, rate: Rate::UNLIMITED }
    }
}

/// What a recheck lets go.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Waits {
    /// What waits for the calendar.
    Quiet,
    /// That, and what was held by somebody above.
    QuietOrHeld,
}

impl<H: Host> Engine<H> {
    /// The service runs again: says how to treat what came due while it did not. The first call after a restore and after
    /// the tail of the log; the engine must not be polled in between.
    pub fn handle_recovered(&mut self, catch_up: CatchUp, now: UnixTime) {
        let now = self.observe(now);
        if catch_up == CatchUp::default() {
            // They are due, that is all.
            return;
        }
        let mut overdue: Vec<(u64, u32)> = (0..self.store.made())
            .map(|index| (self.overdue_since(index, now), index))
            .filter(|(since, _)| *since <= now)
            .collect();
        // The oldest first; among equals by number, as ever.
        overdue.sort_unstable();
        for (place, (_, index)) in overdue.into_iter().enumerate() {
            self.catch_up_with(index, catch_up, place, now);
            self.finish(index, now);
        }
    }

    /// Since when a record's window, its unanswered digest or its reminder is overdue; a time to come if none is.
    fn overdue_since(&self, index: u32, now: u64) -> u64 {
        let Some(hot) = self.store.hot(index) else { return NEVER };
        let window = if hot.total > 0 { hot.deadline(self.store.sliding) } else { NEVER };
        let Some(extra) = self.store.extra(index) else { return window };
        let digests = extra.flights.iter().filter(|flight| is_late_digest(flight, now));
        let answer = digests.map(|flight| flight.until).min().unwrap_or(NEVER);
        window.min(answer).min(extra.reminder(hot.total))
    }

    /// It gets its turn in the row.
    fn catch_up_with(&mut self, index: u32, catch_up: CatchUp, place: usize, now: u64) {
        let (turn, sliding) = (catch_up.rate.turn(place), self.store.sliding);
        // A digest without an answer comes back, as ever; if no window of its own waits for its time, its events are overdue.
        let closed = |hot: &Hot| !hot.wait.is_window() || hot.wait == Wait::InFlight;
        let closed = self.store.hot(index).is_some_and(closed);
        let late = self.store.extra_there(index);
        let late = late.and_then(|extra| extra.flights.take(|flight| is_late_digest(flight, now)));
        let came_back = closed && late.is_some();
        if let Some(flight) = late {
            self.timed_out(index, flight, now);
        }
        let waits = |hot: &Hot| hot.total > 0 && (came_back || hot.deadline(sliding) <= now);
        if self.store.hot(index).is_some_and(waits) {
            let mut wait = 0;
            match catch_up.overdue {
                Overdue::Flush => {}
                Overdue::Merge => wait = self.derived.wait,
                Overdue::DropOlderThan(age) => {
                    let before = now.saturating_sub(span(age));
                    if self.drop_pending(index, Select::Useless { now, before }, Fate::Expired) > 0 {
                        self.tell_unread(index);
                        self.emptied(index);
                    }
                }
            }
            if self.store.hot(index).is_some_and(|hot| hot.total > 0) {
                // Further events join it, and do not change its turn.
                let turn = after(now, wait).saturating_add(turn);
                self.wait_for(index, Wait::Turn, turn.min(NEVER - 1));
            }
        }
        let pending = self.store.hot(index).map_or(0, |hot| hot.total);
        if let Some(extra) = self.store.extra_there(index).filter(|extra| extra.reminder(pending) <= now) {
            let paces = extra.paces_mut();
            (paces.remind_at, paces.remind_held) = (now.saturating_add(turn).min(NEVER - 1), false);
        }
    }

    /// The calendar's answer for a key has changed: what waits for it, or was [held](Self::handle_held), is asked again now.
    /// Returns whether anything waited.
    pub fn recheck(&mut self, key: &H::Key, now: UnixTime) -> bool {
        let now = self.observe(now);
        let full = self.bring_up(now);
        let index = self.store.find(self.seed.identity(key));
        debug_assert!(full.is_ok() || !self.outputs.is_empty());
        let waits = Waits::QuietOrHeld;
        index.is_some_and(|index| self.waits(waits, index) && self.recheck_record(waits, index, now, now))
    }

    /// The same for every key that `select` names, for example all of a recipient, at most at this rate. O(keys). Returns
    /// how many waited.
    pub fn recheck_where(&mut self, select: impl FnMut(&H::Key) -> bool, rate: Rate, now: UnixTime) -> u32 {
        let now = self.observe(now);
        let _: Result<(), crate::Error> = self.bring_up(now);
        self.recheck_all(Waits::QuietOrHeld, select, rate, now)
    }

    pub(super) fn recheck_all(
        &mut self,
        waits: Waits,
        mut select: impl FnMut(&H::Key) -> bool,
        rate: Rate,
        now: u64,
    ) -> u32 {
        let mut waiting: Vec<(u64, u32)> = (0..self.store.made())
            .filter(|index| self.waits(waits, *index) && self.store.key(*index).is_some_and(&mut select))
            .filter_map(|index| self.store.hot(index).map(|hot| (hot.first, index)))
            .collect();
        waiting.sort_unstable();
        let count = waiting.len();
        for (place, (_, index)) in waiting.into_iter().enumerate() {
            self.recheck_record(waits, index, after(now, rate.turn(place)), now);
        }
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    fn waits(&self, waits: Waits, index: u32) -> bool {
        let held = waits == Waits::QuietOrHeld;
        self.store.hot(index).is_some_and(|hot| waits.takes(hot.wait))
            || self.store.extra(index).is_some_and(|extra| {
                extra.paces().remind_held || held && extra.flights.iter().any(|flight| flight.held)
            })
    }

    fn recheck_record(&mut self, waits: Waits, index: u32, at: u64, now: u64) -> bool {
        if self.store.hot(index).is_some_and(|hot| waits.takes(hot.wait)) {
            // Whatever else holds it is asked when it comes due.
            self.wait_for(index, Wait::Turn, at);
        }
        if let Some(extra) = self.store.extra_there(index) {
            if let Some(paces) = extra.paces.as_deref_mut().filter(|paces| paces.remind_held) {
                (paces.remind_at, paces.remind_held) = (at, false);
            }
            let held = |flight: &&mut Flight<H>| waits == Waits::QuietOrHeld && flight.held;
            extra.flights.iter_mut().filter(held).for_each(|flight| flight.until = at);
        }
        self.finish(index, now);
        true
    }
}

fn is_late_digest<H: Host>(flight: &Flight<H>, now: u64) -> bool {
    flight.lane == Lane::Digest && !flight.held && flight.until <= now
}

impl Waits {
    fn takes(self, wait: Wait) -> bool {
        wait == Wait::Quiet || self == Self::QuietOrHeld && wait == Wait::Held
    }
}
