#![doc = include_str!("../README.md")]

pub mod api;
pub mod auth;
pub mod clock;
pub mod committer;
pub mod credentials;
pub mod desk;
pub mod keys;
pub mod metrics;
pub mod openapi;
pub mod provider_tokens;
pub mod redb_store;
pub mod service;
pub mod settings;
pub mod shards;
pub mod twins;
pub mod wire;
