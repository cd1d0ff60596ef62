//! A delivery as bytes, and back: to shorten its log.

use std::hash::Hasher as _;

use reveille_core::siphash::Sip13;
use thiserror::Error;

use super::live::{Leg, LegState, Live, Stage, Why};
use super::slot::Slot;
use super::{Counts, Delivery};
use crate::dead::DeadLetters;
use crate::wire::{Wire, split, wire_enum, wire_struct};
use crate::{DeadId, DeadLetter, DeliverySettings, Fate};

const MAGIC: [u8; 4] = *b"RVDL";
const VERSION: u8 = 1;
const CHECK_LEN: usize = 8;

/// Why bytes are not a delivery.
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
});
wire_enum!(LegState {
    0 => Waiting { until, why },
    1 => Behind { until },
    2 => Committing { until },
    3 => Sending { until },
    4 => Done { fate },
});
wire_enum!(Why { 0 => Retry { source }, 1 => Held { by }, 2 => Turn });
wire_struct!(Leg { device, attempt, previous, first, heard, ended, state, tried });
wire_struct!(Live { job, digest, submitted, stage, legs, due });
wire_struct!(Slot { lowest, cancelled, latest, live, heard, forget_at });

impl Delivery {
    /// Appends the whole state. The same state gives the same bytes in every process; nothing in it says when or where it
    /// was written.
    pub fn write_snapshot(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&MAGIC);
        out.push(VERSION);
        self.now.put(out);
        (self.jobs.len() as u64).put(out);
        for id in self.ids() {
            if let Some(live) = self.jobs.get(&id) {
                live.put(out);
            }
        }
        let mut slots: Vec<_> = self.slots.iter().collect();
        slots.sort_unstable_by_key(|(id, _)| **id);
        (slots.len() as u64).put(out);
        for (id, slot) in slots {
            id.put(out);
            slot.put(out);
        }
        (self.settled.len() as u64).put(out);
        for id in &self.settled {
            let (fate, at) = self.ends.get(id).copied().unwrap_or((Fate::Unknown, self.now));
            id.put(out);
            fate.put(out);
            at.put(out);
        }
        (self.dead.letters.len() as u64).put(out);
        for (id, letter) in &self.dead.letters {
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
        for _ in 0..u64::take(bytes)? {
            let live = Live::take(bytes)?;
            let id = live.job.id;
            if live.fate().is_some() || live.due != live.next_due() {
                return None;
            }
            if live.due != reveille_core::UnixTime::MAX {
                self.timers.insert((live.due, id));
            }
            self.bytes = self.bytes.checked_add(live.job.bytes())?;
            if self.jobs.insert(id, Box::new(live)).is_some() {
                return None;
            }
        }
        let mut listed = 0;
        for _ in 0..u64::take(bytes)? {
            let id = Wire::take(bytes)?;
            let slot = Slot::take(bytes)?;
            if slot.live.is_empty() {
                self.forget.insert((slot.forget_at, id));
            }
            for job in &slot.live {
                self.jobs.get(job).filter(|live| live.job.slot == id)?;
                listed += 1;
            }
            if self.slots.insert(id, slot).is_some() {
                return None;
            }
        }
        if listed != self.jobs.len() {
            return None;
        }
        for _ in 0..u64::take(bytes)? {
            let id = Wire::take(bytes)?;
            if self.ends.insert(id, (Wire::take(bytes)?, Wire::take(bytes)?)).is_some() {
                return None;
            }
            self.settled.push_back(id);
        }
        self.dead = read_dead(bytes)?;
        self.counts.submitted = Wire::take(bytes)?;
        self.counts.reopened = Wire::take(bytes)?;
        self.counts.settled = Vec::take(bytes)?.try_into().ok()?;
        self.counts.add_up(self.jobs.len()).then_some(())
    }
}

fn read_dead(bytes: &mut &[u8]) -> Option<DeadLetters> {
    let mut dead = DeadLetters::default();
    for _ in 0..u64::take(bytes)? {
        let id = DeadId::take(bytes)?;
        let letter = DeadLetter::take(bytes)?;
        dead.bytes = dead.bytes.checked_add(letter.job.bytes())?;
        if dead.letters.last_key_value().is_some_and(|(last, _)| *last >= id) {
            return None;
        }
        dead.letters.insert(id, letter);
    }
    dead.next = Wire::take(bytes)?;
    dead.lost = Wire::take(bytes)?;
    let last = dead.letters.last_key_value().map(|(last, _)| last.to_bits());
    last.is_none_or(|last| last < dead.next).then_some(dead)
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
        insta::assert_snapshot!(read(b"RVDL\x07"), @"the snapshot has version 7: this library reads version 1");
        let mut bytes = Vec::new();
        Delivery::new(DeliverySettings::default(), 1).write_snapshot(&mut bytes);
        assert!(Delivery::read_snapshot(DeliverySettings::default(), 1, &bytes).is_ok());
        bytes[6] ^= 1;
        insta::assert_snapshot!(read(&bytes), @"the snapshot is damaged near byte 28");
    }
}
