//! Cases for independent implementations of what no command line tool makes: sealed here, opened there.
//!
//! `REVEILLE_INTEROP_CASES` names the folder for the JSON lines; without it only our own side is checked.

#![allow(clippy::disallowed_methods)] // A test's output for another program.

use reveille_core::UnixTime;
use reveille_crypto::{CryptoProvider, base64url};
use reveille_testkit::rfc8291;
use reveille_webpush::message::MAX_PLAINTEXT;
use reveille_webpush::message::SizeLimit;
use reveille_webpush::{
    ApplicationServer, InnerSecret, Message, Padding, Subscription, Ttl, VapidKey, VapidKeys, VapidSettings,
};
use serde_json::{Value, json};

const PROVIDERS: [CryptoProvider; 2] = [reveille_crypto_ring::PROVIDER, reveille_crypto_rustcrypto::PROVIDER];

fn write(name: &str, cases: &[Value]) {
    let Some(folder) = std::env::var_os("REVEILLE_INTEROP_CASES") else { return };
    let lines: String = cases.iter().map(|case| format!("{case}\n")).collect();
    std::fs::write(std::path::Path::new(&folder).join(name), lines).unwrap();
}

#[test]
fn aesgcm() {
    let subscription = Subscription::from_json(rfc8291::SUBSCRIPTION).unwrap();
    let mut cases = Vec::new();
    for length in (0..=MAX_PLAINTEXT).step_by(41).chain([MAX_PLAINTEXT]) {
        let crypto = PROVIDERS[length % 2];
        let key = VapidKey::from_text(rfc8291::AS_PRIVATE, crypto).unwrap();
        let settings = VapidSettings::new("mailto:ops@example.com".parse().unwrap());
        let server = ApplicationServer::new(crypto, VapidKeys::new(key), settings);
        let payload: Vec<u8> = (0..length).map(|i| (i * 7 + length) as u8).collect();
        let message = Message::new_within(SizeLimit::Provider, payload.clone(), Ttl::ZERO).unwrap();
        let message = message.with_padding(Padding::ToLength(length % 300)).unwrap();
        let request =
            server.request_aesgcm(&message, &subscription, UnixTime::from_secs(1_800_000_000)).unwrap();
        assert_eq!(request.body().len(), 2 + length.max(length % 300) + 16);
        let header = |name: &str| request.headers()[name].to_str().unwrap();
        cases.push(json!({
            "private_key": rfc8291::UA_PRIVATE, "auth": rfc8291::AUTH_SECRET,
            "encryption": header("encryption"), "crypto_key": header("crypto-key"),
            "body": base64url::encode(request.body()), "plaintext": base64url::encode(&payload),
        }));
    }
    write("aesgcm.jsonl", &cases);
}

#[test]
fn inner_seal() {
    let mut cases = Vec::new();
    let payloads: [&[u8]; 6] =
        [b"", b"x", "Grüße 🦀".as_bytes(), b"\xff", &[0; 1_000], &[7; MAX_PLAINTEXT - InnerSecret::OVERHEAD]];
    for (number, payload) in payloads.into_iter().enumerate() {
        let crypto = PROVIDERS[number % 2];
        let secret = InnerSecret::generate(crypto).unwrap();
        let sealed = secret.seal(payload, crypto).unwrap();
        assert_eq!(secret.open(&sealed, crypto).unwrap(), payload);
        assert!(
            Message::new_within(SizeLimit::Provider, sealed.clone(), Ttl::ZERO).is_ok(),
            "the longest still fits"
        );
        cases.push(json!({
            "secret": secret.to_base64url().expose(),
            "sealed": base64url::encode(&sealed), "payload": base64url::encode(payload),
        }));
    }
    write("inner_seal.jsonl", &cases);
}
