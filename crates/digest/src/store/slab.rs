//! Records by number, in chunks: growing never moves a record and never doubles the memory.

use super::record::{Cold, Hot, Wait};
use crate::Host;
use crate::hash::Identity;
use crate::time::NEVER;

const CHUNK_BITS: u32 = 15;
const CHUNK: usize = 1 << CHUNK_BITS;
const NONE: u32 = u32::MAX;

pub(crate) struct Slab<H: Host> {
    chunks: Vec<Chunk<H>>,
    free: u32,
    /// The next fresh number. They begin anew when no record is in use, whether or not its memory was given back: what is
    /// due in one millisecond goes in their order, so they must not depend on that.
    made: u32,
    used: u32,
}

/// The two halves of so many records; always as many of the one as of the other.
struct Chunk<H: Host> {
    hot: Vec<Hot>,
    cold: Vec<Cold<H>>,
}

#[inline(always)]
const fn place(index: u32) -> (usize, usize) {
    ((index >> CHUNK_BITS) as usize, index as usize & (CHUNK - 1))
}

impl<H: Host> Slab<H> {
    pub(crate) const fn new() -> Self {
        Self { chunks: Vec::new(), free: NONE, made: 0, used: 0 }
    }

    pub(crate) const fn used(&self) -> u32 {
        self.used
    }

    /// One more than the highest number given since no record was in use.
    pub(crate) const fn made(&self) -> u32 {
        self.made
    }

    #[inline]
    pub(crate) fn hot(&self, index: u32) -> Option<&Hot> {
        let (chunk, at) = place(index);
        self.chunks.get(chunk)?.hot.get(at)
    }

    #[inline]
    pub(crate) fn hot_mut(&mut self, index: u32) -> Option<&mut Hot> {
        let (chunk, at) = place(index);
        self.chunks.get_mut(chunk)?.hot.get_mut(at)
    }

    #[inline]
    pub(crate) fn cold(&self, index: u32) -> Option<&Cold<H>> {
        let (chunk, at) = place(index);
        self.chunks.get(chunk)?.cold.get(at)
    }

    #[inline]
    pub(crate) fn both(&self, index: u32) -> Option<(&Hot, &Cold<H>)> {
        let (chunk, at) = place(index);
        let chunk = self.chunks.get(chunk)?;
        Some((chunk.hot.get(at)?, chunk.cold.get(at)?))
    }

    #[inline]
    pub(crate) fn both_mut(&mut self, index: u32) -> Option<(&mut Hot, &mut Cold<H>)> {
        let (chunk, at) = place(index);
        let chunk = self.chunks.get_mut(chunk)?;
        Some((chunk.hot.get_mut(at)?, chunk.cold.get_mut(at)?))
    }

    /// A record in use, or `None` if all numbers are taken.
    pub(crate) fn insert(&mut self, identity: Identity, key: H::Key) -> Option<u32> {
        let hot = Hot { fingerprint: identity.fingerprint(), end: NEVER, wait: Wait::Idle, ..Hot::default() };
        let cold = Cold { key: Some(key), low: identity.low(), ..Cold::default() };
        let index = self.free;
        if index == NONE {
            let index = self.grow(hot, cold)?;
            self.used += 1;
            return Some(index);
        }
        let (old_hot, old_cold) = self.both_mut(index)?;
        let next = old_hot.armed;
        (*old_hot, *old_cold) = (hot, cold);
        self.free = next;
        self.used += 1;
        Some(index)
    }

    fn grow(&mut self, hot: Hot, cold: Cold<H>) -> Option<u32> {
        let index = self.made;
        if index == NONE {
            return None;
        }
        self.made += 1;
        if let Some((old_hot, old_cold)) = self.both_mut(index) {
            // Its memory is there from before the numbers began anew.
            (*old_hot, *old_cold) = (hot, cold);
            return Some(index);
        }
        let (chunk, _) = place(index);
        if self.chunks.len() <= chunk {
            // The first chunk grows as needed, so that a small engine is small.
            let capacity = if chunk == 0 { 0 } else { CHUNK };
            self.chunks.push(Chunk { hot: Vec::with_capacity(capacity), cold: Vec::with_capacity(capacity) });
        }
        let chunk = self.chunks.get_mut(chunk)?;
        chunk.hot.push(hot);
        chunk.cold.push(cold);
        Some(index)
    }

    /// Frees a record and gives back what was in it.
    pub(crate) fn remove(&mut self, index: u32) -> Option<(Hot, Cold<H>)> {
        let free = self.free;
        let (hot, cold) = self.both_mut(index)?;
        if hot.wait == Wait::Free {
            return None;
        }
        let hot = std::mem::replace(hot, Hot { armed: free, ..Hot::default() });
        let cold = std::mem::take(cold);
        self.free = index;
        self.used -= 1;
        if self.used == 0 {
            (self.made, self.free) = (0, NONE);
        }
        Some((hot, cold))
    }

    pub(crate) fn memory(&self) -> usize {
        let hot: usize = self.chunks.iter().map(|chunk| chunk.hot.capacity()).sum();
        let cold: usize = self.chunks.iter().map(|chunk| chunk.cold.capacity()).sum();
        let lists = self.chunks.capacity() * size_of::<Chunk<H>>();
        hot * size_of::<Hot>() + cold * size_of::<Cold<H>>() + lists
    }

    /// Gives all memory back, if nothing is in use.
    pub(crate) fn shrink(&mut self) {
        if self.used == 0 {
            *self = Self::new();
        }
    }

    /// The numbers in use, rising.
    pub(crate) fn indices(&self) -> impl Iterator<Item = u32> + use<'_, H> {
        (0..self.made).filter(|index| self.hot(*index).is_some_and(|hot| hot.wait != Wait::Free))
    }

    /// The free numbers, in the order in which they will be used again.
    pub(crate) fn free_list(&self) -> impl Iterator<Item = u32> + use<'_, H> {
        std::iter::successors(Some(self.free), |index| self.hot(*index).map(|hot| hot.armed))
            .take_while(|index| *index != NONE)
    }

    /// For restoring: makes `made` records, all free, in the order given.
    pub(crate) fn rebuild(made: u32, free: &[u32]) -> Option<Self> {
        let mut slab = Self::new();
        for _ in 0..made {
            slab.grow(Hot::default(), Cold::default())?;
        }
        let mut next = NONE;
        for index in free.iter().rev() {
            slab.hot_mut(*index)?.armed = next;
            next = *index;
        }
        slab.free = next;
        Some(slab)
    }

    /// For restoring: puts a record where it was.
    pub(crate) fn put(&mut self, index: u32, hot: Hot, cold: Cold<H>) -> Option<()> {
        let (old_hot, old_cold) = self.both_mut(index)?;
        if old_hot.wait != Wait::Free {
            return None;
        }
        *old_hot = hot;
        *old_cold = cold;
        self.used += 1;
        Some(())
    }
}
