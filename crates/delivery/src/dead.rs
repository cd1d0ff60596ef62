//! Dead letters: what could not be delivered, kept so that somebody can look and send again.

use std::collections::BTreeMap;

use reveille_core::UnixTime;

use crate::explain::Tried;
use crate::id::id;
use crate::{Device, Fate, Job, PayloadDigest};

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
}

/// The letters, bounded in number and bytes; the oldest go first.
#[derive(Clone, Debug, Default)]
pub(crate) struct DeadLetters {
    pub(crate) letters: BTreeMap<DeadId, DeadLetter>,
    pub(crate) bytes: u64,
    pub(crate) next: u64,
    pub(crate) lost: u64,
}

impl DeadLetters {
    pub(crate) fn push(&mut self, letter: DeadLetter) -> DeadId {
        let id = DeadId::from_bits(self.next);
        self.next = self.next.saturating_add(1);
        self.bytes = self.bytes.saturating_add(letter.job.bytes());
        self.letters.insert(id, letter);
        id
    }

    pub(crate) fn remove(&mut self, id: DeadId) -> Option<DeadLetter> {
        let letter = self.letters.remove(&id)?;
        self.bytes = self.bytes.saturating_sub(letter.job.bytes());
        Some(letter)
    }

    /// Takes one that is over a bound.
    pub(crate) fn pop_over(&mut self, letters: usize, bytes: u64) -> Option<DeadId> {
        if self.letters.len() <= letters && self.bytes <= bytes {
            return None;
        }
        let (id, _) = self.letters.first_key_value()?;
        let id = *id;
        self.remove(id)?;
        self.lost = self.lost.saturating_add(1);
        Some(id)
    }
}
