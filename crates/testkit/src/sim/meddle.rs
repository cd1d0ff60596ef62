//! Drivers that do something wrong, so that the oracle can show that it notices.

use reveille_gateway::{Input, Job, Output};

/// What a driver can do wrong; implement it to see whether a fault of yours is noticed. The defaults do everything right.
pub trait Meddle {
    /// What of a group's outputs leaves, and in which order.
    fn outputs(&mut self, outputs: Vec<(u64, Output)>) -> Vec<(u64, Output)> {
        outputs
    }

    /// What of the answers reaches the log, and in place of what.
    fn input(&mut self, input: Input) -> Vec<Input> {
        vec![input]
    }

    /// What is written for a job.
    fn job(&mut self, job: Job) -> Job {
        job
    }

    /// Sources are acknowledged when an event is admitted.
    fn acknowledges_early(&self) -> bool {
        false
    }

    /// Outputs leave before their group is in the log.
    fn releases_early(&self) -> bool {
        false
    }

    /// After a crash, the log behind the snapshot is not read.
    fn forgets_the_tail(&self) -> bool {
        false
    }

    /// What is withdrawn leaves all the same.
    fn ignores_withdrawals(&self) -> bool {
        false
    }

    /// Two shards get the same event, under the same id.
    fn gives_events_to_two_shards(&self) -> bool {
        false
    }

    /// A request that failed on the wire is made once more by the driver itself.
    fn retries_by_itself(&self) -> bool {
        false
    }

    /// Whoever slept sends what waited, and does not look whether the lease still holds.
    fn ignores_the_lease(&self) -> bool {
        false
    }

    /// Whoever slept goes on although its append fails.
    fn appends_blindly(&self) -> bool {
        false
    }

    /// Time is never committed.
    fn never_ticks(&self) -> bool {
        false
    }

    /// After a crash, what was let go before is let go again, as the replay gives it.
    fn lets_the_replay_go(&self) -> bool {
        false
    }
}

/// The driver that does everything right, as [`Simulation::run`](super::Simulation::run) has it; compare a driver of yours with it.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Faithful;

impl Meddle for Faithful {}
