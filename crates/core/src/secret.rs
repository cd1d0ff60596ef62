//! Bytes that are never shown.

use std::fmt;

use zeroize::Zeroize;

mod sealed {
    pub trait Sealed {}
}

/// What a [`Secret`] can hold: bytes and text. It is wiped where it stands, spare capacity included.
pub trait Wipe: sealed::Sealed {
    /// Overwrites the value.
    fn wipe(&mut self);
}

macro_rules! wiped_by_zeroize {
    ([$($n:tt)*] $type:ty) => {
        impl<$($n)*> sealed::Sealed for $type {}
        impl<$($n)*> Wipe for $type {
            fn wipe(&mut self) {
                self.zeroize();
            }
        }
    };
}
wiped_by_zeroize!([] Vec<u8>);
wiped_by_zeroize!([] String);
wiped_by_zeroize!([const N: usize] [u8; N]);

/// A secret value: wiped when dropped, printed as `Secret(…)`, never serialised.
///
/// ```
/// use reveille_core::Secret;
/// let key = Secret::new(vec![1_u8, 2, 3]);
/// assert_eq!(format!("{key:?}"), "Secret(…)");
/// assert_eq!(key.expose(), &[1, 2, 3]);
/// ```
#[derive(Clone, Default)]
pub struct Secret<T: Wipe>(T);

impl<T: Wipe> Secret<T> {
    /// Takes ownership of a secret. Wipe what it was copied from, if anything.
    pub fn new(value: T) -> Self {
        Self(value)
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

impl<T: Wipe> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.wipe();
    }
}

impl<T: Wipe> From<T> for Secret<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: Wipe> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_held_and_not_shown() {
        let mut secret = Secret::from("password".to_owned());
        insta::assert_snapshot!(format!("{secret:?} {secret:#?}"), @"Secret(…) Secret(…)");
        assert_eq!(secret.expose(), "password");
        secret.expose_mut().push('!');
        assert_eq!(secret.clone().expose(), "password!");
        assert_eq!(Secret::<[u8; 2]>::new([7, 9]).expose(), &[7, 9]);
    }

    #[test]
    fn everything_that_fits_is_wiped() {
        let (mut bytes, mut text, mut array) = (vec![7_u8; 9], "password".to_owned(), [7_u8; 5]);
        bytes.wipe();
        text.wipe();
        array.wipe();
        assert_eq!((bytes, text, array), (Vec::new(), String::new(), [0; 5]));
    }
}
