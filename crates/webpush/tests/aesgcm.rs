//! The draft coding, opened by a decryptor written after the draft alone.

use http::Request;
use proptest::prelude::*;
use reveille_core::UnixTime;
use reveille_crypto::{CryptoProvider, EcPrivateKey, Expand, P256PublicKey, base64url};
use reveille_testkit::rfc8291;
use reveille_testkit::webpush::PushService;
use reveille_webpush::message::MAX_PLAINTEXT;
use reveille_webpush::message::SizeLimit;
use reveille_webpush::target::PublicHttps;
use reveille_webpush::{
    ApplicationServer, Endpoint, Message, Padding, Subscription, Ttl, UserAgent, UserAgentKeys, VapidKey,
    VapidKeys, VapidSettings,
};

const RING: CryptoProvider = reveille_crypto_ring::PROVIDER;
const RUSTCRYPTO: CryptoProvider = reveille_crypto_rustcrypto::PROVIDER;
const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

fn server(crypto: CryptoProvider) -> ApplicationServer {
    let key = VapidKey::from_text(rfc8291::AS_PRIVATE, crypto).unwrap();
    let settings = VapidSettings::new("mailto:ops@example.com".parse().unwrap());
    ApplicationServer::new(crypto, VapidKeys::new(key), settings)
}

fn subscription() -> Subscription {
    Subscription::from_json(rfc8291::SUBSCRIPTION).unwrap()
}

fn parameter<'a>(header: &'a str, name: &str) -> Option<&'a str> {
    header.split(';').find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
}

/// draft-ietf-httpbis-encryption-encoding-03 and draft-ietf-webpush-encryption-04, the receiver's side.
fn open(request: &Request<bytes::Bytes>) -> Option<Vec<u8>> {
    let header = |name: &str| request.headers()[name].to_str().unwrap();
    let as_public = base64url::decode(parameter(header("crypto-key"), "dh")?).unwrap();
    let salt = base64url::decode(parameter(header("encryption"), "salt")?).unwrap();
    let private = EcPrivateKey::parse(rfc8291::UA_PRIVATE).unwrap();
    let key = RUSTCRYPTO.p256.load_agreement_key(&private).unwrap();
    let secret = key.agree(&P256PublicKey::from_bytes(&as_public).unwrap()).unwrap();
    let ua_public = base64url::decode(rfc8291::UA_PUBLIC).unwrap();

    let auth = base64url::decode(rfc8291::AUTH_SECRET).unwrap();
    let ikm = hkdf(&auth, secret.expose(), b"Content-Encoding: auth\0", 32);
    let context = [b"P-256\0\0\x41", ua_public.as_slice(), &[0, 65], &as_public].concat();
    let cek = hkdf(&salt, &ikm, &[b"Content-Encoding: aesgcm\0", context.as_slice()].concat(), 16);
    let nonce = hkdf(&salt, &ikm, &[b"Content-Encoding: nonce\0", context.as_slice()].concat(), 12);

    let (sealed, tag) = request.body().split_last_chunk::<16>()?;
    let mut record = sealed.to_vec();
    RUSTCRYPTO
        .aes_128_gcm
        .open_in_place(&cek, nonce.as_slice().try_into().unwrap(), &[], &mut record, tag)
        .ok()?;
    let padding = usize::from(u16::from_be_bytes([record[0], record[1]]));
    assert!(record[2..2 + padding].iter().all(|byte| *byte == 0));
    // One record of the default size of 4,096.
    assert!(record.len() < 4_096);
    Some(record[2 + padding..].to_vec())
}

fn hkdf(salt: &[u8], ikm: &[u8], info: &[u8], length: usize) -> Vec<u8> {
    let mut out = vec![0; length];
    RUSTCRYPTO.hkdf_sha256.derive(salt, ikm, &mut [Expand { info: &[info], out: &mut out }]).unwrap();
    out
}

#[test]
fn the_headers_are_those_of_the_draft() {
    let message = Message::new("hello", Ttl::from_secs(60).unwrap()).unwrap();
    let request = server(RING).request_aesgcm(&message, &subscription(), NOW).unwrap();
    let header = |name: &str| request.headers()[name].to_str().unwrap();
    assert_eq!(header("content-encoding"), "aesgcm");
    assert_eq!(header("content-type"), "application/octet-stream");
    assert_eq!(header("ttl"), "60");
    assert!(header("authorization").starts_with("WebPush eyJ"));
    assert!(request.headers()["authorization"].is_sensitive());
    let public = server(RING).keys().current().public_key().to_string();
    assert_eq!(parameter(header("crypto-key"), "p256ecdsa"), Some(public.as_str()));
    assert_ne!(parameter(header("crypto-key"), "dh"), Some(public.as_str()), "signing and agreement differ");
    assert_eq!(request.body().len(), 2 + 5 + 16);
}

#[test]
fn a_push_without_payload_has_no_encryption_headers() {
    let request =
        server(RING).request_aesgcm(&Message::without_payload(Ttl::ZERO), &subscription(), NOW).unwrap();
    assert!(request.body().is_empty());
    for name in ["content-encoding", "encryption", "content-type"] {
        assert!(!request.headers().contains_key(name), "{name}");
    }
    assert!(request.headers()["crypto-key"].to_str().unwrap().starts_with("p256ecdsa="));
}

#[test]
fn the_service_takes_it() {
    let server = server(RING);
    let mut service = PushService::new("https://push.example", RUSTCRYPTO);
    let endpoint = service.subscribe(Some(*server.keys().current().public_key()));
    let user_agent = UserAgent::new(&UserAgentKeys::generate(RUSTCRYPTO).unwrap(), RUSTCRYPTO).unwrap();
    let subscription = user_agent.subscription(Endpoint::new(&endpoint, &PublicHttps).unwrap());
    for message in [Message::new("hello", Ttl::ZERO).unwrap(), Message::without_payload(Ttl::ZERO)] {
        let request = server.request_aesgcm(&message, &subscription, NOW).unwrap();
        assert_eq!(service.handle(&request, NOW).status(), 201);
    }
    assert_eq!(service.take(&endpoint, NOW)[0].accepted.encoding, Some("aesgcm"));
}

#[test]
fn every_flipped_bit_is_refused() {
    let message = Message::new("hello", Ttl::ZERO).unwrap();
    let request = server(RING).request_aesgcm(&message, &subscription(), NOW).unwrap();
    assert_eq!(open(&request).unwrap(), b"hello");
    for bit in 0..request.body().len() * 8 {
        let mut bad = request.clone();
        let mut bytes = request.body().to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        *bad.body_mut() = bytes.into();
        assert_eq!(open(&bad), None, "bit {bit}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_either_backend_seals_the_draft_opens(
        payload in proptest::collection::vec(any::<u8>(), 0..=MAX_PLAINTEXT),
        padded in 0..=MAX_PLAINTEXT,
        backend in 0..2_usize,
    ) {
        let message = Message::new_within(SizeLimit::Provider, payload.clone(), Ttl::ZERO).unwrap().with_padding(Padding::ToLength(padded)).unwrap();
        let request = server([RING, RUSTCRYPTO][backend]).request_aesgcm(&message, &subscription(), NOW).unwrap();
        prop_assert_eq!(request.body().len(), 2 + padded.max(payload.len()) + 16);
        prop_assert!(request.body().len() <= 4_096);
        prop_assert_eq!(open(&request).unwrap(), payload);
    }
}
