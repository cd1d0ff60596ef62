//! Tokens: found, made, verified.

use std::collections::HashSet;

use http::Uri;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use reveille_core::UnixTime;
use reveille_crypto::{CryptoProvider, EcPrivateKey, base64url};
use reveille_webpush::credential::VapidHeader;
use reveille_webpush::{ApplicationServer, Subscription, VapidKey, VapidKeys, VapidSettings};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, UnparsedPublicKey,
};
use web_push::{SubscriptionInfo, VapidSignatureBuilder};
use web_push_native::jwt_simple::prelude::*;
use web_push_native::vapid::VapidSignature;

use super::webpush::ours::{AUTH, CONTACT, ENDPOINT, P256DH, VAPID_PRIVATE, subscription_json};
use crate::measure::Contestant;
use crate::report::Report;

const ORIGIN: &str = "https://updates.push.services.mozilla.com";
const RING: CryptoProvider = reveille_crypto_ring::PROVIDER;
const RUSTCRYPTO: CryptoProvider = reveille_crypto_rustcrypto::PROVIDER;

pub fn compare(report: &mut Report) {
    let now = UnixTime::from_secs(Clock::now_since_epoch().as_secs());
    found(report, now);
    made(report, now);
    verified(report, now);
}

/// A header for a push service that got one before. The peers keep none: they sign again.
fn found(report: &mut Report, now: UnixTime) {
    let key = VapidKey::from_text(VAPID_PRIVATE, RING).expect("valid key");
    let server = ApplicationServer::new(RING, VapidKeys::new(key), settings());
    // As a service with many users has it: all big push services, and some that users host themselves.
    for number in 0..100 {
        let other = subscription(&format!("https://push-{number}.example/x"));
        server.token(&other, now).expect("signature");
    }
    let subscription = subscription(ENDPOINT);
    server.token(&subscription, now).expect("signature");
    report.row(
        "header for a known push service",
        Contestant::new("ours, cached", || server.token(&subscription, now)),
        peers_sign(),
        None,
    );
}

fn made(report: &mut Report, now: UnixTime) {
    let random = SystemRandom::new();
    let private = with_public();
    let pkcs8 = private.to_pkcs8_der().expect("public key known");
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.expose(), &random)
        .expect("valid key");
    let input = unsigned_input(now);
    report.row(
        "new header, ring",
        Contestant::new("ours", sign(RING, now)),
        peers_sign(),
        Some(Contestant::new("floor", move || pair.sign(&random, &input).expect("signature"))),
    );
    let signer = RUSTCRYPTO.es256.load(&private).expect("valid key");
    let input = unsigned_input(now);
    report.row(
        "new header, rustcrypto",
        Contestant::new("ours", sign(RUSTCRYPTO, now)),
        peers_sign(),
        Some(Contestant::new("floor", move || signer.sign(&input).expect("signature"))),
    );
}

/// The push service's side. `jsonwebtoken` is what Mozilla's verifies with; its checks are set as there.
fn verified(report: &mut Report, now: UnixTime) {
    let header = sign(RING, now)();
    let value = header.to_str().expect("text");
    let token = value.strip_prefix("vapid t=").and_then(|rest| rest.split(',').next()).expect("a token");
    let public = *VapidKey::from_text(VAPID_PRIVATE, RING).expect("valid key").public_key();

    let (signing_input, signature) = token.rsplit_once('.').expect("three parts");
    let signature = base64url::decode(signature).expect("valid base64url");
    for (name, crypto) in [("verify a header, ring", RING), ("verify a header, rustcrypto", RUSTCRYPTO)] {
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_audience(&[ORIGIN]);
        validation.set_required_spec_claims(&["exp", "aud"]);
        let key = DecodingKey::from_ec_der(public.as_bytes());
        let jwt_key = ES256PublicKey::from_bytes(public.as_bytes()).expect("valid key");
        let options = VerificationOptions {
            allowed_audiences: Some(HashSet::from([ORIGIN.to_owned()])),
            ..VerificationOptions::default()
        };
        let floor: Contestant<'_> = if crypto.name == RING.name {
            let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, public.as_bytes());
            let signature = signature.clone();
            Contestant::new("floor", move || key.verify(signing_input.as_bytes(), &signature).expect("valid"))
        } else {
            let signature = signature.clone();
            Contestant::new("floor", move || {
                RUSTCRYPTO.es256.verify(&public, signing_input.as_bytes(), &signature).expect("valid")
            })
        };
        report.row(
            name,
            Contestant::new("ours", move || {
                VapidHeader::new(value).expect("well formed").verify(ORIGIN, crypto, now).expect("valid")
            }),
            vec![
                Contestant::new("jsonwebtoken 11 (rust_crypto), token only", move || {
                    jsonwebtoken::decode::<serde_json::Value>(token, &key, &validation).expect("valid")
                }),
                Contestant::new("jwt-simple 0.12, token only", move || {
                    jwt_key.verify_token::<NoCustomClaims>(token, Some(options.clone())).expect("valid")
                }),
            ],
            Some(floor),
        );
    }
}

/// A server that knows no token yet, each time.
fn sign(crypto: CryptoProvider, now: UnixTime) -> impl FnMut() -> http::HeaderValue {
    let subscription = subscription(ENDPOINT);
    let key = VapidKey::from_text(VAPID_PRIVATE, crypto).expect("valid key");
    let (keys, settings) = (VapidKeys::new(key), settings());
    move || {
        let server = ApplicationServer::new(crypto, keys.clone(), settings.clone());
        server.token(&subscription, now).expect("signature").authorization().clone()
    }
}

fn peers_sign<'a>() -> Vec<Contestant<'a>> {
    let web_push_key = VapidSignatureBuilder::from_base64_no_sub(VAPID_PRIVATE).expect("valid key");
    let subscription = SubscriptionInfo::new(ENDPOINT, P256DH, AUTH);
    let uri: Uri = ENDPOINT.parse().expect("valid URI");
    let native_key = ES256KeyPair::from_bytes(&base64url::decode(VAPID_PRIVATE).expect("valid base64url"))
        .expect("valid key");
    vec![
        Contestant::new("web-push 0.11", move || {
            let mut vapid = web_push_key.clone().add_sub_info(&subscription);
            vapid.add_claim("sub", CONTACT);
            vapid.build().expect("signature").auth_t
        }),
        Contestant::new("web-push-native 0.5", move || {
            let life = std::time::Duration::from_secs(3_600);
            let signature = VapidSignature::sign(&uri, life, CONTACT, &native_key).expect("signature");
            http::HeaderValue::from(signature)
        }),
    ]
}

fn unsigned_input(now: UnixTime) -> Vec<u8> {
    let key = VapidKey::from_text(VAPID_PRIVATE, RING).expect("valid key");
    let elsewhere = VapidKeys::new(VapidKey::remote(*key.public_key()));
    let server = ApplicationServer::new(RING, elsewhere, settings());
    server.token(&subscription(ENDPOINT), now).expect_err("the key is elsewhere");
    server.poll_output().expect("something to sign").signing_input().to_vec()
}

fn settings() -> VapidSettings {
    VapidSettings::new(CONTACT.parse().expect("valid contact"))
}

fn subscription(endpoint: &str) -> Subscription {
    Subscription::from_json(&subscription_json(endpoint, P256DH)).expect("valid subscription")
}

fn with_public() -> EcPrivateKey {
    let private = EcPrivateKey::parse(VAPID_PRIVATE).expect("valid key");
    let public = *VapidKey::new(&private, RING).expect("valid key").public_key();
    private.with_public_key(public)
}
