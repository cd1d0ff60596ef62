//! How jobs end.

macro_rules! fates {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $word:literal;)*) => {
        /// How a job, or its leg on one device, ended: in exactly one of these. A job ends as the highest of its legs.
        /// Ask [`failed`](Self::failed) whether a fallback (SMS, e-mail) is due.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        #[repr(u8)]
        pub enum Fate {
            $($(#[$doc])* $name = $code,)*
        }

        impl Fate {
            /// All of them, the weakest first.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The fate's name in snake case, as logs print it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            pub(crate) const fn code(self) -> u8 {
                self as u8
            }

            pub(crate) const fn from_code(code: u8) -> Option<Self> {
                match code { $($code => Some(Self::$name),)* _ => None }
            }
        }
    };
}

fates! {
    /// The recipient has no device.
    NoDevice = 0, "no_device";
    /// A cancel for a device that was never told.
    NotNeeded = 1, "not_needed";
    /// The target is gone: its device is to be dropped; or somebody has logged out there.
    Gone = 2, "gone";
    /// The service does not know the target: its device is to be suspected.
    Suspect = 3, "suspect";
    /// It was of no use any more.
    Expired = 4, "expired";
    /// The request is wrong. In the dead letters.
    BadRequest = 5, "bad_request";
    /// The service refused and nothing helps. In the dead letters.
    GaveUp = 6, "gave_up";
    /// All attempts failed. In the dead letters.
    Exhausted = 7, "exhausted";
    /// There was no room for it. In the dead letters.
    Overflow = 8, "overflow";
    /// A newer generation took its place.
    Superseded = 9, "superseded";
    /// It was cancelled.
    Cancelled = 10, "cancelled";
    /// It may have been sent, and must not be sent twice.
    Unknown = 11, "unknown";
    /// The service took it.
    Accepted = 12, "accepted";
}

impl Fate {
    /// Whether the recipient certainly was not told, although somebody wanted to: `push failed`, which sets off the
    /// fallback (SMS, e-mail).
    #[must_use]
    pub const fn failed(self) -> bool {
        !matches!(self, Self::Accepted | Self::Unknown | Self::Cancelled | Self::Superseded | Self::NotNeeded)
    }

    /// Whether it goes to the dead letters.
    #[must_use]
    pub const fn is_dead(self) -> bool {
        matches!(self, Self::BadRequest | Self::GaveUp | Self::Exhausted | Self::Overflow)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_dense_and_ordered() {
        for (code, fate) in Fate::ALL.iter().enumerate() {
            assert_eq!(usize::from(fate.code()), code);
            assert_eq!(Fate::from_code(fate.code()), Some(*fate));
        }
        assert_eq!(Fate::from_code(Fate::ALL.len() as u8), None);
        assert!(Fate::ALL.is_sorted());
    }
}
