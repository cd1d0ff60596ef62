//! AES-GCM.

use std::fmt;

use reveille_crypto::{AEAD_NONCE_LEN, AEAD_TAG_LEN, CryptoError};
use ring::aead::{Aad, Algorithm, LessSafeKey, Nonce, Tag, UnboundKey};

pub(crate) struct Aead(&'static Algorithm);

pub(crate) static AES_128_GCM: Aead = Aead(&ring::aead::AES_128_GCM);
pub(crate) static AES_256_GCM: Aead = Aead(&ring::aead::AES_256_GCM);

impl Aead {
    fn key(&self, key: &[u8]) -> Result<LessSafeKey, CryptoError> {
        UnboundKey::new(self.0, key).map(LessSafeKey::new).map_err(|_| CryptoError)
    }
}

impl fmt::Debug for Aead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl reveille_crypto::Aead for Aead {
    fn key_len(&self) -> usize {
        self.0.key_len()
    }

    fn seal_in_place(
        &self,
        key: &[u8],
        nonce: &[u8; AEAD_NONCE_LEN],
        aad: &[u8],
        in_out: &mut [u8],
    ) -> Result<[u8; AEAD_TAG_LEN], CryptoError> {
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let tag = self
            .key(key)?
            .seal_in_place_separate_tag(nonce, Aad::from(aad), in_out)
            .map_err(|_| CryptoError)?;
        tag.as_ref().try_into().map_err(|_| CryptoError)
    }

    fn open_in_place(
        &self,
        key: &[u8],
        nonce: &[u8; AEAD_NONCE_LEN],
        aad: &[u8],
        in_out: &mut [u8],
        tag: &[u8; AEAD_TAG_LEN],
    ) -> Result<(), CryptoError> {
        let nonce = Nonce::assume_unique_for_key(*nonce);
        self.key(key)?
            .open_in_place_separate_tag(nonce, Aad::from(aad), Tag::from(*tag), in_out, 0..)
            .map(|_| ())
            .map_err(|_| CryptoError)
    }
}
