//! What the caller supplies: types, a calendar, a fold.

use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;

use reveille_core::UnixTime;

use crate::Item;

/// The caller's side of the engine. Everything but the three types has a default; [`Plain`] is enough to start.
///
/// All methods must be pure functions of their arguments: the engine's replay depends on it. What changes over time (a
/// pause, a table of holidays) is the [`Calendar`](Self::Calendar), which is an input like any other
/// ([`set_calendar`](crate::Engine::set_calendar)).
pub trait Host {
    /// Recipient and conversation, or whatever else groups events.
    type Key: Clone + Eq + Hash;
    /// What comes back in the samples.
    type Payload: Clone;
    /// The state of the caller's own fold; `()` for none.
    type Fold: Clone + Default;
    /// What the calendar knows that changes; `()` for nothing.
    type Calendar: Clone + Default;

    /// The calendar: is `key` to be left alone at `now`, as far as `class` is concerned, and until when?
    /// Asked when something is about to go out. `None` lets it pass.
    ///
    /// A pause until further notice is `until: UnixTime::MAX`; the next calendar ends it. What lets a class pass must let
    /// every higher class pass, too.
    fn quiet(&self, calendar: &Self::Calendar, key: &Self::Key, class: u8, now: UnixTime) -> Option<Quiet> {
        let _ = (calendar, key, class, now);
        None
    }

    /// Adds an event to the fold. Where all events are kept the fold is made anew at each flush, so what was read or
    /// cancelled is not in it.
    fn fold(&self, state: &mut Self::Fold, item: &Item<Self::Payload>) {
        let _ = (state, item);
    }

    /// Joins two folds: of a batch that came back, and of what is pending. Needed with [`Host::fold`] and
    /// acknowledgements in [`Collect::Totals`](crate::options::Collect::Totals).
    fn merge(&self, state: &mut Self::Fold, later: Self::Fold) {
        let _ = (state, later);
    }
}

/// The calendar's answer that a key is to be left alone now; returned by [`Host::quiet`]. It says until when, and what
/// happens to the events that wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_structs,
    reason = "plain data that users make and take apart; another field is another version of the log"
)]
pub struct Quiet {
    /// When the quiet ends; [`UnixTime::MAX`] until further notice.
    pub until: UnixTime,
    /// What happens to what is pending.
    pub then: AtEnd,
}

/// What a quiet time does to the events that wait for it: keep them until its end, or drop them. The calendar chooses
/// it in [`Quiet::then`], each time it is asked; use `Drop` for what nobody wants to read later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_enums,
    reason = "users match all of it; another variant is another behaviour version"
)]
pub enum AtEnd {
    /// They wait and go out as one, when it ends (spread by [`Policy::spread`](crate::Policy)).
    Merge,
    /// They are dropped, and counted as [`Fate::Quiet`](crate::Fate).
    Drop,
}

/// A [`Host`] that is never quiet and folds nothing; `K` is the key and `T` the payload. Use it to begin with, and
/// write a host of your own when you need quiet hours, or sums over the events.
pub struct Plain<K, T = ()>(PhantomData<fn() -> (K, T)>);

impl<K, T> Plain<K, T> {
    /// Makes the host; it has no state.
    #[must_use]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<K, T> Default for Plain<K, T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K, T> Clone for Plain<K, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K, T> Copy for Plain<K, T> {}

impl<K, T> fmt::Debug for Plain<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Plain")
    }
}

impl<K: Clone + Eq + Hash, T: Clone> Host for Plain<K, T> {
    type Key = K;
    type Payload = T;
    type Fold = ();
    type Calendar = ();
}
