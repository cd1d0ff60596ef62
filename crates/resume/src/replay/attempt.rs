//! Who holds a token at the moment.

use reveille_core::UnixTime;
use thiserror::Error;

use crate::TokenId;
use reveille_core::siphash::SipHash24;

/// One attempt of one client to resume. The client draws a random number or text per attempt and sends it again when
/// it repeats the request: that tells a repetition over a bad network from a second use.
///
/// ```
/// use reveille_resume::Attempt;
///
/// // The same `Idempotency-Key` is the same attempt: the request was repeated, the token was not used twice.
/// assert_eq!(Attempt::from_text("8f14e45f"), Attempt::from_text("8f14e45f"));
/// assert_ne!(Attempt::from_text("8f14e45f"), Attempt::from_text("c9f0f895"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Attempt(u64);

impl Attempt {
    /// Makes an attempt of a random number that the client drew.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// From a text, an `Idempotency-Key` header for instance.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        Self(SipHash24::new(&[0; 16]).finish(text.as_bytes(), 0))
    }

    /// Returns the attempt's number.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// The 32 bits that the replay set keeps.
    pub(super) const fn tag(self) -> [u8; 4] {
        let [a, b, c, d, ..] = self.0.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes();
        [a, b, c, d]
    }
}

/// A token held for one attempt until its lease is over. Commit it before you let the user in, or abort it if you
/// cannot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "users make it from its parts")]
pub struct Reservation {
    /// The token that is held.
    pub token_id: TokenId,
    /// The attempt that holds it.
    pub attempt: Attempt,
    /// Until when: then it is as if aborted.
    pub until: UnixTime,
    /// How long the use must be remembered.
    pub keep_until: UnixTime,
    /// Whether the same attempt had it already, and perhaps has committed it: what must happen once has happened.
    pub repeated: bool,
}

/// Why a reservation was neither committed nor aborted; the error of [`ReplaySet::commit`](crate::ReplaySet::commit)
/// and [`abort`](crate::ReplaySet::abort). The user must not be let in on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ReservationError {
    /// The lease is over, or somebody else holds the token, or never heard of it.
    #[error("the reservation has lapsed")]
    Lapsed,
    /// It was committed: too late to abort.
    #[error("the reservation is committed")]
    Committed,
    /// The shared store did not say whether it did its work. Run the command again.
    #[error("the store did not answer, ask it again")]
    Unknown,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        insta::assert_snapshot!(ReservationError::Lapsed, @"the reservation has lapsed");
        insta::assert_snapshot!(ReservationError::Committed, @"the reservation is committed");
        insta::assert_snapshot!(ReservationError::Unknown, @"the store did not answer, ask it again");
    }

    #[test]
    fn small_numbers_have_different_tags() {
        let tags: std::collections::BTreeSet<_> = (0..10_000).map(|n| Attempt::new(n).tag()).collect();
        assert_eq!(tags.len(), 10_000);
    }
}
