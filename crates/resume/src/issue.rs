//! Making tokens.

use std::time::Duration;

use reveille_core::{UnixTime, millis};
use reveille_crypto::{CryptoError, CryptoProvider};
use thiserror::Error;

use crate::profile::Draft;
use crate::token_id::RandomPool;
use crate::{Binding, Bindings, KeyRing, MAX_ID_LEN, Profile, TokenId};

/// Makes tokens. It keeps random bytes for the next few ids, so have one per thread rather than one for each token.
///
/// ```
/// use reveille_core::{UnixTime, millis};
/// use reveille_crypto_ring::PROVIDER;
/// use reveille_resume::{Bindings, CompactKey, Issuer, KeyId, KeyRing, TokenSecret};
///
/// let secret = TokenSecret::from_bytes(&[7; 32])?;
/// let keys = KeyRing::new(KeyId(1), CompactKey::new(PROVIDER, &secret)?);
/// let bindings = Bindings { contact: "c-1", conversation: "k-1", device: "d-1", channel: "web" };
///
/// let token = Issuer::new(PROVIDER).issue(&keys, &bindings, UnixTime::from_secs(1_700_000_000))?;
/// assert_eq!(token.len(), 92);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Issuer {
    random: RandomPool,
    lifetime: Duration,
    shard: u8,
}

/// Why no token was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum IssueError {
    /// The key ring has no active key.
    #[error("no key is active")]
    NoActiveKey,
    /// The active key can only verify.
    #[error("the active key has no private half, it can only verify")]
    VerifyOnlyKey,
    /// An id is empty: the token would be bound to nothing.
    #[error("the {} id must be 1 to {MAX_ID_LEN} bytes, got {length}", binding.name())]
    Id {
        /// Which.
        binding: Binding,
        /// Bytes given.
        length: usize,
    },
    /// The life time does not fit into the format.
    #[error("life time must be {min_ms} to {max_ms} ms, got {given_ms}")]
    Lifetime {
        /// Shortest of this format, in ms.
        min_ms: u64,
        /// Longest of this format, in ms.
        max_ms: u64,
        /// Given, in ms.
        given_ms: u64,
    },
    /// The time does not fit into the format: 48 bits of milliseconds, until the year 10889.
    #[error("the time is beyond the year 10889")]
    Time,
    /// The token would be longer than its verifier takes.
    #[error("token of {length} bytes is longer than the limit of {limit}")]
    TooLong {
        /// Bytes it would have.
        length: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// The random source or the signer failed.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

impl Issuer {
    /// An issuer of tokens that live 5 minutes, for shard 0.
    #[must_use]
    pub const fn new(crypto: CryptoProvider) -> Self {
        Self { random: RandomPool::new(crypto), lifetime: Duration::from_secs(300), shard: 0 }
    }

    /// With another life time. Verifiers cap it: see [`Policy::max_lifetime`](crate::Policy::max_lifetime).
    #[must_use]
    pub const fn with_lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// With the shard whose replay set is to remember the tokens: that of this node, or one chosen by contact.
    #[must_use]
    pub const fn with_shard(mut self, shard: u8) -> Self {
        self.shard = shard;
        self
    }

    /// A token in the format of the active key.
    ///
    /// # Errors
    /// [`IssueError`].
    pub fn issue<K: Profile>(
        &mut self,
        keys: &KeyRing<K>,
        bindings: &Bindings<'_>,
        now: UnixTime,
    ) -> Result<String, IssueError> {
        let (key_id, key) = keys.active().ok_or(IssueError::NoActiveKey)?;
        for (binding, id) in bindings.each() {
            if !(1..=MAX_ID_LEN).contains(&id.len()) {
                return Err(IssueError::Id { binding, length: id.len() });
            }
        }
        let given_ms = millis(self.lifetime);
        let lifetime_ms = match u32::try_from(given_ms) {
            Ok(ms) if ms > 0 => ms,
            _ => return Err(IssueError::Lifetime { min_ms: 1, max_ms: u32::MAX.into(), given_ms }),
        };
        if now.as_millis() >= 1 << 48 {
            return Err(IssueError::Time);
        }
        let token_id = TokenId::new(self.random.take()?);
        let draft = Draft { token_id, shard: self.shard, bindings, issued_at: now, lifetime_ms };
        key.write(key_id, &draft, &mut self.random)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        insta::assert_snapshot!(IssueError::NoActiveKey, @"no key is active");
        insta::assert_snapshot!(IssueError::VerifyOnlyKey, @"the active key has no private half, it can only verify");
        insta::assert_snapshot!(IssueError::Id { binding: Binding::Device, length: 0 }, @"the device id must be 1 to 256 bytes, got 0");
        let lifetime = IssueError::Lifetime { min_ms: 1, max_ms: 4_294_967_295, given_ms: 0 };
        insta::assert_snapshot!(lifetime, @"life time must be 1 to 4294967295 ms, got 0");
        insta::assert_snapshot!(IssueError::Time, @"the time is beyond the year 10889");
        insta::assert_snapshot!(IssueError::TooLong { length: 3_000, limit: 2_048 }, @"token of 3000 bytes is longer than the limit of 2048");
        insta::assert_snapshot!(IssueError::Crypto(CryptoError), @"cryptographic operation failed");
    }
}
