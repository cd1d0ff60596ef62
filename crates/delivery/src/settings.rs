//! Bounds and policies of the logged machine.

use std::time::Duration;

use reveille_core::settings::{InvalidSettings, number, span};

use crate::Class;
use crate::retry::RetryPolicy;

const HOUR: u64 = 3_600_000;
const CENTURY: u64 = 100 * 366 * 86_400_000;
/// Numbers of places are 32 bits.
const MOST_PLACES: u64 = u32::MAX as u64 - 1;
const MOST_DEVICES: u64 = 100_000;
const MOST_SETTLED: u64 = 1_000_000_000;

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

    /// Sets how many jobs may be unsettled, and how many bytes of content. With 0, none is taken in: a shard that is to run
    /// empty. Cancels have a quarter of both besides.
    ///
    /// # Errors
    /// [`InvalidSettings`] if the jobs are over 4,294,967,294.
    pub fn with_jobs(mut self, jobs: usize, bytes: u64) -> Result<Self, InvalidSettings> {
        number("jobs", jobs as u64, 0..=MOST_PLACES)?;
        (self.jobs, self.bytes) = (jobs, bytes);
        Ok(self)
    }

    /// Sets how many devices a job may go to.
    ///
    /// # Errors
    /// [`InvalidSettings`] unless it is from 1 to 100,000.
    pub fn with_devices(mut self, devices: usize) -> Result<Self, InvalidSettings> {
        number("devices", devices as u64, 1..=MOST_DEVICES)?;
        self.devices = devices;
        Ok(self)
    }

    /// Sets when an attempt without a report counts as unanswered. It begins when the attempt is given out, so make it longer
    /// than a request may wait for its turn and then for its answer: what has left and is taken for lost too early leaves
    /// twice, and what still waits is withdrawn and goes to the end of its queue.
    ///
    /// # Errors
    /// [`InvalidSettings`] unless it is from 1 ms to 100 years.
    pub fn with_answer_within(mut self, within: Duration) -> Result<Self, InvalidSettings> {
        self.answer_within = span("answer within", within, 1..=CENTURY)?;
        Ok(self)
    }

    /// Sets how long a newer generation waits for one that is on the wire; zero: it does not wait.
    ///
    /// # Errors
    /// [`InvalidSettings`] if it is over one hour.
    pub fn with_behind(mut self, behind: Duration) -> Result<Self, InvalidSettings> {
        self.behind = span("behind an older one", behind, 0..=HOUR)?;
        Ok(self)
    }

    /// Sets how long slots are remembered, and how many.
    ///
    /// # Errors
    /// [`InvalidSettings`] unless there are 1 to 4,294,967,294, for 1 ms to 100 years: what is forgotten cannot be
    /// cancelled.
    pub fn with_slots(mut self, slots: usize, memory: Duration) -> Result<Self, InvalidSettings> {
        number("slots", slots as u64, 1..=MOST_PLACES)?;
        self.slot_memory = span("slot memory", memory, 1..=CENTURY)?;
        self.slots = slots;
        Ok(self)
    }

    /// Sets how many settled jobs are remembered; with 0 none is, and a job that is submitted again is sent again.
    ///
    /// # Errors
    /// [`InvalidSettings`] if it is over 1,000,000,000.
    pub fn with_settled(mut self, jobs: usize) -> Result<Self, InvalidSettings> {
        number("settled jobs", jobs as u64, 0..=MOST_SETTLED)?;
        self.settled = jobs;
        Ok(self)
    }

    /// Sets how many dead letters are kept, and how many bytes of content in them; with 0 none is, and each is counted as
    /// lost.
    ///
    /// # Errors
    /// [`InvalidSettings`] if the letters are over 1,000,000,000.
    pub fn with_dead_letters(mut self, letters: usize, bytes: u64) -> Result<Self, InvalidSettings> {
        number("dead letters", letters as u64, 0..=MOST_SETTLED)?;
        (self.dead_letters, self.dead_bytes) = (letters, bytes);
        Ok(self)
    }

    /// The retry policy of a class.
    #[must_use]
    pub fn policy(&self, class: Class) -> RetryPolicy {
        let own = self.policies.get(usize::from(class.0)).or_else(|| self.policies.first());
        own.copied().unwrap_or_default()
    }
}
