//! Opening a message, strictly.

use reveille_core::Secret;
use reveille_crypto::p256::{AgreementKey, P256_PUBLIC_KEY_LEN};
use reveille_crypto::{CryptoProvider, KeyError, P256PublicKey};
use thiserror::Error;

use super::UserAgentKeys;
use crate::encryption::{decrypt_content, input_keying_material};
use crate::target::Endpoint;
use crate::target::{AUTH_SECRET_LEN, Subscription};

/// The receiving end of one subscription: it opens what application servers send to it. Use it in tests, and in
/// clients that are no browser.
///
/// ```
/// use reveille_webpush::{UserAgent, UserAgentKeys};
/// use reveille_crypto_rustcrypto::PROVIDER;
///
/// // RFC 8291 §5 and Appendix A.
/// let keys = UserAgentKeys::from_text("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94", "BTBZMqHH6r4Tts7J_aSIgg")?;
/// let user_agent = UserAgent::new(&keys, PROVIDER)?;
/// let body = reveille_crypto::base64url::decode(concat!(
///     "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27ml",
///     "mlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPT",
///     "pK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN",
/// ))?;
/// assert_eq!(user_agent.open(&body)?, b"When I grow up, I want to be a watermelon");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct UserAgent {
    crypto: CryptoProvider,
    ua_private: Box<dyn AgreementKey>,
    auth_secret: Secret<[u8; AUTH_SECRET_LEN]>,
}

/// Why a body was discarded instead of being opened; the error of [`UserAgent::open`]. A user agent shows nothing
/// then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Not the form of a Web Push body: too short, a keyid that is not a P-256 point of 65 bytes, a record size below
    /// 18, or more than one record.
    #[error("body is malformed: {problem}")]
    Malformed {
        /// Which rule it breaks.
        problem: &'static str,
    },
    /// Wrong key, altered body, or wrong padding: on purpose not told apart.
    #[error("body is not authentic")]
    NotAuthentic,
}

impl UserAgent {
    /// The user agent that has these keys.
    ///
    /// # Errors
    /// [`KeyError`]; [`KeyError::Unsupported`] from backends that have only ephemeral keys, such as ring.
    pub fn new(keys: &UserAgentKeys, crypto: CryptoProvider) -> Result<Self, KeyError> {
        let ua_private = crypto.p256.load_agreement_key(&keys.private_key)?;
        Ok(Self { crypto, ua_private, auth_secret: keys.auth_secret.clone() })
    }

    /// The subscription to hand to the application server.
    #[must_use]
    pub fn subscription(&self, endpoint: Endpoint) -> Subscription {
        Subscription::new(endpoint, *self.ua_private.public_key(), self.auth_secret.clone())
    }

    /// Opens a body (RFC 8291 §4): a single record, delimiter 0x02, a keyid of 65 bytes that is a point on the curve,
    /// authenticated. An empty HTTP body is a push without payload and not to be opened.
    ///
    /// # Errors
    /// [`OpenError`]; the message must be discarded.
    pub fn open(&self, body: &[u8]) -> Result<Vec<u8>, OpenError> {
        let keyid = check_form(body)?;
        let as_public = P256PublicKey::from_bytes(keyid)
            .map_err(|_| OpenError::Malformed { problem: "keyid is not a point on P-256" })?;
        decrypt_content(self.crypto, body, |_| self.content_key(&as_public))
            .map_err(|_| OpenError::NotAuthentic)
    }

    fn content_key(&self, as_public: &P256PublicKey) -> Option<Secret<Vec<u8>>> {
        let ecdh_secret = self.ua_private.agree(as_public).ok()?;
        let ua_public = self.ua_private.public_key().as_bytes();
        let auth_secret = self.auth_secret.expose();
        let ikm =
            input_keying_material(self.crypto, &ecdh_secret, auth_secret, ua_public, as_public.as_bytes());
        Some(Secret::new(ikm.ok()?.expose().to_vec()))
    }
}

/// Checks what RFC 8291 §4 adds to RFC 8188 and returns the keyid.
fn check_form(body: &[u8]) -> Result<&[u8], OpenError> {
    let too_short = OpenError::Malformed { problem: "shorter than header, delimiter and tag" };
    let Some((header, rest)) = body.split_first_chunk::<21>() else { return Err(too_short) };
    let &[.., r0, r1, r2, r3, idlen] = header;
    if usize::from(idlen) != P256_PUBLIC_KEY_LEN {
        return Err(OpenError::Malformed { problem: "keyid is not 65 bytes" });
    }
    let Some((keyid, records)) = rest.split_at_checked(P256_PUBLIC_KEY_LEN) else { return Err(too_short) };
    if records.len() < 17 {
        return Err(too_short);
    }
    let record_size = u32::from_be_bytes([r0, r1, r2, r3]);
    if record_size < 18 {
        return Err(OpenError::Malformed { problem: "record size is below 18" });
    }
    if u32::try_from(records.len()).map_or(true, |length| length > record_size) {
        return Err(OpenError::Malformed { problem: "more than one record" });
    }
    Ok(keyid)
}
