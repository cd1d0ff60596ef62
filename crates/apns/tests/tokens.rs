//! Provider tokens: what is signed, when, and by whom.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use crate::support::{self, KEY_ID, NOW, TEAM, bearer, key, public_key, remote_key, request, service};
use reveille_apns::credential::TokenError;
use reveille_apns::credential::{Refusal, SignatureRefused};
use reveille_apns::{ProviderKey, Token, TokenSettings, TokenSource};
use reveille_core::UnixTime;
use reveille_crypto::jws::CompactJws;
use reveille_crypto::{CryptoError, Es256SigningKey, P256PublicKey};

const MINUTE: Duration = Duration::from_secs(60);

fn here() -> TokenSource {
    TokenSource::new(key(), TokenSettings::default())
}

fn elsewhere() -> TokenSource {
    TokenSource::new(remote_key(), TokenSettings::default())
}

/// Signs all that is asked for; how many that was.
fn sign(tokens: &TokenSource, now: UnixTime) -> usize {
    let mut signed = 0;
    while let Some(request) = tokens.poll_output() {
        tokens.handle_signature(&request, &support::sign(request.signing_input()), now).unwrap();
        signed += 1;
    }
    signed
}

fn issued_at(token: &Token) -> u64 {
    let jwt = token.authorization().to_str().unwrap().strip_prefix("bearer ").unwrap();
    let jws = CompactJws::parse(jwt, 1_000).unwrap();
    let claims: serde_json::Value = jws.claims().unwrap();
    assert_eq!(claims["iat"].as_u64(), Some(token.issued_at().as_secs()), "what it says of itself");
    token.issued_at().as_secs()
}

#[test]
fn the_token_is_what_apple_wants() {
    let token = bearer();
    let jwt = token.authorization().to_str().unwrap().strip_prefix("bearer ").unwrap().to_owned();
    let jws = CompactJws::parse(&jwt, 1_000).unwrap();
    assert_eq!((jws.algorithm(), jws.key_id(), jws.token_type()), ("ES256", Some(KEY_ID), None));
    assert_eq!(jws.payload(), br#"{"iss":"DEF123GHIJ","iat":1700000000}"#);
    assert_eq!(jws.signature().len(), 64, "R and S, not DER");
    assert!(token.authorization().is_sensitive());
    let crypto = reveille_crypto_rustcrypto::PROVIDER;
    assert_eq!(crypto.es256.verify(&public_key(), jws.signing_input(), jws.signature()), Ok(()));
}

#[test]
fn a_file_that_is_no_key() {
    let load = |p8: &str| {
        let (team, key) = (TEAM.parse().unwrap(), KEY_ID.parse().unwrap());
        ProviderKey::from_p8(p8, team, key, reveille_crypto_ring::PROVIDER).unwrap_err()
    };
    insta::assert_snapshot!(load("-----BEGIN PRIVATE KEY-----"), @"provider key: malformed PEM: no END line");
    let zero = reveille_crypto::base64url::encode(&[0; 32]);
    insta::assert_snapshot!(load(&zero), @"provider key: the ring backend rejects this P-256 private key: out of range, too small, or inconsistent");
    insta::assert_snapshot!(format!("{:?} {:?}", key(), here()), @"ProviderKey { team: TeamId(DEF123GHIJ), key_id: KeyId(ABC123DEFG), .. } TokenSource { key: ProviderKey { team: TeamId(DEF123GHIJ), key_id: KeyId(ABC123DEFG), .. }, .. }");
}

#[test]
fn nothing_is_signed_before_it_is_needed() {
    for tokens in [here(), elsewhere()] {
        tokens.handle_timeout(NOW);
        assert!(tokens.poll_output().is_none());
        assert_eq!(tokens.next_wakeup(), None);
    }
    // A late first use starts the token's life.
    let (tokens, late) = (elsewhere(), NOW + 1_000 * MINUTE);
    assert_eq!(tokens.token(late), Err(TokenError::Pending));
    assert_eq!(sign(&tokens, late), 1);
    assert_eq!(issued_at(&tokens.token(late).unwrap()), late.as_secs());
    assert_eq!(issued_at(&here().token(late).unwrap()), late.as_secs());
}

#[test]
fn it_is_renewed_at_fifty_minutes_and_never_sent_at_sixty() {
    let tokens = elsewhere();
    tokens.token(NOW).unwrap_err();
    sign(&tokens, NOW);
    let first = tokens.token(NOW + 49 * MINUTE).unwrap();
    assert!(tokens.poll_output().is_none());
    // Due, and the old one still serves while the signer is at work.
    assert_eq!(tokens.token(NOW + 50 * MINUTE).unwrap(), first);
    let renewal = tokens.poll_output().unwrap();
    assert!(tokens.poll_output().is_none(), "only one signature at a time");
    assert_eq!(tokens.token(NOW + 50 * MINUTE + Duration::from_secs(59)).unwrap(), first);
    assert!(tokens.poll_output().is_none());
    tokens.handle_failure(&renewal, NOW + 59 * MINUTE);
    assert_eq!(tokens.token(NOW + 60 * MINUTE), Err(TokenError::Pending));

    let tokens = here();
    let first = tokens.token(NOW).unwrap();
    assert_eq!(tokens.token(NOW + 50 * MINUTE - Duration::from_millis(1)).unwrap(), first);
    let second = tokens.token(NOW + 50 * MINUTE).unwrap();
    assert_eq!(issued_at(&second), (NOW + 50 * MINUTE).as_secs());
    assert_eq!(tokens.token(NOW + 51 * MINUTE).unwrap(), second);
}

#[test]
fn a_wakeup_renews_what_is_in_use_and_nothing_else() {
    for (tokens, is_here) in [(here(), true), (elsewhere(), false)] {
        let _ = tokens.token(NOW);
        sign(&tokens, NOW);
        let first = tokens.token(NOW).unwrap();
        let wakeup = tokens.next_wakeup().unwrap();
        assert_eq!((wakeup.at, wakeup.reason), (NOW + 50 * MINUTE, "renew a provider token"));
        tokens.handle_timeout(wakeup.at - MINUTE);
        assert_eq!(tokens.next_wakeup(), Some(wakeup), "an early one does nothing");
        tokens.handle_timeout(wakeup.at);
        assert_eq!(sign(&tokens, wakeup.at), usize::from(!is_here));
        // Nobody has used the new one.
        assert_eq!(tokens.next_wakeup(), None);
        tokens.handle_timeout(wakeup.at + 50 * MINUTE);
        assert!(tokens.poll_output().is_none());
        let second = tokens.token(wakeup.at).unwrap();
        assert_ne!(second, first);
        assert_eq!(second.issued_at(), wakeup.at);
    }
}

#[test]
fn a_refused_token_is_replaced_but_not_within_twenty_minutes() {
    let tokens = elsewhere();
    tokens.token(NOW).unwrap_err();
    sign(&tokens, NOW);
    let first = tokens.token(NOW).unwrap();
    let until = NOW + 20 * MINUTE;
    assert_eq!(tokens.handle_refusal(first.authorization(), NOW + 5 * MINUTE), Refusal::TooYoung { until });
    assert!(tokens.poll_output().is_none());
    assert_eq!(tokens.token(NOW + 6 * MINUTE).unwrap(), first, "it stays in use");
    assert_eq!(tokens.next_wakeup().unwrap().at, until);
    tokens.handle_timeout(until);
    // Refused, and old enough to be the fault: it is not sent any more.
    assert_eq!(tokens.token(until), Err(TokenError::Pending));
    assert_eq!(sign(&tokens, until), 1);
    let second = tokens.token(until).unwrap();
    assert_eq!(tokens.handle_refusal(second.authorization(), until + 25 * MINUTE), Refusal::Renewing);
    assert_eq!(sign(&tokens, until + 25 * MINUTE), 1);
}

/// The class: an answer that comes late must hit the token that it is about, and no other.
#[test]
fn a_late_refusal_does_not_throw_a_newer_token_away() {
    let tokens = here();
    let first = tokens.token(NOW).unwrap();
    let later = NOW + 55 * MINUTE;
    let second = tokens.token(later).unwrap();
    assert_ne!(first, second);
    for _ in 0..3 {
        assert_eq!(tokens.handle_refusal(first.authorization(), later), Refusal::Replaced);
        assert_eq!(tokens.token(later).unwrap(), second);
    }
    let foreign = Token::from_jwt("a.b.c", NOW).unwrap();
    assert_eq!(tokens.handle_refusal(foreign.authorization(), later + 30 * MINUTE), Refusal::Replaced);
    assert_eq!(tokens.token(later + 30 * MINUTE).unwrap(), second);
    // The one in use.
    assert_eq!(tokens.handle_refusal(second.authorization(), later + 30 * MINUTE), Refusal::Renewing);
    assert_ne!(tokens.token(later + 30 * MINUTE).unwrap(), second);
}

#[test]
fn a_signature_is_verified_before_it_is_used() {
    let tokens = elsewhere();
    let next = |now| {
        tokens.token(now).unwrap_err();
        tokens.poll_output().unwrap()
    };
    let (first, pause) = (next(NOW), Duration::from_secs(10));
    assert_eq!(tokens.handle_signature(&first, &[0; 70], NOW), Err(SignatureRefused::Length { length: 70 }));
    assert_eq!(
        tokens.handle_signature(&first, &support::sign(first.signing_input()), NOW),
        Err(SignatureRefused::Unknown)
    );
    tokens.token(NOW + pause - Duration::from_millis(1)).unwrap_err();
    assert!(tokens.poll_output().is_none(), "a signer that failed gets its pause");

    let second = next(NOW + pause);
    // Over the first one's bytes: right for another time, wrong for this one.
    let wrong = support::sign(first.signing_input());
    assert_eq!(tokens.handle_signature(&second, &wrong, NOW + pause), Err(SignatureRefused::Invalid));
    let third = next(NOW + 2 * pause);
    let mut flipped = support::sign(third.signing_input());
    flipped[40] ^= 1;
    assert_eq!(tokens.handle_signature(&third, &flipped, NOW + 2 * pause), Err(SignatureRefused::Invalid));

    let fourth = next(NOW + 3 * pause);
    let right = support::sign(fourth.signing_input());
    assert_eq!(
        elsewhere().handle_signature(&fourth, &right, NOW),
        Err(SignatureRefused::Unknown),
        "another source"
    );
    assert_eq!(tokens.handle_signature(&fourth, &right, NOW + 3 * pause), Ok(()));
    assert_eq!(
        tokens.handle_signature(&fourth, &right, NOW + 3 * pause),
        Err(SignatureRefused::Unknown),
        "twice"
    );
    assert_eq!(tokens.token(NOW + 3 * pause).unwrap().issued_at(), NOW + 3 * pause);
}

#[test]
fn a_signer_that_is_lost_is_asked_again_and_its_late_answer_refused() {
    let settings = TokenSettings::default().with_signer_timeout(Duration::from_secs(90)).unwrap();
    let tokens = TokenSource::new(remote_key(), settings);
    tokens.token(NOW).unwrap_err();
    let lost = tokens.poll_output().unwrap();
    let later = NOW + Duration::from_secs(90);
    assert_eq!(tokens.next_wakeup().unwrap().at, later);
    tokens.token(later - Duration::from_millis(1)).unwrap_err();
    assert!(tokens.poll_output().is_none());
    tokens.handle_timeout(later);
    let second = tokens.poll_output().unwrap();
    assert_ne!(second.id(), lost.id());
    let answer = support::sign(lost.signing_input());
    assert_eq!(tokens.handle_signature(&lost, &answer, later), Err(SignatureRefused::Unknown));
    tokens.handle_failure(&lost, later);
    assert_eq!(tokens.handle_signature(&second, &support::sign(second.signing_input()), later), Ok(()));
    assert_eq!(tokens.token(later).unwrap().issued_at(), later);
}

/// A key in this process that counts, can be held up, and can fail.
#[derive(Debug)]
struct Slow {
    public_key: P256PublicKey,
    signed: AtomicUsize,
    fails: AtomicBool,
    panics: AtomicBool,
    gate: Option<[Barrier; 2]>,
}

impl Slow {
    fn new(gate: bool) -> Arc<Self> {
        Arc::new(Self {
            public_key: public_key(),
            signed: AtomicUsize::new(0),
            fails: AtomicBool::new(false),
            panics: AtomicBool::new(false),
            gate: gate.then(|| [Barrier::new(2), Barrier::new(2)]),
        })
    }

    fn source(self: &Arc<Self>) -> TokenSource {
        let key = ProviderKey::new(Arc::clone(self) as _, TEAM.parse().unwrap(), KEY_ID.parse().unwrap());
        TokenSource::new(key, TokenSettings::default())
    }
}

impl Es256SigningKey for Slow {
    fn public_key(&self) -> &P256PublicKey {
        &self.public_key
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], CryptoError> {
        assert!(!self.panics.load(SeqCst), "the device is on fire");
        let count = self.signed.fetch_add(1, SeqCst);
        if let Some([begun, end]) = self.gate.as_ref().filter(|_| count > 0) {
            begun.wait();
            end.wait();
        }
        if self.fails.load(SeqCst) { Err(CryptoError) } else { Ok(support::sign(message)) }
    }
}

#[test]
fn a_slow_signer_stops_nobody_who_has_a_token() {
    let slow = Slow::new(true);
    let tokens = slow.source();
    let first = tokens.token(NOW).unwrap();
    let due = NOW + 50 * MINUTE;
    std::thread::scope(|scope| {
        let renewing = scope.spawn(|| tokens.token(due).unwrap());
        let [begun, end] = slow.gate.as_ref().unwrap();
        begun.wait();
        // The key is at work and holds no lock.
        for _ in 0..3 {
            assert_eq!(tokens.token(due).unwrap(), first);
        }
        assert_eq!(tokens.next_wakeup().unwrap().at, due + MINUTE);
        assert_eq!(
            tokens.handle_refusal(first.authorization(), NOW),
            Refusal::TooYoung { until: NOW + 20 * MINUTE }
        );
        end.wait();
        assert_eq!(renewing.join().unwrap().issued_at(), due);
    });
    assert_eq!(slow.signed.load(SeqCst), 2);
}

#[test]
fn threads_that_all_need_the_first_token_get_the_same() {
    let tokens = here();
    let barrier = Barrier::new(8);
    let all: Vec<Token> = std::thread::scope(|scope| {
        let spawn = |_| {
            scope.spawn(|| {
                barrier.wait();
                tokens.token(NOW).unwrap()
            })
        };
        let threads: Vec<_> = (0..8).map(spawn).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    // ES256 is random: two signatures of the same bytes differ.
    assert!(all.iter().all(|token| *token == all[0]));
}

/// A key that is slow: meanwhile somebody else asks for the same token, and gets it.
#[derive(Debug)]
struct Overtaken {
    public_key: P256PublicKey,
    source: std::sync::OnceLock<std::sync::Weak<TokenSource>>,
    winner: std::sync::OnceLock<Token>,
    begun: AtomicBool,
    now: UnixTime,
}

impl Es256SigningKey for Overtaken {
    fn public_key(&self) -> &P256PublicKey {
        &self.public_key
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], CryptoError> {
        if !self.begun.swap(true, SeqCst) {
            let source = self.source.get().and_then(std::sync::Weak::upgrade).unwrap();
            self.winner.set(source.token(self.now).unwrap()).unwrap();
        }
        Ok(support::sign(message))
    }
}

#[test]
fn the_token_that_was_finished_first_is_everybodys() {
    let signer = Arc::new(Overtaken {
        public_key: public_key(),
        source: std::sync::OnceLock::new(),
        winner: std::sync::OnceLock::new(),
        begun: AtomicBool::new(false),
        now: NOW,
    });
    let key = ProviderKey::new(Arc::clone(&signer) as _, TEAM.parse().unwrap(), KEY_ID.parse().unwrap());
    let tokens = Arc::new(TokenSource::new(key, TokenSettings::default()));
    signer.source.set(Arc::downgrade(&tokens)).unwrap();
    // ES256 is random: the token that came second would be another one.
    assert_eq!(tokens.token(NOW).as_ref(), Ok(signer.winner.get().unwrap()));
    assert_eq!(tokens.token(NOW + MINUTE).as_ref(), Ok(signer.winner.get().unwrap()));
}

/// Verifies as `PROVIDER` does; while it is at it the first time, somebody else brings the same signature.
#[derive(Debug)]
struct Doubled;

static DOUBLED: std::sync::OnceLock<(TokenSource, reveille_crypto::jws::SigningRequest)> =
    std::sync::OnceLock::new();

impl reveille_crypto::Es256 for Doubled {
    fn load(
        &self,
        key: &reveille_crypto::EcPrivateKey,
    ) -> Result<Arc<dyn Es256SigningKey>, reveille_crypto::KeyError> {
        reveille_crypto_ring::PROVIDER.es256.load(key)
    }

    fn verify(&self, key: &P256PublicKey, message: &[u8], signature: &[u8]) -> Result<(), CryptoError> {
        static BEGUN: AtomicBool = AtomicBool::new(false);
        if !BEGUN.swap(true, SeqCst) {
            let (tokens, request) = DOUBLED.get().unwrap();
            assert_eq!(tokens.handle_signature(request, signature, NOW), Ok(()));
        }
        reveille_crypto_ring::PROVIDER.es256.verify(key, message, signature)
    }
}

#[test]
fn a_signature_that_is_brought_twice_at_once_is_taken_once() {
    let crypto = reveille_crypto::CryptoProvider { es256: &Doubled, ..reveille_crypto_ring::PROVIDER };
    let key = ProviderKey::remote(public_key(), TEAM.parse().unwrap(), KEY_ID.parse().unwrap(), crypto);
    let tokens = TokenSource::new(key, TokenSettings::default());
    assert_eq!(tokens.token(NOW), Err(TokenError::Pending));
    let request = tokens.poll_output().unwrap();
    let (tokens, request) = DOUBLED.get_or_init(|| (tokens, request));
    let signature = support::sign(request.signing_input());
    assert_eq!(tokens.handle_signature(request, &signature, NOW), Err(SignatureRefused::Unknown));
    assert_eq!(tokens.token(NOW).unwrap().issued_at(), NOW);
    assert!(tokens.poll_output().is_none());
}

#[test]
fn a_refused_token_is_due_at_once_with_a_key_that_is_here() {
    for age in [20 * MINUTE, 25 * MINUTE, 59 * MINUTE, 60 * MINUTE, 600 * MINUTE] {
        let tokens = here();
        let old = tokens.token(NOW).unwrap();
        let now = NOW + age;
        assert_eq!(tokens.handle_refusal(old.authorization(), now), Refusal::Renewing, "{age:?}");
        assert_eq!(tokens.next_wakeup().map(|wakeup| wakeup.at), Some(now), "{age:?}");
        tokens.handle_timeout(now);
        assert_eq!(issued_at(&tokens.token(now).unwrap()), now.as_secs(), "{age:?}");
    }
}

#[test]
fn a_key_that_fails_costs_no_token_that_is_good() {
    let slow = Slow::new(false);
    let tokens = slow.source();
    slow.fails.store(true, SeqCst);
    assert_eq!(tokens.token(NOW), Err(TokenError::Signing(CryptoError)));
    slow.fails.store(false, SeqCst);
    let first = tokens.token(NOW).unwrap();
    slow.fails.store(true, SeqCst);
    let due = NOW + 50 * MINUTE;
    assert_eq!(tokens.token(due).unwrap(), first);
    let before = slow.signed.load(SeqCst);
    assert_eq!(tokens.token(due + Duration::from_secs(9)).unwrap(), first);
    assert_eq!(slow.signed.load(SeqCst), before, "it gets its pause");
    assert_eq!(tokens.next_wakeup().unwrap().at, due + Duration::from_secs(10));
    assert_eq!(tokens.token(NOW + 60 * MINUTE), Err(TokenError::Signing(CryptoError)));
    slow.fails.store(false, SeqCst);
    assert!(tokens.token(NOW + 60 * MINUTE).is_ok());
}

#[test]
fn a_key_that_panics_poisons_nothing() {
    let slow = Slow::new(false);
    let tokens = slow.source();
    let first = tokens.token(NOW).unwrap();
    slow.panics.store(true, SeqCst);
    let due = NOW + 50 * MINUTE;
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| tokens.token(due)));
    assert!(panic.is_err());
    assert_eq!(tokens.token(due).unwrap(), first);
    slow.panics.store(false, SeqCst);
    assert_eq!(
        tokens.token(due + MINUTE).unwrap().issued_at(),
        due + MINUTE,
        "the lost thread's turn is over"
    );
}

#[test]
fn sources_cross_threads() {
    fn crosses<T: Send + Sync>() {}
    crosses::<TokenSource>();
    crosses::<Token>();
    crosses::<ProviderKey>();
}

#[test]
fn the_service_takes_the_token_for_an_hour() {
    let mut service = service();
    let push = request(&reveille_apns::Alert::new("t", "b"));
    assert_eq!(service.handle(&push, NOW + 59 * MINUTE).status(), 200);
    let response = service.handle(&push, NOW + 60 * MINUTE);
    assert_eq!(response.body(), &br#"{"reason":"ExpiredProviderToken"}"#[..]);
}

/// RFC 7515 Appendix A.3: the example token verifies, changed by a bit it does not.
#[test]
fn rfc_7515_a_3() {
    const TOKEN: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    let private = reveille_crypto::EcPrivateKey::from_pem(support::P8).unwrap();
    let jws = CompactJws::parse(TOKEN, 1_000).unwrap();
    for provider in [reveille_crypto_ring::PROVIDER, reveille_crypto_rustcrypto::PROVIDER] {
        let public = *provider.es256.load(&private).unwrap().public_key();
        assert_eq!(provider.es256.verify(&public, jws.signing_input(), jws.signature()), Ok(()));
        let mut forged = jws.signature().to_vec();
        forged[63] ^= 1;
        assert!(provider.es256.verify(&public, jws.signing_input(), &forged).is_err());
    }
}
