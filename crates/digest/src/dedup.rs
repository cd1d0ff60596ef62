//! Duplicates: an exact window over the caller's ids, in two phases.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::time::Duration;

use reveille_core::UnixTime;
use thiserror::Error;

use crate::hash::Keyed;
use crate::{EventId, Seed};

/// What the first phase says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reserved {
    /// It is yours: [`commit`](Dedup::commit) or [`abort`](Dedup::abort) it.
    Fresh,
    /// Somebody else has reserved it and not finished.
    Held,
    /// It was done within the window.
    Duplicate,
}

/// There is no room for another id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{limit} ids are within the deduplication window: no room for another")]
pub struct DedupFull {
    /// How many it may hold.
    pub limit: u32,
}

/// Remembers ids for a time, exactly: no id is ever taken for another, none is forgotten early.
///
/// Two phases, so that a crash or a refusal between "seen" and "done" does not lose the event: what is reserved and
/// never committed becomes free when its window ends, what is aborted at once.
///
/// ```
/// use reveille_core::UnixTime;
/// use reveille_digest::{Dedup, EventId, Reserved, Seed};
/// use std::time::Duration;
///
/// let mut dedup = Dedup::new(Duration::from_secs(5), 1_000, Seed::new([7; 16]));
/// let at = UnixTime::from_secs;
/// assert_eq!(dedup.reserve(EventId(1), at(0))?, Reserved::Fresh);
/// assert_eq!(dedup.reserve(EventId(1), at(1))?, Reserved::Held);
/// dedup.commit(EventId(1));
/// assert_eq!(dedup.reserve(EventId(1), at(4))?, Reserved::Duplicate);
/// assert_eq!(dedup.reserve(EventId(1), at(5))?, Reserved::Fresh, "the window is over");
/// # Ok::<(), reveille_digest::DedupFull>(())
/// ```
pub struct Dedup {
    window: u64,
    limit: u32,
    /// Keyed: nobody can choose ids that fall into one bucket.
    ids: HashMap<EventId, Entry, Keyed>,
    /// Ids in the order in which they came, with the time; some were aborted since.
    queue: VecDeque<(u64, EventId)>,
    now: u64,
}

#[derive(Clone, Copy)]
struct Entry {
    at: u64,
    done: bool,
}

impl Dedup {
    /// Remembers ids for `window`, and at most `limit` of them.
    #[must_use]
    pub fn new(window: Duration, limit: u32, seed: Seed) -> Self {
        let window = reveille_core::millis(window);
        Self { window, limit, ids: HashMap::with_hasher(Keyed(seed)), queue: VecDeque::new(), now: 0 }
    }

    /// Phase one: is this id new?
    ///
    /// # Errors
    /// [`DedupFull`] if it is new and there is no room.
    pub fn reserve(&mut self, id: EventId, now: UnixTime) -> Result<Reserved, DedupFull> {
        self.forget_old(now);
        if let Some(entry) = self.ids.get(&id) {
            return Ok(if entry.done { Reserved::Duplicate } else { Reserved::Held });
        }
        if self.queue.len() >= self.limit as usize {
            return Err(DedupFull { limit: self.limit });
        }
        self.ids.insert(id, Entry { at: self.now, done: false });
        self.queue.push_back((self.now, id));
        Ok(Reserved::Fresh)
    }

    /// Phase two: it is done. `false` if it was not reserved, or its window is over.
    pub fn commit(&mut self, id: EventId) -> bool {
        self.ids.get_mut(&id).map(|entry| entry.done = true).is_some()
    }

    /// Phase two: it was not done; the next one with this id is new. `false` if it was not reserved, or is done.
    pub fn abort(&mut self, id: EventId) -> bool {
        if self.ids.get(&id).is_none_or(|entry| entry.done) {
            return false;
        }
        self.ids.remove(&id);
        if self.queue.back().is_some_and(|(_, last)| *last == id) {
            self.queue.pop_back();
        }
        true
    }

    /// How many ids it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    fn forget_old(&mut self, now: UnixTime) {
        self.now = self.now.max(now.as_millis());
        while let Some((at, id)) = self.queue.front().copied() {
            if self.now - at < self.window {
                return;
            }
            self.queue.pop_front();
            // After an abort the same id may have come again, later.
            if self.ids.get(&id).is_some_and(|entry| entry.at == at) {
                self.ids.remove(&id);
            }
        }
    }

    /// For a snapshot: ids in order, with time and whether they are done.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (u64, EventId, bool)> + use<'_> {
        self.queue.iter().filter_map(|(at, id)| {
            let entry = self.ids.get(id).filter(|entry| entry.at == *at)?;
            Some((*at, *id, entry.done))
        })
    }

    /// From a snapshot; `None` if the times do not rise. There may be more than the limit, if it is lower now: then
    /// there is no room for others until some are old.
    pub(crate) fn restore(&mut self, at: u64, id: EventId, done: bool) -> Option<()> {
        if self.queue.back().is_some_and(|(last, _)| *last > at) {
            return None;
        }
        self.now = at;
        self.queue.push_back((at, id));
        self.ids.insert(id, Entry { at, done }).is_none().then_some(())
    }
}

impl fmt::Debug for Dedup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dedup").field("len", &self.len()).field("limit", &self.limit).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Against a list of (id, time, done).
        #[test]
        fn exact(ops in proptest::collection::vec((0u8..3, 0u128..6, 0u64..4), 0..200), window in 0u64..10) {
            let mut dedup = Dedup::new(Duration::from_millis(window), 4, Seed::new([1; 16]));
            let (mut model, mut now): (Vec<(u128, u64, bool)>, u64) = (Vec::new(), 0);
            for (op, id, wait) in ops {
                match op {
                    0 => {
                        now += wait;
                        model.retain(|(_, at, _)| now - at < window);
                        let known = model.iter().find(|entry| entry.0 == id).map(|entry| entry.2);
                        match dedup.reserve(EventId(id), UnixTime::from_millis(now)) {
                            Ok(Reserved::Fresh) => {
                                prop_assert!(known.is_none());
                                model.push((id, now, false));
                            }
                            Ok(Reserved::Held) => prop_assert_eq!(known, Some(false)),
                            Ok(Reserved::Duplicate) => prop_assert_eq!(known, Some(true)),
                            // An aborted id may take up room until its window ends.
                            Err(error) => {
                                prop_assert!(known.is_none());
                                prop_assert_eq!(error.limit, 4);
                            }
                        }
                    }
                    1 => {
                        let known = model.iter_mut().find(|entry| entry.0 == id);
                        prop_assert_eq!(dedup.commit(EventId(id)), known.map(|entry| entry.2 = true).is_some());
                    }
                    _ => {
                        let known = model.iter().position(|entry| entry.0 == id && !entry.2);
                        prop_assert_eq!(dedup.abort(EventId(id)), known.map(|at| model.remove(at)).is_some());
                    }
                }
                prop_assert!(dedup.len() <= 4 && dedup.queue.len() <= 4);
            }
        }
    }

    #[test]
    fn text() {
        insta::assert_snapshot!(DedupFull { limit: 4 }, @"4 ids are within the deduplication window: no room for another");
    }
}
