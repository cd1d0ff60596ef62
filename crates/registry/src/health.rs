//! Does a subscription still work? The server's half of a check that ends in the service worker.
//!
//! 1. The worker *announces* a check ([`Input::Announced`]); it then waits for a probe, and so does the server.
//! 2. The server pushes the probe it is told to ([`Output::PushProbe`]).
//! 3. The worker *confirms* it ([`Input::Confirmed`]): the subscription is well, until the next interval.
//! 4. No probe within the time-out: the worker subscribes anew and registers that ([`Input::Resubscribed`]); the server
//!    learns of the silence by itself, suspects the device, and tries again after the retry interval.
//!
//! The worker's half is `js/health-check.js` of this crate, also available as [`HEALTH_CHECK_JS`].
//!
//! Browsers punish pushes that show nothing, so probes have a budget; over it the worker is told to wait.

use std::time::Duration;

use reveille_core::settings::{number, span};
use reveille_core::{Machine, UnixTime, Wakeup, millis};
use serde::{Deserialize, Serialize};

use crate::InvalidSettings;
use crate::policy::{DECADE, SECOND};

/// The service worker's half, to be served to browsers.
pub const HEALTH_CHECK_JS: &str = include_str!("../js/health-check.js");

/// Times of the check; give the same to the worker.
///
/// | setting | default |
/// |---|---|
/// | interval between checks that went well | 24 h |
/// | time-out: for the probe to arrive and be confirmed | 30 s |
/// | retry interval after one that did not | 1 h |
/// | probes in 24 h | 3 |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HealthSettings {
    interval: Duration,
    time_out: Duration,
    retry_interval: Duration,
    probes_a_day: u32,
}

impl Default for HealthSettings {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(86_400),
            time_out: Duration::from_secs(30),
            retry_interval: Duration::from_secs(3_600),
            probes_a_day: 3,
        }
    }
}

impl HealthSettings {
    /// Sets the time between checks that went well.
    ///
    /// # Errors
    /// [`InvalidSettings`] unless it is from 1 second to 10 years.
    pub fn with_interval(mut self, interval: Duration) -> Result<Self, InvalidSettings> {
        span("interval", interval, SECOND..=DECADE)?;
        self.interval = interval;
        Ok(self)
    }

    /// Sets how long a probe may take.
    ///
    /// # Errors
    /// [`InvalidSettings`] unless it is from 1 second to 24 hours.
    pub fn with_time_out(mut self, time_out: Duration) -> Result<Self, InvalidSettings> {
        span("time-out", time_out, SECOND..=millis(DAY))?;
        self.time_out = time_out;
        Ok(self)
    }

    /// Sets the time until the next check after one that failed.
    ///
    /// # Errors
    /// [`InvalidSettings`] unless it is from 1 second to 10 years.
    pub fn with_retry_interval(mut self, interval: Duration) -> Result<Self, InvalidSettings> {
        span("retry interval", interval, SECOND..=DECADE)?;
        self.retry_interval = interval;
        Ok(self)
    }

    /// Sets how many probes may be pushed in 24 h.
    ///
    /// # Errors
    /// [`InvalidSettings`] unless it is from 1 to 1,000,000.
    pub fn with_probes_a_day(mut self, probes: u32) -> Result<Self, InvalidSettings> {
        number("probes a day", probes.into(), 1..=1_000_000)?;
        self.probes_a_day = probes;
        Ok(self)
    }
}

/// The server's half of the check whether one push subscription still works, as a [`Machine`]. Keep one for each
/// subscription: give it what the service worker reports, and do what its outputs say.
///
/// ```
/// use reveille_core::{Machine, UnixTime};
/// use reveille_registry::health::{HealthCheck, HealthSettings, Input, Output, ProbeId};
///
/// let mut check = HealthCheck::new(HealthSettings::default());
/// let now = UnixTime::from_secs(1_000);
/// let probe = ProbeId::from_bits(7); // made up by the worker
/// let outputs: Vec<_> = check.apply(Input::Announced { probe }, now).collect();
/// assert_eq!(outputs, [Output::PushProbe { probe }]);
/// let outputs: Vec<_> = check.apply(Input::Confirmed { probe }, now).collect();
/// assert_eq!(outputs, [Output::Well { next: UnixTime::from_secs(1_000 + 86_400) }]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthCheck {
    settings: HealthSettings,
    state: HealthState,
    now: UnixTime,
    out: Vec<Output>,
}

/// What a store keeps of a check, with the device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct HealthState {
    /// The probe that is waited for, and until when.
    pub waiting: Option<(ProbeId, UnixTime)>,
    /// When the next check is welcome.
    pub next: UnixTime,
    /// Checks that failed in a row.
    pub missed: u32,
    /// Probes since `day`, for the budget.
    pub probes: u32,
    /// When the budget's day began.
    pub day: UnixTime,
}

/// The number of one probe, made up by the service worker. Put it into the push, so that the worker can confirm the
/// same number when the push arrives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProbeId(u64);

impl ProbeId {
    /// From its bits. JavaScript's numbers have 53 of them.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The number, for the push or a store.
    #[must_use]
    pub const fn to_bits(self) -> u64 {
        self.0
    }
}

/// What a [`HealthCheck`] is told: what the service worker reports, or that time has passed. Give each one to
/// [`Machine::apply`] when it happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Input {
    /// The worker waits for a probe.
    Announced {
        /// Which one.
        probe: ProbeId,
    },
    /// The worker has got it.
    Confirmed {
        /// Which one.
        probe: ProbeId,
    },
    /// The page or the worker has subscribed anew.
    Resubscribed,
    /// Time has passed.
    Tick,
}

/// What a [`HealthCheck`] found, and wants done: returned by [`Machine::apply`]. Push the probe, answer the worker, or
/// suspect the device, as it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Output {
    /// Push this probe: an invisible message, time to live no longer than the time-out.
    PushProbe {
        /// Which one.
        probe: ProbeId,
    },
    /// Not now: answer the worker with this time.
    NotBefore {
        /// When the next check is welcome.
        at: UnixTime,
    },
    /// The subscription works.
    Well {
        /// When the next check is welcome.
        next: UnixTime,
    },
    /// The probe was not confirmed in time: suspect the device, and expect a new subscription.
    Silent {
        /// Times in a row.
        missed: u32,
        /// When the next check is welcome.
        next: UnixTime,
    },
}

const DAY: Duration = Duration::from_secs(86_400);

impl HealthCheck {
    /// A check that was never made.
    #[must_use]
    pub fn new(settings: HealthSettings) -> Self {
        Self::from_state(settings, HealthState::default())
    }

    /// A check as it was kept.
    #[must_use]
    pub const fn from_state(settings: HealthSettings, state: HealthState) -> Self {
        Self { settings, state, now: UnixTime::EPOCH, out: Vec::new() }
    }

    /// What a store keeps of this check; [`from_state`](Self::from_state) makes it again.
    #[must_use]
    pub const fn state(&self) -> HealthState {
        self.state
    }

    fn announced(&mut self, probe: ProbeId) {
        let (now, state) = (self.now, &mut self.state);
        if let Some((_, until)) = state.waiting {
            // One at a time: a worker that was restarted asks again.
            return self.out.push(Output::NotBefore { at: until });
        }
        if now < state.next {
            return self.out.push(Output::NotBefore { at: state.next });
        }
        if now.since(state.day) >= DAY || now < state.day {
            (state.day, state.probes) = (now, 0);
        }
        if state.probes >= self.settings.probes_a_day {
            return self.out.push(Output::NotBefore { at: state.day + DAY });
        }
        state.probes += 1;
        state.waiting = Some((probe, now + self.settings.time_out));
        self.out.push(Output::PushProbe { probe });
    }

    fn well(&mut self) {
        let next = self.now + self.settings.interval;
        (self.state.waiting, self.state.missed, self.state.next) = (None, 0, next);
        self.out.push(Output::Well { next });
    }

    fn silent(&mut self) {
        let next = self.now + self.settings.retry_interval;
        let missed = self.state.missed.saturating_add(1);
        (self.state.waiting, self.state.missed, self.state.next) = (None, missed, next);
        self.out.push(Output::Silent { missed, next });
    }
}

impl Machine for HealthCheck {
    type Input = Input;
    type Output = Output;

    fn step(&mut self, input: Input, now: UnixTime) {
        self.now = now;
        // What is too far away was said by a clock that has been set since.
        let longest = self.settings.interval.max(self.settings.retry_interval);
        self.state.next = self.state.next.min(now + longest);
        if let Some((_, until)) = &mut self.state.waiting {
            *until = (*until).min(now + self.settings.time_out);
        }
        if self.state.waiting.is_some_and(|(_, until)| until <= self.now && until != UnixTime::MAX) {
            self.silent();
        }
        match input {
            Input::Announced { probe } => self.announced(probe),
            Input::Confirmed { probe } => {
                // One that comes late was waited for long enough.
                if self.state.waiting.is_some_and(|(waiting, _)| waiting == probe) {
                    self.well();
                }
            }
            Input::Resubscribed => {
                // A new subscription is checked soon, whatever the old one did.
                (self.state.waiting, self.state.missed, self.state.next) = (None, 0, self.now);
            }
            Input::Tick => {}
        }
    }

    fn next_output(&mut self) -> Option<Output> {
        (!self.out.is_empty()).then(|| self.out.remove(0))
    }

    fn next_wakeup(&self) -> Option<Wakeup> {
        let (_, at) = self.state.waiting?;
        (at != UnixTime::MAX).then_some(Wakeup { at, reason: "a probe was not confirmed" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> UnixTime {
        UnixTime::from_secs(1_000_000 + secs)
    }

    fn apply(check: &mut HealthCheck, input: Input, now: UnixTime) -> Vec<Output> {
        check.apply(input, now).collect()
    }

    #[test]
    fn silence_is_noticed_and_asked_about_after_the_retry_interval() {
        let mut check = HealthCheck::new(HealthSettings::default());
        let probe = ProbeId::from_bits(1);
        assert_eq!(apply(&mut check, Input::Announced { probe }, at(0)), [Output::PushProbe { probe }]);
        assert_eq!(check.next_wakeup().unwrap().at, at(30));
        assert_eq!(apply(&mut check, Input::Tick, at(29)), []);
        let silent = Output::Silent { missed: 1, next: at(3_630) };
        assert_eq!(apply(&mut check, Input::Tick, at(30)), [silent]);
        assert_eq!(apply(&mut check, Input::Confirmed { probe }, at(31)), [], "too late");
        let not_before = Output::NotBefore { at: at(3_630) };
        assert_eq!(apply(&mut check, Input::Announced { probe }, at(40)), [not_before]);
        assert_eq!(apply(&mut check, Input::Resubscribed, at(50)), []);
        assert_eq!(apply(&mut check, Input::Announced { probe }, at(51)), [Output::PushProbe { probe }]);
        assert_eq!(
            apply(&mut check, Input::Confirmed { probe }, at(52)),
            [Output::Well { next: at(86_452) }]
        );
        assert_eq!(check.state().missed, 0);
    }

    #[test]
    fn probes_have_a_budget() {
        let settings = HealthSettings::default().with_interval(Duration::from_secs(1)).unwrap();
        let mut check = HealthCheck::new(settings);
        for number in 0..3 {
            let probe = ProbeId::from_bits(number);
            assert_eq!(
                apply(&mut check, Input::Announced { probe }, at(number)),
                [Output::PushProbe { probe }]
            );
            apply(&mut check, Input::Confirmed { probe }, at(number));
        }
        let probe = ProbeId::from_bits(9);
        assert_eq!(
            apply(&mut check, Input::Announced { probe }, at(9)),
            [Output::NotBefore { at: at(86_400) }]
        );
        assert_eq!(apply(&mut check, Input::Announced { probe }, at(86_400)), [Output::PushProbe { probe }]);
    }

    #[test]
    fn it_survives_a_store() {
        let mut check = HealthCheck::new(HealthSettings::default());
        apply(&mut check, Input::Announced { probe: ProbeId::from_bits(5) }, at(0));
        let json = serde_json::to_string(&check.state()).unwrap();
        insta::assert_snapshot!(json, @r#"{"waiting":[5,1000030000],"next":0,"missed":0,"probes":1,"day":1000000000}"#);
        assert_eq!(serde_json::from_str::<HealthState>(&json).unwrap(), check.state());
    }
}
