//! `interruption-level`.

use serde::{Deserialize, Serialize};

/// How much a notification may interrupt what its user does, for
/// [`Alert::with_interruption_level`](crate::Alert::with_interruption_level).
///
/// ```
/// use reveille_apns::message::InterruptionLevel;
/// use reveille_apns::{Alert, Push as _};
///
/// let call = Alert::new("Inbound call", "Anna").with_interruption_level(InterruptionLevel::TimeSensitive)?;
/// let json = String::from_utf8(call.payload())?;
/// assert!(json.contains(r#""interruption-level":"time-sensitive""#));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(clippy::exhaustive_enums, reason = "the service has these forms and no others")]
pub enum InterruptionLevel {
    /// Into the list only: no light, no sound.
    Passive,
    /// At once: light and sound. What the system assumes.
    Active,
    /// At once, and through Focus and the summary.
    TimeSensitive,
    /// At once, and through the mute switch; needs an entitlement from Apple.
    Critical,
}

impl InterruptionLevel {
    /// Returns the value of the key `interruption-level`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passive => "passive",
            Self::Active => "active",
            Self::TimeSensitive => "time-sensitive",
            Self::Critical => "critical",
        }
    }
}
