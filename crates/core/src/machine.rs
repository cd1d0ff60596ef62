//! The shape of everything that lives from a log.

use std::fmt;

use crate::{UnixTime, Wakeup};

/// A state machine whose state is a fold of its inputs, so that the list of inputs is all that must be durable. Use
/// it through [`Logged`](crate::log::Logged), which counts the inputs.
///
/// The contract:
/// * **Total.** [`apply`](Self::apply) refuses nothing. What is not wanted is refused at admission, before the input is
///   written to the log; over a bound the machine keeps the count and says so in an output.
/// * **Deterministic.** The outputs are a function of the inputs and their times: no clock, no random source, no order
///   of a hash map. Two machines with the same settings that apply the same inputs give the same bytes.
/// * **Drained.** Outputs are taken to the end before the next input; the borrow in [`Drain`] sees to it. So outputs do not
///   depend on how often a driver looks.
/// * **Time is an input.** `now` never falls; a smaller one is taken as the last. A deadline takes effect with the first
///   input at or after it, mostly a tick.
///
/// ```
/// use reveille_core::{Drain, Machine, UnixTime, Wakeup};
///
/// /// Says how many it has seen when a minute is over.
/// #[derive(Default)]
/// struct Counter { seen: u32, due: Option<UnixTime>, out: Option<u32> }
/// enum Input { Event, Tick }
///
/// impl Machine for Counter {
///     type Input = Input;
///     type Output = u32;
///     fn step(&mut self, input: Input, now: UnixTime) {
///         if self.due.is_some_and(|due| due <= now) {
///             (self.out, self.due, self.seen) = (Some(self.seen), None, 0);
///         }
///         if let Input::Event = input {
///             self.seen += 1;
///             self.due.get_or_insert(now + std::time::Duration::from_secs(60));
///         }
///     }
///     fn next_output(&mut self) -> Option<u32> { self.out.take() }
///     fn next_wakeup(&self) -> Option<Wakeup> {
///         self.due.map(|at| Wakeup { at, reason: "the minute is over" })
///     }
/// }
///
/// let mut machine = Counter::default();
/// let mut now = UnixTime::from_secs(1_000);
/// let mut said = Vec::new();
/// for _ in 0..3 {
///     said.extend(machine.apply(Input::Event, now));          // 1. commit the input to the log, apply it, drain
/// }
/// while let Some(wakeup) = machine.next_wakeup() {            // 2. sleep until then, or until the next input
///     now = wakeup.at;
///     said.extend(machine.apply(Input::Tick, now));           // 3. commit the tick, apply it, drain
/// }
/// assert_eq!(said, [3]);                                      // 4. let the outputs go
/// ```
pub trait Machine {
    /// What it is told. Has an encoding of its own, with a version: it is what the log holds.
    type Input;
    /// What it wants done, as plain data.
    type Output;

    /// Takes one input in. Only [`apply`](Self::apply) calls it.
    fn step(&mut self, input: Self::Input, now: UnixTime);

    /// The next output of the last input. Only [`Drain`] calls it.
    fn next_output(&mut self) -> Option<Self::Output>;

    /// When an input is wanted at the latest, a tick if there is no other; `None` if nothing is pending.
    fn next_wakeup(&self) -> Option<Wakeup>;

    /// Takes all outputs out that are left of the last input, and lets `see` look at each: for a replay, in which they go
    /// nowhere. A machine that keeps them in a queue does better than to take out one by one.
    fn discard(&mut self, mut see: impl FnMut(&Self::Output))
    where
        Self: Sized,
    {
        while let Some(output) = self.next_output() {
            see(&output);
        }
    }

    /// Takes one input in and gives what follows from it.
    fn apply(&mut self, input: Self::Input, now: UnixTime) -> Drain<'_, Self>
    where
        Self: Sized,
    {
        self.step(input, now);
        Drain { machine: self }
    }
}

/// The outputs of one input. What is left when it is dropped is taken out and discarded, so that the machine's state does
/// not depend on how far somebody read.
#[must_use = "outputs that are not read are lost"]
pub struct Drain<'m, M: Machine> {
    machine: &'m mut M,
}

impl<M: Machine> Iterator for Drain<'_, M> {
    type Item = M::Output;

    #[inline]
    fn next(&mut self) -> Option<M::Output> {
        self.machine.next_output()
    }
}

impl<M: Machine> Drop for Drain<'_, M> {
    #[inline]
    fn drop(&mut self) {
        while self.machine.next_output().is_some() {}
    }
}

impl<M: Machine> fmt::Debug for Drain<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drain").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Three(u8);

    impl Machine for Three {
        type Input = ();
        type Output = u8;
        fn step(&mut self, (): (), _: UnixTime) {
            self.0 = 3;
        }
        fn next_output(&mut self) -> Option<u8> {
            self.0 = self.0.checked_sub(1)?;
            Some(self.0)
        }
        fn next_wakeup(&self) -> Option<Wakeup> {
            None
        }
    }

    /// The machine behind it may hold secrets, and looking takes nothing out.
    #[test]
    fn a_drain_shows_nothing_of_its_machine() {
        let mut machine = Three(0);
        let drain = machine.apply((), UnixTime::EPOCH);
        insta::assert_snapshot!(format!("{drain:?}"), @"Drain { .. }");
        assert_eq!(drain.count(), 3);
    }

    #[test]
    fn what_nobody_reads_does_not_stay() {
        let mut machine = Three(0);
        assert_eq!(machine.apply((), UnixTime::EPOCH).next(), Some(2));
        assert_eq!(machine.0, 0);
        assert_eq!(machine.apply((), UnixTime::EPOCH).collect::<Vec<_>>(), [2, 1, 0]);
    }

    #[test]
    fn what_is_discarded_is_seen() {
        let (mut machine, mut seen) = (Three(0), Vec::new());
        machine.step((), UnixTime::EPOCH);
        assert_eq!(machine.next_output(), Some(2));
        machine.discard(|output| seen.push(*output));
        assert_eq!((seen, machine.0), (vec![1, 0], 0));
    }
}
