//! An engine as bytes, and back; and its inputs. What frames them (numbers, check sums, the head) is
//! [`reveille_core::log::Logged`].

mod codec;
mod input;
mod items;
mod read;
mod settings;
mod write;

use reveille_core::log::{Snapshot, check_sum};
use thiserror::Error;

use crate::{Engine, Host, Seed};

pub use codec::Codec;

/// Why the bytes of a snapshot are not an engine: returned by [`Logged::restore`](reveille_core::log::Logged::restore),
/// inside `SnapshotError::Machine`. Do not try these bytes again; take an older snapshot, and replay the log from
/// there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// They are something else, or were changed on purpose.
    #[error("this is not the state of an engine: something is wrong near byte {at}")]
    Damaged {
        /// Where that was noticed.
        at: usize,
    },
}

impl<H: Host> Snapshot for Engine<H>
where
    H::Key: Codec,
    H::Payload: Codec,
    H::Fold: Codec,
    H::Calendar: Codec,
{
    type Context = (H, Seed);
    type Error = RestoreError;

    const FORMAT: u16 = 6;
    const BEHAVIOUR: u32 = 5;

    fn seed_fingerprint(&self) -> u64 {
        self.seed.fingerprint()
    }

    fn expected_seed((_, seed): &(H, Seed)) -> u64 {
        seed.fingerprint()
    }

    fn settings_digest(&self) -> u64 {
        let mut bytes = Vec::new();
        (self.policy.clone(), self.limits).encode(&mut bytes);
        check_sum(&bytes)
    }

    /// Windows, memories, batches in flight, known ids, sums, policy, limits and calendar. Host and seed are not in it.
    fn write(&self, out: &mut Vec<u8>) {
        self.write_state(out);
    }

    fn read((host, seed): (H, Seed), bytes: &[u8]) -> Result<Self, RestoreError> {
        Self::read_state(host, seed, bytes)
    }
}
