//! Voluntary Application Server Identification (RFC 8292).

mod cache;
mod claims;
mod contact;
mod key;
mod keyring;
mod verify;

pub use cache::{CachedToken, VapidCache, VapidSettings};
pub use claims::UnsignedVapid;
pub use contact::{Contact, InvalidContact};
pub use key::{InvalidVapidKey, VapidKey, VapidKeyId};
pub use keyring::{UnknownVapidKey, VapidKeys};
pub use verify::{InvalidVapid, VapidClaims, VapidHeader};
