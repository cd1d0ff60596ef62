//! Provider tokens: what is signed, and when.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // Test helpers.

mod support;

use std::time::Duration;

use proptest::prelude::*;
use reveille_apns::{ProviderTokens, SignRequest, TokenPolicy};
use reveille_core::UnixTime;
use reveille_crypto::jws::CompactJws;
use support::{KEY_ID, NOW, TEAM, bearer, key, request, service};

const MINUTE: Duration = Duration::from_secs(60);

/// Signs all that is asked for; how many that was.
fn sign(tokens: &mut ProviderTokens, now: UnixTime) -> usize {
    let key = key();
    let mut signed = 0;
    while let Some(request) = tokens.poll_output() {
        let signature = key.sign(request.signing_input()).unwrap();
        tokens.handle_signature(request, &signature, now).unwrap();
        signed += 1;
    }
    signed
}

fn tokens() -> (ProviderTokens, reveille_apns::SignerId) {
    let mut tokens = ProviderTokens::new(TokenPolicy::default());
    let signer = tokens.add(TEAM.parse().unwrap(), KEY_ID.parse().unwrap());
    (tokens, signer)
}

fn issued_at(token: &reveille_apns::BearerToken) -> u64 {
    let jwt = token.expose().to_str().unwrap().strip_prefix("bearer ").unwrap();
    let jws = CompactJws::parse(jwt, 1_000).unwrap();
    let claims: serde_json::Value = jws.claims().unwrap();
    claims["iat"].as_u64().unwrap()
}

#[test]
fn the_token_is_what_apple_wants() {
    let token = bearer();
    let jwt = token.expose().to_str().unwrap().strip_prefix("bearer ").unwrap().to_owned();
    let jws = CompactJws::parse(&jwt, 1_000).unwrap();
    assert_eq!((jws.algorithm(), jws.key_id(), jws.token_type()), ("ES256", Some(KEY_ID), None));
    assert_eq!(jws.payload(), br#"{"iss":"DEF123GHIJ","iat":1700000000}"#);
    assert_eq!(jws.signature().len(), 64, "R and S, not DER");
    assert!(token.expose().is_sensitive());
}

#[test]
fn a_file_that_is_no_key() {
    let load = |p8: &str| {
        let (team, key) = (TEAM.parse().unwrap(), KEY_ID.parse().unwrap());
        reveille_apns::ProviderKey::from_p8(p8, team, key, reveille_crypto_ring::PROVIDER).unwrap_err()
    };
    insta::assert_snapshot!(load("-----BEGIN PRIVATE KEY-----"), @"provider key: malformed PEM: no END line");
    let zero = reveille_crypto::base64url::encode(&[0; 32]);
    insta::assert_snapshot!(load(&zero), @"provider key: the ring backend rejects this P-256 private key: out of range, too small, or inconsistent");
    insta::assert_snapshot!(format!("{:?}", key()), @"ProviderKey { team: TeamId(DEF123GHIJ), key: KeyId(ABC123DEFG), .. }");
}

#[test]
fn nothing_is_signed_before_it_is_needed() {
    let (mut tokens, signer) = tokens();
    tokens.handle_timeout(NOW);
    assert!(tokens.poll_output().is_none());
    assert_eq!(tokens.next_wakeup(), None);
    // A late first use starts the token's life.
    let late = NOW + 1_000 * MINUTE;
    assert_eq!(tokens.bearer(signer, late), None);
    assert_eq!(sign(&mut tokens, late), 1);
    assert_eq!(issued_at(&tokens.bearer(signer, late).unwrap()), late.as_secs());
}

#[test]
fn it_is_renewed_at_fifty_minutes_and_never_sent_at_sixty() {
    let (mut tokens, signer) = tokens();
    tokens.bearer(signer, NOW);
    sign(&mut tokens, NOW);
    assert!(tokens.bearer(signer, NOW + 49 * MINUTE).is_some());
    assert!(tokens.poll_output().is_none());
    // Due, and the old one still serves while the signer is at work.
    assert!(tokens.bearer(signer, NOW + 50 * MINUTE).is_some());
    let renewal = tokens.poll_output().unwrap();
    assert!(tokens.poll_output().is_none(), "only one signature at a time");
    assert!(tokens.bearer(signer, NOW + 59 * MINUTE).is_some());
    assert_eq!(tokens.bearer(signer, NOW + 60 * MINUTE), None);
    drop(renewal);
}

#[test]
fn a_refused_token_is_renewed_but_not_within_twenty_minutes() {
    let (mut tokens, signer) = tokens();
    tokens.bearer(signer, NOW);
    sign(&mut tokens, NOW);
    let earliest = tokens.handle_refusal(signer, NOW + 5 * MINUTE);
    assert_eq!(earliest, Some(NOW + 20 * MINUTE));
    assert!(tokens.poll_output().is_none());
    assert!(tokens.bearer(signer, NOW + 6 * MINUTE).is_some(), "it stays in use");
    assert_eq!(tokens.next_wakeup().unwrap().at, NOW + 20 * MINUTE);
    tokens.handle_timeout(NOW + 20 * MINUTE);
    assert_eq!(sign(&mut tokens, NOW + 20 * MINUTE), 1);
    assert_eq!(tokens.handle_refusal(signer, NOW + 45 * MINUTE), None);
    assert_eq!(sign(&mut tokens, NOW + 45 * MINUTE), 1);
}

#[test]
fn a_signer_that_fails_or_is_lost_is_asked_again() {
    let (mut tokens, signer) = tokens();
    tokens.bearer(signer, NOW);
    let first = tokens.poll_output().unwrap();
    insta::assert_snapshot!(tokens.handle_signature(first, &[0; 70], NOW).unwrap_err(), @"ES256 signature must be R and S, 64 bytes, not DER; got 70");
    tokens.bearer(signer, NOW + Duration::from_secs(9));
    assert!(tokens.poll_output().is_none());
    tokens.bearer(signer, NOW + Duration::from_secs(10));
    let lost = tokens.poll_output().unwrap();
    let later = NOW + Duration::from_secs(70);
    tokens.bearer(signer, later);
    let second = tokens.poll_output().unwrap();
    // The answer to the lost one comes too late to be taken.
    tokens.handle_signature(lost, &[1; 64], later).unwrap();
    assert_eq!(tokens.bearer(signer, later), None);
    tokens.handle_signature(second, &[2; 64], later).unwrap();
    assert!(tokens.bearer(signer, later).is_some());
}

#[test]
fn teams_and_keys_are_independent() {
    let (mut tokens, first) = tokens();
    let second = tokens.add("OTHERTEAM1".parse().unwrap(), KEY_ID.parse().unwrap());
    assert_ne!(first, second);
    assert_eq!(
        tokens.add(TEAM.parse().unwrap(), KEY_ID.parse().unwrap()),
        first,
        "the same pair, the same token"
    );
    tokens.bearer(first, NOW);
    tokens.bearer(second, NOW);
    let inputs: Vec<SignRequest> = std::iter::from_fn(|| tokens.poll_output()).collect();
    assert_eq!(inputs.iter().map(SignRequest::signer).collect::<Vec<_>>(), [first, second]);
    assert_ne!(inputs[0].signing_input(), inputs[1].signing_input());
}

#[test]
fn a_clock_that_steps_back_neither_hangs_nor_signs_at_once() {
    let (mut tokens, signer) = tokens();
    let ahead = NOW + 10_000 * MINUTE;
    tokens.bearer(signer, ahead);
    sign(&mut tokens, ahead);
    assert!(tokens.bearer(signer, NOW).is_some());
    assert!(tokens.poll_output().is_none());
    tokens.bearer(signer, NOW + 50 * MINUTE);
    assert_eq!(sign(&mut tokens, NOW + 50 * MINUTE), 1);
    assert_eq!(issued_at(&tokens.bearer(signer, NOW + 50 * MINUTE).unwrap()), (NOW + 50 * MINUTE).as_secs());
}

#[test]
fn a_signature_that_waits_is_for_the_present() {
    let (mut tokens, signer) = tokens();
    tokens.bearer(signer, NOW + 90 * MINUTE);
    assert_eq!(tokens.bearer(signer, NOW), None);
    assert_eq!(sign(&mut tokens, NOW), 1);
    assert_eq!(issued_at(&tokens.bearer(signer, NOW).unwrap()), NOW.as_secs());
    // Nor is one that waits for long old from the start.
    let (mut late, signer) = self::tokens();
    late.bearer(signer, NOW);
    late.bearer(signer, NOW + 70 * MINUTE);
    assert_eq!(sign(&mut late, NOW + 70 * MINUTE), 1);
    assert!(late.bearer(signer, NOW + 70 * MINUTE).is_some());
    // A renewal that was due on a clock ahead is not on the right one.
    tokens.bearer(signer, NOW + 50 * MINUTE);
    tokens.bearer(signer, NOW - MINUTE);
    assert_eq!(sign(&mut tokens, NOW - MINUTE), 0);
}

#[test]
fn the_policy_stays_within_apples_range() {
    for (asked, minutes) in [(0, 20), (30, 30), (500, 59)] {
        let mut tokens = ProviderTokens::new(TokenPolicy::renew_after(asked * MINUTE));
        let signer = tokens.add(TEAM.parse().unwrap(), KEY_ID.parse().unwrap());
        tokens.bearer(signer, NOW);
        sign(&mut tokens, NOW);
        tokens.bearer(signer, NOW);
        assert_eq!(tokens.next_wakeup().unwrap().at, NOW + minutes * MINUTE);
    }
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

#[derive(Clone, Debug)]
enum Step {
    Bearer,
    Refusal,
    Timeout,
    Sign,
    Fail,
    Wait(u64),
    Back(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => Just(Step::Bearer),
        1 => Just(Step::Refusal),
        1 => Just(Step::Timeout),
        3 => Just(Step::Sign),
        1 => Just(Step::Fail),
        4 => (0_u64..30 * 60).prop_map(Step::Wait),
    ]
}

/// Also on a clock that is set back.
fn unsteady() -> impl Strategy<Value = Step> {
    prop_oneof![9 => step(), 1 => (0_u64..100 * 60).prop_map(Step::Back)]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever happens: signatures are 20 minutes apart, and no token is sent that is an hour old.
    #[test]
    fn apples_two_limits(steps in prop::collection::vec(step(), 1..200)) {
        let (mut tokens, signer) = tokens();
        let (mut now, mut signed): (UnixTime, Vec<UnixTime>) = (NOW, vec![]);
        let mut open: Option<SignRequest> = None;
        for step in steps {
            match step {
                Step::Bearer => {
                    if let Some(token) = tokens.bearer(signer, now) {
                        prop_assert!(now.as_secs() - issued_at(&token) < 3_600);
                    }
                }
                Step::Refusal => {
                    tokens.handle_refusal(signer, now);
                }
                Step::Timeout => tokens.handle_timeout(now),
                Step::Sign => {
                    open = tokens.poll_output().or(open);
                    if let Some(request) = open.take() {
                        let before = tokens.bearer(signer, now);
                        tokens.handle_signature(request, &[7; 64], now).unwrap();
                        let after = tokens.bearer(signer, now);
                        if after.is_some() && after != before {
                            signed.push(UnixTime::from_secs(issued_at(&after.unwrap())));
                        }
                    }
                }
                Step::Fail => {
                    open = tokens.poll_output().or(open);
                    if let Some(request) = open.take() {
                        tokens.handle_failure(&request, now);
                    }
                }
                Step::Wait(seconds) => now += Duration::from_secs(seconds),
                Step::Back(_) => {}
            }
            if let Some(wakeup) = tokens.next_wakeup() {
                prop_assert_eq!(wakeup.reason, "renew a provider token");
            }
        }
        for pair in signed.windows(2) {
            prop_assert!(pair[1].since(pair[0]) >= 20 * MINUTE);
        }
    }

    /// No token is signed for a time to come, none is sent that is an hour old, and there is always a way on.
    #[test]
    fn any_clock(steps in prop::collection::vec(unsteady(), 1..200)) {
        let (mut tokens, signer) = tokens();
        let mut now = NOW + 10_000 * MINUTE;
        for step in steps {
            match step {
                Step::Wait(seconds) => now += Duration::from_secs(seconds),
                Step::Back(seconds) => now = now - Duration::from_secs(seconds),
                Step::Refusal => drop(tokens.handle_refusal(signer, now)),
                Step::Timeout => tokens.handle_timeout(now),
                Step::Bearer | Step::Sign | Step::Fail => {
                    if let Some(token) = tokens.bearer(signer, now) {
                        prop_assert!(now.as_secs() < issued_at(&token) + 3_600);
                    }
                    match tokens.poll_output() {
                        Some(request) if matches!(step, Step::Fail) => tokens.handle_failure(&request, now),
                        Some(request) => {
                            let jws = String::from_utf8(request.signing_input().to_vec()).unwrap();
                            tokens.handle_signature(request, &[7; 64], now).unwrap();
                            let token = tokens.bearer(signer, now).unwrap();
                            prop_assert!(token.expose().to_str().unwrap().contains(&jws));
                            prop_assert!(issued_at(&token) <= now.as_secs());
                        }
                        None => {}
                    }
                }
            }
        }
        // Left alone, it has a token before long.
        for _ in 0..3 {
            tokens.bearer(signer, now);
            sign(&mut tokens, now);
            now += Duration::from_secs(60);
        }
        prop_assert!(tokens.bearer(signer, now).is_some());
    }
}
