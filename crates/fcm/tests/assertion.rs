//! Assertions: RFC 7515 A.2 verifies with ours, ours says what Google wants.

use crate::support::{self, NOW, account, account_key, public_key};
use reveille_crypto::jws::CompactJws;
use reveille_crypto_ring::PROVIDER;
use reveille_fcm::credential::{Assertion, Issuer, OAuthScope};
use serde_json::{Value, json};

#[test]
fn rfc_7515_a_2_verifies() {
    let vector = include_str!("data/rfc7515_a2.json");
    let json: Value = serde_json::from_str(vector).unwrap();
    let jws = CompactJws::parse(json["token"].as_str().unwrap(), 2_000).unwrap();
    assert_eq!(jws.algorithm(), "RS256");
    let key = public_key(vector);
    assert!(PROVIDER.rs256.verify(&key, jws.signing_input(), jws.signature()).is_ok());
    let mut broken = jws.signature().to_vec();
    broken[0] ^= 1;
    assert!(PROVIDER.rs256.verify(&key, jws.signing_input(), &broken).is_err());
}

#[test]
fn ours_says_what_google_wants_to_hear() {
    let account = account();
    let assertion = Assertion::new(account.issuer(), OAuthScope::Messaging, NOW);
    let signature = account.load_key(PROVIDER).unwrap().sign(assertion.signing_input()).unwrap();
    let request = assertion.into_request(&signature);
    assert_eq!(request.headers()["content-type"], "application/x-www-form-urlencoded");
    let form = std::str::from_utf8(request.body()).unwrap();
    let token = form
        .strip_prefix("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=")
        .expect("the form of RFC 7523 §2.1");
    let jws = CompactJws::parse(token, 4_096).unwrap();
    assert!(PROVIDER.rs256.verify(&account_key(), jws.signing_input(), jws.signature()).is_ok());
    assert_eq!(
        (jws.token_type(), jws.key_id()),
        (Some("JWT"), Some("0123456789abcdef0123456789abcdef01234567"))
    );
    assert_eq!(
        jws.claims::<Value>().unwrap(),
        json!({
            "iss": support::CLIENT_EMAIL, "scope": "https://www.googleapis.com/auth/firebase.messaging", "aud": support::TOKEN_URI,
            "iat": 1_795_000_000, "exp": 1_795_003_600,
        })
    );
}

#[test]
fn an_issuer_without_a_key_id_has_none_in_its_header() {
    let assertion =
        Assertion::new(&Issuer::new("a@b.example", Some("")).unwrap(), OAuthScope::Messaging, NOW);
    assert!(assertion.signing_input().starts_with(b"eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9."));
}
