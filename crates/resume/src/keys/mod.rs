//! Keys: where they come from, and which of them is in use.

mod ring;
mod secret;

pub use ring::{KeyId, KeyRing, KeyRingError, KeyState};
pub use secret::{InvalidSecret, TokenSecret};
