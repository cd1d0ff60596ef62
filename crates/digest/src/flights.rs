//! What went out and is not answered yet, or is held.

use crate::batch::Batch;
use crate::{CollapseId, Host, Lane};

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
    /// A newer notification of the lane arrived: this one is not tried again.
    pub(crate) superseded: bool,
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
