//! Events that belong together: pending, in flight, or delivered.
//!
//! A batch is **exact** while every one of its events is kept. Then its actors and its fold are made from the events,
//! and any of them can be taken out. Otherwise (counts only, the latest only, or a bound was reached) the sums were counted
//! as the events came; what is kept can still be taken out one by one, the rest only all together.

use crate::few::Few;
use crate::summary::Actors;
use crate::sums::Sums;
use crate::{EventId, Host, Item};

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
    /// Of those that were kept.
    pub(crate) bytes: u64,
    /// Those of them that were kept, with their kinds.
    pub(crate) events: Vec<(EventId, u16)>,
}

/// The same of pending events, whose kinds nobody asks for.
#[derive(Debug, Default)]
pub(crate) struct Gone {
    pub(crate) count: u32,
    pub(crate) bytes: u64,
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
        self.bytes += other.bytes;
        self.events.append(&mut other.events);
    }
}

/// How much a batch may keep.
#[derive(Clone, Copy)]
pub(crate) struct Room {
    pub(crate) events: usize,
    pub(crate) bytes: u64,
}

pub(crate) struct Batch<H: Host> {
    /// Of all. Their bytes are as many as can be counted, and more; those of what is kept are exact.
    pub(crate) sums: Sums,
    /// Oldest first.
    pub(crate) kept: Few<Item<H::Payload>>,
    pub(crate) kept_bytes: u64,
    /// Until when any of them is of use, where they were counted.
    pub(crate) useful_until: u64,
    /// The actors after the first, where they were counted.
    pub(crate) actors: Vec<u64>,
    /// The caller's fold, where it was counted.
    pub(crate) fold: H::Fold,
}

impl<H: Host> Default for Batch<H> {
    fn default() -> Self {
        Self {
            sums: Sums::default(),
            kept: Few::new(),
            kept_bytes: 0,
            useful_until: 0,
            actors: Vec::new(),
            fold: H::Fold::default(),
        }
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
        Self { sums, kept_bytes: item.bytes.into(), kept: Few::One(item), ..Self::default() }
    }

    /// Adds an event; of what is kept, only the last stay for which there is room.
    pub(crate) fn push(&mut self, item: Item<H::Payload>, room: Room, host: &H, bound: u8) {
        let (exact, keep, bytes) = (self.is_exact(), room.events, u64::from(item.bytes));
        if exact && self.kept.len() < keep && self.kept_bytes + bytes <= room.bytes {
            self.sums.count(&item);
            self.kept_bytes += bytes;
            self.kept.push(item);
            return;
        }
        if exact {
            self.blur(host, bound);
        }
        self.sums.count(&item);
        self.count_actor(item.actor, bound);
        host.fold(&mut self.fold, &item);
        self.useful_until = self.useful_until.max(item.useful_until.as_millis());
        if keep == 0 {
            return;
        }
        let mut stay = self.kept.len();
        if stay >= keep || self.kept_bytes + bytes > room.bytes {
            // Half of them at once, so that a long batch costs no more per event than a short one.
            stay = stay.min(keep).div_ceil(2).saturating_sub(1);
        }
        if bytes > room.bytes {
            stay = 0;
        }
        self.let_go_of_oldest(Room { events: stay, bytes: room.bytes.saturating_sub(bytes) });
        if self.kept_bytes + bytes <= room.bytes {
            self.kept_bytes += bytes;
            self.kept.push(item);
        }
    }

    /// Takes the text of the oldest away, until the others have room. Returns how many these were.
    fn let_go_of_oldest(&mut self, room: Room) -> usize {
        let (mut over, mut bytes) = (self.kept.len().saturating_sub(room.events), self.kept_bytes);
        for (place, item) in self.kept.iter().enumerate() {
            if place >= over && bytes <= room.bytes {
                break;
            }
            bytes = bytes.saturating_sub(item.bytes.into());
            over = over.max(place + 1);
        }
        if over > 0 {
            self.kept.many().drain(..over);
            self.kept_bytes = bytes;
        }
        over
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
        self.useful_until = self.latest_use();
        self.set_actors(actors);
    }

    /// Until when any of them is of use.
    fn latest_use(&self) -> u64 {
        let kept = self.kept.iter().map(|item| item.useful_until.as_millis());
        if self.is_exact() { kept.max().unwrap_or_default() } else { self.useful_until }
    }

    /// Keeps no more than the last of them for which there is room. Returns how many were let go.
    pub(crate) fn keep_last(&mut self, room: Room, host: &H, bound: u8) -> u64 {
        if self.kept.len() <= room.events && self.kept_bytes <= room.bytes {
            return 0;
        }
        if self.is_exact() {
            self.blur(host, bound);
        }
        self.let_go_of_oldest(room) as u64
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
            let (bytes, events) = (item.bytes.into(), vec![(item.id, item.kind)]);
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
                || matches!(select, Select::Useless { now, .. } if self.useful_until < now)
        };
        if takes_all {
            let gone = std::mem::take(self);
            removed.events = gone.kept.iter().map(|item| (item.id, item.kind)).collect();
            (removed.count, removed.bytes) = (gone.sums.total, gone.kept_bytes);
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
                removed.bytes += u64::from(item.bytes);
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
            self.sums.lose_bytes(removed.bytes);
        }
        self.kept_bytes = self.kept_bytes.saturating_sub(removed.bytes);
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
        let bytes = item.bytes.into();
        self.kept_bytes = self.kept_bytes.saturating_sub(bytes);
        Some(Removed { count: 1, bytes, events: vec![(item.id, item.kind)] })
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
            self.useful_until = self.latest_use().max(later.latest_use());
            self.set_actors(actors);
        }
        let in_order = self.sums.last <= later.sums.first;
        self.kept.many().append(later.kept.many());
        if !in_order {
            self.kept.many().sort_by_key(|item| item.at);
        }
        self.kept_bytes += later.kept_bytes;
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
            batch.push(event.into_item(at).1, Room { events: usize::MAX, bytes: u64::MAX }, &Plain::new(), 5);
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
            let gone = events.len() - others.kept.len();
            prop_assert_eq!((removed.count as usize, removed.bytes, removed.events.len()), (gone, gone as u64 * 7, gone));
            prop_assert_eq!(all.kept_bytes, others.kept_bytes);
            prop_assert_eq!(format!("{:?}", all.sums), format!("{:?}", others.sums));
            prop_assert_eq!(&*all.kept, &*others.kept);
        }
    }
}
