//! Urgency.

use std::fmt;
use std::str::FromStr;

use http::HeaderValue;
use thiserror::Error;

/// How much the message is worth the user's battery (RFC 8030 §5.3), for
/// [`Message::with_urgency`](crate::Message::with_urgency): a phone that saves power is given urgent messages only.
///
/// ```
/// use reveille_webpush::Urgency;
///
/// assert_eq!("high".parse::<Urgency>()?, Urgency::High);
/// assert!(Urgency::High > Urgency::Normal);
/// # Ok::<(), reveille_webpush::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Urgency {
    /// On power and Wi-Fi: advertisements.
    VeryLow,
    /// On either power or Wi-Fi: topic updates.
    Low,
    /// On neither: chat or calendar messages.
    Normal,
    /// Low battery: incoming calls, time-critical alerts.
    High,
}

/// Text that is not one of the four urgencies of RFC 8030 §5.3; the error of [`Urgency`]'s `FromStr`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("urgency must be very-low, low, normal or high")]
#[allow(clippy::exhaustive_structs, reason = "it says all there is to say")]
pub struct InvalidUrgency;

impl Urgency {
    /// Returns the value of the header `Urgency`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::VeryLow => "very-low",
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
        }
    }

    pub(crate) const fn value(self) -> HeaderValue {
        HeaderValue::from_static(self.as_str())
    }
}

impl fmt::Display for Urgency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

text_serde!(Urgency);

impl FromStr for Urgency {
    type Err = InvalidUrgency;
    fn from_str(text: &str) -> Result<Self, InvalidUrgency> {
        [Self::VeryLow, Self::Low, Self::Normal, Self::High]
            .into_iter()
            .find(|urgency| urgency.as_str() == text)
            .ok_or(InvalidUrgency)
    }
}
