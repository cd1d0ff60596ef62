//! The pace at which the platform is asked: one bucket for everything, and what the platform itself says.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reveille_core::{RetryAfter, UnixTime};
use reveille_delivery::pacer::{Level, Rate};

use crate::clock::{Clock, Uptime};

/// Whoever is refused without a word waits so long.
const UNSAID: Duration = Duration::from_secs(5);
/// Nobody waits longer than this for a word of the platform's: its clock may be wrong.
const LONGEST: Duration = Duration::from_secs(600);

/// Whether somebody waits for the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Haste {
    /// A ring does.
    Hurries,
    /// Nobody does: half of the rate is left for those who do.
    Patient,
}

pub(super) struct Lane {
    rate: Rate,
    half: Rate,
    /// All, and those who are patient.
    levels: Mutex<(Level, Level)>,
    clock: Clock,
}

/// There is no turn before the time that was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Late;

impl Lane {
    pub(super) fn new(rate: Rate, clock: Clock) -> Self {
        let half = rate.share(1, 2).unwrap_or(rate);
        Self { rate, half, levels: Mutex::default(), clock }
    }

    /// Waits for a turn. Nothing is taken for who gives up, so what nobody waits for any more holds nobody up.
    pub(super) async fn turn(&self, haste: Haste, until: Uptime) -> Result<(), Late> {
        loop {
            let now = steady(self.clock.uptime());
            let taken = self.take(haste, now);
            let Err(at) = taken else { return Ok(()) };
            if at >= steady(until) {
                return Err(Late);
            }
            tokio::time::sleep(at.since(now).max(Duration::from_millis(1))).await;
        }
    }

    /// The platform says: not so fast (429, 503). Nobody goes before its time, not even what waits already.
    pub(super) fn slow_down(&self, retry_after: Option<&[u8]>) {
        let wall = self.clock.now();
        let wait = RetryAfter::from_header(retry_after)
            .map_or(UNSAID, |said| said.resolve_within(Duration::from_secs(1), LONGEST, wall).since(wall));
        let now = steady(self.clock.uptime());
        self.levels().0.block(&self.rate, now + wait, now);
    }

    fn take(&self, haste: Haste, now: UnixTime) -> Result<(), UnixTime> {
        let mut levels = self.levels();
        let (all, patient) = &mut *levels;
        if haste == Haste::Patient {
            patient.peek(&self.half, now)?;
            all.take(&self.rate, now)?;
            return patient.take(&self.half, now);
        }
        all.take(&self.rate, now)
    }

    fn levels(&self) -> std::sync::MutexGuard<'_, (Level, Level)> {
        self.levels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A clock that nobody sets, in the form in which rates want it.
fn steady(uptime: Uptime) -> UnixTime {
    UnixTime::from_millis(uptime.as_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_burst_then_a_rate_and_the_platforms_word() {
        let clock = Clock::default();
        let lane = Lane::new(Rate::new(10, Duration::from_secs(1), 3).unwrap(), clock.clone());
        let soon = || clock.uptime().after(Duration::from_millis(20));
        for _ in 0..3 {
            assert_eq!(lane.turn(Haste::Hurries, soon()).await, Ok(()));
        }
        assert_eq!(
            lane.turn(Haste::Hurries, soon()).await,
            Err(Late),
            "who does not wait long enough takes nothing"
        );
        let begun = clock.uptime();
        assert_eq!(lane.turn(Haste::Hurries, clock.uptime().after(Duration::from_secs(5))).await, Ok(()));
        let waited = clock.uptime().as_millis() - begun.as_millis();
        assert!((50..2_000).contains(&waited), "{waited} ms");
        let mut patient = 0;
        while lane.turn(Haste::Patient, soon()).await.is_ok() {
            patient += 1;
        }
        assert!(patient <= 3, "{patient}");
        lane.slow_down(Some(b"2"));
        assert_eq!(
            lane.turn(Haste::Hurries, clock.uptime().after(Duration::from_millis(1_500))).await,
            Err(Late)
        );
        assert_eq!(lane.turn(Haste::Hurries, clock.uptime().after(Duration::from_secs(4))).await, Ok(()));
    }
}
