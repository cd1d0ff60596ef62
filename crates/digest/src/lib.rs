#![doc = include_str!("../README.md")]

mod batch;
mod collapse;
mod delivered;
mod engine;
mod error;
mod event;
mod few;
mod flights;
mod hash;
mod host;
mod ledger;
mod output;
mod policy;
pub mod quiet;
#[cfg(feature = "render")]
pub mod render;
pub mod snapshot;
mod store;
pub mod summary;
mod sums;
mod time;
mod window;

/// What a [`Policy`] chooses between.
pub mod options {
    pub use crate::policy::{Collect, Excess, InvalidPolicy, Keep, Refractory, Urgent};
    pub use crate::window::Window;
}

/// After a crash or a pause: what is overdue, and how fast it goes out.
pub mod catch_up {
    pub use crate::engine::{CatchUp, Overdue, Rate};
}

/// Events that were read, or are taken back.
pub mod retract {
    pub use crate::engine::{Read, Retracted, Selector};
}

pub use collapse::CollapseId;
pub use engine::{Answered, Engine, Input};
pub use error::{Error, Limit};
pub use event::{Event, EventId, Item};
pub use hash::Seed;
pub use host::{Host, Plain};
pub use ledger::{Fate, Ledger};
pub use output::{Cause, Clear, Generation, Lane, Notify, Output};
pub use policy::{Limits, Policy};
