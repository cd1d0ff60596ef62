//! Steps of the clock, and crashes.

use std::collections::BTreeSet;
use std::hash::Hasher as _;
use std::time::Duration;

use reveille_core::siphash::Sip13;
use reveille_core::{Jitter, RetrySource, UnixTime, millis};

use super::Delivery;
use super::live::{LegState, Live, Stage, Why};
use crate::explain::Tried;
use crate::{DeviceId, Fate, LegId, Verdict, WhenUnsure};

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
        for at in self.jobs.all() {
            self.with_job(at, |_, live| move_spans(live, shift));
        }
        for at in self.slots.idle().collect::<Vec<_>>() {
            if let Some(slot) = self.slots.get_mut(at) {
                slot.forget_at = shift.span(slot.forget_at);
            }
        }
    }

    /// What was on its way when the process died.
    pub(super) fn recovered(&mut self, spread: Duration) {
        // Taken before anything is done: a leg that leaves the wire lets go what waits behind it, and that was not on its way.
        let places = self.jobs.all();
        let on_wire: BTreeSet<(u32, DeviceId)> = places
            .iter()
            .filter_map(|at| Some((*at, self.jobs.get(*at)?)))
            .flat_map(|(at, live)| live.legs.as_slice().iter().map(move |leg| (at, leg)))
            .filter(|(_, leg)| leg.is_on_wire())
            .map(|(at, leg)| (at, leg.device().id))
            .collect();
        for at in places {
            self.with_job(at, |delivery, live| {
                let was_on_wire = |device| on_wire.contains(&(at, device));
                delivery.recover(live, was_on_wire, millis(spread));
            });
        }
    }

    fn recover(&mut self, live: &mut Live, was_on_wire: impl Fn(DeviceId) -> bool, spread: u64) {
        match &mut live.stage {
            Stage::Resolving { .. } => self.resolve(live),
            Stage::Asked { unsure, until, .. } => {
                // Whoever asked is gone, and so is what was let go of it.
                (*unsure, *until) = (true, self.now + Duration::from_millis(self.settings.answer_within));
                self.ask(live);
            }
            _ => {}
        }
        for at in 0..live.legs.len() {
            let Some(leg) = live.legs.get_mut(at) else { return };
            match leg.state {
                LegState::Committing { .. } => self.start(live, at, false),
                LegState::Sending { .. } if was_on_wire(leg.device().id) => {
                    leg.heard = true;
                    leg.remember(Tried { attempt: leg.attempt, at: self.now, verdict: Verdict::NoAnswer });
                    let (ended, device) = (leg.ended, leg.device().id);
                    if live.when_unsure == WhenUnsure::GiveUp {
                        self.settle_leg(live, at, Fate::Unknown);
                    } else if let Some(fate) = ended {
                        self.settle_leg(live, at, fate);
                    } else {
                        let wait = self.turn(LegId::of(live.id(), device), spread);
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
    if let Stage::Resolving { until } | Stage::Asked { until, .. } = &mut live.stage {
        *until = shift.span(*until);
    }
    for leg in live.legs.as_mut() {
        leg.first = shift.span(leg.first);
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
