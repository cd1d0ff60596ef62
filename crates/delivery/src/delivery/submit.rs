//! Jobs come in, and their devices.

use std::time::Duration;

use reveille_core::UnixTime;

use super::Delivery;
use super::live::{Leg, LegState, Live, Stage};
use crate::{DeadLetter, Device, Fate, Job, JobId, Note, Output, PayloadDigest, Role};

impl Delivery {
    pub(super) fn submit(&mut self, job: Job) {
        let id = job.id;
        if self.jobs.contains_key(&id) || self.ends.contains_key(&id) {
            return self.note(Note::Duplicate { job: id });
        }
        self.counts.submitted = self.counts.submitted.saturating_add(1);
        if let Some(slot) = self.slots.get(&job.slot)
            && (job.generation < slot.lowest || slot.latest >= Some(job.generation))
        {
            let fate = if slot.cancelled { Fate::Cancelled } else { Fate::Superseded };
            return self.settle(id, &job, fate);
        }
        // From here on older generations are not wanted, whatever becomes of this one.
        let cancels = matches!(job.role, Role::Cancel { .. });
        self.supersede(job.slot, job.generation, if cancels { Fate::Cancelled } else { Fate::Superseded });
        let slot = self.enter_slot(job.slot, Some(id));
        (slot.lowest, slot.cancelled, slot.latest) = (job.generation, cancels, Some(job.generation));
        if self.is_over(&job) {
            return self.settle(id, &job, Fate::Expired);
        }
        let digest = PayloadDigest::of(&job.content, self.seed);
        if self.admit(&job).is_err() {
            self.bury(DeadLetter {
                job: job.clone(),
                device: None,
                fate: Fate::Overflow,
                died: self.now,
                digest,
                tried: Vec::new(),
            });
            return self.settle(id, &job, Fate::Overflow);
        }
        self.open(job, digest);
    }

    /// A job begins.
    pub(super) fn open(&mut self, job: Job, digest: PayloadDigest) {
        let id = job.id;
        self.bytes = self.bytes.saturating_add(job.bytes());
        let live = Live {
            job,
            digest,
            submitted: self.now,
            stage: Stage::Legs,
            legs: Vec::new(),
            due: UnixTime::MAX,
        };
        self.jobs.insert(id, Box::new(live));
        self.with_job(id, Self::begin);
    }

    /// The first step: to its devices, as far as they are known.
    pub(super) fn begin(&mut self, live: &mut Live) {
        let devices = match live.job.role {
            Role::Cancel { except } => Some(self.to_be_cancelled(&live.job, except)),
            Role::Show => live.job.devices.clone(),
        };
        match devices {
            Some(devices) => self.start_legs(live, &devices),
            None => self.resolve(live),
        }
    }

    pub(super) fn resolve(&mut self, live: &mut Live) {
        let until = self.now + Duration::from_millis(self.settings.answer_within);
        live.stage = Stage::Resolving { until };
        self.out.push_back(Output::Resolve { job: live.job.id, recipient: live.job.recipient });
    }

    pub(super) fn resolved(&mut self, id: JobId, devices: Vec<Device>) {
        let wanted = self.with_job(id, |delivery, live| {
            let waits = matches!(live.stage, Stage::Resolving { .. } | Stage::Held { .. });
            if waits {
                delivery.start_legs(live, &devices);
            }
            waits
        });
        if wanted != Some(true) {
            self.note(Note::Stale { job: id });
        }
    }

    fn start_legs(&mut self, live: &mut Live, devices: &[Device]) {
        live.stage = match live.job.role {
            Role::Cancel { .. } if devices.is_empty() => Stage::Ended { fate: Fate::NotNeeded },
            _ => Stage::Legs,
        };
        for device in devices {
            if live.leg_on(device.id).is_some() {
                continue;
            }
            if live.legs.len() > self.settings.devices {
                // One letter in the dead letters stands for all that are too many.
                let (job, device, fate) = (live.job.id, device.id, Fate::Overflow);
                self.out.push_back(Output::LegSettled { job, device, fate });
                continue;
            }
            live.legs.push(Leg::new(*device, self.now));
            let at = live.legs.len() - 1;
            if at < self.settings.devices {
                self.start(live, at, true);
            } else {
                self.settle_leg(live, at, Fate::Overflow);
            }
        }
    }

    /// Devices that a cancel has to reach.
    fn to_be_cancelled(&self, job: &Job, except: Option<crate::DeviceId>) -> Vec<Device> {
        let Some(slot) = self.slots.get(&job.slot) else { return Vec::new() };
        let on_wire = slot.live.iter().filter_map(|other| self.jobs.get(other)).flat_map(|live| &live.legs);
        let on_wire = on_wire.filter(|leg| leg.is_on_wire() || leg.heard && !leg.is_done());
        let mut devices = slot.heard.clone();
        devices.extend(on_wire.map(|leg| leg.device));
        devices.retain(|device| Some(device.id) != except);
        devices.sort_unstable();
        devices.dedup_by_key(|device| device.id);
        devices
    }

    pub(super) fn bury(&mut self, letter: DeadLetter) {
        let job = letter.job.id;
        let letter = self.dead.push(letter);
        self.note(Note::Dead { letter, job });
        while let Some(lost) = self.dead.pop_over(self.settings.dead_letters, self.settings.dead_bytes) {
            self.note(Note::DeadLetterLost { letter: lost });
        }
    }

    /// A leg ends.
    pub(super) fn settle_leg(&mut self, live: &mut Live, at: usize, fate: Fate) {
        let Some(leg) = live.legs.get_mut(at) else { return };
        if leg.is_on_wire() {
            self.freed.push((live.job.slot, leg.device.id));
        }
        leg.state = LegState::Done { fate };
        let device = leg.device;
        if leg.heard {
            self.remember_heard(live.job.slot, device);
        }
        if fate.is_dead() {
            self.bury(DeadLetter {
                job: live.job.clone(),
                device: Some(device),
                fate,
                died: self.now,
                digest: live.digest,
                tried: leg.tried.clone(),
            });
        }
        self.out.push_back(Output::LegSettled { job: live.job.id, device: device.id, fate });
    }
}
