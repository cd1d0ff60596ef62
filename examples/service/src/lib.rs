//! The push gateway as a service on one machine.
pub mod clock;
pub mod committer;
pub mod desk;
pub mod metrics;
pub mod shards;
pub mod wire;
