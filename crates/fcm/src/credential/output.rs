//! What a source of tokens asks of its driver, and answers it.

use std::fmt;

use bytes::Bytes;
use http::Request;
use reveille_core::UnixTime;
use reveille_crypto::jws::{SigningId, SigningRequest};
use thiserror::Error;

use super::TokenFailure;

/// Names one fetch of one source: give it back with the answer, so that an answer to an older fetch is ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FetchId(pub(super) u64);

/// What a driver of a [`TokenSource`](super::TokenSource) has to do (fetch, sign) or may want to know. `Debug` prints
/// no body: an assertion is as good as a password.
#[non_exhaustive]
pub enum TokenOutput {
    /// Sign this with the account's key, then call [`handle_signature`](super::TokenSource::handle_signature) or
    /// [`handle_failure`](super::TokenSource::handle_failure). Only where the key is not in this process.
    Sign(SigningRequest),
    /// Send this request, then call [`handle_response`](super::TokenSource::handle_response) or
    /// [`handle_failure`](super::TokenSource::handle_failure). The body is as good as a password for an hour.
    Fetch {
        /// To be given back.
        fetch: FetchId,
        /// The request to send.
        request: Request<Bytes>,
    },
    /// There is a new token.
    Ready {
        /// When the token ends.
        expires_at: UnixTime,
    },
    /// A fetch failed; another follows by itself, except for a given token. Tell the operator if the failure's kind
    /// says so.
    Failed(TokenFailure),
}

impl fmt::Debug for TokenOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sign(request) => {
                write!(f, "Sign({:?}, {} bytes)", request.id(), request.signing_input().len())
            }
            Self::Fetch { fetch, request } => {
                write!(f, "Fetch({fetch:?}, {} {:?})", request.method(), request.uri().host())
            }
            Self::Ready { expires_at } => write!(f, "Ready(until {expires_at})"),
            Self::Failed(failure) => f.debug_tuple("Failed").field(failure).finish(),
        }
    }
}

/// What failed: a fetch or a signing; both make one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkId(pub(super) Work);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    Fetch(FetchId),
    Sign(SigningId),
}

impl From<FetchId> for WorkId {
    fn from(fetch: FetchId) -> Self {
        Self(Work::Fetch(fetch))
    }
}

impl From<&SigningRequest> for WorkId {
    fn from(request: &SigningRequest) -> Self {
        Self(Work::Sign(request.id()))
    }
}

/// Why there is no token at this moment; the error of [`TokenSource::token`](super::TokenSource::token).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TokenError {
    /// One is on its way: drain [`poll_output`](super::TokenSource::poll_output), then ask again.
    #[error("the access token is on its way")]
    Pending,
    /// The last fetch failed, and the next one waits until
    /// [`next_wakeup`](super::TokenSource::next_wakeup).
    #[error(transparent)]
    Failed(#[from] TokenFailure),
}

/// Why a signature from outside is not used; the error of
/// [`TokenSource::handle_signature`](super::TokenSource::handle_signature).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SignatureRefused {
    /// Nobody waits for it: it came late, came twice, or belongs to another source. Nothing has changed.
    #[error("no such signature is awaited: it came late, came twice, or is for another source of tokens")]
    NotAwaited,
    /// It is not one over these bytes by the account's key. The fetch has failed; the next one follows.
    #[error("the signature is not the account's (RS256)")]
    Invalid,
}

/// What [`TokenSource::handle_refusal`](super::TokenSource::handle_refusal) did about a refused token, so that the
/// sender knows whether to send again at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// This token is not handed out any more; a new one is fetched.
    Renewing,
    /// There is a newer token already, or this one is not of this source: send again with the present one.
    Replaced,
    /// The token before it was refused as well, so the tokens are not at fault: the project, a right or a clock is.
    /// There is none until then, and the wait grows.
    TooYoung {
        /// When the next one is fetched.
        until: UnixTime,
    },
    /// It was given from outside, and there is no way to another.
    Spent,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        insta::assert_snapshot!(TokenError::Pending, @"the access token is on its way");
        insta::assert_snapshot!(SignatureRefused::NotAwaited, @"no such signature is awaited: it came late, came twice, or is for another source of tokens");
        insta::assert_snapshot!(SignatureRefused::Invalid, @"the signature is not the account's (RS256)");
    }
}
