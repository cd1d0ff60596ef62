//! What the three formats have in common.

use reveille_core::UnixTime;

use crate::error::IssueError;
use crate::keys::KeyState;
use crate::{Bindings, KeyId, KeyRing, Mismatch, Reason, TokenId};

/// A token format, chosen by the type of its keys: [`CompactKey`](crate::CompactKey), or with the feature `jose`
/// `JwtKey` and `SealedKey`. Sealed: a token can never choose its format, so there is nothing to plug in.
pub trait Profile: Sized + sealed::Format {}

impl<K: sealed::Format> Profile for K {}

pub(crate) mod sealed {
    use super::{Draft, IssueError, KeyId, KeyRing, Opened, Reason};
    use crate::Bindings;

    /// How a format writes and reads.
    pub trait Format: Sized {
        fn write(&self, id: KeyId, draft: &Draft<'_>) -> Result<String, IssueError>;

        /// Length, version, key and MAC, in this order, and the comparison of all bindings.
        fn read(keys: &KeyRing<Self>, token: &str, expected: &Bindings<'_>) -> Result<Opened, Reason>;
    }
}

/// A token about to be written.
#[derive(Debug)]
pub struct Draft<'a> {
    pub(crate) token_id: TokenId,
    pub(crate) shard: u8,
    pub(crate) bindings: &'a Bindings<'a>,
    pub(crate) issued_at: UnixTime,
    pub(crate) lifetime_ms: u32,
}

/// A token with a valid MAC, and nothing else checked yet.
#[derive(Debug)]
pub struct Opened {
    pub(crate) key_id: KeyId,
    pub(crate) key_state: KeyState,
    pub(crate) token_id: TokenId,
    pub(crate) shard: u8,
    pub(crate) issued_at: UnixTime,
    /// The last moment at which it can have been issued: formats with whole seconds round down.
    pub(crate) issued_by: UnixTime,
    pub(crate) expires_at: UnixTime,
    pub(crate) mismatch: Mismatch,
}
