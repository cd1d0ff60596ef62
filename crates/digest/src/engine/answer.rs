//! What became of a notification.

use reveille_core::UnixTime;

use crate::batch::{Removed, Select};
use crate::record::bit;
use crate::{Engine, Fate, Host, Lane};

/// What an answer did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answered {
    /// The batch is settled.
    Settled,
    /// No such batch is in flight: it was answered before, or timed out. Nothing changed.
    Stale,
}

impl<H: Host> Engine<H> {
    /// The notification of this generation was delivered.
    pub fn handle_response(&mut self, key: &H::Key, generation: u64, now: UnixTime) -> Answered {
        let now = self.clock.observe(now, self.derived.tolerance);
        let Some((index, at)) = self.flight(key, generation, now) else {
            return Answered::Stale;
        };
        if let Some(flight) = self.extra_mut(index).map(|extra| extra.flights.remove(at)) {
            if let Some(extra) = self.extra_mut(index) {
                extra.failures = 0;
            }
            self.deliver(index, flight.lane, flight.batch);
        }
        self.release(index, now);
        self.finish(index, now);
        Answered::Settled
    }

    /// The notification of this generation could not be delivered. Its events are pending again and go out with the
    /// next generation, at most [`Policy::attempts`](crate::Policy) times in a row; then they expire.
    pub fn handle_failure(&mut self, key: &H::Key, generation: u64, now: UnixTime) -> Answered {
        let now = self.clock.observe(now, self.derived.tolerance);
        let Some((index, at)) = self.flight(key, generation, now) else {
            return Answered::Stale;
        };
        self.fail(index, at, now);
        self.finish(index, now);
        Answered::Settled
    }

    /// The record and place of a batch in flight, after everything that is due.
    fn flight(&mut self, key: &H::Key, generation: u64, now: u64) -> Option<(u32, usize)> {
        let identity = self.seed.identity(key);
        let index = self.find(identity)?;
        let index = self.run_due(index, identity, now)?;
        let flights = &self.extra(index)?.flights;
        Some((index, flights.iter().position(|flight| flight.generation == generation)?))
    }

    /// A batch failed: its events go back in front of what is pending.
    pub(crate) fn fail(&mut self, index: u32, at: usize, now: u64) {
        let attempts = self.policy.attempts;
        let Some(extra) = self.extra_mut(index) else {
            return;
        };
        let mut flight = extra.flights.remove(at);
        extra.failures = extra.failures.saturating_add(1);
        let given_up = extra.failures > attempts;
        if given_up {
            extra.failures = 0;
        }
        self.stop_reminders(index);
        self.ledger.take_back(flight.sent);
        self.ledger.settle(Fate::ReadBefore, flight.read);
        self.ledger.settle(Fate::Cancelled, flight.cancelled);
        if given_up {
            let removed: Removed = flight.batch.remove(Select::All);
            self.items = self.items.saturating_sub(removed.items);
            self.bytes = self.bytes.saturating_sub(u64::from(removed.bytes));
            self.ledger.settle(Fate::Expired, removed.count);
            self.tell_dropped(index, Fate::Expired, removed);
        } else if flight.batch.total > 0 {
            let open = self.slab.hot(index).is_some_and(|hot| hot.has(bit::OPEN));
            if !open {
                self.open_if_closed(index, now);
            }
            let later = self.take_pending(index);
            if later.total == 0
                && let Some(hot) = self.slab.hot_mut(index)
            {
                hot.last = flight.batch.last;
            }
            let dropped = flight.batch.join(later, &self.host, self.policy.actors);
            self.items = self.items.saturating_sub(dropped);
            self.put_pending(index, flight.batch);
        }
        self.release(index, now);
    }

    /// No digest is in flight any more: what waited for it may go.
    fn release(&mut self, index: u32, now: u64) {
        let busy = self
            .extra(index)
            .is_some_and(|extra| extra.flights.iter().any(|flight| flight.lane == Lane::Digest));
        let deadline = self.derived.deadline;
        if !busy
            && let Some(hot) = self.slab.hot_mut(index)
            && hot.has(bit::OPEN)
            && hot.has(bit::HELD)
            && hot.deadline == u64::MAX
        {
            hot.unset(bit::HELD);
            hot.deadline = deadline.of(hot.opened, hot.last).max(now);
        }
    }
}
