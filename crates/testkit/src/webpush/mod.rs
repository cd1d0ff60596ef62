//! A Web Push service as a pure function: `Request` in, `Response` out, nothing else.
//!
//! It checks what Mozilla's autopush checks, in its order, with its statuses and error numbers, so that a client that
//! pleases it pleases the strictest service there is. The rules are its own: it uses no type of `reveille-webpush`, so a fault
//! there does not pass both sides.

mod refusal;
mod rules;
mod service;
mod vapid;

pub use refusal::Refusal;
pub use rules::{Accepted, check};
pub use service::{PushService, StoredMessage};
