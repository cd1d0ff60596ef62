//! Events that belong together: pending, in flight, or delivered.
//!
//! A batch is **exact** while every one of its events is kept. Then its actors and its fold are made from the events,
//! and any of them can be taken out. Otherwise (counts only, the latest only, or a bound was reached) the sums were counted
//! as the events came; what is kept can still be taken out one by one, the rest only all together.

use crate::few::Few;
use crate::summary::Actors;
use crate::sums::Sums;
use crate::{CollapseId, EventId, Host, Item, Lane};

/// Which events of a batch.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Select {
    /// Those that a read covers, by number.
    UpTo(u64),
    /// Those that came until then.
    Until(u64),
    Event(EventId),
    Kind(u16),
    All,
    /// Those that are of no use at `now`, or came before `before`.
    Useless {
        now: u64,
        before: u64,
    },
}

impl Select {
    fn takes<T>(self, item: &Item<T>) -> bool {
        self.takes_one(item.id, item.kind, item.seq, item.at.as_millis(), item.useful_until.as_millis())
    }

    /// The same of an event that is kept in another form.
    pub(crate) fn takes_one(self, id: EventId, kind: u16, seq: u64, at: u64, useful_until: u64) -> bool {
        match self {
            Self::UpTo(mark) => seq <= mark,
            Self::Until(until) => at <= until,
            Self::Event(event) => id == event,
            Self::Kind(one) => kind == one,
            Self::All => true,
            Self::Useless { now, before } => at < before || useful_until < now,
        }
    }

    /// Whether it takes all of what is only counted.
    pub(crate) const fn takes_counted(self, sums: &Sums) -> bool {
        match self {
            Self::UpTo(mark) => sums.seq_hi <= mark,
            Self::Until(until) => sums.last <= until,
            Self::All => true,
            Self::Useless { before, .. } => sums.last < before,
            Self::Event(_) | Self::Kind(_) => false,
        }
    }
}

/// What was taken out of a batch.
#[derive(Debug, Default)]
pub(crate) struct Removed {
    pub(crate) count: u32,
    pub(crate) bytes: u32,
    /// Those of them that were kept, with their kinds.
    pub(crate) events: Vec<(EventId, u16)>,
}

/// The same of pending events, whose kinds nobody asks for.
#[derive(Debug, Default)]
pub(crate) struct Gone {
    pub(crate) count: u32,
    pub(crate) bytes: u32,
    pub(crate) ids: Vec<EventId>,
}

impl From<Removed> for Gone {
    fn from(removed: Removed) -> Self {
        let Removed { count, bytes, events } = removed;
        Self { count, bytes, ids: events.into_iter().map(|(id, _)| id).collect() }
    }
}

impl Removed {
    pub(crate) fn kept(&self) -> u64 {
        self.events.len() as u64
    }

    #[inline(always)]
    pub(crate) fn join(&mut self, other: Self) {
        if self.count == 0 {
            *self = other;
        } else {
            self.append(other);
        }
    }

    fn append(&mut self, mut other: Self) {
        self.count = self.count.saturating_add(other.count);
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.events.append(&mut other.events);
    }
}

pub(crate) struct Batch<H: Host> {
    pub(crate) sums: Sums,
    /// Oldest first.
    pub(crate) kept: Few<Item<H::Payload>>,
    /// The actors after the first, where they were counted.
    pub(crate) actors: Vec<u64>,
    /// The caller's fold, where it was counted.
    pub(crate) fold: H::Fold,
}

impl<H: Host> Default for Batch<H> {
    fn default() -> Self {
        Self { sums: Sums::default(), kept: Few::new(), actors: Vec::new(), fold: H::Fold::default() }
    }
}

impl<H: Host> Batch<H> {
    #[inline]
    pub(crate) fn is_exact(&self) -> bool {
        self.kept.len() == self.sums.total as usize
    }

    /// A single event, kept.
    #[inline(always)]
    pub(crate) fn of_one(item: Item<H::Payload>) -> Self {
        let mut sums = Sums::default();
        sums.count(&item);
        Self { sums, kept: Few::One(item), ..Self::default() }
    }

    /// Adds an event; of what is kept, only the last `keep` stay ([`u32::MAX`] for all).
    pub(crate) fn push(&mut self, item: Item<H::Payload>, keep: usize, host: &H, bound: u8) {
        let exact = self.is_exact();
        if exact && self.kept.len() < keep {
            self.sums.count(&item);
            self.kept.push(item);
            return;
        }
        if exact {
            self.blur(host, bound);
        }
        self.sums.count(&item);
        self.count_actor(item.actor, bound);
        host.fold(&mut self.fold, &item);
        if self.kept.len() >= keep && keep > 0 {
            // Half of them at once, so that a long batch costs no more per event than a short one.
            let over = self.kept.len() + 1 - keep.div_ceil(2);
            self.kept.many().drain(..over);
        }
        if keep > 0 {
            self.kept.push(item);
        }
    }

    fn count_actor(&mut self, actor: u64, bound: u8) {
        let mut actors = self.sums.known_actors(&[]);
        actors.rest = std::mem::take(&mut self.actors);
        actors.insert(actor, u16::from(bound));
        self.set_actors(actors);
    }

    fn set_actors(&mut self, actors: Actors) {
        self.actors = self.sums.set_actors(actors);
    }

    /// From now on sums are counted: those of the kept events are noted first.
    fn blur(&mut self, host: &H, bound: u8) {
        let actors = self.counted_actors(bound);
        self.fold = self.fold(host);
        self.set_actors(actors);
    }

    /// Keeps no more than the last so many. Returns how many were let go.
    pub(crate) fn keep_last(&mut self, keep: usize, host: &H, bound: u8) -> u64 {
        let over = self.kept.len().saturating_sub(keep);
        if over > 0 {
            if self.is_exact() {
                self.blur(host, bound);
            }
            self.kept.many().drain(..over);
        }
        over as u64
    }

    /// Takes out what `select` names.
    #[inline(always)]
    pub(crate) fn remove(&mut self, select: Select) -> Removed {
        if let Few::One(item) = &self.kept
            && self.sums.total == 1
        {
            if !select.takes(item) {
                return Removed::default();
            }
            let (bytes, events) = (item.bytes, vec![(item.id, item.kind)]);
            *self = Self::default();
            return Removed { count: 1, bytes, events };
        }
        self.remove_of_many(select)
    }

    #[inline(never)]
    fn remove_of_many(&mut self, select: Select) -> Removed {
        let exact = self.is_exact();
        let mut removed = Removed::default();
        if self.sums.total == 0 {
            return removed;
        }
        let takes_all = if exact {
            self.kept.iter().all(|item| select.takes(item))
        } else {
            select.takes_counted(&self.sums)
        };
        if takes_all {
            let gone = std::mem::take(self);
            removed.events = gone.kept.iter().map(|item| (item.id, item.kind)).collect();
            (removed.count, removed.bytes) = (gone.sums.total, gone.sums.bytes);
            return removed;
        }
        if let Select::Event(id) = select
            && exact
            && let Some(removed) = self.remove_one(id)
        {
            return removed;
        }
        // In one walk: what stays is counted anew on the way.
        let mut sums = Sums::default();
        self.kept.retain(|item| {
            let takes = select.takes(item);
            if takes {
                removed.bytes = removed.bytes.saturating_add(item.bytes);
                removed.events.push((item.id, item.kind));
            } else {
                sums.count(item);
            }
            !takes
        });
        removed.count = u32::try_from(removed.events.len()).unwrap_or(u32::MAX);
        if exact {
            self.sums = sums;
        } else {
            self.sums.total = self.sums.total.saturating_sub(removed.count);
            self.sums.bytes = self.sums.bytes.saturating_sub(removed.bytes);
        }
        removed
    }

    /// Takes one event out of an exact batch, which may be very large, without counting the others anew. `None` if that
    /// cannot be helped: several have this id, or it was the first, the last or the highest of them.
    fn remove_one(&mut self, id: EventId) -> Option<Removed> {
        let mut places = self.kept.iter().enumerate().filter(|(_, item)| item.id == id);
        let Some((place, item)) = places.next() else { return Some(Removed::default()) };
        let (sums, at) = (&mut self.sums, item.at.as_millis());
        let inside = sums.first < at && at < sums.last && item.seq < sums.seq_hi.max(1);
        let low = item.class < sums.class.max(1) && sums.bytes < u32::MAX;
        if places.next().is_some() || !inside || !low {
            return None;
        }
        let item = self.kept.many().remove(place);
        sums.total = sums.total.saturating_sub(1);
        sums.bytes = sums.bytes.saturating_sub(item.bytes);
        Some(Removed { count: 1, bytes: item.bytes, events: vec![(item.id, item.kind)] })
    }

    /// Adds `later` behind this.
    pub(crate) fn join(&mut self, mut later: Self, host: &H, bound: u8) {
        if self.sums.total == 0 {
            *self = later;
            return;
        }
        if later.sums.total == 0 {
            return;
        }
        if !(self.is_exact() && later.is_exact()) {
            let mut actors = self.counted_actors(bound);
            actors.join(&later.counted_actors(bound), u16::from(bound));
            let (mut fold, later_fold) = (self.fold(host), later.fold(host));
            host.merge(&mut fold, later_fold);
            self.fold = fold;
            self.set_actors(actors);
        }
        let in_order = self.sums.last <= later.sums.first;
        self.kept.many().append(later.kept.many());
        if !in_order {
            self.kept.many().sort_by_key(|item| item.at);
        }
        self.sums.join(&later.sums);
    }

    /// The caller's fold.
    #[inline]
    pub(crate) fn fold(&self, host: &H) -> H::Fold {
        if !self.is_exact() {
            return self.fold.clone();
        }
        let mut state = H::Fold::default();
        if const { size_of::<H::Fold>() > 0 } {
            self.kept.iter().for_each(|item| host.fold(&mut state, item));
        }
        state
    }

    /// The distinct actors, up to `bound`, which may have been another when they were counted.
    #[inline(always)]
    pub(crate) fn counted_actors(&self, bound: u8) -> Actors {
        let mut actors = Actors::default();
        if let Few::One(one) = &self.kept
            && self.sums.total == 1
        {
            actors.insert(one.actor, u16::from(bound));
        } else if self.is_exact() {
            self.kept.iter().for_each(|item| actors.insert(item.actor, u16::from(bound)));
        } else {
            actors = self.sums.known_actors(&self.actors);
            actors.cut(u16::from(bound));
        }
        actors
    }

    /// When this event came, if it is kept here.
    pub(crate) fn time_of(&self, id: EventId) -> Option<u64> {
        self.kept.iter().find(|item| item.id == id).map(|item| item.at.as_millis())
    }
}

/// The batches of a key that are not answered yet, the oldest first. Most keys have none, and hardly any has more than one:
/// so there is never room for more than there are.
pub(crate) struct Flights<H: Host>(Box<[Flight<H>]>);

impl<H: Host> Default for Flights<H> {
    fn default() -> Self {
        Self(Box::default())
    }
}

impl<H: Host> Flights<H> {
    pub(crate) const fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    #[inline]
    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Flight<H>> {
        self.0.iter()
    }

    #[inline]
    pub(crate) fn iter_mut(&mut self) -> std::slice::IterMut<'_, Flight<H>> {
        self.0.iter_mut()
    }

    #[inline(always)]
    pub(crate) fn push(&mut self, flight: Flight<H>) {
        if self.0.is_empty() {
            self.0 = Box::new([flight]);
        } else {
            self.change(|all| {
                all.reserve_exact(1);
                all.push(flight);
            });
        }
    }

    /// Takes the first out that `is_it` accepts.
    pub(crate) fn take(&mut self, is_it: impl Fn(&Flight<H>) -> bool) -> Option<Flight<H>> {
        let at = self.0.iter().position(is_it)?;
        if self.0.len() == 1 {
            return std::mem::take(&mut self.0).into_vec().pop();
        }
        self.change(|all| (at < all.len()).then(|| all.remove(at)))
    }

    pub(crate) fn retain(&mut self, stays: impl Fn(&Flight<H>) -> bool) {
        self.change(|all| all.retain(stays));
    }

    fn change<T>(&mut self, change: impl FnOnce(&mut Vec<Flight<H>>) -> T) -> T {
        let mut all = std::mem::take(&mut self.0).into_vec();
        let changed = change(&mut all);
        self.0 = all.into_boxed_slice();
        changed
    }
}

/// A batch that went out and is not answered yet, or an urgent one that is held.
pub(crate) struct Flight<H: Host> {
    pub(crate) generation: u64,
    pub(crate) lane: Lane,
    pub(crate) collapse_id: CollapseId,
    /// When it counts as failed; of one that is held, when it goes.
    pub(crate) until: u64,
    pub(crate) held: bool,
    /// How often it failed before.
    pub(crate) failures: u8,
    /// How many events it had when it went out.
    pub(crate) sent: u32,
    /// How many of them were read since.
    pub(crate) read: u32,
    /// How many were cancelled since.
    pub(crate) cancelled: u32,
    /// The others.
    pub(crate) batch: Batch<H>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Event, Plain};
    use proptest::prelude::*;

    type Tested = Batch<Plain<u8>>;

    fn batch(events: impl Iterator<Item = (u128, u64, u8, u64)>) -> Tested {
        let mut batch = Tested::default();
        for (id, seq, class, at) in events {
            let event = Event::<Plain<u8>>::new(0, EventId(id), ());
            let event = event.with_seq(seq).with_class(class).with_bytes(7);
            batch.push(event.into_item(at).1, usize::MAX, &Plain::new(), 5);
        }
        batch
    }

    proptest! {
        /// Also where several have the id, where none has, and where it was the first, the last or the highest.
        #[test]
        fn without_one_event_it_is_as_if_that_had_never_come(
            mut events in proptest::collection::vec((0..12_u128, 0..6_u64, 0..3_u8, 0..30_u64), 1..14), id in 0..12_u128,
        ) {
            events.sort_by_key(|event| event.3);
            let mut all = batch(events.iter().copied());
            let removed = all.remove(Select::Event(EventId(id)));
            let others = batch(events.iter().copied().filter(|event| event.0 != id));
            let gone = (events.len() - others.kept.len()) as u32;
            prop_assert_eq!((removed.count, removed.bytes, removed.events.len()), (gone, gone * 7, gone as usize));
            prop_assert_eq!(format!("{:?}", all.sums), format!("{:?}", others.sums));
            prop_assert_eq!(&*all.kept, &*others.kept);
        }
    }
}
