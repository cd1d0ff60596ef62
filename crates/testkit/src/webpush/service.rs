//! A push service with state: subscriptions and waiting messages.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use reveille_core::UnixTime;
use reveille_crypto::{CryptoProvider, P256PublicKey};

use super::Refusal;
use super::rules::{Accepted, check};

/// A push service in memory. It never reads a clock and never sends: hand it requests, take the messages out.
///
/// ```
/// use reveille_core::UnixTime;
/// use reveille_crypto_rustcrypto::PROVIDER;
/// use reveille_testkit::webpush::PushService;
///
/// let mut service = PushService::new("https://push.example", PROVIDER);
/// let endpoint = service.subscribe(None);
/// let request = http::Request::post(&endpoint).header("ttl", "60").body(bytes::Bytes::new())?;
/// let now = UnixTime::from_secs(1_800_000_000);
/// assert_eq!(service.handle(&request, now).status(), 201);
/// assert_eq!(service.take(&endpoint, now).len(), 1);
/// service.unsubscribe(&endpoint);
/// assert_eq!(service.handle(&request, now).status(), 410);
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Debug)]
pub struct PushService {
    origin: String,
    crypto: CryptoProvider,
    subscriptions: HashMap<String, Subscriber>,
    script: VecDeque<Refusal>,
    created: u64,
    messages: u64,
}

#[derive(Debug, Default)]
struct Subscriber {
    key: Option<P256PublicKey>,
    gone: bool,
    waiting: Vec<StoredMessage>,
}

/// A message that waits for its user agent; [`PushService::take`] returns it for a test to open.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredMessage {
    /// The service's name for it, which the answer gave as `Location`.
    pub location: String,
    /// What the request asked for.
    pub accepted: Accepted,
    /// The encrypted body.
    pub body: Bytes,
    /// When it ends.
    pub expires: UnixTime,
}

impl PushService {
    /// A service at an origin such as `https://push.example`. The provider verifies VAPID tokens.
    #[must_use]
    pub fn new(origin: impl Into<String>, crypto: CryptoProvider) -> Self {
        Self {
            origin: origin.into(),
            crypto,
            subscriptions: HashMap::new(),
            script: VecDeque::new(),
            created: 0,
            messages: 0,
        }
    }

    /// Makes a subscription, restricted to `key` if there is one, and returns its endpoint.
    pub fn subscribe(&mut self, key: Option<P256PublicKey>) -> String {
        self.created += 1;
        let path = format!("/wpush/v2/{:032x}", u128::from(self.created) * 0x9E37_79B9_7F4A_7C15);
        self.subscriptions.insert(path.clone(), Subscriber { key, ..Subscriber::default() });
        format!("{}{path}", self.origin)
    }

    /// Ends a subscription: from now on it answers 410. Whether there was one.
    pub fn unsubscribe(&mut self, endpoint: &str) -> bool {
        let Some(subscriber) = self.find(endpoint) else { return false };
        subscriber.waiting.clear();
        !std::mem::replace(&mut subscriber.gone, true)
    }

    /// The next requests, one each, are answered with these whatever they are.
    pub fn script(&mut self, answers: impl IntoIterator<Item = Refusal>) {
        self.script.extend(answers);
    }

    /// Takes a request and answers it.
    pub fn handle(&mut self, request: &Request<Bytes>, now: UnixTime) -> Response<Bytes> {
        if let Some(refusal) = self.script.pop_front() {
            return refusal.response();
        }
        let path = request.uri().path();
        if request.method() == Method::DELETE && path.starts_with("/m/") {
            return self.cancel(path);
        }
        match self.accept(request, now) {
            Ok(response) => response,
            Err(refusal) => refusal.response(),
        }
    }

    /// The messages that wait for a subscription, oldest first; those that ended are gone.
    pub fn take(&mut self, endpoint: &str, now: UnixTime) -> Vec<StoredMessage> {
        let Some(subscriber) = self.find(endpoint) else { return Vec::new() };
        let mut waiting = std::mem::take(&mut subscriber.waiting);
        // A TTL of zero is delivered at this moment or not at all.
        waiting.retain(|message| message.expires >= now);
        waiting
    }

    fn accept(&mut self, request: &Request<Bytes>, now: UnixTime) -> Result<Response<Bytes>, Refusal> {
        let subscriber = self.subscriptions.get_mut(request.uri().path()).ok_or(Refusal::UnknownEndpoint)?;
        if subscriber.gone {
            return Err(Refusal::Gone);
        }
        let accepted = check(request, &self.origin, subscriber.key.as_ref(), self.crypto, now)?;
        self.messages += 1;
        let location = format!("{}/m/{:016x}", self.origin, self.messages);
        if accepted.topic.is_some() {
            subscriber.waiting.retain(|waiting| waiting.accepted.topic != accepted.topic);
        }
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = StatusCode::CREATED;
        if let Ok(value) = HeaderValue::from_str(&location) {
            response.headers_mut().insert("location", value);
        }
        response.headers_mut().insert("ttl", HeaderValue::from(accepted.ttl.as_secs()));
        let expires = now + accepted.ttl;
        subscriber.waiting.push(StoredMessage { location, accepted, body: request.body().clone(), expires });
        Ok(response)
    }

    /// Autopush lets the application server cancel a message that was not delivered yet.
    fn cancel(&mut self, path: &str) -> Response<Bytes> {
        let location = format!("{}{path}", self.origin);
        for subscriber in self.subscriptions.values_mut() {
            let before = subscriber.waiting.len();
            subscriber.waiting.retain(|message| message.location != location);
            if subscriber.waiting.len() < before {
                let mut response = Response::new(Bytes::new());
                *response.status_mut() = StatusCode::NO_CONTENT;
                return response;
            }
        }
        Refusal::UnknownEndpoint.response()
    }

    fn find(&mut self, endpoint: &str) -> Option<&mut Subscriber> {
        self.subscriptions.get_mut(endpoint.strip_prefix(self.origin.as_str())?)
    }
}
