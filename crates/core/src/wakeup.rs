//! When a state machine wants to be called again.

use crate::UnixTime;

/// The next deadline of a state machine, and what it is for: `next_wakeup` returns it, and a driver sleeps until
/// then.
///
/// Call `handle_timeout(now)` at `at` or later. An early or repeated call is a no-op, so a driver may round.
///
/// ```
/// use reveille_core::{UnixTime, Wakeup};
///
/// let wakeup = Wakeup { at: UnixTime::from_secs(60), reason: "renew the token" };
/// // Sleep until then, and call `handle_timeout` with the time that it is.
/// assert_eq!(wakeup.at.since(UnixTime::from_secs(20)).as_secs(), 40);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "plain data that users make and take apart")]
pub struct Wakeup {
    /// The time at which `handle_timeout` is to be called.
    pub at: UnixTime,
    /// Why, for logs and for people who debug a driver.
    pub reason: &'static str,
}
