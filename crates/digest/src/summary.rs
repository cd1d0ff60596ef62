//! What a notification says about its events.

use reveille_core::UnixTime;

/// What a notification says about its events: how many they are, who caused them, and when they came. Use it to write
/// the text, by yourself or with `render::Texts` (feature `render`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// How many events, exactly.
    pub total: u32,
    /// Who caused them.
    pub actors: Actors,
    /// When the first of them came.
    pub first: UnixTime,
    /// When the last of them came.
    pub last: UnixTime,
    /// Sum of their bytes.
    pub bytes: u32,
    /// How many events of the key are unread, with those of earlier notifications.
    pub unread: u32,
}

/// The distinct actors of one notification, one by one up to the policy's `actors` (5 by default). Use it for a text
/// such as "Ann and 2 others": if [`more`](Self::more) is true, there are further actors, and [`count`](Self::count) is
/// a lower bound.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Actors {
    pub(crate) first: Option<u64>,
    pub(crate) rest: Vec<u64>,
    pub(crate) more: bool,
}

impl Actors {
    /// Those that are known, in the order of their first event; never more than the policy's bound.
    pub fn known(&self) -> impl Iterator<Item = u64> {
        self.first.into_iter().chain(self.rest.iter().copied())
    }

    /// How many are known.
    #[must_use]
    pub fn count(&self) -> usize {
        usize::from(self.first.is_some()) + self.rest.len()
    }

    /// Whether there are more than these: then the number is "`count` and more".
    #[must_use]
    pub const fn more(&self) -> bool {
        self.more
    }

    #[inline]
    pub(crate) fn insert(&mut self, actor: u64, bound: u16) {
        if self.first.is_none() && self.rest.is_empty() && bound > 0 {
            self.first = Some(actor);
            return;
        }
        self.insert_next(actor, bound);
    }

    fn insert_next(&mut self, actor: u64, bound: u16) {
        if self.known().any(|known| known == actor) {
            return;
        }
        if self.count() >= usize::from(bound) {
            self.more = true;
        } else if self.first.is_none() {
            self.first = Some(actor);
        } else {
            self.rest.push(actor);
        }
    }

    pub(crate) fn cut(&mut self, bound: u16) {
        let rest = usize::from(bound).saturating_sub(1);
        self.more |= self.rest.len() > rest;
        self.rest.truncate(rest);
    }

    pub(crate) fn join(&mut self, later: &Self, bound: u16) {
        for actor in later.known() {
            self.insert(actor, bound);
        }
        self.more |= later.more;
    }
}

/// Prints the number: `2`, or `5+` if there are more.
///
/// ```
/// assert_eq!(reveille_digest::summary::Actors::default().to_string(), "0");
/// ```
impl std::fmt::Display for Actors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", self.count(), if self.more { "+" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn exact_up_to_the_bound(actors in proptest::collection::vec(0u64..8, 0..40), bound in 1u16..10) {
            let mut counted = Actors::default();
            for actor in &actors {
                counted.insert(*actor, bound);
            }
            let distinct: std::collections::BTreeSet<_> = actors.iter().collect();
            prop_assert_eq!(counted.count(), distinct.len().min(usize::from(bound)));
            prop_assert_eq!(counted.more(), distinct.len() > usize::from(bound));
        }
    }
}
