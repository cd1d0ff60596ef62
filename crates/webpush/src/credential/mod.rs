//! Who the application server is: keys, contact, tokens (Voluntary Application Server Identification, RFC 8292).

mod contact;
mod key;
mod keyring;
mod settings;
mod token;
mod tokens;
mod unsigned;
mod verify;

pub use contact::{Contact, InvalidContact};
pub use key::{InvalidVapidKey, InvalidVapidKeyId, VapidKey, VapidKeyId};
pub use keyring::{UnknownVapidKey, VapidKeys};
pub use settings::{InvalidSettings, VapidSettings};
pub use token::{Refusal, SignatureRefused, Token, TokenError};
pub(crate) use tokens::{Found, Tokens};
pub(crate) use unsigned::{NotAHeaderValue, TOKEN_START, UnsignedToken};
pub use verify::{InvalidVapid, VapidClaims, VapidHeader};
