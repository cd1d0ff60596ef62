//! What was delivered and is not read. It stays for as long as its key is remembered, so of each event there is only what
//! reads, cancels and reminders ask for, and no sums as long as they can be made from the events.

use reveille_core::UnixTime;

use crate::batch::{Batch, Removed, Select};
use crate::store::items::Node;
use crate::summary::Actors;
use crate::sums::Sums;
use crate::time::NEVER;
use crate::{EventId, Host, Item};

/// Of one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) id: EventId,
    pub(crate) seq: u64,
    pub(crate) actor: u64,
    pub(crate) at: u64,
    pub(crate) bytes: u32,
    pub(crate) kind: u16,
    pub(crate) class: u8,
}

impl Told {
    pub(crate) fn of(node: &Node) -> Self {
        let Node { id, seq, actor, at, bytes, kind, class, .. } = *node;
        Self { id: EventId(id), seq, actor, at, bytes, kind, class }
    }

    pub(crate) fn node(&self) -> Node {
        let Self { id, seq, actor, at, bytes, kind, class } = *self;
        let at = UnixTime::from_millis(at);
        let (useful_until, rank, payload) = (UnixTime::MAX, 0, None::<()>);
        Node::of(&Item { id, seq, actor, at, useful_until, kind, class, rank, bytes, payload })
    }

    fn is_of(&self, select: Select) -> bool {
        select.takes_one(self.id, self.kind, self.seq, self.at, NEVER)
    }
}

/// The delivered events of one key and lane.
#[derive(Debug, Default)]
pub(crate) struct Delivered {
    /// Those that are kept one by one, oldest first.
    kept: Vec<Told>,
    /// Of all, where others are only counted: then there are more of them than are kept.
    counted: Option<Box<Counted>>,
}

#[derive(Debug)]
struct Counted {
    sums: Sums,
    /// The actors after the first.
    actors: Vec<u64>,
}

impl Counted {
    fn new(mut sums: Sums, actors: Actors) -> Self {
        let rest = sums.set_actors(actors);
        Self { sums, actors: rest }
    }
}

impl Delivered {
    /// From what a snapshot has of it.
    pub(crate) fn restored(sums: Sums, actors: Vec<u64>, kept: Vec<Told>) -> Self {
        let is_exact = kept.len() == sums.total as usize;
        Self { kept, counted: (!is_exact).then(|| Box::new(Counted { sums, actors })) }
    }

    #[inline]
    pub(crate) fn total(&self) -> u32 {
        let kept = u32::try_from(self.kept.len()).unwrap_or(u32::MAX);
        self.counted.as_deref().map_or(kept, |counted| counted.sums.total)
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.kept.is_empty() && self.counted.is_none()
    }

    pub(crate) fn kept(&self) -> &[Told] {
        &self.kept
    }

    pub(crate) fn sums(&self) -> Sums {
        self.counted.as_deref().map_or_else(|| sums_of(&self.kept), |counted| counted.sums)
    }

    /// The counted actors after the first.
    pub(crate) fn counted_rest(&self) -> &[u64] {
        self.counted.as_deref().map_or(&[], |counted| &counted.actors)
    }

    /// The distinct actors, up to `bound`, which may have been another when they were counted.
    pub(crate) fn actors(&self, bound: u8) -> Actors {
        let mut actors = Actors::default();
        if let Some(counted) = self.counted.as_deref() {
            actors = counted.sums.known_actors(&counted.actors);
            actors.cut(bound.into());
        } else {
            self.kept.iter().for_each(|told| actors.insert(told.actor, bound.into()));
        }
        actors
    }

    /// When this event came, if it is kept here.
    pub(crate) fn time_of(&self, id: EventId) -> Option<u64> {
        self.kept.iter().find(|told| told.id == id).map(|told| told.at)
    }

    /// A batch was delivered.
    pub(crate) fn add<H: Host>(&mut self, batch: Batch<H>, bound: u8) {
        if batch.sums.total == 0 {
            return;
        }
        if self.counted.is_some() || !batch.is_exact() {
            self.count(&batch, bound);
        }
        let in_order = self.kept.last().is_none_or(|last| last.at <= batch.sums.first);
        if self.kept.is_empty() {
            self.kept.reserve_exact(batch.kept.len());
        }
        self.kept.extend(batch.kept.iter().map(|item| Told::of(&Node::of(item))));
        if !in_order {
            self.kept.sort_by_key(|told| told.at);
        }
    }

    /// Counts this and a batch together.
    fn count<H: Host>(&mut self, batch: &Batch<H>, bound: u8) {
        let counted = if self.is_empty() {
            Counted { sums: batch.sums, actors: batch.actors.clone() }
        } else {
            let (mut sums, mut actors) = (self.sums(), self.actors(bound));
            actors.join(&batch.counted_actors(bound), bound.into());
            sums.join(&batch.sums);
            Counted::new(sums, actors)
        };
        self.counted = Some(Box::new(counted));
    }

    /// Keeps no more than the last so many. Returns how many were let go.
    pub(crate) fn keep_last(&mut self, keep: usize, bound: u8) -> u64 {
        let over = self.kept.len().saturating_sub(keep);
        if over > 0 {
            if self.counted.is_none() {
                self.counted = Some(Box::new(Counted::new(self.sums(), self.actors(bound))));
            }
            self.kept.drain(..over);
            self.shrink();
        }
        over as u64
    }

    /// Takes out what `select` names: of what is only counted all, or nothing.
    pub(crate) fn remove(&mut self, select: Select) -> Removed {
        let mut removed = Removed::default();
        if let Some(counted) = self.counted.as_deref()
            && select.takes_counted(&counted.sums)
        {
            removed.events = self.kept.iter().map(|told| (told.id, told.kind)).collect();
            removed.bytes = self.kept.iter().map(|told| u64::from(told.bytes)).sum();
            removed.count = counted.sums.total;
            *self = Self::default();
            return removed;
        }
        self.kept.retain(|told| {
            let takes = told.is_of(select);
            if takes {
                removed.bytes += u64::from(told.bytes);
                removed.events.push((told.id, told.kind));
            }
            !takes
        });
        removed.count = u32::try_from(removed.events.len()).unwrap_or(u32::MAX);
        if let Some(counted) = self.counted.as_deref_mut() {
            counted.sums.total = counted.sums.total.saturating_sub(removed.count);
            counted.sums.lose_bytes(removed.bytes);
        }
        self.shrink();
        removed
    }

    /// What a read of very many events leaves behind is not kept for an hour.
    fn shrink(&mut self) {
        if self.kept.len() < self.kept.capacity() / 4 {
            self.kept.shrink_to(self.kept.len() * 2);
        }
    }

    /// For a step of the clock.
    pub(crate) fn each_time(&mut self, mut change: impl FnMut(&mut u64)) {
        if let Some(counted) = self.counted.as_deref_mut() {
            change(&mut counted.sums.first);
            change(&mut counted.sums.last);
        }
        self.kept.iter_mut().for_each(|told| change(&mut told.at));
    }
}

fn sums_of(kept: &[Told]) -> Sums {
    let mut sums = Sums::default();
    kept.iter().for_each(|told| sums.add(told.at, told.bytes, told.seq, told.class));
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Room;
    use crate::{Event, Plain};
    use proptest::prelude::*;

    #[test]
    fn what_waits_an_hour_is_small() {
        assert_eq!((size_of::<Told>(), size_of::<Delivered>()), (48, 32));
    }

    type Tested = Batch<Plain<u8>>;

    fn same(ours: &Delivered, batch: &Tested, bound: u8) -> Result<(), TestCaseError> {
        let told: Vec<Told> = batch.kept.iter().map(|item| Told::of(&Node::of(item))).collect();
        prop_assert_eq!(ours.kept(), told.as_slice());
        prop_assert_eq!(ours.total(), batch.sums.total);
        prop_assert_eq!(ours.is_empty(), batch.sums.total == 0);
        prop_assert_eq!(ours.actors(bound), batch.counted_actors(bound));
        prop_assert_eq!(format!("{:?}", ours.sums()), format!("{:?}", batch.sums));
        Ok(())
    }

    proptest! {
        /// What a batch does that is joined by the others.
        #[test]
        fn does_what_a_batch_does(
            batches in proptest::collection::vec(
                (proptest::collection::vec((0..6_u128, 0..6_u64, 0..3_u8, 0..30_u64), 0..6), 0..5_usize),
                1..6,
            ),
            removals in proptest::collection::vec(0..12_u64, 6),
            keep in 0..12_usize,
        ) {
            let (host, bound) = (Plain::<u8>::new(), 2);
            let make = |(events, keep): &(Vec<(u128, u64, u8, u64)>, usize)| {
                let mut batch = Tested::default();
                let mut events = events.clone();
                events.sort_by_key(|event| event.3);
                for (id, seq, class, at) in events {
                    let event = Event::<Plain<u8>>::new(0, EventId(id), ()).with_seq(seq).with_class(class);
                    let item = event.with_actor(id as u64).with_kind(id as u16 & 1).with_bytes(7).into_item(at).1;
                    let events = if *keep == 0 { usize::MAX } else { *keep - 1 };
                    batch.push(item, Room { events, bytes: u64::MAX }, &host, bound);
                }
                batch
            };
            let (mut ours, mut model) = (Delivered::default(), Tested::default());
            for (batch, removal) in batches.iter().zip(removals) {
                ours.add(make(batch), bound);
                model.join(make(batch), &host, bound);
                same(&ours, &model, bound)?;
                let select = match removal % 6 {
                    0 => Select::UpTo(removal / 2),
                    1 => Select::Until(removal * 3),
                    2 => Select::Event(EventId((removal / 2).into())),
                    3 => Select::Kind(1),
                    4 if removal > 6 => Select::All,
                    _ => continue,
                };
                let (removed, expected) = (ours.remove(select), model.remove(select));
                prop_assert_eq!((removed.count, removed.bytes), (expected.count, expected.bytes));
                prop_assert_eq!(removed.events, expected.events);
                same(&ours, &model, bound)?;
            }
            let room = Room { events: keep, bytes: u64::MAX };
            prop_assert_eq!(ours.keep_last(keep, bound), model.keep_last(room, &host, bound));
            same(&ours, &model, bound)?;
        }
    }
}
