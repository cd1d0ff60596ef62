//! A signed token, and what can be wrong about one.

use std::fmt;

use http::HeaderValue;
use reveille_core::UnixTime;
use reveille_crypto::CryptoError;
use thiserror::Error;

use super::{UnknownVapidKey, VapidKeyId};

/// A VAPID token as the header value that carries it: `vapid t=…, k=…` (RFC 8292 §3). Get it from
/// [`ApplicationServer::token`](crate::ApplicationServer::token) to build requests of your own, or to name it when a push
/// service refuses it.
///
/// `Debug` shows its end only.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    authorization: HeaderValue,
    expires: UnixTime,
}

impl Token {
    pub(crate) const fn new(authorization: HeaderValue, expires: UnixTime) -> Self {
        Self { authorization, expires }
    }

    /// The value of the `Authorization` header, marked as sensitive.
    #[must_use]
    pub const fn authorization(&self) -> &HeaderValue {
        &self.authorization
    }

    pub(crate) fn into_authorization(self) -> HeaderValue {
        self.authorization
    }

    /// When the token ends: its `exp`.
    #[must_use]
    pub const fn expires_at(&self) -> UnixTime {
        self.expires
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("expires_at", &self.expires).finish_non_exhaustive()
    }
}

/// Why there is no token at this moment; the error of [`ApplicationServer::token`](crate::ApplicationServer::token).
/// Each variant says what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The subscription is bound to a key that this server does not have (any more).
    #[error(transparent)]
    UnknownKey(#[from] UnknownVapidKey),
    /// The key is elsewhere and has not signed a token for this push service yet: drain
    /// [`poll_output`](crate::ApplicationServer::poll_output), then ask again.
    #[error("a token for this push service must first be signed with the key {key}, which is elsewhere")]
    Pending {
        /// The id of the key.
        key: VapidKeyId,
    },
    /// The signer failed, and there is no older token that is still good.
    #[error(transparent)]
    Signer(#[from] CryptoError),
    /// The signed token is not a legal header value. Contacts and origins are checked when they are made, so this is a fault of
    /// this library.
    #[error("the signed token is not a legal header value")]
    Header,
}

/// Why a signature is not taken. The token that was in use stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SignatureRefused {
    /// Nobody waits for it: it was answered already, took longer than a minute and was asked for again, its key was
    /// forgotten, or it was asked for by another server (before a restart, say).
    #[error("no signature is awaited for this request")]
    NotAwaited,
    /// ES256 signatures are R ‖ S, 64 bytes, not DER (RFC 7518 §3.4).
    #[error("ES256 signature must be 64 bytes (R and S, not DER), got {length}")]
    Length {
        /// How many bytes were given.
        length: usize,
    },
    /// It is not one over these bytes with this key. The request stays open.
    #[error("signature does not belong to the key {key} and the bytes to sign")]
    Wrong {
        /// The id of the key.
        key: VapidKeyId,
    },
    /// The signed token is not a legal header value; see [`TokenError::Header`].
    #[error("the signed token is not a legal header value")]
    Header,
}

/// What was done about a token that a push service refused as too old:
/// [`ApplicationServer::handle_refusal`](crate::ApplicationServer::handle_refusal) returns it, so that the sender
/// knows whether to send again at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The token is dropped, and the next one will be new: send again.
    Renewing,
    /// Another token is in its place already, or it is none of this server's: send again.
    Replaced,
    /// The token was made less than an hour ago and stays. A new one would end at almost the same time, so the token is not
    /// the fault; this server's clock is, or the key. Apple asks for no more than one new token an hour.
    TooYoung {
        /// From then on a new token may be made.
        until: UnixTime,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        let key = "AAECAwQFBgc".parse().unwrap();
        insta::assert_snapshot!(TokenError::Pending { key }, @"a token for this push service must first be signed with the key AAECAwQFBgc, which is elsewhere");
        insta::assert_snapshot!(TokenError::from(UnknownVapidKey { id: key }), @"no VAPID key with the id AAECAwQFBgc: the subscription must be renewed");
        insta::assert_snapshot!(TokenError::from(CryptoError), @"cryptographic operation failed");
        insta::assert_snapshot!(TokenError::Header, @"the signed token is not a legal header value");
        insta::assert_snapshot!(SignatureRefused::NotAwaited, @"no signature is awaited for this request");
        insta::assert_snapshot!(SignatureRefused::Length { length: 70 }, @"ES256 signature must be 64 bytes (R and S, not DER), got 70");
        insta::assert_snapshot!(SignatureRefused::Wrong { key }, @"signature does not belong to the key AAECAwQFBgc and the bytes to sign");
        insta::assert_snapshot!(SignatureRefused::Header, @"the signed token is not a legal header value");
        let token = Token::new(HeaderValue::from_static("vapid t=SECRET"), UnixTime::from_secs(9));
        insta::assert_snapshot!(format!("{token:?}"), @"Token { expires_at: UnixTime(9000), .. }");
    }
}
