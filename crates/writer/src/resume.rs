//! The token inside the push (A6, C6).

use std::fmt;
use std::sync::{PoisonError, RwLock};

use reveille_conversation::Kind;
use reveille_core::UnixTime;
use reveille_resume::{Bindings, IssueError, Issuer, KeyRing, Profile};

/// Mints resume tokens. [`TokensForKind`] is the one to use; another one can be plugged in, for keys that are elsewhere.
pub trait ResumeTokens: Send + Sync {
    /// The token of one push about `kind`: the same for the same push, bindings and time, whenever it is asked for.
    ///
    /// # Errors
    /// [`IssueError`]. The push goes out without a token then, and says so.
    fn token(
        &self,
        kind: Kind,
        bindings: &Bindings<'_>,
        push: &str,
        issued_at: UnixTime,
    ) -> Result<String, IssueError>;
}

/// Mints resume tokens with keys that are here: one issuer for all kinds of push, and others for kinds whose tokens live
/// longer or shorter. Give it to [`Writer::with_resume`](crate::Writer::with_resume).
///
/// Shared by threads; the lock inside is held for one token, and for what [`with_keys`](Self::with_keys) does.
pub struct TokensForKind<K> {
    keys: RwLock<KeyRing<K>>,
    issuer: Issuer,
    others: Vec<(Kind, Issuer)>,
}

impl<K: Profile> TokensForKind<K> {
    /// One issuer for everything.
    #[must_use]
    pub const fn new(keys: KeyRing<K>, issuer: Issuer) -> Self {
        Self { keys: RwLock::new(keys), issuer, others: Vec::new() }
    }

    /// Another issuer for this kind.
    #[must_use]
    pub fn with_kind(mut self, kind: Kind, issuer: Issuer) -> Self {
        self.others.retain(|(other, _)| *other != kind);
        self.others.push((kind, issuer));
        self
    }

    /// Rotates or revokes keys while tokens are issued.
    pub fn with_keys<T>(&self, change: impl FnOnce(&mut KeyRing<K>) -> T) -> T {
        change(&mut self.keys.write().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<K: Profile + Send + Sync> ResumeTokens for TokensForKind<K> {
    fn token(
        &self,
        kind: Kind,
        bindings: &Bindings<'_>,
        push: &str,
        issued_at: UnixTime,
    ) -> Result<String, IssueError> {
        let issuer =
            self.others.iter().find(|(of, _)| *of == kind).map_or(&self.issuer, |(_, issuer)| issuer);
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        issuer.issue_for(&keys, bindings, push, issued_at)
    }
}

/// Says nothing of the keys.
impl<K> fmt::Debug for TokensForKind<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokensForKind").field("kinds", &self.others.len()).finish_non_exhaustive()
    }
}
