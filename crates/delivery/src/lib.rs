#![doc = include_str!("../README.md")]

pub mod dead;
mod delivery;
mod error;
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

/// Where a job stands and why, and how many ended how.
pub mod explain {
    pub use crate::delivery::{Counts, Explanation, LegExplanation, LegStatus, Status, Why};
    pub use crate::verdict::Tried;
}

pub use delivery::{Delivery, NotAdmitted, RestoreError};
pub use error::Error;
pub use fate::Fate;
pub use id::{DeviceId, JobId, LegId, PayloadDigest, RecipientId, SlotId};
pub use input::{HeldBy, Input};
pub use job::{Class, Device, Job, Priority, Role, WhenUnsure};
pub use output::{Effect, Note, Output, Resolve, Send};
pub use reveille_core::settings::InvalidSettings;
pub use settings::DeliverySettings;
pub use verdict::Verdict;
pub use wire::InvalidInput;
