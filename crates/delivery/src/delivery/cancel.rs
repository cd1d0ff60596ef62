//! What is not wanted any more.

use super::Delivery;
use super::live::{Live, Stage};
use crate::index::NONE;
use crate::{DeviceId, Fate, Output, SlotId};

impl Delivery {
    pub(super) fn cancel(&mut self, slot: SlotId, generation: u64) {
        self.dead.drop_below(slot, generation);
        if let Some(at) = self.place_of(slot.owner())
            && self.jobs.get(at).is_some_and(|live| live.slot == NONE)
        {
            self.with_job(at, |delivery, live| {
                if live.generation < generation {
                    delivery.withdraw(live, Fate::Cancelled);
                }
            });
            return;
        }
        let Some(at) = self.slot(slot) else { return };
        self.supersede(at, generation, Fate::Cancelled);
        if let Some(known) = self.slots.get_mut(at)
            && known.lowest < generation
        {
            (known.lowest, known.cancelled) = (generation, true);
        }
        // Remembered from now on, if nothing of it lives.
        self.leave_slot(at);
    }

    /// Ends the jobs of a slot below a generation: at once where nothing is on the wire.
    pub(super) fn supersede(&mut self, slot: u32, generation: u64, fate: Fate) {
        for at in self.jobs_in(slot).collect::<Vec<_>>() {
            self.with_job(at, |delivery, live| {
                if live.generation < generation {
                    delivery.withdraw(live, fate);
                }
            });
        }
    }

    fn withdraw(&mut self, live: &mut Live, fate: Fate) {
        match live.stage {
            Stage::Legs => {}
            Stage::Asked { called_off, .. } => {
                if called_off.is_none() {
                    self.call_off(live, fate);
                }
                return;
            }
            _ => {
                live.stage = Stage::Ended { fate };
                return;
            }
        }
        if live.awaits {
            Self::await_no_longer(live, fate);
        }
        for at in 0..live.legs.len() {
            self.withdraw_leg(live, at, fate);
        }
    }

    fn withdraw_leg(&mut self, live: &mut Live, at: usize, fate: Fate) {
        let job = live.id();
        let Some(leg) = live.legs.get_mut(at).filter(|leg| !leg.is_done()) else { return };
        if !leg.is_on_wire() {
            return self.settle_leg(live, at, fate);
        }
        if leg.ended.is_none() {
            self.out.push_back(Output::Withdraw { job, device: leg.device().id });
        }
        leg.ended = Some(fate);
    }

    /// Looks at every job, a few milliseconds for 100,000: log-outs are rare.
    pub(super) fn drop_device(&mut self, device: DeviceId) {
        let on_device = |at: &u32| self.jobs.get(*at).is_some_and(|live| live.leg_on(device).is_some());
        for at in self.jobs.by_age().filter(on_device).collect::<Vec<_>>() {
            self.with_job(at, |delivery, live| {
                if let Some(at) = live.leg_on(device) {
                    // Not a cancel: where it was the only device, somebody wanted them told, and nobody was.
                    let ended = live.legs.get(at).and_then(|leg| leg.ended);
                    delivery.withdraw_leg(live, at, ended.unwrap_or(Fate::Gone));
                }
            });
        }
    }
}
