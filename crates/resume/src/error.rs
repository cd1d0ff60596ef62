//! What can go wrong, in one enum per family and one for all.

use reveille_crypto::{CryptoError, KeyError};
use thiserror::Error;

use crate::keys::{InvalidSecret, KeyRingError};
use crate::replay::{ReservationError, RestoreError};
use crate::{Binding, MAX_ID_LEN};

/// Every error of this crate, for functions that want one `?`. Why a token is refused is no error: that is a
/// [`Verdict`](crate::Verdict).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Error {
    /// A secret cannot be used.
    #[error(transparent)]
    Secret(#[from] InvalidSecret),
    /// The backend refuses a key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The key ring was not changed.
    #[error(transparent)]
    KeyRing(#[from] KeyRingError),
    /// No token was made.
    #[error(transparent)]
    Issue(#[from] IssueError),
    /// A reservation was neither committed nor aborted.
    #[error(transparent)]
    Reservation(#[from] ReservationError),
    /// A snapshot was not restored.
    #[error(transparent)]
    Restore(#[from] RestoreError),
}

/// Why no token was made; the error of [`Issuer::issue`](crate::Issuer::issue) and its sisters. Send the push without
/// a token then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum IssueError {
    /// The key ring has no active key.
    #[error("no key is active")]
    NoActiveKey,
    /// The active key can only verify.
    #[error("the active key has no private half, it can only verify")]
    VerifyOnlyKey,
    /// An id is empty: the token would be bound to nothing.
    #[error("the {} id must be 1 to {MAX_ID_LEN} bytes, got {length}", binding.name())]
    Id {
        /// Which of the four ids it is.
        binding: Binding,
        /// How many bytes were given.
        length: usize,
    },
    /// The life time does not fit into the format.
    #[error("life time must be {min_ms} to {max_ms} ms, got {given_ms}")]
    Lifetime {
        /// Shortest of this format, in ms.
        min_ms: u64,
        /// Longest of this format, in ms.
        max_ms: u64,
        /// Given, in ms.
        given_ms: u64,
    },
    /// The time does not fit into the format: 48 bits of milliseconds, until the year 10889.
    #[error("the time is beyond the year 10889")]
    Time,
    /// The token would be longer than its verifier takes.
    #[error("token of {length} bytes is longer than the limit of {limit}")]
    TooLong {
        /// Bytes it would have.
        length: usize,
        /// How many bytes are allowed.
        limit: usize,
    },
    /// The header or the claims of a JWT or JWE cannot be written. They are texts and numbers, so this is a fault of this
    /// library.
    #[error("the token cannot be written as JSON")]
    Json,
    /// The random source or the signer failed.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        insta::assert_snapshot!(IssueError::NoActiveKey, @"no key is active");
        insta::assert_snapshot!(IssueError::VerifyOnlyKey, @"the active key has no private half, it can only verify");
        insta::assert_snapshot!(IssueError::Id { binding: Binding::Device, length: 0 }, @"the device id must be 1 to 256 bytes, got 0");
        let lifetime = IssueError::Lifetime { min_ms: 1, max_ms: 4_294_967_295, given_ms: 0 };
        insta::assert_snapshot!(lifetime, @"life time must be 1 to 4294967295 ms, got 0");
        insta::assert_snapshot!(IssueError::Time, @"the time is beyond the year 10889");
        insta::assert_snapshot!(IssueError::TooLong { length: 3_000, limit: 2_048 }, @"token of 3000 bytes is longer than the limit of 2048");
        insta::assert_snapshot!(IssueError::Json, @"the token cannot be written as JSON");
        insta::assert_snapshot!(IssueError::Crypto(CryptoError), @"cryptographic operation failed");
        insta::assert_snapshot!(Error::from(IssueError::NoActiveKey), @"no key is active");
    }
}
