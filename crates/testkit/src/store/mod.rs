//! Stores for tests: one in memory that is the model of all others, and the suite that holds every store of a gateway to
//! the promises of [`Store`](reveille_gateway::store::Store).
//!
//! ```
//! use reveille_testkit::store::{MemoryHome, MemoryStore, block_on, conformance};
//! use reveille_gateway::store::{ShardId, Store};
//!
//! let store = MemoryStore::default();
//! assert_eq!(block_on(store.load(ShardId(7)))?.next, 1);
//!
//! let report = conformance::run(MemoryHome::default);
//! assert_eq!(report.failures, []);
//! # Ok::<(), reveille_gateway::store::StoreError>(())
//! ```

mod block_on;
pub mod conformance;
mod data;
mod memory;

pub use block_on::block_on;
pub use conformance::MemoryHome;
pub use memory::MemoryStore;
