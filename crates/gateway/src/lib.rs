#![doc = include_str!("../README.md")]

mod admission;
pub mod class;
mod gateway;
mod id;
mod input;
mod job;
mod outcome;
mod output;
mod settings;
mod shard;
pub mod store;
mod wire;

pub use admission::{Admission, AdmissionLimits, Bound, Refused, Ticket};
pub use gateway::{Counters, Followed, Gateway, InvalidGateway, JobExplanation, RestoreError, Why};
pub use id::{Epoch, Seed, SourceId, device_name};
pub use input::{CatchUp, Command, Input, Resume, ResumeStep, TokenId};
pub use job::{Content, Job, Recipient, Target};
pub use outcome::{Deferred, Devices, Outcome};
pub use output::{LookUp, Note, Output, ResumeEffect};
pub use settings::{GatewaySettings, InvalidSettings, Retry};
pub use shard::{Applied, Group, ReplayError, Sealed, Shard};
pub use wire::InvalidInput;
