//! HKDF-SHA256.

use reveille_crypto::{CryptoError, Expand};
use ring::hkdf::{HKDF_SHA256, KeyType, Salt};

#[derive(Debug)]
pub(crate) struct HkdfSha256;

impl reveille_crypto::HkdfSha256 for HkdfSha256 {
    fn derive(&self, salt: &[u8], ikm: &[u8], outputs: &mut [Expand<'_>]) -> Result<(), CryptoError> {
        let prk = Salt::new(HKDF_SHA256, salt).extract(ikm);
        for Expand { info, out } in outputs {
            let okm = prk.expand(info, Length(out.len())).map_err(|_| CryptoError)?;
            okm.fill(out).map_err(|_| CryptoError)?;
        }
        Ok(())
    }
}

/// ring learns the output's length from a type.
struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}
