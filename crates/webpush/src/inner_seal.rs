//! Double encryption: a second seal inside the Web Push encryption.
//!
//! The first layer ends in the browser's push machinery. The second ends in the service worker, which shares a secret
//! with the server since the subscription was made; a message for an older registration, or one that was not sent by
//! this application, cannot be opened there, and the worker shows a default text and renews its registration instead.
//! The JavaScript side is `js/inner-seal.js` of this crate, also available as [`INNER_SEAL_JS`].
//!
//! Format, 33 bytes longer than the plaintext:
//!
//! ```text
//! 0x01 || salt (16) || AES-256-GCM(key, nonce, aad = 0x01, plaintext) || tag (16)
//! key (32) || nonce (12) = HKDF-SHA-256(salt, ikm = secret, info = "reveille inner seal" || 0x00 || 0x01)
//! ```

use std::fmt;
use std::str::FromStr;

use reveille_core::Secret;
use reveille_crypto::{AEAD_NONCE_LEN, AEAD_TAG_LEN, CryptoError, CryptoProvider, Expand, base64url};
use thiserror::Error;
use zeroize::Zeroizing;

/// The service worker's half, to be served to browsers.
pub const INNER_SEAL_JS: &str = include_str!("../js/inner-seal.js");

const VERSION: u8 = 1;
const SALT_LEN: usize = 16;
const INFO: &[u8] = b"reveille inner seal\0\x01";

/// The secret that server and service worker share; made at subscription, kept with it.
///
/// ```
/// use reveille_crypto_ring::PROVIDER;
/// use reveille_webpush::InnerSecret;
///
/// let secret = InnerSecret::generate(PROVIDER)?;
/// let sealed = secret.seal(b"for the service worker only", PROVIDER)?;
/// assert_eq!(secret.open(&sealed, PROVIDER)?, b"for the service worker only");
/// assert!(InnerSecret::generate(PROVIDER)?.open(&sealed, PROVIDER).is_err());
/// # Ok::<(), reveille_webpush::Error>(())
/// ```
#[derive(Clone)]
pub struct InnerSecret(Secret<[u8; Self::LEN]>);

/// Why a secret or a sealed payload is not usable; the error of [`InnerSecret`]. It carries nothing of either.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InnerSealError {
    /// The secret is not 32 bytes of base64url.
    #[error("inner secret must be {} bytes in base64url", InnerSecret::LEN)]
    Secret,
    /// Not sealed with this secret, altered, or of another version: on purpose not told apart.
    #[error("payload is not sealed with this secret")]
    NotAuthentic,
    /// The random source failed.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

impl InnerSecret {
    /// Bytes of the secret.
    pub const LEN: usize = 32;
    /// Bytes by which a sealed payload is longer: the payload may have [`MAX_PLAINTEXT`](crate::message::MAX_PLAINTEXT) less this.
    pub const OVERHEAD: usize = 1 + SALT_LEN + AEAD_TAG_LEN;

    /// Makes a new secret of random bytes.
    ///
    /// # Errors
    /// [`InnerSealError::Crypto`].
    pub fn generate(crypto: CryptoProvider) -> Result<Self, InnerSealError> {
        let mut secret = [0; Self::LEN];
        crypto.random.fill(&mut secret)?;
        Ok(Self(Secret::new(secret)))
    }

    /// The secret in base64url, for storage and for the page.
    #[must_use]
    pub fn to_base64url(&self) -> Secret<String> {
        Secret::new(base64url::encode(self.0.expose()))
    }

    /// Seals a payload. Then make a [`Message`](crate::Message) of the result.
    ///
    /// # Errors
    /// [`InnerSealError::Crypto`].
    pub fn seal(&self, payload: &[u8], crypto: CryptoProvider) -> Result<Vec<u8>, InnerSealError> {
        let mut salt = [0; SALT_LEN];
        crypto.random.fill(&mut salt)?;
        let mut sealed = Vec::with_capacity(payload.len() + Self::OVERHEAD);
        sealed.push(VERSION);
        sealed.extend_from_slice(&salt);
        sealed.extend_from_slice(payload);
        let (key, nonce) = self.keys(&salt, crypto)?;
        let (_, text) = sealed.split_at_mut_checked(1 + SALT_LEN).ok_or(CryptoError)?;
        let tag = crypto.aes_256_gcm.seal_in_place(key.expose(), &nonce, &[VERSION], text)?;
        sealed.extend_from_slice(&tag);
        Ok(sealed)
    }

    /// Opens what [`seal`](Self::seal) has sealed with the same secret.
    ///
    /// # Errors
    /// [`InnerSealError::NotAuthentic`].
    pub fn open(&self, sealed: &[u8], crypto: CryptoProvider) -> Result<Vec<u8>, InnerSealError> {
        let not_authentic = InnerSealError::NotAuthentic;
        let [VERSION, rest @ ..] = sealed else { return Err(not_authentic) };
        let (salt, rest) = rest.split_first_chunk::<SALT_LEN>().ok_or(not_authentic)?;
        let (text, tag) = rest.split_last_chunk::<AEAD_TAG_LEN>().ok_or(not_authentic)?;
        let (key, nonce) = self.keys(salt, crypto)?;
        let mut payload = text.to_vec();
        crypto
            .aes_256_gcm
            .open_in_place(key.expose(), &nonce, &[VERSION], &mut payload, tag)
            .map_err(|_| not_authentic)?;
        Ok(payload)
    }

    fn keys(
        &self,
        salt: &[u8; SALT_LEN],
        crypto: CryptoProvider,
    ) -> Result<(Secret<[u8; 32]>, [u8; AEAD_NONCE_LEN]), CryptoError> {
        // HKDF-Expand gives the same bytes for one output of 44 as a browser's deriveBits does.
        let mut okm = Zeroizing::new([0; 32 + AEAD_NONCE_LEN]);
        crypto.hkdf_sha256.derive(salt, self.0.expose(), &mut [Expand { info: &[INFO], out: &mut *okm }])?;
        let (key, nonce) = okm.split_first_chunk::<32>().ok_or(CryptoError)?;
        let nonce = nonce.try_into().map_err(|_| CryptoError)?;
        Ok((Secret::new(*key), nonce))
    }
}

/// From stored base64url. There is no `Display`: [`to_base64url`](InnerSecret::to_base64url) says what it does.
impl FromStr for InnerSecret {
    type Err = InnerSealError;
    fn from_str(text: &str) -> Result<Self, InnerSealError> {
        let bytes = Secret::new(base64url::decode_lenient(text).map_err(|_| InnerSealError::Secret)?);
        let secret = bytes.expose().as_slice().try_into().map_err(|_| InnerSealError::Secret)?;
        Ok(Self(Secret::new(secret)))
    }
}

impl fmt::Debug for InnerSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InnerSecret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reveille_crypto_ring::PROVIDER as RING;
    use reveille_crypto_rustcrypto::PROVIDER as RUSTCRYPTO;

    #[test]
    fn what_one_backend_seals_the_other_opens() {
        let secret = InnerSecret::generate(RING).unwrap();
        for payload in [&b""[..], b"x", &[7; 3_000]] {
            let sealed = secret.seal(payload, RING).unwrap();
            assert_eq!(sealed.len(), payload.len() + InnerSecret::OVERHEAD);
            assert_eq!(secret.open(&sealed, RUSTCRYPTO).unwrap(), payload);
        }
    }

    #[test]
    fn a_stored_secret_is_the_same_secret() {
        let secret = InnerSecret::generate(RING).unwrap();
        let stored: InnerSecret = secret.to_base64url().expose().parse().unwrap();
        assert_eq!(secret.to_base64url().expose().len(), 43);
        assert_eq!(stored.open(&secret.seal(b"hello", RING).unwrap(), RING).unwrap(), b"hello");
    }

    #[test]
    fn every_flipped_bit_and_every_truncation_is_refused() {
        let secret = InnerSecret::generate(RING).unwrap();
        let sealed = secret.seal(b"hello", RING).unwrap();
        for bit in 0..sealed.len() * 8 {
            let mut bad = sealed.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(secret.open(&bad, RING), Err(InnerSealError::NotAuthentic), "bit {bit}");
        }
        for length in 0..sealed.len() {
            assert_eq!(secret.open(&sealed[..length], RING), Err(InnerSealError::NotAuthentic));
        }
        let other = InnerSecret::generate(RING).unwrap();
        assert_eq!(other.open(&sealed, RING), Err(InnerSealError::NotAuthentic));
    }

    #[test]
    fn texts() {
        insta::assert_snapshot!("AAAA".parse::<InnerSecret>().unwrap_err(), @"inner secret must be 32 bytes in base64url");
        insta::assert_snapshot!(InnerSealError::NotAuthentic, @"payload is not sealed with this secret");
        assert_eq!(format!("{:?}", InnerSecret::generate(RING).unwrap()), "InnerSecret(…)");
    }
}
