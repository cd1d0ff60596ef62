//! The draft coding `aesgcm`, from before RFC 8291 (draft-ietf-webpush-encryption-04 with
//! draft-ietf-httpbis-encryption-encoding-03). Behind feature `aesgcm`: KaiOS still needs it, nobody else does, and
//! RFC 8291 §4 forbids it for everybody else.
//!
//! It differs from `aes128gcm` in that salt and sender key travel in headers, padding comes first, and VAPID uses the
//! scheme `WebPush` with the key in `Crypto-Key`. A [`Message`] always fits: one record of this coding holds 4,077 bytes.

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderValue, Request};
use reveille_core::UnixTime;
use reveille_crypto::p256::EphemeralAgreement;
use reveille_crypto::{AEAD_TAG_LEN, CryptoError, CryptoProvider, Expand, base64url};
use thiserror::Error;

use crate::message::Message;
use crate::request::{ApplicationServer, RequestError};
use crate::target::Subscription;

/// Why a request in the old coding `aesgcm` cannot be built; the error of [`ApplicationServer::request_aesgcm`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AesGcmError {
    /// As for the standard coding.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The authorization value is not one that this crate makes.
    #[error("authorization value has no token and key")]
    Authorization,
}

impl From<CryptoError> for AesGcmError {
    fn from(error: CryptoError) -> Self {
        Self::Request(error.into())
    }
}

/// What one encryption gives: the body, and two values for headers.
struct Sealed {
    body: Vec<u8>,
    salt: [u8; 16],
}

impl ApplicationServer {
    /// One message to one KaiOS subscription. Padding is kept.
    ///
    /// # Errors
    /// [`AesGcmError`].
    pub fn request_aesgcm(
        &self,
        message: &Message,
        subscription: &Subscription,
        now: UnixTime,
    ) -> Result<Request<Bytes>, AesGcmError> {
        let mut request = self.request(&message.clone().stripped(), subscription, now)?;
        let authorization = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let (token, key) = authorization
            .and_then(|value| value.strip_prefix("vapid t="))
            .and_then(|value| value.split_once(", k="))
            .ok_or(AesGcmError::Authorization)?;
        let mut old_authorization =
            HeaderValue::try_from(format!("WebPush {token}")).map_err(|_| AesGcmError::Authorization)?;
        old_authorization.set_sensitive(true);
        let mut crypto_key = format!("p256ecdsa={key}");
        if let Some(payload) = message.payload() {
            let crypto = self.crypto();
            let agreement = crypto.p256.agree_ephemeral(subscription.ua_public())?;
            let padding = message.padded_len().saturating_sub(payload.len());
            let sealed = seal(crypto, subscription, &agreement, payload, padding)?;
            crypto_key = format!("dh={};{crypto_key}", base64url::encode(&agreement.public_key));
            let encryption = format!("salt={}", base64url::encode(&sealed.salt));
            let headers = request.headers_mut();
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("aesgcm"));
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
            headers.insert("encryption", header(encryption)?);
            *request.body_mut() = sealed.body.into();
        }
        let headers = request.headers_mut();
        headers.insert(AUTHORIZATION, old_authorization);
        headers.insert("crypto-key", header(crypto_key)?);
        Ok(request)
    }
}

fn header(value: String) -> Result<HeaderValue, AesGcmError> {
    HeaderValue::try_from(value).map_err(|_| AesGcmError::Authorization)
}

/// draft-ietf-webpush-encryption-04 §3, draft-ietf-httpbis-encryption-encoding-03 §3 and §4.2:
///
/// ```text
/// auth_info = "Content-Encoding: auth" || 0x00
/// IKM = HKDF(auth_secret, ecdh_secret, auth_info, 32)
/// context = "P-256" || 0x00 || len(ua_public) || ua_public || len(as_public) || as_public
/// CEK = HKDF(salt, IKM, "Content-Encoding: aesgcm" || 0x00 || context, 16)
/// NONCE = HKDF(salt, IKM, "Content-Encoding: nonce" || 0x00 || context, 12)
/// record = len(padding) (2) || padding || plaintext
/// ```
fn seal(
    crypto: CryptoProvider,
    subscription: &Subscription,
    agreement: &EphemeralAgreement,
    plaintext: &[u8],
    padding: usize,
) -> Result<Sealed, CryptoError> {
    let mut salt = [0; 16];
    crypto.random.fill(&mut salt)?;
    let mut ikm = zeroize::Zeroizing::new([0; 32]);
    crypto.hkdf_sha256.derive(
        subscription.expose_auth_secret(),
        agreement.shared_secret.expose(),
        &mut [Expand { info: &[b"Content-Encoding: auth\0"], out: &mut *ikm }],
    )?;
    let context: [&[u8]; 5] =
        [b"P-256\0", &[0, 65], subscription.ua_public().as_bytes(), &[0, 65], &agreement.public_key];
    let info = |name: &'static [u8]| {
        let [label, ua_len, ua, as_len, as_key] = context;
        [name, label, ua_len, ua, as_len, as_key]
    };
    let (mut cek, mut nonce) = (zeroize::Zeroizing::new([0; 16]), [0; 12]);
    crypto.hkdf_sha256.derive(
        &salt,
        &*ikm,
        &mut [
            Expand { info: &info(b"Content-Encoding: aesgcm\0"), out: &mut *cek },
            Expand { info: &info(b"Content-Encoding: nonce\0"), out: &mut nonce },
        ],
    )?;
    let padding_len = u16::try_from(padding).map_err(|_| CryptoError)?;
    let mut body = Vec::with_capacity(2 + padding + plaintext.len() + AEAD_TAG_LEN);
    body.extend_from_slice(&padding_len.to_be_bytes());
    body.resize(2 + padding, 0);
    body.extend_from_slice(plaintext);
    let tag = crypto.aes_128_gcm.seal_in_place(&*cek, &nonce, &[], &mut body)?;
    body.extend_from_slice(&tag);
    Ok(Sealed { body, salt })
}
