//! Events that belong together: pending, in flight, or delivered.

use crate::{Actors, EventId, Host, Item, Lane};

/// Which events of a batch.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Select {
    /// Those that a read covers.
    UpTo(u64),
    Event(EventId),
    Kind(u16),
    All,
    /// Those that came before this.
    Before(u64),
}

impl Select {
    fn takes<T>(self, item: &Item<T>) -> bool {
        match self {
            Self::UpTo(mark) => item.seq <= mark,
            Self::Event(id) => item.id == id,
            Self::Kind(kind) => item.kind == kind,
            Self::All => true,
            Self::Before(at) => item.at.as_millis() < at,
        }
    }
}

/// What was taken out of a batch.
#[derive(Debug, Default)]
pub(crate) struct Removed {
    pub(crate) count: u32,
    pub(crate) bytes: u32,
    pub(crate) items: u64,
    pub(crate) ids: Vec<EventId>,
}

/// Events, one by one (`tracked`) or only counted.
pub(crate) struct Batch<H: Host> {
    pub(crate) tracked: bool,
    pub(crate) total: u32,
    pub(crate) bytes: u32,
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) seq_hi: u64,
    pub(crate) class: u8,
    /// Counted only while not tracked; otherwise the items say it.
    pub(crate) actors: Actors,
    pub(crate) items: Vec<Item<H::Payload>>,
    pub(crate) fold: H::Fold,
}

impl<H: Host> Default for Batch<H> {
    fn default() -> Self {
        Self {
            tracked: true,
            total: 0,
            bytes: 0,
            first: u64::MAX,
            last: 0,
            seq_hi: 0,
            class: 0,
            actors: Actors::default(),
            items: Vec::new(),
            fold: H::Fold::default(),
        }
    }
}

impl<H: Host> Batch<H> {
    /// Takes out what `select` names. A batch that is only counted gives all or nothing.
    pub(crate) fn remove(&mut self, select: Select) -> Removed {
        if !self.tracked {
            let all = match select {
                Select::UpTo(mark) => self.seq_hi <= mark,
                Select::All => true,
                Select::Before(at) => self.last < at,
                Select::Event(_) | Select::Kind(_) => false,
            };
            if !all || self.total == 0 {
                return Removed::default();
            }
            let gone = std::mem::take(self);
            return Removed {
                count: gone.total,
                bytes: gone.bytes,
                items: gone.items.len() as u64,
                ids: Vec::new(),
            };
        }
        let mut removed = Removed::default();
        self.items.retain(|item| {
            let takes = select.takes(item);
            if takes {
                removed.count += 1;
                removed.bytes = removed.bytes.saturating_add(item.bytes);
                removed.ids.push(item.id);
            }
            !takes
        });
        removed.items = u64::from(removed.count);
        if removed.count > 0 {
            self.recount();
        }
        removed
    }

    /// Makes the totals anew from the items.
    fn recount(&mut self) {
        self.total = u32::try_from(self.items.len()).unwrap_or(u32::MAX);
        self.bytes = self.items.iter().fold(0, |sum: u32, item| sum.saturating_add(item.bytes));
        self.first = self.items.iter().map(|item| item.at.as_millis()).min().unwrap_or(u64::MAX);
        self.last = self.items.iter().map(|item| item.at.as_millis()).max().unwrap_or(0);
        self.seq_hi = self.items.iter().map(|item| item.seq).max().unwrap_or(0);
        self.class = self.items.iter().map(|item| item.class).max().unwrap_or(0);
    }

    /// Adds `later` behind this. One by one only if both are; otherwise the last item stays as the sample.
    /// Returns how many items were dropped for that.
    pub(crate) fn join(&mut self, mut later: Self, host: &H, actors: u16) -> u64 {
        if self.total == 0 {
            let dropped = self.items.len() as u64;
            *self = later;
            return dropped;
        }
        if later.total == 0 {
            return later.items.len() as u64;
        }
        let before = (self.items.len() + later.items.len()) as u64;
        let both = self.tracked && later.tracked;
        if both {
            self.items.append(&mut later.items);
        } else {
            self.actors = self.counted_actors(actors);
            self.actors.join(&later.counted_actors(actors), actors);
            (self.fold, later.fold) = (self.fold(host), later.fold(host));
            self.tracked = false;
            let newest = later.items.pop();
            self.items.clear();
            self.items.extend(newest);
        }
        if !both {
            host.merge(&mut self.fold, later.fold);
        }
        self.total = self.total.saturating_add(later.total);
        self.bytes = self.bytes.saturating_add(later.bytes);
        self.first = self.first.min(later.first);
        self.last = self.last.max(later.last);
        self.seq_hi = self.seq_hi.max(later.seq_hi);
        self.class = self.class.max(later.class);
        before - self.items.len() as u64
    }

    /// The caller's fold; of events that are kept it is made anew.
    pub(crate) fn fold(&self, host: &H) -> H::Fold {
        if !self.tracked {
            return self.fold.clone();
        }
        let mut state = H::Fold::default();
        for item in &self.items {
            host.fold(&mut state, item);
        }
        state
    }

    /// The distinct actors, up to `bound`, which may have been another when they were counted.
    pub(crate) fn counted_actors(&self, bound: u16) -> Actors {
        if !self.tracked {
            let mut actors = self.actors.clone();
            actors.cut(bound);
            return actors;
        }
        let mut actors = Actors::default();
        for item in &self.items {
            actors.insert(item.actor, bound);
        }
        actors
    }
}

/// A batch that went out and is not answered yet.
pub(crate) struct Flight<H: Host> {
    pub(crate) generation: u64,
    pub(crate) lane: Lane,
    /// When it counts as failed.
    pub(crate) until: u64,
    /// How many events it had when it went out.
    pub(crate) sent: u32,
    /// How many of them were read since.
    pub(crate) read: u32,
    /// How many were cancelled since.
    pub(crate) cancelled: u32,
    /// The others.
    pub(crate) batch: Batch<H>,
}
