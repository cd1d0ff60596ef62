//! Random bytes.

use reveille_crypto::SecureRandom;

/// A random source with one instance, so that a provider can be a constant. Implement it where there is no operating
/// system, or for a test whose "random" bytes are known.
pub trait StaticRandom: SecureRandom + Sized + 'static {
    /// The instance.
    const INSTANCE: &'static Self;
}

/// The operating system's random source, or Web Crypto on wasm32 with feature `wasm-js`. Use it unless there is a
/// reason for another; this crate's `PROVIDER` has it.
#[cfg(any(feature = "wasm-js", not(all(target_arch = "wasm32", target_os = "unknown"))))]
#[derive(Clone, Copy, Debug)]
#[allow(clippy::exhaustive_structs, reason = "it holds nothing")]
pub struct OsRandom;

#[cfg(any(feature = "wasm-js", not(all(target_arch = "wasm32", target_os = "unknown"))))]
impl SecureRandom for OsRandom {
    fn fill(&self, out: &mut [u8]) -> Result<(), reveille_crypto::CryptoError> {
        getrandom::fill(out).map_err(|_| reveille_crypto::CryptoError)
    }
}

#[cfg(any(feature = "wasm-js", not(all(target_arch = "wasm32", target_os = "unknown"))))]
impl StaticRandom for OsRandom {
    const INSTANCE: &'static Self = &Self;
}
