//! From "not found" to "gone": a target is given up only when it stays unknown.

use std::time::Duration;

use reveille_core::settings::{number, span};
use reveille_core::{Action, Outcome, UnixTime, millis};
use serde::{Deserialize, Serialize};

use crate::InvalidSettings;
use crate::policy::SECOND;

/// How long a target may be unknown to its service before it counts as gone; given to [`Suspicion::weigh`].
///
/// In June 2024 a push service answered 404 for millions of live subscriptions: a burst of "not found" proves
/// nothing.
///
/// | setting | default | |
/// |---|---|---|
/// | answers | 3 | so many suspicious ones it takes |
/// | over | 24 h | so long they must be spread. Of the time between one answer and the next, half of this counts at most, and nothing if it is more than 400 days: the clock may have been set in between |
///
/// ```
/// use reveille_registry::suspicion::SuspicionPolicy;
/// use std::time::Duration;
///
/// let default = SuspicionPolicy::default();
/// assert_eq!(default.with_answers(3)?.with_over(Duration::from_secs(24 * 3_600))?, default);
/// # Ok::<(), reveille_registry::InvalidSettings>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SuspicionPolicy {
    answers: u32,
    over: Duration,
}

impl Default for SuspicionPolicy {
    fn default() -> Self {
        Self { answers: 3, over: Duration::from_secs(24 * 60 * 60) }
    }
}

impl SuspicionPolicy {
    /// Sets how many suspicious answers it takes.
    ///
    /// # Errors
    /// [`InvalidSettings`] if it is 0.
    pub fn with_answers(mut self, answers: u32) -> Result<Self, InvalidSettings> {
        number("suspicious answers", answers.into(), 1..=u32::MAX.into())?;
        self.answers = answers;
        Ok(self)
    }

    /// Sets over how long they must be spread.
    ///
    /// # Errors
    /// [`InvalidSettings`] unless it is from 1 second to 400 days: in less, a burst would be enough.
    pub fn with_over(mut self, over: Duration) -> Result<Self, InvalidSettings> {
        span("time over which answers are spread", over, SECOND..=millis(IMPLAUSIBLE_GAP))?;
        self.over = over;
        Ok(self)
    }
}

/// The record of one suspected target. A [`Token`](crate::Token) has one; keep one yourself where you have a registry of your
/// own.
///
/// ```
/// use reveille_core::{Action, Outcome, Rejection, UnixTime};
/// use reveille_registry::suspicion::{Suspicion, SuspicionPolicy};
/// use std::time::Duration;
///
/// let policy = SuspicionPolicy::default();
/// let not_found = || Outcome::from(Rejection::new(404, Action::SuspectTarget));
/// let (mut suspicion, start) = (Suspicion::default(), UnixTime::from_secs(1_000));
/// for hours in [0, 1, 12] {
///     let now = start + Duration::from_secs(hours * 3600);
///     assert_eq!(suspicion.weigh(not_found(), policy, now).action(), Some(&Action::SuspectTarget));
/// }
/// let next_day = start + Duration::from_secs(24 * 3600);
/// let outcome = suspicion.weigh(not_found(), policy, next_day);
/// assert_eq!(outcome.action(), Some(&Action::DropTarget { if_registered_before: None }));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suspicion {
    first: Option<UnixTime>,
    #[serde(default)]
    last: Option<UnixTime>,
    /// Milliseconds between the first and the last answer, as far as they count; below zero after a step back.
    #[serde(default)]
    spread_ms: i64,
    answers: u32,
}

/// Nobody leaves a target alone for so long and comes back to it: a clock that began at 1970 does.
const IMPLAUSIBLE_GAP: Duration = Duration::from_secs(400 * 24 * 60 * 60);

impl Suspicion {
    /// Since when the target has been suspected.
    #[must_use]
    pub const fn since(&self) -> Option<UnixTime> {
        self.first
    }

    /// Takes an outcome into account and returns it, with `SuspectTarget` turned into `DropTarget` when the policy
    /// says so. An accepted message clears the record; any other refusal leaves it as it is.
    ///
    /// No jump of the clock makes a day of seconds: one gap counts for half of the policy's time at most, and a clock that
    /// steps back takes as much away again.
    pub fn weigh(&mut self, mut outcome: Outcome, policy: SuspicionPolicy, now: UnixTime) -> Outcome {
        match &mut outcome {
            Outcome::Accepted(_) => *self = Self::default(),
            Outcome::Rejected(rejection) if rejection.action == Action::SuspectTarget => {
                let last = self.last.unwrap_or(now);
                let over = i64::try_from(millis(policy.over)).unwrap_or(i64::MAX);
                let half = over / 2 + over % 2;
                let counted = |gap: Duration| match i64::try_from(millis(gap)) {
                    Ok(gap_ms) if gap <= IMPLAUSIBLE_GAP => gap_ms.min(half),
                    _ => 0,
                };
                // A clock that goes away and comes back gives and takes the same, whichever way comes first.
                let (ahead, back) = (counted(now.since(last)), counted(last.since(now)));
                self.spread_ms = self.spread_ms.saturating_add(ahead).saturating_sub(back).max(-half);
                self.first = Some(self.first.map_or(now, |first| first.min(now)));
                self.last = Some(now);
                self.answers = self.answers.saturating_add(1);
                if self.answers >= policy.answers && self.spread_ms >= over {
                    rejection.action = Action::DropTarget { if_registered_before: None };
                }
            }
            Outcome::Rejected(_) => {}
        }
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reveille_core::{Receipt, Rejection};

    fn suspect() -> Outcome {
        Rejection::new(404, Action::SuspectTarget).into()
    }

    fn weigh_all(suspicion: &mut Suspicion, hours: &[u64]) -> Vec<&'static str> {
        hours
            .iter()
            .map(|h| {
                let now = UnixTime::from_secs(1_000_000 + h * 3600);
                suspicion.weigh(suspect(), SuspicionPolicy::default(), now).action().unwrap().name()
            })
            .collect()
    }

    #[test]
    fn a_policy_of_its_own() {
        let policy =
            SuspicionPolicy::default().with_answers(2).unwrap().with_over(Duration::from_secs(60)).unwrap();
        let mut suspicion = Suspicion::default();
        let mut weigh =
            |secs| suspicion.weigh(suspect(), policy, UnixTime::from_secs(secs)).action().unwrap().name();
        // Half a minute counts of each gap.
        assert_eq!([weigh(100), weigh(160), weigh(190)], ["suspect_target", "suspect_target", "drop_target"]);
        insta::assert_snapshot!(policy.with_answers(0).unwrap_err(), @"suspicious answers must be from 1 to 4294967295, got 0");
    }

    #[test]
    fn a_burst_drops_nothing() {
        let mut suspicion = Suspicion::default();
        assert!(weigh_all(&mut suspicion, &[0; 1_000]).iter().all(|name| *name == "suspect_target"));
    }

    #[test]
    fn two_answers_far_apart_are_too_few() {
        let mut suspicion = Suspicion::default();
        assert_eq!(weigh_all(&mut suspicion, &[0, 1_000]), ["suspect_target", "suspect_target"]);
        assert_eq!(weigh_all(&mut suspicion, &[1_011, 1_012]), ["suspect_target", "drop_target"]);
    }

    #[test]
    fn a_target_that_hears_once_a_month_is_dropped_at_the_third_answer() {
        let mut suspicion = Suspicion::default();
        let months = weigh_all(&mut suspicion, &[0, 720, 1_440]);
        assert_eq!(months, ["suspect_target", "suspect_target", "drop_target"]);
    }

    #[test]
    fn a_record_of_an_earlier_version_counts_from_its_next_answer() {
        let mut suspicion: Suspicion = serde_json::from_str(r#"{"first":1000000000,"answers":2}"#).unwrap();
        assert_eq!(suspicion.since(), Some(UnixTime::from_secs(1_000_000)));
        assert_eq!(
            weigh_all(&mut suspicion, &[24, 36, 48]),
            ["suspect_target", "suspect_target", "drop_target"]
        );
    }

    #[test]
    fn an_accepted_message_clears_the_record() {
        let mut suspicion = Suspicion::default();
        weigh_all(&mut suspicion, &[0, 1, 2]);
        suspicion.weigh(Receipt::new(201).into(), SuspicionPolicy::default(), UnixTime::from_secs(1));
        assert_eq!(suspicion, Suspicion::default());
        assert_eq!(weigh_all(&mut suspicion, &[48]), ["suspect_target"]);
    }

    #[test]
    fn other_refusals_leave_it_alone() {
        let mut suspicion = Suspicion::default();
        weigh_all(&mut suspicion, &[0]);
        let before = suspicion;
        suspicion.weigh(
            Rejection::new(500, Action::GiveUp).into(),
            SuspicionPolicy::default(),
            UnixTime::MAX,
        );
        assert_eq!(suspicion, before);
    }

    #[test]
    fn a_clock_that_goes_ahead_and_comes_back_counts_for_nothing() {
        let mut suspicion = Suspicion::default();
        for glitch in 0..1_000 {
            let hours = [200, 212, 200, 188, 200, 500, 200, 24 * 399, 200, 24 * 500, 200, 0, 200, 201, 200];
            assert_eq!(weigh_all(&mut suspicion, &hours), ["suspect_target"; 15], "glitch {glitch}");
        }
    }

    #[test]
    fn a_clock_that_steps_back_counts_for_nothing() {
        let mut suspicion = Suspicion::default();
        assert_eq!(weigh_all(&mut suspicion, &[100, 0, 1]), ["suspect_target"; 3]);
        assert_eq!(suspicion.since(), Some(UnixTime::from_secs(1_000_000)));
        assert_eq!(
            weigh_all(&mut suspicion, &[13, 25, 35, 36]),
            ["suspect_target", "suspect_target", "suspect_target", "drop_target"]
        );
    }
}
