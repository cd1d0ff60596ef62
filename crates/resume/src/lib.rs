#![doc = include_str!("../README.md")]

mod bindings;
pub mod compact;
mod error;
mod issue;
#[cfg(feature = "jose")]
pub mod jose;
#[cfg(feature = "jose")]
mod jwt;
pub mod keys;
mod profile;
mod reason;
pub mod replay;
mod revocations;
#[cfg(feature = "jose")]
mod sealed;
pub mod store;
mod token_id;
pub mod verdict;
mod verify;

pub use bindings::{Binding, Bindings, MAX_ID_LEN, Mismatch};
pub use compact::key::CompactKey;
pub use error::{Error, IssueError};
pub use issue::Issuer;
#[cfg(feature = "jose")]
pub use jwt::JwtKey;
pub use keys::ring::{KeyId, KeyRing};
pub use keys::secret::TokenSecret;
pub use profile::Profile;
pub use reason::Reason;
pub use replay::attempt::Attempt;
pub use replay::set::{ReplayLimits, ReplaySet};
pub use revocations::Revocations;
#[cfg(feature = "jose")]
pub use sealed::SealedKey;
pub use store::external::ExternalStore;
pub use token_id::TokenId;
pub use verdict::kinds::Verdict;
pub use verify::{Policy, Verifier};
