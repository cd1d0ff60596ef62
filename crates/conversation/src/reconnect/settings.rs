//! Settings of a connection.

use std::time::Duration;

use thiserror::Error;

/// The error of the setters of [`ReconnectSettings`] when a time is out of its range. It names the setting and both
/// bounds, for a message to whoever wrote the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{name}: expected {low:?} to {high:?}, found {given:?}")]
#[allow(clippy::exhaustive_structs, reason = "it says all there is to say")]
pub struct InvalidReconnect {
    /// The name of the setting.
    pub name: &'static str,
    /// The least that is allowed.
    pub low: Duration,
    /// The most that is allowed.
    pub high: Duration,
    /// What was given.
    pub given: Duration,
}

macro_rules! settings {
    ($($(#[$doc:meta])* $name:ident $with:ident = $default:literal s, $low:literal to $high:literal;)*) => {
        /// The times by which a [`Reconnect`](super::Reconnect) waits, tries again and gives up. The defaults suit
        /// Genesys Cloud; change one with its setter when your platform has other times.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct ReconnectSettings { $($name: Duration,)* }

        impl Default for ReconnectSettings {
            fn default() -> Self {
                Self { $($name: Duration::from_secs($default),)* }
            }
        }

        impl ReconnectSettings {
            $($(#[$doc])* #[must_use] pub const fn $name(&self) -> Duration { self.$name })*
            $(
                #[doc = concat!(
                    "Gives these settings with another value of [`",
                    stringify!($name), "`](Self::", stringify!($name), ")."
                )]
                ///
                /// # Errors
                /// [`InvalidReconnect`] names the bounds.
                pub fn $with(mut self, span: Duration) -> Result<Self, InvalidReconnect> {
                    let (low, high) = (Duration::from_secs($low), Duration::from_secs($high));
                    if span < low || span > high {
                        return Err(InvalidReconnect { name: stringify!($name), low, high, given: span });
                    }
                    self.$name = span;
                    Ok(self)
                }
            )*
        }
    };
}

settings! {
    /// The least time between two attempts.
    first_wait with_first_wait = 1 s, 1 to 60;
    /// The longest time between two attempts.
    longest_wait with_longest_wait = 30 s, 1 to 3_600;
    /// A connection that does not open in this time failed.
    connect_within with_connect_within = 10 s, 1 to 300;
    /// A subscription that is not confirmed in this time failed.
    subscribe_within with_subscribe_within = 10 s, 1 to 300;
    /// When nothing was heard for this time, a ping is sent. The platform's heartbeat comes every 30 s.
    ping_after with_ping_after = 45 s, 1 to 3_600;
    /// When nothing was heard for this time, the connection is dead.
    silent_after with_silent_after = 75 s, 2 to 7_200;
    /// A connection that lived for this time resets the waits.
    stable_after with_stable_after = 60 s, 0 to 3_600;
    /// The life of a channel: 24 h on the platform.
    channel_lives with_channel_lives = 86_400 s, 60 to 31_536_000;
    /// So long before its end it is replaced.
    renew_before with_renew_before = 3_600 s, 10 to 86_400;
}
