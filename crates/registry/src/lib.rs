#![doc = include_str!("../README.md")]

pub mod cases;
mod decide;
mod event;
pub mod health;
mod memory;
mod pause;
mod policy;
mod record;
mod support;
mod suspicion;
mod token;

pub use decide::{Change, Consequence, Decision, decide};
pub use event::{Effect, Event, Pruning, Registration};
pub use memory::{Conflict, Memory};
pub use pause::{Channel, Pause, Pauses, Weighed};
pub use policy::RegistryPolicy;
pub use record::{Device, DeviceKey, FormVersion, Platform, Retirement, State};
pub use support::{Client, InvalidVersion, NoPush, PushPermission, Support, Version, fallback};
pub use suspicion::{InvalidSuspicion, Suspicion, SuspicionPolicy};
pub use token::{Environment, Purpose, PushKind, Token, TokenValue};
