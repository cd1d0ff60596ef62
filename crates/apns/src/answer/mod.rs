//! What APNs answers, and what to do about it.

mod body;
mod classify;
mod reason;

pub use classify::{classify, classify_response, goaway_reason};
pub use reason::Reason;

pub(crate) use classify::rejection;
