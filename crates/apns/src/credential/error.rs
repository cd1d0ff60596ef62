//! Why there is no token, and why a signature was refused.

use reveille_crypto::{CryptoError, ES256_SIGNATURE_LEN};
use thiserror::Error;

/// Why [`TokenSource::token`](super::TokenSource::token) has no token to give. Each variant says what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The key is elsewhere: take what is to be signed from `poll_output`, hand in the signature, and ask again.
    #[error("the provider token waits for a signature from outside; drain poll_output, then ask again")]
    Pending,
    /// The key is here and did not sign. It is tried again with the next call.
    #[error("the provider key cannot sign: {0}")]
    Signing(CryptoError),
    /// The clock has jumped back so often that another token for another time would be one too many: Apple refuses keys
    /// whose tokens change all the time. Ask again when the clock is right; tokens that are good then are still there.
    #[error("the clock jumps; no provider token is signed for the time that it shows now")]
    Clock,
}

/// Why a signature from outside is not used; the error of
/// [`TokenSource::handle_signature`](super::TokenSource::handle_signature). The token in use stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SignatureRefused {
    /// The request was answered before, was given up as lost, or is of another source.
    #[error("nothing waits for this signature: it was answered, was given up, or is of another source")]
    Unknown,
    /// It is not as long as R and S (RFC 7518 §3.4).
    #[error("ES256 signature must be R and S, {ES256_SIGNATURE_LEN} bytes, not DER; got {length}")]
    Length {
        /// How many bytes were given.
        length: usize,
    },
    /// The public key does not verify it: it was made with another key, or over other bytes.
    #[error("the signature is not one of this provider key over these bytes")]
    Invalid,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        insta::assert_snapshot!(TokenError::Pending, @"the provider token waits for a signature from outside; drain poll_output, then ask again");
        insta::assert_snapshot!(TokenError::Clock, @"the clock jumps; no provider token is signed for the time that it shows now");
        insta::assert_snapshot!(TokenError::Signing(CryptoError), @"the provider key cannot sign: cryptographic operation failed");
        insta::assert_snapshot!(SignatureRefused::Unknown, @"nothing waits for this signature: it was answered, was given up, or is of another source");
        insta::assert_snapshot!(SignatureRefused::Length { length: 70 }, @"ES256 signature must be R and S, 64 bytes, not DER; got 70");
        insta::assert_snapshot!(SignatureRefused::Invalid, @"the signature is not one of this provider key over these bytes");
    }
}
