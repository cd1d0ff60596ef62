//! From the shared secret to the keys of one message.

use reveille_core::Secret;
use reveille_crypto::p256::{P256_PUBLIC_KEY_LEN, SharedSecret};
use reveille_crypto::{AEAD_NONCE_LEN, CryptoError, CryptoProvider, Expand};

use crate::target::AUTH_SECRET_LEN;

pub(crate) const SALT_LEN: usize = 16;
const IKM_LEN: usize = 32;
const CEK_LEN: usize = 16;

/// RFC 8291 §3.4, first half:
///
/// ```text
/// ## Use HKDF to combine the ECDH and authentication secrets
/// # HKDF-Extract(salt=auth_secret, IKM=ecdh_secret)
/// PRK_key = HMAC-SHA-256(auth_secret, ecdh_secret)
/// # HKDF-Expand(PRK_key, key_info, L_key=32)
/// key_info = "WebPush: info" || 0x00 || ua_public || as_public
/// IKM = HMAC-SHA-256(PRK_key, key_info || 0x01)
/// ```
pub(crate) fn input_keying_material(
    crypto: CryptoProvider,
    ecdh_secret: &SharedSecret,
    auth_secret: &[u8; AUTH_SECRET_LEN],
    ua_public: &[u8; P256_PUBLIC_KEY_LEN],
    as_public: &[u8; P256_PUBLIC_KEY_LEN],
) -> Result<Secret<[u8; IKM_LEN]>, CryptoError> {
    let mut ikm = Secret::new([0; IKM_LEN]);
    let key_info: [&[u8]; 3] = [b"WebPush: info\0", ua_public, as_public];
    crypto.hkdf_sha256.derive(
        auth_secret,
        ecdh_secret.expose(),
        &mut [Expand { info: &key_info, out: ikm.expose_mut() }],
    )?;
    Ok(ikm)
}

/// Content encryption key and nonce of the first record.
pub(crate) struct MessageKeys {
    pub(crate) cek: Secret<[u8; CEK_LEN]>,
    pub(crate) nonce: Secret<[u8; AEAD_NONCE_LEN]>,
}

/// RFC 8291 §3.4, second half (RFC 8188 §2.2 and §2.3):
///
/// ```text
/// ## HKDF calculations from RFC 8188
/// # HKDF-Extract(salt, IKM)
/// PRK = HMAC-SHA-256(salt, IKM)
/// # HKDF-Expand(PRK, cek_info, L_cek=16)
/// cek_info = "Content-Encoding: aes128gcm" || 0x00
/// CEK = HMAC-SHA-256(PRK, cek_info || 0x01)[0..15]
/// # HKDF-Expand(PRK, nonce_info, L_nonce=12)
/// nonce_info = "Content-Encoding: nonce" || 0x00
/// NONCE = HMAC-SHA-256(PRK, nonce_info || 0x01)[0..11]
/// ```
pub(crate) fn message_keys(
    crypto: CryptoProvider,
    salt: &[u8; SALT_LEN],
    ikm: &[u8],
) -> Result<MessageKeys, CryptoError> {
    let (mut cek, mut nonce) = (Secret::new([0; CEK_LEN]), Secret::new([0; AEAD_NONCE_LEN]));
    crypto.hkdf_sha256.derive(
        salt,
        ikm,
        &mut [
            Expand { info: &[b"Content-Encoding: aes128gcm\0"], out: cek.expose_mut() },
            Expand { info: &[b"Content-Encoding: nonce\0"], out: nonce.expose_mut() },
        ],
    )?;
    Ok(MessageKeys { cek, nonce })
}
