//! Values by number, in chunks: growing moves nothing.

use crate::index::NONE;

const CHUNK_BITS: u32 = 12;
const CHUNK: usize = 1 << CHUNK_BITS;

/// Numbers that are released are given out again, the last one first.
#[derive(Debug)]
pub(crate) struct Slab<T> {
    chunks: Vec<Vec<T>>,
    free: Vec<u32>,
    made: u32,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self { chunks: Vec::new(), free: Vec::new(), made: 0 }
    }
}

impl<T> Slab<T> {
    #[inline]
    pub(crate) fn get(&self, at: u32) -> Option<&T> {
        self.chunks.get((at >> CHUNK_BITS) as usize)?.get(at as usize & (CHUNK - 1))
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, at: u32) -> Option<&mut T> {
        self.chunks.get_mut((at >> CHUNK_BITS) as usize)?.get_mut(at as usize & (CHUNK - 1))
    }

    /// `None` if all numbers are taken.
    pub(crate) fn insert(&mut self, value: T) -> Option<u32> {
        if let Some(at) = self.free.pop() {
            *self.get_mut(at)? = value;
            return Some(at);
        }
        let at = self.made;
        if at == NONE {
            return None;
        }
        if at as usize & (CHUNK - 1) == 0 {
            // The first one grows by need: most machines are small.
            self.chunks.push(Vec::with_capacity(if at == 0 { 0 } else { CHUNK }));
        }
        self.chunks.last_mut()?.push(value);
        self.made += 1;
        Some(at)
    }

    /// The number may be given out again. What is there stays until then.
    pub(crate) fn release(&mut self, at: u32) {
        self.free.push(at);
    }

    /// Numbers that are in use.
    pub(crate) fn len(&self) -> usize {
        self.made as usize - self.free.len()
    }

    /// Whether it is empty and holds more than a chunk: it should be made anew.
    pub(crate) fn is_spent(&self) -> bool {
        self.chunks.len() > 1 && self.len() == 0
    }

    /// One more than the highest number that was given out.
    pub(crate) const fn made(&self) -> usize {
        self.made as usize
    }
}
