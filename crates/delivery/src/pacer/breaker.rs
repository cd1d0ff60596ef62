//! A circuit breaker: stops asking a service that fails, and finds out when it is well again.

use std::time::Duration;

use reveille_core::settings::{InvalidSettings, number, per_mille, span};
use reveille_core::{Jitter, UnixTime, millis};

use super::settings::DAY;
use super::until::{STEP, Until};
use super::window::{SLOTS, Window};

const CALLS: usize = 0;
const FAILED: usize = 1;
const SLOW: usize = 2;

/// When a [`Breaker`] opens, and for how long. Begin with the default, and give it to [`Breaker::new`], or to a lane
/// with [`LaneSettings::with_breaker`](super::LaneSettings::with_breaker).
///
/// | setting | default | |
/// |---|---|---|
/// | window | 60 s | over which rates are taken |
/// | failures | 15 % | more than this opens it |
/// | slow calls | 50 % of over 10 s | more than this opens it, too |
/// | minimum calls | 20 | fewer in the window say nothing |
/// | open for | 5 s, doubling to 5 min | each time that probes fail; a quarter of it is jitter |
/// | probes | 3 | let through at once when it is half open; as many must succeed in a row |
/// | probe lease | 30 s | a probe that nobody reports on counts as failed then |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerSettings {
    window: Duration,
    failed_per_mille: u32,
    slow_per_mille: u32,
    slow_from: u64,
    minimum_calls: u32,
    open_for: u64,
    open_for_most: u64,
    probes: u32,
    probe_lease: u64,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self {
            window: Duration::from_secs(60),
            failed_per_mille: 150,
            slow_per_mille: 500,
            slow_from: 10_000,
            minimum_calls: 20,
            open_for: 5_000,
            open_for_most: 300_000,
            probes: 3,
            probe_lease: 30_000,
        }
    }
}

impl BreakerSettings {
    /// Of a credential: one minute, growing to an hour; one probe. One refusal opens it, so its rates do not count.
    pub(super) const CREDENTIAL: Self = Self {
        window: Duration::from_secs(60),
        failed_per_mille: 150,
        slow_per_mille: 500,
        slow_from: 10_000,
        minimum_calls: 20,
        open_for: 60_000,
        open_for_most: 3_600_000,
        probes: 1,
        probe_lease: 60_000,
    };

    /// Sets the share of failures, in thousandths, over which it opens, the window, and how many calls it takes.
    ///
    /// # Errors
    /// [`InvalidSettings`] unless the share is from 1 to 1,000, the window from 20 ms to 24 hours, and the calls at least 1.
    pub fn with_failures(
        mut self,
        share: u32,
        window: Duration,
        minimum_calls: u32,
    ) -> Result<Self, InvalidSettings> {
        self.failed_per_mille = per_mille("failures", share, 1..=1_000)?;
        span("window", window, SLOTS..=DAY)?;
        number("minimum calls", minimum_calls.into(), 1..=u32::MAX.into())?;
        (self.window, self.minimum_calls) = (window, minimum_calls);
        Ok(self)
    }

    /// Sets which calls are slow, and the share of them, in thousandths, over which it opens.
    ///
    /// # Errors
    /// [`InvalidSettings`] unless the share is from 1 to 1,000, and a slow call takes from 1 ms to 24 hours.
    pub fn with_slow_calls(mut self, share: u32, from: Duration) -> Result<Self, InvalidSettings> {
        self.slow_per_mille = per_mille("slow calls", share, 1..=1_000)?;
        self.slow_from = span("slow from", from, 1..=DAY)?;
        Ok(self)
    }

    /// Sets for how long it is open the first time, and at most.
    ///
    /// # Errors
    /// [`InvalidSettings`] unless the first is from 1 ms to 24 hours, and the most from there to 24 hours.
    pub fn with_open_for(mut self, first: Duration, most: Duration) -> Result<Self, InvalidSettings> {
        self.open_for = span("open for", first, 1..=DAY)?;
        self.open_for_most = span("open for at most", most, self.open_for..=DAY)?;
        Ok(self)
    }

    /// Sets how many probes there are, and how long one may take.
    ///
    /// # Errors
    /// [`InvalidSettings`] unless there are 1 to 1,000, and one may take from 1 ms to 24 hours.
    pub fn with_probes(mut self, probes: u32, lease: Duration) -> Result<Self, InvalidSettings> {
        number("probes", probes.into(), 1..=1_000)?;
        self.probe_lease = span("probe lease", lease, 1..=DAY)?;
        self.probes = probes;
        Ok(self)
    }
}

/// A circuit breaker for one service, or one credential: while too many calls fail it lets none through, and later a
/// few probes. A [`Pacer`](super::Pacer) has its own; use this one for calls that do not go through a pacer.
///
/// What counts as a failure is the caller's word: that a *target* is gone is a success of the *service*.
///
/// ```
/// use reveille_delivery::pacer::{Breaker, BreakerSettings};
/// use reveille_core::UnixTime;
/// use std::time::Duration;
///
/// let mut breaker = Breaker::new(BreakerSettings::default(), 7);
/// let now = UnixTime::from_secs(1_000);
/// let took = Duration::from_millis(50);
/// for call in 0..20 {
///     let permit = breaker.admit(now).unwrap();
///     breaker.record(permit, call % 6 != 0, took, now); // 1 in 6 fails
/// }
/// let open_until = breaker.admit(now).unwrap_err();
/// let probe = breaker.admit(open_until).unwrap();
/// assert!(breaker.record(probe, false, took, open_until).is_some(), "open again, for longer");
/// ```
#[derive(Clone, Debug)]
#[repr(C)]
pub struct Breaker {
    state: State,
    /// Raised with every change: reports about calls of an earlier life are not counted.
    epoch: u32,
    /// Times that it opened in a row.
    streak: u32,
    window: Window<3>,
    settings: BreakerSettings,
    jitter: Jitter,
}

#[derive(Clone, Debug)]
enum State {
    Closed,
    Open(Until),
    HalfOpen { succeeded: u32, leases: Vec<UnixTime> },
}

/// The right to make one call; give it back with its result, or with [`Breaker::release`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permit {
    epoch: u32,
    /// Until when it holds, of a probe.
    lease: UnixTime,
}

/// What the report of a call has changed in a [`Breaker`]: returned by [`Breaker::record`], and part of a pacer's
/// alerts. Log it: from then on calls are stopped, or go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BreakerChange {
    /// It has opened.
    Opened {
        /// Until when nothing is let through.
        until: UnixTime,
    },
    /// The service is well again.
    Closed,
}

impl Breaker {
    /// A closed breaker. The seed spreads its times.
    #[must_use]
    pub fn new(settings: BreakerSettings, seed: u64) -> Self {
        let window = Window::new(settings.window);
        Self { settings, window, state: State::Closed, streak: 0, jitter: Jitter::new(seed), epoch: 0 }
    }

    /// Asks for a call.
    ///
    /// # Errors
    /// When to ask again: it is open, or all probes are under way.
    #[inline]
    pub fn admit(&mut self, now: UnixTime) -> Result<Permit, UnixTime> {
        let lease = if matches!(self.state, State::Closed) { UnixTime::MAX } else { self.probe(now)? };
        Ok(Permit { epoch: self.epoch, lease })
    }

    /// Reads a little of it, so that it comes from memory.
    #[inline]
    pub(super) fn touch(&self) -> u64 {
        self.window.touch() ^ u64::from(self.epoch)
    }

    /// Whether it would let a call through. Nothing changes.
    ///
    /// # Errors
    /// When to ask again.
    #[inline]
    pub fn peek(&self, now: UnixTime) -> Result<(), UnixTime> {
        match &self.state {
            State::Closed => Ok(()),
            State::Open(until) => until.end(now).map_or(Ok(()), Err),
            State::HalfOpen { leases, succeeded } => {
                let overdue = leases.iter().any(|lease| self.is_overdue(*lease, now));
                let earliest = leases.iter().min().filter(|_| self.crowded(leases, *succeeded) && !overdue);
                earliest.map_or(Ok(()), |lease| Err(*lease))
            }
        }
    }

    /// Until when nothing is let through, whatever is reported; `None` if a report may let something through.
    pub(super) fn open_until(&self, now: UnixTime) -> Option<UnixTime> {
        let State::Open(until) = self.state else { return None };
        until.end(now)
    }

    /// When the first of the probes left that are under way.
    pub(super) fn probing_since(&self) -> Option<UnixTime> {
        let State::HalfOpen { leases, .. } = &self.state else { return None };
        leases.iter().min().map(|lease| *lease - Duration::from_millis(self.settings.probe_lease))
    }

    /// A probe that left after now is from before a step of the clock.
    fn is_overdue(&self, lease: UnixTime, now: UnixTime) -> bool {
        lease <= now || lease > now + STEP + Duration::from_millis(self.settings.probe_lease)
    }

    fn crowded(&self, leases: &[UnixTime], succeeded: u32) -> bool {
        leases.len() as u64 + u64::from(succeeded) >= u64::from(self.settings.probes)
    }

    fn probe(&mut self, now: UnixTime) -> Result<UnixTime, UnixTime> {
        if let State::Open(until) = self.state {
            until.end(now).map_or(Ok(()), Err)?;
            self.change(State::HalfOpen { succeeded: 0, leases: Vec::new() });
        }
        self.peek(now)?;
        let lease = now + Duration::from_millis(self.settings.probe_lease);
        if let State::HalfOpen { leases, .. } = &self.state
            && leases.iter().any(|lease| self.is_overdue(*lease, now))
        {
            // A probe never came back: that is an answer, too.
            let until = self.open(now);
            return Err(until);
        }
        if let State::HalfOpen { leases, .. } = &mut self.state {
            leases.push(lease);
        }
        Ok(lease)
    }

    /// Reports how a call ended and how long it took, and returns whether the breaker changes with it. A call that took
    /// too long counts as slow, even if it succeeded.
    pub fn record(
        &mut self,
        permit: Permit,
        succeeded: bool,
        took: Duration,
        now: UnixTime,
    ) -> Option<BreakerChange> {
        if permit.epoch != self.epoch {
            return None;
        }
        let slow = millis(took) >= self.settings.slow_from;
        match &mut self.state {
            State::Closed => {
                self.window.add(CALLS, now);
                if succeeded && !slow {
                    // Nothing can have become worse, unless calls were too few until now.
                    let [calls, _, _] = self.window.sums(now);
                    if calls != u64::from(self.settings.minimum_calls) {
                        return None;
                    }
                }
                if !succeeded {
                    self.window.add(FAILED, now);
                }
                if slow {
                    self.window.add(SLOW, now);
                }
                self.is_bad(now).then(|| BreakerChange::Opened { until: self.open(now) })
            }
            State::HalfOpen { succeeded: good, leases } => {
                end_lease(leases, permit.lease);
                if !succeeded || slow {
                    return Some(BreakerChange::Opened { until: self.open(now) });
                }
                *good += 1;
                if *good < self.settings.probes {
                    return None;
                }
                self.streak = 0;
                self.window.clear();
                self.change(State::Closed);
                Some(BreakerChange::Closed)
            }
            State::Open(_) => None,
        }
    }

    /// Gives a permit back without a call.
    pub fn release(&mut self, permit: Permit) {
        if permit.epoch == self.epoch
            && let State::HalfOpen { leases, .. } = &mut self.state
        {
            end_lease(leases, permit.lease);
        }
    }

    /// Opens it at once, whatever was counted: for a fault that one answer proves.
    pub fn trip(&mut self, now: UnixTime) -> UnixTime {
        self.open_until(now).unwrap_or_else(|| self.open(now))
    }

    fn is_bad(&mut self, now: UnixTime) -> bool {
        let [calls, failed, slow] = self.window.sums(now);
        calls >= self.settings.minimum_calls.into()
            && (failed * 1_000 > calls * u64::from(self.settings.failed_per_mille)
                || slow * 1_000 > calls * u64::from(self.settings.slow_per_mille))
    }

    fn open(&mut self, now: UnixTime) -> UnixTime {
        let span = self.settings.open_for.saturating_mul(1 << self.streak.min(32));
        let span = span.min(self.settings.open_for_most);
        self.streak = self.streak.saturating_add(1);
        let until = now + Duration::from_millis(span.saturating_add(self.jitter.up_to_u64(span / 4)).max(1));
        self.window.clear();
        self.change(State::Open(Until::new(now, until)));
        until
    }

    fn change(&mut self, state: State) {
        self.state = state;
        self.epoch = self.epoch.wrapping_add(1);
    }
}

fn end_lease(leases: &mut Vec<UnixTime>, lease: UnixTime) {
    if let Some(at) = leases.iter().position(|other| *other == lease) {
        leases.swap_remove(at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOOK: Duration = Duration::from_millis(5);

    fn breaker() -> Breaker {
        Breaker::new(BreakerSettings::default(), 1)
    }

    fn at(secs: u64) -> UnixTime {
        UnixTime::from_secs(10_000 + secs)
    }

    fn fail(breaker: &mut Breaker, times: u32, now: UnixTime) -> Option<BreakerChange> {
        (0..times).find_map(|_| {
            let permit = breaker.admit(now).unwrap();
            breaker.record(permit, false, TOOK, now)
        })
    }

    #[test]
    fn too_few_calls_say_nothing_and_exactly_fifteen_percent_is_allowed() {
        let mut breaker = breaker();
        assert_eq!(fail(&mut breaker, 3, at(0)), None);
        for _ in 0..17 {
            let permit = breaker.admit(at(1)).unwrap();
            assert_eq!(breaker.record(permit, true, TOOK, at(1)), None);
        }
        assert!(fail(&mut breaker, 1, at(2)).is_some(), "4 of 21 is more than 15 %");
    }

    #[test]
    fn the_call_that_completes_the_minimum_may_open_it() {
        let mut breaker = breaker();
        fail(&mut breaker, 19, at(0));
        let permit = breaker.admit(at(0)).unwrap();
        assert!(breaker.record(permit, true, TOOK, at(0)).is_some());
    }

    /// resilience4j#903: half open for ever, because a probe never returned.
    #[test]
    fn half_open_cannot_hang() {
        let mut breaker = breaker();
        let Some(BreakerChange::Opened { until }) = fail(&mut breaker, 20, at(0)) else { panic!() };
        let probes: Vec<_> = (0..3).map(|_| breaker.admit(until).unwrap()).collect();
        let leases_end = breaker.admit(until).unwrap_err();
        assert_eq!(leases_end, until + Duration::from_secs(30));
        let again = breaker.admit(leases_end).unwrap_err();
        assert!(again > leases_end, "open again");
        assert_eq!(breaker.record(probes[0], true, TOOK, again), None, "of an earlier life");
        assert!(breaker.admit(again).is_ok());
    }

    #[test]
    fn it_opens_for_longer_each_time_and_closes_after_as_many_probes() {
        let mut breaker = breaker();
        let mut now = at(0);
        let mut until = breaker.trip(now);
        for step in 0..10 {
            let span = millis(until.since(now));
            let base = (5_000 << step).min(300_000);
            assert!((base..=base + base / 4).contains(&span), "step {step}: {span}");
            now = until;
            let permit = breaker.admit(now).unwrap();
            let Some(BreakerChange::Opened { until: next }) = breaker.record(permit, false, TOOK, now) else {
                panic!("a probe failed");
            };
            until = next;
        }
        for probe in 0..3 {
            let permit = breaker.admit(until).unwrap();
            let expected = (probe == 2).then_some(BreakerChange::Closed);
            assert_eq!(breaker.record(permit, true, TOOK, until), expected);
        }
        assert_eq!(millis(breaker.trip(until).since(until)) / 1_250, 4, "the first time again");
    }

    #[test]
    fn slow_calls_open_it() {
        let mut breaker = breaker();
        let opened = (0..20).find_map(|_| {
            let permit = breaker.admit(at(0)).unwrap();
            breaker.record(permit, true, Duration::from_secs(11), at(0))
        });
        assert!(opened.is_some());
    }

    /// Nothing that a clock showed while it was wrong keeps it open, or its probes away.
    #[test]
    fn a_clock_that_was_ahead_is_forgotten() {
        let (mut breaker, year) = (breaker(), Duration::from_secs(365 * 86_400));
        assert!(breaker.trip(at(0) + year) > at(0) + year);
        assert_eq!(breaker.peek(at(0)), Ok(()));
        let probes: Vec<_> = (0..3).map(|_| breaker.admit(at(0)).unwrap()).collect();
        assert!(breaker.admit(at(0) - year).is_err(), "none of them has come back");
        assert_eq!(breaker.record(probes[0], true, TOOK, at(0)), None);
        assert!(breaker.peek(at(0) - year + Duration::from_secs(13)).is_ok());
    }
}
