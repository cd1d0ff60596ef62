//! Tokens: made once, used for hours, bound to their key.

use std::sync::Arc;
use std::time::Duration;

use reveille_core::UnixTime;
use reveille_crypto::{CryptoProvider, EcPrivateKey, Es256SigningKey};
use reveille_webpush::credential::{Refusal, SignatureRefused, TokenError, UnknownVapidKey, VapidHeader};
use reveille_webpush::request::RequestError;
use reveille_webpush::target::AllowLoopback;
use reveille_webpush::{
    ApplicationServer, Endpoint, Message, Subscription, Ttl, UserAgent, UserAgentKeys, VapidKey, VapidKeys,
    VapidSettings,
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
    (VapidKey::new(&private, RING).unwrap(), private)
}

fn server_with(settings: VapidSettings) -> ApplicationServer {
    ApplicationServer::new(RING, VapidKeys::new(key().0), settings)
}

fn at(url: &str) -> Subscription {
    let user_agent = UserAgent::new(&UserAgentKeys::generate(RING).unwrap(), RUSTCRYPTO).unwrap();
    user_agent.subscription(Endpoint::new(url, &AllowLoopback).unwrap())
}

fn token(server: &ApplicationServer, subscription: &Subscription, now: UnixTime) -> String {
    server.token(subscription, now).unwrap().authorization().to_str().unwrap().to_owned()
}

fn claims(value: &str, audience: &str, now: UnixTime) -> reveille_webpush::credential::VapidClaims {
    VapidHeader::new(value).unwrap().verify(audience, RUSTCRYPTO, now).unwrap()
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
fn the_longest_setting_leaves_room_for_a_clock_that_is_ahead() {
    let longest = settings().with_lifetime(VapidSettings::MAX_LIFETIME).unwrap();
    let server = server_with(longest);
    let subscription = at("https://push.example/x");
    let value = token(&server, &subscription, NOW);
    assert!(claims(&value, "https://push.example", NOW).exp < NOW.as_secs() + 24 * 3600 - 300);
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
fn a_subscription_keeps_its_key_through_a_rotation() {
    let ((old, _), (new, _)) = (key(), key());
    let (old_id, new_id) = (old.id(), new.id());
    let server = ApplicationServer::new(RING, VapidKeys::new(old.clone()), settings());
    let bound = at("https://push.example/old").with_vapid_key(old_id);
    server.rotate(new.clone());
    assert_eq!(server.keys().current().id(), new_id);

    let signed_with = |subscription: &Subscription| {
        let value = token(&server, subscription, NOW);
        *VapidHeader::new(&value).unwrap().key()
    };
    assert_eq!(signed_with(&bound), *old.public_key());
    assert_eq!(signed_with(&at("https://push.example/new").with_vapid_key(new_id)), *new.public_key());
    assert_eq!(signed_with(&at("https://push.example/unbound")), *new.public_key());

    assert!(server.forget(old_id));
    assert!(!server.forget(new_id), "the current key stays");
    let message = Message::without_payload(Ttl::ZERO);
    let error = server.request(&message, &bound, NOW).unwrap_err();
    assert_eq!(error, RequestError::from(UnknownVapidKey { id: old_id }));
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

/// A server whose key is elsewhere, and what signs there.
fn remote() -> (ApplicationServer, Arc<dyn Es256SigningKey>) {
    let signer = RUSTCRYPTO.es256.load(&key().1).unwrap();
    let keys = VapidKeys::new(VapidKey::remote(*signer.public_key()));
    (ApplicationServer::new(RING, keys, settings()), signer)
}

/// Signs whatever there is to sign; how many.
fn sign_all(server: &ApplicationServer, signer: &dyn Es256SigningKey, now: UnixTime) -> usize {
    let requests: Vec<_> = std::iter::from_fn(|| server.poll_output()).collect();
    for request in &requests {
        let signature = signer.sign(request.signing_input()).unwrap();
        server.handle_signature(request, &signature, now).unwrap();
    }
    requests.len()
}

#[test]
fn a_remote_signer_works_in_two_phases() {
    let (server, signer) = remote();
    let subscription = at("https://push.example/x");
    let message = Message::new("hello", Ttl::ZERO).unwrap();
    let pending = TokenError::Pending { key: server.keys().current().id() };
    assert_eq!(server.poll_output(), None, "nobody wants a token yet");
    for _ in 0..3 {
        assert_eq!(server.request(&message, &subscription, NOW).unwrap_err(), RequestError::Token(pending));
    }
    let request = server.poll_output().unwrap();
    assert_eq!(server.poll_output(), None, "asked for once");
    assert_eq!(
        (request.algorithm().as_str(), request.key_id()),
        ("ES256", server.keys().current().id().to_string().as_str())
    );

    // Somewhere else, much later:
    let signature = signer.sign(request.signing_input()).unwrap();
    let mut wrong = signature;
    wrong[5] ^= 1;
    let refused = |signature: &[u8]| server.handle_signature(&request, signature, NOW).unwrap_err();
    assert_eq!(refused(&wrong), SignatureRefused::Wrong { key: server.keys().current().id() });
    assert_eq!(refused(&signature[..63]), SignatureRefused::Length { length: 63 });
    assert_eq!(server.token(&subscription, NOW).unwrap_err(), pending, "a wrong signature is not used");
    server.handle_signature(&request, &signature, NOW).unwrap();
    assert_eq!(refused(&signature), SignatureRefused::NotAwaited, "once");

    let sent = server.request(&message, &at("https://push.example/y"), NOW).unwrap();
    claims(sent.headers()["authorization"].to_str().unwrap(), "https://push.example", NOW);
    assert_eq!(server.poll_output(), None, "one signature per push service");
}

/// The numbers of requests begin anew with every process.
#[test]
fn a_signature_that_another_server_asked_for_is_not_taken() {
    let (before, signer) = remote();
    let after = ApplicationServer::new(RING, before.keys(), settings());
    let ask = |server: &ApplicationServer, url: &str| {
        server.token(&at(url), NOW).unwrap_err();
        server.poll_output().unwrap()
    };
    let old = ask(&before, "https://a.example/x");
    let new = ask(&after, "https://b.example/x");
    assert_eq!(old.id(), new.id());
    let signature = signer.sign(old.signing_input()).unwrap();
    assert_eq!(after.handle_signature(&old, &signature, NOW), Err(SignatureRefused::NotAwaited));
    after.handle_failure(&old, NOW); // Somebody else's.
    let signature = signer.sign(new.signing_input()).unwrap();
    after.handle_signature(&new, &signature, NOW).unwrap();
}

#[test]
fn a_token_that_is_due_serves_until_the_remote_signer_has_answered() {
    let (server, signer) = remote();
    let subscription = at("https://push.example/x");
    server.token(&subscription, NOW).unwrap_err();
    assert_eq!(sign_all(&server, &*signer, NOW), 1);
    let first = token(&server, &subscription, NOW);
    let due = NOW + HOUR * 11;
    assert_eq!(server.next_wakeup().map(|wakeup| wakeup.at), Some(due));
    server.handle_timeout(due - Duration::from_millis(1));
    assert_eq!(server.poll_output(), None, "not yet");
    server.handle_timeout(due);
    assert_eq!(token(&server, &subscription, due), first, "due, and still used");
    assert_eq!(token(&server, &subscription, NOW + HOUR * 12 - Duration::from_secs(61)), first);
    assert!(server.token(&subscription, NOW + HOUR * 12 - Duration::from_secs(60)).is_err());
    assert_eq!(sign_all(&server, &*signer, due), 1);
    assert_ne!(token(&server, &subscription, due), first);
}

#[test]
fn a_signer_elsewhere_that_fails_or_says_nothing_is_asked_again() {
    let (server, signer) = remote();
    let subscription = at("https://push.example/x");
    let second = Duration::from_secs(1);
    server.token(&subscription, NOW).unwrap_err();
    let lost = server.poll_output().unwrap();
    // Nothing comes.
    let overdue = NOW + second * 60;
    assert_eq!(server.next_wakeup().unwrap().at, overdue);
    server.handle_timeout(overdue);
    let again = server.poll_output().unwrap();
    assert_eq!(again, lost, "the same question, so that either answer will do");
    // It says that it cannot.
    server.handle_failure(&again, overdue);
    server.token(&subscription, overdue + second).unwrap_err();
    assert_eq!(server.poll_output(), None, "not at once");
    assert_eq!(server.next_wakeup().unwrap().at, overdue + second * 10);
    server.handle_timeout(overdue + second * 10);
    assert_eq!(sign_all(&server, &*signer, overdue + second * 10), 1);
    let late = signer.sign(lost.signing_input()).unwrap();
    assert_eq!(server.handle_signature(&lost, &late, overdue), Err(SignatureRefused::NotAwaited), "too late");
    token(&server, &subscription, overdue + second * 10);
}

#[test]
fn what_nobody_uses_is_not_renewed_for_ever() {
    let (server, signer) = remote();
    let subscription = at("https://made.up.example/x");
    server.token(&subscription, NOW).unwrap_err();
    let (mut now, mut signed) = (NOW, sign_all(&server, &*signer, NOW));
    token(&server, &subscription, now);
    while let Some(wakeup) = server.next_wakeup() {
        now = wakeup.at;
        server.handle_timeout(now);
        signed += sign_all(&server, &*signer, now);
        assert!(signed < 5, "still at it at {now}");
    }
    assert_eq!(signed, 2);
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
    assert_eq!(server.handle_refusal(&a, &before[0].parse().unwrap(), later), Refusal::Renewing);
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
    for i in 0..1_000 {
        let expected = if i == 0 { Refusal::Renewing } else { Refusal::Replaced };
        assert_eq!(server.handle_refusal(&subscription, &old, later), expected, "{i}");
        seen.insert(token(&server, &subscription, later));
    }
    assert_eq!(seen.len(), 1);
    // Refused at once, the new one stays: Apple wants no more than one an hour, and this is the clock's fault.
    let new: http::HeaderValue = seen.into_iter().next().unwrap().parse().unwrap();
    let soon = later + HOUR - Duration::from_millis(1);
    assert_eq!(server.handle_refusal(&subscription, &new, soon), Refusal::TooYoung { until: later + HOUR });
    assert_eq!(token(&server, &subscription, soon), new.to_str().unwrap());
    assert_eq!(server.handle_refusal(&subscription, &new, later + HOUR), Refusal::Renewing);
    assert_ne!(token(&server, &subscription, later + HOUR), new.to_str().unwrap());
    let stranger = at("https://push.example/x").with_vapid_key(key().0.id());
    assert_eq!(server.handle_refusal(&stranger, &new, later), Refusal::Replaced, "a key that is gone");
}

#[test]
fn the_shortest_setting_makes_no_more_than_one_token_an_hour() {
    let shortest =
        settings().with_renew_before(HOUR).unwrap().with_lifetime(VapidSettings::MIN_LIFETIME).unwrap();
    let server = server_with(shortest);
    let subscription = at("https://push.example/x");
    let first = token(&server, &subscription, NOW);
    let soon = NOW + HOUR - Duration::from_millis(1);
    assert_eq!(token(&server, &subscription, soon), first);
}

/// An HSM that counts what it signs, answers when it is told to, and fails if it is told to.
#[derive(Debug)]
struct Hsm {
    key: Arc<dyn Es256SigningKey>,
    signed: std::sync::atomic::AtomicUsize,
    fails: std::sync::atomic::AtomicBool,
    slow: Option<(std::sync::Barrier, std::sync::Barrier)>,
}

impl Hsm {
    fn new(slow: bool) -> Arc<Self> {
        let barrier = || std::sync::Barrier::new(2);
        Arc::new(Self {
            key: RING.es256.load(&RING.p256.generate().unwrap()).unwrap(),
            signed: 0.into(),
            fails: false.into(),
            slow: slow.then(|| (barrier(), barrier())),
        })
    }

    fn server(self: &Arc<Self>) -> ApplicationServer {
        let signer: Arc<dyn Es256SigningKey> = self.clone();
        ApplicationServer::new(RING, VapidKeys::new(VapidKey::from_signer(signer)), settings())
    }

    fn signed(&self) -> usize {
        self.signed.load(std::sync::atomic::Ordering::SeqCst)
    }
}

impl Es256SigningKey for Hsm {
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
    assert_eq!(token(&server, &subscription, NOW + HOUR * 11), first);
    assert_eq!(hsm.signed(), 2, "and not again at once");
    token(&server, &subscription, NOW + HOUR * 11 + Duration::from_secs(10));
    assert_eq!(hsm.signed(), 3);
    let error = server.token(&subscription, NOW + HOUR * 12).unwrap_err();
    assert_eq!(error, TokenError::Signer(reveille_crypto::CryptoError));
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
    let (remote, _) = remote();
    remote.token(&at("https://b.example/CAPABILITY"), NOW).unwrap_err();
    let unsigned = remote.poll_output().unwrap();
    let printed = format!(
        "{key:?} {private:?} {server:?} {remote:?} {subscription:?} {unsigned:?} {:?} {:?}",
        request.headers(),
        VapidHeader::new(&token).unwrap()
    );
    let auth = reveille_crypto::base64url::encode(subscription.expose_auth_secret());
    for secret in [secret.expose().as_str(), "CAPABILITY", "PAYLOAD", &auth, token.split_at(60).1] {
        assert!(!printed.contains(secret), "{printed}");
    }
    assert!(printed.contains("Sensitive"));
}
