//! Tokens under hostile clocks: behind, ahead, jumping, and processes that restart.
//!
//! The generator is a small walk: true time goes on, and the clock that the library sees is true time plus an error that changes
//! now and then. What is promised:
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

/// One thing that happens.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// True time goes on by so many seconds.
    Pass(u64),
    /// The clock is off by so many seconds from now on.
    Off(i64),
    /// A process ends, and another begins.
    Restart,
    /// The service refuses the token that was used so many uses ago.
    Refuse(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let off = prop_oneof![
        3 => Just(0),
        2 => -120..120_i64,
        2 => -30 * 3_600..30 * 3_600_i64,
        1 => Just(-(START as i64)),
        1 => Just(10_000_000_000),
        1 => any::<i64>(),
    ];
    let step = prop_oneof![
        6 => prop_oneof![0..90_u64, 0..2 * HOUR, 0..30 * HOUR].prop_map(Step::Pass),
        4 => off.prop_map(Step::Off),
        1 => Just(Step::Restart),
        2 => (0..4_usize).prop_map(Step::Refuse),
    ];
    proptest::collection::vec(step, 1..60)
}

fn seen(truth: u64, off: i64) -> UnixTime {
    UnixTime::from_secs(truth.saturating_add_signed(off))
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
    fn a_key_that_signs_here(steps in steps()) {
        let (signer, to) = (Counting::new(), subscription());
        let mut server = local(&signer);
        let (mut truth, mut off, mut used) = (START, 0_i64, Vec::new());
        // However often it is asked: a new token at first, and at most two whenever the clock shows another time.
        let mut allowed = 1;
        for step in steps {
            match step {
                Step::Pass(seconds) => {
                    truth += seconds;
                    allowed += 2;
                }
                Step::Off(error) => {
                    off = error;
                    allowed += 2;
                }
                Step::Restart => {
                    server = local(&signer);
                    allowed += 1;
                }
                Step::Refuse(back) => {
                    let now = seen(truth, off);
                    if let Some(refused) = used.iter().rev().nth(back) {
                        let before = server.token(&to, now).unwrap();
                        let refusal = server.handle_refusal(&to, refused, now);
                        if before.authorization() != refused {
                            prop_assert_eq!(server.token(&to, now).unwrap(), before, "{:?}: not the one it named", refusal);
                        }
                        allowed += 2;
                    }
                }
            }
            let now = seen(truth, off);
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
    fn a_key_elsewhere(steps in steps(), answers in proptest::collection::vec(0..4_u8, 60)) {
        let (signer, to) = (Counting::new(), subscription());
        let start = || server(VapidKey::remote(*signer.public_key()));
        let mut server = start();
        let (mut truth, mut off, mut late) = (START, 0_i64, Vec::new());
        for (step, answer) in steps.into_iter().zip(answers) {
            match step {
                Step::Pass(seconds) => truth += seconds,
                Step::Off(error) => off = error,
                Step::Restart => server = start(),
                Step::Refuse(_) => {}
            }
            let now = seen(truth, off);
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
            let now = seen(truth + minute * 61, 0);
            server.handle_timeout(now);
            let _ = server.token(&to, now);
            while let Some(request) = server.poll_output() {
                let signature = signer.sign(request.signing_input()).unwrap();
                let _ = server.handle_signature(&request, &signature, now);
            }
        }
        let now = seen(truth + 3 * 61, 0);
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
