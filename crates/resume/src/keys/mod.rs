//! Keys: where they come from, and which of them is in use.

pub(crate) mod ring;
pub(crate) mod secret;

pub use ring::{KeyRingError, KeyState};
pub use secret::InvalidSecret;
