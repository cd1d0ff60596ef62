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

/// What the wall clock shows: for what is no part of the service, the local push service.
pub fn now() -> UnixTime {
    Clock::default().now()
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

/// One look at the clock, for one group.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// What the wall clock shows.
    pub now: UnixTime,
    /// What it would show if nobody had set it since the last group; `None` if nobody has.
    pub was: Option<UnixTime>,
    offset: i64,
}

impl Steps {
    /// Begins to watch.
    pub fn new(clock: &Clock) -> Self {
        let (now, up) = (clock.now(), clock.uptime());
        Self { offset: offset(now, up) }
    }

    /// Looks once: what is compared and what the group says are the same readings, so no step falls between two.
    pub fn look(&self, clock: &Clock) -> Look {
        let (now, up) = (clock.now(), clock.uptime());
        let offset = offset(now, up);
        let is_step = offset.abs_diff(self.offset) > STEP;
        let was = is_step.then(|| UnixTime::from_millis(up.0.saturating_add_signed(self.offset)));
        Look { now, was, offset }
    }

    /// The group is committed: a step is in the log, and what is less than one is forgotten.
    pub fn taken(&mut self, look: Look) {
        self.offset = look.offset;
    }
}

fn offset(now: UnixTime, up: Uptime) -> i64 {
    i64::try_from(i128::from(now.as_millis()) - i128::from(up.0)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_seen_once_and_drift_never() {
        let clock = Clock::default();
        let mut steps = Steps::new(&clock);
        assert_eq!(steps.look(&clock).was, None);
        clock.set_error(900);
        let look = steps.look(&clock);
        assert_eq!(look.was, None, "less than a second");
        steps.taken(look);
        for error in [3_600_900_i64, -3_600_000] {
            let before = clock.now();
            clock.set_error(error);
            let look = steps.look(&clock);
            let was = look.was.expect("a step");
            assert!(was.as_millis().abs_diff(before.as_millis()) < 1_000, "{was:?} {before:?}");
            assert!(steps.look(&clock).was.is_some(), "it was not committed yet");
            steps.taken(look);
            assert_eq!(steps.look(&clock).was, None);
        }
    }
}
