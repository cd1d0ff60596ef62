//! Random bytes.

use std::fmt::Debug;

use crate::CryptoError;

/// A cryptographically secure random source. Implement it to give a [`CryptoProvider`](crate::CryptoProvider) another
/// one: a hardware source, or fixed bytes in a test.
pub trait SecureRandom: Debug + Send + Sync {
    /// Fills `out` with random bytes.
    ///
    /// # Errors
    /// [`CryptoError`] if the source fails; `out` must not be used then.
    fn fill(&self, out: &mut [u8]) -> Result<(), CryptoError>;
}
