//! A cryptography backend as plain data.

use crate::{Aead, Es256, HkdfSha256, HmacSha256, P256, Rs256, SecureRandom, Sha256};

/// Everything Reveille needs from cryptography, one reference per capability: take the `PROVIDER` of a backend crate
/// and pass it where it is asked for.
///
/// A backend crate offers one as `pub const PROVIDER`; the caller passes it where it is needed. Nothing is global
/// and no Cargo feature chooses one. To replace a single capability (an HSM, a fixed key in a test), use struct
/// update syntax:
///
/// ```
/// use reveille_crypto::{CryptoError, CryptoProvider, SecureRandom};
/// use reveille_crypto_ring::PROVIDER;
///
/// #[derive(Debug)]
/// struct Sevens; // only in a test!
/// impl SecureRandom for Sevens {
///     fn fill(&self, out: &mut [u8]) -> Result<(), CryptoError> {
///         out.fill(7);
///         Ok(())
///     }
/// }
/// let crypto = CryptoProvider { random: &Sevens, ..PROVIDER };
/// let mut id = [0; 4];
/// crypto.random.fill(&mut id)?;
/// assert_eq!(id, [7; 4]);
/// # Ok::<(), CryptoError>(())
/// ```
///
/// # Contract of a backend
/// * Operations on secrets take constant time; secrets are wiped where the backend can.
/// * Points off the curve and the identity are refused.
/// * Errors are opaque ([`CryptoError`](crate::CryptoError)): they say that it failed, not why.
/// * `reveille_testkit::compliance::run` passes.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::exhaustive_structs, reason = "users make it from its parts")]
pub struct CryptoProvider {
    /// The backend's name, for error texts and benchmarks.
    pub name: &'static str,
    /// Random bytes for salts, keys and ids.
    pub random: &'static dyn SecureRandom,
    /// SHA-256 (FIPS 180-4).
    pub sha256: &'static dyn Sha256,
    /// HMAC-SHA256 (RFC 2104).
    pub hmac_sha256: &'static dyn HmacSha256,
    /// HKDF-SHA256 (RFC 5869).
    pub hkdf_sha256: &'static dyn HkdfSha256,
    /// AES-128-GCM (RFC 5116 §5.1).
    pub aes_128_gcm: &'static dyn Aead,
    /// AES-256-GCM (RFC 5116 §5.2).
    pub aes_256_gcm: &'static dyn Aead,
    /// Key generation and agreement on P-256.
    pub p256: &'static dyn P256,
    /// ECDSA on P-256 with SHA-256 (RFC 7518 §3.4).
    pub es256: &'static dyn Es256,
    /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 §3.3).
    pub rs256: &'static dyn Rs256,
}
