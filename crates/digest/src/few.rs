//! A list that is usually of one: its first needs no memory of its own.

use std::ops::Deref;

#[derive(Clone, Debug)]
pub(crate) enum Few<T> {
    One(T),
    /// None, or more; one, if there were more before.
    Many(Vec<T>),
}

impl<T> Few<T> {
    pub(crate) const fn new() -> Self {
        Self::Many(Vec::new())
    }

    #[inline]
    pub(crate) fn as_slice(&self) -> &[T] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }

    #[inline]
    pub(crate) fn as_mut_slice(&mut self) -> &mut [T] {
        match self {
            Self::One(one) => std::slice::from_mut(one),
            Self::Many(many) => many,
        }
    }

    #[inline]
    pub(crate) fn push(&mut self, next: T) {
        match self {
            Self::Many(many) if many.capacity() == 0 => *self = Self::One(next),
            _ => self.many().push(next),
        }
    }

    pub(crate) fn retain(&mut self, mut stays: impl FnMut(&T) -> bool) {
        match self {
            Self::One(one) if stays(one) => {}
            Self::One(_) => *self = Self::new(),
            Self::Many(many) => many.retain(stays),
        }
    }

    /// As a vector, for whatever else is to be done with it.
    #[inline]
    pub(crate) fn many(&mut self) -> &mut Vec<T> {
        if let Self::One(_) = self {
            *self = Self::Many(std::mem::take(self).into_vec());
        }
        match self {
            Self::Many(many) => many,
            Self::One(_) => self.many(),
        }
    }

    /// What `of` says of each. Of one without a loop, and with no more memory than it takes.
    #[inline(always)]
    pub(crate) fn each<U>(&self, of: impl Fn(&T) -> U) -> Vec<U> {
        match self {
            Self::One(one) => vec![of(one)],
            Self::Many(many) => many.iter().map(of).collect(),
        }
    }

    pub(crate) fn into_vec(self) -> Vec<T> {
        match self {
            Self::One(one) => vec![one],
            Self::Many(many) => many,
        }
    }
}

impl<T> Default for Few<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> From<Vec<T>> for Few<T> {
    fn from(many: Vec<T>) -> Self {
        Self::Many(many)
    }
}

impl<T> Deref for Few<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        self.as_slice()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn does_what_a_vector_does(ops in proptest::collection::vec((0..5_u8, 0..4_u32), 0..40)) {
            let (mut ours, mut model) = (Few::new(), Vec::new());
            for (op, n) in ops {
                match op {
                    0 | 1 => (ours.push(n), model.push(n)),
                    2 => (ours.retain(|other| *other != n), model.retain(|other| *other != n)),
                    3 => (ours.many().truncate(n as usize), model.truncate(n as usize)),
                    _ => (ours.as_mut_slice().reverse(), model.reverse()),
                };
                prop_assert_eq!(&*ours, model.as_slice());
                prop_assert_eq!(ours.clone().into_vec(), model.clone());
            }
        }

        #[test]
        fn one_needs_no_memory(n: u32) {
            let mut few = Few::new();
            few.push(n);
            prop_assert!(matches!(few, Few::One(one) if one == n));
        }
    }
}
