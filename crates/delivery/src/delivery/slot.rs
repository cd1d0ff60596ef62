//! What replaces what, and who was told.

use std::time::Duration;

use reveille_core::UnixTime;

use super::Delivery;
use super::live::{Live, Packed};
use crate::index::{Index, NONE};
use crate::slab::Slab;
use crate::{Device, DeviceId, Job, SlotId};

/// What is known of a slot, while it has live jobs and for a while after.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) id: Packed,
    /// Generations below are not wanted any more.
    pub(crate) lowest: u64,
    /// The highest generation that was submitted.
    pub(crate) latest: u64,
    /// Devices that were told of a generation, or may have been, and of no cancel since.
    pub(crate) heard: Box<[Device]>,
    /// When it is forgotten, while it is idle.
    pub(crate) forget_at: UnixTime,
    /// Its jobs that are not settled, by age: the first and the last.
    pub(super) first: u32,
    pub(super) last: u32,
    /// Its neighbours in the list of those that are idle.
    older: u32,
    younger: u32,
    /// `lowest` is because of a cancel, not of something newer.
    pub(crate) cancelled: bool,
    /// Whether any generation was submitted.
    pub(crate) has_latest: bool,
    pub(super) is_idle: bool,
}

impl Slot {
    pub(super) fn new(id: Packed) -> Self {
        Self { id, first: NONE, last: NONE, older: NONE, younger: NONE, ..Self::default() }
    }

    pub(super) fn latest(&self) -> Option<u64> {
        self.has_latest.then_some(self.latest)
    }

    pub(super) const fn set_latest(&mut self, generation: u64) {
        (self.latest, self.has_latest) = (generation, true);
    }
}

/// The slots: by name, and in a list of those that are idle, the one that will be forgotten first in front.
#[derive(Debug)]
pub(super) struct Slots {
    pub(super) places: Slab<Slot>,
    index: Index,
    idle_first: u32,
    idle_last: u32,
}

impl Slots {
    pub(super) fn new() -> Self {
        Self { places: Slab::default(), index: Index::default(), idle_first: NONE, idle_last: NONE }
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    pub(super) fn find(&self, tag: u32, id: Packed) -> Option<u32> {
        self.index.find(tag, |at| self.get(at).is_some_and(|slot| slot.id == id))
    }

    #[inline]
    pub(super) fn get(&self, at: u32) -> Option<&Slot> {
        self.places.get(at)
    }

    #[inline]
    pub(super) fn get_mut(&mut self, at: u32) -> Option<&mut Slot> {
        self.places.get_mut(at)
    }

    /// Room for so many.
    pub(super) fn reserve(&mut self, slots: usize) {
        self.index.reserve(slots);
    }

    /// One that is not there yet; neither live nor idle.
    pub(super) fn insert(&mut self, tag: u32, slot: Slot) -> Option<u32> {
        let at = self.places.insert(slot)?;
        self.index.insert(tag, at);
        Some(at)
    }

    /// It will be forgotten at this time, after all that are idle now.
    pub(super) fn rest(&mut self, at: u32, forget_at: UnixTime) {
        self.wake(at);
        let last = self.idle_last;
        let Some(slot) = self.places.get_mut(at) else { return };
        (slot.is_idle, slot.forget_at, slot.older, slot.younger) = (true, forget_at, last, NONE);
        match self.places.get_mut(last) {
            Some(slot) => slot.younger = at,
            None => self.idle_first = at,
        }
        self.idle_last = at;
    }

    /// It is not idle any more.
    pub(super) fn wake(&mut self, at: u32) {
        let Some(slot) = self.places.get_mut(at).filter(|slot| slot.is_idle) else { return };
        slot.is_idle = false;
        let (older, younger) = (slot.older, slot.younger);
        match self.places.get_mut(older) {
            Some(slot) => slot.younger = younger,
            None => self.idle_first = younger,
        }
        match self.places.get_mut(younger) {
            Some(slot) => slot.older = older,
            None => self.idle_last = older,
        }
    }

    /// The one that is forgotten next, and when.
    pub(super) fn next_forgotten(&self) -> Option<(UnixTime, u32)> {
        self.get(self.idle_first).map(|slot| (slot.forget_at, self.idle_first))
    }

    fn remove(&mut self, tag: u32, at: u32) {
        self.wake(at);
        self.index.remove(tag, at);
        if let Some(slot) = self.places.get_mut(at) {
            slot.heard = Box::default();
        }
        self.places.release(at);
        if self.places.is_spent() {
            *self = Self::new();
        }
    }

    /// Those that are idle, in the order in which they are forgotten.
    pub(super) fn idle(&self) -> impl Iterator<Item = u32> {
        let known = |at: u32| (at != NONE).then_some(at);
        let younger = move |at: &u32| known(self.get(*at)?.younger);
        std::iter::successors(known(self.idle_first), younger)
    }
}

impl Delivery {
    /// The place of a slot, which is made if it is new.
    pub(super) fn slot(&mut self, id: SlotId) -> Option<u32> {
        let id = Packed::new(id.to_bits());
        let tag = self.tag(id);
        self.slots.find(tag, id).or_else(|| self.slots.insert(tag, Slot::new(id)))
    }

    pub(super) fn known_slot(&self, id: SlotId) -> Option<u32> {
        let id = Packed::new(id.to_bits());
        self.slots.find(self.tag(id), id)
    }

    /// The place of a job's slot; [`NONE`] for one [alone](SlotId::alone).
    pub(super) fn slot_for(&mut self, job: &Job) -> Option<u32> {
        if job.slot == SlotId::alone(job.id) { Some(NONE) } else { self.slot(job.slot) }
    }

    /// The name of a job's slot.
    pub(super) fn slot_of(&self, live: &Live) -> SlotId {
        match self.slots.get(live.slot) {
            Some(slot) => SlotId::from_bits(slot.id.bits()),
            None => SlotId::alone(live.id()),
        }
    }

    /// A job lives in the slot from now on.
    pub(super) fn enter_slot(&mut self, at: u32, job: u32) {
        self.slots.wake(at);
        let Some(slot) = self.slots.get_mut(at) else { return };
        let last = std::mem::replace(&mut slot.last, job);
        if last == NONE {
            slot.first = job;
        } else {
            self.jobs.set_next_in_slot(last, job);
        }
    }

    /// A job does not live in the slot any more.
    pub(super) fn unlink_from_slot(&mut self, at: u32, job: u32) {
        let next = self.jobs.next_in_slot(job);
        let Some(slot) = self.slots.get_mut(at) else { return };
        if slot.first == job {
            slot.first = next;
            if next == NONE {
                slot.last = NONE;
            }
            return;
        }
        let mut before = slot.first;
        while before != NONE {
            let after = self.jobs.next_in_slot(before);
            if after == job {
                self.jobs.set_next_in_slot(before, next);
                if next == NONE {
                    slot.last = before;
                }
                return;
            }
            before = after;
        }
    }

    /// When no job lives in it, the slot is remembered for a while.
    pub(super) fn leave_slot(&mut self, at: u32) {
        if self.slots.get(at).is_some_and(|slot| slot.first == NONE) {
            self.slots.rest(at, self.now + Duration::from_millis(self.settings.slot_memory));
        }
    }

    /// The jobs that live in a slot, the oldest first; one that is worked on is among them.
    pub(super) fn jobs_in(&self, at: u32) -> impl Iterator<Item = u32> {
        let known = |at: u32| (at != NONE).then_some(at);
        let first = self.slots.get(at).and_then(|slot| known(slot.first));
        std::iter::successors(first, move |at| known(self.jobs.next_in_slot(*at)))
    }

    /// Forgets slots whose time is over, or that are too many. Nobody waits for it: no wake-up.
    pub(super) fn forget_slots(&mut self) {
        while let Some((forget_at, at)) = self.slots.next_forgotten() {
            if forget_at > self.now && self.slots.len() <= self.settings.slots {
                return;
            }
            let Some(id) = self.slots.get(at).map(|slot| slot.id) else { return };
            self.slots.remove(self.tag(id), at);
        }
    }

    /// A device may have been told of something in the slot.
    pub(super) fn remember_heard(&mut self, at: u32, device: Device) {
        let bound = self.settings.devices;
        if let Some(slot) = self.slots.get_mut(at)
            && slot.heard.len() < bound
            && !slot.heard.iter().any(|heard| heard.id == device.id)
        {
            let mut heard = std::mem::take(&mut slot.heard).into_vec();
            heard.reserve_exact(1);
            heard.push(device);
            slot.heard = heard.into();
        }
    }

    /// A device was told that there is nothing any more.
    pub(super) fn forget_heard(&mut self, at: u32, device: DeviceId) {
        if let Some(slot) = self.slots.get_mut(at) {
            let mut heard = std::mem::take(&mut slot.heard).into_vec();
            heard.retain(|heard| heard.id != device);
            slot.heard = heard.into();
        }
    }

    /// Whether another job of the slot is on the wire to the device, or may be; the one that asks is taken out.
    pub(super) fn wire_is_taken(&self, at: u32, device: DeviceId) -> bool {
        self.jobs_in(at).filter_map(|other| self.jobs.get(other)).any(|live| {
            live.is_asked() || live.legs.as_slice().iter().any(|leg| leg.is_on(device) && leg.is_on_wire())
        })
    }
}
