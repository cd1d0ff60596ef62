#![doc = include_str!("../README.md")]

mod aead;
mod es256;
mod hkdf;
mod hmac;
mod p256;
mod random;
mod rs256;
mod sha256;

use reveille_crypto::CryptoProvider;

#[cfg(any(feature = "wasm-js", not(all(target_arch = "wasm32", target_os = "unknown"))))]
pub use random::OsRandom;
pub use random::StaticRandom;

/// All capabilities in pure Rust, random bytes from the operating system (or the JavaScript host).
#[cfg(any(feature = "wasm-js", not(all(target_arch = "wasm32", target_os = "unknown"))))]
pub const PROVIDER: CryptoProvider = provider::<OsRandom>();

/// All capabilities in pure Rust, random bytes, those for keys included, from `R`: for hosts without an operating
/// system, and for runs that can be repeated.
#[must_use]
pub const fn provider<R: StaticRandom>() -> CryptoProvider {
    CryptoProvider {
        name: NAME,
        random: R::INSTANCE,
        sha256: &sha256::Sha256,
        hmac_sha256: &hmac::HmacSha256,
        hkdf_sha256: &hkdf::HkdfSha256,
        aes_128_gcm: &aead::AES_128_GCM,
        aes_256_gcm: &aead::AES_256_GCM,
        p256: p256::P256::<R>::INSTANCE,
        es256: &es256::Es256,
        rs256: &rs256::Rs256,
    }
}

const NAME: &str = "rustcrypto";
