//! Several keys at once: rotation.

use thiserror::Error;

use super::{VapidKey, VapidKeyId};

/// The keys of an application server, for [`ApplicationServer::new`](crate::ApplicationServer::new): the current one,
/// for new subscriptions, and those that older subscriptions are still bound to.
///
/// A subscription lives and dies with its key (RFC 8292 §4.2), so rotation means: [`rotate`](Self::rotate), hand the
/// new public key to pages, and keep the old key until no subscription is bound to it.
///
/// ```
/// use reveille_crypto_ring::PROVIDER;
/// use reveille_webpush::{VapidKey, VapidKeys};
///
/// let old = VapidKey::new(&PROVIDER.p256.generate()?, PROVIDER)?;
/// let new = VapidKey::new(&PROVIDER.p256.generate()?, PROVIDER)?;
/// let mut keys = VapidKeys::new(old.clone());
/// keys.rotate(new.clone());
/// assert_eq!(keys.current().id(), new.id());
/// assert_eq!(keys.find(Some(old.id()))?.id(), old.id()); // for subscriptions that are bound to it
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct VapidKeys {
    current: VapidKey,
    retained: Vec<VapidKey>,
}

/// A subscription is bound to a key that is not there any more; [`VapidKeys::find`] returns it. The browser has to
/// subscribe anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("no VAPID key with the id {id}: the subscription must be renewed")]
#[allow(clippy::exhaustive_structs, reason = "it says all there is to say")]
pub struct UnknownVapidKey {
    /// The missing key.
    pub id: VapidKeyId,
}

impl VapidKeys {
    /// Makes a ring with one key, the current one.
    #[must_use]
    pub const fn new(current: VapidKey) -> Self {
        Self { current, retained: Vec::new() }
    }

    /// Adds a key that older subscriptions are bound to.
    #[must_use]
    pub fn with_retained(mut self, key: VapidKey) -> Self {
        self.retained.push(key);
        self
    }

    /// Makes `key` the current one and retains the one before.
    pub fn rotate(&mut self, key: VapidKey) {
        self.retained.retain(|old| old.id() != key.id());
        if key.id() != self.current.id() {
            self.retained.push(std::mem::replace(&mut self.current, key));
        }
    }

    /// Forgets a retained key; whether there was one. The current key cannot be forgotten.
    pub fn forget(&mut self, id: VapidKeyId) -> bool {
        let before = self.retained.len();
        self.retained.retain(|key| key.id() != id);
        self.retained.len() < before
    }

    /// The key for new subscriptions.
    #[must_use]
    pub const fn current(&self) -> &VapidKey {
        &self.current
    }

    /// All keys, the current one first.
    pub fn iter(&self) -> impl Iterator<Item = &VapidKey> {
        std::iter::once(&self.current).chain(&self.retained)
    }

    /// The key of a subscription: the one it is bound to, or the current one if it is bound to none.
    ///
    /// # Errors
    /// [`UnknownVapidKey`].
    pub fn find(&self, bound_to: Option<VapidKeyId>) -> Result<&VapidKey, UnknownVapidKey> {
        let Some(id) = bound_to else { return Ok(&self.current) };
        self.iter().find(|key| key.id() == id).ok_or(UnknownVapidKey { id })
    }
}
