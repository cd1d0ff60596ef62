//! The sending side: from a message and a subscription to a request.

mod batch;
mod request;

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError};

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
    /// Held while a token is signed here; the tokens are not locked meanwhile.
    signing: Mutex<()>,
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
        Self { crypto, keys, tokens: RwLock::new(VapidCache::new(settings)), signing: Mutex::new(()) }
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
        let Some(signer) = key.signer() else {
            return cached
                .map(|old| old.value)
                .ok_or_else(|| RequestError::SignatureNeeded { key: key.id() });
        };
        // One at a time, so that many threads that miss at once make one token: Apple asks for no more than one an hour.
        let (_signing, old) = match (self.try_signing(), cached) {
            (Some(signing), old) => (signing, old),
            // Somebody is at it, and the old token is good until then.
            (None, Some(old)) => return Ok(old.value),
            (None, None) => (self.signing.lock().unwrap_or_else(PoisonError::into_inner), None),
        };
        let unsigned = {
            let tokens = self.read_tokens();
            if let Some(CachedToken { value, due: false }) = tokens.find(key.id(), endpoint, now) {
                return Ok(value);
            }
            tokens.unsigned(key, endpoint, now)
        };
        match (signer.sign(unsigned.signing_input()), old) {
            (Ok(signature), _) => Ok(self.write_tokens().install(unsigned, &signature)),
            // A signer that fails is no reason to stop while the old token is good.
            (Err(_), Some(old)) => Ok(old.value),
            (Err(error), None) => Err(error.into()),
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

    /// A push service refused a token as too old ([`Action::RefreshCredential`](reveille_core::Action::RefreshCredential)):
    /// drops it, so that a new one is signed. `refused` is the `Authorization` value of the request. Returns whether another
    /// attempt makes sense; if not, this server's clock is probably wrong, and its operator should know.
    ///
    /// The tokens for other services stay: one service's answer says nothing about them. So does a token that was made
    /// since, when many requests were under way with the old one, and a token younger than an hour.
    pub fn refresh_token(&self, subscription: &Subscription, refused: &HeaderValue, now: UnixTime) -> bool {
        self.keys.find(subscription.vapid_key()).is_ok_and(|key| {
            self.write_tokens().remove_refused(key.id(), subscription.endpoint(), refused, now)
        })
    }

    /// The right to sign; none while somebody else does.
    fn try_signing(&self) -> Option<MutexGuard<'_, ()>> {
        match self.signing.try_lock() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
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
