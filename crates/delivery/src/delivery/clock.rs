//! Steps of the clock, and crashes.

use std::collections::BTreeSet;
use std::hash::Hasher as _;
use std::time::Duration;

use reveille_core::siphash::Sip13;
use reveille_core::{Jitter, RetrySource, UnixTime, millis};

use super::Delivery;
use super::live::{LegState, Live, Stage, Why};
use crate::{DeviceId, Fate, JobId, LegId, Tried, Verdict, WhenUnsure};

/// How the clock moved.
#[derive(Clone, Copy)]
struct Shift {
    was: UnixTime,
    is: UnixTime,
}

impl Shift {
    /// The end of a span moves along; "never" stays.
    fn span(self, at: UnixTime) -> UnixTime {
        if at == UnixTime::MAX { at } else { at + self.is.since(self.was) - self.was.since(self.is) }
    }
}

impl Delivery {
    /// Spans move, points stay.
    pub(super) fn clock_step(&mut self, was: UnixTime, is: UnixTime) {
        let shift = Shift { was, is };
        self.now = is;
        for id in self.ids() {
            self.with_job(id, |_, live| move_spans(live, shift));
        }
        let mut slots: Vec<_> = std::mem::take(&mut self.forget).into_iter().collect();
        for (at, id) in &mut slots {
            *at = shift.span(*at);
            if let Some(slot) = self.slots.get_mut(id) {
                slot.forget_at = *at;
            }
        }
        self.forget = slots.into_iter().collect();
    }

    /// What was on its way when the process died.
    pub(super) fn recovered(&mut self, spread: Duration) {
        // Taken before anything is done: a leg that leaves the wire lets go what waits behind it, and that was not on its way.
        let on_wire: BTreeSet<(JobId, DeviceId)> = self
            .jobs
            .iter()
            .flat_map(|(id, live)| live.legs.iter().map(move |leg| (*id, leg)))
            .filter(|(_, leg)| leg.is_on_wire())
            .map(|(id, leg)| (id, leg.device.id))
            .collect();
        for id in self.ids() {
            self.with_job(id, |delivery, live| delivery.recover(live, &on_wire, millis(spread)));
        }
    }

    fn recover(&mut self, live: &mut Live, on_wire: &BTreeSet<(JobId, DeviceId)>, spread: u64) {
        if matches!(live.stage, Stage::Resolving { .. }) {
            self.resolve(live);
        }
        for at in 0..live.legs.len() {
            let Some(leg) = live.legs.get_mut(at) else { return };
            match leg.state {
                LegState::Committing { .. } => self.start(live, at, false),
                LegState::Sending { .. } if on_wire.contains(&(live.job.id, leg.device.id)) => {
                    leg.heard = true;
                    leg.tried.push(Tried { attempt: leg.attempt, at: self.now, verdict: Verdict::NoAnswer });
                    let (ended, device) = (leg.ended, leg.device.id);
                    if live.job.when_unsure == WhenUnsure::GiveUp {
                        self.settle_leg(live, at, Fate::Unknown);
                    } else if let Some(fate) = ended {
                        self.settle_leg(live, at, fate);
                    } else {
                        let wait = self.turn(LegId::of(live.job.id, device), spread);
                        self.wait(live, at, self.now + wait, Why::Turn);
                    }
                }
                _ => {}
            }
        }
    }

    /// Where in a span a leg has its turn.
    fn turn(&self, leg: LegId, span: u64) -> Duration {
        let mut hash = Sip13::new(self.seed, u64::from_le_bytes(*b"recover\0"));
        hash.write_u128(leg.to_bits());
        Duration::from_millis(Jitter::new(hash.finish()).up_to_u64(span))
    }
}

fn move_spans(live: &mut Live, shift: Shift) {
    live.submitted = shift.span(live.submitted);
    if let Stage::Resolving { until } = &mut live.stage {
        *until = shift.span(*until);
    }
    for leg in &mut live.legs {
        leg.first = leg.first.map(|first| shift.span(first));
        match &mut leg.state {
            LegState::Waiting { until, why: Why::Turn | Why::Retry { source: RetrySource::Guess } }
            | LegState::Behind { until }
            | LegState::Committing { until }
            | LegState::Sending { until } => *until = shift.span(*until),
            // Points: a service or somebody's calendar named them.
            LegState::Waiting { .. } | LegState::Done { .. } => {}
        }
    }
}
