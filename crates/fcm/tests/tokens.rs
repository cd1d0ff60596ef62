//! The token state machine under a virtual clock, against a server that knows the true age of its tokens.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod support;

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use proptest::prelude::*;
use reveille_core::{Jitter, UnixTime};
use reveille_crypto_ring::PROVIDER;
use reveille_fcm::{
    AccessToken, FetchId, Grant, Issuer, RefreshPolicy, TokenFailureKind, TokenOutput, TokenSource,
};
use reveille_testkit::fcm::OAuthRefusal;
use support::{CLIENT_EMAIL, NOW, TOKEN_URI, account, google};

fn granted(secs: u64) -> Response<Bytes> {
    let body = format!(r#"{{"access_token":"ya29.x","expires_in":{secs},"token_type":"Bearer"}}"#);
    Response::new(Bytes::from(body))
}

fn refused(status: u16, body: &'static str) -> Response<Bytes> {
    Response::builder().status(status).body(Bytes::from_static(body.as_bytes())).unwrap()
}

fn after(secs: u64) -> UnixTime {
    NOW + Duration::from_secs(secs)
}

fn source() -> TokenSource {
    TokenSource::new(Grant::metadata_server(), Jitter::new(1))
}

/// The fetch that the source wants now, if any; other outputs are passed over.
fn fetch(source: &mut TokenSource) -> Option<(FetchId, Request<Bytes>)> {
    std::iter::from_fn(|| source.poll_output()).find_map(|output| match output {
        TokenOutput::Fetch { fetch, request } => Some((fetch, request)),
        _ => None,
    })
}

fn with_token(secs: u64) -> TokenSource {
    let mut source = source();
    source.handle_timeout(NOW);
    let (id, _) = fetch(&mut source).unwrap();
    source.handle_response(id, &granted(secs), NOW);
    assert!(matches!(source.poll_output(), Some(TokenOutput::Ready { generation: 1, .. })));
    source
}

#[test]
fn a_service_account_gets_a_token_from_googles_server() {
    let mut google = google();
    let grant = Grant::service_account(&account(), PROVIDER.rs256).unwrap();
    let mut source = TokenSource::new(grant, Jitter::new(1));
    assert_eq!(source.token(NOW), None);
    assert_eq!(source.next_wakeup().unwrap().at, UnixTime::EPOCH);
    source.handle_timeout(NOW);
    let (id, request) = fetch(&mut source).unwrap();
    assert_eq!((request.method(), request.uri()), (&http::Method::POST, &TOKEN_URI.parse().unwrap()));
    let response = google.handle(&request, NOW);
    source.handle_response(id, &response, after(1));
    let token = source.token(after(1)).unwrap();
    assert_eq!((token.header().to_str().unwrap(), token.generation()), ("Bearer ya29.test-0001", 1));
    // 3,599 s from the request on, less the ten that a request may be on its way.
    assert_eq!(token.expires_at(), after(3_589));
    let renewal = source.next_wakeup().unwrap();
    assert!(renewal.at >= after(3_599 - 225) && renewal.at <= after(3_599 - 165), "{renewal:?}");
}

#[test]
fn a_remote_signer_signs_in_between() {
    let mut google = google();
    let key = account().load_key(PROVIDER.rs256).unwrap();
    let mut source =
        TokenSource::new(Grant::remote_signer(Issuer::new(CLIENT_EMAIL, None).unwrap()), Jitter::new(1));
    source.handle_timeout(NOW);
    let Some(TokenOutput::Sign { fetch: id, signing_input }) = source.poll_output() else { panic!() };
    assert!(source.poll_output().is_none());
    // An answer before there was a question is nobody's.
    source.handle_response(id, &granted(3_600), NOW);
    assert_eq!(source.token(NOW), None);
    source.handle_signature(id, &key.sign(&signing_input).unwrap(), after(1));
    let (again, request) = fetch(&mut source).unwrap();
    assert_eq!(again, id);
    source.handle_signature(id, b"twice", after(1));
    assert!(source.poll_output().is_none());
    source.handle_response(id, &google.handle(&request, NOW), after(1));
    assert!(source.token(after(2)).is_some());
}

#[test]
fn a_signer_that_fails_is_the_operators_business() {
    let mut source =
        TokenSource::new(Grant::remote_signer(Issuer::new(CLIENT_EMAIL, None).unwrap()), Jitter::new(1));
    source.handle_timeout(NOW);
    let Some(TokenOutput::Sign { fetch: id, .. }) = source.poll_output() else { panic!() };
    source.handle_failure(id, NOW);
    let Some(TokenOutput::Failed(failure)) = source.poll_output() else { panic!() };
    assert!(failure.kind == TokenFailureKind::Signing && failure.kind.needs_operator());
}

#[test]
fn the_metadata_server_is_asked_with_its_header() {
    let mut google = google();
    let mut source =
        TokenSource::new(Grant::metadata_server_at("http://127.0.0.1:1").unwrap(), Jitter::new(1));
    source.handle_timeout(NOW);
    let (id, request) = fetch(&mut source).unwrap();
    assert_eq!(request.headers()["metadata-flavor"], "Google");
    assert_eq!(
        request.uri().query(),
        Some("scopes=https%3A%2F%2Fwww.googleapis.com%2Fauth%2Ffirebase.messaging")
    );
    source.handle_response(id, &google.handle(&request, NOW), NOW);
    assert!(source.token(NOW).is_some());
}

#[test]
fn a_given_token_is_used_until_it_ends() {
    let given = AccessToken::new("ya29.given").unwrap().expiring(after(60));
    let mut source = TokenSource::new(Grant::given(given), Jitter::new(1));
    source.handle_timeout(NOW);
    assert!(matches!(source.poll_output(), Some(TokenOutput::Ready { generation: 1, .. })));
    assert!(source.token(after(59)).is_some());
    assert!(source.token(after(60)).is_none());
    source.handle_timeout(after(60));
    let Some(TokenOutput::Failed(failure)) = source.poll_output() else { panic!() };
    assert_eq!(failure.kind, TokenFailureKind::GivenTokenSpent);
    assert_eq!(source.next_wakeup(), None);
    source.replace_grant(Grant::given(AccessToken::new("ya29.next").unwrap()), after(61));
    source.handle_timeout(after(61));
    assert_eq!(source.token(after(61)).unwrap().generation(), 2);
    source.handle_refusal(2, after(62));
    assert_eq!(source.token(after(62)), None);
    let Some(TokenOutput::Failed(failure)) = source.poll_output() else { panic!() };
    assert_eq!(failure.kind, TokenFailureKind::GivenTokenSpent);
    source.handle_timeout(after(100_000));
    assert_eq!(source.token(after(100_000)), None);
    assert_eq!(source.next_wakeup(), None);
}

/// Neither of the two says when it ends: the second is not the first once more.
#[test]
fn a_given_token_takes_the_place_of_another() {
    let given = |text: &str| Grant::given(AccessToken::new(text).unwrap());
    let mut source = TokenSource::new(given("ya29.first"), Jitter::new(1));
    source.handle_timeout(NOW);
    source.replace_grant(given("ya29.second"), after(60));
    assert_eq!(source.token(after(60)).unwrap().header(), "Bearer ya29.first", "until the next is taken");
    source.handle_timeout(after(60));
    let token = source.token(after(60)).unwrap();
    assert_eq!((token.header().to_str().unwrap(), token.generation()), ("Bearer ya29.second", 2));
    assert_eq!(source.next_wakeup(), None);
}

#[test]
fn a_given_token_is_good_to_its_end_also_on_a_clock_that_was_ahead() {
    let given = AccessToken::new("ya29.given").unwrap().expiring(after(7_200));
    let mut source = TokenSource::new(Grant::given(given), Jitter::new(1));
    source.handle_timeout(after(3_600));
    for secs in [0, 1_800, 3_600, 7_199] {
        source.handle_timeout(after(secs));
        assert!(source.token(after(secs)).is_some(), "{secs}");
    }
    source.handle_timeout(after(7_200));
    assert!(source.token(after(7_200)).is_none());
}

#[test]
fn a_token_serves_while_its_successor_is_fetched() {
    let mut source = with_token(3_600);
    let renewal = source.next_wakeup().unwrap().at;
    source.handle_timeout(renewal - Duration::from_millis(1));
    assert!(fetch(&mut source).is_none(), "a call that is too early does nothing");
    source.handle_timeout(renewal);
    let (id, _) = fetch(&mut source).unwrap();
    source.handle_timeout(renewal);
    assert!(fetch(&mut source).is_none(), "one fetch at a time");
    assert_eq!(source.token(renewal).unwrap().generation(), 1);
    source.handle_response(id, &granted(3_600), renewal);
    assert_eq!(source.token(renewal).unwrap().generation(), 2);
}

#[test]
fn a_fetch_of_which_nothing_is_heard_ends() {
    let mut source = source();
    source.handle_timeout(NOW);
    let (lost, _) = fetch(&mut source).unwrap();
    assert_eq!(source.next_wakeup().unwrap().at, after(30));
    source.handle_timeout(after(30));
    let Some(TokenOutput::Failed(failure)) = source.poll_output() else { panic!() };
    assert_eq!(failure.kind, TokenFailureKind::Timeout);
    let retry = source.next_wakeup().unwrap();
    assert_eq!(retry.reason, "retry the fetch of an access token");
    source.handle_timeout(retry.at);
    let (second, _) = fetch(&mut source).unwrap();
    source.handle_response(lost, &granted(3_600), retry.at);
    assert_eq!(source.token(retry.at), None, "an answer to a lost fetch is ignored");
    source.handle_response(second, &granted(3_600), retry.at);
    assert!(source.token(retry.at).is_some());
}

#[test]
fn failures_back_off_and_the_server_may_ask_for_more() {
    let mut source = source();
    let (mut now, mut waits) = (NOW, Vec::new());
    for _ in 0..9 {
        source.handle_timeout(now);
        let (id, _) = fetch(&mut source).unwrap();
        source.handle_response(id, &refused(503, ""), now);
        let at = source.next_wakeup().unwrap().at;
        waits.push(at.since(now).as_millis());
        now = at;
    }
    for (n, wait) in waits.iter().enumerate() {
        let span = (2_000_u128 << n).min(64_000);
        assert!((span / 2..=span).contains(wait), "{waits:?}");
    }
    source.handle_timeout(now);
    let (id, _) = fetch(&mut source).unwrap();
    let mut response = refused(429, "");
    response.headers_mut().insert("retry-after", "500".parse().unwrap());
    source.handle_response(id, &response, now);
    let at = source.next_wakeup().unwrap().at;
    assert_eq!(at, now + Duration::from_secs(500));
    // A nonsensical one does not stop the source for good.
    source.handle_timeout(at);
    let (id, _) = fetch(&mut source).unwrap();
    response.headers_mut().insert("retry-after", "99999999999999999999".parse().unwrap());
    source.handle_response(id, &response, at);
    assert_eq!(source.next_wakeup().unwrap().at, at + Duration::from_secs(3_600));
}

#[test]
fn a_hundred_refusals_of_one_token_are_one_refresh_and_a_second_one_waits() {
    let mut source = with_token(3_600);
    for _ in 0..100 {
        source.handle_refusal(1, after(20));
        source.handle_timeout(after(20));
    }
    let (id, _) = fetch(&mut source).unwrap();
    assert_eq!(source.token(after(20)), None);
    source.handle_response(id, &granted(3_600), after(21));
    source.handle_refusal(1, after(21));
    assert_eq!(
        source.token(after(21)).unwrap().generation(),
        2,
        "a late refusal of the first is nothing to the second"
    );
    source.handle_refusal(2, after(40));
    source.handle_timeout(after(40));
    assert!(fetch(&mut source).is_none(), "refused again: this is not a matter of freshness");
    assert!(source.next_wakeup().unwrap().at > after(40));
}

#[test]
fn every_refusal_of_the_oauth_server_is_told_apart() {
    use TokenFailureKind as Kind;
    let kinds = [
        (OAuthRefusal::Signature, Kind::WrongKey),
        (OAuthRefusal::Times, Kind::ClockOff),
        (OAuthRefusal::Account, Kind::UnknownAccount),
        (OAuthRefusal::Scope, Kind::NotAllowed),
        (OAuthRefusal::GrantType, Kind::NotAllowed),
        (OAuthRefusal::TooManyRequests, Kind::Unavailable),
        (OAuthRefusal::Unavailable, Kind::Unavailable),
        (OAuthRefusal::NoToken, Kind::Malformed),
    ];
    for (refusal, kind) in kinds {
        let mut source = source();
        source.handle_timeout(NOW);
        let (id, _) = fetch(&mut source).unwrap();
        source.handle_response(id, &refusal.response(), NOW);
        let Some(TokenOutput::Failed(failure)) = source.poll_output() else { panic!("{refusal:?}") };
        assert_eq!(failure.kind, kind, "{refusal:?}");
    }
}

#[test]
fn a_clock_that_is_set_back_does_not_stop_the_renewal() {
    let mut source = with_token(3_600);
    let left = source.next_wakeup().unwrap().at.since(NOW);
    let back = UnixTime::from_secs(1_000);
    source.handle_timeout(back);
    assert_eq!(source.next_wakeup().unwrap().at, back + left, "as long to go as before");
    assert!(source.token(back + Duration::from_secs(3_589)).is_some());
    assert!(source.token(back + Duration::from_secs(3_590)).is_none());
    // A second of difference between threads is not a clock being set.
    let mut source = with_token(3_600);
    let renewal = source.next_wakeup().unwrap().at;
    for _ in 0..1_000 {
        source.handle_timeout(NOW - Duration::from_secs(1));
        source.handle_timeout(NOW);
    }
    assert_eq!(source.next_wakeup().unwrap().at, renewal);
}

/// One step of a driver that does things in any order, late, twice, or not at all.
#[derive(Clone, Debug)]
enum Step {
    Wait { millis: u64 },
    WakeUp,
    Timeout,
    Answer { secs: u64 },
    Refuse { status: u16, body: usize },
    Fail,
    AnswerOld { which: usize },
    Refusal { back: u64 },
    Use,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0..2_000_000_u64).prop_map(|millis| Step::Wait { millis }),
        3 => (0..30_000_u64).prop_map(|millis| Step::Wait { millis }),
        4 => Just(Step::WakeUp),
        4 => Just(Step::Timeout),
        4 => (1..4_000_u64).prop_map(|secs| Step::Answer { secs }),
        1 => prop::sample::select(vec![0, 1, u64::MAX]).prop_map(|secs| Step::Answer { secs }),
        2 => (prop::sample::select(vec![200_u16, 400, 401, 403, 429, 500, 503]), 0..5_usize).prop_map(|(status, body)| Step::Refuse { status, body }),
        1 => Just(Step::Fail),
        1 => any::<usize>().prop_map(|which| Step::AnswerOld { which }),
        1 => (0..3_u64).prop_map(|back| Step::Refusal { back }),
        4 => Just(Step::Use),
    ];
    prop::collection::vec(step, 1..80)
}

const BODIES: [&str; 5] = [
    "",
    r#"{"error":"invalid_grant","error_description":"Invalid JWT Signature."}"#,
    "<html>",
    r#"{"access_token":"","expires_in":3600}"#,
    r#"{"error":{"status":"UNAVAILABLE"}}"#,
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, ..ProptestConfig::default() })]

    /// Never two fetches at once, never an expired token, always a way on.
    #[test]
    fn any_order_of_events_is_survived(steps in steps(), seed: u64) {
        let policy = RefreshPolicy::default();
        let mut source = TokenSource::with_policy(Grant::metadata_server(), policy, Jitter::new(seed));
        let mut now = NOW;
        let mut open: Option<(FetchId, UnixTime)> = None;
        let mut all = Vec::new();
        // The server's truth: when each generation really ends.
        let mut ends: HashMap<u64, UnixTime> = HashMap::new();
        let mut pending_end = None;
        for step in steps {
            match step {
                Step::Wait { millis } => now += Duration::from_millis(millis),
                Step::WakeUp => now = source.next_wakeup().map_or(now, |wakeup| wakeup.at.max(now).min(NOW + Duration::from_secs(10_000_000))),
                Step::Timeout => source.handle_timeout(now),
                Step::Answer { secs } => if let Some((id, asked)) = open.take() {
                    // The token is made the moment the request was sent: the worst case for us.
                    pending_end = Some(asked + Duration::from_secs(secs));
                    source.handle_response(id, &granted(secs), now);
                },
                Step::Refuse { status, body } => if let Some((id, _)) = open.take() {
                    source.handle_response(id, &refused(status, BODIES[body]), now);
                },
                Step::Fail => if let Some((id, _)) = open.take() { source.handle_failure(id, now) },
                Step::AnswerOld { which } => if !all.is_empty() {
                    let id: FetchId = all[which % all.len()];
                    if open.is_none_or(|(current, _)| current != id) {
                        source.handle_response(id, &granted(100_000), now);
                    }
                },
                Step::Refusal { back } => {
                    let generation = source.token(now).map_or(0, AccessToken::generation);
                    source.handle_refusal(generation.saturating_sub(back), now);
                }
                Step::Use => if let Some(token) = source.token(now) {
                    let end = ends[&token.generation()];
                    prop_assert!(now < end, "generation {} was used after its end", token.generation());
                },
            }
            while let Some(output) = source.poll_output() {
                match output {
                    TokenOutput::Fetch { fetch, .. } => {
                        if let Some((_, asked)) = open {
                            prop_assert!(asked + policy.fetch_timeout <= now, "two fetches at once");
                        }
                        open = Some((fetch, now));
                        all.push(fetch);
                    }
                    TokenOutput::Ready { generation, expires_at } => {
                        prop_assert_eq!(generation, ends.len() as u64 + 1, "generations count up by one");
                        let end = pending_end.take().unwrap();
                        prop_assert!(expires_at <= end);
                        ends.insert(generation, end);
                    }
                    TokenOutput::Failed(_) => {}
                    other => prop_assert!(false, "{:?}", other),
                }
            }
            prop_assert!(source.next_wakeup().is_some(), "there is always a way on");
        }
        // Left alone with a server that works, it has a token before long.
        for _ in 0..5 {
            if source.token(now).is_some() { break }
            now = source.next_wakeup().map_or(now, |wakeup| wakeup.at.max(now));
            source.handle_timeout(now);
            if let Some((id, _)) = fetch(&mut source) {
                source.handle_response(id, &granted(3_600), now);
            }
        }
        prop_assert!(source.token(now).is_some());
    }
}

proptest! {
    /// Any clock at all, also one that jumps about: nothing panics, one fetch at a time, no token is used for longer
    /// than any server gives.
    #[test]
    fn any_clock_is_survived(times in prop::collection::vec(prop_oneof![any::<u64>(), 0..200_000_u64], 1..60), lives: u64) {
        let mut source = source();
        let mut open = None;
        for (n, time) in times.into_iter().enumerate() {
            let now = UnixTime::from_millis(time);
            source.handle_timeout(now);
            if let Some((id, _)) = fetch(&mut source) {
                open = Some(id);
            }
            if n % 3 == 0 && let Some(id) = open.take() {
                source.handle_response(id, &granted(lives.max(1)), now);
            }
            if let Some(token) = source.token(now) {
                let end = token.expires_at();
                prop_assert!(end.since(now) <= Duration::from_secs(86_400 + 5));
            }
        }
    }

    /// Tokens from outside, one after the other, on any clock: what was given last is handed out until it ends or is
    /// refused, and nothing else.
    #[test]
    fn given_tokens(steps in prop::collection::vec((0..4_u8, 0..8_000_u64, any::<bool>()), 1..40)) {
        let give = |n: usize, end: Option<UnixTime>| {
            let token = AccessToken::new(&format!("ya29.{n}")).unwrap();
            Grant::given(token.expiring(end.unwrap_or(UnixTime::MAX)))
        };
        let (mut now, mut end, mut refused, mut n) = (after(10_000), None, false, 0);
        let mut source = TokenSource::new(give(0, None), Jitter::new(1));
        for (step, secs, ends) in steps {
            match step {
                0 => now += Duration::from_secs(secs),
                1 => now = now - Duration::from_secs(10 + secs.min(3_000)),
                2 => {
                    (n, end) = (n + 1, ends.then(|| now + Duration::from_secs(secs)));
                    source.replace_grant(give(n, end), now);
                    // One that has ended when it comes is none.
                    refused = end.is_some_and(|end| end <= now);
                }
                _ => if let Some(generation) = source.token(now).map(AccessToken::generation) {
                    source.handle_refusal(generation, now);
                    refused = true;
                },
            }
            source.handle_timeout(now);
            while source.poll_output().is_some() {}
            let wanted = (!refused && end.is_none_or(|end| now < end)).then(|| format!("Bearer ya29.{n}"));
            let found = source.token(now).map(|token| token.header().to_str().unwrap().to_owned());
            if refused {
                // Then it is the one before, if any.
                prop_assert_ne!(found, Some(format!("Bearer ya29.{n}")));
            } else {
                prop_assert_eq!(found, wanted);
            }
        }
    }
}
