//! What is being written, and must not leave any more.

use std::collections::HashMap;

use reveille_delivery::LegId;

/// Legs of which requests are being written.
#[derive(Debug, Default)]
pub(super) struct Writing(HashMap<LegId, Leg>);

#[derive(Debug, Default)]
struct Leg {
    /// Requests that are being written.
    requests: usize,
    /// The number of the latest attempt.
    latest: u8,
    /// Attempts up to this number were taken back meanwhile, and do not leave. One that is given out after that does.
    withdrawn: u8,
}

impl Writing {
    pub(super) fn begin(&mut self, leg: LegId, attempt: u8) {
        let known = self.0.entry(leg).or_default();
        (known.requests, known.latest) = (known.requests + 1, attempt);
    }

    /// What is being written of a leg does not leave.
    pub(super) fn withdraw(&mut self, leg: LegId) {
        if let Some(known) = self.0.get_mut(&leg) {
            known.withdrawn = known.latest;
        }
    }

    /// A request was written. Whether it may leave.
    pub(super) fn end(&mut self, leg: LegId, attempt: u8) -> bool {
        let Some(known) = self.0.get_mut(&leg) else { return true };
        let may_leave = attempt > known.withdrawn;
        known.requests = known.requests.saturating_sub(1);
        if known.requests == 0 {
            self.0.remove(&leg);
        }
        may_leave
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEG: LegId = LegId::from_bits(7);

    #[test]
    fn what_is_taken_back_does_not_leave_and_its_retry_does() {
        let mut writing = Writing::default();
        writing.begin(LEG, 1);
        writing.withdraw(LEG);
        writing.begin(LEG, 2);
        // In whatever order they are done.
        assert!(writing.end(LEG, 2));
        assert!(!writing.end(LEG, 1));
        assert!(writing.0.is_empty());
        // Nothing is remembered of it.
        writing.begin(LEG, 1);
        assert!(writing.end(LEG, 1));
    }

    #[test]
    fn nothing_is_written_of_it_at_the_moment() {
        let mut writing = Writing::default();
        writing.withdraw(LEG);
        writing.begin(LEG, 1);
        assert!(writing.end(LEG, 1));
    }
}
