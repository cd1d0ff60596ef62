//! Dead letters live again.

use std::time::Duration;

use reveille_core::{UnixTime, millis};

use super::Delivery;
use super::live::{Leg, Live, Stage};
use crate::{DeadId, DeadLetter, Note};

impl Delivery {
    pub(super) fn redrive(&mut self, from: UnixTime, to: UnixTime, every: Duration, until: UnixTime) {
        let chosen: Vec<DeadId> = self
            .dead
            .letters
            .iter()
            .filter(|(_, letter)| (from..to).contains(&letter.died))
            .map(|(id, _)| *id)
            .collect();
        let (mut started, mut skipped) = (0_u32, 0_u32);
        for id in chosen {
            let wait = millis(every).saturating_mul(started.into());
            let at = self.now + Duration::from_millis(wait);
            if self.reopen(id, at, until) {
                started = started.saturating_add(1);
            } else {
                skipped = skipped.saturating_add(1);
            }
        }
        self.note(Note::Redriven { started, skipped });
    }

    /// Opens a letter's leg again at `at`, if that is not too late, nothing newer took its place and there is room.
    fn reopen(&mut self, id: DeadId, at: UnixTime, until: UnixTime) -> bool {
        let Some(letter) = self.dead.letters.get(&id) else { return false };
        let job = &letter.job;
        let unwanted = self.slots.get(&job.slot).is_some_and(|slot| job.generation < slot.lowest);
        let live = self.jobs.contains_key(&job.id);
        if at > until || at >= job.not_after || unwanted || (!live && self.admit(job).is_err()) {
            return false;
        }
        let Some(letter) = self.dead.remove(id) else { return false };
        if !live {
            self.reopen_job(&letter);
        }
        self.with_job(letter.job.id, |delivery, live| match letter.device {
            Some(device) => {
                live.legs.retain(|leg| leg.device.id != device.id);
                live.legs.push(Leg::new(device, at));
            }
            // It never came to devices.
            None if live.legs.is_empty() => delivery.begin(live),
            None => {}
        });
        true
    }

    fn reopen_job(&mut self, letter: &DeadLetter) {
        let job = letter.job.clone();
        let id = job.id;
        if self.ends.remove(&id).is_some() {
            self.settled.retain(|settled| *settled != id);
        }
        self.counts.reopened = self.counts.reopened.saturating_add(1);
        self.bytes = self.bytes.saturating_add(job.bytes());
        let slot = self.enter_slot(job.slot, Some(id));
        slot.lowest = slot.lowest.max(job.generation);
        slot.latest = slot.latest.max(Some(job.generation));
        let live = Live {
            job,
            digest: letter.digest,
            submitted: self.now,
            stage: Stage::Legs,
            legs: Vec::new(),
            due: UnixTime::MAX,
        };
        self.jobs.insert(id, Box::new(live));
    }
}
