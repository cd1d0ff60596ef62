//! One token per key and push service, used for hours.
//!
//! RFC 8292 §5 encourages reuse, because the push service then need not verify each signature; Apple asks for at most
//! one new token an hour.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use http::HeaderValue;
use reveille_core::UnixTime;
use reveille_crypto::ES256_SIGNATURE_LEN;

use super::{Contact, UnsignedVapid, VapidKey, VapidKeyId};
use crate::endpoint::Endpoint;

/// A token that ends while the request is on its way is of no use.
const LAST_MINUTE: Duration = Duration::from_secs(60);
/// Apple: "Don't refresh your JWT more frequently than once per hour."
const SHORTEST_USE: Duration = Duration::from_secs(3600);

/// How tokens are made and kept.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct VapidSettings {
    /// `sub`: whom the push service's operator can reach.
    pub contact: Contact,
    /// Life of a token: 12 hours by default, brought between 2 hours and 23 hours 50 minutes. The limit is 24 hours from
    /// the time of the request **on the push service's clock** (RFC 8292 §2), so some room is left for a clock that is
    /// ahead. A shorter life would need more than one token an hour.
    pub lifetime: Duration,
    /// A token with less than this left is renewed, and used until the new one is there: 1 hour by default, cut to half
    /// of the lifetime.
    pub renew_before: Duration,
    /// Tokens kept at most, 10,000 by default, at least 1. Endpoints come from users: without a bound anybody could fill the memory with made-up origins.
    pub capacity: usize,
}

impl VapidSettings {
    /// The longest life of a token that is asked for.
    pub const MAX_LIFETIME: Duration = Duration::from_secs(24 * 3600 - 600);
    /// The shortest.
    pub const MIN_LIFETIME: Duration = Duration::from_secs(2 * 3600);

    /// The defaults.
    #[must_use]
    pub const fn new(contact: Contact) -> Self {
        Self {
            contact,
            lifetime: Duration::from_secs(12 * 3600),
            renew_before: Duration::from_secs(3600),
            capacity: 10_000,
        }
    }

    fn lifetime(&self) -> Duration {
        self.lifetime.clamp(Self::MIN_LIFETIME, Self::MAX_LIFETIME)
    }

    fn renew_before(&self) -> Duration {
        self.renew_before.min(self.lifetime() / 2)
    }
}

/// Signed tokens by key and origin, bounded in number.
#[derive(Debug)]
pub struct VapidCache {
    settings: VapidSettings,
    /// By key, then by origin.
    tokens: HashMap<VapidKeyId, HashMap<Box<str>, Token>>,
    /// Whose turn it is to go when the cache is full: the front's, unless it was used since its last turn.
    order: VecDeque<(VapidKeyId, Box<str>)>,
}

/// A token that the push service will take.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CachedToken {
    /// The value of the `Authorization` header.
    pub value: HeaderValue,
    /// Whether it ends soon, and a new one should be signed.
    pub due: bool,
}

#[derive(Debug)]
struct Token {
    value: HeaderValue,
    expires: UnixTime,
    used: AtomicBool,
}

impl Token {
    /// Written once only between two turns: many threads read the same few tokens.
    fn mark_used(&self) {
        if !self.used.load(Relaxed) {
            self.used.store(true, Relaxed);
        }
    }
}

impl VapidCache {
    /// An empty cache.
    #[must_use]
    pub fn new(settings: VapidSettings) -> Self {
        Self { settings, tokens: HashMap::new(), order: VecDeque::new() }
    }

    /// The token for an endpoint, if there is one that the push service will take, and whether a new one is due.
    ///
    /// A token is not used in its last minute, nor, after the clock was set back, when it would end more than 24 hours from now.
    #[must_use]
    pub fn find(&self, key: VapidKeyId, endpoint: &Endpoint, now: UnixTime) -> Option<CachedToken> {
        let token = self.tokens.get(&key)?.get(endpoint.canonical_origin().as_ref())?;
        let left = token.expires.since(now);
        let usable = left > LAST_MINUTE && left <= VapidSettings::MAX_LIFETIME;
        let due = left <= self.settings.renew_before();
        usable.then(|| {
            token.mark_used();
            CachedToken { value: token.value.clone(), due }
        })
    }

    /// Phase one for a key that signs elsewhere: what to sign. Then [`install`](Self::install) the signature.
    #[must_use]
    pub fn unsigned(&self, key: &VapidKey, endpoint: &Endpoint, now: UnixTime) -> UnsignedVapid {
        let expires = now + self.settings.lifetime();
        UnsignedVapid::new(*key.public_key(), endpoint.origin(), &self.settings.contact, expires)
    }

    /// Phase two: finishes a token, keeps it for its origin and returns its header value. If the cache is full, the oldest
    /// token that nobody used for a while goes. The signature is not checked here.
    pub fn install(&mut self, unsigned: UnsignedVapid, signature: &[u8; ES256_SIGNATURE_LEN]) -> HeaderValue {
        let (key, expires) = (unsigned.key(), unsigned.expires());
        let origin: Box<str> = unsigned.origin().into();
        let value = unsigned.finish(signature);
        let token = Token { value: value.clone(), expires, used: AtomicBool::new(false) };
        let replaced = self.tokens.entry(key).or_default().insert(origin.clone(), token);
        if replaced.is_some() {
            self.order.retain(|(old_key, old_origin)| (*old_key, old_origin) != (key, &origin));
        }
        while self.order.len() >= self.settings.capacity.max(1) {
            self.make_room();
        }
        self.order.push_back((key, origin));
        value
    }

    /// The push service refused a token as too old: drops it. Returns whether [`find`](Self::find) now has none or another
    /// one than `refused`, so that a second attempt makes sense.
    ///
    /// Of many requests that were under way with the token, the first to come back drops it; the others leave the new
    /// one alone. A token younger than an hour stays: another would end at almost the same time, so the token is not the
    /// fault, but this server's clock.
    pub fn remove_refused(
        &mut self,
        key: VapidKeyId,
        endpoint: &Endpoint,
        refused: &HeaderValue,
        now: UnixTime,
    ) -> bool {
        let origin = endpoint.canonical_origin();
        let Some(tokens) = self.tokens.get_mut(&key) else { return true };
        let Some(token) = tokens.get(origin.as_ref()).filter(|token| token.value == *refused) else {
            return true;
        };
        if now.since(token.expires - self.settings.lifetime()) < SHORTEST_USE {
            return false;
        }
        tokens.remove(origin.as_ref());
        self.order.retain(|(old_key, old_origin)| *old_key != key || **old_origin != *origin);
        true
    }

    /// How many tokens are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether none is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Evicts one token. One that was used since its last turn gets another, so that a flood of made-up origins pushes out
    /// itself and not the services that everybody uses.
    fn make_room(&mut self) {
        while let Some((key, origin)) = self.order.pop_front() {
            let Some(tokens) = self.tokens.get_mut(&key) else { return };
            if tokens.get_mut(&origin).is_some_and(|token| std::mem::take(token.used.get_mut())) {
                self.order.push_back((key, origin));
                continue;
            }
            tokens.remove(&origin);
            if tokens.is_empty() {
                self.tokens.remove(&key);
            }
            return;
        }
    }
}
