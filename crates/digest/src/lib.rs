#![doc = include_str!("../README.md")]

mod batch;
mod collapse;
mod engine;
mod error;
mod event;
mod hash;
mod host;
mod ledger;
mod output;
mod policy;
mod quiet;
#[cfg(feature = "render")]
pub mod render;
mod snapshot;
mod store;
mod summary;
mod time;
mod window;

pub use collapse::CollapseId;
pub use engine::{Answered, CatchUp, Engine, Input, Overdue, Rate, Read, Retracted, Selector};
pub use error::{Error, Limit};
pub use event::{Event, EventId, Item};
pub use hash::Seed;
pub use host::{AtEnd, Host, Plain, Quiet};
pub use ledger::{Fate, Ledger};
pub use output::{Cause, Clear, Generation, Lane, Notify, Output};
pub use policy::{Collect, Excess, InvalidPolicy, Keep, Limits, Policy, Refractory, Urgent};
pub use quiet::{InvalidHours, QuietHours, Span, Zone};
pub use snapshot::{Codec, RestoreError};
pub use summary::{Actors, Summary};
pub use window::Window;
