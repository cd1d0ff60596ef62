//! The token state machine under a virtual clock, against a server that knows the true age of its tokens.

use std::time::Duration;

use crate::support::{CLIENT_EMAIL, NOW, TOKEN_URI, account, account_key, google};
use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use proptest::prelude::*;
use reveille_core::{Jitter, UnixTime};
use reveille_crypto_ring::PROVIDER;
use reveille_fcm::credential::{
    FetchId, Issuer, Refusal, SignatureRefused, SigningRequest, TokenError, TokenFailureKind,
};
use reveille_fcm::{Grant, Token, TokenOutput, TokenSettings, TokenSource};
use reveille_testkit::fcm::OAuthRefusal;

fn granted(secs: u64) -> Response<Bytes> {
    granted_as("x", secs)
}

fn granted_as(name: &str, secs: u64) -> Response<Bytes> {
    let body = format!(r#"{{"access_token":"ya29.{name}","expires_in":{secs},"token_type":"Bearer"}}"#);
    Response::new(Bytes::from(body))
}

fn refused(status: u16, body: &'static str) -> Response<Bytes> {
    Response::builder().status(status).body(Bytes::from_static(body.as_bytes())).unwrap()
}

fn after(secs: u64) -> UnixTime {
    NOW + Duration::from_secs(secs)
}

fn source_of(grant: Grant) -> TokenSource {
    TokenSource::new(grant, TokenSettings::default(), Jitter::new(1))
}

fn remote() -> TokenSource {
    source_of(Grant::remote(Issuer::new(CLIENT_EMAIL, None).unwrap(), account_key(), PROVIDER))
}

fn bearer(name: &str) -> HeaderValue {
    HeaderValue::from_str(&format!("Bearer ya29.{name}")).unwrap()
}

/// What a source has at `now`, by the text of its header.
fn has(source: &TokenSource, now: UnixTime) -> Option<String> {
    source.token(now).ok().map(|token| token.authorization().to_str().unwrap().to_owned())
}

fn source() -> TokenSource {
    source_of(Grant::metadata_server())
}

/// The fetch that the source wants now, if any; other outputs are passed over.
fn fetch(source: &TokenSource) -> Option<(FetchId, Request<Bytes>)> {
    std::iter::from_fn(|| source.poll_output()).find_map(|output| match output {
        TokenOutput::Fetch { fetch, request } => Some((fetch, request)),
        _ => None,
    })
}

fn sign(source: &TokenSource) -> SigningRequest {
    match source.poll_output() {
        Some(TokenOutput::Sign(request)) => request,
        other => panic!("{other:?}"),
    }
}

fn failure(source: &TokenSource) -> reveille_fcm::credential::TokenFailure {
    match source.poll_output() {
        Some(TokenOutput::Failed(failure)) => failure,
        other => panic!("{other:?}"),
    }
}

fn with_token(secs: u64) -> TokenSource {
    let source = source();
    source.handle_timeout(NOW);
    let (id, _) = fetch(&source).unwrap();
    source.handle_response(id, &granted(secs), NOW);
    assert!(matches!(source.poll_output(), Some(TokenOutput::Ready { .. })));
    source
}

#[test]
fn a_service_account_gets_a_token_from_googles_server() {
    let mut google = google();
    let source = source_of(Grant::service_account(&account(), PROVIDER).unwrap());
    assert_eq!(source.next_wakeup().unwrap().at, UnixTime::EPOCH);
    assert_eq!(source.token(NOW), Err(TokenError::Pending), "asking starts the fetch");
    let (id, request) = fetch(&source).unwrap();
    assert_eq!((request.method(), request.uri()), (&http::Method::POST, &TOKEN_URI.parse().unwrap()));
    let response = google.handle(&request, NOW);
    source.handle_response(id, &response, after(1));
    let token = source.token(after(1)).unwrap();
    assert_eq!(token.authorization(), "Bearer ya29.test-0001");
    // 3,599 s from the request on, less the ten that a request may be on its way.
    assert_eq!(token.expires_at(), after(3_589));
    let renewal = source.next_wakeup().unwrap();
    assert!(renewal.at >= after(3_599 - 225) && renewal.at <= after(3_599 - 165), "{renewal:?}");
}

#[test]
fn a_remote_signer_signs_in_between() {
    let mut google = google();
    let key = account().load_key(PROVIDER).unwrap();
    let source = remote();
    source.handle_timeout(NOW);
    let request = sign(&source);
    assert_eq!(request.algorithm().as_str(), "RS256");
    assert!(source.poll_output().is_none());
    let signature = key.sign(request.signing_input()).unwrap();
    source.handle_signature(&request, &signature, after(1)).unwrap();
    let (fetching, http) = fetch(&source).unwrap();
    assert_eq!(
        source.handle_signature(&request, &signature, after(1)),
        Err(SignatureRefused::NotAwaited),
        "twice"
    );
    assert!(source.poll_output().is_none());
    source.handle_response(fetching, &google.handle(&http, NOW), after(1));
    assert!(source.token(after(2)).is_ok());
}

#[test]
fn a_signature_is_verified_before_it_is_used() {
    let key = account().load_key(PROVIDER).unwrap();
    let source = remote();
    source.handle_timeout(NOW);
    let request = sign(&source);
    let good = key.sign(request.signing_input()).unwrap();
    let mut broken = good.clone();
    broken[9] ^= 1;
    assert_eq!(source.handle_signature(&request, &broken, NOW), Err(SignatureRefused::Invalid));
    assert_eq!(failure(&source).kind, TokenFailureKind::Signing);
    assert!(fetch(&source).is_none(), "nothing is sent with it");
    assert_eq!(source.handle_signature(&request, &good, NOW), Err(SignatureRefused::NotAwaited), "late");
    // The next one.
    let at = source.next_wakeup().unwrap().at;
    source.handle_timeout(at);
    let next = sign(&source);
    assert_ne!(next.id(), request.id());
    assert_eq!(
        source.handle_signature(&request, &good, at),
        Err(SignatureRefused::NotAwaited),
        "of another request"
    );
    source.handle_signature(&next, &key.sign(next.signing_input()).unwrap(), at).unwrap();
    assert!(fetch(&source).is_some());
}

#[test]
fn a_signer_that_fails_is_the_operators_business() {
    let source = remote();
    source.handle_timeout(NOW);
    let request = sign(&source);
    source.handle_failure(&request, NOW);
    let failure = failure(&source);
    assert!(failure.kind == TokenFailureKind::Signing && failure.kind.needs_operator());
    assert_eq!(source.token(NOW), Err(TokenError::Failed(failure)));
    source.handle_failure(&request, NOW);
    assert!(source.poll_output().is_none(), "once");
}

#[test]
fn the_metadata_server_is_asked_with_its_header() {
    let mut google = google();
    let source = source_of(Grant::metadata_server_at("http://127.0.0.1:1").unwrap());
    source.handle_timeout(NOW);
    let (id, request) = fetch(&source).unwrap();
    assert_eq!(request.headers()["metadata-flavor"], "Google");
    assert_eq!(
        request.uri().query(),
        Some("scopes=https%3A%2F%2Fwww.googleapis.com%2Fauth%2Ffirebase.messaging")
    );
    source.handle_response(id, &google.handle(&request, NOW), NOW);
    assert!(source.token(NOW).is_ok());
}

#[test]
fn a_given_token_is_used_until_it_ends() {
    let given = Token::new("ya29.given").unwrap().with_expires_at(after(60));
    let source = source_of(Grant::given(given));
    source.handle_timeout(NOW);
    assert!(matches!(source.poll_output(), Some(TokenOutput::Ready { .. })));
    assert!(source.token(after(59)).is_ok());
    assert!(source.token(after(60)).is_err());
    source.handle_timeout(after(60));
    let Some(TokenOutput::Failed(failure)) = source.poll_output() else { panic!() };
    assert_eq!(failure.kind, TokenFailureKind::GivenTokenSpent);
    assert_eq!(source.next_wakeup(), None);
    source.replace_grant(Grant::given(Token::new("ya29.next").unwrap()), after(61));
    source.handle_timeout(after(61));
    assert_eq!(has(&source, after(61)).unwrap(), "Bearer ya29.next");
    assert!(matches!(source.poll_output(), Some(TokenOutput::Ready { .. })));
    assert_eq!(source.handle_refusal(&bearer("next"), after(62)), Refusal::Spent);
    assert_eq!(source.handle_refusal(&bearer("next"), after(62)), Refusal::Spent, "again");
    let Some(TokenOutput::Failed(failure)) = source.poll_output() else { panic!() };
    assert_eq!(failure.kind, TokenFailureKind::GivenTokenSpent);
    source.handle_timeout(after(100_000));
    assert!(source.token(after(100_000)).is_err());
    assert_eq!(source.next_wakeup(), None);
}

/// Neither of the two says when it ends: the second is not the first once more.
#[test]
fn a_given_token_takes_the_place_of_another() {
    let given = |text: &str| Grant::given(Token::new(text).unwrap());
    let source = source_of(given("ya29.first"));
    source.handle_timeout(NOW);
    source.replace_grant(given("ya29.second"), after(60));
    assert_eq!(has(&source, after(60)).unwrap(), "Bearer ya29.first", "until the next is taken");
    source.handle_timeout(after(60));
    assert_eq!(has(&source, after(60)).unwrap(), "Bearer ya29.second");
    assert_eq!(source.next_wakeup(), None);
}

#[test]
fn a_given_token_is_good_to_its_end_also_on_a_clock_that_was_ahead() {
    let given = Token::new("ya29.given").unwrap().with_expires_at(after(7_200));
    let source = source_of(Grant::given(given));
    source.handle_timeout(after(3_600));
    for secs in [0, 1_800, 3_600, 7_199] {
        source.handle_timeout(after(secs));
        assert!(source.token(after(secs)).is_ok(), "{secs}");
    }
    source.handle_timeout(after(7_200));
    assert!(source.token(after(7_200)).is_err());
}

#[test]
fn a_token_serves_while_its_successor_is_fetched() {
    let source = with_token(3_600);
    let renewal = source.next_wakeup().unwrap().at;
    source.handle_timeout(renewal - Duration::from_millis(1));
    assert!(fetch(&source).is_none(), "a call that is too early does nothing");
    source.handle_timeout(renewal);
    let (id, _) = fetch(&source).unwrap();
    source.handle_timeout(renewal);
    assert!(fetch(&source).is_none(), "one fetch at a time");
    assert_eq!(has(&source, renewal).unwrap(), "Bearer ya29.x");
    source.handle_response(id, &granted_as("y", 3_600), renewal);
    assert_eq!(has(&source, renewal).unwrap(), "Bearer ya29.y");
}

#[test]
fn a_fetch_of_which_nothing_is_heard_ends() {
    let source = source();
    source.handle_timeout(NOW);
    let (lost, _) = fetch(&source).unwrap();
    assert_eq!(source.next_wakeup().unwrap().at, after(30));
    source.handle_timeout(after(30));
    let Some(TokenOutput::Failed(failure)) = source.poll_output() else { panic!() };
    assert_eq!(failure.kind, TokenFailureKind::Timeout);
    let retry = source.next_wakeup().unwrap();
    assert_eq!(retry.reason, "retry the fetch of an access token");
    source.handle_timeout(retry.at);
    let (second, _) = fetch(&source).unwrap();
    source.handle_response(lost, &granted(3_600), retry.at);
    assert_eq!(source.token(retry.at), Err(TokenError::Pending), "an answer to a lost fetch is ignored");
    source.handle_response(second, &granted(3_600), retry.at);
    assert!(source.token(retry.at).is_ok());
}

#[test]
fn failures_back_off_and_the_server_may_ask_for_more() {
    let source = source();
    let (mut now, mut waits) = (NOW, Vec::new());
    for _ in 0..9 {
        source.handle_timeout(now);
        let (id, _) = fetch(&source).unwrap();
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
    let (id, _) = fetch(&source).unwrap();
    let mut response = refused(429, "");
    response.headers_mut().insert("retry-after", "500".parse().unwrap());
    source.handle_response(id, &response, now);
    let at = source.next_wakeup().unwrap().at;
    assert_eq!(at, now + Duration::from_secs(500));
    // A nonsensical one does not stop the source for good.
    source.handle_timeout(at);
    let (id, _) = fetch(&source).unwrap();
    response.headers_mut().insert("retry-after", "99999999999999999999".parse().unwrap());
    source.handle_response(id, &response, at);
    assert_eq!(source.next_wakeup().unwrap().at, at + Duration::from_secs(3_600));
}

#[test]
fn a_hundred_refusals_of_one_token_are_one_refresh_and_a_second_one_waits() {
    let source = with_token(3_600);
    for _ in 0..100 {
        assert_eq!(source.handle_refusal(&bearer("x"), after(20)), Refusal::Renewing);
        source.handle_timeout(after(20));
    }
    let (id, _) = fetch(&source).unwrap();
    assert_eq!(source.token(after(20)), Err(TokenError::Pending));
    source.handle_response(id, &granted_as("y", 3_600), after(21));
    assert_eq!(source.handle_refusal(&bearer("x"), after(21)), Refusal::Replaced);
    assert_eq!(source.handle_refusal(&bearer("of another source"), after(21)), Refusal::Replaced);
    assert_eq!(
        has(&source, after(21)).unwrap(),
        "Bearer ya29.y",
        "a late refusal of the first is nothing to the second"
    );
    let Refusal::TooYoung { until } = source.handle_refusal(&bearer("y"), after(40)) else { panic!() };
    assert_eq!(
        source.handle_refusal(&bearer("y"), after(40)),
        Refusal::TooYoung { until },
        "the same once more"
    );
    source.handle_timeout(after(40));
    assert!(fetch(&source).is_none(), "refused again: this is not a matter of freshness");
    assert!(until > after(40) && source.next_wakeup().unwrap().at == until);
}

#[test]
fn a_token_that_lived_until_its_renewal_clears_the_refusal_before_it() {
    let source = with_token(3_600);
    let renewed = |name: &str, now: UnixTime| {
        source.handle_timeout(now);
        let (id, _) = fetch(&source).unwrap();
        source.handle_response(id, &granted_as(name, 3_600), now);
    };
    assert_eq!(source.handle_refusal(&bearer("x"), after(20)), Refusal::Renewing);
    renewed("y", after(20));
    assert!(has(&source, after(30)).is_some(), "in use, or nobody would renew it");
    let due = source.next_wakeup().unwrap().at;
    renewed("z", due);
    let later = due + Duration::from_secs(60);
    assert_eq!(source.handle_refusal(&bearer("z"), later), Refusal::Renewing, "the first one again");
    source.handle_timeout(later);
    assert!(fetch(&source).is_some(), "at once");
}

#[test]
fn a_fetch_that_fails_does_not_make_one_refusal_a_second_one() {
    let source = with_token(3_600);
    assert_eq!(source.handle_refusal(&bearer("x"), after(20)), Refusal::Renewing);
    source.handle_timeout(after(20));
    let (id, _) = fetch(&source).unwrap();
    source.handle_response(id, &refused(503, ""), after(21));
    assert_eq!(
        source.handle_refusal(&bearer("x"), after(21)),
        Refusal::Renewing,
        "the fetch waits, no token is wrong"
    );
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
        let source = source();
        source.handle_timeout(NOW);
        let (id, _) = fetch(&source).unwrap();
        source.handle_response(id, &refusal.response(), NOW);
        let Some(TokenOutput::Failed(failure)) = source.poll_output() else { panic!("{refusal:?}") };
        assert_eq!(failure.kind, kind, "{refusal:?}");
    }
}

/// All of a server's words, and what Google says beside `invalid_grant`.
#[test]
fn every_word_of_a_refusal_has_a_meaning() {
    use TokenFailureKind as Kind;
    let kind = |word: &str, said: &str, ahead: i64| {
        // `NOW` is 11:06:40.
        let seconds = 400 - ahead;
        let date = format!("Wed, 18 Nov 2026 11:{:02}:{:02} GMT", seconds / 60, seconds % 60);
        let body = serde_json::json!({"error": word, "error_description": said}).to_string();
        let answer = Response::builder().status(400).header("date", date).body(Bytes::from(body)).unwrap();
        let source = source();
        source.handle_timeout(NOW);
        source.handle_response(fetch(&source).unwrap().0, &answer, NOW);
        failure(&source).kind
    };
    for (word, said, expected) in [
        ("invalid_grant", "Invalid JWT Signature.", Kind::WrongKey),
        ("invalid_grant", "Token must be a short-lived token", Kind::ClockOff),
        ("invalid_grant", "and in a reasonable timeframe", Kind::ClockOff),
        ("invalid_grant", "Check your iat and exp values", Kind::ClockOff),
        ("invalid_grant", "clock skew", Kind::ClockOff),
        ("invalid_grant", "Account not found", Kind::UnknownAccount),
        ("invalid_grant", "account was disabled", Kind::UnknownAccount),
        ("invalid_grant", "account has been deleted", Kind::UnknownAccount),
        ("invalid_grant", "Invalid email", Kind::UnknownAccount),
        ("invalid_grant", "Bad Request", Kind::Refused),
        ("invalid_client", "The OAuth client was not found.", Kind::UnknownAccount),
        ("invalid_client", "Unauthorized", Kind::NotAllowed),
        ("temporarily_unavailable", "", Kind::Unavailable),
        ("server_error", "", Kind::Unavailable),
        ("internal_failure", "", Kind::Unavailable),
        ("unauthorized_client", "", Kind::NotAllowed),
        ("", "", Kind::Malformed),
    ] {
        assert_eq!(kind(word, said, 0), expected, "{word}: {said}");
    }
    // Where nothing is said, the server's own clock is a hint: five minutes are tolerated, either way.
    for (ahead, expected) in
        [(300, Kind::Refused), (301, Kind::ClockOff), (-300, Kind::Refused), (-301, Kind::ClockOff)]
    {
        assert_eq!(kind("invalid_grant", "Bad Request", ahead), expected, "{ahead} s");
    }
}

#[test]
fn an_issuer_is_an_address_that_fits_into_a_header() {
    let email = |length: usize| format!("{}@b", "a".repeat(length - 2));
    assert!(Issuer::new(&email(320), None).is_ok());
    assert!(Issuer::new("a@b", None).is_ok());
    for wrong in [&email(321), &email(400), "@b", "a@", "ab", "", "a b@c", "é@b", "a@b\n"] {
        let refused = Issuer::new(wrong, None).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "credential file: `client_email` is not an e-mail address",
            "{wrong}"
        );
    }
    assert!(Issuer::new("a@b", Some(&"k".repeat(256))).is_ok());
    assert!(Issuer::new("a@b", Some(&"k".repeat(257))).is_err());
}

/// Renewals of many processes are spread, but none comes later than the half of what is early.
#[test]
fn a_renewal_is_spread_over_less_than_half_of_its_lead() {
    let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
    let settings =
        TokenSettings::default().with_early(minutes(10)).unwrap().with_spread(minutes(30)).unwrap();
    let renewals: Vec<UnixTime> = (0..200)
        .map(|seed| {
            let source = TokenSource::new(Grant::metadata_server(), settings, Jitter::new(seed));
            source.handle_timeout(NOW);
            source.handle_response(fetch(&source).unwrap().0, &granted(3_600), NOW);
            assert!(matches!(source.poll_output(), Some(TokenOutput::Ready { .. })));
            source.next_wakeup().unwrap().at
        })
        .collect();
    // A token that lives shorter than its lead is renewed in the second half of its life.
    let short = TokenSource::new(Grant::metadata_server(), settings, Jitter::new(1));
    short.handle_timeout(NOW);
    short.handle_response(fetch(&short).unwrap().0, &granted(100), NOW);
    let renewal = short.next_wakeup().unwrap().at;
    assert!(renewal >= after(50) && renewal <= after(75), "{renewal}");
    let (first, last) = (*renewals.iter().min().unwrap(), *renewals.iter().max().unwrap());
    assert!(first >= after(50 * 60) && first < after(51 * 60), "{first}");
    assert!(last <= after(55 * 60) && last > after(54 * 60), "{last}");
}

#[test]
fn a_clock_that_is_set_back_does_not_stop_the_renewal() {
    let source = with_token(3_600);
    let left = source.next_wakeup().unwrap().at.since(NOW);
    let back = UnixTime::from_secs(1_000);
    source.handle_timeout(back);
    assert_eq!(source.next_wakeup().unwrap().at, back + left, "as long to go as before");
    assert!(source.token(back + Duration::from_secs(3_589)).is_ok());
    assert!(source.token(back + Duration::from_secs(3_590)).is_err());
    // A second of difference between threads is not a clock being set.
    let source = with_token(3_600);
    let renewal = source.next_wakeup().unwrap().at;
    for _ in 0..1_000 {
        source.handle_timeout(NOW - Duration::from_secs(1));
        source.handle_timeout(NOW);
    }
    assert_eq!(source.next_wakeup().unwrap().at, renewal);
}

/// RS256 takes a millisecond here, and a KMS takes what it takes: who has a token does not wait for it.
#[test]
fn a_slow_signer_stops_nobody_who_has_a_token() {
    use reveille_crypto::{
        CryptoError, CryptoProvider, KeyError, Rs256, Rs256SigningKey, RsaPrivateKey, RsaPublicKey,
    };
    use std::sync::{Arc, Barrier};

    /// Meets the test twice: when it begins to sign, and before it ends.
    #[derive(Debug)]
    struct Slow(Arc<dyn Rs256SigningKey>);
    static BARRIER: std::sync::LazyLock<Barrier> = std::sync::LazyLock::new(|| Barrier::new(2));
    static SLOW: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);
    impl Rs256SigningKey for Slow {
        fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
            if SLOW.load(std::sync::atomic::Ordering::SeqCst) {
                BARRIER.wait();
                BARRIER.wait();
            }
            self.0.sign(message)
        }
    }
    #[derive(Debug)]
    struct Backend;
    impl Rs256 for Backend {
        fn load(&self, private: &RsaPrivateKey) -> Result<Arc<dyn Rs256SigningKey>, KeyError> {
            Ok(Arc::new(Slow(PROVIDER.rs256.load(private)?)))
        }
        fn verify(&self, public: &RsaPublicKey, message: &[u8], signature: &[u8]) -> Result<(), CryptoError> {
            PROVIDER.rs256.verify(public, message, signature)
        }
    }
    let slow = CryptoProvider { rs256: &Backend, ..PROVIDER };
    let source = Arc::new(source_of(Grant::service_account(&account(), slow).unwrap()));
    assert_eq!(source.token(NOW), Err(TokenError::Pending));
    let (id, _) = fetch(&source).unwrap();
    source.handle_response(id, &granted(3_600), NOW);
    let renewal = source.next_wakeup().unwrap().at;
    SLOW.store(true, std::sync::atomic::Ordering::SeqCst);
    #[allow(clippy::disallowed_methods, reason = "two threads are what this is about")]
    let driver = std::thread::spawn({
        let source = Arc::clone(&source);
        move || {
            source.handle_timeout(renewal);
            fetch(&source).is_some()
        }
    });
    BARRIER.wait();
    // The signer is at work now, and stays so.
    assert_eq!(has(&source, renewal).unwrap(), "Bearer ya29.x");
    source.handle_timeout(renewal);
    assert!(source.poll_output().is_none() && source.next_wakeup().is_some());
    BARRIER.wait();
    assert!(driver.join().unwrap());
}

const fn shared<T: Send + Sync>() {}
const _: () = shared::<TokenSource>();

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
        let settings = TokenSettings::default();
        let source = TokenSource::new(Grant::metadata_server(), settings, Jitter::new(seed));
        let mut now = NOW;
        let mut open: Option<(FetchId, UnixTime)> = None;
        let mut all = Vec::new();
        // The server's truth: when each token really ends, by its number.
        let mut ends: Vec<UnixTime> = Vec::new();
        let number = |token: &Token| -> usize {
            token.authorization().to_str().unwrap().strip_prefix("Bearer ya29.").unwrap().parse().unwrap()
        };
        for step in steps {
            match step {
                Step::Wait { millis } => now += Duration::from_millis(millis),
                Step::WakeUp => now = source.next_wakeup().map_or(now, |wakeup| wakeup.at.max(now).min(NOW + Duration::from_secs(10_000_000))),
                Step::Timeout => source.handle_timeout(now),
                Step::Answer { secs } => if let Some((id, asked)) = open.take() {
                    // The token is made the moment the request was sent: the worst case for us.
                    ends.push(asked + Duration::from_secs(secs));
                    source.handle_response(id, &granted_as(&(ends.len() - 1).to_string(), secs), now);
                },
                Step::Refuse { status, body } => if let Some((id, _)) = open.take() {
                    source.handle_response(id, &refused(status, BODIES[body]), now);
                },
                Step::Fail => if let Some((id, _)) = open.take() { source.handle_failure(id, now) },
                Step::AnswerOld { which } => if !all.is_empty() {
                    let id: FetchId = all[which % all.len()];
                    if open.is_none_or(|(current, _)| current != id) {
                        source.handle_response(id, &granted_as("999999", 100_000), now);
                    }
                },
                Step::Refusal { back } => {
                    let present = source.token(now).ok().map(|token| number(&token));
                    let which = ends.len().saturating_sub(1 + back as usize);
                    let refusal = source.handle_refusal(&bearer(&which.to_string()), now);
                    if present.is_some() && present != Some(which) {
                        prop_assert_eq!(refusal, Refusal::Replaced);
                        prop_assert_eq!(source.token(now).ok().map(|token| number(&token)), present);
                    }
                }
                Step::Use => if let Ok(token) = source.token(now) {
                    prop_assert!(now < ends[number(&token)], "token {} was used after its end", number(&token));
                },
            }
            while let Some(output) = source.poll_output() {
                match output {
                    TokenOutput::Fetch { fetch, .. } => {
                        if let Some((_, asked)) = open {
                            prop_assert!(asked + settings.fetch_timeout() <= now, "two fetches at once");
                        }
                        open = Some((fetch, now));
                        all.push(fetch);
                    }
                    TokenOutput::Ready { expires_at } => {
                        prop_assert!(ends.last().is_some_and(|end| expires_at <= *end));
                    }
                    TokenOutput::Failed(_) => {}
                    other => prop_assert!(false, "{:?}", other),
                }
            }
            prop_assert!(source.next_wakeup().is_some(), "there is always a way on");
        }
        // Left alone with a server that works, it has a token before long.
        for _ in 0..5 {
            if source.token(now).is_ok() { break }
            now = source.next_wakeup().map_or(now, |wakeup| wakeup.at.max(now));
            source.handle_timeout(now);
            if let Some((id, _)) = fetch(&source) {
                source.handle_response(id, &granted(3_600), now);
            }
        }
        prop_assert!(source.token(now).is_ok());
    }
}

proptest! {
    /// Tokens from outside, one after the other, on any clock: what was given last is handed out until it ends or is
    /// refused, and nothing else.
    #[test]
    fn given_tokens(steps in prop::collection::vec((0..4_u8, 0..8_000_u64, any::<bool>()), 1..40)) {
        let give = |n: usize, end: Option<UnixTime>| {
            let token = Token::new(&format!("ya29.{n}")).unwrap();
            Grant::given(token.with_expires_at(end.unwrap_or(UnixTime::MAX)))
        };
        let (mut now, mut end, mut refused, mut n) = (after(10_000), None, false, 0);
        let source = source_of(give(0, None));
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
                _ => if let Ok(token) = source.token(now) {
                    source.handle_refusal(token.authorization(), now);
                    refused = true;
                },
            }
            source.handle_timeout(now);
            while source.poll_output().is_some() {}
            let wanted = (!refused && end.is_none_or(|end| now < end)).then(|| format!("Bearer ya29.{n}"));
            let found = has(&source, now);
            if refused {
                // Then it is the one before, if any.
                prop_assert_ne!(found, Some(format!("Bearer ya29.{n}")));
            } else {
                prop_assert_eq!(found, wanted);
            }
        }
    }
}
