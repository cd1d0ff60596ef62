//! One thing that happens.

use reveille_core::Jitter;

/// One event of a script. Nodes are numbers; take them modulo the number of yours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "tests match all of it")]
pub enum Adversity {
    /// Nothing wrong: the test does something on a node.
    Act {
        /// The node on which it happens.
        node: usize,
        /// What, as the test likes.
        choice: u64,
    },
    /// Real time passes: milliseconds mostly, now and then hours.
    Wait {
        /// By how many milliseconds.
        ms: u64,
    },
    /// A node's clock is set: right, off by seconds, minutes, days, or to another epoch.
    SetClock {
        /// The node whose clock it is.
        node: usize,
        /// Its error from now on.
        error_ms: i64,
    },
    /// A node stops and starts again, with what it has on disk, and with a clock that may be wrong at boot.
    Restart {
        /// The node that it happens to.
        node: usize,
        /// The error of its clock from now on.
        error_ms: i64,
        /// What it finds.
        snapshot: Snapshot,
    },
    /// A process forks, or its machine is cloned or restored from an image: from now on two go on with one state.
    Fork {
        /// The node that it happens to.
        node: usize,
    },
    /// A bit of what is stored flips.
    FlipBit {
        /// Which: take it modulo the number of bits.
        at: u64,
    },
    /// A shared store comes back empty.
    StoreForgets,
    /// A shared store does what it is told, and its answer comes too late.
    StoreAnswersLate,
}

/// What a node that starts finds on its disk; [`Adversity`](super::Adversity) events that restart a node name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "tests match all of it")]
pub enum Snapshot {
    /// Its state as it was when it stopped.
    Current,
    /// An older state.
    Stale,
    /// There is no file.
    None,
}

/// A script of `events` events that is the same for the same seed: for fuzz targets, benchmarks and long runs.
#[must_use]
pub fn script(seed: u64, events: usize) -> Vec<Adversity> {
    let mut draws = Jitter::new(seed);
    let mut event = || {
        let kind = draws.up_to_u64(999);
        Adversity::from_draws(kind, draws.next_u64(), draws.next_u64())
    };
    (0..events).map(|_| event()).collect()
}

impl Adversity {
    /// An event from numbers, for generators of one's own: `kind` is taken modulo 1,000, smaller is more harmless.
    #[must_use]
    pub fn from_draws(kind: u64, a: u64, b: u64) -> Self {
        let node = usize::try_from(a % 1_024).unwrap_or_default();
        match kind % 1_000 {
            0..640 => Self::Act { node, choice: b },
            640..840 => Self::Wait { ms: wait(a, b) },
            840..890 => Self::SetClock { node, error_ms: error(a / 1_024, b) },
            890..940 => Self::Restart {
                node,
                error_ms: error(a / 1_024, b),
                snapshot: match a / 1_048_576 % 4 {
                    0 | 1 => Snapshot::Current,
                    2 => Snapshot::Stale,
                    _ => Snapshot::None,
                },
            },
            940..960 => Self::Fork { node },
            960..980 => Self::FlipBit { at: b },
            980..985 => Self::StoreForgets,
            _ => Self::StoreAnswersLate,
        }
    }
}

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

fn wait(a: u64, b: u64) -> u64 {
    match a % 8 {
        0..5 => b % 5_000,
        5 | 6 => b % 120_000,
        _ => b % (2 * DAY_MS),
    }
}

/// Half of all clocks are right; the others are behind or ahead by more and more.
fn error(a: u64, b: u64) -> i64 {
    let size = match a % 16 {
        0..8 => 0,
        8 | 9 => b % 5_000,
        10 | 11 => b % 600_000,
        12 | 13 => b % (3 * DAY_MS),
        14 => b % (400 * DAY_MS),
        // A clock that begins at 1970, or has lost its mind.
        _ => b % (60 * 365 * DAY_MS),
    };
    let size = i64::try_from(size).unwrap_or(i64::MAX);
    if b.is_multiple_of(2) { -size } else { size }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_event_comes_and_a_seed_repeats() {
        let events = script(1, 20_000);
        assert_eq!(events, script(1, 20_000));
        assert_ne!(events, script(2, 20_000));
        let count = |wanted: fn(&Adversity) -> bool| events.iter().filter(|event| wanted(event)).count();
        assert!(count(|event| matches!(event, Adversity::Act { .. })) > 10_000);
        assert!(count(|event| matches!(event, Adversity::Wait { .. })) > 3_000);
        assert!(count(|event| matches!(event, Adversity::SetClock { error_ms: 1.., .. })) > 100);
        assert!(count(|event| matches!(event, Adversity::SetClock { error_ms: ..0, .. })) > 100);
        for snapshot in [Snapshot::Current, Snapshot::Stale, Snapshot::None] {
            let restarts = events
                .iter()
                .filter(|event| matches!(event, Adversity::Restart { snapshot: s, .. } if *s == snapshot));
            assert!(restarts.count() > 100, "{snapshot:?}");
        }
        assert!(count(|event| matches!(event, Adversity::Fork { .. })) > 200);
        assert!(count(|event| matches!(event, Adversity::FlipBit { .. })) > 200);
        assert!(count(|event| matches!(event, Adversity::StoreForgets)) > 50);
        assert!(count(|event| matches!(event, Adversity::StoreAnswersLate)) > 150);
    }

    #[test]
    fn small_draws_are_harmless() {
        assert_eq!(Adversity::from_draws(0, 0, 0), Adversity::Act { node: 0, choice: 0 });
        assert_eq!(Adversity::from_draws(840, 0, u64::MAX), Adversity::SetClock { node: 0, error_ms: 0 });
        let reborn = Adversity::from_draws(890, 0, 9);
        assert_eq!(reborn, Adversity::Restart { node: 0, error_ms: 0, snapshot: Snapshot::Current });
    }
}
