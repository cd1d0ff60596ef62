//! The sending side: from a message and a subscription to a request.

mod batch;
mod request;

use std::fmt;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use bytes::Bytes;
use http::{HeaderValue, Request};
use reveille_core::UnixTime;
use reveille_crypto::{CryptoError, CryptoProvider, ES256_SIGNATURE_LEN};
use thiserror::Error;

use crate::encryption::seal_with;
use crate::message::Message;
use crate::subscription::Subscription;
use crate::vapid::{
    CachedToken, UnknownVapidKey, UnsignedVapid, VapidCache, VapidKeyId, VapidKeys, VapidSettings,
};

/// An application server (RFC 8030 §2): builds requests to push services. It sends nothing.
///
/// One instance serves all threads: `&self` is enough, and no lock is held while a message is encrypted.
///
/// ```
/// use reveille_core::UnixTime;
/// use reveille_crypto_ring::PROVIDER;
/// use reveille_webpush::{ApplicationServer, Message, Subscription, Ttl, VapidKey, VapidKeys, VapidSettings};
///
/// # let private_key = "w1DqrvCLLle2659ja_f0jVQIgR3InUXbdLXdFb4NI-8";
/// # let json = r#"{"endpoint":"https://push.example.net/push/JzLQ3raZJfFBR0aqvOMsLrt54w4rJUsV","keys":{
/// #   "p256dh":"BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
/// #   "auth":"BTBZMqHH6r4Tts7J_aSIgg"}}"#;
/// let key = VapidKey::parse(private_key, PROVIDER)?;
/// let settings = VapidSettings::new("mailto:ops@example.com".parse()?);
/// let server = ApplicationServer::new(PROVIDER, VapidKeys::new(key), settings);
///
/// let subscription = Subscription::from_json(json)?;
/// let message = Message::new("hello", Ttl::from_secs(3_600)?)?;
/// let request = server.request(&message, &subscription, UnixTime::from_secs(1_800_000_000))?;
///
/// assert_eq!(request.method(), "POST");
/// assert_eq!(request.headers()["ttl"], "3600");
/// assert_eq!(request.headers()["content-encoding"], "aes128gcm");
/// assert_eq!(request.body().len(), 86 + 5 + 1 + 16); // header, payload, delimiter, tag
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ApplicationServer {
    crypto: CryptoProvider,
    keys: VapidKeys,
    tokens: RwLock<VapidCache>,
}

/// Why a request cannot be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The subscription is bound to a key that this server does not have (any more).
    #[error(transparent)]
    UnknownKey(#[from] UnknownVapidKey),
    /// The key signs elsewhere and there is no token for this push service yet: see
    /// [`ApplicationServer::unsigned`].
    #[error("a token for this push service must first be signed with the key {key}")]
    SignatureNeeded {
        /// Which key.
        key: VapidKeyId,
    },
    /// The random source or the signer failed.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

impl ApplicationServer {
    /// A server with its keys. Take one provider and stay with it.
    #[must_use]
    pub fn new(crypto: CryptoProvider, keys: VapidKeys, settings: VapidSettings) -> Self {
        Self { crypto, keys, tokens: RwLock::new(VapidCache::new(settings)) }
    }

    #[cfg(feature = "aesgcm")]
    pub(crate) const fn crypto(&self) -> CryptoProvider {
        self.crypto
    }

    /// The keys.
    #[must_use]
    pub const fn keys(&self) -> &VapidKeys {
        &self.keys
    }

    /// The keys, to rotate them. Tokens of keys that are gone end by themselves.
    #[must_use]
    pub const fn keys_mut(&mut self) -> &mut VapidKeys {
        &mut self.keys
    }

    /// One message to one subscription: encrypts it with a fresh key pair and salt (RFC 8291 §3.1) and builds the
    /// request (RFC 8030 §5). Hand the answer to [`classify`](crate::classify).
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn request(
        &self,
        message: &Message,
        subscription: &Subscription,
        now: UnixTime,
    ) -> Result<Request<Bytes>, RequestError> {
        let authorization = self.authorization(subscription, now)?;
        let body = match message.payload() {
            None => Vec::new(),
            Some(_) => {
                let agreement = self.crypto.p256.agree_ephemeral(subscription.ua_public())?;
                seal_with(self.crypto, subscription, agreement, message)?
            }
        };
        Ok(request::build(message, subscription.endpoint(), authorization, body.into()))
    }

    /// The `Authorization` value for a subscription, from the cache or newly signed.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn authorization(
        &self,
        subscription: &Subscription,
        now: UnixTime,
    ) -> Result<HeaderValue, RequestError> {
        let key = self.keys.find(subscription.vapid_key())?;
        let endpoint = subscription.endpoint();
        let cached = self.read_tokens().find(key.id(), endpoint, now);
        if let Some(CachedToken { value, due: false }) = cached {
            return Ok(value);
        }
        // Signed under the lock, so that many threads that miss at once make one token: Apple asks for no more than
        // one an hour.
        let mut tokens = self.write_tokens();
        let old = tokens.find(key.id(), endpoint, now);
        if let Some(CachedToken { value, due: false }) = old {
            return Ok(value);
        }
        let unsigned = tokens.unsigned(key, endpoint, now);
        match (key.sign(unsigned.signing_input()), old) {
            (Some(Ok(signature)), _) => Ok(tokens.install(unsigned, &signature)),
            // A signer that is elsewhere or fails is no reason to stop while the old token is good.
            (_, Some(old)) => Ok(old.value),
            (Some(Err(error)), None) => Err(error.into()),
            (None, None) => Err(RequestError::SignatureNeeded { key: key.id() }),
        }
    }

    /// Phase one of signing elsewhere: the token to sign for a subscription's push service, or `None` if there is one
    /// that is good for a while. Ask from time to time: within `renew_before` ([`VapidSettings`]) of its end a token is due,
    /// and still used until the new one is there.
    ///
    /// # Errors
    /// [`UnknownVapidKey`].
    pub fn unsigned(
        &self,
        subscription: &Subscription,
        now: UnixTime,
    ) -> Result<Option<UnsignedVapid>, UnknownVapidKey> {
        let key = self.keys.find(subscription.vapid_key())?;
        let (endpoint, tokens) = (subscription.endpoint(), self.read_tokens());
        let good = tokens.find(key.id(), endpoint, now).is_some_and(|token| !token.due);
        Ok((!good).then(|| tokens.unsigned(key, endpoint, now)))
    }

    /// Phase two: checks the signature, keeps the token for all subscriptions at the same push service, and returns its
    /// value.
    ///
    /// # Errors
    /// [`CryptoError`] if the signature is not one of this token with its key.
    pub fn install(
        &self,
        unsigned: UnsignedVapid,
        signature: &[u8; ES256_SIGNATURE_LEN],
    ) -> Result<HeaderValue, CryptoError> {
        self.crypto.es256.verify(unsigned.public_key(), unsigned.signing_input(), signature)?;
        Ok(self.write_tokens().install(unsigned, signature))
    }

    /// Drops the token for a subscription's push service, so that a new one is signed: after
    /// [`Action::RefreshCredential`](reveille_core::Action::RefreshCredential). The tokens for other services stay: one
    /// service's answer says nothing about them.
    pub fn refresh_token(&self, subscription: &Subscription) {
        if let Ok(key) = self.keys.find(subscription.vapid_key()) {
            self.write_tokens().remove(key.id(), subscription.endpoint());
        }
    }

    fn read_tokens(&self) -> RwLockReadGuard<'_, VapidCache> {
        self.tokens.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_tokens(&self) -> RwLockWriteGuard<'_, VapidCache> {
        self.tokens.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for ApplicationServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApplicationServer")
            .field("crypto", &self.crypto.name)
            .field("keys", &self.keys)
            .finish_non_exhaustive()
    }
}
