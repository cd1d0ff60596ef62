//! When a window closes: a pure function of the window and its policy.

use std::time::Duration;

use reveille_core::UnixTime;

use crate::time::{NEVER, span};

/// When the window of a key closes, and its events go out as one notification. Set it in
/// [`Policy::window`](crate::Policy::window): use a fixed window for a delay that is always the same, a sliding one to
/// wait for a pause in the conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_enums,
    reason = "users match all of it; another variant is another behaviour version"
)]
pub enum Window {
    /// Closes this long after it opened, whatever comes.
    ///
    /// ```text
    /// events  x   x x        x
    ///         |---- wait ---->|
    ///         opens           closes: one notification of 4
    /// ```
    Fixed {
        /// From the first event.
        wait: Duration,
    },
    /// Closes when nothing has come for `quiet`, and at the latest `max_wait` after it opened.
    ///
    /// ```text
    /// events  x   x x      x                    x x x x x x x x x x x
    ///                      |-- quiet -->|       |----- max_wait ----->|
    ///         opens                     closes  opens                 closes although events go on
    /// ```
    Sliding {
        /// From the last event.
        quiet: Duration,
        /// From the first event. There is no sliding window without it: a steady stream would never notify.
        max_wait: Duration,
    },
}

impl Window {
    /// When a window that opened at `opened` and last took an event at `last` closes. Saturates;
    /// [`UnixTime::MAX`] is never.
    ///
    /// ```
    /// use reveille_core::UnixTime;
    /// use reveille_digest::options::Window;
    /// use std::time::Duration;
    ///
    /// let window = Window::Sliding { quiet: Duration::from_secs(10), max_wait: Duration::from_secs(60) };
    /// let at = UnixTime::from_secs;
    /// assert_eq!(window.deadline(at(100), at(105)), at(115));
    /// assert_eq!(window.deadline(at(100), at(155)), at(160), "never later than opened + max_wait");
    /// ```
    #[must_use]
    pub fn deadline(self, opened: UnixTime, last: UnixTime) -> UnixTime {
        match self {
            Self::Fixed { wait } => opened + wait,
            Self::Sliding { quiet, max_wait } => (last + quiet).min(opened + max_wait),
        }
    }

    /// How long it is open at the most.
    pub(crate) fn max_wait(self) -> u64 {
        match self {
            Self::Fixed { wait } | Self::Sliding { max_wait: wait, .. } => span(wait),
        }
    }

    /// How long it waits for quiet; without end if it does not slide.
    pub(crate) fn sliding(self) -> u64 {
        match self {
            Self::Fixed { .. } => NEVER,
            Self::Sliding { quiet, .. } => span(quiet),
        }
    }

    /// How long an event waits if nothing else comes.
    pub(crate) fn wait(self) -> Duration {
        match self {
            Self::Fixed { wait } => wait,
            Self::Sliding { quiet, max_wait } => quiet.min(max_wait),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_window_outlives_its_cap(opened: u64, last: u64, quiet: u64, cap: u64) {
            let (quiet, max_wait) = (Duration::from_millis(quiet), Duration::from_millis(cap));
            let (opened, last) = (UnixTime::from_millis(opened), UnixTime::from_millis(last));
            let deadline = Window::Sliding { quiet, max_wait }.deadline(opened, last);
            prop_assert!(deadline <= opened + max_wait);
            prop_assert!(deadline <= last + quiet);
            prop_assert!(deadline == opened + max_wait || deadline == last + quiet);
        }

        #[test]
        fn a_fixed_window_ignores_later_events(opened: u64, a: u64, b: u64, wait: u64) {
            let window = Window::Fixed { wait: Duration::from_millis(wait) };
            let at = UnixTime::from_millis;
            let (a, b) = (at(opened.saturating_add(a)), at(opened.saturating_add(b)));
            prop_assert_eq!(window.deadline(at(opened), a), window.deadline(at(opened), b));
        }
    }
}
