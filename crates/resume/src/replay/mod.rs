//! Single use: which tokens have been used, exactly, in bounded memory.

mod attempt;
mod segment;
mod set;
mod slot;
mod snapshot;
mod watch;

pub use attempt::{Attempt, Reservation, ReservationError};
pub use set::{ReplayLimits, ReplaySet, SingleUse};
pub use snapshot::{Continuity, RestoreError, SnapshotKey};
