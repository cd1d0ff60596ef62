#![doc = include_str!("../README.md")]

pub mod admission;
mod at_once;
pub mod audience;
pub mod class;
mod error;
mod gateway;
mod hashed;
mod id;
mod input;
mod job;
pub mod metrics;
mod outcome;
mod output;
mod output_hash;
pub mod settings;
mod shard;
pub mod store;
mod wire;

/// What became of an event, and of a job: the answers to questions.
pub mod explain {
    pub use crate::gateway::{Followed, JobExplanation, Why};
}

/// Groups of inputs on their way into the log, and out of it again; and why a log or a snapshot cannot be read.
pub mod log {
    pub use crate::gateway::RestoreError;
    pub use crate::shard::{Applied, Group, ReplayError, Sealed};
    pub use crate::wire::InvalidInput;
}

/// Resume tokens on their way back into a conversation.
pub mod resume {
    pub use crate::input::{Resume, ResumeStep, TokenId};
    pub use crate::output::ResumeEffect;
}

pub use admission::limits::AdmissionLimits;
pub use admission::queue::Admission;
pub use at_once::AtOnce;
pub use error::Error;
pub use gateway::Gateway;
pub use id::{Epoch, Seed, SourceId, device_name};
pub use input::{CatchUp, Command, Input};
pub use job::{Content, Job, Recipient, Target};
pub use outcome::{Deferred, Devices, Outcome};
pub use output::{LookUp, Note, Output};
pub use settings::all::GatewaySettings;
pub use shard::Shard;
