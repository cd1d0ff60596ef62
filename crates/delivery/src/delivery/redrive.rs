//! Dead letters live again.

use std::time::Duration;

use reveille_core::{UnixTime, millis};

use super::Delivery;
use super::live::{Leg, Live, Packed};
use crate::dead::{DeadId, DeadLetter};
use crate::{Job, Note, PayloadDigest, Verdict};

impl Delivery {
    pub(super) fn redrive(&mut self, from: UnixTime, to: UnixTime, every: Duration, until: UnixTime) {
        let chosen: Vec<DeadId> = self
            .dead
            .letters()
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
        self.settled.forget_reopened();
        self.note(Note::Redriven { started, skipped });
    }

    /// Opens a letter's leg again at `at`, if that is not too late, nothing newer took its place and there is room.
    fn reopen(&mut self, id: DeadId, at: UnixTime, until: UnixTime) -> bool {
        let Some(letter) = self.dead.letters().get(&id).filter(|letter| !letter.unwanted) else {
            return false;
        };
        let job = &letter.job;
        let slot = self.known_slot(job.slot).and_then(|at| self.slots.get(at));
        let unwanted = slot.is_some_and(|slot| job.generation < slot.lowest);
        let live = self.place_of(job.id);
        if at > until || at >= job.not_after || unwanted || (live.is_none() && self.admit(job).is_err()) {
            return false;
        }
        let Some(DeadLetter { job, device, digest, tried, .. }) = self.dead.remove(id) else { return false };
        let Some(place) = live.or_else(|| self.reopen_job(job, digest)) else { return false };
        self.with_job(place, |delivery, live| match device {
            Some(device) => {
                live.keep_given();
                live.legs.remove(device.id);
                let heard = tried.iter().any(|tried| tried.verdict == Verdict::NoAnswer);
                live.legs.push(Leg { heard, ..Leg::new(device, at) });
            }
            // It never came to devices.
            None if live.legs.len() == 0 && !live.is_asked() => delivery.begin(live),
            None => {}
        });
        true
    }

    fn reopen_job(&mut self, job: Job, digest: PayloadDigest) -> Option<u32> {
        let id = Packed::new(job.id.to_bits());
        let tag = self.tag(id);
        let slot = self.slot_for(&job)?;
        if let Some(known) = self.slots.get_mut(slot) {
            known.lowest = known.lowest.max(job.generation);
            known.set_latest(known.latest().map_or(job.generation, |latest| latest.max(job.generation)));
        }
        self.settled.reopen(tag, id);
        self.counts.reopened = self.counts.reopened.saturating_add(1);
        let live = Live::new(job, digest, slot, self.now);
        let at = self.open(tag, &live)?;
        self.jobs.put_back(at, live);
        Some(at)
    }
}
