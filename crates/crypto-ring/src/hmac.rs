//! HMAC-SHA256.

use std::sync::Arc;

use reveille_crypto::CryptoError;
use ring::hmac::{Context, HMAC_SHA256, Key};
use subtle::ConstantTimeEq as _;

#[derive(Debug)]
pub(crate) struct HmacSha256;

impl reveille_crypto::HmacSha256 for HmacSha256 {
    fn key(&self, secret: &[u8]) -> Arc<dyn reveille_crypto::HmacKey> {
        Arc::new(HmacKey(Key::new(HMAC_SHA256, secret)))
    }
}

#[derive(Debug)]
struct HmacKey(Key);

impl reveille_crypto::HmacKey for HmacKey {
    fn sign(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut context = Context::with_key(&self.0);
        for part in parts {
            context.update(part);
        }
        let mut out = [0; 32];
        out.copy_from_slice(context.sign().as_ref());
        out
    }

    fn verify(&self, parts: &[&[u8]], tag: &[u8]) -> Result<(), CryptoError> {
        let expected = self.sign(parts);
        let expected = expected.get(..tag.len()).filter(|_| tag.len() >= 16).ok_or(CryptoError)?;
        if bool::from(expected.ct_eq(tag)) { Ok(()) } else { Err(CryptoError) }
    }
}
