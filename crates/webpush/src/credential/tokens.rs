//! The tokens of a server: one per key and push service, used for hours.
//!
//! RFC 8292 §5 encourages reuse, because the push service then need not verify each signature; Apple asks for at most
//! one new token an hour.
//!
//! Clocks jump. So nothing is thrown away because of the time alone: of each push service the last three tokens are kept,
//! and whichever is good *now* is used. A clock that is wrong for a moment costs one token there and none on the way back.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use http::HeaderValue;
use reveille_core::{UnixTime, Wakeup};
use reveille_crypto::jws::{SigningAlgorithm, SigningId, SigningRequest};

use super::{Refusal, Token, UnsignedToken, VapidKey, VapidKeyId, VapidKeys, VapidSettings};

/// A token that ends while the request is on its way is of no use.
const LAST_MINUTE: Duration = Duration::from_secs(60);
/// Apple: "Don't refresh your JWT more frequently than once per hour."
const SHORTEST_USE: Duration = Duration::from_secs(3600);
/// Tokens kept of one push service.
const KEPT: usize = 3;
/// A signature that takes longer is asked for again.
const SIGNATURE_WITHIN: Duration = Duration::from_secs(60);
/// The pause after a signer failed.
const SIGN_AGAIN: Duration = Duration::from_secs(10);

/// Signed tokens by key and origin, bounded in number, and what is to be signed elsewhere.
#[derive(Debug)]
pub(crate) struct Tokens {
    settings: VapidSettings,
    /// By key, then by origin.
    services: HashMap<VapidKeyId, HashMap<Box<str>, Service>>,
    /// Whose turn it is to go when there is no room: the front's, unless it was used since its last turn.
    order: VecDeque<(VapidKeyId, Box<str>)>,
    awaited: BTreeMap<SigningId, Awaited>,
    /// Of those, the ones to hand out, in the order in which they were asked for.
    queue: VecDeque<SigningId>,
    last_id: u64,
}

/// One key at one push service.
#[derive(Debug, Default)]
struct Service {
    /// The newest last.
    kept: Vec<Token>,
    /// Used since the last token came, or since its last turn to go.
    used: AtomicBool,
    /// The signature that is awaited from elsewhere.
    awaits: Option<SigningId>,
    /// The signer failed: not before this.
    again_at: Option<UnixTime>,
}

/// A signature that somebody else makes.
struct Awaited {
    key: VapidKeyId,
    origin: Box<str>,
    unsigned: UnsignedToken,
    since: UnixTime,
}

/// A token that the push service will take.
pub(crate) struct Found {
    pub(crate) token: Token,
    /// Whether it ends soon, and a new one should be signed.
    pub(crate) due: bool,
}

impl Service {
    /// The token that is good for longest. None is used in its last minute, nor if it would end later than any token may:
    /// the clock was set back since it was made.
    fn best(&self, now: UnixTime) -> Option<&Token> {
        let usable = |token: &&Token| is_usable(token.expires_at(), now);
        self.kept.iter().filter(usable).max_by_key(|token| token.expires_at())
    }

    /// Written once only between two turns: many threads read the same few tokens.
    fn mark_used(&self) {
        if !self.used.load(Relaxed) {
            self.used.store(true, Relaxed);
        }
    }

    fn keep(&mut self, token: Token) {
        if self.kept.len() >= KEPT {
            self.kept.remove(0);
        }
        self.kept.push(token);
        (self.awaits, self.again_at) = (None, None);
        *self.used.get_mut() = false;
    }

    /// Whether the signer failed a moment ago. A time that is farther off than the pause was set by another clock.
    fn pauses(&self, now: UnixTime) -> bool {
        self.again_at.is_some_and(|at| now < at && at <= now + SIGN_AGAIN)
    }
}

fn is_usable(expires: UnixTime, now: UnixTime) -> bool {
    let left = left(expires, now);
    left > LAST_MINUTE && left <= VapidSettings::MAX_LIFETIME
}

/// What is left of a token. A clock that shows the end of time would make a new one for every message: there nothing ends.
fn left(expires: UnixTime, now: UnixTime) -> Duration {
    if expires == UnixTime::MAX && now + VapidSettings::MAX_LIFETIME == UnixTime::MAX {
        return VapidSettings::MAX_LIFETIME;
    }
    expires.since(now)
}

impl Tokens {
    pub(crate) fn new(settings: VapidSettings) -> Self {
        Self {
            settings,
            services: HashMap::new(),
            order: VecDeque::new(),
            awaited: BTreeMap::new(),
            queue: VecDeque::new(),
            last_id: 0,
        }
    }

    /// The token for a push service, if there is one that it will take, and whether a new one is due.
    pub(crate) fn find(&self, key: VapidKeyId, origin: &str, now: UnixTime) -> Option<Found> {
        let service = self.service(key, origin)?;
        let token = service.best(now)?.clone();
        service.mark_used();
        let due = left(token.expires_at(), now) <= self.settings.renew_before();
        Some(Found { token, due })
    }

    pub(crate) fn unsigned(&self, key: &VapidKey, origin: &str, now: UnixTime) -> UnsignedToken {
        let expires = now + self.settings.lifetime();
        UnsignedToken::new(*key.public_key(), origin, self.settings.contact(), expires)
    }

    /// Keeps a new token. Of many that were signed at once the first one stays, so that all threads use the same.
    pub(crate) fn install(&mut self, key: VapidKeyId, origin: &str, token: Token, now: UnixTime) -> Token {
        if let Some(Found { token, due: false }) = self.find(key, origin, now) {
            return token;
        }
        self.make(key, origin).keep(token.clone());
        token
    }

    /// Whether the signer here is to be asked for the next token, or failed a moment ago.
    pub(crate) fn may_renew(&self, key: VapidKeyId, origin: &str, now: UnixTime) -> bool {
        self.service(key, origin).is_some_and(|service| !service.pauses(now))
    }

    /// The signer here failed.
    pub(crate) fn failed_here(&mut self, key: VapidKeyId, origin: &str, now: UnixTime) {
        if let Some(service) = self.service_mut(key, origin) {
            service.again_at = Some(now + SIGN_AGAIN);
        }
    }

    /// A token must be signed elsewhere: asks for it, once.
    pub(crate) fn ask(&mut self, key: &VapidKey, origin: &str, now: UnixTime) {
        let service = self.make(key.id(), origin);
        service.mark_used();
        let (awaits, pauses) = (service.awaits, service.pauses(now));
        if let Some((id, awaited)) = awaits.and_then(|id| Some((id, self.awaited.get_mut(&id)?))) {
            // The clock was set back: count from here.
            awaited.since = awaited.since.min(now);
            let usable = is_usable(awaited.unsigned.expires(), now);
            if usable && now.since(awaited.since) < SIGNATURE_WITHIN {
                return;
            }
            if usable {
                // The question got lost, or its answer: the same once more, so that either answer will do.
                awaited.since = now;
                if !self.queue.contains(&id) {
                    self.queue.push_back(id);
                }
                return;
            }
            self.awaited.remove(&id);
        }
        if pauses {
            return;
        }
        self.last_id = self.last_id.wrapping_add(1);
        let id = SigningId::new(self.last_id);
        let unsigned = self.unsigned(key, origin, now);
        self.awaited.insert(id, Awaited { key: key.id(), origin: origin.into(), unsigned, since: now });
        self.queue.push_back(id);
        if let Some(service) = self.service_mut(key.id(), origin) {
            service.awaits = Some(id);
        }
    }

    pub(crate) fn has_output(&self) -> bool {
        !self.queue.is_empty()
    }

    /// The next token to sign elsewhere.
    pub(crate) fn poll_output(&mut self) -> Option<SigningRequest> {
        while let Some(id) = self.queue.pop_front() {
            if let Some(Awaited { key, unsigned, .. }) = self.awaited.get(&id) {
                let key = key.to_string();
                return Some(SigningRequest::new(id, SigningAlgorithm::Es256, key, unsigned.jws()));
            }
        }
        None
    }

    /// The token that `request` is for, if its signature is still awaited. Another server's request may have the same
    /// number, so the bytes are compared.
    pub(crate) fn awaited(&self, request: &SigningRequest) -> Option<&UnsignedToken> {
        let Awaited { unsigned, .. } = self.awaited.get(&request.id())?;
        (unsigned.signing_input() == request.signing_input()).then_some(unsigned)
    }

    /// The signature came, and is good.
    pub(crate) fn signed(&mut self, request: &SigningRequest, token: Token, now: UnixTime) -> bool {
        if self.awaited(request).is_none() {
            return false;
        }
        let Some(Awaited { key, origin, .. }) = self.awaited.remove(&request.id()) else { return false };
        if let Some(service) = self.service_mut(key, &origin) {
            service.awaits = None;
        }
        self.install(key, &origin, token, now);
        true
    }

    /// The signer failed: asked again after a pause, while somebody wants the token.
    pub(crate) fn failed(&mut self, request: &SigningRequest, now: UnixTime) {
        if self.awaited(request).is_none() {
            return;
        }
        let Some(Awaited { key, origin, .. }) = self.awaited.remove(&request.id()) else { return };
        if let Some(service) = self.service_mut(key, &origin) {
            (service.awaits, service.again_at) = (None, Some(now + SIGN_AGAIN));
        }
    }

    /// The push service refused a token as too old.
    pub(crate) fn refused(
        &mut self,
        key: VapidKeyId,
        origin: &str,
        refused: &HeaderValue,
        now: UnixTime,
    ) -> Refusal {
        let lifetime = self.settings.lifetime();
        let Some(service) = self.service_mut(key, origin) else { return Refusal::Replaced };
        let Some(at) = service.kept.iter().position(|token| token.authorization() == refused) else {
            return Refusal::Replaced;
        };
        let made = service.kept.get(at).map(|token| token.expires_at() - lifetime);
        if let Some(until) = made.filter(|made| now.since(*made) < SHORTEST_USE) {
            return Refusal::TooYoung { until: until + SHORTEST_USE };
        }
        service.kept.remove(at);
        Refusal::Renewing
    }

    /// Asks for what is due or overdue, of the keys that are elsewhere. Where nobody asked for a token since the last time,
    /// nothing is: made-up origins are not renewed for ever.
    pub(crate) fn handle_timeout(&mut self, keys: &VapidKeys, now: UnixTime) {
        let mut due: Vec<(VapidKey, Box<str>)> = Vec::new();
        for (key, origin, at) in self.wanted(keys) {
            if at <= now {
                due.push((key.clone(), origin.into()));
            }
        }
        due.sort_by(|(key, origin), (other, other_origin)| {
            (key.id(), origin).cmp(&(other.id(), other_origin))
        });
        for (key, origin) in due {
            self.ask(&key, &origin, now);
            if let Some(service) = self.service_mut(key.id(), &origin) {
                *service.used.get_mut() = false;
            }
        }
    }

    pub(crate) fn next_wakeup(&self, keys: &VapidKeys) -> Option<Wakeup> {
        let at = self.wanted(keys).map(|(_, _, at)| at).min()?;
        Some(Wakeup { at, reason: "a VAPID token is to be signed elsewhere" })
    }

    /// What has to be asked for elsewhere, and when.
    fn wanted<'a>(&'a self, keys: &'a VapidKeys) -> impl Iterator<Item = (&'a VapidKey, &'a str, UnixTime)> {
        let remote = keys.iter().filter(|key| key.signer().is_none());
        let services = remote.flat_map(|key| self.services.get(&key.id()).map(|services| (key, services)));
        let services =
            services.flat_map(|(key, services)| services.iter().map(move |service| (key, service)));
        services.filter_map(|(key, (origin, service))| {
            let awaited = service.awaits.and_then(|id| self.awaited.get(&id));
            let newest = service.kept.last();
            let at = awaited
                .map(|awaited| awaited.since + SIGNATURE_WITHIN)
                .or(service.again_at)
                .or_else(|| newest.map(|token| token.expires_at() - self.settings.renew_before()))?;
            service.used.load(Relaxed).then_some((key, &**origin, at))
        })
    }

    /// Forgets all tokens of a key.
    pub(crate) fn forget(&mut self, key: VapidKeyId) {
        self.services.remove(&key);
        self.order.retain(|(of, _)| *of != key);
        self.awaited.retain(|_, awaited| awaited.key != key);
    }

    fn service(&self, key: VapidKeyId, origin: &str) -> Option<&Service> {
        self.services.get(&key)?.get(origin)
    }

    fn service_mut(&mut self, key: VapidKeyId, origin: &str) -> Option<&mut Service> {
        self.services.get_mut(&key)?.get_mut(origin)
    }

    /// The push service's entry; where there is none, somebody else's may have to go.
    fn make(&mut self, key: VapidKeyId, origin: &str) -> &mut Service {
        if self.service(key, origin).is_none() {
            while self.order.len() >= self.settings.capacity() {
                self.make_room();
            }
            self.order.push_back((key, origin.into()));
        }
        self.services.entry(key).or_default().entry(origin.into()).or_default()
    }

    /// Removes one entry. One that was used since its last turn gets another turn, so that a flood of made-up origins removes
    /// only made-up origins, and not the services that everybody uses.
    fn make_room(&mut self) {
        while let Some((key, origin)) = self.order.pop_front() {
            let Some(services) = self.services.get_mut(&key) else { return };
            if services.get_mut(&origin).is_some_and(|service| std::mem::take(service.used.get_mut())) {
                self.order.push_back((key, origin));
                continue;
            }
            if let Some(id) = services.remove(&origin).and_then(|service| service.awaits) {
                self.awaited.remove(&id);
            }
            if services.is_empty() {
                self.services.remove(&key);
            }
            return;
        }
    }
}

impl std::fmt::Debug for Awaited {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Awaited").field("key", &self.key).field("since", &self.since).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reveille_crypto_ring::PROVIDER;

    const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
    const HOUR: Duration = Duration::from_secs(3600);

    fn tokens(capacity: usize) -> (Tokens, VapidKey) {
        let settings = VapidSettings::new("mailto:ops@example.com".parse().unwrap());
        let key = VapidKey::new(&PROVIDER.p256.generate().unwrap(), PROVIDER).unwrap();
        (Tokens::new(settings.with_capacity(capacity).unwrap()), key)
    }

    fn install(tokens: &mut Tokens, key: &VapidKey, origin: &str, now: UnixTime) -> Token {
        let token = tokens.unsigned(key, origin, now).finish(&[1; 64]).unwrap();
        tokens.install(key.id(), origin, token, now)
    }

    #[test]
    fn there_is_room_for_so_many_and_no_more() {
        let (mut tokens, key) = tokens(3);
        for i in 0..50 {
            let origin = format!("https://p{i}.example");
            install(&mut tokens, &key, &origin, NOW);
            assert!(tokens.order.len() <= 3);
            assert!(tokens.find(key.id(), &origin, NOW).is_some(), "the newest is kept");
        }
        assert!(tokens.find(key.id(), "https://p0.example", NOW).is_none());
        for hours in [11, 22, 33, 44, 55] {
            install(&mut tokens, &key, "https://p49.example", NOW + HOUR * hours);
        }
        assert_eq!(tokens.order.len(), 3, "renewing replaces");
        assert_eq!(tokens.service(key.id(), "https://p49.example").unwrap().kept.len(), KEPT);
    }

    /// Anybody can subscribe with made-up origins, as many as there is room for.
    #[test]
    fn a_flood_of_made_up_origins_pushes_out_only_itself() {
        let (mut tokens, key) = tokens(10);
        let real = [
            "https://fcm.googleapis.com",
            "https://updates.push.services.mozilla.com",
            "https://web.push.apple.com",
        ];
        for origin in real {
            install(&mut tokens, &key, origin, NOW);
        }
        for i in 0..1_000 {
            for origin in real {
                assert!(tokens.find(key.id(), origin, NOW).is_some(), "{origin} after {i}");
            }
            install(&mut tokens, &key, &format!("https://p{i}.example"), NOW);
            assert!(tokens.order.len() <= 10);
        }
        // What nobody uses any more goes, however much it was used once.
        for i in 0..20 {
            install(&mut tokens, &key, &format!("https://q{i}.example"), NOW);
        }
        assert!(real.iter().all(|origin| tokens.find(key.id(), origin, NOW).is_none()));
        // All used, and still there is room for one more.
        for i in 10..20 {
            assert!(tokens.find(key.id(), &format!("https://q{i}.example"), NOW).is_some());
        }
        install(&mut tokens, &key, real[0], NOW);
        assert_eq!(tokens.order.len(), 10);
        assert!(tokens.find(key.id(), real[0], NOW).is_some());
    }

    /// The same with a key that is elsewhere: what waits for a signature is bounded, too.
    #[test]
    fn a_flood_of_questions_is_bounded() {
        let (mut tokens, key) = tokens(10);
        let key = VapidKey::remote(*key.public_key());
        for i in 0..1_000 {
            tokens.ask(&key, &format!("https://p{i}.example"), NOW);
            assert!(tokens.awaited.len() <= 10 && tokens.order.len() <= 10);
        }
        let asked = std::iter::from_fn(|| tokens.poll_output()).count();
        assert_eq!(asked, 10);
    }

    #[test]
    fn a_key_without_tokens_leaves_nothing_behind() {
        let (mut tokens, first) = tokens(1);
        let second = VapidKey::new(&PROVIDER.p256.generate().unwrap(), PROVIDER).unwrap();
        install(&mut tokens, &first, "https://push.example", NOW);
        install(&mut tokens, &second, "https://push.example", NOW);
        assert_eq!(tokens.services.keys().copied().collect::<Vec<_>>(), [second.id()]);
    }

    #[test]
    fn a_token_that_lacks_its_signature_is_not_printed() {
        let (mut tokens, key) = tokens(1);
        tokens.ask(&key, "https://push.example", NOW);
        let printed = format!("{:?}", tokens.awaited.values().next().unwrap());
        assert_eq!(printed, format!("Awaited {{ key: {:?}, since: {NOW:?}, .. }}", key.id()));
    }
}
