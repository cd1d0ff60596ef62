//! What became of a notification.

use reveille_core::UnixTime;

use crate::batch::Select;
use crate::flights::Flight;
use crate::store::record::Wait;
use crate::time::{after, point};
use crate::{Engine, Fate, Generation, Host, Lane};

/// What an answer to a notification did: returned by [`Engine::handle_response`], [`Engine::handle_failure`] and
/// [`Engine::handle_held`]. Use it to notice late answers: after [`Stale`](Self::Stale) nothing has to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_enums,
    reason = "users match all of it; another variant is another behaviour version"
)]
pub enum Answered {
    /// The batch is settled.
    Settled,
    /// No such batch is in flight: it was answered before, or timed out. Nothing changed. (Of one that timed out it is kept in
    /// mind that it may be shown.)
    Stale,
}

#[derive(Clone, Copy)]
pub(crate) enum Verdict {
    Delivered,
    Failed,
    Held(u64),
}

impl<H: Host> Engine<H> {
    /// The notification of this generation was delivered.
    pub fn handle_response(&mut self, key: &H::Key, generation: Generation, now: UnixTime) -> Answered {
        self.answer(key, generation, Verdict::Delivered, now)
    }

    /// The notification of this generation could not be delivered. A digest's events are pending again and go out with the
    /// next generation, at most [`Policy::attempts`](crate::Policy) times in a row; then they expire. An urgent event is
    /// tried again at once, in its own lane and only while it is of use; not if a newer one of its key arrived, or is on its
    /// way or held: the two have one collapse id, so it ends as [`Fate::Superseded`].
    pub fn handle_failure(&mut self, key: &H::Key, generation: Generation, now: UnixTime) -> Answered {
        self.answer(key, generation, Verdict::Failed, now)
    }

    /// The notification of this generation was not sent, because its recipient is to be left alone until then. Its events
    /// are pending again, no attempt is counted, no refractory period begins with it, what comes until then joins them, and
    /// all goes at `until`; or sooner, if the key is [rechecked](Self::recheck), but not because this engine's calendar changes, nor by
    /// [`flush_now`](Self::flush_now). An urgent event waits in its own lane, and takes nothing along that is held.
    pub fn handle_held(
        &mut self,
        key: &H::Key,
        generation: Generation,
        until: UnixTime,
        now: UnixTime,
    ) -> Answered {
        self.answer(key, generation, Verdict::Held(point(until)), now)
    }

    pub(crate) fn answer(
        &mut self,
        key: &H::Key,
        generation: Generation,
        verdict: Verdict,
        now: UnixTime,
    ) -> Answered {
        let now = self.observe(now);
        // An answer is always taken in. If very many outputs wait, only its own key is brought up to date first.
        let identity = self.seed.identity(key);
        if self.bring_up(now).is_err()
            && let Some(index) = self.store.find(identity)
        {
            self.fire(index, now);
        }
        let Some(index) = self.store.find(identity) else { return Answered::Stale };
        let meant = |flight: &Flight<H>| flight.generation == generation.to_bits() && !flight.held;
        let found = self.store.extra_there(index).and_then(|extra| Some((extra.flights.take(meant)?, extra)));
        let Some((flight, extra)) = found else { return Answered::Stale };
        match verdict {
            Verdict::Delivered => {
                if flight.lane == Lane::Digest {
                    extra.failures = 0;
                }
                let generation = Generation::from_bits(flight.generation);
                self.deliver(index, flight.lane, generation, flight.batch);
            }
            Verdict::Failed => self.failed(index, flight, now),
            Verdict::Held(until) => {
                if flight.lane == Lane::Digest {
                    self.undo_refractory(index, now);
                }
                self.held(index, flight, until.max(now));
            }
        }
        self.release(index, now);
        self.finish(index, now);
        Answered::Settled
    }

    /// A batch in flight had no answer in time, or its hold is over.
    pub(crate) fn flight_is_due(&mut self, index: u32, flight: Flight<H>, now: u64) {
        if flight.held {
            self.send_again(index, flight, now);
        } else {
            self.timed_out(index, flight, now);
        }
    }

    /// Nobody said whether it arrived: it goes again, and may be shown all the same.
    pub(super) fn timed_out(&mut self, index: u32, flight: Flight<H>, now: u64) {
        // Of one whose events are gone, what is shown was cleared with the last of them, or others stand there.
        if flight.batch.sums.total > 0
            && let Some(extra) = self.store.extra_there(index)
        {
            *extra.silent_mut(flight.lane) = true;
        }
        self.failed(index, flight, now);
        self.release(index, now);
    }

    /// The events of this notification are pending again; what was read or cancelled meanwhile was so before it went.
    fn take_back(&mut self, flight: &Flight<H>) {
        self.ledger.take_back(flight.sent);
        self.ledger.settle(Fate::ReadBefore, flight.read);
        self.ledger.settle(Fate::Cancelled, flight.cancelled);
    }

    fn failed(&mut self, index: u32, mut flight: Flight<H>, now: u64) {
        self.take_back(&flight);
        let attempts = self.policy.attempts;
        let failures = match flight.lane {
            Lane::Urgent => flight.failures.saturating_add(1),
            Lane::Digest => self.store.extra_mut(index).map_or(0, |extra| {
                extra.failures = extra.failures.saturating_add(1);
                extra.failures
            }),
        };
        if failures > attempts {
            if flight.lane == Lane::Digest
                && let Some(extra) = self.store.extra_mut(index)
            {
                extra.failures = 0;
            }
            let removed = flight.batch.remove(Select::All);
            self.let_drop(index, Fate::Expired, removed.into());
            self.tell_unread(index);
            return;
        }
        flight.failures = failures;
        match flight.lane {
            // A ring has no business in a digest, and none after its time.
            Lane::Urgent => self.send_again(index, flight, now),
            Lane::Digest if flight.batch.sums.total > 0 => {
                self.put_back(index, flight.batch);
                if self.store.hot(index).is_some_and(|hot| !hot.wait.is_window()) {
                    self.wait_for(index, Wait::Turn, after(now, self.derived.wait));
                }
            }
            Lane::Digest => {}
        }
    }

    fn held(&mut self, index: u32, mut flight: Flight<H>, until: u64) {
        self.take_back(&flight);
        if flight.batch.sums.total == 0 {
            return;
        }
        match flight.lane {
            Lane::Digest => {
                self.put_back(index, flight.batch);
                self.wait_for(index, Wait::Held, until);
            }
            Lane::Urgent => {
                (flight.held, flight.until) = (true, until);
                (flight.sent, flight.read, flight.cancelled) = (flight.batch.sums.total, 0, 0);
                if let Some(extra) = self.store.extra_mut(index) {
                    extra.flights.push(flight);
                }
            }
        }
    }

    /// An urgent batch goes once more, as far as it is still of use, and if it would not replace a newer one.
    fn send_again(&mut self, index: u32, mut flight: Flight<H>, now: u64) {
        if flight.batch.sums.total > 0 && self.is_superseded(index, &flight) {
            let removed = flight.batch.remove(Select::All);
            self.let_drop(index, Fate::Superseded, removed.into());
            self.tell_unread(index);
            return;
        }
        let useless = flight.batch.remove(self.useless(now));
        let expired = useless.count > 0;
        self.let_drop(index, Fate::Expired, useless.into());
        if flight.batch.sums.total > 0 {
            self.send(index, flight.lane, flight.batch, flight.failures, now);
        }
        if expired {
            self.tell_unread(index);
        }
    }

    /// Whether a newer urgent batch of this key arrived, or is in flight or held.
    fn is_superseded(&self, index: u32, flight: &Flight<H>) -> bool {
        let is_newer = |other: &Flight<H>| {
            other.lane == flight.lane && other.generation > flight.generation && other.batch.sums.total > 0
        };
        flight.superseded || self.store.extra(index).is_some_and(|extra| extra.flights.iter().any(is_newer))
    }
}
