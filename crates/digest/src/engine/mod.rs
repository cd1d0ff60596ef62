//! The state machine, in words of the domain: what comes in, what a window waits for, what goes out. Where records are
//! and how they are woken is the store's.

mod answer;
mod catch_up;
mod change;
mod due;
mod input;
mod intake;
mod memory;
mod pending;
mod remind;
mod retract;
mod send;
mod window;

use std::collections::VecDeque;
use std::fmt;

use reveille_core::{UnixTime, Wakeup};

use crate::options::{Collect, InvalidPolicy};
use crate::store::Store;
use crate::store::memories::Memories;
use crate::store::seen::Seen;
use crate::time::{self, Step, span};
use crate::{Error, Generation, Host, Ledger, Limits, Output, Policy, Seed, error::Limit};

pub use answer::Answered;
pub use catch_up::{CatchUp, Overdue, Rate};
pub use input::Input;
pub(crate) use memory::is_memory;
pub use retract::{Read, Retracted, Selector};

/// How many batches of one key may be in flight: one digest, and urgent ones that overtook it. With so many, an
/// urgent event is treated as an ordinary one.
pub(crate) const MAX_FLIGHTS: usize = 16;

/// 2⁴⁰ ms. A clock that shows less was not set.
const YEAR_2004: u64 = 1 << 40;
/// 53 bits are what JSON can hold; half of them are left to count on.
const NO_DATE: u64 = 1 << 52;

/// Collects many events of a key, and gives one notification for them when its [`Policy`] says so. Use one engine for
/// all keys that share a policy; the [crate's documentation](crate) shows the loop that drives it.
pub struct Engine<H: Host> {
    pub(crate) host: H,
    pub(crate) calendar: H::Calendar,
    pub(crate) policy: Policy,
    pub(crate) derived: Derived,
    pub(crate) limits: Limits,
    pub(crate) seed: Seed,
    /// The last time that was told; it never falls but by a step of the clock.
    pub(crate) now: u64,
    pub(crate) store: Store<H>,
    pub(crate) memories: Memories,
    pub(crate) seen: Seen,
    pub(crate) outputs: VecDeque<Output<H>>,
    /// An input that comes after everything that is due.
    pub(crate) staged: Option<Input<H>>,
    pub(crate) ledger: Ledger,
    pub(crate) generation: u64,
    /// Events kept one by one: pending or in flight, and delivered.
    pub(crate) kept: u64,
    pub(crate) delivered: u64,
    /// Bytes of those that are pending or in flight.
    pub(crate) bytes: u64,
    /// Something may be on a screen of which nothing is known any more.
    pub(crate) forgot: bool,
}

/// What follows from policy and limits, so that no event has to work it out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Derived {
    pub(crate) max_wait: u64,
    /// How long an event waits if nothing else comes.
    pub(crate) wait: u64,
    pub(crate) tolerance: u64,
    pub(crate) remember: u64,
    pub(crate) dedup: u64,
    /// How many events of a key are kept, and how many bytes of those that are pending.
    pub(crate) keep: usize,
    pub(crate) keep_bytes: u32,
    /// An event into an open window cannot close it, nor be refused.
    pub(crate) uncapped: bool,
    /// What was delivered is kept for reads, cancels and reminders.
    pub(crate) remembers: bool,
    /// Somebody may want to hear of the unread count.
    pub(crate) tracks: bool,
}

impl Derived {
    fn new(policy: &Policy, limits: &Limits) -> Self {
        let uncapped =
            policy.max_items.is_none() && policy.max_bytes.is_none() && policy.refractory.is_none();
        let remembers = !policy.remember.is_zero() || !policy.reminders.is_empty();
        Self {
            max_wait: policy.window.max_wait(),
            wait: span(policy.window.wait()),
            tolerance: span(policy.clock_tolerance),
            remember: span(policy.remember),
            dedup: policy.dedup.map_or(0, span),
            keep: match policy.collect {
                Collect::Totals => 0,
                Collect::Latest => 1,
                Collect::Items => limits.per_key(),
            },
            keep_bytes: u32::try_from(limits.bytes / 8).unwrap_or(u32::MAX),
            uncapped,
            remembers,
            tracks: remembers || policy.ack_timeout.is_some(),
        }
    }
}

impl<H: Host> Engine<H> {
    /// Makes an empty engine. Give it the same secret seed after every restart: collapse ids follow from it.
    ///
    /// # Errors
    /// [`InvalidPolicy`] says which of the policy's fields cannot work.
    pub fn new(host: H, policy: Policy, limits: Limits, seed: Seed) -> Result<Self, InvalidPolicy> {
        policy.check()?;
        Ok(Self {
            host,
            calendar: H::Calendar::default(),
            derived: Derived::new(&policy, &limits),
            store: Store::new(policy.window.sliding(), &seed),
            memories: Memories::default(),
            seen: Seen::new(limits.ids, &seed),
            policy,
            limits,
            seed,
            now: 0,
            outputs: VecDeque::new(),
            staged: None,
            ledger: Ledger::default(),
            generation: 0,
            kept: 0,
            delivered: 0,
            bytes: 0,
            forgot: false,
        })
    }

    /// When to call [`handle_timeout`](Self::handle_timeout): exactly the earliest deadline; at once if there is
    /// something to poll. O(1).
    #[must_use]
    pub fn next_wakeup(&self) -> Option<Wakeup> {
        if !self.outputs.is_empty() || self.staged.is_some() {
            return Some(Wakeup { at: time::wall(self.now), reason: "outputs wait to be polled" });
        }
        let front = self.store.front();
        let reason = "a window, an answer or a reminder is due";
        (front <= time::END).then(|| Wakeup { at: time::wall(front.max(self.now)), reason })
    }

    /// Where all events stand.
    #[must_use]
    pub const fn explain(&self) -> Ledger {
        self.ledger
    }

    /// Keys with something pending, in flight or to be reminded of, and keys that are remembered.
    #[must_use]
    pub const fn keys(&self) -> u32 {
        self.store.used()
    }

    /// Keys that are only remembered.
    #[must_use]
    pub const fn memories(&self) -> u32 {
        self.memories.len
    }

    /// Gives the host that the engine was made with.
    #[must_use]
    pub const fn host(&self) -> &H {
        &self.host
    }

    /// The calendar in force.
    #[must_use]
    pub const fn calendar(&self) -> &H::Calendar {
        &self.calendar
    }

    /// The policy in force.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The limits in force.
    #[must_use]
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// How many events of a key are pending, in flight or delivered, and not read.
    #[must_use]
    pub fn unread(&self, key: &H::Key) -> u32 {
        let identity = self.seed.identity(key);
        self.store.find(identity).map_or(0, |index| self.unread_of(index))
    }

    /// How many events of a notification without an answer are not read.
    #[must_use]
    pub fn in_flight(&self, key: &H::Key, generation: Generation) -> u32 {
        let found = self.store.find(self.seed.identity(key)).and_then(|index| self.store.extra(index));
        let flight =
            found.and_then(|extra| extra.flights.iter().find(|f| f.generation == generation.to_bits()));
        flight.map_or(0, |flight| flight.batch.sums.total)
    }

    /// Bytes that this engine takes, itself included, without what keys, payloads, folds and the history of single keys
    /// hold on the heap. For deciding when to [`tidy`](Self::tidy): an engine in which nothing is kept takes less than
    /// 2 KiB then. What is kept of a cancel of one event, its id, goes only when two others are cancelled later, or over
    /// [`Limits::ids`]: it counts again if the clock that said it was over is set back.
    #[must_use]
    pub fn memory(&self) -> usize {
        let outputs = self.outputs.capacity() * size_of::<Output<H>>();
        size_of::<Self>() + self.store.memory() + self.memories.memory() + self.seen.memory() + outputs
    }

    /// Gives memory back that nobody needs any more. Changes nothing that can be seen, now or later, so it is no input: call
    /// it whenever an engine has been idle for a while.
    pub fn tidy(&mut self) {
        self.outputs.shrink_to(2);
        self.seen.shrink(self.now);
        let store = &self.store;
        self.memories.compact(|index, entry| is_memory(store, index, entry));
        self.memories.shrink();
        self.store.shrink();
    }

    pub(crate) fn unread_of(&self, index: u32) -> u32 {
        let pending = self.store.hot(index).map_or(0, |hot| hot.total);
        self.store.extra(index).map_or(pending, |extra| extra.unread(pending))
    }

    /// Takes note of the time.
    #[inline(always)]
    pub(crate) fn observe(&mut self, now: UnixTime) -> u64 {
        let now = time::inside(now);
        if now < self.now {
            if self.now - now <= self.derived.tolerance {
                return self.now;
            }
            self.step_clock(Step { was: self.now, is: now });
        }
        if self.generation == 0 && now < NO_DATE {
            self.generation = now;
        }
        self.now = now;
        self.store.at(now);
        now
    }

    /// Time passes for everybody before an input is looked at, so that nothing depends on how often somebody polls.
    #[inline(always)]
    pub(crate) fn bring_up(&mut self, now: u64) -> Result<(), Error> {
        if self.store.front() <= now {
            self.fire_all(now)?;
        }
        if self
            .memories
            .oldest()
            .is_some_and(|(since, ..)| since.saturating_add(self.derived.remember) <= now)
        {
            self.sweep(now);
        }
        Ok(())
    }

    #[cold]
    fn fire_all(&mut self, now: u64) -> Result<(), Error> {
        loop {
            if self.outputs.len() >= self.limits.outputs as usize {
                return Err(Error::Full { limit: Limit::Outputs });
            }
            if !self.fire_next(now) {
                return Ok(());
            }
        }
    }

    pub(crate) fn next_generation(&mut self) -> Generation {
        if self.generation < YEAR_2004 && self.now < NO_DATE {
            // They began when the clock showed nonsense, or was not set.
            self.generation = self.generation.max(self.now);
        }
        self.generation = self.generation.saturating_add(1);
        Generation::from_bits(self.generation)
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
