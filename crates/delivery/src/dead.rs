//! Dead letters: what could not be delivered, kept so that somebody can look and send again.

use std::collections::{BTreeMap, BTreeSet};

use reveille_core::UnixTime;

use crate::explain::Tried;
use crate::id::id;
use crate::{Device, DeviceId, Fate, Job, JobId, PayloadDigest, Role, SlotId};

id! {
    /// The number of a dead letter; a later letter has a higher number. Use it to name the letter in
    /// [`Input::Discard`](crate::Input::Discard).
    DeadId(u64)
}

/// A job, or its leg on one device, that could not be delivered, with its content and its attempts. Look at
/// [`Delivery::dead_letters`](crate::Delivery::dead_letters) to find the fault; when it is repaired, use
/// [`Input::Redrive`](crate::Input::Redrive) to send them again.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_structs,
    reason = "plain data that users make and take apart; another field is another version of the log"
)]
pub struct DeadLetter {
    /// The job, with its content.
    pub job: Job,
    /// On which device; `None`: it never came to devices.
    pub device: Option<Device>,
    /// Why it is dead.
    pub fate: Fate,
    /// When it died.
    pub died: UnixTime,
    /// What its message says, as a hash: many letters with one digest are one fault.
    pub digest: PayloadDigest,
    /// Its attempts.
    pub tried: Vec<Tried>,
    /// It was read or cancelled since, or something newer came in its place: a redrive passes it over, however late it is.
    pub unwanted: bool,
}

/// The letters, bounded in number and bytes; the oldest go first, what nobody wants before the others.
#[derive(Clone, Debug, Default)]
pub(crate) struct DeadLetters {
    letters: BTreeMap<DeadId, DeadLetter>,
    /// What is still wanted, by slot and generation; and what is not.
    slots: BTreeSet<(SlotId, u64, DeadId)>,
    unwanted: BTreeSet<DeadId>,
    /// What came to devices, by leg.
    legs: BTreeSet<(JobId, DeviceId, DeadId)>,
    bytes: u64,
    pub(crate) next: u64,
    pub(crate) lost: u64,
}

impl DeadLetters {
    pub(crate) fn push(&mut self, letter: DeadLetter) -> DeadId {
        let id = DeadId::from_bits(self.next);
        self.next = self.next.saturating_add(1);
        self.insert(id, letter);
        id
    }

    /// Under a number that is higher than all others.
    fn insert(&mut self, id: DeadId, letter: DeadLetter) {
        self.bytes = self.bytes.saturating_add(letter.job.bytes());
        if letter.unwanted {
            self.unwanted.insert(id);
        } else {
            self.slots.insert((letter.job.slot, letter.job.generation, id));
        }
        self.legs.extend(letter.device.map(|device| (letter.job.id, device.id, id)));
        self.letters.insert(id, letter);
    }

    /// As a snapshot has them; `None` if they are not in order.
    pub(crate) fn restore(letters: Vec<(DeadId, DeadLetter)>, next: u64, lost: u64) -> Option<Self> {
        let mut dead = Self { next, lost, ..Self::default() };
        for (id, letter) in letters {
            let last = dead.letters.last_key_value().map(|(last, _)| *last);
            if last.is_some_and(|last| last >= id) || id.to_bits() >= next {
                return None;
            }
            dead.bytes.checked_add(letter.job.bytes())?;
            dead.insert(id, letter);
        }
        Some(dead)
    }

    pub(crate) const fn letters(&self) -> &BTreeMap<DeadId, DeadLetter> {
        &self.letters
    }

    /// What is in a slot below a generation shall not live again: the slot itself is forgotten sooner.
    pub(crate) fn drop_below(&mut self, slot: SlotId, generation: u64) {
        while let Some(place) = self.slots.range(first(slot, 0)..first(slot, generation)).next().copied() {
            self.slots.remove(&place);
            let (.., id) = place;
            if let Some(letter) = self.letters.get_mut(&id) {
                letter.unwanted = true;
                self.unwanted.insert(id);
            }
        }
    }

    /// The highest generation of what shows something in a slot, and is still wanted.
    pub(crate) fn latest_show(&self, slot: SlotId) -> Option<u64> {
        let wanted = self.slots.range(first(slot, 0)..=(slot, u64::MAX, DeadId::from_bits(u64::MAX)));
        let shows = |id: &DeadId| self.letters.get(id).is_some_and(|letter| letter.job.role == Role::Show);
        wanted.rev().find(|(.., id)| shows(id)).map(|(_, generation, _)| *generation)
    }

    /// The newest letter of a leg.
    pub(crate) fn of(&self, job: JobId, device: DeviceId) -> Option<DeadId> {
        let all = (job, device, DeadId::from_bits(0))..=(job, device, DeadId::from_bits(u64::MAX));
        self.legs.range(all).next_back().map(|(.., letter)| *letter)
    }

    pub(crate) fn remove(&mut self, id: DeadId) -> Option<DeadLetter> {
        let letter = self.letters.remove(&id)?;
        self.bytes = self.bytes.saturating_sub(letter.job.bytes());
        self.slots.remove(&(letter.job.slot, letter.job.generation, id));
        self.unwanted.remove(&id);
        if let Some(device) = letter.device {
            self.legs.remove(&(letter.job.id, device.id, id));
        }
        Some(letter)
    }

    /// Takes one that is over a bound: the oldest of those that nobody wants, before the others.
    pub(crate) fn pop_over(&mut self, letters: usize, bytes: u64) -> Option<DeadId> {
        if self.letters.len() <= letters && self.bytes <= bytes {
            return None;
        }
        let oldest = || self.letters.first_key_value().map(|(id, _)| *id);
        let id = self.unwanted.first().copied().or_else(oldest)?;
        self.remove(id)?;
        self.lost = self.lost.saturating_add(1);
        Some(id)
    }
}

const fn first(slot: SlotId, generation: u64) -> (SlotId, u64, DeadId) {
    (slot, generation, DeadId::from_bits(0))
}
