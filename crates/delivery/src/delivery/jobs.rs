//! The jobs that are not settled: by name, by age, by the time when something is due.

use reveille_core::UnixTime;

use super::live::{Live, Packed};
use super::timers::Timers;
use crate::index::{Index, NONE};
use crate::slab::Slab;

/// Jobs in a slab, with lists through it.
#[derive(Debug)]
pub(super) struct Jobs {
    places: Slab<Place>,
    index: Index,
    timers: Timers,
    /// The ends of the list by age.
    oldest: u32,
    newest: u32,
    /// The number of the next job.
    next: u64,
}

#[derive(Debug)]
struct Place {
    /// `None` while somebody works on it, and in places that are free.
    live: Option<Live>,
    /// The younger, the greater.
    number: u64,
    older: u32,
    younger: u32,
    /// The next younger one in its slot.
    next_in_slot: u32,
}

impl Jobs {
    pub(super) fn new() -> Self {
        Self {
            places: Slab::default(),
            index: Index::default(),
            timers: Timers::default(),
            oldest: NONE,
            newest: NONE,
            next: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    pub(super) fn find(&self, tag: u32, id: Packed) -> Option<u32> {
        self.index.find(tag, |at| self.get(at).is_some_and(|live| live.id == id))
    }

    #[inline]
    pub(super) fn get(&self, at: u32) -> Option<&Live> {
        self.places.get(at)?.live.as_ref()
    }

    /// Room for so many.
    pub(super) fn reserve(&mut self, jobs: usize) {
        self.index.reserve(jobs);
    }

    /// A place for a job that is the youngest now, to be put there after the first work on it; `None` if there are 4 billion.
    pub(super) fn insert(&mut self, tag: u32) -> Option<u32> {
        let number = self.next;
        let older = self.newest;
        let place = Place { live: None, number, older, younger: NONE, next_in_slot: NONE };
        let at = self.places.insert(place)?;
        self.next += 1;
        self.index.insert(tag, at);
        match self.places.get_mut(older) {
            Some(place) => place.younger = at,
            None => self.oldest = at,
        }
        self.newest = at;
        Some(at)
    }

    /// To be worked on. Put it back, or remove it.
    #[inline]
    pub(super) fn take(&mut self, at: u32) -> Option<Live> {
        self.places.get_mut(at)?.live.take()
    }

    /// After the work; its timer is set.
    #[inline]
    pub(super) fn put_back(&mut self, at: u32, live: Live) {
        let due = live.next_due();
        let Some(place) = self.places.get_mut(at) else { return };
        place.live = Some(live);
        self.timers.set(at, due, place.number);
    }

    /// A job that was taken has ended.
    pub(super) fn remove(&mut self, tag: u32, at: u32) {
        self.timers.clear(at);
        self.index.remove(tag, at);
        let Some(place) = self.places.get(at) else { return };
        let (older, younger) = (place.older, place.younger);
        match self.places.get_mut(older) {
            Some(place) => place.younger = younger,
            None => self.oldest = younger,
        }
        match self.places.get_mut(younger) {
            Some(place) => place.older = older,
            None => self.newest = older,
        }
        self.places.release(at);
        if self.places.is_spent() {
            // After a flood, its memory is given back.
            *self = Self { next: self.next, ..Self::new() };
        }
    }

    /// The place of every job, the oldest first.
    pub(super) fn by_age(&self) -> impl Iterator<Item = u32> {
        let known = |at: u32| (at != NONE).then_some(at);
        let younger = move |at: &u32| known(self.places.get(*at)?.younger);
        std::iter::successors(known(self.oldest), younger)
    }

    /// The places by age, to be worked on.
    pub(super) fn all(&self) -> Vec<u32> {
        let mut all = Vec::with_capacity(self.len());
        all.extend(self.by_age());
        all
    }

    /// When something is due first, and for which job.
    #[inline]
    pub(super) fn first_due(&self) -> Option<(UnixTime, u32)> {
        self.timers.first()
    }

    /// The next younger job of the same slot, or [`NONE`].
    #[inline]
    pub(super) fn next_in_slot(&self, at: u32) -> u32 {
        self.places.get(at).map_or(NONE, |place| place.next_in_slot)
    }

    pub(super) fn set_next_in_slot(&mut self, at: u32, next: u32) {
        if let Some(place) = self.places.get_mut(at) {
            place.next_in_slot = next;
        }
    }
}
