//! What happens to an engine, as plain data: the log is a list of these.

use reveille_core::{Machine, UnixTime, Wakeup};

use super::answer::Verdict;
use super::catch_up::Waits;
use crate::catch_up::{CatchUp, Rate};
use crate::retract::{Read, Selector};
use crate::time::{self, point};
use crate::{Engine, Event, Generation, Host, Limits, Output, Policy};

/// One input of an [`Engine`]: what a log holds, and what [`apply`](Machine::apply) takes.
///
/// The `handle_*` calls do the same, and may refuse; `apply` never does. Use [`Engine::admits`] before an event is
/// written to the log.
#[non_exhaustive]
pub enum Input<H: Host> {
    /// Time passes. Logged when [`next_wakeup`](Machine::next_wakeup) is due; and now and then while nothing else comes, so
    /// that memories go.
    Tick,
    /// [`handle_event`](Engine::handle_event)
    Event(Event<H>),
    /// [`handle_read`](Engine::handle_read)
    Read(H::Key, Read),
    /// [`handle_cancel`](Engine::handle_cancel)
    Cancel(H::Key, Selector),
    /// [`handle_response`](Engine::handle_response)
    Response(H::Key, Generation),
    /// [`handle_failure`](Engine::handle_failure)
    Failure(H::Key, Generation),
    /// [`handle_held`](Engine::handle_held), until then.
    Held(H::Key, Generation, UnixTime),
    /// [`flush_now`](Engine::flush_now)
    FlushNow(H::Key),
    /// [`recheck`](Engine::recheck) of these keys, at most at this rate; of nobody, if there are none.
    Recheck(Vec<H::Key>, Rate),
    /// The same of all keys.
    RecheckAll(Rate),
    /// [`set_policy`](Engine::set_policy). One that cannot work changes nothing: check it first.
    Policy(Policy),
    /// [`set_limits`](Engine::set_limits)
    Limits(Limits),
    /// [`set_calendar`](Engine::set_calendar)
    Calendar(H::Calendar, Rate),
    /// [`handle_recovered`](Engine::handle_recovered)
    Recovered(CatchUp),
    /// [`handle_clock_step`](Engine::handle_clock_step)
    ClockStep {
        /// What the clock said.
        was: UnixTime,
        /// What it says now.
        is: UnixTime,
    },
}

impl<H: Host> Machine for Engine<H> {
    type Input = Input<H>;
    type Output = Output<H>;

    fn step(&mut self, input: Input<H>, now: UnixTime) {
        match input {
            // These two come before what is due: they say how it is to be treated.
            Input::Recovered(catch_up) => self.handle_recovered(catch_up, now),
            Input::ClockStep { was, is } => {
                self.handle_clock_step(was, is);
                self.observe(now);
            }
            Input::Tick => self.handle_timeout(now),
            other => {
                self.observe(now);
                self.staged = Some(other);
            }
        }
    }

    fn next_output(&mut self) -> Option<Output<H>> {
        self.poll_output()
    }

    fn next_wakeup(&self) -> Option<Wakeup> {
        Self::next_wakeup(self)
    }
}

impl<H: Host> Engine<H> {
    /// All that is due has happened: now the input.
    pub(crate) fn take_staged(&mut self) {
        let now = self.now;
        let Some(input) = self.staged.take() else { return };
        match input {
            Input::Tick | Input::Recovered(_) | Input::ClockStep { .. } => {}
            Input::Event(event) => self.apply_event(event, now),
            Input::Read(key, read) => {
                self.read(&key, read, now);
            }
            Input::Cancel(key, what) => {
                self.cancel(&key, what, now);
            }
            Input::Response(key, generation) => self.apply_answer(&key, generation, Verdict::Delivered),
            Input::Failure(key, generation) => self.apply_answer(&key, generation, Verdict::Failed),
            Input::Held(key, generation, until) => {
                self.apply_answer(&key, generation, Verdict::Held(point(until)));
            }
            Input::FlushNow(key) => {
                self.flush_key(&key, now);
            }
            Input::Recheck(keys, rate) => {
                self.recheck_all(Waits::QuietOrHeld, |key| keys.contains(key), rate, now);
            }
            Input::RecheckAll(rate) => {
                self.recheck_all(Waits::QuietOrHeld, |_| true, rate, now);
            }
            Input::Policy(policy) => {
                if policy.check().is_ok() {
                    self.change_policy(policy, now);
                }
            }
            Input::Limits(limits) => self.change_limits(limits),
            Input::Calendar(calendar, rate) => {
                self.calendar = calendar;
                self.recheck_all(Waits::Quiet, |_| true, rate, now);
            }
        }
    }

    fn apply_answer(&mut self, key: &H::Key, generation: Generation, verdict: Verdict) {
        self.answer(key, generation, verdict, time::wall(self.now));
    }
}

impl<H: Host> Clone for Input<H> {
    fn clone(&self) -> Self {
        match self {
            Self::Tick => Self::Tick,
            Self::Event(event) => Self::Event(event.clone()),
            Self::Read(key, read) => Self::Read(key.clone(), *read),
            Self::Cancel(key, what) => Self::Cancel(key.clone(), *what),
            Self::Response(key, generation) => Self::Response(key.clone(), *generation),
            Self::Failure(key, generation) => Self::Failure(key.clone(), *generation),
            Self::Held(key, generation, until) => Self::Held(key.clone(), *generation, *until),
            Self::FlushNow(key) => Self::FlushNow(key.clone()),
            Self::Recheck(keys, rate) => Self::Recheck(keys.clone(), *rate),
            Self::RecheckAll(rate) => Self::RecheckAll(*rate),
            Self::Policy(policy) => Self::Policy(policy.clone()),
            Self::Limits(limits) => Self::Limits(*limits),
            Self::Calendar(calendar, rate) => Self::Calendar(calendar.clone(), *rate),
            Self::Recovered(catch_up) => Self::Recovered(*catch_up),
            Self::ClockStep { was, is } => Self::ClockStep { was: *was, is: *is },
        }
    }
}

impl<H: Host> std::fmt::Debug for Input<H> {
    /// Which one: neither keys nor payloads.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tick => f.write_str("Tick"),
            Self::Event(event) => event.fmt(f),
            Self::Read(_, read) => f.debug_tuple("Read").field(read).finish_non_exhaustive(),
            Self::Cancel(_, what) => f.debug_tuple("Cancel").field(what).finish_non_exhaustive(),
            Self::Response(_, generation) => {
                f.debug_tuple("Response").field(generation).finish_non_exhaustive()
            }
            Self::Failure(_, generation) => {
                f.debug_tuple("Failure").field(generation).finish_non_exhaustive()
            }
            Self::Held(_, generation, until) => {
                f.debug_tuple("Held").field(generation).field(until).finish_non_exhaustive()
            }
            Self::FlushNow(_) => f.write_str("FlushNow"),
            Self::Recheck(..) => f.write_str("Recheck"),
            Self::RecheckAll(_) => f.write_str("RecheckAll"),
            Self::Policy(policy) => policy.fmt(f),
            Self::Limits(limits) => limits.fmt(f),
            Self::Calendar(..) => f.write_str("Calendar"),
            Self::Recovered(catch_up) => catch_up.fmt(f),
            Self::ClockStep { was, is } => {
                f.debug_struct("ClockStep").field("was", was).field("is", is).finish()
            }
        }
    }
}
