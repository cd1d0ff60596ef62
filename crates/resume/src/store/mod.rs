//! Single use counted by a shared store, Redis or PostgreSQL: the commands as data, the answers as data.

pub(crate) mod external;
mod words;

pub use external::{StoreChange, StoreCommand, StoreReply};
pub use words::{POSTGRES_SWEEP, POSTGRES_TABLE};
