//! Where tokens come from: the file, the server, the scope; and who fails while a token is on its way.

use std::sync::{Arc, Mutex, Weak};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use reveille_core::Jitter;
use reveille_crypto::{
    CryptoError, CryptoProvider, KeyError, Rs256, Rs256SigningKey, RsaPrivateKey, RsaPublicKey, base64url,
};
use reveille_crypto_ring::PROVIDER;
use reveille_fcm::credential::{
    FetchId, IssuedToken, Issuer, OAuthScope, SignatureRefused, SigningRequest, TokenError, TokenFailure,
    TokenFailureKind, read_token_answer, read_token_response,
};
use reveille_fcm::{Grant, ServiceAccount, Token, TokenOutput, TokenSettings, TokenSource};
use reveille_testkit::fcm::SERVICE_ACCOUNT;
use serde_json::{Value, json};

use crate::support::{CLIENT_EMAIL, NOW, TOKEN_URI, account, account_key};

const LOOPBACK: &str = "http://127.0.0.1:8080/token";

fn source(grant: Grant) -> TokenSource {
    TokenSource::new(grant, TokenSettings::default(), Jitter::new(1))
}

/// The first fetch of a source.
fn fetch(grant: Grant) -> Request<Bytes> {
    let source = source(grant);
    source.handle_timeout(NOW);
    match source.poll_output() {
        Some(TokenOutput::Fetch { request, .. }) => request,
        other => panic!("{other:?}"),
    }
}

/// The claims of the assertion in a request to the token server.
fn claims(request: &Request<Bytes>) -> Value {
    let form = std::str::from_utf8(request.body()).unwrap();
    let assertion = form.rsplit_once("assertion=").unwrap().1;
    let claims = assertion.split('.').nth(1).unwrap();
    serde_json::from_slice(&base64url::decode(claims).unwrap()).unwrap()
}

#[test]
fn a_metadata_server_is_asked_for_the_scope() {
    let at = |origin: &str| Grant::metadata_server_at(origin).unwrap();
    let scopes =
        [(OAuthScope::Messaging, "firebase.messaging"), (OAuthScope::CloudPlatform, "cloud-platform")];
    for (grant, origin) in [
        (Grant::metadata_server(), "http://metadata.google.internal"),
        (at("https://metadata.example"), "https://metadata.example"),
        (at("https://metadata.example:8443/"), "https://metadata.example:8443"),
        (at("http://127.0.0.1:7"), "http://127.0.0.1:7"),
    ] {
        for (scope, name) in scopes {
            let request = fetch(grant.clone().with_scope(scope));
            assert_eq!(
                request.uri().to_string(),
                format!(
                    "{origin}/computeMetadata/v1/instance/service-accounts/default/token?scopes=https%3A%2F%2Fwww.googleapis.com%2Fauth%2F{name}"
                )
            );
            assert_eq!((request.method(), request.body().len()), (&http::Method::GET, 0));
            assert_eq!(request.headers()["metadata-flavor"], "Google");
        }
        assert_eq!(
            fetch(grant.clone()).uri(),
            fetch(grant.with_scope(OAuthScope::Messaging)).uri(),
            "by default"
        );
    }
}

#[test]
fn a_token_is_fetched_from_no_unsafe_server() {
    let metadata = |origin: &str| Grant::metadata_server_at(origin).map(drop);
    for origin in
        ["", "metadata", "http://metadata.example", "https://h/path", "https://u:p@h", "ftp://h", "a b"]
    {
        let error = metadata(origin).unwrap_err().to_string();
        assert_eq!(error, "credential file: `origin` is not https, nor http on loopback", "{origin}");
    }
    let issuer = || Issuer::new(CLIENT_EMAIL, None).unwrap();
    for uri in ["", "token", "http://oauth.example/token", "https://u:p@h/token", "ftp://127.0.0.1/", "a b"] {
        let error = issuer().with_token_uri(uri).unwrap_err();
        let text = "credential file: `token_uri` is not an https URL (http is accepted on loopback only)";
        assert_eq!(error.to_string(), text, "{uri}");
        assert_eq!(account().with_token_uri(uri).unwrap_err(), error, "{uri}");
    }
}

/// An assertion is for one audience: the endpoint that it is sent to.
#[test]
fn an_assertion_names_its_endpoint_and_its_scope() {
    let grant = |account: &ServiceAccount| Grant::service_account(account, PROVIDER).unwrap();
    let moved = account().with_token_uri(LOOPBACK).unwrap();
    for (account, uri) in [(&account(), TOKEN_URI), (&moved, LOOPBACK)] {
        for scope in [OAuthScope::Messaging, OAuthScope::CloudPlatform] {
            let request = fetch(grant(account).with_scope(scope));
            assert_eq!(request.uri(), uri);
            let claims = claims(&request);
            assert_eq!((&claims["aud"], &claims["scope"]), (&json!(uri), &json!(scope.as_str())));
            assert_eq!(claims["iss"], CLIENT_EMAIL);
        }
    }
    // Who it is stays the same.
    assert_eq!((moved.project_id(), moved.masked()), (account().project_id(), account().masked()));
    let issuer = account().issuer().clone();
    assert_eq!(issuer.clone().with_token_uri(TOKEN_URI).unwrap(), issuer);
    assert_eq!(moved.issuer(), &issuer.with_token_uri(LOOPBACK).unwrap());
    assert_ne!(moved.issuer(), account().issuer());
}

/// The credential file of the test data, with one member changed, or without it.
fn file(name: &str, value: Option<&str>) -> Result<ServiceAccount, String> {
    let mut json: Value = serde_json::from_str(SERVICE_ACCOUNT).unwrap();
    match value {
        Some(value) => json[name] = value.into(),
        None => drop(json.as_object_mut().unwrap().remove(name)),
    }
    ServiceAccount::from_json(json.to_string().as_bytes()).map_err(|error| error.to_string())
}

#[test]
fn every_other_file_is_named() {
    for (kind, found) in [
        ("authorized_user", "a user (`authorized_user`)"),
        ("external_account", "a federation (`external_account`)"),
        ("impersonated_service_account", "an impersonation"),
        ("Service_Account", "something else"),
        ("", "something else"),
    ] {
        let text = format!("credential file is for {found}, expected a service account");
        assert_eq!(file("type", Some(kind)).unwrap_err(), text, "{kind}");
    }
    for name in ["type", "project_id", "client_email", "private_key"] {
        assert_eq!(file(name, None).unwrap_err(), format!("credential file: `{name}` is missing"));
    }
    for name in ["project_id", "client_email"] {
        assert_eq!(file(name, Some("")).unwrap_err(), format!("credential file: `{name}` is empty"));
    }
    // What a file may leave out.
    assert_eq!(file("token_uri", None).unwrap().issuer(), account().issuer());
    for without_id in [file("private_key_id", None).unwrap(), file("private_key_id", Some("")).unwrap()] {
        assert_eq!(without_id.masked().private_key_id, None);
    }
    assert!(file("private_key_id", Some(&"k".repeat(257))).is_err());
}

#[test]
fn an_account_of_another_project_is_told_apart() {
    assert!(!account().is_of_another_project());
    assert!(file("project_id", Some("another-project")).unwrap().is_of_another_project());
    assert!(
        file("client_email", Some("push@other.iam.gserviceaccount.com")).unwrap().is_of_another_project()
    );
    // An address that names no project says nothing.
    assert!(
        !file("client_email", Some("1-compute@developer.gserviceaccount.com"))
            .unwrap()
            .is_of_another_project()
    );
}

fn answer(status: u16, body: &Value) -> Result<IssuedToken, TokenFailure> {
    read_token_response(&Response::builder().status(status).body(body.to_string()).unwrap(), NOW)
}

#[test]
fn a_granted_token_is_a_bearer_that_lives() {
    let lives = |body: Value| answer(200, &body).ok().map(|issued| issued.lifetime.as_secs());
    let day = 24 * 60 * 60;
    for (body, secs) in [
        (json!({"access_token": "t", "expires_in": 1}), Some(1)),
        (json!({"access_token": "t", "expires_in": 3_600, "token_type": "Bearer"}), Some(3_600)),
        (json!({"access_token": "t", "expires_in": 3_600, "token_type": "bEARER", "more": 1}), Some(3_600)),
        (json!({"access_token": "t", "expires_in": day}), Some(day)),
        (json!({"access_token": "t", "expires_in": day + 1}), Some(day)),
        (json!({"access_token": "t", "expires_in": u64::MAX}), Some(day)),
        (json!({"access_token": "t", "expires_in": 0}), None),
        (json!({"access_token": "t", "expires_in": -1}), None),
        (json!({"access_token": "t"}), None),
        (json!({"access_token": "", "expires_in": 1}), None),
        (json!({"expires_in": 1}), None),
        (json!({"access_token": "t", "expires_in": 1, "token_type": "mac"}), None),
        (json!({"error": "invalid_grant"}), None),
        (json!([]), None),
    ] {
        assert_eq!(lives(body.clone()), secs, "{body}");
        if secs.is_none() {
            assert_eq!(answer(200, &body).unwrap_err().kind, TokenFailureKind::Malformed, "{body}");
        }
    }
    let body = json!({"access_token": "ya29.x", "expires_in": 60});
    for status in [200, 299] {
        assert_eq!(answer(status, &body).unwrap().token.expose(), "ya29.x");
    }
    for status in [199, 300, 302, 400] {
        assert_eq!(answer(status, &body).unwrap_err().kind, TokenFailureKind::Malformed, "{status}");
    }
}

#[test]
fn a_refusal_has_its_parts() {
    let mut headers = HeaderMap::new();
    headers.insert("retry-after", "30".parse().unwrap());
    // `NOW` is 11:06:40.
    headers.insert("date", "Wed, 18 Nov 2026 11:06:30 GMT".parse().unwrap());
    let refused = |status: u16, headers: &HeaderMap, body: &Value| {
        let status = StatusCode::from_u16(status).unwrap();
        read_token_answer(status, headers, body.to_string().as_bytes(), NOW).unwrap_err()
    };
    let body = json!({"error": "invalid_scope", "error_description": "no"});
    let failure = refused(400, &headers, &body);
    assert_eq!((failure.kind, failure.status), (TokenFailureKind::NotAllowed, Some(400)));
    assert_eq!(failure.detail.as_deref(), Some("invalid_scope: no"));
    assert_eq!(failure.retry_after, Some(NOW + std::time::Duration::from_secs(30)));
    assert_eq!(failure.clock_ahead_secs, Some(10));
    let failure = refused(400, &HeaderMap::new(), &json!({"error": "invalid_scope"}));
    assert_eq!((failure.retry_after, failure.clock_ahead_secs), (None, None));
    assert_eq!(failure.detail.as_deref(), Some("invalid_scope"));
    // Google's other servers have another form.
    let failure =
        refused(403, &HeaderMap::new(), &json!({"error": {"status": "PERMISSION_DENIED", "message": "no"}}));
    assert_eq!(
        (failure.kind, failure.detail.as_deref()),
        (TokenFailureKind::NotAllowed, Some("PERMISSION_DENIED: no"))
    );
    // Whatever the words, these are not the account's fault.
    for (status, kind) in [
        (407, TokenFailureKind::NotAllowed),
        (408, TokenFailureKind::Unavailable),
        (409, TokenFailureKind::NotAllowed),
        (429, TokenFailureKind::Unavailable),
        (499, TokenFailureKind::NotAllowed),
        (500, TokenFailureKind::Unavailable),
        (599, TokenFailureKind::Unavailable),
        (600, TokenFailureKind::NotAllowed),
    ] {
        assert_eq!(refused(status, &headers, &body).kind, kind, "{status}");
    }
}

/// What a key or a backend of [`Meddling`] does while it works.
type Meddle = Mutex<Option<Box<dyn FnMut() + Send>>>;

fn meddle(what: &Meddle) {
    // Taken out, so that what it does may come back here.
    let taken = what.lock().unwrap().take();
    if let Some(mut act) = taken {
        act();
    }
}

fn meddle_with(place: &Meddle, source: &Arc<TokenSource>, act: impl Fn(&TokenSource) + Send + 'static) {
    let source: Weak<TokenSource> = Arc::downgrade(source);
    *place.lock().unwrap() = Some(Box::new(move || act(&source.upgrade().unwrap())));
}

#[test]
fn a_key_that_fails_is_told_and_tried_again() {
    #[derive(Debug)]
    struct Broken;
    impl Rs256SigningKey for Broken {
        fn sign(&self, _: &[u8]) -> Result<Vec<u8>, CryptoError> {
            Err(CryptoError)
        }
    }
    #[derive(Debug)]
    struct Backend;
    impl Rs256 for Backend {
        fn load(&self, _: &RsaPrivateKey) -> Result<Arc<dyn Rs256SigningKey>, KeyError> {
            Ok(Arc::new(Broken))
        }
        fn verify(&self, _: &RsaPublicKey, _: &[u8], _: &[u8]) -> Result<(), CryptoError> {
            Err(CryptoError)
        }
    }
    let broken = CryptoProvider { rs256: &Backend, ..PROVIDER };
    let source = source(Grant::service_account(&account(), broken).unwrap());
    let mut now = NOW;
    for _ in 0..2 {
        source.handle_timeout(now);
        let Some(TokenOutput::Failed(failure)) = source.poll_output() else { panic!() };
        assert_eq!(failure.kind, TokenFailureKind::Signing);
        assert!(source.poll_output().is_none());
        assert_eq!(source.token(now), Err(TokenError::Failed(failure)));
        now = source.next_wakeup().unwrap().at;
    }
}

/// The lock is not held while a key signs: what was signed for a fetch that has ended meanwhile is not sent.
#[test]
fn what_was_signed_too_late_is_not_sent() {
    static DURING: Meddle = Mutex::new(None);
    #[derive(Debug)]
    struct Key(Arc<dyn Rs256SigningKey>);
    impl Rs256SigningKey for Key {
        fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
            meddle(&DURING);
            self.0.sign(message)
        }
    }
    #[derive(Debug)]
    struct Backend;
    impl Rs256 for Backend {
        fn load(&self, private: &RsaPrivateKey) -> Result<Arc<dyn Rs256SigningKey>, KeyError> {
            Ok(Arc::new(Key(PROVIDER.rs256.load(private)?)))
        }
        fn verify(&self, public: &RsaPublicKey, message: &[u8], signature: &[u8]) -> Result<(), CryptoError> {
            PROVIDER.rs256.verify(public, message, signature)
        }
    }
    let slow = CryptoProvider { rs256: &Backend, ..PROVIDER };
    let source = Arc::new(source(Grant::service_account(&account(), slow).unwrap()));
    source.handle_timeout(NOW);
    meddle_with(&DURING, &source, |source| {
        source.replace_grant(Grant::given(Token::new("ya29.given").unwrap()), NOW);
    });
    assert!(source.poll_output().is_none(), "the account was replaced");
    source.handle_timeout(NOW);
    assert!(matches!(source.poll_output(), Some(TokenOutput::Ready { .. })));
    assert_eq!(source.token(NOW).unwrap().authorization(), "Bearer ya29.given");
}

/// Nor while a signature is verified.
#[test]
fn a_signature_that_was_verified_too_late_is_not_used() {
    static DURING: Meddle = Mutex::new(None);
    #[derive(Debug)]
    struct Backend;
    impl Rs256 for Backend {
        fn load(&self, private: &RsaPrivateKey) -> Result<Arc<dyn Rs256SigningKey>, KeyError> {
            PROVIDER.rs256.load(private)
        }
        fn verify(&self, public: &RsaPublicKey, message: &[u8], signature: &[u8]) -> Result<(), CryptoError> {
            meddle(&DURING);
            PROVIDER.rs256.verify(public, message, signature)
        }
    }
    let key = account().load_key(PROVIDER).unwrap();
    let slow = CryptoProvider { rs256: &Backend, ..PROVIDER };
    let issuer = Issuer::new(CLIENT_EMAIL, None).unwrap();
    let source = Arc::new(source(Grant::remote(issuer, account_key(), slow)));
    let sign = || -> SigningRequest {
        match source.poll_output() {
            Some(TokenOutput::Sign(request)) => request,
            other => panic!("{other:?}"),
        }
    };
    let mut at = NOW;
    for genuine in [true, false] {
        source.handle_timeout(at);
        let request = Arc::new(sign());
        let good = key.sign(request.signing_input()).unwrap();
        let signature = if genuine { &good[..] } else { b"not a signature" };
        let given_up = Arc::clone(&request);
        meddle_with(&DURING, &source, move |source| source.handle_failure(&*given_up, at));
        assert_eq!(source.handle_signature(&request, signature, at), Err(SignatureRefused::NotAwaited));
        let Some(TokenOutput::Failed(failure)) = source.poll_output() else { panic!() };
        assert_eq!(failure.kind, TokenFailureKind::Signing);
        assert!(source.poll_output().is_none(), "one failure, and nothing to send");
        at = source.next_wakeup().unwrap().at;
    }
    // The next one goes through.
    source.handle_timeout(at);
    let request = sign();
    let signature = key.sign(request.signing_input()).unwrap();
    assert_eq!(source.handle_signature(&request, &signature, at), Ok(()));
    let fetch: FetchId = match source.poll_output() {
        Some(TokenOutput::Fetch { fetch, .. }) => fetch,
        other => panic!("{other:?}"),
    };
    source.handle_failure(fetch, at);
    let Some(TokenOutput::Failed(failure)) = source.poll_output() else { panic!() };
    assert_eq!(failure.kind, TokenFailureKind::Transport);
}
