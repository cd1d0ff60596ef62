//! Stands in for `ifma` on targets that never have it.

use reveille_crypto::p256::EphemeralAgreement;
use reveille_crypto::{CryptoError, P256PublicKey, SecureRandom};

/// There is none.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ifma {}

impl Ifma {
    pub(crate) const fn detect() -> Option<Self> {
        None
    }
}

pub(crate) fn agree_many(
    ifma: Ifma,
    _random: &dyn SecureRandom,
    _peers: &[&P256PublicKey],
    _out: &mut Vec<EphemeralAgreement>,
) -> Result<(), CryptoError> {
    match ifma {}
}
