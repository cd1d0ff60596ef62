//! What is not wanted any more.

use super::Delivery;
use super::live::{Live, Stage};
use crate::{DeviceId, Fate, Output, SlotId};

impl Delivery {
    pub(super) fn cancel(&mut self, slot: SlotId, generation: u64) {
        self.supersede(slot, generation, Fate::Cancelled);
        let known = self.slots.entry(slot).or_default();
        if known.lowest < generation {
            (known.lowest, known.cancelled) = (generation, true);
        }
        // Remembered from now on, if nothing of it lives.
        self.leave_slot(slot, crate::JobId::default());
    }

    /// Ends the jobs of a slot below a generation: at once where nothing is on the wire.
    pub(super) fn supersede(&mut self, slot: SlotId, generation: u64, fate: Fate) {
        let Some(known) = self.slots.get(&slot) else { return };
        for id in known.live.clone() {
            self.with_job(id, |delivery, live| {
                if live.job.generation < generation {
                    delivery.withdraw(live, fate);
                }
            });
        }
    }

    fn withdraw(&mut self, live: &mut Live, fate: Fate) {
        if live.stage != Stage::Legs {
            live.stage = Stage::Ended { fate };
            return;
        }
        for at in 0..live.legs.len() {
            self.withdraw_leg(live, at, fate);
        }
    }

    fn withdraw_leg(&mut self, live: &mut Live, at: usize, fate: Fate) {
        let Some(leg) = live.legs.get_mut(at).filter(|leg| !leg.is_done()) else { return };
        if !leg.is_on_wire() {
            return self.settle_leg(live, at, fate);
        }
        if leg.ended.is_none() {
            self.out.push_back(Output::Withdraw { job: live.job.id, device: leg.device.id });
        }
        leg.ended = Some(fate);
    }

    pub(super) fn drop_device(&mut self, device: DeviceId) {
        for id in self.ids() {
            if self.jobs.get(&id).is_none_or(|live| live.leg_on(device).is_none()) {
                continue;
            }
            self.with_job(id, |delivery, live| {
                if let Some(at) = live.leg_on(device) {
                    delivery.withdraw_leg(live, at, Fate::Cancelled);
                }
            });
        }
    }
}
