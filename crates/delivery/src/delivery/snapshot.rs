//! A delivery as bytes, and back: to shorten its log.

use std::hash::Hasher as _;

use reveille_core::siphash::Sip13;
use thiserror::Error;

use super::live::{Given, Leg, LegState, Legs, Live, Packed, Stage, Why};
use super::slot::Slot;
use super::{Counts, Delivery};
use crate::dead::DeadLetters;
use crate::dead::{DeadId, DeadLetter};
use crate::index::NONE;
use crate::wire::{Wire, split, wire_enum, wire_struct};
use crate::{DeliverySettings, Role};

const MAGIC: [u8; 4] = *b"RVDL";
const VERSION: u8 = 3;
const CHECK_LEN: usize = 8;

/// Why bytes are not a snapshot of a delivery: the error of [`Delivery::read_snapshot`]. Do not try these bytes again
/// with this version; take an older snapshot, and apply the log from there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// It is not a snapshot of a delivery.
    #[error("this is not a delivery snapshot")]
    NotASnapshot,
    /// Another version wrote it.
    #[error("the snapshot has version {given}: this library reads version {expected}")]
    Version {
        /// What it has.
        given: u8,
        /// What is read.
        expected: u8,
    },
    /// It was cut or changed.
    #[error("the snapshot is damaged near byte {at}")]
    Damaged {
        /// Where that was noticed.
        at: usize,
    },
}

wire_enum!(Stage {
    0 => Resolving { until },
    1 => Held { until, by },
    2 => Legs,
    3 => Ended { fate },
    4 => Asked { until, called_off, unsure },
});
wire_enum!(LegState {
    0 => Waiting { until, why },
    1 => Behind { until },
    2 => Committing { until },
    3 => Sending { until },
    4 => Done { fate },
});
wire_enum!(Why { 0 => Retry { source }, 1 => Held { by }, 2 => Turn });
wire_struct!(Leg { id, revision, previous, first, state, tried, class, attempt, heard, ended });
impl Wire for Packed {
    fn put(&self, out: &mut Vec<u8>) {
        self.bits().put(out);
    }
    fn take(bytes: &mut &[u8]) -> Option<Self> {
        u128::take(bytes).map(Self::new)
    }
}

impl Wire for Given {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::No => out.push(0),
            Self::AsLegs => out.push(1),
            Self::These(devices) => {
                out.push(2);
                devices.put(out);
            }
        }
    }
    fn take(bytes: &mut &[u8]) -> Option<Self> {
        Some(match u8::take(bytes)? {
            0 => Self::No,
            1 => Self::AsLegs,
            2 => Self::These(Wire::take(bytes)?),
            _ => return None,
        })
    }
}

impl Wire for Legs {
    fn put(&self, out: &mut Vec<u8>) {
        (self.len() as u64).put(out);
        self.as_slice().iter().for_each(|leg| leg.put(out));
    }
    fn take(bytes: &mut &[u8]) -> Option<Self> {
        let mut legs = Self::none();
        for _ in 0..u64::take(bytes)? {
            legs.push(Leg::take(bytes)?);
        }
        Some(legs)
    }
}

/// What is kept of a slot, but for when it is forgotten.
impl Wire for Slot {
    fn put(&self, out: &mut Vec<u8>) {
        self.id.put(out);
        self.lowest.put(out);
        self.latest().put(out);
        self.cancelled.put(out);
        self.heard.put(out);
    }
    fn take(bytes: &mut &[u8]) -> Option<Self> {
        let mut slot = Self::new(Wire::take(bytes)?);
        slot.lowest = Wire::take(bytes)?;
        if let Some(latest) = Wire::take(bytes)? {
            slot.set_latest(latest);
        }
        slot.cancelled = Wire::take(bytes)?;
        slot.heard = Wire::take(bytes)?;
        Some(slot)
    }
}

/// Fewer bytes than any job or slot takes: a forged number of them reserves no more than the snapshot's own size.
const LEAST: usize = 20;
/// What most jobs take, beside their content.
const USUAL: usize = 160;

impl Delivery {
    /// Appends the whole state. The same state gives the same bytes in every process; nothing in it says when or where it
    /// was written.
    ///
    /// In the order of age: slots in which jobs live, slots that are idle, jobs (each with the number of its slot), jobs
    /// that are settled, dead letters, counts, a check sum.
    pub fn write_snapshot(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.reserve(self.jobs.len() * USUAL + self.bytes as usize + self.slots.len() * LEAST * 2);
        out.extend_from_slice(&MAGIC);
        out.push(VERSION);
        self.now.put(out);
        let numbers = self.put_slots(out);
        (self.jobs.len() as u64).put(out);
        for live in self.jobs.by_age().filter_map(|at| self.jobs.get(at)) {
            let number = numbers.get(live.slot as usize).copied().unwrap_or(NONE);
            live.put(number, out);
        }
        (self.settled.len() as u64).put(out);
        for end in self.settled.iter() {
            end.id.put(out);
            end.fate.put(out);
            end.at.put(out);
        }
        (self.dead.letters().len() as u64).put(out);
        for (id, letter) in self.dead.letters() {
            id.put(out);
            letter.put(out);
        }
        self.dead.next.put(out);
        self.dead.lost.put(out);
        self.counts.submitted.put(out);
        self.counts.reopened.put(out);
        self.counts.settled.to_vec().put(out);
        let check = check_sum(out.get(start..).unwrap_or_default());
        out.extend_from_slice(&check.to_le_bytes());
    }

    /// Gives the number of each slot in the snapshot, by its place.
    fn put_slots(&self, out: &mut Vec<u8>) -> Vec<u32> {
        let mut numbers = vec![0; self.slots.places.made()];
        let lives = self.slots.len() - self.slots.idle().count();
        (lives as u64).put(out);
        let mut number = 0;
        for at in self.jobs.by_age() {
            let Some(place) = self.jobs.get(at).map(|live| live.slot) else { continue };
            // A slot comes with the first of its jobs.
            if let Some(slot) = self.slots.get(place).filter(|slot| slot.first == at) {
                slot.put(out);
                if let Some(its) = numbers.get_mut(place as usize) {
                    *its = number;
                }
                number += 1;
            }
        }
        ((self.slots.len() - lives) as u64).put(out);
        for slot in self.slots.idle().filter_map(|at| self.slots.get(at)) {
            slot.put(out);
            slot.forget_at.put(out);
        }
        numbers
    }

    /// A delivery from what [`write_snapshot`](Self::write_snapshot) wrote, with settings and seed as before. It takes
    /// no time: after the rest of the log, apply [`Input::Recovered`](crate::Input::Recovered).
    ///
    /// # Errors
    /// [`RestoreError`].
    pub fn read_snapshot(settings: DeliverySettings, seed: u64, bytes: &[u8]) -> Result<Self, RestoreError> {
        let [magic @ .., version] = bytes.first_chunk::<5>().ok_or(RestoreError::NotASnapshot)?;
        if *magic != MAGIC {
            return Err(RestoreError::NotASnapshot);
        }
        if *version != VERSION {
            return Err(RestoreError::Version { given: *version, expected: VERSION });
        }
        let damaged = |rest: &[u8]| RestoreError::Damaged { at: bytes.len() - rest.len() };
        let (content, check) = bytes.split_last_chunk::<CHECK_LEN>().ok_or_else(|| damaged(bytes))?;
        if check_sum(content) != u64::from_le_bytes(*check) {
            return Err(damaged(check));
        }
        let mut rest = content;
        split(&mut rest, MAGIC.len() + 1);
        let mut delivery = Self::new(settings, seed);
        match delivery.read(&mut rest) {
            Some(()) if rest.is_empty() => Ok(delivery),
            _ => Err(RestoreError::Damaged { at: content.len() - rest.len() }),
        }
    }

    fn read(&mut self, bytes: &mut &[u8]) -> Option<()> {
        self.now = Wire::take(bytes)?;
        let lives = u64::take(bytes)?;
        self.slots.reserve(at_most(lives, bytes));
        for _ in 0..lives {
            self.read_slot(bytes)?;
        }
        for _ in 0..u64::take(bytes)? {
            let at = self.read_slot(bytes)?;
            self.slots.rest(at, Wire::take(bytes)?);
        }
        let jobs = u64::take(bytes)?;
        self.jobs.reserve(at_most(jobs, bytes));
        for _ in 0..jobs {
            let live = Live::take(bytes)?;
            let tag = self.tag(live.id);
            if live.fate().is_some()
                || (live.slot != NONE && u64::from(live.slot) >= lives)
                || self.jobs.find(tag, live.id).is_some()
            {
                return None;
            }
            let (slot, content) = (live.slot, live.bytes());
            let at = self.jobs.insert(tag)?;
            self.jobs.put_back(at, live);
            self.bytes = self.bytes.checked_add(content)?;
            self.enter_slot(slot, at);
        }
        let mut live_slots = (0..lives).filter_map(|at| self.slots.get(at as u32));
        if live_slots.any(|slot| slot.first == NONE) {
            return None;
        }
        for _ in 0..u64::take(bytes)? {
            let id = Wire::take(bytes)?;
            let (tag, fate) = (self.tag(id), Wire::take(bytes)?);
            if self.settled.find(tag, id).is_some() {
                return None;
            }
            self.settled.push(tag, id, fate, Wire::take(bytes)?, usize::MAX);
        }
        self.dead = read_dead(bytes)?;
        self.counts.submitted = Wire::take(bytes)?;
        self.counts.reopened = Wire::take(bytes)?;
        self.counts.settled = Vec::take(bytes)?.try_into().ok()?;
        self.counts.add_up(self.jobs.len()).then_some(())
    }

    fn read_slot(&mut self, bytes: &mut &[u8]) -> Option<u32> {
        let slot = Slot::take(bytes)?;
        let tag = self.tag(slot.id);
        if self.slots.find(tag, slot.id).is_some() {
            return None;
        }
        self.slots.insert(tag, slot)
    }
}

/// How many there can be of what somebody wrote a number of.
fn at_most(number: u64, bytes: &[u8]) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX).min(bytes.len() / LEAST)
}

impl Live {
    /// With the number of its slot in the snapshot, in place of where that lies here.
    fn put(&self, slot: u32, out: &mut Vec<u8>) {
        self.id.put(out);
        self.recipient.put(out);
        slot.put(out);
        self.generation.put(out);
        self.not_after.put(out);
        self.digest.put(out);
        self.submitted.put(out);
        self.content.put(out);
        self.stage.put(out);
        self.legs.put(out);
        self.role().put(out);
        self.given.put(out);
        self.priority.put(out);
        self.when_unsure.put(out);
        self.awaits.put(out);
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        let (id, recipient, slot) = (Wire::take(bytes)?, Wire::take(bytes)?, Wire::take(bytes)?);
        let (generation, not_after) = (Wire::take(bytes)?, Wire::take(bytes)?);
        let (digest, submitted, content) = (Wire::take(bytes)?, Wire::take(bytes)?, Wire::take(bytes)?);
        let (stage, legs) = (Wire::take(bytes)?, Wire::take(bytes)?);
        let role = Role::take(bytes)?;
        Some(Self {
            id,
            recipient,
            slot,
            generation,
            not_after,
            digest,
            submitted,
            content,
            stage,
            legs,
            except: if let Role::Cancel { except } = role { except.map(Box::new) } else { None },
            is_cancel: matches!(role, Role::Cancel { .. }),
            given: Wire::take(bytes)?,
            priority: Wire::take(bytes)?,
            when_unsure: Wire::take(bytes)?,
            awaits: Wire::take(bytes)?,
        })
    }
}

fn read_dead(bytes: &mut &[u8]) -> Option<DeadLetters> {
    let letters: Option<Vec<_>> =
        (0..u64::take(bytes)?).map(|_| Some((DeadId::take(bytes)?, DeadLetter::take(bytes)?))).collect();
    DeadLetters::restore(letters?, Wire::take(bytes)?, Wire::take(bytes)?)
}

impl Counts {
    /// Whether every job is accounted for.
    pub(crate) fn add_up(&self, live: usize) -> bool {
        let came = self.submitted.checked_add(self.reopened);
        let ended = self.settled.iter().try_fold(live as u64, |sum, count| sum.checked_add(*count));
        came.is_some() && came == ended
    }
}

/// Against accidents, not against forgers.
fn check_sum(bytes: &[u8]) -> u64 {
    let mut hash = Sip13::new(u64::from_le_bytes(*b"delivery"), u64::from_le_bytes(*b"snapshot"));
    hash.write(bytes);
    hash.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        let read = |bytes: &[u8]| Delivery::read_snapshot(DeliverySettings::default(), 1, bytes).unwrap_err();
        insta::assert_snapshot!(read(b"RVDG\x01"), @"this is not a delivery snapshot");
        insta::assert_snapshot!(read(b"RVDL\x07"), @"the snapshot has version 7: this library reads version 3");
        let mut bytes = Vec::new();
        Delivery::new(DeliverySettings::default(), 1).write_snapshot(&mut bytes);
        assert!(Delivery::read_snapshot(DeliverySettings::default(), 1, &bytes).is_ok());
        bytes[6] ^= 1;
        insta::assert_snapshot!(read(&bytes), @"the snapshot is damaged near byte 29");
    }
}
