//! The key of the compact format.

use std::fmt;
use std::sync::Arc;

use reveille_core::Secret;
use reveille_crypto::{CryptoProvider, Expand, HmacKey};
use zeroize::Zeroizing;

use super::layout::ID_HASH_LEN;
use crate::keys::InvalidSecret;
use crate::{Bindings, TokenId, TokenSecret};
use reveille_core::siphash::SipHash24;

const SALT: &[u8] = b"reveille/resume";
const MAC_INFO: &[u8] = b"rt1 mac";
const IDS_INFO: &[u8] = b"rt1 ids";

/// A key of the compact format, the one to use where nothing speaks for another: one secret, two keys derived from
/// it, so that the same secret can do other work too.
///
/// ```text
/// PRK     = HKDF-Extract(salt = "reveille/resume", secret)
/// mac_key = HKDF-Expand(PRK, "rt1 mac", 32)
/// ids_key = HKDF-Expand(PRK, "rt1 ids", 16)
/// ```
///
/// ```
/// use reveille_crypto_ring::PROVIDER;
/// use reveille_resume::{CompactKey, KeyId, KeyRing, TokenSecret};
///
/// let secret = TokenSecret::from_bytes(&[7; 32])?;
/// let keys = KeyRing::new(KeyId(1), CompactKey::new(PROVIDER, &secret)?);
/// assert_eq!(keys.active().map(|(id, _)| id), Some(KeyId(1)));
/// # Ok::<(), reveille_resume::keys::InvalidSecret>(())
/// ```
#[derive(Clone)]
pub struct CompactKey {
    pub(super) mac: Arc<dyn HmacKey>,
    ids: Secret<[u8; 16]>,
}

impl CompactKey {
    /// Derives the key. Do it once: it costs more than a token.
    ///
    /// # Errors
    /// [`InvalidSecret`] if the secret's JWK names an algorithm: then it is for that and not for this.
    pub fn new(crypto: CryptoProvider, secret: &TokenSecret) -> Result<Self, InvalidSecret> {
        let secret = secret.check(&[], "the compact format (no alg)", 16, 1_024)?;
        let (mut mac, mut ids) = (Zeroizing::new([0; 32]), Zeroizing::new([0; 16]));
        crypto.hkdf_sha256.derive(
            SALT,
            secret,
            &mut [
                Expand { info: &[MAC_INFO], out: mac.as_mut_slice() },
                Expand { info: &[IDS_INFO], out: ids.as_mut_slice() },
            ],
        )?;
        Ok(Self { mac: crypto.hmac_sha256.key(mac.as_slice()), ids: Secret::new(*ids) })
    }

    /// The keyed hash of each id:
    ///
    /// ```text
    /// SipHash-2-4(ids_key, token id ‖ id ‖ label), little-endian, the first 6 bytes
    /// ```
    ///
    /// With the token id inside, two tokens of one contact have nothing in common that can be seen from outside.
    pub(super) fn hash_ids(&self, token_id: &TokenId, bindings: &Bindings<'_>) -> [[u8; ID_HASH_LEN]; 4] {
        let mut start = SipHash24::new(self.ids.expose());
        start.absorb(token_id.as_bytes());
        bindings.each().map(|(binding, id)| {
            let hash = start.finish(id.as_bytes(), binding.label());
            let [a, b, c, d, e, f, ..] = hash.to_le_bytes();
            [a, b, c, d, e, f]
        })
    }
}

impl fmt::Debug for CompactKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CompactKey").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reveille_crypto_ring::PROVIDER;

    fn key() -> CompactKey {
        CompactKey::new(PROVIDER, &TokenSecret::from_bytes(&[7; 32]).unwrap()).unwrap()
    }

    #[test]
    fn equal_ids_hash_apart_by_kind_and_by_token() {
        let same = Bindings { contact: "x", conversation: "x", device: "x", channel: "x" };
        let first = key().hash_ids(&TokenId::new([1; 16]), &same);
        let second = key().hash_ids(&TokenId::new([2; 16]), &same);
        let all: std::collections::BTreeSet<_> = first.into_iter().chain(second).collect();
        assert_eq!(all.len(), 8);
    }

    #[test]
    fn a_secret_for_something_else_is_refused() {
        let secret =
            TokenSecret::parse(r#"{"kty":"oct","alg":"HS256","k":"AAECAwQFBgcICQoLDA0ODw"}"#).unwrap();
        insta::assert_snapshot!(CompactKey::new(PROVIDER, &secret).unwrap_err(), @"JWK is for HS256, expected the compact format (no alg)");
    }

    #[test]
    fn keys_are_not_printed() {
        insta::assert_snapshot!(format!("{:?}", key()), @"CompactKey { .. }");
    }
}
