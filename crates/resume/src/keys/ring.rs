//! Which keys there are, and what each may still do.

use std::fmt;
use std::time::Duration;

use reveille_core::UnixTime;
use thiserror::Error;

/// The number a token names its key by. Give each key a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(clippy::exhaustive_structs, reason = "a number under a name")]
pub struct KeyId(pub u16);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a key may do: make and verify tokens, verify those that are out, or no more than that. Give it when a key is
/// put into a [`KeyRing`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "users match all of it: there is nothing else")]
pub enum KeyState {
    /// It makes tokens and verifies them. A ring has at most one such key.
    Active,
    /// It verifies the tokens that are still out.
    VerifyOnly {
        /// When it was replaced.
        since: UnixTime,
    },
    /// Tokens that say they were issued with it at or after `from` (less the leeway) are fraud; earlier ones live out
    /// their few minutes. For a key that was taken out of use in order. A thief writes into his tokens whatever time he
    /// likes: see [`Compromised`](Self::Compromised).
    Revoked {
        /// From when on nobody may use it.
        from: UnixTime,
    },
    /// Somebody else may have it. None of its tokens counts, whatever time it names.
    Compromised {
        /// When that became known, and honest issuers stopped.
        known: UnixTime,
    },
}

/// The keys of one profile: the one that makes tokens, and old ones whose tokens are still out. Issuer and verifier
/// take it by reference, so that there is one truth about keys.
///
/// ```
/// use reveille_core::UnixTime;
/// use reveille_resume::keys::KeyState;
/// use reveille_resume::{KeyId, KeyRing};
/// use std::time::Duration;
///
/// let now = UnixTime::from_secs(1_000);
/// let mut keys = KeyRing::new(KeyId(1), "old");
/// keys.rotate(KeyId(2), "new", now)?;
/// assert_eq!(keys.active(), Some((KeyId(2), &"new")));
/// assert_eq!(keys.find(KeyId(1)), Some((KeyState::VerifyOnly { since: now }, &"old")));
///
/// // Seven days after the last of its tokens has expired, nothing needs the old key.
/// let retention = reveille_resume::Policy::default().retention();
/// assert_eq!(retention, Duration::from_secs(7 * 86_400 + 310));
/// assert_eq!(keys.prune(retention, now + retention - Duration::from_millis(1)), 0);
/// assert_eq!(keys.prune(retention, now + retention), 1);
/// assert_eq!(keys.find(KeyId(1)), None);
/// # Ok::<(), reveille_resume::keys::KeyRingError>(())
/// ```
#[derive(Clone)]
pub struct KeyRing<K> {
    entries: Vec<Entry<K>>,
}

#[derive(Clone)]
struct Entry<K> {
    id: KeyId,
    state: KeyState,
    key: K,
}

/// Why a key ring was not changed; the error of [`KeyRing`]'s methods. The ring is as it was before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KeyRingError {
    /// There is a key with this id.
    #[error("there is a key {id} already")]
    Duplicate {
        /// The id of the key.
        id: KeyId,
    },
    /// There is an active key: rotate instead.
    #[error("key {active} is active, rotate it out instead of adding another")]
    TwoActive {
        /// The active key's id.
        active: KeyId,
    },
    /// There is no key with this id.
    #[error("there is no key {id}")]
    Unknown {
        /// The id of the key.
        id: KeyId,
    },
    /// The key is revoked: what was made with it since would be genuine again.
    #[error("key {id} is revoked and cannot be activated again")]
    Revoked {
        /// The id of the key.
        id: KeyId,
    },
}

impl<K> KeyRing<K> {
    /// A ring of one active key.
    #[must_use]
    pub fn new(id: KeyId, key: K) -> Self {
        Self { entries: vec![Entry { id, state: KeyState::Active, key }] }
    }

    /// A ring without keys, to be filled with [`insert`](Self::insert): that of a node that only verifies has no
    /// active one.
    #[must_use]
    pub const fn empty() -> Self {
        Self { entries: Vec::new() }
    }

    /// Adds a key in any state.
    ///
    /// # Errors
    /// [`KeyRingError::Duplicate`], [`KeyRingError::TwoActive`].
    pub fn insert(&mut self, id: KeyId, key: K, state: KeyState) -> Result<(), KeyRingError> {
        if self.find(id).is_some() {
            return Err(KeyRingError::Duplicate { id });
        }
        if let (KeyState::Active, Some((active, _))) = (state, self.active()) {
            return Err(KeyRingError::TwoActive { active });
        }
        self.entries.push(Entry { id, state, key });
        Ok(())
    }

    /// Makes a new key the active one; the old one goes on verifying. With several nodes, [`insert`](Self::insert) the
    /// new key everywhere first, as [`KeyState::VerifyOnly`] with `since` [`UnixTime::MAX`] so that
    /// [`prune`](Self::prune) lets it wait; then [`activate`](Self::activate) it.
    ///
    /// # Errors
    /// [`KeyRingError::Duplicate`].
    pub fn rotate(&mut self, id: KeyId, key: K, now: UnixTime) -> Result<(), KeyRingError> {
        self.insert(id, key, KeyState::VerifyOnly { since: now })?;
        self.activate(id, now)
    }

    /// Makes a key that is in the ring the active one; the old one goes on verifying.
    ///
    /// # Errors
    /// [`KeyRingError::Unknown`], [`KeyRingError::Revoked`].
    pub fn activate(&mut self, id: KeyId, now: UnixTime) -> Result<(), KeyRingError> {
        match self.find(id) {
            None => return Err(KeyRingError::Unknown { id }),
            Some((KeyState::Revoked { .. } | KeyState::Compromised { .. }, _)) => {
                return Err(KeyRingError::Revoked { id });
            }
            Some(_) => {}
        }
        for entry in &mut self.entries {
            if entry.id == id {
                entry.state = KeyState::Active;
            } else if entry.state == KeyState::Active {
                entry.state = KeyState::VerifyOnly { since: now };
            }
        }
        Ok(())
    }

    /// Takes a key out of use for all tokens issued at or after `from`. If it was the active one, no token can be issued
    /// until another is activated. The key stays, so that its misuse is told from an unknown key.
    ///
    /// **Not for a key that has leaked**: its thief dates his tokens before `from`. That is
    /// [`revoke_compromised`](Self::revoke_compromised).
    ///
    /// # Errors
    /// [`KeyRingError::Unknown`].
    pub fn revoke(&mut self, id: KeyId, from: UnixTime) -> Result<(), KeyRingError> {
        let entry = self.entry_mut(id)?;
        // A second revocation never re-admits what the first one excluded.
        let from = match entry.state {
            KeyState::Compromised { .. } => return Ok(()),
            KeyState::Revoked { from: earlier } => earlier.min(from),
            KeyState::Active | KeyState::VerifyOnly { .. } => from,
        };
        entry.state = KeyState::Revoked { from };
        Ok(())
    }

    /// Revokes a key that somebody else may have: all its tokens, whenever they say they were issued. Those of honest
    /// users are among them; they lead to a fresh conversation as [`KeyCompromised`](crate::Reason::KeyCompromised),
    /// without an alarm, because nobody can tell them apart. Activate another key first.
    ///
    /// # Errors
    /// [`KeyRingError::Unknown`].
    pub fn revoke_compromised(&mut self, id: KeyId, now: UnixTime) -> Result<(), KeyRingError> {
        let entry = self.entry_mut(id)?;
        let known = match entry.state {
            KeyState::Compromised { known: earlier } => earlier.min(now),
            KeyState::Active | KeyState::VerifyOnly { .. } | KeyState::Revoked { .. } => now,
        };
        entry.state = KeyState::Compromised { known };
        Ok(())
    }

    fn entry_mut(&mut self, id: KeyId) -> Result<&mut Entry<K>, KeyRingError> {
        self.entries.iter_mut().find(|entry| entry.id == id).ok_or(KeyRingError::Unknown { id })
    }

    /// Takes a key out altogether: its tokens become [`UnknownKey`](crate::Reason::UnknownKey).
    pub fn remove(&mut self, id: KeyId) -> Option<K> {
        let at = self.entries.iter().position(|entry| entry.id == id)?;
        Some(self.entries.remove(at).key)
    }

    /// Drops the keys that have only verified for `retention` or longer, and says how many. Give
    /// [`Policy::retention`](crate::Policy::retention): so long, an expired token is told from a stranger's.
    pub fn prune(&mut self, retention: Duration, now: UnixTime) -> usize {
        let before = self.entries.len();
        self.entries.retain(|entry| match entry.state {
            KeyState::VerifyOnly { since } => now.since(since) < retention,
            KeyState::Active | KeyState::Revoked { .. } | KeyState::Compromised { .. } => true,
        });
        before - self.entries.len()
    }

    /// The key that makes tokens.
    #[must_use]
    pub fn active(&self) -> Option<(KeyId, &K)> {
        let entry = self.entries.iter().find(|entry| entry.state == KeyState::Active)?;
        Some((entry.id, &entry.key))
    }

    /// The key with this id.
    #[must_use]
    pub fn find(&self, id: KeyId) -> Option<(KeyState, &K)> {
        let entry = self.entries.iter().find(|entry| entry.id == id)?;
        Some((entry.state, &entry.key))
    }

    /// Ids and states of all keys, in the order in which they were added.
    pub fn states(&self) -> impl Iterator<Item = (KeyId, KeyState)> + '_ {
        self.entries.iter().map(|entry| (entry.id, entry.state))
    }
}

/// Ids and states, never keys.
impl<K> fmt::Debug for KeyRing<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.states()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: UnixTime = UnixTime::from_millis(5);

    #[test]
    fn texts() {
        let mut keys = KeyRing::new(KeyId(1), "SECRET");
        insta::assert_snapshot!(keys.rotate(KeyId(1), "x", T).unwrap_err(), @"there is a key 1 already");
        insta::assert_snapshot!(keys.insert(KeyId(2), "x", KeyState::Active).unwrap_err(), @"key 1 is active, rotate it out instead of adding another");
        insta::assert_snapshot!(keys.revoke(KeyId(9), T).unwrap_err(), @"there is no key 9");
        keys.rotate(KeyId(2), "SECRET", T).unwrap();
        insta::assert_snapshot!(format!("{keys:?}"), @"{KeyId(1): VerifyOnly { since: UnixTime(5) }, KeyId(2): Active}");
    }

    #[test]
    fn a_refused_rotation_changes_nothing() {
        let mut keys = KeyRing::new(KeyId(1), "a");
        assert!(keys.rotate(KeyId(1), "b", T).is_err());
        assert_eq!(keys.activate(KeyId(3), T), Err(KeyRingError::Unknown { id: KeyId(3) }));
        assert_eq!(keys.active(), Some((KeyId(1), &"a")));
    }

    #[test]
    fn a_revoked_key_issues_nothing_and_is_not_pruned() {
        let mut keys = KeyRing::new(KeyId(1), "a");
        keys.revoke(KeyId(1), T).unwrap();
        assert_eq!(keys.active(), None);
        keys.revoke(KeyId(1), UnixTime::MAX).unwrap();
        assert_eq!(keys.find(KeyId(1)), Some((KeyState::Revoked { from: T }, &"a")));
        assert_eq!(keys.prune(Duration::ZERO, UnixTime::MAX), 0);
        let error = keys.activate(KeyId(1), T).unwrap_err();
        insta::assert_snapshot!(error, @"key 1 is revoked and cannot be activated again");
        assert_eq!(keys.find(KeyId(1)), Some((KeyState::Revoked { from: T }, &"a")));
        assert_eq!(keys.remove(KeyId(1)), Some("a"));
        assert_eq!(keys.find(KeyId(1)), None);
    }

    #[test]
    fn a_compromised_key_stays_so() {
        let mut keys = KeyRing::new(KeyId(1), "a");
        keys.revoke_compromised(KeyId(1), T).unwrap();
        keys.revoke(KeyId(1), UnixTime::MAX).unwrap();
        keys.revoke_compromised(KeyId(1), UnixTime::MAX).unwrap();
        assert_eq!(keys.find(KeyId(1)), Some((KeyState::Compromised { known: T }, &"a")));
        assert_eq!(keys.activate(KeyId(1), T), Err(KeyRingError::Revoked { id: KeyId(1) }));
        assert_eq!(keys.prune(Duration::ZERO, UnixTime::MAX), 0);
        assert_eq!(keys.active(), None);
        assert_eq!(keys.revoke_compromised(KeyId(2), T), Err(KeyRingError::Unknown { id: KeyId(2) }));
    }

    #[test]
    fn a_key_that_waits_for_its_activation_is_not_pruned() {
        let mut keys = KeyRing::new(KeyId(1), "a");
        keys.insert(KeyId(2), "b", KeyState::VerifyOnly { since: UnixTime::MAX }).unwrap();
        assert_eq!(keys.prune(Duration::from_secs(310), UnixTime::from_secs(1_000_000)), 0);
        keys.activate(KeyId(2), UnixTime::from_secs(1_000_000)).unwrap();
        assert_eq!(keys.prune(Duration::from_secs(310), UnixTime::from_secs(1_000_310)), 1);
        assert_eq!(keys.active(), Some((KeyId(2), &"b")));
    }

    #[test]
    fn a_clock_that_steps_back_prunes_nothing() {
        let mut keys = KeyRing::new(KeyId(1), "a");
        keys.rotate(KeyId(2), "b", UnixTime::from_secs(1_000)).unwrap();
        assert_eq!(keys.prune(Duration::from_secs(1), UnixTime::from_secs(10)), 0);
    }
}
