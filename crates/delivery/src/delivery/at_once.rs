//! First attempts that leave before it is in the log on which devices.

use std::time::Duration;

use super::Delivery;
use super::live::{LegState, Live, Stage};
use crate::{Device, Fate, JobId, Note, Output, Resolve, WhenUnsure};

/// Somebody who is looking devices up says within this what had left of a job that was called off, in milliseconds.
const CALLED_OFF: u64 = 30_000;

impl Delivery {
    /// Not while an older generation may be on the wire to one of the devices: which ones these are is not known yet.
    pub(super) fn may_leave_at_once(&self, live: &Live) -> bool {
        live.when_unsure == WhenUnsure::SendAgain && !live.is_cancel && self.is_alone(live.slot)
    }

    /// Whether no other job lives in the slot; the one that asks is taken out.
    fn is_alone(&self, slot: u32) -> bool {
        self.jobs_in(slot).all(|other| self.jobs.get(other).is_none())
    }

    /// Whether the job's devices are being looked up, and attempts on them may have left: [`Input::LetGo`](crate::Input::LetGo)
    /// says which.
    #[must_use]
    pub fn awaits_what_left(&self, job: JobId) -> bool {
        self.place_of(job).and_then(|at| self.jobs.get(at)).is_some_and(Live::is_asked)
    }

    pub(super) fn is_anybody_asked(&self, slot: u32) -> bool {
        self.jobs_in(slot).any(|other| self.jobs.get(other).is_some_and(Live::is_asked))
    }

    pub(super) fn ask(&mut self, live: &Live) {
        let (at_once, maybe_again) = match live.stage {
            Stage::Asked { called_off, unsure, .. } => (called_off.is_none(), unsure),
            _ => (false, false),
        };
        self.out.push_back(Output::Resolve(Resolve {
            job: live.id(),
            recipient: live.recipient(),
            slot: self.slot_of(live),
            generation: live.generation,
            not_after: live.not_after,
            priority: live.priority,
            digest: live.digest,
            content: live.content.clone(),
            at_once,
            maybe_again,
            most: self.settings.devices,
        }));
    }

    /// Not wanted any more, and nobody knows yet what has left.
    pub(super) fn call_off(&mut self, live: &mut Live, fate: Fate) {
        let Stage::Asked { unsure, .. } = live.stage else { return };
        let within = self.settings.answer_within.min(CALLED_OFF);
        let until = self.now + Duration::from_millis(within);
        live.stage = Stage::Asked { until, called_off: Some(fate), unsure };
        self.out.push_back(Output::CallOff { job: live.id() });
    }

    /// No answer came.
    pub(super) fn ask_again(&mut self, live: &mut Live) {
        let memory = Duration::from_millis(self.settings.slot_memory);
        match &mut live.stage {
            // What a process that died may have let go is asked for as long as anybody would remember it.
            Stage::Asked { until, called_off: Some(_), unsure: true }
                if self.now < live.submitted + memory =>
            {
                *until = self.now + Duration::from_millis(self.settings.answer_within.min(CALLED_OFF));
            }
            Stage::Asked { called_off: Some(fate), .. } => {
                live.stage = Stage::Ended { fate: *fate };
                return;
            }
            Stage::Asked { until, unsure, .. } => {
                (*until, *unsure) = (self.now + Duration::from_millis(self.settings.answer_within), true);
            }
            _ => return,
        }
        self.ask(live);
    }

    /// The first attempts have left.
    pub(super) fn let_go(&mut self, id: JobId, devices: &[Device]) {
        let wanted = self.place_of(id).and_then(|at| {
            self.with_job(at, |delivery, live| {
                let (called_off, unsure) = match live.stage {
                    Stage::Asked { called_off, unsure, .. } => (called_off, unsure),
                    // Nobody was asked to; but what has left has left.
                    Stage::Resolving { .. } | Stage::Held { .. } => (None, true),
                    Stage::Legs | Stage::Ended { .. } => return false,
                };
                if let Some(fate) = called_off.filter(|_| devices.is_empty()) {
                    live.stage = Stage::Ended { fate };
                    return true;
                }
                live.stage = Stage::Legs;
                for device in devices {
                    if let Some(at) = delivery.add_leg(live, *device) {
                        delivery.on_its_way(live, at, called_off, unsure);
                    }
                }
                true
            })
        });
        if wanted != Some(true) {
            self.note(Note::Stale { job: id });
        }
    }

    fn on_its_way(&mut self, live: &mut Live, at: usize, called_off: Option<Fate>, unsure: bool) {
        let (job, until) = (live.id(), self.now + Duration::from_millis(self.settings.answer_within));
        let Some(leg) = live.legs.get_mut(at) else { return };
        leg.state = LegState::Sending { until };
        (leg.first, leg.ended, leg.heard) = (self.now, called_off, unsure);
        if called_off.is_some() {
            self.out.push_back(Output::Withdraw { job, device: leg.device().id });
        }
    }

    /// Nothing of it leaves any more; these devices may have been told by a process that died.
    pub(super) fn called_off(&mut self, live: &mut Live, devices: &[Device], fate: Fate) {
        if devices.is_empty() {
            live.stage = Stage::Ended { fate };
            return;
        }
        live.stage = Stage::Legs;
        for device in devices {
            if let Some(at) = self.add_leg(live, *device) {
                if let Some(leg) = live.legs.get_mut(at) {
                    leg.heard = true;
                }
                self.settle_leg(live, at, fate);
            }
        }
    }

    /// It is known whom a job of the slot has told: cancels go to them, and what waited because it might be on the wire to
    /// any device goes on.
    pub(super) fn go_on_in(&mut self, slot: u32) {
        let awaits = |at: &u32| self.jobs.get(*at).is_some_and(|live| live.awaits);
        for at in self.jobs_in(slot).filter(awaits).collect::<Vec<_>>() {
            self.with_job(at, |delivery, live| {
                if !live.awaits {
                    return;
                }
                let devices = delivery.to_be_cancelled(slot, live.except.as_deref().copied());
                for device in devices {
                    if let Some(at) = delivery.add_leg(live, device) {
                        delivery.start(live, at, true);
                    }
                }
                if !delivery.is_anybody_asked(slot) {
                    Self::await_no_longer(live, Fate::NotNeeded);
                }
            });
        }
        let behind = self.jobs_in(slot).filter_map(|at| self.jobs.get(at)).flat_map(|live| {
            let legs = live.legs.as_slice().iter();
            legs.filter(|leg| matches!(leg.state, LegState::Behind { .. })).map(|leg| leg.device().id)
        });
        for device in behind.collect::<Vec<_>>() {
            if !self.wire_is_taken(slot, device) {
                self.free_behind(slot, device);
            }
        }
    }

    /// Whom a cancel has to reach is known; without anybody it ends like this.
    pub(super) fn await_no_longer(live: &mut Live, fate: Fate) {
        live.awaits = false;
        if live.legs.len() == 0 && live.stage == Stage::Legs {
            live.stage = Stage::Ended { fate };
        }
    }
}
