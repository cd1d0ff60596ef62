//! SHA-256.

use ring::digest::{Context, SHA256};

#[derive(Debug)]
pub(crate) struct Sha256;

impl reveille_crypto::Sha256 for Sha256 {
    fn digest(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut context = Context::new(&SHA256);
        for part in parts {
            context.update(part);
        }
        let mut out = [0; 32];
        out.copy_from_slice(context.finish().as_ref());
        out
    }
}
