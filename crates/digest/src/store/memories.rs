//! Keys that are only remembered: a cache of its own, in the order in which they became idle.
//!
//! All are remembered equally long, so the order of becoming idle is the order of forgetting: a queue is enough, for
//! time and for room. An entry is never taken out of the middle; a record says itself since when it is a memory, and
//! what does not match is skipped.

use std::collections::VecDeque;

#[derive(Default)]
pub(crate) struct Memories {
    /// Since when, the record, and the entry's own number.
    queue: VecDeque<(u64, u32, u32)>,
    last: u32,
    /// Records that are memories; the other entries are stale.
    pub(crate) len: u32,
}

impl Memories {
    /// Gives the entry's number.
    pub(crate) fn push(&mut self, since: u64, index: u32) -> u32 {
        self.last = self.last.wrapping_add(1);
        self.queue.push_back((since, index, self.last));
        self.len += 1;
        self.last
    }

    /// The oldest entry, stale or not.
    #[inline(always)]
    pub(crate) fn oldest(&self) -> Option<(u64, u32, u32)> {
        self.queue.front().copied()
    }

    pub(crate) fn pop(&mut self) {
        self.queue.pop_front();
    }

    pub(crate) fn memory(&self) -> usize {
        self.queue.capacity() * size_of::<(u64, u32, u32)>()
    }

    /// Gives memory back: all of it, if there are no memories.
    pub(crate) fn shrink(&mut self) {
        if self.len == 0 {
            self.queue.clear();
        }
        self.queue.shrink_to_fit();
    }

    /// Throws stale entries out, if they are the most.
    pub(crate) fn compact(&mut self, holds: impl Fn(u32, u32) -> bool) {
        if self.queue.len() > 64 && self.queue.len() / 2 > self.len as usize {
            self.queue.retain(|(_, index, entry)| holds(*index, *entry));
            self.queue.shrink_to(self.queue.len() * 2);
        }
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = (u64, u32, u32)> + use<'_> {
        self.queue.iter().copied()
    }

    /// The clock stepped.
    pub(crate) fn shift(&mut self, shift: impl Fn(u64) -> u64) {
        for (since, ..) in &mut self.queue {
            *since = shift(*since);
        }
    }
}
