//! `apns-priority`, as far as each kind of push may choose it.

use serde::{Deserialize, Serialize};

use crate::InvalidValue;

mod sealed {
    pub trait Sealed {}
}

/// A set of priorities that some kind of push may choose from. It is sealed: its types are [`Priority`],
/// [`WakingPriority`] and [`BackgroundPriority`].
pub trait PriorityChoice: Copy + Into<Priority> + sealed::Sealed {}

macro_rules! priorities {
    ($(#[$doc:meta])* $type:ident, $expected:literal, { $($(#[$variant_doc:meta])* $variant:ident = $number:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(try_from = "u8", into = "u8")]
        #[allow(clippy::exhaustive_enums, reason = "the service has these forms and no others")]
        pub enum $type {
            $($(#[$variant_doc])* $variant,)+
        }

        impl From<$type> for u8 {
            fn from(priority: $type) -> Self {
                match priority {
                    $($type::$variant => $number,)+
                }
            }
        }

        impl TryFrom<u8> for $type {
            type Error = InvalidValue;

            /// # Errors
            /// [`InvalidValue::Form`], which names the numbers that are allowed.
            fn try_from(number: u8) -> Result<Self, InvalidValue> {
                match number {
                    $($number => Ok(Self::$variant),)+
                    _ => Err(InvalidValue::Form { what: "apns-priority", expected: $expected }),
                }
            }
        }

        impl sealed::Sealed for $type {}
        impl PriorityChoice for $type {}
    };
}

priorities! {
    /// How soon a device gets a push (`apns-priority`): 10, 5 or 1. Types that may not use all three have a type of
    /// their own, such as [`WakingPriority`].
    ///
    /// ```
    /// use reveille_apns::{Alert, Priority, Push as _};
    ///
    /// let quiet = Alert::new("Weekly report", "It is there").with_priority(Priority::Considerate);
    /// assert_eq!(quiet.delivery_headers().priority.map(Priority::as_str), Some("5"));
    /// ```
    Priority, "10, 5 or 1", {
        /// 10: deliver at once. What Apple assumes when nothing is said.
        Immediate = 10,
        /// 5: deliver with regard to the device's power.
        Considerate = 5,
        /// 1: power comes first; never wake the device.
        Asleep = 1,
    }
}

priorities! {
    /// The priority of a Live Activity or a location query: 10 or 5. Choose 5 where a minute's delay does no harm,
    /// for 10 counts toward Apple's budget.
    WakingPriority, "10 or 5 for this push type", {
        /// 10: deliver at once; for a Live Activity it counts toward an hourly budget.
        Immediate = 10,
        /// 5: deliver with regard to the device's power.
        Considerate = 5,
    }
}

priorities! {
    /// The priority of a [`Background`](crate::Background) push. There is no choice but 5: with 10 APNs refuses the
    /// push, so 10 is an error.
    BackgroundPriority, "5 for a background push", {
        /// 5: deliver with regard to the device's power.
        Considerate = 5,
    }
}

impl From<WakingPriority> for Priority {
    fn from(priority: WakingPriority) -> Self {
        match priority {
            WakingPriority::Immediate => Self::Immediate,
            WakingPriority::Considerate => Self::Considerate,
        }
    }
}

impl From<BackgroundPriority> for Priority {
    fn from(BackgroundPriority::Considerate: BackgroundPriority) -> Self {
        Self::Considerate
    }
}

impl Priority {
    /// Returns the value of the header `apns-priority`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Immediate => "10",
            Self::Considerate => "5",
            Self::Asleep => "1",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        insta::assert_snapshot!(Priority::try_from(7).unwrap_err(), @"apns-priority must be 10, 5 or 1");
        insta::assert_snapshot!(WakingPriority::try_from(1).unwrap_err(), @"apns-priority must be 10 or 5 for this push type");
        insta::assert_snapshot!(BackgroundPriority::try_from(10).unwrap_err(), @"apns-priority must be 5 for a background push");
    }

    #[test]
    fn numbers_are_the_header() {
        for number in 0..=u8::MAX {
            if let Ok(priority) = Priority::try_from(number) {
                assert_eq!(priority.as_str(), number.to_string());
                assert_eq!(u8::from(priority), number);
            }
            if let Ok(waking) = WakingPriority::try_from(number) {
                assert_eq!(u8::from(Priority::from(waking)), number);
            }
        }
    }
}
