//! A list that is nearly always short, and lies where it is used until it is not.

use std::ops::{Deref, DerefMut};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Up to `N` things in place, more of them on the heap.
#[derive(Debug)]
pub(crate) enum Few<T, const N: usize> {
    Here(u8, [T; N]),
    There(Vec<T>),
}

/// What stands in a place that is not used.
pub(crate) trait Blank {
    fn blank() -> Self;
}

impl Blank for u64 {
    fn blank() -> Self {
        0
    }
}

impl Blank for u32 {
    fn blank() -> Self {
        0
    }
}

impl<T: Blank, const N: usize> Few<T, N> {
    /// One more, before the one at this place.
    pub(crate) fn insert(&mut self, at: usize, item: T) {
        if let Self::Here(length, items) = self {
            let used = usize::from(*length);
            if used < N {
                if let Some(free) = items.get_mut(used) {
                    *free = item;
                    *length += 1;
                }
                if let Some(behind) = items.get_mut(at..=used) {
                    behind.rotate_right(1);
                }
                return;
            }
            // Exact: conversations are many, and their lists grow seldom.
            let mut list = Vec::with_capacity(N + 1);
            list.extend(items.iter_mut().map(|item| std::mem::replace(item, T::blank())));
            *self = Self::There(list);
        }
        if let Self::There(list) = self {
            list.reserve_exact(1);
            list.insert(at.min(list.len()), item);
        }
    }

    pub(crate) fn push(&mut self, item: T) {
        self.insert(self.len(), item);
    }

    /// Without the one at this place.
    pub(crate) fn remove(&mut self, at: usize) {
        if let Some(before) = self.get_mut(..=at) {
            before.rotate_right(1);
            self.drop_front(1);
        }
    }

    /// Forgets the first ones.
    pub(crate) fn drop_front(&mut self, count: usize) {
        match self {
            Self::Here(length, items) => {
                let used = usize::from(*length);
                let count = count.min(used);
                items.rotate_left(count);
                // What stood before the first one stands behind the last one now.
                for item in items.iter_mut().skip(used - count) {
                    *item = T::blank();
                }
                *length = (used - count) as u8;
            }
            Self::There(list) => {
                list.drain(..count.min(list.len()));
                if list.len() <= N {
                    let mut rest = std::mem::take(list).into_iter();
                    let length = rest.len() as u8;
                    *self = Self::Here(length, std::array::from_fn(|_| rest.next().unwrap_or_else(T::blank)));
                }
            }
        }
    }
}

impl<T: Blank, const N: usize> Default for Few<T, N> {
    fn default() -> Self {
        const { assert!(N <= 255) };
        Self::Here(0, std::array::from_fn(|_| T::blank()))
    }
}

impl<T, const N: usize> Deref for Few<T, N> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        match self {
            Self::Here(length, items) => items.get(..usize::from(*length)).unwrap_or_default(),
            Self::There(list) => list,
        }
    }
}

impl<T, const N: usize> DerefMut for Few<T, N> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        match self {
            Self::Here(length, items) => items.get_mut(..usize::from(*length)).unwrap_or_default(),
            Self::There(list) => list,
        }
    }
}

impl<'a, T, const N: usize> IntoIterator for &'a Few<T, N> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// As a list, wherever it lies.
impl<T: Serialize, const N: usize> Serialize for Few<T, N> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.iter())
    }
}

impl<'de, T: Blank + Deserialize<'de>, const N: usize> Deserialize<'de> for Few<T, N> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut few = Self::default();
        for item in Vec::<T>::deserialize(from)? {
            few.push(item);
        }
        Ok(few)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    impl Blank for String {
        fn blank() -> Self {
            Self::new()
        }
    }

    #[derive(Clone, Debug)]
    enum Op {
        Insert(usize, String),
        DropFront(usize),
        Remove(usize),
    }

    fn op() -> impl Strategy<Value = Op> {
        prop_oneof![
            3 => (0..8_usize, "[a-z]{0,3}").prop_map(|(at, text)| Op::Insert(at, text)),
            1 => (0..4_usize).prop_map(Op::DropFront),
            1 => (0..8_usize).prop_map(Op::Remove),
        ]
    }

    proptest! {
        /// It is a list: whatever happens to it, and after a snapshot, too.
        #[test]
        fn a_list_wherever_it_lies(ops in prop::collection::vec(op(), 0..40)) {
            let (mut few, mut list) = (Few::<String, 3>::default(), Vec::new());
            for op in ops {
                match op {
                    Op::Insert(at, text) => {
                        let at = at.min(list.len());
                        few.insert(at, text.clone());
                        list.insert(at, text);
                    }
                    Op::Remove(at) => {
                        few.remove(at);
                        if at < list.len() {
                            list.remove(at);
                        }
                    }
                    Op::DropFront(count) => {
                        few.drop_front(count);
                        list.drain(..count.min(list.len()));
                    }
                }
                prop_assert_eq!(&*few, &list[..]);
                let bytes = postcard::to_allocvec(&few).unwrap();
                prop_assert_eq!(&bytes, &postcard::to_allocvec(&list).unwrap());
                prop_assert_eq!(&*postcard::from_bytes::<Few<String, 3>>(&bytes).unwrap(), &list[..]);
                if let Few::Here(length, items) = &few {
                    prop_assert!(items[usize::from(*length)..].iter().all(String::is_empty), "nothing is held on to");
                }
            }
        }
    }
}
