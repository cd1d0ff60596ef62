//! Jobs come in, and their devices.

use std::time::Duration;

use bytes::Bytes;

use super::Delivery;
use super::live::{Given, Leg, LegState, Live, Packed, Stage};
use crate::dead::DeadLetter;
use crate::{Device, DeviceId, Fate, Job, JobId, Note, Output, PayloadDigest, Role};

impl Delivery {
    pub(super) fn submit(&mut self, job: Job) {
        let id = Packed::new(job.id.to_bits());
        let tag = self.tag(id);
        if self.jobs.find(tag, id).is_some() || self.settled.find(tag, id).is_some() {
            return self.note(Note::Duplicate { job: job.id });
        }
        self.counts.submitted = self.counts.submitted.saturating_add(1);
        let Some(at) = self.slot_for(&job) else { return self.settle(tag, id, Fate::Overflow) };
        if let Some(slot) = self.slots.get(at)
            && (job.generation < slot.lowest || slot.latest() >= Some(job.generation))
        {
            let fate = if slot.cancelled { Fate::Cancelled } else { Fate::Superseded };
            self.settle(tag, id, fate);
            return self.leave_slot(at);
        }
        // From here on older generations are not wanted, whatever becomes of this one.
        let cancels = matches!(job.role, Role::Cancel { .. });
        self.dead.drop_below(job.slot, job.generation);
        self.supersede(at, job.generation, if cancels { Fate::Cancelled } else { Fate::Superseded });
        if let Some(slot) = self.slots.get_mut(at) {
            (slot.lowest, slot.cancelled) = (job.generation, cancels);
            slot.set_latest(job.generation);
        }
        let refused = if self.is_over(job.not_after) {
            Some(Fate::Expired)
        } else {
            self.admit(&job).is_err().then_some(Fate::Overflow)
        };
        if let Some(fate) = refused {
            if fate == Fate::Overflow {
                let digest = self.digest(&job.content);
                let (died, tried) = (self.now, Vec::new());
                self.bury(DeadLetter { job, device: None, fate, died, digest, tried, unwanted: false });
            }
            self.settle(tag, id, fate);
            return self.leave_slot(at);
        }
        let digest = self.digest(&job.content);
        let live = Live::new(job, digest, at, self.now);
        if let Some(place) = self.open(tag, &live) {
            self.work_on(place, live, Self::begin);
        }
    }

    /// Several jobs share what they say, mostly one behind the other.
    fn digest(&mut self, content: &Bytes) -> PayloadDigest {
        if let Some((known, digest)) = &self.digested
            && (known.as_ptr(), known.len()) == (content.as_ptr(), content.len())
        {
            return *digest;
        }
        let digest = PayloadDigest::of(content, self.seed);
        self.digested = Some((content.clone(), digest));
        digest
    }

    /// A place for a job that lives from now on.
    pub(super) fn open(&mut self, tag: u32, live: &Live) -> Option<u32> {
        let (id, slot, bytes) = (live.id, live.slot, live.bytes());
        let Some(at) = self.jobs.insert(tag) else {
            self.settle(tag, id, Fate::Overflow);
            self.leave_slot(slot);
            return None;
        };
        self.bytes = self.bytes.saturating_add(bytes);
        self.enter_slot(slot, at);
        Some(at)
    }

    /// The first step: to its devices, as far as they are known.
    pub(super) fn begin(&mut self, live: &mut Live) {
        if live.is_cancel {
            live.awaits = self.is_anybody_asked(live.slot);
            let devices = self.to_be_cancelled(live.slot, live.except.as_deref().copied());
            return self.start_legs(live, &devices, false);
        }
        match std::mem::replace(&mut live.given, Given::No) {
            Given::These(devices) => {
                self.start_legs(live, &devices, false);
                live.given = Given::These(devices);
                live.share_given();
            }
            given => {
                live.given = given;
                self.resolve(live);
            }
        }
    }

    pub(super) fn resolve(&mut self, live: &mut Live) {
        let until = self.now + Duration::from_millis(self.settings.answer_within);
        // The answer to a question that was asked before may be on its way, and the attempts with it.
        let again = matches!(live.stage, Stage::Resolving { .. });
        if !again && self.may_leave_at_once(live) {
            live.stage = Stage::Asked { until, called_off: None, unsure: false };
        } else {
            live.stage = Stage::Resolving { until };
        }
        self.ask(live);
    }

    pub(super) fn resolved(&mut self, id: JobId, devices: &[Device]) {
        let wanted = self.place_of(id).and_then(|at| {
            self.with_job(at, |delivery, live| {
                match live.stage {
                    Stage::Asked { called_off: Some(fate), unsure, .. } => {
                        delivery.called_off(live, if unsure { devices } else { &[] }, fate);
                    }
                    Stage::Asked { unsure, .. } => delivery.start_legs(live, devices, unsure),
                    Stage::Resolving { .. } | Stage::Held { .. } => delivery.start_legs(live, devices, false),
                    Stage::Legs | Stage::Ended { .. } => return false,
                }
                true
            })
        });
        if wanted != Some(true) {
            self.note(Note::Stale { job: id });
        }
    }

    /// `unsure`: they may have been told by a process that died.
    fn start_legs(&mut self, live: &mut Live, devices: &[Device], unsure: bool) {
        live.stage = if live.is_cancel && devices.is_empty() && !live.awaits {
            Stage::Ended { fate: Fate::NotNeeded }
        } else {
            Stage::Legs
        };
        for device in devices {
            if let Some(at) = self.add_leg(live, *device) {
                if let Some(leg) = live.legs.get_mut(at) {
                    leg.heard = unsure;
                }
                self.start(live, at, true);
            }
        }
    }

    /// A leg that is to be begun, if there is room for it and none on this device.
    pub(super) fn add_leg(&mut self, live: &mut Live, device: Device) -> Option<usize> {
        if live.leg_on(device.id).is_some() {
            return None;
        }
        if live.legs.len() > self.settings.devices {
            // One letter in the dead letters stands for all that are too many.
            let (job, device, fate) = (live.id(), device.id, Fate::Overflow);
            self.out.push_back(Output::LegSettled { job, device, fate });
            return None;
        }
        live.legs.push(Leg::new(device, self.now));
        let at = live.legs.len() - 1;
        if at >= self.settings.devices {
            self.settle_leg(live, at, Fate::Overflow);
            return None;
        }
        Some(at)
    }

    /// Devices that a cancel has to reach.
    pub(super) fn to_be_cancelled(&self, slot: u32, except: Option<DeviceId>) -> Vec<Device> {
        let Some(known) = self.slots.get(slot) else { return Vec::new() };
        let others = self.jobs_in(slot).filter_map(|other| self.jobs.get(other));
        let on_wire = others.flat_map(|live| live.legs.as_slice());
        let on_wire = on_wire.filter(|leg| leg.is_on_wire() || leg.heard && !leg.is_done());
        let mut devices = known.heard.to_vec();
        devices.extend(on_wire.map(Leg::device));
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
        let device = leg.device();
        if leg.is_on_wire() {
            self.freed.push((live.slot, device.id));
        }
        leg.state = LegState::Done { fate };
        let ended = leg.ended.is_some();
        if leg.heard {
            self.remember_heard(live.slot, device);
        }
        if fate.is_dead() {
            let tried = leg.tried.to_vec();
            let (device, died, digest) = (Some(device), self.now, live.digest);
            let job = live.job(self.slot_of(live));
            // It may have died after its cancel.
            let lowest = self.slots.get(live.slot).map_or(0, |slot| slot.lowest);
            let unwanted = ended || live.generation < lowest;
            self.bury(DeadLetter { job, device, fate, died, digest, tried, unwanted });
        }
        self.out.push_back(Output::LegSettled { job: live.id(), device: device.id, fate });
    }
}
