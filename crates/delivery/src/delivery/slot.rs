//! What replaces what, and who was told.

use reveille_core::UnixTime;
use std::time::Duration;

use super::Delivery;
use crate::{Device, DeviceId, JobId, SlotId};

/// What is known of a slot, while it has live jobs and for a while after.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Slot {
    /// Generations below are not wanted any more.
    pub(crate) lowest: u64,
    /// Because of a cancel, not of something newer.
    pub(crate) cancelled: bool,
    /// The highest generation that was submitted.
    pub(crate) latest: Option<u64>,
    /// Jobs that are not settled, the oldest first.
    pub(crate) live: Vec<JobId>,
    /// Devices that were told of a generation, or may have been, and of no cancel since.
    pub(crate) heard: Vec<Device>,
    /// When it is forgotten; `MAX` while it has live jobs.
    pub(crate) forget_at: UnixTime,
}

impl Delivery {
    /// The slot, which from now on has a live job.
    pub(super) fn enter_slot(&mut self, id: SlotId, job: Option<JobId>) -> &mut Slot {
        let slot = self.slots.entry(id).or_default();
        if slot.forget_at != UnixTime::MAX {
            self.forget.remove(&(slot.forget_at, id));
            slot.forget_at = UnixTime::MAX;
        }
        slot.live.extend(job);
        slot
    }

    /// A job has ended: when it was the last one, the slot is remembered for a while.
    pub(super) fn leave_slot(&mut self, id: SlotId, job: JobId) {
        let Some(slot) = self.slots.get_mut(&id) else { return };
        slot.live.retain(|live| *live != job);
        if !slot.live.is_empty() {
            return;
        }
        self.forget.remove(&(slot.forget_at, id));
        slot.forget_at = self.now + Duration::from_millis(self.settings.slot_memory);
        self.forget.insert((slot.forget_at, id));
    }

    /// Forgets slots whose time is over, or that are too many. Nobody waits for it: no wake-up.
    pub(super) fn forget_slots(&mut self) {
        while let Some((at, id)) = self.forget.first().copied() {
            if at > self.now && self.slots.len() <= self.settings.slots {
                return;
            }
            self.forget.remove(&(at, id));
            self.slots.remove(&id);
        }
    }

    /// A device may have been told of something in the slot.
    pub(super) fn remember_heard(&mut self, id: SlotId, device: Device) {
        let bound = self.settings.devices;
        if let Some(slot) = self.slots.get_mut(&id)
            && slot.heard.len() < bound
            && !slot.heard.iter().any(|heard| heard.id == device.id)
        {
            slot.heard.push(device);
        }
    }

    /// A device was told that there is nothing any more.
    pub(super) fn forget_heard(&mut self, id: SlotId, device: DeviceId) {
        if let Some(slot) = self.slots.get_mut(&id) {
            slot.heard.retain(|heard| heard.id != device);
        }
    }

    /// Whether another job of the slot is on the wire to the device.
    pub(super) fn wire_is_taken(&self, id: SlotId, device: DeviceId, by_other_than: JobId) -> bool {
        let Some(slot) = self.slots.get(&id) else { return false };
        let others = slot.live.iter().filter(|live| **live != by_other_than);
        others
            .filter_map(|other| self.jobs.get(other))
            .flat_map(|live| &live.legs)
            .any(|leg| leg.device.id == device && leg.is_on_wire())
    }
}
