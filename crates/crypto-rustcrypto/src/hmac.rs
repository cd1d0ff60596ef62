//! HMAC-SHA256.

use std::fmt;
use std::sync::Arc;

use hmac::{Hmac, KeyInit as _, Mac as _};
use reveille_crypto::CryptoError;
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

#[derive(Debug)]
pub(crate) struct HmacSha256;

impl reveille_crypto::HmacSha256 for HmacSha256 {
    fn key(&self, secret: &[u8]) -> Arc<dyn reveille_crypto::HmacKey> {
        Arc::new(HmacKey(keyed(secret)))
    }
}

/// HMAC takes keys of any length; the fallback is never reached.
fn keyed(secret: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(secret).unwrap_or_else(|_| Hmac::new(&Default::default()))
}

struct HmacKey(Hmac<Sha256>);

impl reveille_crypto::HmacKey for HmacKey {
    fn sign(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = self.0.clone();
        for part in parts {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    fn verify(&self, parts: &[&[u8]], tag: &[u8]) -> Result<(), CryptoError> {
        let expected = self.sign(parts);
        let expected = expected.get(..tag.len()).filter(|_| tag.len() >= 16).ok_or(CryptoError)?;
        if bool::from(expected.ct_eq(tag)) { Ok(()) } else { Err(CryptoError) }
    }
}

impl fmt::Debug for HmacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HmacKey").finish_non_exhaustive()
    }
}
