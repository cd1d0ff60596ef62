//! Bytes that are never shown.

use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// A secret value: wiped when dropped, printed as `Secret(…)`, never serialised.
///
/// ```
/// use reveille_core::Secret;
/// let key = Secret::new(vec![1_u8, 2, 3]);
/// assert_eq!(format!("{key:?}"), "Secret(…)");
/// assert_eq!(key.expose(), &[1, 2, 3]);
/// ```
#[derive(Clone, Default)]
pub struct Secret<T: Zeroize>(Zeroizing<T>);

impl<T: Zeroize> Secret<T> {
    /// Takes ownership of a secret. Wipe what it was copied from, if anything.
    pub fn new(value: T) -> Self {
        Self(Zeroizing::new(value))
    }

    /// The secret itself; the long name is there to be found in a review.
    pub fn expose(&self) -> &T {
        &self.0
    }

    /// The place of the secret, to be filled where it stays: what is filled first and then moved in leaves a copy.
    pub fn expose_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T: Zeroize> ZeroizeOnDrop for Secret<T> {}

impl<T: Zeroize> From<T> for Secret<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}
