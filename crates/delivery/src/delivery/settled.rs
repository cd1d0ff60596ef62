//! The jobs that were settled last, and how.

use std::collections::VecDeque;

use reveille_core::UnixTime;

use super::live::Packed;
use crate::Fate;
use crate::index::{Index, NONE};

#[derive(Debug, Default)]
pub(super) struct SettledJobs {
    /// The oldest first.
    ends: VecDeque<End>,
    /// By the number of an end; they rise, and begin anew before they are used up.
    index: Index,
    /// The number of the oldest.
    first: u32,
    /// Ends that are to be taken out.
    reopened: usize,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    pub(super) id: Packed,
    pub(super) at: UnixTime,
    pub(super) tag: u32,
    pub(super) fate: Fate,
    /// Lives again, and is taken out by [`SettledJobs::forget_reopened`].
    lives: bool,
}

impl SettledJobs {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn find(&self, tag: u32, id: Packed) -> Option<&End> {
        self.ends.get(self.position(tag, id)?)
    }

    fn position(&self, tag: u32, id: Packed) -> Option<usize> {
        let end = |number: u32| self.ends.get((number - self.first) as usize);
        let number =
            self.index.find(tag, |number| end(number).is_some_and(|end| end.id == id && !end.lives))?;
        Some((number - self.first) as usize)
    }

    /// A job has ended; of more than `most` the oldest are forgotten.
    pub(super) fn push(&mut self, tag: u32, id: Packed, fate: Fate, at: UnixTime, most: usize) {
        while self.ends.len() >= most
            && let Some(oldest) = self.ends.pop_front()
        {
            self.index.remove(oldest.tag, self.first);
            self.first += 1;
        }
        if most == 0 {
            return;
        }
        if self.first as usize + self.ends.len() >= NONE as usize {
            self.number_anew();
        }
        self.index.insert(tag, self.first + self.ends.len() as u32);
        self.ends.push_back(End { id, at, tag, fate, lives: false });
    }

    /// A job lives again. Call [`forget_reopened`](Self::forget_reopened) after the last one.
    pub(super) fn reopen(&mut self, tag: u32, id: Packed) {
        if let Some(at) = self.position(tag, id)
            && let Some(end) = self.ends.get_mut(at)
        {
            end.lives = true;
            self.reopened += 1;
        }
    }

    pub(super) fn forget_reopened(&mut self) {
        if self.reopened == 0 {
            return;
        }
        self.reopened = 0;
        self.ends.retain(|end| !end.lives);
        self.number_anew();
    }

    fn number_anew(&mut self) {
        (self.index, self.first) = (Index::default(), 0);
        for (number, end) in (0..).zip(&self.ends) {
            self.index.insert(end.tag, number);
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &End> {
        self.ends.iter()
    }
}
