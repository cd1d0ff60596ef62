//! Single use: which tokens have been used, exactly, in bounded memory.

pub(crate) mod attempt;
mod segment;
pub(crate) mod set;
mod slot;
mod snapshot;
mod watch;

pub use attempt::{Reservation, ReservationError};
pub use set::SingleUse;
pub use snapshot::{Continuity, RestoreError, SnapshotKey};
