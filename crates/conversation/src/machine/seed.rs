//! Everything that is keyed with the caller's secret.

use std::fmt;
use std::hash::Hasher;

use reveille_core::siphash::Sip13;

use crate::id::{ConversationId, PersonId};
use crate::{CollapseKey, Slot};

/// A secret of 16 random bytes, the same on every machine and after every restart: collapse keys depend on it, and
/// nobody without it can choose ids that collide.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Seed {
    k0: u64,
    k1: u64,
}

impl Seed {
    /// From 16 random bytes.
    #[must_use]
    pub const fn new(key: [u8; 16]) -> Self {
        let key = u128::from_le_bytes(key);
        Self { k0: key as u64, k1: (key >> 64) as u64 }
    }

    /// What stands for a recipient's slot in a conversation.
    #[must_use]
    pub fn collapse_key(
        &self,
        recipient: &PersonId,
        conversation: &ConversationId,
        slot: Slot,
    ) -> CollapseKey {
        let mut hasher = Sip13::new(self.k0, self.k1 ^ slot.domain());
        // The length keeps "a", "bc" and "ab", "c" apart.
        hasher.write_u8(recipient.as_bytes().len() as u8);
        hasher.write(recipient.as_bytes());
        hasher.write(conversation.as_bytes());
        CollapseKey::from_bits(hasher.halfway().both())
    }

    pub(super) fn place(&self, conversation: &ConversationId) -> u64 {
        let mut hasher = Sip13::new(self.k0, self.k1);
        hasher.write(conversation.as_bytes());
        hasher.finish()
    }

    pub(super) fn person(&self, person: &PersonId) -> u64 {
        let mut hasher = Sip13::new(self.k0, self.k1 ^ 0xbe11);
        hasher.write(person.as_bytes());
        hasher.finish()
    }

    /// What stands for an event among those that may come twice.
    pub(super) fn event(&self, parts: &[&str], numbers: &[u64]) -> u64 {
        let mut hasher = Sip13::new(self.k0, self.k1 ^ 0xe7e7);
        for part in parts {
            hasher.write_u64(part.len() as u64);
            hasher.write(part.as_bytes());
        }
        for number in numbers {
            hasher.write_u64(*number);
        }
        hasher.finish()
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(…)")
    }
}
