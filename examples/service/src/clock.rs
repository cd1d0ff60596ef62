//! The time: the wall's for the machine, and one that counts sleep for leases and steps.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reveille_core::UnixTime;
use rustix::time::{ClockId, clock_gettime};

/// What the wall clock and the clock since boot differ by more than this, between two groups, is a step.
const STEP: u64 = 1_000;

/// The clock of a process. Clones show the same time.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    /// By how many ms tests set the wall clock.
    error: Arc<AtomicI64>,
}

/// Time since the machine was started, sleep included: no setting of the wall clock changes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Uptime(u64);

/// Watches for steps of the wall clock: one for each shard, asked once for each group.
#[derive(Clone, Copy, Debug)]
pub struct Steps {
    /// Wall minus uptime, as it was last, in ms.
    offset: i64,
}

impl Clock {
    /// What the wall clock shows. Before 1970 it is 1970.
    pub fn now(&self) -> UnixTime {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let millis = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        UnixTime::from_millis(millis.saturating_add_signed(self.error.load(Relaxed)))
    }

    /// Time since boot.
    pub fn uptime(&self) -> Uptime {
        let now = clock_gettime(ClockId::Boottime);
        Uptime(
            now.tv_sec
                .unsigned_abs()
                .saturating_mul(1_000)
                .saturating_add(now.tv_nsec.unsigned_abs() / 1_000_000),
        )
    }

    /// Sets the wall clock, for tests: by how many ms it is wrong.
    pub fn set_error(&self, millis: i64) {
        self.error.store(millis, Relaxed);
    }
}

impl Uptime {
    /// Later by this span.
    pub fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(reveille_core::millis(span)))
    }

    /// As a number of ms.
    pub fn as_millis(self) -> u64 {
        self.0
    }
}

impl Steps {
    /// Begins to watch.
    pub fn new(clock: &Clock) -> Self {
        Self { offset: offset(clock) }
    }

    /// What the wall clock would show now if nobody had set it since the last call; `None` if nobody has. It has to be
    /// [`taken`](Self::taken) when the group that says so is committed.
    pub fn was(&self, clock: &Clock) -> Option<UnixTime> {
        let off = offset(clock);
        (off.abs_diff(self.offset) > STEP)
            .then(|| UnixTime::from_millis(clock.uptime().0.saturating_add_signed(self.offset)))
    }

    /// The step is in the log; also: what is less than a step is forgotten.
    pub fn taken(&mut self, clock: &Clock) {
        self.offset = offset(clock);
    }
}

fn offset(clock: &Clock) -> i64 {
    let difference = i128::from(clock.now().as_millis()) - i128::from(clock.uptime().0);
    i64::try_from(difference).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_seen_once_and_drift_never() {
        let clock = Clock::default();
        let mut steps = Steps::new(&clock);
        assert_eq!(steps.was(&clock), None);
        clock.set_error(900);
        assert_eq!(steps.was(&clock), None, "less than a second");
        steps.taken(&clock);
        for error in [3_600_900_i64, -3_600_000] {
            let before = clock.now();
            clock.set_error(error);
            let was = steps.was(&clock).expect("a step");
            assert!(was.as_millis().abs_diff(before.as_millis()) < 1_000, "{was:?} {before:?}");
            steps.taken(&clock);
            assert_eq!(steps.was(&clock), None);
        }
    }
}
