//! Whom and what a token belongs to.

use std::fmt;

/// The longest id a token can be bound to, in bytes.
pub const MAX_ID_LEN: usize = 256;

/// The four ids a token is bound to. Ids are compared byte for byte: normalise them first if you must.
///
/// ```
/// use reveille_resume::{Binding, Bindings};
///
/// let user = Bindings { contact: "c-1", conversation: "k-1", device: "d-1", channel: "web" };
/// assert_eq!(user.each()[2], (Binding::Device, "d-1"));
/// assert_eq!(format!("{user:?}"), "Bindings { .. }"); // ids are personal data
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "users make it from its parts")]
pub struct Bindings<'a> {
    /// Who is to come back.
    pub contact: &'a str,
    /// To which conversation.
    pub conversation: &'a str,
    /// On which device.
    pub device: &'a str,
    /// Over which channel: `web`, `apns`, `fcm`, or a name of yours.
    pub channel: &'a str,
}

impl<'a> Bindings<'a> {
    /// The ids with their names, in the order of the compact format.
    #[must_use]
    pub const fn each(&self) -> [(Binding, &'a str); 4] {
        [
            (Binding::Contact, self.contact),
            (Binding::Conversation, self.conversation),
            (Binding::Device, self.device),
            (Binding::Channel, self.channel),
        ]
    }
}

/// Ids are personal data: none is printed.
impl fmt::Debug for Bindings<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bindings").finish_non_exhaustive()
    }
}

/// One of the four bindings of a token: contact, conversation, device, channel. [`Reason`](crate::Reason) and
/// [`Mismatch`] name them, and [`Revocations`](crate::Revocations) revoke by them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(clippy::exhaustive_enums, reason = "users match all of it: there is nothing else")]
pub enum Binding {
    /// [`Bindings::contact`].
    Contact,
    /// [`Bindings::conversation`].
    Conversation,
    /// [`Bindings::device`].
    Device,
    /// [`Bindings::channel`].
    Channel,
}

impl Binding {
    /// All four, in the order of the compact format.
    pub const ALL: [Self; 4] = [Self::Contact, Self::Conversation, Self::Device, Self::Channel];

    /// `contact`, `conversation`, `device` or `channel`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Contact => "contact",
            Self::Conversation => "conversation",
            Self::Device => "device",
            Self::Channel => "channel",
        }
    }

    /// The byte that stands for it in the keyed hash, 1 to 4.
    pub(crate) const fn label(self) -> u8 {
        match self {
            Self::Contact => 1,
            Self::Conversation => 2,
            Self::Device => 3,
            Self::Channel => 4,
        }
    }

    const fn bit(self) -> u8 {
        1 << (self.label() - 1)
    }
}

/// Which bindings differ from the expected ones; all four are always compared. [`Reason`](crate::Reason) carries it,
/// for logs and for the fraud desk.
///
/// ```
/// use reveille_resume::{Binding, Mismatch};
///
/// let mismatch = Mismatch::NONE.with(Binding::Device, true);
/// assert!(mismatch.contains(Binding::Device) && !mismatch.contains(Binding::Contact));
/// assert_eq!(mismatch.first(), Some(Binding::Device));
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Mismatch(u8);

impl Mismatch {
    /// Nothing differs.
    pub const NONE: Self = Self(0);

    /// Returns whether `binding` differs from what was expected.
    #[must_use]
    pub const fn contains(self, binding: Binding) -> bool {
        self.0 & binding.bit() != 0
    }

    /// Whether all bindings are as expected.
    #[must_use]
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }

    /// The first that differs, in the order of [`Binding::ALL`].
    #[must_use]
    pub fn first(self) -> Option<Binding> {
        Binding::ALL.into_iter().find(|binding| self.contains(*binding))
    }

    /// This one, and `binding` too if it `differs`.
    #[must_use]
    pub const fn with(self, binding: Binding, differs: bool) -> Self {
        Self(self.0 | if differs { binding.bit() } else { 0 })
    }
}

impl fmt::Debug for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(Binding::ALL.iter().filter(|binding| self.contains(**binding))).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mismatch_names_all_that_differ() {
        let mismatch = Mismatch::NONE.with(Binding::Channel, true).with(Binding::Contact, false);
        let mismatch = mismatch.with(Binding::Device, true);
        assert_eq!(mismatch.first(), Some(Binding::Device));
        insta::assert_snapshot!(format!("{mismatch:?}"), @"{Device, Channel}");
        assert!(Mismatch::NONE.is_none() && Mismatch::NONE.first().is_none());
    }

    #[test]
    fn ids_are_not_printed() {
        let bindings =
            Bindings { contact: "SECRET", conversation: "SECRET", device: "SECRET", channel: "web" };
        insta::assert_snapshot!(format!("{bindings:?}"), @"Bindings { .. }");
    }
}
