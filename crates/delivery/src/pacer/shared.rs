//! A rate that the requests for one recipient, device or conversation share, and who waits for it.

use reveille_core::UnixTime;

use super::{Keyed, Rate};

/// For so many keys at a time it is known how many wait.
const QUEUES: usize = 4_096;

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) rate: Keyed,
    queues: Keyed,
}

impl Shared {
    pub(super) fn new(rate: Rate, keys: usize, seed: u64) -> Self {
        let queues = Keyed::checked(rate, keys.min(QUEUES), seed);
        Self { rate: Keyed::checked(rate, keys, seed), queues }
    }

    /// When to come again, if there is one for the first of those that wait at `first`: one after the other. If all came back at
    /// once, one of them could leave, and the others went back again, each time.
    pub(super) fn turn(&mut self, key: u64, first: UnixTime) -> UnixTime {
        first + self.queues.queue(key, first)
    }
}
