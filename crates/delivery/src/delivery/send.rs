//! Attempts begin.

use std::time::Duration;

use super::Delivery;
use super::live::{LegState, Live, Stage};
use crate::{DeviceId, Fate, JobId, LegId, Note, Output, Send, WhenUnsure};

impl Delivery {
    /// Begins the leg's attempt, behind an older generation on the wire if it may wait.
    pub(super) fn start(&mut self, live: &mut Live, at: usize, may_wait: bool) {
        if self.is_over(live.not_after) {
            // Another job freed the wire at the very time that this one's timer is due as well.
            return self.settle_leg(live, at, Fate::Expired);
        }
        let id = live.id();
        let Some(leg) = live.legs.get_mut(at) else { return };
        let device = leg.device();
        if may_wait && self.wire_is_taken(live.slot, device.id) {
            leg.state = LegState::Behind { until: self.now + Duration::from_millis(self.settings.behind) };
            return;
        }
        let until = self.now + Duration::from_millis(self.settings.answer_within);
        if live.when_unsure == WhenUnsure::GiveUp {
            leg.state = LegState::Committing { until };
            self.out.push_back(Output::Commit { job: id, device: device.id, attempt: leg.attempt });
        } else {
            self.send(live, at);
        }
    }

    fn send(&mut self, live: &mut Live, at: usize) {
        let slot = self.slot_of(live);
        let (job, recipient) = (live.id(), live.recipient());
        let Some(leg) = live.legs.get_mut(at) else { return };
        leg.state =
            LegState::Sending { until: self.now + Duration::from_millis(self.settings.answer_within) };
        leg.first = leg.first.min(self.now);
        let device = leg.device();
        self.out.push_back(Output::Send(Send {
            job,
            leg: LegId::of(job, device.id),
            device,
            recipient,
            slot,
            generation: live.generation,
            attempt: leg.attempt,
            maybe_again: leg.heard,
            not_after: live.not_after,
            priority: live.priority,
            digest: live.digest,
            content: live.content.clone(),
        }));
    }

    /// The attempt is in the log: now it may leave.
    pub(super) fn attempt(&mut self, id: JobId, device: DeviceId, attempt: u8) {
        let made = self.place_of(id).and_then(|at| {
            self.with_job(at, |delivery, live| {
                let at = live.leg_on(device)?;
                let leg = live.legs.get(at)?;
                if leg.attempt != attempt || !matches!(leg.state, LegState::Committing { .. }) {
                    return None;
                }
                delivery.send(live, at);
                Some(())
            })
        });
        if made.flatten().is_none() {
            self.note(Note::Stale { job: id });
        }
    }

    pub(super) fn progress_legs(&mut self, live: &mut Live, expired: bool) {
        for at in 0..live.legs.len() {
            let Some(leg) = live.legs.get(at) else { return };
            match leg.state {
                LegState::Waiting { .. } | LegState::Behind { .. } | LegState::Committing { .. }
                    if expired =>
                {
                    self.settle_leg(live, at, Fate::Expired);
                }
                LegState::Waiting { until, .. } if until <= self.now => self.start(live, at, true),
                // It has waited long enough.
                LegState::Behind { until } if until <= self.now => self.start(live, at, false),
                LegState::Committing { until } if until <= self.now => self.start(live, at, false),
                LegState::Sending { until } if until <= self.now => self.unanswered(live, at),
                _ => {}
            }
        }
    }

    /// The wire to a device is free: what waits behind goes on. A cancel that turns out not to be needed ends.
    pub(super) fn free_behind(&mut self, slot: u32, device: DeviceId) {
        let Some(known) = self.slots.get(slot) else { return };
        let heard = known.heard.iter().any(|heard| heard.id == device);
        for at in self.jobs_in(slot).collect::<Vec<_>>() {
            self.with_job(at, |delivery, live| {
                let Some(at) = live.leg_on(device) else { return };
                if live.stage != Stage::Legs
                    || !live.legs.get(at).is_some_and(|leg| matches!(leg.state, LegState::Behind { .. }))
                {
                    return;
                }
                if live.is_cancel && !heard {
                    delivery.settle_leg(live, at, Fate::NotNeeded);
                } else {
                    delivery.start(live, at, true);
                }
            });
        }
    }
}
