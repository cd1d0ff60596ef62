#![doc = include_str!("../README.md")]

mod action;
mod error;
mod jitter;
pub mod log;
mod machine;
pub mod metrics;
mod outcome;
mod redact;
mod retry_after;
mod secret;
pub mod settings;
pub mod siphash;
mod stored;
mod text;
mod time;
pub mod varint;
mod wakeup;

pub use action::{Action, RetrySource, Scope};
pub use error::Error;
pub use jitter::Jitter;
pub use machine::{Drain, Machine};
pub use outcome::{Outcome, Receipt, Rejection};
pub use redact::redacted_url;
pub use retry_after::{InvalidRetryAfter, RetryAfter};
pub use secret::{Secret, Wipe};
pub use stored::StoredOutcome;
pub use text::{cut_out, cut_tokens};
pub use time::{UnixTime, millis};
pub use wakeup::Wakeup;
