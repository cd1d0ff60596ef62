//! SHA-256.

use sha2::Digest as _;

#[derive(Debug)]
pub(crate) struct Sha256;

impl reveille_crypto::Sha256 for Sha256 {
    fn digest(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut hash = sha2::Sha256::new();
        for part in parts {
            hash.update(part);
        }
        hash.finalize().into()
    }
}
