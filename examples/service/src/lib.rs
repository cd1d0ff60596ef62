#![doc = include_str!("../README.md")]

pub mod api;
pub mod auth;
pub mod channels;
pub mod clock;
pub mod committer;
pub mod credentials;
pub mod desk;
pub mod keys;
#[path = "../../src/local_push/mod.rs"]
pub mod local_push;
pub mod metrics;
pub mod openapi;
mod outgoing;
#[path = "../../src/prometheus.rs"]
pub mod prometheus;
pub mod provider_tokens;
pub mod quiet;
pub mod redb_store;
pub mod rotation;
pub mod service;
pub mod settings;
pub mod shards;
pub mod twins;
pub mod wire;
