#![doc = include_str!("../README.md")]

mod bindings;
mod compact;
mod error;
mod external;
mod issue;
#[cfg(feature = "jose")]
mod jwt;
mod keys;
mod profile;
mod reason;
mod replay;
mod revocations;
#[cfg(feature = "jose")]
mod sealed;
mod token_id;
mod verdict;
mod verify;

pub use bindings::{Binding, Bindings, MAX_ID_LEN, Mismatch};
pub use compact::{COMPACT_LEN, CompactKey, shard_of};
pub use error::{Error, IssueError};
pub use external::{ExternalStore, POSTGRES_SWEEP, POSTGRES_TABLE, StoreChange, StoreCommand, StoreReply};
pub use issue::Issuer;
#[cfg(feature = "jose")]
pub use jwt::JwtKey;
pub use keys::{InvalidSecret, KeyId, KeyRing, KeyRingError, KeyState, TokenSecret};
pub use profile::Profile;
pub use reason::Reason;
pub use replay::{
    Attempt, Continuity, ReplayLimits, ReplaySet, Reservation, ReservationError, RestoreError, SingleUse,
    SnapshotKey,
};
pub use revocations::Revocations;
#[cfg(feature = "jose")]
pub use sealed::SealedKey;
pub use token_id::TokenId;
pub use verdict::{Authentic, Claims, ClientAnswer, Verdict};
pub use verify::{Policy, Verifier};

/// What a JWT or a JWE of this crate says it is (explicit typing, RFC 8725 §3.11).
#[cfg(feature = "jose")]
pub const TOKEN_TYPE: &str = "resume+jwt";
/// JWT and JWE longer than this are refused unread, in bytes.
#[cfg(feature = "jose")]
pub const MAX_JOSE_LEN: usize = 2_048;
