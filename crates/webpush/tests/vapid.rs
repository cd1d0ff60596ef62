//! Tokens: made once, used for hours, bound to their key.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // Test helpers.

use std::time::Duration;

use reveille_core::UnixTime;
use reveille_crypto::{CryptoProvider, EcPrivateKey};
use reveille_webpush::endpoint::AllowLoopback;
use reveille_webpush::{
    ApplicationServer, Endpoint, Message, RequestError, Subscription, Ttl, UnknownVapidKey, UserAgent,
    UserAgentKeys, VapidHeader, VapidKey, VapidKeys, VapidSettings,
};

const RING: CryptoProvider = reveille_crypto_ring::PROVIDER;
const RUSTCRYPTO: CryptoProvider = reveille_crypto_rustcrypto::PROVIDER;
const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
const HOUR: Duration = Duration::from_secs(3_600);

fn settings() -> VapidSettings {
    VapidSettings::new("mailto:ops@example.com".parse().unwrap())
}

fn key() -> (VapidKey, EcPrivateKey) {
    let private = RING.p256.generate().unwrap();
    (VapidKey::load(&private, RING).unwrap(), private)
}

fn server_with(settings: VapidSettings) -> ApplicationServer {
    ApplicationServer::new(RING, VapidKeys::new(key().0), settings)
}

fn at(url: &str) -> Subscription {
    let user_agent = UserAgent::load(&UserAgentKeys::generate(RING).unwrap(), RUSTCRYPTO).unwrap();
    user_agent.subscription(Endpoint::parse(url, &AllowLoopback).unwrap())
}

fn token(server: &ApplicationServer, subscription: &Subscription, now: UnixTime) -> String {
    server.authorization(subscription, now).unwrap().to_str().unwrap().to_owned()
}

fn claims(value: &str, audience: &str, now: UnixTime) -> reveille_webpush::VapidClaims {
    VapidHeader::parse(value).unwrap().verify(audience, RUSTCRYPTO, now).unwrap()
}

#[test]
fn the_audience_is_the_origin_with_a_port_that_is_not_the_default() {
    let server = server_with(settings());
    for (url, audience) in [
        ("https://push.example/a/b?c", "https://push.example"),
        ("https://push.example:443/a", "https://push.example"),
        ("https://push.example:8443/a", "https://push.example:8443"),
        ("https://PUSH.example/a", "https://push.example"),
        ("http://127.0.0.1:9000/a", "http://127.0.0.1:9000"),
        ("http://[::1]:9000/a", "http://[::1]:9000"),
    ] {
        let value = token(&server, &at(url), NOW);
        assert_eq!(claims(&value, audience, NOW).sub.as_deref(), Some("mailto:ops@example.com"), "{url}");
    }
}

#[test]
fn one_token_serves_for_hours_and_is_renewed_with_a_margin() {
    let server = server_with(settings());
    let subscription = at("https://push.example/x");
    let first = token(&server, &subscription, NOW);
    assert_eq!(claims(&first, "https://push.example", NOW).exp, NOW.as_secs() + 12 * 3600);
    assert_eq!(token(&server, &at("https://push.example/other"), NOW + HOUR * 10), first);
    assert_eq!(token(&server, &subscription, NOW + HOUR * 11 - Duration::from_millis(1)), first);
    let second = token(&server, &subscription, NOW + HOUR * 11);
    assert_ne!(second, first, "an hour before its end it is renewed");
    assert_ne!(token(&server, &at("https://other.example/x"), NOW), first, "another origin, another token");
}

#[test]
fn no_setting_makes_a_token_longer_than_a_day() {
    let mut settings = settings();
    settings.lifetime = Duration::MAX;
    settings.renew_before = Duration::MAX;
    let server = server_with(settings);
    let subscription = at("https://push.example/x");
    let value = token(&server, &subscription, NOW);
    let exp = claims(&value, "https://push.example", NOW).exp;
    assert!(exp < NOW.as_secs() + 24 * 3600 - 300, "room for a clock that is ahead");
    assert_eq!(token(&server, &subscription, NOW + HOUR), value, "the margin is cut to half of the life");
}

#[test]
fn a_clock_set_back_does_not_stretch_a_token() {
    let server = server_with(settings());
    let subscription = at("https://push.example/x");
    let first = token(&server, &subscription, NOW);
    let earlier = NOW - HOUR * 13;
    let second = token(&server, &subscription, earlier);
    assert_ne!(second, first, "25 hours of life would be refused");
    claims(&second, "https://push.example", earlier);
}

#[test]
fn any_time_is_legal() {
    let server = server_with(settings());
    let subscription = at("https://push.example/x");
    for now in [UnixTime::EPOCH, UnixTime::MAX, UnixTime::from_millis(1)] {
        token(&server, &subscription, now);
    }
}

#[test]
fn the_cache_is_bounded() {
    let mut small = settings();
    small.capacity = 3;
    let mut cache = reveille_webpush::VapidCache::new(small);
    let key = key().0;
    for i in 0..50 {
        let endpoint = Endpoint::parse(&format!("https://p{i}.example/x"), &AllowLoopback).unwrap();
        let unsigned = cache.unsigned(&key, &endpoint, NOW);
        cache.install(unsigned, &[1; 64]);
        assert!(cache.len() <= 3);
        assert!(cache.find(key.id(), &endpoint, NOW).is_some(), "the newest is kept");
    }
    let oldest = Endpoint::parse("https://p0.example/x", &AllowLoopback).unwrap();
    assert!(cache.find(key.id(), &oldest, NOW).is_none());
    let again = Endpoint::parse("https://p49.example/y", &AllowLoopback).unwrap();
    let unsigned = cache.unsigned(&key, &again, NOW + HOUR);
    let value = cache.install(unsigned, &[2; 64]);
    assert_eq!(cache.len(), 3, "renewing replaces");
    assert!(cache.remove_refused(key.id(), &again, &value, NOW + HOUR * 2));
    assert_eq!(cache.len(), 2);
}

/// Anybody can subscribe with made-up origins, as many as there is room for.
#[test]
fn a_flood_of_made_up_origins_pushes_out_only_itself() {
    let mut small = settings();
    small.capacity = 10;
    let mut cache = reveille_webpush::VapidCache::new(small);
    let key = key().0;
    let endpoint = |name: &str| Endpoint::parse(&format!("https://{name}/x"), &AllowLoopback).unwrap();
    let install = |cache: &mut reveille_webpush::VapidCache, endpoint: &Endpoint| {
        let unsigned = cache.unsigned(&key, endpoint, NOW);
        cache.install(unsigned, &[1; 64]);
    };
    let real =
        ["fcm.googleapis.com", "updates.push.services.mozilla.com", "web.push.apple.com"].map(endpoint);
    for endpoint in &real {
        install(&mut cache, endpoint);
    }
    for i in 0..1_000 {
        for endpoint in &real {
            assert!(cache.find(key.id(), endpoint, NOW).is_some(), "{endpoint} after {i}");
        }
        install(&mut cache, &endpoint(&format!("p{i}.example")));
        assert!(cache.len() <= 10);
    }
    // What nobody uses any more goes, however much it was used once.
    for i in 0..20 {
        install(&mut cache, &endpoint(&format!("q{i}.example")));
    }
    assert!(real.iter().all(|endpoint| cache.find(key.id(), endpoint, NOW).is_none()));
    // All used, and still there is room for one more.
    for i in 10..20 {
        assert!(cache.find(key.id(), &endpoint(&format!("q{i}.example")), NOW).is_some());
    }
    install(&mut cache, &real[0]);
    assert_eq!(cache.len(), 10);
    assert!(cache.find(key.id(), &real[0], NOW).is_some());
}

#[test]
fn a_subscription_keeps_its_key_through_a_rotation() {
    let ((old, _), (new, _)) = (key(), key());
    let (old_id, new_id) = (old.id(), new.id());
    let mut server = ApplicationServer::new(RING, VapidKeys::new(old.clone()), settings());
    let bound = at("https://push.example/old").bound_to(old_id);
    server.keys_mut().rotate(new.clone());
    assert_eq!(server.keys().current().id(), new_id);

    let signed_with = |subscription: &Subscription| {
        let value = token(&server, subscription, NOW);
        *VapidHeader::parse(&value).unwrap().key()
    };
    assert_eq!(signed_with(&bound), *old.public_key());
    assert_eq!(signed_with(&at("https://push.example/new").bound_to(new_id)), *new.public_key());
    assert_eq!(signed_with(&at("https://push.example/unbound")), *new.public_key());

    assert!(server.keys_mut().forget(old_id));
    assert!(!server.keys_mut().forget(new_id), "the current key stays");
    let message = Message::without_payload(Ttl::ZERO);
    let error = server.request(&message, &bound, NOW).unwrap_err();
    assert_eq!(error, RequestError::UnknownKey(UnknownVapidKey { id: old_id }));
    assert_eq!(
        error.to_string(),
        format!("no VAPID key with the id {old_id}: the subscription must be renewed")
    );
}

#[test]
fn rotating_to_a_key_that_is_there_already_loses_none() {
    let ((a, _), (b, _)) = (key(), key());
    let mut keys = VapidKeys::new(a.clone());
    keys.rotate(b.clone());
    keys.rotate(a.clone());
    keys.rotate(a.clone());
    assert_eq!(keys.current().id(), a.id());
    assert!(keys.find(Some(b.id())).is_ok());
}

#[test]
fn a_remote_signer_works_in_two_phases() {
    let (local, private) = key();
    let server =
        ApplicationServer::new(RING, VapidKeys::new(VapidKey::remote(*local.public_key())), settings());
    let subscription = at("https://push.example/x");
    let message = Message::new("hello", Ttl::ZERO).unwrap();
    let error = server.request(&message, &subscription, NOW).unwrap_err();
    assert_eq!(error, RequestError::SignatureNeeded { key: local.id() });

    let unsigned = server.unsigned(&subscription, NOW).unwrap().unwrap();
    // Somewhere else, much later:
    let signature = RUSTCRYPTO.es256.load(&private).unwrap().sign(unsigned.signing_input()).unwrap();
    let mut wrong = signature;
    wrong[5] ^= 1;
    assert!(server.install(unsigned.clone(), &wrong).is_err(), "a wrong signature is not kept");
    server.install(unsigned, &signature).unwrap();

    assert!(server.unsigned(&subscription, NOW).unwrap().is_none(), "one signature per push service");
    let request = server.request(&message, &at("https://push.example/y"), NOW).unwrap();
    let value = request.headers()["authorization"].to_str().unwrap();
    claims(value, "https://push.example", NOW);
}

#[test]
fn a_token_that_is_due_serves_until_the_remote_signer_has_answered() {
    let (local, private) = key();
    let server =
        ApplicationServer::new(RING, VapidKeys::new(VapidKey::remote(*local.public_key())), settings());
    let subscription = at("https://push.example/x");
    let signer = RUSTCRYPTO.es256.load(&private).unwrap();
    let renew = |now| {
        let unsigned = server.unsigned(&subscription, now).unwrap().unwrap();
        let signature = signer.sign(unsigned.signing_input()).unwrap();
        server.install(unsigned, &signature).unwrap();
    };
    renew(NOW);
    let first = token(&server, &subscription, NOW);
    let due = NOW + HOUR * 11;
    assert!(server.unsigned(&subscription, due).unwrap().is_some(), "due");
    assert_eq!(token(&server, &subscription, due), first, "and still used");
    assert_eq!(token(&server, &subscription, NOW + HOUR * 12 - Duration::from_secs(61)), first);
    assert!(server.authorization(&subscription, NOW + HOUR * 12 - Duration::from_secs(60)).is_err());
    renew(due);
    assert_ne!(token(&server, &subscription, due), first);
}

#[test]
fn one_spelling_of_an_origin_has_the_token_of_all() {
    let server = server_with(settings());
    let first = token(&server, &at("https://push.example/x"), NOW);
    for url in ["https://PUSH.example/y", "https://push.example:443/z"] {
        assert_eq!(token(&server, &at(url), NOW), first, "{url}");
    }
}

#[test]
fn refreshing_one_service_leaves_the_others() {
    let server = server_with(settings());
    let (a, b) = (at("https://a.example/x"), at("https://b.example/x"));
    let later = NOW + HOUR;
    let before = [token(&server, &a, NOW), token(&server, &b, NOW)];
    assert!(server.refresh_token(&a, &before[0].parse().unwrap(), later));
    assert_ne!(token(&server, &a, later), before[0]);
    assert_eq!(token(&server, &b, later), before[1]);
}

/// A thousand requests were under way with one token, and all of them come back with "expired".
#[test]
fn the_first_refusal_of_a_token_makes_a_new_one_and_the_others_do_not() {
    let server = server_with(settings());
    let subscription = at("https://push.example/x");
    let later = NOW + HOUR * 2;
    let old: http::HeaderValue = token(&server, &subscription, NOW).parse().unwrap();
    let mut seen = std::collections::HashSet::new();
    for _ in 0..1_000 {
        assert!(server.refresh_token(&subscription, &old, later), "worth another attempt");
        seen.insert(token(&server, &subscription, later));
    }
    assert_eq!(seen.len(), 1);
    // Refused at once, the new one stays: Apple wants no more than one an hour, and this is the clock's fault.
    let new: http::HeaderValue = seen.into_iter().next().unwrap().parse().unwrap();
    let soon = later + HOUR - Duration::from_millis(1);
    assert!(!server.refresh_token(&subscription, &new, soon));
    assert_eq!(token(&server, &subscription, soon), new.to_str().unwrap());
    assert!(server.refresh_token(&subscription, &new, later + HOUR));
    assert_ne!(token(&server, &subscription, later + HOUR), new.to_str().unwrap());
    let stranger = at("https://push.example/x").bound_to(key().0.id());
    assert!(!server.refresh_token(&stranger, &new, later), "a key that is gone");
}

#[test]
fn no_setting_makes_more_than_one_token_an_hour() {
    for lifetime in [Duration::ZERO, Duration::from_secs(59), HOUR, HOUR * 2, HOUR * 3] {
        let mut settings = settings();
        settings.lifetime = lifetime;
        settings.renew_before = Duration::MAX;
        let server = server_with(settings);
        let subscription = at("https://push.example/x");
        let first = token(&server, &subscription, NOW);
        let soon = NOW + HOUR - Duration::from_millis(1);
        assert_eq!(token(&server, &subscription, soon), first, "{lifetime:?}");
    }
}

/// An HSM that counts what it signs, answers when it is told to, and fails if it is told to.
#[derive(Debug)]
struct Hsm {
    key: std::sync::Arc<dyn reveille_crypto::Es256SigningKey>,
    signed: std::sync::atomic::AtomicUsize,
    fails: std::sync::atomic::AtomicBool,
    slow: Option<(std::sync::Barrier, std::sync::Barrier)>,
}

impl Hsm {
    fn new(slow: bool) -> std::sync::Arc<Self> {
        let barrier = || std::sync::Barrier::new(2);
        std::sync::Arc::new(Self {
            key: RING.es256.load(&RING.p256.generate().unwrap()).unwrap(),
            signed: 0.into(),
            fails: false.into(),
            slow: slow.then(|| (barrier(), barrier())),
        })
    }

    fn server(self: &std::sync::Arc<Self>) -> ApplicationServer {
        let signer: std::sync::Arc<dyn reveille_crypto::Es256SigningKey> = self.clone();
        ApplicationServer::new(RING, VapidKeys::new(VapidKey::from_signer(signer)), settings())
    }

    fn signed(&self) -> usize {
        self.signed.load(std::sync::atomic::Ordering::SeqCst)
    }
}

impl reveille_crypto::Es256SigningKey for Hsm {
    fn public_key(&self) -> &reveille_crypto::P256PublicKey {
        self.key.public_key()
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], reveille_crypto::CryptoError> {
        let order = std::sync::atomic::Ordering::SeqCst;
        // Only the second is slow: the first is for a token to begin with.
        if let (Some((begun, go_on)), true) = (&self.slow, self.signed() == 1) {
            begun.wait();
            go_on.wait();
        }
        self.signed.fetch_add(1, order);
        if self.fails.load(order) { Err(reveille_crypto::CryptoError) } else { self.key.sign(message) }
    }
}

#[test]
fn a_slow_signer_holds_up_nobody_who_has_a_token() {
    let hsm = Hsm::new(true);
    let server = hsm.server();
    let (known, made_up) = (at("https://push.example/x"), at("https://made.up.example/x"));
    let first = token(&server, &known, NOW);
    let due = NOW + HOUR * 11 + Duration::from_secs(1);
    let (begun, go_on) = hsm.slow.as_ref().unwrap();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| token(&server, &made_up, NOW));
        begun.wait();
        // The signer is at it: were the tokens locked, these two would wait for ever.
        let (answer, answers) = std::sync::mpsc::channel();
        let (server, known) = (&server, &known);
        scope.spawn(move || {
            answer.send(token(server, known, NOW)).unwrap();
            answer.send(token(server, known, due)).unwrap();
        });
        let wait = Duration::from_secs(5);
        let got = [answers.recv_timeout(wait), answers.recv_timeout(wait)];
        go_on.wait();
        waiting.join().unwrap();
        assert_eq!(got, [Ok(first.clone()), Ok(first)], "the good one, and the one that is due");
    });
    assert_eq!(hsm.signed(), 2);
}

#[test]
fn a_signer_that_fails_stops_nothing_while_the_old_token_is_good() {
    let hsm = Hsm::new(false);
    let server = hsm.server();
    let subscription = at("https://push.example/x");
    let first = token(&server, &subscription, NOW);
    hsm.fails.store(true, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(token(&server, &subscription, NOW + HOUR * 11), first);
    assert_eq!(hsm.signed(), 2, "it was asked");
    let error = server.authorization(&subscription, NOW + HOUR * 12).unwrap_err();
    assert_eq!(error, RequestError::Crypto(reveille_crypto::CryptoError));
}

#[test]
fn a_batch_signs_once_for_each_push_service() {
    let hsm = Hsm::new(false);
    let server = hsm.server();
    let subscriptions: Vec<_> = (0..200).map(|i| at(&format!("https://p{}.example/{i}", i % 3))).collect();
    let mut out = Vec::new();
    let message = Message::new("hello", Ttl::ZERO).unwrap();
    server.requests(&message, &subscriptions.iter().collect::<Vec<_>>(), NOW, &mut out);
    assert_eq!((out.len(), hsm.signed()), (200, 3));
}

#[test]
fn many_threads_make_one_token() {
    let server = server_with(settings());
    let subscription = at("https://push.example/x");
    let tokens: std::collections::HashSet<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| token(&server, &subscription, NOW))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(tokens.len(), 1);
}

#[test]
fn nothing_secret_is_printed() {
    let (key, private) = key();
    let secret = private.to_base64url();
    let server = ApplicationServer::new(RING, VapidKeys::new(key.clone()), settings());
    let subscription = at("https://push.example/CAPABILITY");
    let request = server.request(&Message::new("PAYLOAD", Ttl::ZERO).unwrap(), &subscription, NOW).unwrap();
    let token = request.headers()["authorization"].to_str().unwrap().to_owned();
    let unsigned = server.unsigned(&at("https://b.example/CAPABILITY"), NOW).unwrap();
    let printed = format!(
        "{key:?} {private:?} {server:?} {subscription:?} {unsigned:?} {:?} {:?}",
        request.headers(),
        VapidHeader::parse(&token).unwrap()
    );
    let auth = reveille_crypto::base64url::encode(subscription.expose_auth_secret());
    for secret in [secret.expose().as_str(), "CAPABILITY", "PAYLOAD", &auth, token.split_at(60).1] {
        assert!(!printed.contains(secret), "{printed}");
    }
    assert!(printed.contains("Sensitive"));
}
