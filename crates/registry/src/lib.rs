#![doc = include_str!("../README.md")]

pub mod cases;
mod decide;
mod error;
mod event;
pub mod health;
mod memory;
pub mod pause;
mod policy;
mod record;
pub mod support;
pub mod suspicion;
mod token;

pub use decide::{Change, Consequence, Decision, decide};
pub use error::Error;
pub use event::{Effect, Event, Pruning, Registration};
pub use memory::{Conflict, Memory};
pub use policy::RegistryPolicy;
pub use record::{Device, DeviceKey, FormVersion, Platform, Retirement, State};
pub use reveille_core::settings::InvalidSettings;
pub use token::{Environment, Purpose, PushKind, Token, TokenValue};
