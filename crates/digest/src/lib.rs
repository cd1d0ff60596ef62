#![doc = include_str!("../README.md")]

mod batch;
mod clock;
mod collapse;
mod dedup;
mod engine;
mod error;
mod event;
mod hash;
mod host;
mod ledger;
mod output;
mod policy;
mod quiet;
mod record;
#[cfg(feature = "render")]
pub mod render;
mod slab;
mod snapshot;
mod summary;
mod table;
mod wheel;
mod window;

pub use collapse::CollapseId;
pub use dedup::{Dedup, DedupFull, Reserved};
pub use engine::{Answered, Engine, Retracted, Selector};
pub use error::{Error, Limit};
pub use event::{Event, EventId, Item};
pub use hash::Seed;
pub use host::{AtEnd, Host, Plain, Quiet};
pub use ledger::{Fate, Ledger};
pub use output::{Cause, Clear, Lane, Notify, Output};
pub use policy::{Collect, Excess, InvalidPolicy, Keep, Limits, Policy, Refractory, Urgent};
pub use quiet::{InvalidHours, QuietHours, Span, Zone};
#[doc(hidden)]
pub use snapshot::with_check_sum;
pub use snapshot::{CatchUp, Codec, Overdue, RestoreError, Undrained};
pub use summary::{Actors, Summary};
pub use window::Window;
