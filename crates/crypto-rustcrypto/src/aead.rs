//! AES-GCM.

use std::fmt;
use std::marker::PhantomData;

use aes_gcm::aead::KeySizeUser;
use aes_gcm::aead::consts::{U12, U16};
use aes_gcm::{AeadCore, AeadInOut, Aes128Gcm, Aes256Gcm, KeyInit};
use reveille_crypto::{AEAD_NONCE_LEN, AEAD_TAG_LEN, CryptoError};

pub(crate) struct Aead<A>(PhantomData<fn() -> A>);

pub(crate) static AES_128_GCM: Aead<Aes128Gcm> = Aead(PhantomData);
pub(crate) static AES_256_GCM: Aead<Aes256Gcm> = Aead(PhantomData);

impl<A: KeySizeUser> fmt::Debug for Aead<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Aes{}Gcm", A::key_size() * 8)
    }
}

impl<A> reveille_crypto::Aead for Aead<A>
where
    A: KeyInit + AeadInOut + AeadCore<NonceSize = U12, TagSize = U16>,
{
    fn key_len(&self) -> usize {
        A::key_size()
    }

    fn seal_in_place(
        &self,
        key: &[u8],
        nonce: &[u8; AEAD_NONCE_LEN],
        aad: &[u8],
        in_out: &mut [u8],
    ) -> Result<[u8; AEAD_TAG_LEN], CryptoError> {
        let cipher = A::new_from_slice(key).map_err(|_| CryptoError)?;
        let tag = cipher.encrypt_inout_detached(nonce.into(), aad, in_out.into()).map_err(|_| CryptoError)?;
        Ok(tag.into())
    }

    fn open_in_place(
        &self,
        key: &[u8],
        nonce: &[u8; AEAD_NONCE_LEN],
        aad: &[u8],
        in_out: &mut [u8],
        tag: &[u8; AEAD_TAG_LEN],
    ) -> Result<(), CryptoError> {
        let cipher = A::new_from_slice(key).map_err(|_| CryptoError)?;
        cipher.decrypt_inout_detached(nonce.into(), aad, in_out.into(), tag.into()).map_err(|_| CryptoError)
    }
}
