//! HKDF-SHA256.

use hkdf::Hkdf;
use reveille_crypto::{CryptoError, Expand};
use sha2::Sha256;

#[derive(Debug)]
pub(crate) struct HkdfSha256;

impl reveille_crypto::HkdfSha256 for HkdfSha256 {
    fn derive(&self, salt: &[u8], ikm: &[u8], outputs: &mut [Expand<'_>]) -> Result<(), CryptoError> {
        let prk = Hkdf::<Sha256>::new(Some(salt), ikm);
        for Expand { info, out } in outputs {
            prk.expand_multi_info(info, out).map_err(|_| CryptoError)?;
        }
        Ok(())
    }
}
