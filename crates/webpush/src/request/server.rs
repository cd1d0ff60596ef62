//! The application server: keys, tokens, and one request.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use bytes::Bytes;
use http::{HeaderValue, Request};
use reveille_core::{UnixTime, Wakeup};
use reveille_crypto::jws::SigningRequest;
use reveille_crypto::{CryptoProvider, ES256_SIGNATURE_LEN, Es256SigningKey};

use super::{RequestError, build};
use crate::credential::{
    Found, NotAHeaderValue, Refusal, SignatureRefused, Token, TokenError, Tokens, UnsignedToken, VapidKey,
    VapidKeyId, VapidKeys, VapidSettings,
};
use crate::encryption::seal_with;
use crate::message::Message;
use crate::target::Subscription;

/// An application server (RFC 8030 §2): it has the VAPID keys, keeps their tokens, and builds requests to push
/// services. It sends nothing. Make one for a service and share it between threads.
///
/// One instance serves all threads through `&self`. Inside is one lock, which is held for a look-up or an installation, and
/// never while something is signed or encrypted: a slow signer stops nobody who has a token.
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
/// let key = VapidKey::from_text(private_key, PROVIDER)?;
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
///
/// # A key that is elsewhere
/// [`VapidKey::remote`] has no private half. Then [`token`](Self::token) and [`request`](Self::request) say
/// [`TokenError::Pending`] until somebody has signed what [`poll_output`](Self::poll_output) gives:
///
/// ```
/// # use reveille_core::UnixTime;
/// # use reveille_crypto::EcPrivateKey;
/// # use reveille_crypto_ring::PROVIDER;
/// # use reveille_webpush::credential::TokenError;
/// # use reveille_webpush::{ApplicationServer, Subscription, VapidKey, VapidKeys, VapidSettings};
/// # let kms = PROVIDER.es256.load(&EcPrivateKey::parse("w1DqrvCLLle2659ja_f0jVQIgR3InUXbdLXdFb4NI-8")?)?;
/// # let settings = VapidSettings::new("mailto:ops@example.com".parse()?);
/// # let now = UnixTime::from_secs(1_800_000_000);
/// # let subscription = Subscription::from_json(r#"{"endpoint":"https://push.example.net/push/JzLQ3raZJfFBR0aqvOMsLrt54w4rJUsV","keys":{
/// #   "p256dh":"BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
/// #   "auth":"BTBZMqHH6r4Tts7J_aSIgg"}}"#)?;
/// let key = VapidKey::remote(*kms.public_key());
/// let server = ApplicationServer::new(PROVIDER, VapidKeys::new(key), settings);
/// assert!(matches!(server.token(&subscription, now), Err(TokenError::Pending { .. })));
/// while let Some(request) = server.poll_output() {
///     let signature = kms.sign(request.signing_input())?; // in some other place, as late as it likes
///     server.handle_signature(&request, &signature, now)?;
/// }
/// assert!(server.token(&subscription, now).is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ApplicationServer {
    crypto: CryptoProvider,
    state: RwLock<State>,
    /// Threads that sign here at this moment: a token that is due is not renewed meanwhile, so that a slow signer holds up
    /// only those who have none.
    signing: AtomicUsize,
}

#[derive(Debug)]
struct State {
    keys: VapidKeys,
    tokens: Tokens,
}

impl Message {
    /// The request that sends this message to one subscription with a token that is at hand, from
    /// [`ApplicationServer::token`] for the same subscription. Encrypts with a fresh key pair and salt (RFC 8291 §3.1).
    ///
    /// # Errors
    /// [`RequestError`] if the random source fails.
    pub fn request(
        &self,
        server: &ApplicationServer,
        target: &Subscription,
        token: &Token,
    ) -> Result<Request<Bytes>, RequestError> {
        server.request_with(self, target, token.authorization().clone())
    }
}

impl ApplicationServer {
    /// A server with its keys. Take one provider and stay with it.
    #[must_use]
    pub fn new(crypto: CryptoProvider, keys: VapidKeys, settings: VapidSettings) -> Self {
        Self {
            crypto,
            state: RwLock::new(State { keys, tokens: Tokens::new(settings) }),
            signing: AtomicUsize::new(0),
        }
    }

    pub(crate) const fn crypto(&self) -> CryptoProvider {
        self.crypto
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
        self.request_with(message, subscription, self.authorization(subscription, now)?)
    }

    fn request_with(
        &self,
        message: &Message,
        subscription: &Subscription,
        authorization: HeaderValue,
    ) -> Result<Request<Bytes>, RequestError> {
        let body = match message.payload() {
            None => Vec::new(),
            Some(_) => {
                let agreement = self.crypto.p256.agree_ephemeral(subscription.ua_public())?;
                seal_with(self.crypto, subscription, agreement, message)?
            }
        };
        build::build(message, subscription.endpoint(), authorization, body.into())
    }

    pub(super) fn authorization(
        &self,
        subscription: &Subscription,
        now: UnixTime,
    ) -> Result<HeaderValue, RequestError> {
        Ok(self.token(subscription, now)?.into_authorization())
    }

    // ---- keys

    /// The keys, as they are at this moment. The page gets `keys().current().public_key()`.
    #[must_use]
    pub fn keys(&self) -> VapidKeys {
        self.read().keys.clone()
    }

    /// Makes `key` the current one and retains the one before for the subscriptions that are bound to it
    /// (RFC 8292 §4.2).
    pub fn rotate(&self, key: VapidKey) {
        self.write().keys.rotate(key);
    }

    /// Forgets a retained key and its tokens, once no subscription is bound to it; whether there was one. The current key
    /// cannot be forgotten.
    pub fn forget(&self, key: VapidKeyId) -> bool {
        let mut state = self.write();
        let forgotten = state.keys.forget(key);
        if forgotten {
            state.tokens.forget(key);
        }
        forgotten
    }

    // ---- tokens

    /// The token for a subscription's push service: the one that is there, or a new one, signed here if the key is here.
    ///
    /// One token serves all subscriptions of a push service for hours. One that is due is used until the next is there, and one
    /// thread alone signs that, while nobody else signs. Threads that have none sign at the same time and then all use the first one.
    ///
    /// # Errors
    /// [`TokenError`]; [`Pending`](TokenError::Pending) if the key is elsewhere: drain [`poll_output`](Self::poll_output), then
    /// ask again.
    pub fn token(&self, subscription: &Subscription, now: UnixTime) -> Result<Token, TokenError> {
        let origin = subscription.endpoint().canonical_origin();
        let (key, old) = {
            let state = self.read();
            let key = state.keys.find(subscription.vapid_key())?;
            match state.tokens.find(key.id(), &origin, now) {
                Some(Found { token, due: false }) => return Ok(token),
                found => (key.clone(), found.map(|found| found.token)),
            }
        };
        match (key.signer(), old) {
            (None, old) => {
                self.write().tokens.ask(&key, &origin, now);
                old.ok_or_else(|| TokenError::Pending { key: key.id() })
            }
            (Some(signer), None) => {
                let _at_work = AtWork::one_more(&self.signing);
                let unsigned = self.read().tokens.unsigned(&key, &origin, now);
                let token = sign(signer, unsigned)?;
                Ok(self.write().tokens.install(key.id(), &origin, token, now))
            }
            (Some(signer), Some(old)) => Ok(self.renew(&key, signer, &origin, now).unwrap_or(old)),
        }
    }

    /// The token that comes after one that is due; `None` if the signer is busy, or fails: that is no reason to stop while
    /// the old token is good.
    fn renew(
        &self,
        key: &VapidKey,
        signer: &dyn Es256SigningKey,
        origin: &str,
        now: UnixTime,
    ) -> Option<Token> {
        let _at_work = AtWork::only_one(&self.signing)?;
        let unsigned = {
            let state = self.read();
            // Somebody was faster.
            if let Some(Found { token, due: false }) = state.tokens.find(key.id(), origin, now) {
                return Some(token);
            }
            if !state.tokens.may_renew(key.id(), origin, now) {
                return None;
            }
            state.tokens.unsigned(key, origin, now)
        };
        let signed = sign(signer, unsigned);
        let mut state = self.write();
        match signed {
            Ok(token) => Some(state.tokens.install(key.id(), origin, token, now)),
            Err(_) => {
                state.tokens.failed_here(key.id(), origin, now);
                None
            }
        }
    }

    /// The next token that a key elsewhere has to sign. Call it until there is none, after
    /// [`TokenError::Pending`], after [`handle_timeout`](Self::handle_timeout) and from time to time: a token that is due is
    /// asked for while the old one is still used.
    #[must_use]
    pub fn poll_output(&self) -> Option<SigningRequest> {
        if self.read().tokens.has_output() { self.write().tokens.poll_output() } else { None }
    }

    /// A signature came from elsewhere: it is verified, and then its token is used for all subscriptions at that push service.
    ///
    /// # Errors
    /// [`SignatureRefused`]; what was in use stays in use.
    pub fn handle_signature(
        &self,
        request: &SigningRequest,
        signature: &[u8],
        now: UnixTime,
    ) -> Result<(), SignatureRefused> {
        let unsigned = self.read().tokens.awaited(request).cloned().ok_or(SignatureRefused::NotAwaited)?;
        let signature: &[u8; ES256_SIGNATURE_LEN] =
            signature.try_into().map_err(|_| SignatureRefused::Length { length: signature.len() })?;
        // Not under the lock: it costs as much as a message.
        let public = *unsigned.public_key();
        self.crypto
            .es256
            .verify(&public, unsigned.signing_input(), signature)
            .map_err(|_| SignatureRefused::Wrong { key: VapidKeyId::of(&public) })?;
        let token = unsigned.finish(signature).map_err(|NotAHeaderValue| SignatureRefused::Header)?;
        let taken = self.write().tokens.signed(request, token, now);
        if taken { Ok(()) } else { Err(SignatureRefused::NotAwaited) }
    }

    /// The signer elsewhere failed. The token is asked for again after 10 s, if somebody still wants it; see
    /// [`next_wakeup`](Self::next_wakeup).
    pub fn handle_failure(&self, request: &SigningRequest, now: UnixTime) {
        self.write().tokens.failed(request, now);
    }

    /// A push service refused a token as too old
    /// ([`Action::RefreshCredential`](reveille_core::Action::RefreshCredential)). `refused` is the `Authorization` value of that
    /// very request.
    ///
    /// Of a thousand requests that were under way with it, the first drops the token, and the others leave the new one alone.
    /// The tokens for other services stay: one service's answer says nothing about them.
    pub fn handle_refusal(
        &self,
        subscription: &Subscription,
        refused: &HeaderValue,
        now: UnixTime,
    ) -> Refusal {
        let origin = subscription.endpoint().canonical_origin();
        let mut state = self.write();
        let State { keys, tokens } = &mut *state;
        // A key that is gone: this subscription's requests cannot be built any more.
        let Ok(key) = keys.find(subscription.vapid_key()) else { return Refusal::Replaced };
        let refusal = tokens.refused(key.id(), &origin, refused, now);
        if refusal == Refusal::Renewing && key.signer().is_none() {
            tokens.ask(key, &origin, now);
        }
        refusal
    }

    /// Asks for tokens of keys elsewhere that are due, and once more for those whose signature did not come within a minute.
    /// Then drain [`poll_output`](Self::poll_output). With keys that sign here there is nothing to do.
    pub fn handle_timeout(&self, now: UnixTime) {
        let mut state = self.write();
        let State { keys, tokens } = &mut *state;
        tokens.handle_timeout(keys, now);
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do. It looks at every push service's token.
    #[must_use]
    pub fn next_wakeup(&self) -> Option<Wakeup> {
        let state = self.read();
        state.tokens.next_wakeup(&state.keys)
    }

    // A thread that panicked, in a signer of the caller's say, was not inside: every change is made at once.
    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

fn sign(signer: &dyn Es256SigningKey, unsigned: UnsignedToken) -> Result<Token, TokenError> {
    let signature = signer.sign(unsigned.signing_input())?;
    unsigned.finish(&signature).map_err(|NotAHeaderValue| TokenError::Header)
}

/// A thread that signs here. The count is right even if a signer panics.
struct AtWork<'a>(&'a AtomicUsize);

impl<'a> AtWork<'a> {
    fn one_more(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Relaxed);
        Self(count)
    }

    /// None while another thread signs.
    fn only_one(count: &'a AtomicUsize) -> Option<Self> {
        count.compare_exchange(0, 1, Relaxed, Relaxed).is_ok().then_some(Self(count))
    }
}

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

impl fmt::Debug for ApplicationServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApplicationServer")
            .field("crypto", &self.crypto.name)
            .field("keys", &self.read().keys)
            .finish_non_exhaustive()
    }
}
