//! Faults that look like one thing and are another, seen across all jobs of a process.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use reveille_core::UnixTime;
use reveille_core::settings::{InvalidSettings, number, per_mille, span};

use super::settings::{MOST_KEYS, MOST_WITNESSES, YEAR};
use super::until::Until;
use super::window::Window;
use crate::PayloadDigest;

/// Tells a message that nobody accepts from targets that accept nothing. A [`Pacer`](super::Pacer) has one and acts on
/// it; use this one only where requests do not go through a pacer.
///
/// The same message, refused as wrong for several devices and accepted for none, is at fault itself: it is not sent any
/// more, and the devices are not suspected for it. One that was accepted since its first refusal is not.
#[derive(Clone, Debug)]
pub struct PoisonWatch {
    devices: usize,
    keep: Duration,
    messages: usize,
    seen: BTreeMap<PayloadDigest, Seen>,
    by_age: BTreeSet<(UnixTime, PayloadDigest)>,
}

#[derive(Clone, Debug)]
struct Seen {
    since: UnixTime,
    refused_by: Vec<u64>,
    poison: bool,
    /// A service took it.
    well: bool,
}

impl PoisonWatch {
    /// Poison is what `devices` different ones refused within `keep`; it is forgotten after that span. At most `messages`
    /// are watched; over it the oldest go.
    ///
    /// # Errors
    /// [`InvalidSettings`] unless it is from 2 to 1,000 devices (one may be at fault itself), from 1 ms to 365 days, and at
    /// least one message.
    pub fn new(devices: usize, keep: Duration, messages: usize) -> Result<Self, InvalidSettings> {
        Self::check(devices, keep, messages)?;
        Ok(Self::checked(devices, keep, messages))
    }

    pub(super) fn check(devices: usize, keep: Duration, messages: usize) -> Result<(), InvalidSettings> {
        number("devices that refuse a message", devices as u64, 2..=MOST_WITNESSES)?;
        span("time for which a message is poison", keep, 1..=YEAR)?;
        number("messages that are watched", messages as u64, 1..=MOST_KEYS)?;
        Ok(())
    }

    pub(super) const fn checked(devices: usize, keep: Duration, messages: usize) -> Self {
        Self { devices, keep, messages, seen: BTreeMap::new(), by_age: BTreeSet::new() }
    }

    /// A device's service refused the message as wrong. `true` if this makes it poison: tell the operator, once.
    pub fn refused(&mut self, message: PayloadDigest, device: u64, now: UnixTime) -> bool {
        self.forget(now);
        let devices = self.devices;
        let seen = self.seen.entry(message).or_insert_with(|| {
            self.by_age.insert((now, message));
            Seen { since: now, refused_by: Vec::new(), poison: false, well: false }
        });
        if seen.poison || seen.well || seen.refused_by.contains(&device) {
            return false;
        }
        seen.refused_by.push(device);
        seen.poison = seen.refused_by.len() >= devices;
        let poison = seen.poison;
        while self.seen.len() > self.messages {
            let Some((_, oldest)) = self.by_age.pop_first() else { break };
            self.seen.remove(&oldest);
        }
        poison
    }

    /// A service took the message: it is well.
    pub fn accepted(&mut self, message: PayloadDigest) {
        if let Some(seen) = self.seen.get_mut(&message) {
            (seen.well, seen.poison) = (true, false);
        }
    }

    /// Until when a message is not to be sent, if it is poison.
    pub fn is_poison(&mut self, message: PayloadDigest, now: UnixTime) -> Option<UnixTime> {
        self.forget(now);
        let seen = self.seen.get(&message).filter(|seen| seen.poison)?;
        Some(seen.since + self.keep)
    }

    /// What is too old goes, and what is younger than now: that is from before a step of the clock.
    fn forget(&mut self, now: UnixTime) {
        let keep = self.keep;
        let is_over = |(since, _): &&(UnixTime, _)| Until::new(*since, *since + keep).end(now).is_none();
        let over =
            |all: &BTreeSet<_>| all.first().filter(is_over).or_else(|| all.last().filter(is_over)).copied();
        while let Some(at) = over(&self.by_age) {
            self.by_age.remove(&at);
            self.seen.remove(&at.1);
        }
    }
}

const DEAD: usize = 0;
const WELL: usize = 1;

/// Stops pruning when too many targets of one credential die at once: rather a fault of ours, or of the service, than of
/// so many devices. In June 2024 a push service answered 404 for millions of live subscriptions.
#[derive(Clone, Debug)]
pub struct PruneBreaker {
    per_mille: u32,
    minimum: u32,
    pause: Duration,
    window: Window<2>,
    stop: Option<Until>,
}

/// Whether a target that is said to be dead may be dropped: returned by [`PruneBreaker::dead`]. Drop the target only if
/// this is [`Allowed`](Self::Allowed), and otherwise only suspect it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pruning {
    /// Yes.
    Allowed,
    /// No, and that is new: tell the operator.
    JustStopped {
        /// Until when nothing is dropped.
        until: UnixTime,
    },
    /// No: suspect it only.
    Stopped {
        /// Until when nothing is dropped.
        until: UnixTime,
    },
}

impl PruneBreaker {
    /// Stops when more than `per_mille` thousandths of the targets that were asked in an hour are dead, and at least
    /// `minimum` of them; for `pause` since the last such death.
    ///
    /// # Errors
    /// [`InvalidSettings`] unless the share is from 1 to 1,000, the number at least 1, and the time from 1 ms to 365 days.
    pub fn new(per_mille: u32, minimum: u32, pause: Duration) -> Result<Self, InvalidSettings> {
        Self::check(per_mille, minimum, pause)?;
        Ok(Self::checked(per_mille, minimum, pause))
    }

    pub(super) fn check(share: u32, minimum: u32, pause: Duration) -> Result<(), InvalidSettings> {
        per_mille("dead targets", share, 1..=1_000)?;
        number("dead targets at least", minimum.into(), 1..=u32::MAX.into())?;
        span("pause of pruning", pause, 1..=YEAR)?;
        Ok(())
    }

    pub(super) fn checked(per_mille: u32, minimum: u32, pause: Duration) -> Self {
        let window = Window::new(Duration::from_secs(3_600));
        Self { per_mille, minimum, pause, window, stop: None }
    }

    /// Counts a target that accepted a message: this lowers the share of dead ones.
    pub fn well(&mut self, now: UnixTime) {
        self.window.add(WELL, now);
        self.doubt(now);
    }

    /// Whoever comes first finds out that a stop is over, so that the rest of it does not look right later.
    fn doubt(&mut self, now: UnixTime) {
        self.stop = self.stop.filter(|stop| stop.end(now).is_some());
    }

    /// A target is said to be dead.
    pub fn dead(&mut self, now: UnixTime) -> Pruning {
        self.window.add(DEAD, now);
        let [dead, well] = self.window.sums(now);
        self.doubt(now);
        let stopped = self.stop.and_then(|stop| stop.end(now));
        let too_many =
            dead >= self.minimum.into() && dead * 1_000 > (dead + well) * u64::from(self.per_mille);
        if too_many {
            let until = now + self.pause;
            self.stop = Some(Until::new(now, until));
            return if stopped.is_some() {
                Pruning::Stopped { until }
            } else {
                Pruning::JustStopped { until }
            };
        }
        stopped.map_or(Pruning::Allowed, |until| Pruning::Stopped { until })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> UnixTime {
        UnixTime::from_secs(100_000 + secs)
    }

    #[test]
    fn one_device_cannot_poison_and_an_acceptance_acquits() {
        let mut watch = PoisonWatch::new(3, Duration::from_secs(600), 10).unwrap();
        let message = PayloadDigest::from_bits(1);
        assert!((0..100).all(|_| !watch.refused(message, 1, at(0))));
        watch.accepted(message);
        assert!((0..100).all(|device| !watch.refused(message, device, at(0))));
        let message = PayloadDigest::from_bits(2);
        assert!(!watch.refused(message, 2, at(0)));
        assert!(!watch.refused(message, 3, at(0)));
        assert!(watch.refused(message, 4, at(1)));
        assert_eq!(watch.is_poison(message, at(2)), Some(at(600)));
        assert_eq!(watch.is_poison(message, at(600)), None);
    }

    #[test]
    fn it_is_bounded() {
        let mut watch = PoisonWatch::new(3, Duration::from_secs(600), 10).unwrap();
        for message in 0..1_000 {
            watch.refused(PayloadDigest::from_bits(message), 1, at(message / 10));
        }
        assert_eq!((watch.seen.len(), watch.by_age.len()), (10, 10));
    }

    #[test]
    fn a_stop_of_a_clock_that_was_ahead_ends_with_the_first_answer() {
        let mut breaker = PruneBreaker::new(100, 3, Duration::from_secs(3_600)).unwrap();
        assert!((0..3).any(|_| breaker.dead(at(5_000)) != Pruning::Allowed));
        (0..1_000).for_each(|_| breaker.well(at(0)));
        // Less than a pause before the end of what was said then.
        (0..1_000).for_each(|_| breaker.well(at(7_200)));
        assert_eq!(breaker.dead(at(7_200)), Pruning::Allowed);
    }

    #[test]
    fn few_deaths_are_natural() {
        let mut breaker = PruneBreaker::new(100, 20, Duration::from_secs(600)).unwrap();
        for _ in 0..1_000 {
            breaker.well(at(0));
        }
        assert!((0..100).all(|_| breaker.dead(at(1)) == Pruning::Allowed));
        assert!((0..100).any(|_| breaker.dead(at(1)) != Pruning::Allowed));
    }
}
