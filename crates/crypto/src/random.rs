//! Random bytes.

use std::fmt::Debug;

use crate::CryptoError;

/// A cryptographically secure random source.
pub trait SecureRandom: Debug + Send + Sync {
    /// Fills `out` with random bytes.
    ///
    /// # Errors
    /// [`CryptoError`] if the source fails; `out` must not be used then.
    fn fill(&self, out: &mut [u8]) -> Result<(), CryptoError>;
}
