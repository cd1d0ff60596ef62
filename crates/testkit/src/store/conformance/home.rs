//! Where a store under test lives.

use std::time::Duration;

use reveille_core::UnixTime;
use reveille_gateway::store::Store;

use crate::store::MemoryStore;

/// Where a store under test lives: opens it, and takes its power away. Implement it for your store, and give a function that
/// makes an empty one to [`run`](super::run).
pub trait Home {
    /// The store.
    type Store: Store;

    /// Opens the store: first as an empty one, then as the last crash has left it.
    fn open(&mut self) -> Self::Store;

    /// The process and its machine die at this moment: nothing is closed in order, and what was not synced is gone.
    fn crash(&mut self, store: Self::Store);

    /// Opens the store for another process at the same time. `None` where one process has it alone.
    fn also(&mut self, store: &Self::Store) -> Option<Self::Store> {
        let _ = store;
        None
    }

    /// Lets time pass. A store with a clock of its own has to wait, or to turn its clock.
    fn later(&mut self, now: UnixTime, by: Duration) -> UnixTime {
        now + by
    }
}

/// The home of a [`MemoryStore`]: give it to [`run`](super::run) to see the suite pass, or a store of yours beside it.
#[derive(Debug, Default)]
pub struct MemoryHome {
    store: MemoryStore,
    crashes: u64,
}

impl MemoryHome {
    /// Makes the home of this store, which nothing has crashed yet.
    #[must_use]
    pub const fn new(store: MemoryStore) -> Self {
        Self { store, crashes: 0 }
    }
}

impl Home for MemoryHome {
    type Store = MemoryStore;

    fn open(&mut self) -> MemoryStore {
        self.store.clone()
    }

    fn crash(&mut self, store: MemoryStore) {
        self.crashes += 1;
        // Now it forgets all that was not synced, now a part of it.
        self.store = if self.crashes.is_multiple_of(2) {
            store.restart_keeping(self.crashes)
        } else {
            store.restart()
        };
    }

    fn also(&mut self, store: &MemoryStore) -> Option<MemoryStore> {
        Some(store.clone())
    }
}
