#![doc = include_str!("../README.md")]

mod jitter;
mod outcome;
mod redact;
mod retry_after;
mod secret;
mod suspicion;
mod time;
mod wakeup;

pub use jitter::Jitter;
pub use outcome::{Action, Outcome, Receipt, Rejection};
pub use redact::redacted_url;
pub use retry_after::{InvalidRetryAfter, RetryAfter};
pub use secret::Secret;
pub use suspicion::{Suspicion, SuspicionPolicy};
pub use time::UnixTime;
pub use wakeup::Wakeup;
