//! P-256: public keys and key agreement.

mod agreement;
mod curve;
mod public_key;

pub use agreement::{AgreementKey, EphemeralAgreement, P256, SharedSecret};
pub use public_key::{InvalidPublicKey, P256_PUBLIC_KEY_LEN, P256PublicKey};
