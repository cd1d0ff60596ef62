#![doc = include_str!("../README.md")]

mod aead;
pub mod base64url;
mod error;
mod es256;
mod hkdf;
mod hmac;
pub mod jws;
pub mod key;
pub mod p256;
mod provider;
mod random;
mod rs256;
mod sha256;
mod wiped;

pub use aead::{AEAD_NONCE_LEN, AEAD_TAG_LEN, Aead};
pub use error::{CryptoError, Error, KeyError};
pub use es256::{ES256_SIGNATURE_LEN, Es256, Es256SigningKey};
pub use hkdf::{Expand, HkdfSha256};
pub use hmac::{HmacKey, HmacSha256};
pub use key::ec_private::EcPrivateKey;
pub use key::rsa::{RsaPrivateKey, RsaPublicKey};
pub use p256::agreement::P256;
pub use p256::public_key::P256PublicKey;
pub use provider::CryptoProvider;
pub use random::SecureRandom;
pub use rs256::{Rs256, Rs256SigningKey};
pub use sha256::Sha256;
pub use wiped::with_wiped_stack;
