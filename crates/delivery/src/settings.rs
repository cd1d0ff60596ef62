//! Bounds and policies of the logged machine.

use std::time::Duration;

use reveille_core::millis;

use crate::Class;
use crate::retry::RetryPolicy;

/// How a [`Delivery`](crate::Delivery) behaves. The same for a shard's whole life, or a change is an event of the log's owner:
/// outputs depend on it.
///
/// | setting | default | |
/// |---|---|---|
/// | retry policy | [`RetryPolicy::default`] | one for each class of devices |
/// | jobs | 1,000,000 | not settled; over it, a job ends as [`Fate::Overflow`](crate::Fate::Overflow) |
/// | content bytes | 1 GiB | of jobs that are not settled |
/// | devices of a job | 100 | the rest ends as `Overflow` |
/// | answer within | 5 min | an attempt that nobody reported on by then counts as sent without an answer |
/// | behind an older one | 2 s | how long a newer generation waits for the outcome of one that is on the wire to the device |
/// | slot memory | 1 h | how long a slot's generation, and who was told, is known after its last job |
/// | slots | 2,000,000 | over it the longest unused goes |
/// | settled jobs | 4,096 | whose end can be explained, the latest ones |
/// | dead letters | 10,000 and 64 MiB | over it the oldest goes |
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliverySettings {
    pub(crate) policies: Vec<RetryPolicy>,
    pub(crate) jobs: usize,
    pub(crate) bytes: u64,
    pub(crate) devices: usize,
    pub(crate) answer_within: u64,
    pub(crate) behind: u64,
    pub(crate) slot_memory: u64,
    pub(crate) slots: usize,
    pub(crate) settled: usize,
    pub(crate) dead_letters: usize,
    pub(crate) dead_bytes: u64,
}

impl Default for DeliverySettings {
    fn default() -> Self {
        Self {
            policies: vec![RetryPolicy::default()],
            jobs: 1_000_000,
            bytes: 1 << 30,
            devices: 100,
            answer_within: 300_000,
            behind: 2_000,
            slot_memory: 3_600_000,
            slots: 2_000_000,
            settled: 4_096,
            dead_letters: 10_000,
            dead_bytes: 64 << 20,
        }
    }
}

impl DeliverySettings {
    /// Sets the retry policy of a class; classes without one use that of class 0.
    #[must_use]
    pub fn with_policy(mut self, class: Class, policy: RetryPolicy) -> Self {
        let at = usize::from(class.0);
        while self.policies.len() <= at {
            self.policies.push(self.policy(Class(0)));
        }
        if let Some(place) = self.policies.get_mut(at) {
            *place = policy;
        }
        self
    }

    /// Sets how many jobs may be unsettled, and how many bytes of content.
    #[must_use]
    pub const fn with_jobs(mut self, jobs: usize, bytes: u64) -> Self {
        (self.jobs, self.bytes) = (jobs, bytes);
        self
    }

    /// Sets how many devices a job may go to.
    #[must_use]
    pub const fn with_devices(mut self, devices: usize) -> Self {
        self.devices = devices;
        self
    }

    /// Sets when an attempt without a report counts as unanswered.
    #[must_use]
    pub fn with_answer_within(mut self, span: Duration) -> Self {
        self.answer_within = millis(span).max(1);
        self
    }

    /// Sets how long a newer generation waits for one that is on the wire.
    #[must_use]
    pub fn with_behind(mut self, span: Duration) -> Self {
        self.behind = millis(span);
        self
    }

    /// Sets how long slots are remembered, and how many.
    #[must_use]
    pub fn with_slots(mut self, slots: usize, memory: Duration) -> Self {
        (self.slots, self.slot_memory) = (slots, millis(memory));
        self
    }

    /// Sets how many settled jobs are remembered.
    #[must_use]
    pub const fn with_settled(mut self, jobs: usize) -> Self {
        self.settled = jobs;
        self
    }

    /// Sets how many dead letters are kept, and how many bytes of content in them.
    #[must_use]
    pub const fn with_dead_letters(mut self, letters: usize, bytes: u64) -> Self {
        (self.dead_letters, self.dead_bytes) = (letters, bytes);
        self
    }

    /// The retry policy of a class.
    #[must_use]
    pub fn policy(&self, class: Class) -> RetryPolicy {
        let own = self.policies.get(usize::from(class.0)).or_else(|| self.policies.first());
        own.copied().unwrap_or_default()
    }
}
