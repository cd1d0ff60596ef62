//! P-256: public keys and key agreement.

pub(crate) mod agreement;
mod curve;
pub(crate) mod public_key;

pub use agreement::{AgreementKey, EphemeralAgreement, SharedSecret};
pub use public_key::{InvalidPublicKey, P256_PUBLIC_KEY_LEN};
