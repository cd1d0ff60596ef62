//! The sending side: from a message and a subscription to a request.

mod batch;
mod build;
mod server;

use reveille_crypto::CryptoError;
use thiserror::Error;

pub use server::ApplicationServer;

use crate::credential::{TokenError, UnknownVapidKey};

/// Why a request cannot be built; the error of [`Message::request`](crate::Message::request) and of all methods of
/// [`ApplicationServer`] that build requests. Nothing was sent and nothing is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RequestError {
    /// There is no token for this subscription's push service.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The random source or the encryption failed.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
    /// The endpoint is not a URI for `http`. Endpoints are checked when they are made, so this is a fault of this library.
    #[error("the endpoint is not a URI")]
    Uri,
}

impl From<UnknownVapidKey> for RequestError {
    fn from(error: UnknownVapidKey) -> Self {
        Self::Token(error.into())
    }
}
