//! Attempts end.

use std::time::Duration;

use reveille_core::{Action, RetrySource, UnixTime};

use super::Delivery;
use super::live::{LegState, Live, Stage, Why};
use crate::explain::Tried;
use crate::retry::After;
use crate::{DeviceId, Effect, Fate, HeldBy, JobId, Note, Output, Verdict, WhenUnsure};

/// What is deferred waits at least this long, so that nobody can make a busy loop of it.
const SHORTEST_WAIT: Duration = Duration::from_millis(10);

/// What follows from a verdict. The table of what delivery does, and what it leaves to others:
///
/// | verdict | here | besides |
/// |---|---|---|
/// | accepted | the leg ends | the registry learns that the device is well |
/// | retry, slow down | next attempt at the service's time, or after a back-off | the pacer pauses what the scope says |
/// | refresh credential, reconnect | next attempt at once | the credential's cache, the connection pool |
/// | drop, suspect | the leg ends | the registry |
/// | fix request, give up | the leg dies | – |
/// | fix credential | next attempt after a back-off | the pacer pauses the credential and alerts |
/// | not sent | next attempt after a back-off | the pacer's breaker |
/// | no answer | the same, or the leg ends as unknown | the pacer's breaker |
enum Next {
    End(Fate),
    Again(UnixTime, RetrySource),
}

impl Delivery {
    pub(super) fn outcome(&mut self, id: JobId, device: DeviceId, attempt: u8, verdict: Verdict) {
        let accepted = matches!(verdict, Verdict::Accepted { .. });
        let Some(place) = self.place_of(id) else { return self.too_late(id, device, accepted) };
        let taken = self.with_job(place, |delivery, live| {
            let at = live.leg_on(device)?;
            let leg = live.legs.get_mut(at)?;
            if verdict == Verdict::NotSent && leg.take_back(attempt) {
                return Some(());
            }
            let current = leg.attempt == attempt && leg.is_on_wire();
            // An earlier attempt that arrived after all ends the leg; how it failed is of no interest any more.
            if !current && (!accepted || leg.is_done()) {
                return None;
            }
            if !current && leg.is_on_wire() {
                // Its next attempt was given out meanwhile: the device knows already.
                delivery.out.push_back(Output::Withdraw { job: id, device });
            }
            delivery.answer(live, at, attempt, verdict);
            Some(())
        });
        if taken.flatten().is_none() {
            self.too_late(id, device, accepted);
        }
    }

    /// The leg has ended. If it is among the dead letters and an attempt of it arrived after all, nobody has to send it again.
    fn too_late(&mut self, job: JobId, device: DeviceId, accepted: bool) {
        let letter = self.dead.of(job, device).filter(|_| accepted);
        if let Some(letter) = letter.filter(|letter| self.dead.remove(*letter).is_some()) {
            return self.note(Note::Arrived { letter, job });
        }
        self.note(Note::Stale { job });
    }

    /// Nobody reported in time. If the request still waits for its turn, it must not leave beside the next one.
    pub(super) fn unanswered(&mut self, live: &mut Live, at: usize) {
        let job = live.id();
        let Some(leg) = live.legs.get(at) else { return };
        let attempt = leg.attempt;
        if leg.ended.is_none() {
            self.out.push_back(Output::Withdraw { job, device: leg.device().id });
        }
        self.answer(live, at, attempt, Verdict::NoAnswer);
    }

    fn answer(&mut self, live: &mut Live, at: usize, attempt: u8, verdict: Verdict) {
        let Some(leg) = live.legs.get_mut(at) else { return };
        if matches!(verdict, Verdict::Accepted { .. } | Verdict::NoAnswer) {
            leg.heard = true;
        }
        let next = next_step(&verdict, live.when_unsure, self.now);
        let effect = effect(&verdict);
        let device = leg.device();
        if !matches!(verdict, Verdict::Accepted { .. }) {
            leg.remember(Tried { attempt, at: self.now, verdict });
        }
        if let Some(effect) = effect {
            self.out.push_back(Output::Device { device, effect, at: self.now });
        }
        match next {
            Next::End(fate) => {
                self.settle_leg(live, at, fate);
                if fate == Fate::Accepted && live.is_cancel {
                    self.forget_heard(live.slot, device.id);
                }
            }
            Next::Again(not_before, source) => self.try_again(live, at, not_before, source),
        }
    }

    fn try_again(&mut self, live: &mut Live, at: usize, not_before: UnixTime, source: RetrySource) {
        let Some(leg) = live.legs.get(at) else { return };
        if let Some(fate) = leg.ended {
            return self.settle_leg(live, at, fate);
        }
        let policy = self.settings.policy(leg.class);
        let name = live.leg_id(leg);
        let after = After { seed: self.seed, leg: name, attempt: leg.attempt, previous: leg.previous };
        let (until, backoff) = policy.next_attempt(after, not_before, source, self.now);
        if !policy.allows(leg.attempt, leg.first.min(self.now), until) {
            return self.settle_leg(live, at, Fate::Exhausted);
        }
        if until >= live.not_after {
            return self.settle_leg(live, at, Fate::Expired);
        }
        let Some(leg) = live.legs.get_mut(at) else { return };
        (leg.attempt, leg.previous) = (leg.attempt.saturating_add(1), backoff);
        self.wait(live, at, until, Why::Retry { source });
    }

    /// The leg leaves the wire and waits.
    pub(super) fn wait(&mut self, live: &mut Live, at: usize, until: UnixTime, why: Why) {
        let Some(leg) = live.legs.get_mut(at) else { return };
        let device = leg.device();
        if leg.is_on_wire() {
            self.freed.push((live.slot, device.id));
        }
        leg.state = LegState::Waiting { until, why };
        if leg.heard {
            self.remember_heard(live.slot, device);
        }
    }

    pub(super) fn deferred(&mut self, id: JobId, device: Option<DeviceId>, until: UnixTime, by: HeldBy) {
        let until = until.max(self.now + SHORTEST_WAIT);
        let Some(place) = self.place_of(id) else { return self.note(Note::Stale { job: id }) };
        let taken = self.with_job(place, |delivery, live| {
            let Some(device) = device else {
                return delivery.hold_job(live, until, by);
            };
            let at = live.leg_on(device)?;
            let leg = live.legs.get(at).filter(|leg| leg.is_on_wire())?;
            match leg.ended {
                Some(fate) => delivery.settle_leg(live, at, fate),
                None if until >= live.not_after => delivery.settle_leg(live, at, Fate::Expired),
                None => delivery.wait(live, at, until, Why::Held { by }),
            }
            Some(())
        });
        if taken.flatten().is_none() {
            self.note(Note::Stale { job: id });
        }
    }

    fn hold_job(&self, live: &mut Live, until: UnixTime, by: HeldBy) -> Option<()> {
        match live.stage {
            Stage::Asked { called_off: Some(fate), .. } => {
                live.stage = Stage::Ended { fate };
                return Some(());
            }
            Stage::Resolving { .. } | Stage::Asked { .. } | Stage::Held { .. } => {}
            Stage::Legs | Stage::Ended { .. } => return None,
        }
        live.stage = if until >= live.not_after {
            Stage::Ended { fate: Fate::Expired }
        } else {
            Stage::Held { until, by }
        };
        Some(())
    }
}

fn next_step(verdict: &Verdict, when_unsure: WhenUnsure, now: UnixTime) -> Next {
    match verdict {
        Verdict::Accepted { .. } => Next::End(Fate::Accepted),
        Verdict::NotSent => Next::Again(now, RetrySource::Guess),
        Verdict::NoAnswer if when_unsure == WhenUnsure::GiveUp => Next::End(Fate::Unknown),
        Verdict::NoAnswer => Next::Again(now, RetrySource::Guess),
        Verdict::Refused { action, .. } => match action {
            Action::Retry { not_before: at, source } | Action::SlowDown { until: at, source, .. } => {
                Next::Again(*at, *source)
            }
            Action::RefreshCredential { .. } | Action::Reconnect => Next::Again(now, RetrySource::Service),
            Action::FixCredential { .. } => Next::Again(now, RetrySource::Guess),
            Action::DropTarget { .. } => Next::End(Fate::Gone),
            Action::SuspectTarget => Next::End(Fate::Suspect),
            Action::FixRequest { .. } => Next::End(Fate::BadRequest),
            _ => Next::End(Fate::GaveUp),
        },
    }
}

const fn effect(verdict: &Verdict) -> Option<Effect> {
    match verdict {
        Verdict::Accepted { .. } => Some(Effect::Accepted),
        Verdict::Refused { action: Action::SuspectTarget, .. } => Some(Effect::Suspect),
        Verdict::Refused { action: Action::DropTarget { if_registered_before }, .. } => {
            Some(Effect::Gone { if_registered_before: *if_registered_before })
        }
        _ => None,
    }
}
