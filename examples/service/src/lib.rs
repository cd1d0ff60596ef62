//! x
pub mod redb_store;
pub mod wire;
