//! The state machine.

mod answer;
mod change;
mod flush;
mod intake;
mod pending;
mod retract;
mod send;
mod timeout;

use std::collections::VecDeque;
use std::fmt;

use reveille_core::{UnixTime, Wakeup};

use crate::clock::Clock;
use crate::dedup::Dedup;
use crate::hash::{Identity, Place};
use crate::record::{Extra, bit};
use crate::slab::Slab;
use crate::table::Table;
use crate::wheel::Wheel;
use crate::window::Deadline;
use crate::{Collect, Host, InvalidPolicy, Ledger, Limits, Output, Policy, Seed};
use reveille_core::millis;

pub use answer::Answered;
pub use retract::{Retracted, Selector};

/// How many batches of one key may be in flight: one digest, and urgent ones that overtook it. With so many, an
/// urgent event is treated as an ordinary one.
pub(crate) const MAX_FLIGHTS: usize = 16;

/// Many events, one notification. See the [crate's documentation](crate) for the loop that drives it.
pub struct Engine<H: Host> {
    pub(crate) host: H,
    pub(crate) policy: Policy,
    pub(crate) derived: Derived,
    pub(crate) limits: Limits,
    pub(crate) seed: Seed,
    pub(crate) clock: Clock,
    pub(crate) table: Table,
    pub(crate) slab: Slab<H>,
    pub(crate) wheel: Wheel,
    /// Entries of the wheel that no longer hold.
    pub(crate) stale: usize,
    /// The earliest deadline and its record, exactly; `u64::MAX` for none.
    pub(crate) front: (u64, u32),
    /// Taken out of the wheel because they are due, latest first.
    pub(crate) due: Vec<(u64, u32)>,
    /// The identities of the last of them, fetched ahead.
    pub(crate) ahead: Vec<Identity>,
    /// A record and the identity of its key.
    pub(crate) known: (u32, Identity),
    pub(crate) outputs: VecDeque<Output<H>>,
    pub(crate) dedup: Option<Dedup>,
    pub(crate) ledger: Ledger,
    pub(crate) generation: u64,
    pub(crate) items: u64,
    pub(crate) bytes: u64,
}

/// What follows from a policy, so that no event has to work it out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Derived {
    pub(crate) deadline: Deadline,
    pub(crate) tolerance: u64,
    /// An event into an open window needs its hot line only.
    pub(crate) lean: bool,
    /// What was delivered is kept for reads, cancels and reminders.
    pub(crate) remembers: bool,
    /// A flush is the end of a key: nothing is waited for, nothing is kept.
    pub(crate) forgets: bool,
}

impl From<&Policy> for Derived {
    fn from(policy: &Policy) -> Self {
        let lean = policy.collect == Collect::Totals
            && policy.dedup.is_none()
            && policy.max_items.is_none()
            && policy.max_bytes.is_none()
            && policy.actors == 1;
        let remembers = !policy.remember.is_zero() || !policy.reminders.is_empty();
        let waits = policy.ack_timeout.is_some() || policy.refractory.is_some() || policy.leading;
        Self {
            deadline: policy.window.into(),
            tolerance: millis(policy.clock_tolerance),
            lean,
            remembers,
            forgets: !remembers && !waits && policy.useful_for.is_none(),
        }
    }
}

impl<H: Host> Engine<H> {
    /// An empty engine.
    ///
    /// # Errors
    /// [`InvalidPolicy`] says which of the policy's fields cannot work.
    pub fn new(host: H, policy: Policy, limits: Limits, seed: Seed) -> Result<Self, InvalidPolicy> {
        policy.check()?;
        Ok(Self {
            host,
            derived: Derived::from(&policy),
            dedup: policy.dedup.map(|window| Dedup::new(window, limits.ids, seed)),
            policy,
            limits,
            seed,
            clock: Clock::default(),
            table: Table::new(),
            slab: Slab::new(),
            wheel: Wheel::new(),
            stale: 0,
            front: (u64::MAX, 0),
            due: Vec::new(),
            ahead: Vec::new(),
            known: (u32::MAX, Identity::default()),
            outputs: VecDeque::new(),
            ledger: Ledger::default(),
            generation: 0,
            items: 0,
            bytes: 0,
        })
    }

    /// When to call [`handle_timeout`](Self::handle_timeout): exactly the earliest deadline; at once if there is
    /// something to poll. O(1).
    #[must_use]
    pub fn next_wakeup(&self) -> Option<Wakeup> {
        let now = self.clock.now();
        if !self.outputs.is_empty() || !self.due.is_empty() {
            return Some(Wakeup { at: self.clock.wall(now), reason: "outputs wait to be polled" });
        }
        if self.front.0 == u64::MAX {
            return None;
        }
        let at = self.clock.wall(self.front.0.max(now));
        Some(Wakeup { at, reason: "a window, an answer, a reminder or a memory is due" })
    }

    /// Where all events stand.
    #[must_use]
    pub const fn explain(&self) -> Ledger {
        self.ledger
    }

    /// Keys with an open window or a memory.
    #[must_use]
    pub const fn keys(&self) -> u32 {
        self.slab.used()
    }

    /// The caller's side.
    #[must_use]
    pub const fn host(&self) -> &H {
        &self.host
    }

    /// The policy in force.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// How many events of a key are pending, in flight or delivered, and not read.
    #[must_use]
    pub fn unread(&self, key: &H::Key) -> u32 {
        let identity = self.seed.identity(key);
        self.find(identity).map_or(0, |index| self.unread_of(index))
    }

    #[inline]
    pub(crate) fn find(&self, identity: Identity) -> Option<u32> {
        let guess = self.table.guess(identity.tag());
        if self.is(guess, identity) { Some(guess) } else { self.search(identity) }
    }

    /// [`find`](Self::find), begun with the first half of the identity: the table's memory is under way while the
    /// second half is computed.
    #[inline(always)]
    pub(crate) fn find_place(&self, place: Place) -> (Identity, Option<u32>) {
        let guess = self.table.guess(place.tag());
        let identity = place.identity();
        let found = if self.is(guess, identity) { Some(guess) } else { self.search(identity) };
        (identity, found)
    }

    #[inline(always)]
    fn is(&self, index: u32, identity: Identity) -> bool {
        self.slab.hot(index).is_some_and(|hot| hot.fingerprint == identity.fingerprint())
    }

    #[inline(never)]
    fn search(&self, identity: Identity) -> Option<u32> {
        self.table.find(identity.tag(), |index| self.is(index, identity))
    }

    /// The identity of a record's key. The last one is kept: closing a window asks twice, and it was fetched ahead.
    pub(crate) fn identity_of(&mut self, index: u32) -> Identity {
        let (known, identity) = self.known;
        if known == index && self.slab.hot(index).is_some_and(|hot| hot.fingerprint == identity.fingerprint())
        {
            return identity;
        }
        let key = self.slab.cold(index).and_then(|cold| cold.key.as_ref());
        let identity = key.map_or_else(Identity::default, |key| self.seed.identity(key));
        self.known = (index, identity);
        identity
    }

    pub(crate) fn extra(&self, index: u32) -> Option<&Extra<H>> {
        self.slab.cold(index)?.extra.as_deref()
    }

    /// The extra of a record, made if it is not there.
    pub(crate) fn extra_mut(&mut self, index: u32) -> Option<&mut Extra<H>> {
        let (hot, cold) = self.slab.both_mut(index)?;
        hot.set(bit::EXTRA);
        Some(cold.extra.get_or_insert_with(Box::default))
    }

    /// The earliest deadline of a record; `u64::MAX` for none.
    pub(crate) fn timer(&self, index: u32) -> u64 {
        let Some(hot) = self.slab.hot(index) else {
            return u64::MAX;
        };
        let window = if hot.has(bit::OPEN) { hot.deadline } else { u64::MAX };
        if hot.has(bit::EXTRA) {
            self.extra(index).map_or(window, |extra| window.min(extra.timer()))
        } else {
            window
        }
    }

    pub(crate) fn unread_of(&self, index: u32) -> u32 {
        let pending = self.slab.hot(index).map_or(0, |hot| hot.total);
        let Some(extra) = self.extra(index) else {
            return pending;
        };
        let flights = extra.flights.iter().map(|flight| flight.batch.total);
        let delivered = extra.delivered.iter().map(|batch| batch.total);
        flights.chain(delivered).fold(pending, u32::saturating_add)
    }
}

impl<H: Host> fmt::Debug for Engine<H> {
    /// Sizes only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("keys", &self.keys())
            .field("explain", &self.ledger)
            .field("next_wakeup", &self.next_wakeup())
            .finish_non_exhaustive()
    }
}

impl<H: Host> Engine<H> {
    /// The wall-clock time of an inside time.
    pub(crate) fn wall(&self, inside: u64) -> UnixTime {
        self.clock.wall(inside)
    }
}
