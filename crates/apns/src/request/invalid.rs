//! Why a request cannot be built.

use reveille_core::UnixTime;
use reveille_payload::TooLarge;
use thiserror::Error;

use crate::InvalidValue;

/// Why a request cannot be built: the payload does not fit, or a rule of Apple's about headers would be broken. Every
/// function that builds requests returns it; nothing was sent.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidRequest {
    /// The payload is over the limit; see [`Push::fit`](crate::Push::fit).
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    /// A part of the request is not what it must be.
    #[error(transparent)]
    Value(#[from] InvalidValue),
    /// A time that must be Unix seconds which were taken for milliseconds: APNs would think of 1970, and drop the push.
    #[error(
        "{what} of {millis} ms is in the years 1970 to 1973; is it in seconds? Unix milliseconds are due"
    )]
    Seconds {
        /// Which of its times it is.
        what: &'static str,
        /// The time that was given, in milliseconds.
        millis: u64,
    },
    /// A broadcast that is to be kept for longer than a channel keeps anything: eight hours.
    #[error("a channel keeps a broadcast for at most 8 hours, until {latest} ms; asked for {expiration} ms")]
    KeptTooLong {
        /// Until when it was to be kept.
        expiration: UnixTime,
        /// Until when it can be kept.
        latest: UnixTime,
    },
    /// A broadcast that is to be kept, to a channel that keeps nothing.
    #[error("a channel without storage takes a broadcast for one attempt only; asked for an expiration")]
    NotKept,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        insta::assert_snapshot!(InvalidRequest::Seconds { what: "apns-expiration", millis: 1_700_000_000 }, @"apns-expiration of 1700000000 ms is in the years 1970 to 1973; is it in seconds? Unix milliseconds are due");
        let (expiration, latest) = (UnixTime::from_secs(9), UnixTime::from_secs(8));
        insta::assert_snapshot!(InvalidRequest::KeptTooLong { expiration, latest }, @"a channel keeps a broadcast for at most 8 hours, until 8000 ms; asked for 9000 ms");
        insta::assert_snapshot!(InvalidRequest::NotKept, @"a channel without storage takes a broadcast for one attempt only; asked for an expiration");
    }
}
