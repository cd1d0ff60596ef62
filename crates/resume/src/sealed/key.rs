//! The key of the sealed profile.

use std::fmt;
use std::sync::Arc;

use reveille_core::Secret;
use reveille_crypto::{
    AEAD_NONCE_LEN, AEAD_TAG_LEN, Aead, CryptoError, CryptoProvider, Expand, HmacKey, Sha256,
};
use zeroize::Zeroizing;

use crate::keys::InvalidSecret;
use crate::{Reason, TokenSecret};

const SALT: &[u8] = b"reveille/resume";
const NONCE_INFO: &[u8] = b"jwe nonce";

/// A key of the sealed profile: 32 bytes, used as they are, for whom the push provider must not read the ids. Give it
/// no other work, and rotate it before 2³² tokens (NIST SP 800-38D §8.3).
///
/// No random source has a part in the nonce, so none can repeat it, after a fork or on the clone of a machine:
///
/// ```text
/// nonce_key = HKDF-Expand(HKDF-Extract("reveille/resume", key), "jwe nonce", 32)
/// nonce     = first 12 bytes of HMAC-SHA256(nonce_key, encoded header ‖ "." ‖ plaintext)
/// ```
///
/// Two tokens have one nonce only if they are the same token, and then they are the same bytes.
///
/// ```
/// use reveille_core::UnixTime;
/// use reveille_crypto_ring::PROVIDER;
/// use reveille_resume::{Bindings, Issuer, KeyId, KeyRing, SealedKey, TokenSecret};
///
/// let keys = KeyRing::new(KeyId(1), SealedKey::new(PROVIDER, &TokenSecret::from_bytes(&[7; 32])?)?);
/// let user = Bindings { contact: "c-1", conversation: "k-1", device: "d-1", channel: "web" };
/// let token = Issuer::new(PROVIDER).issue(&keys, &user, UnixTime::from_secs(1_700_000_000))?;
/// assert_eq!(token.split('.').count(), 5); // header, no key, nonce, ciphertext, tag
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct SealedKey {
    key: Secret<Vec<u8>>,
    nonce: Arc<dyn HmacKey>,
    aead: &'static dyn Aead,
    sha256: &'static dyn Sha256,
}

impl SealedKey {
    /// From a secret of exactly 32 bytes.
    ///
    /// # Errors
    /// [`InvalidSecret`] for any other length, or a JWK that says it is for another algorithm.
    pub fn new(crypto: CryptoProvider, secret: &TokenSecret) -> Result<Self, InvalidSecret> {
        let key = secret.check(&["A256GCM", "dir"], "A256GCM", 32, 32)?;
        let mut nonce = Zeroizing::new([0; 32]);
        let out = Expand { info: &[NONCE_INFO], out: nonce.as_mut_slice() };
        crypto.hkdf_sha256.derive(SALT, key, &mut [out])?;
        Ok(Self {
            key: Secret::new(key.to_vec()),
            nonce: crypto.hmac_sha256.key(nonce.as_slice()),
            aead: crypto.aes_256_gcm,
            sha256: crypto.sha256,
        })
    }

    pub(super) fn nonce(&self, header: &[u8], text: &[u8]) -> [u8; AEAD_NONCE_LEN] {
        let hash = self.nonce.sign(&[header, b".", text]);
        std::array::from_fn(|at| hash.get(at).copied().unwrap_or_default())
    }

    pub(super) fn sha256(&self) -> &dyn Sha256 {
        self.sha256
    }

    pub(super) fn seal(
        &self,
        nonce: &[u8; AEAD_NONCE_LEN],
        aad: &[u8],
        text: &mut [u8],
    ) -> Result<[u8; AEAD_TAG_LEN], CryptoError> {
        self.aead.seal_in_place(self.key.expose(), nonce, aad, text)
    }

    /// Decrypts in place; ids are wiped when dropped.
    pub(super) fn open(
        &self,
        nonce: &[u8; AEAD_NONCE_LEN],
        aad: &[u8],
        mut text: Vec<u8>,
        tag: &[u8; AEAD_TAG_LEN],
    ) -> Result<Secret<Vec<u8>>, Reason> {
        let opened = self.aead.open_in_place(self.key.expose(), nonce, aad, &mut text, tag);
        let text = Secret::new(text);
        opened.map(|()| text).map_err(|_| Reason::Forged)
    }
}

impl fmt::Debug for SealedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedKey").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reveille_crypto_ring::PROVIDER;

    #[test]
    fn only_32_bytes_for_this_algorithm() {
        let key = |text: &str| SealedKey::new(PROVIDER, &TokenSecret::parse(text).unwrap());
        insta::assert_snapshot!(key("AAECAwQFBgcICQoLDA0ODw").unwrap_err(), @"secret must be 32 to 32 bytes, got 16");
        let hs256 = r#"{"kty":"oct","alg":"HS256","k":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}"#;
        insta::assert_snapshot!(key(hs256).unwrap_err(), @"JWK is for HS256, expected A256GCM");
        let dir = key(&hs256.replace("HS256", "dir")).unwrap();
        insta::assert_snapshot!(format!("{dir:?}"), @"SealedKey { .. }");
    }
}
