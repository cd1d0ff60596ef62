#![doc = include_str!("../README.md")]

mod dead;
mod delivery;
mod fate;
mod id;
mod index;
mod input;
mod job;
mod output;
pub mod pacer;
pub mod retry;
mod settings;
mod slab;
mod verdict;
mod wire;

pub use dead::{DeadId, DeadLetter};
pub use delivery::{
    Counts, Delivery, Explanation, LegExplanation, LegStatus, NotAdmitted, RestoreError, Status, Why,
};
pub use fate::Fate;
pub use id::{DeviceId, JobId, LegId, PayloadDigest, RecipientId, SlotId};
pub use input::{HeldBy, Input};
pub use job::{Class, Device, Job, Priority, Role, WhenUnsure};
pub use output::{Effect, Note, Output, Send};
pub use retry::{InvalidRetryPolicy, RetryPolicy, Spread};
pub use settings::DeliverySettings;
pub use verdict::{Tried, Verdict};
pub use wire::InvalidInput;
