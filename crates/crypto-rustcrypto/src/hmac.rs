//! HMAC-SHA256.

use std::fmt;
use std::sync::Arc;

use hmac::{Hmac, KeyInit as _, Mac as _};
use reveille_crypto::CryptoError;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

#[derive(Debug)]
pub(crate) struct HmacSha256;

impl reveille_crypto::HmacSha256 for HmacSha256 {
    fn key(&self, secret: &[u8]) -> Arc<dyn reveille_crypto::HmacKey> {
        Arc::new(HmacKey(keyed(secret)))
    }
}

/// RFC 2104 §2: a key longer than a block is hashed; then zeros fill the block. Done here, because a key of a block's size
/// cannot be refused.
fn keyed(secret: &[u8]) -> Hmac<Sha256> {
    let mut block = Zeroizing::new([0; 64]);
    let hashed: Zeroizing<[u8; 32]>;
    let key = if secret.len() > block.len() {
        hashed = Zeroizing::new(Sha256::digest(secret).into());
        hashed.as_slice()
    } else {
        secret
    };
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
    Hmac::new((&*block).into())
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
