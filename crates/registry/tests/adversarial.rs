//! What is remembered of suspects, under scripts of wrong clocks and restarts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::time::Duration;

use proptest::prelude::*;
use reveille_core::{Action, Outcome, Receipt, Rejection, UnixTime};
use reveille_registry::suspicion::{Suspicion, SuspicionPolicy};
use reveille_testkit::adversity::{Adversity, Clocks, scripts};

const START: UnixTime = UnixTime::from_secs(1_700_000_000);

fn not_found() -> Outcome {
    Rejection::new(404, Action::SuspectTarget).into()
}

fn drops(outcome: &Outcome) -> bool {
    matches!(outcome.action(), Some(Action::DropTarget { .. }))
}

#[test]
fn three_answers_within_seconds_of_a_clock_set_at_boot_drop_nothing() {
    for jump in [86_400, 3 * 86_400, 30 * 86_400, 50 * 365 * 86_400] {
        for jump_after in [1, 2, 50] {
            let mut suspicion = Suspicion::default();
            for answer in 0..100 {
                let set = if answer >= jump_after { jump } else { 0 };
                let now = UnixTime::from_secs(1_000 + answer + set);
                let outcome = suspicion.weigh(not_found(), SuspicionPolicy::default(), now);
                assert!(!drops(&outcome), "set by {jump} s after {jump_after} answers");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    /// However the clock is set, once: what lies within half a day of real time is no day.
    #[test]
    fn one_jump_makes_no_day(
        waits in proptest::collection::vec(0..600_000_u64, 1..60),
        jump_at in 0..60_usize,
        error_ms in prop_oneof![-4_000_000_000_000..4_000_000_000_000_i64, -700_000_000..700_000_000_i64],
    ) {
        let mut clocks = Clocks::new(START, 1);
        let mut suspicion = Suspicion::default();
        for (at, ms) in waits.into_iter().enumerate() {
            clocks.apply(&Adversity::Wait { ms });
            if at == jump_at {
                clocks.set(0, error_ms);
            }
            if clocks.truth().since(START) < Duration::from_secs(12 * 3_600) {
                let outcome = suspicion.weigh(not_found(), SuspicionPolicy::default(), clocks.now(0));
                prop_assert!(!drops(&outcome));
            }
        }
    }

    /// However often the clock goes ahead and comes back: what lies within half a day of real time is no day.
    #[test]
    fn glitches_make_no_day(
        answers in proptest::collection::vec((0..600_000_u64, -4_000_000_000_000..4_000_000_000_000_i64), 1..60),
    ) {
        let mut clocks = Clocks::new(START, 1);
        let mut suspicion = Suspicion::default();
        suspicion.weigh(not_found(), SuspicionPolicy::default(), START);
        for (ms, error_ms) in answers {
            clocks.apply(&Adversity::Wait { ms });
            for error_ms in [error_ms, 0] {
                clocks.set(0, error_ms);
                if clocks.truth().since(START) < Duration::from_secs(12 * 3_600) {
                    let outcome = suspicion.weigh(not_found(), SuspicionPolicy::default(), clocks.now(0));
                    prop_assert!(!drops(&outcome));
                }
            }
        }
    }

    /// Whatever has happened: an accepted message clears it, and a target that stays unknown for two days of a right clock
    /// is given up.
    #[test]
    fn a_record_heals_and_a_dead_target_is_dropped(script in scripts(0..80)) {
        let mut clocks = Clocks::new(START, 1);
        let mut suspicion = Suspicion::default();
        for event in script {
            clocks.apply(&event);
            match event {
                Adversity::Act { choice, .. } if choice.is_multiple_of(16) => {
                    suspicion.weigh(Receipt::new(201).into(), SuspicionPolicy::default(), clocks.now(0));
                    prop_assert_eq!(suspicion, Suspicion::default());
                }
                Adversity::Act { .. } => {
                    suspicion.weigh(not_found(), SuspicionPolicy::default(), clocks.now(0));
                }
                Adversity::Restart { .. } | Adversity::Fork { .. } => {
                    let stored = serde_json::to_string(&suspicion).unwrap();
                    suspicion = serde_json::from_str(&stored).unwrap();
                }
                _ => {}
            }
        }
        let mut dropped = false;
        for hour in 0..49 {
            let now = clocks.truth() + Duration::from_secs(hour * 3_600);
            dropped |= drops(&suspicion.weigh(not_found(), SuspicionPolicy::default(), now));
        }
        prop_assert!(dropped);
    }
}
