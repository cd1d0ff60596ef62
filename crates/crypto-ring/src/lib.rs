#![doc = include_str!("../README.md")]

mod aead;
mod es256;
mod field;
mod hkdf;
mod hmac;
mod p256;
mod public_key;
mod random;
mod rs256;
mod sha256;

use reveille_crypto::CryptoProvider;

/// All capabilities, by ring.
pub const PROVIDER: CryptoProvider = CryptoProvider {
    name: NAME,
    random: &random::Random,
    sha256: &sha256::Sha256,
    hmac_sha256: &hmac::HmacSha256,
    hkdf_sha256: &hkdf::HkdfSha256,
    aes_128_gcm: &aead::AES_128_GCM,
    aes_256_gcm: &aead::AES_256_GCM,
    p256: &p256::P256,
    es256: &es256::Es256,
    rs256: &rs256::Rs256,
};

const NAME: &str = "ring";
