//! A rate that the requests for one recipient, device or conversation share, and who waits for it.

use std::time::Duration;

use reveille_core::UnixTime;

use super::{Keyed, Rate};

/// For so many keys at a time it is known how many wait.
const QUEUES: usize = 4_096;
/// Nobody is sent further back: those before may not come, because they were read or cancelled meanwhile.
const FURTHEST: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) rate: Keyed,
    /// What is urgent waits for nobody else.
    urgent: Keyed,
    others: Keyed,
}

impl Shared {
    pub(super) fn new(rate: Rate, keys: usize, seed: u64) -> Self {
        let queue = || Keyed::checked(rate, keys.min(QUEUES), seed);
        Self { rate: Keyed::checked(rate, keys, seed), urgent: queue(), others: queue() }
    }

    /// When to come again, if there is one for the first of those that wait at `first`: one after the other. If all came back at
    /// once, one of them could leave, and the others went back again, each time.
    pub(super) fn turn(&mut self, key: u64, urgent: bool, first: UnixTime, not_after: UnixTime) -> UnixTime {
        let queue = if urgent { &mut self.urgent } else { &mut self.others };
        let turn = first + queue.queue(key, FURTHEST, first);
        // It is an estimate, and nothing dies of it.
        if turn < not_after { turn } else { first }
    }
}
