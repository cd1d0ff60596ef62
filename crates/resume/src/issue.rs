//! Making tokens.

use std::time::Duration;

use reveille_core::{UnixTime, millis};
use reveille_crypto::CryptoProvider;

use crate::error::IssueError;
use crate::profile::Draft;
use crate::{Bindings, KeyRing, MAX_ID_LEN, Profile, TokenId};

/// Makes tokens: a life time, a shard, and where random ids come from. It holds nothing that changes, so share one
/// between threads, and have one for each kind of push that needs a life time of its own.
///
/// ```
/// use reveille_core::UnixTime;
/// use reveille_crypto_ring::PROVIDER;
/// use reveille_resume::{Bindings, CompactKey, Issuer, KeyId, KeyRing, TokenSecret};
/// use std::time::Duration;
///
/// let secret = TokenSecret::from_bytes(&[7; 32])?;
/// let keys = KeyRing::new(KeyId(1), CompactKey::new(PROVIDER, &secret)?);
/// let bindings = Bindings { contact: "c-1", conversation: "k-1", device: "d-1", channel: "web" };
/// let sent = UnixTime::from_secs(1_700_000_000);
///
/// let rings = Issuer::new(PROVIDER).with_lifetime(Duration::from_secs(60));
/// let token = rings.issue(&keys, &bindings, sent)?;
/// assert_eq!(token.len(), 92);
///
/// // The same push sent twice carries the same token, whichever node sends it.
/// let chats = Issuer::new(PROVIDER);
/// let (first, again) = (chats.issue_for(&keys, &bindings, "push-4711", sent)?, chats.issue_for(&keys, &bindings, "push-4711", sent)?);
/// assert_eq!(first, again);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Issuer {
    crypto: CryptoProvider,
    lifetime: Duration,
    shard: u8,
}

impl Issuer {
    /// An issuer of tokens that live 5 minutes, for shard 0.
    #[must_use]
    pub const fn new(crypto: CryptoProvider) -> Self {
        Self { crypto, lifetime: Duration::from_secs(300), shard: 0 }
    }

    /// With another life time, 1 ms to 4 h 39 min in the compact format. Verifiers cap it: let
    /// [`Policy::max_lifetime`](crate::Policy::max_lifetime) be the longest of all kinds of push.
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

    /// A new token in the format of the active key. Its id comes from the random source in this very call.
    ///
    /// # Errors
    /// [`IssueError`].
    pub fn issue<K: Profile>(
        &self,
        keys: &KeyRing<K>,
        bindings: &Bindings<'_>,
        now: UnixTime,
    ) -> Result<String, IssueError> {
        let token_id = TokenId::random(self.crypto.random)?;
        self.issue_with_id(keys, bindings, token_id, now)
    }

    /// The token of one push: the same whenever it is asked for with the same push, bindings, time and settings under
    /// the same key. Give the time at which the push was decided on, not that of the attempt to send it.
    ///
    /// Its id is a hash of all these, so two pushes, and two devices of one push, never share one; whoever rotates
    /// the key between two attempts gets another text with the same id, so that the two are good for one use together.
    ///
    /// # Errors
    /// [`IssueError`].
    pub fn issue_for<K: Profile>(
        &self,
        keys: &KeyRing<K>,
        bindings: &Bindings<'_>,
        push: &str,
        issued_at: UnixTime,
    ) -> Result<String, IssueError> {
        let [(_, contact), (_, conversation), (_, device), (_, channel)] = bindings.each();
        let (issued, lifetime) = (issued_at.as_millis().to_be_bytes(), millis(self.lifetime).to_be_bytes());
        let texts = [push, contact, conversation, device, channel].map(str::as_bytes);
        let [push, contact, conversation, device, channel] = texts;
        let parts =
            [push, contact, conversation, device, channel, issued.as_slice(), &lifetime, &[self.shard]];
        self.issue_with_id(keys, bindings, TokenId::derive(self.crypto.sha256, parts), issued_at)
    }

    /// A token with an id of yours, uniformly distributed. One id must never name two tokens that differ in anything:
    /// the second would count as used with the first. [`issue_for`](Self::issue_for) sees to that itself.
    ///
    /// # Errors
    /// [`IssueError`].
    pub fn issue_with_id<K: Profile>(
        &self,
        keys: &KeyRing<K>,
        bindings: &Bindings<'_>,
        token_id: TokenId,
        issued_at: UnixTime,
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
        if issued_at.as_millis() >= 1 << 48 {
            return Err(IssueError::Time);
        }
        key.write(key_id, &Draft { token_id, shard: self.shard, bindings, issued_at, lifetime_ms })
    }
}
