//! Tokens under hostile clocks: behind, ahead, jumping, and processes that restart.
//!
//! The scripts are the testkit's: true time goes on, and the clock that the library sees is true time plus an error that
//! changes now and then. What is promised:
//! * every token that is handed out would be accepted by a service whose clock is the one the library saw;
//! * where the clock is right and the signer answers, there is always a token;
//! * an excursion of the clock costs a bounded number of new tokens, whatever happened before;
//! * a refusal late by any time never removes a token that it does not name.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use proptest::prelude::*;
use reveille_core::UnixTime;
use reveille_crypto::{CryptoError, CryptoProvider, Es256SigningKey, P256PublicKey};
use reveille_testkit::adversity::{Adversity, Clocks, scripts};
use reveille_testkit::rfc8291;
use reveille_webpush::credential::{Refusal, TokenError, VapidHeader};
use reveille_webpush::{ApplicationServer, Subscription, VapidKey, VapidKeys, VapidSettings};

const RING: CryptoProvider = reveille_crypto_ring::PROVIDER;
const ORIGIN: &str = "https://push.example.net";
const START: u64 = 1_800_000_000;
const HOUR: u64 = 3_600;

/// A key that counts.
#[derive(Debug)]
struct Counting {
    key: Arc<dyn Es256SigningKey>,
    signed: AtomicUsize,
}

impl Counting {
    fn new() -> Arc<Self> {
        let key = RING.es256.load(&RING.p256.generate().unwrap()).unwrap();
        Arc::new(Self { key, signed: 0.into() })
    }

    fn signed(&self) -> usize {
        self.signed.load(SeqCst)
    }
}

impl Es256SigningKey for Counting {
    fn public_key(&self) -> &P256PublicKey {
        self.key.public_key()
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], CryptoError> {
        self.signed.fetch_add(1, SeqCst);
        self.key.sign(message)
    }
}

fn server(key: VapidKey) -> ApplicationServer {
    ApplicationServer::new(
        RING,
        VapidKeys::new(key),
        VapidSettings::new("mailto:ops@example.com".parse().unwrap()),
    )
}

fn local(signer: &Arc<Counting>) -> ApplicationServer {
    server(VapidKey::from_signer(Arc::clone(signer) as Arc<dyn Es256SigningKey>))
}

fn subscription() -> Subscription {
    Subscription::from_json(rfc8291::SUBSCRIPTION).unwrap()
}

/// What the clock shows. One that has lost its mind shows the end of time.
fn shown(clocks: &Clocks) -> UnixTime {
    let now = clocks.now(0);
    if now > UnixTime::from_secs(2 * START) { UnixTime::MAX } else { now }
}

/// Accepted by a service whose clock shows `now`.
fn accepts(authorization: &http::HeaderValue, now: UnixTime) -> bool {
    let header = VapidHeader::new(authorization.to_str().unwrap()).unwrap();
    header.verify(ORIGIN, RING, now).is_ok()
}

/// Times whose tokens would end beyond what seconds or milliseconds can count have no good token; any call is still legal.
fn is_sane(now: UnixTime) -> bool {
    now.as_secs() < u64::MAX / 2_000
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_key_that_signs_here(script in scripts(1..80)) {
        let (signer, to) = (Counting::new(), subscription());
        let mut server = local(&signer);
        let (mut clocks, mut used) = (Clocks::new(UnixTime::from_secs(START), 1), Vec::new());
        // However often it is asked: a new token at first, and at most two whenever the clock shows another time.
        let mut allowed = 1;
        for event in script {
            clocks.apply(&event);
            let now = shown(&clocks);
            match event {
                Adversity::Wait { .. } | Adversity::SetClock { .. } => allowed += 2,
                // Another process begins, with nothing: tokens are nowhere but in memory.
                Adversity::Restart { .. } | Adversity::Fork { .. } => {
                    server = local(&signer);
                    allowed += 1;
                }
                // The service refuses a token that was used a while ago.
                Adversity::Act { choice, .. } if choice % 4 == 0 => {
                    if let Some(refused) = used.iter().rev().nth((choice / 4 % 64) as usize) {
                        let before = server.token(&to, now).unwrap();
                        let refusal = server.handle_refusal(&to, refused, now);
                        if before.authorization() != refused {
                            prop_assert_eq!(server.token(&to, now).unwrap(), before, "{:?}: not the one it named", refusal);
                        }
                        allowed += 2;
                    }
                }
                _ => {}
            }
            for _ in 0..20 {
                let token = server.token(&to, now).unwrap();
                prop_assert!(!is_sane(now) || accepts(token.authorization(), now), "at {now}, ends {}", token.expires_at());
                used.push(token.authorization().clone());
            }
            if is_sane(now) {
                prop_assert!(signer.signed() <= allowed, "{} tokens, {allowed} allowed", signer.signed());
            } else {
                // Nothing lasts at the end of time.
                allowed = allowed.max(signer.signed());
            }
        }
    }

    #[test]
    fn a_key_elsewhere(script in scripts(1..80)) {
        let (signer, to) = (Counting::new(), subscription());
        let start = || server(VapidKey::remote(*signer.public_key()));
        let mut server = start();
        let (mut clocks, mut late) = (Clocks::new(UnixTime::from_secs(START), 1), Vec::new());
        for event in script {
            clocks.apply(&event);
            if let Adversity::Restart { .. } | Adversity::Fork { .. } = event {
                server = start();
            }
            let answer = if let Adversity::Act { choice, .. } = event { choice % 4 } else { 3 };
            let now = shown(&clocks);
            server.handle_timeout(now);
            let first = server.token(&to, now);
            let mut asked = HashSet::new();
            for _ in 0..20 {
                let _ = server.token(&to, now);
                server.handle_timeout(now);
                while let Some(request) = server.poll_output() {
                    prop_assert!(asked.insert(request.id()), "asked twice at one time");
                    late.push(request);
                }
            }
            prop_assert!(asked.len() <= 1);
            // Signed at once, late, never, or failed.
            while let (0..=1, Some(request)) = (answer, late.pop()) {
                let signature = signer.sign(request.signing_input()).unwrap();
                let _ = server.handle_signature(&request, &signature, now);
                if answer == 1 {
                    break;
                }
            }
            if let (2, Some(request)) = (answer, late.last()) {
                server.handle_failure(request, now);
            }
            match server.token(&to, now) {
                Ok(token) => prop_assert!(!is_sane(now) || accepts(token.authorization(), now)),
                Err(error) => {
                    let pending = matches!(error, TokenError::Pending { .. });
                    prop_assert!(pending, "{error}");
                }
            }
            if first.is_ok() {
                prop_assert!(server.token(&to, now).is_ok(), "what was good was lost");
            }
        }
        // The clock is right again, and the signer answers: at most a minute later there is a token.
        for minute in 0..3 {
            let now = clocks.truth() + Duration::from_secs(minute * 61);
            server.handle_timeout(now);
            let _ = server.token(&to, now);
            while let Some(request) = server.poll_output() {
                let signature = signer.sign(request.signing_input()).unwrap();
                let _ = server.handle_signature(&request, &signature, now);
            }
        }
        let now = clocks.truth() + Duration::from_secs(3 * 61);
        let token = server.token(&to, now).unwrap();
        prop_assert!(accepts(token.authorization(), now));
    }
}

/// A virtual machine whose clock flickers between two times: two tokens, not two thousand.
#[test]
fn a_clock_that_flickers_costs_one_token_for_each_of_its_times() {
    let (signer, to) = (Counting::new(), subscription());
    let server = local(&signer);
    for i in 0..1_000 {
        server.token(&to, UnixTime::from_secs(START + (i % 2) * 400 * 24 * HOUR)).unwrap();
    }
    assert_eq!(signer.signed(), 2);
}

/// The token of before the jump is still there after it.
#[test]
fn a_jump_and_back_loses_no_good_token() {
    let (signer, to) = (Counting::new(), subscription());
    let server = local(&signer);
    let now = UnixTime::from_secs(START);
    let before = server.token(&to, now).unwrap();
    for jump in [13 * HOUR, 1_000 * HOUR] {
        let ahead = now + Duration::from_secs(jump);
        assert_ne!(server.token(&to, ahead).unwrap(), before);
        assert_eq!(server.token(&to, now).unwrap(), before, "ahead by {jump} s and back");
        // A service whose clock is ahead refuses the other one; that takes nothing from this.
        let refused = server.token(&to, ahead).unwrap();
        assert!(matches!(server.handle_refusal(&to, refused.authorization(), now), Refusal::TooYoung { .. }));
        assert_eq!(server.token(&to, now).unwrap(), before);
    }
}
