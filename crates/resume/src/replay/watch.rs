//! Is the clock of a cold set being set?

use std::time::Duration;

use reveille_core::{UnixTime, millis};

/// A longer step is the clock being set, or a process that stood still: nobody can tell.
const LONGEST_STEP: Duration = Duration::from_secs(5);
/// How often a driver should call.
const DUE_AFTER: Duration = Duration::from_secs(2);

/// Counts the time that passes in small steps. A token that was used before the start has expired when as much has
/// passed as a token can live; until then, a clock that is set forward could make one look as if issued after the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Watch {
    pub(super) last: UnixTime,
    pub(super) left_ms: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Step,
    Jump,
    Enough,
}

impl Watch {
    pub(super) fn new(span: Duration, now: UnixTime) -> Self {
        Self { last: now, left_ms: millis(span) }
    }

    pub(super) fn observe(&mut self, now: UnixTime) -> Seen {
        if self.left_ms == 0 {
            return Seen::Enough;
        }
        if now < self.last {
            // Threads that read one clock come in the wrong order: such steps back are not counted as time when they are
            // made good. A longer one is the clock being set.
            if self.last.since(now) > LONGEST_STEP {
                self.last = now;
            }
            return Seen::Step;
        }
        let step = now.since(self.last);
        self.last = now;
        if step > LONGEST_STEP {
            return Seen::Jump;
        }
        self.left_ms = self.left_ms.saturating_sub(millis(step));
        if self.left_ms == 0 { Seen::Enough } else { Seen::Step }
    }

    pub(super) fn due(&self) -> UnixTime {
        self.last + DUE_AFTER
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_time_in_small_steps_counts() {
        let at = UnixTime::from_millis;
        let mut watch = Watch::new(Duration::from_secs(8), at(1_000));
        assert_eq!(watch.observe(at(6_000)), Seen::Step);
        assert_eq!(watch.observe(at(11_001)), Seen::Jump);
        assert_eq!((watch.left_ms, watch.due()), (3_000, at(13_001)));
        assert_eq!(watch.observe(at(14_000)), Seen::Step);
        assert_eq!(watch.observe(at(14_001)), Seen::Enough);
    }

    #[test]
    fn back_and_forth_gains_nothing_but_what_passes() {
        let at = UnixTime::from_millis;
        for back in [1, 100, 4_999, 5_000, 5_001, 3_600_000] {
            let mut watch = Watch::new(Duration::from_secs(8), at(4_000_000));
            // Two threads, a thousand times in the wrong order: no time passes.
            for _ in 0..1_000 {
                assert_eq!(watch.observe(at(4_000_000 - back)), Seen::Step, "{back}");
                if watch.observe(at(4_000_000)) == Seen::Jump {
                    assert!(back > 5_000, "{back}");
                }
                assert_eq!(watch.left_ms, 8_000, "{back}");
            }
        }
    }
}
