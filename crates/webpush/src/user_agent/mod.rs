//! The receiving side: what a browser does, for tests, native clients and UnifiedPush-style receivers.

mod keys;
mod open;

pub use keys::{InvalidUserAgentKeys, UserAgentKeys};
pub use open::{OpenError, UserAgent};
