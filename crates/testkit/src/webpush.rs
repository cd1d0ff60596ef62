//! A Web Push service as a pure function: `Request` in, `Response` out, nothing else.
//!
//! It checks what Mozilla's autopush checks, in its order, with its statuses and error numbers, so that a client that
//! pleases it pleases the strictest service there is.

mod refusal;
mod rules;
mod service;

pub use refusal::Refusal;
pub use rules::{Accepted, check};
pub use service::{PushService, StoredMessage};
