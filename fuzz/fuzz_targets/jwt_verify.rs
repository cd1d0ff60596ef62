//! Any header and payload under a correct HS256 tag, and any text: no panic, and what is accepted has the exact shape.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use reveille_core::UnixTime;
use reveille_crypto::base64url;
use reveille_crypto_rustcrypto::PROVIDER;
use reveille_resume::jose::MAX_JOSE_LEN;
use reveille_resume::{Bindings, JwtKey, KeyId, KeyRing, TokenSecret, Verifier};

const IDS: Bindings<'static> = Bindings { contact: "c", conversation: "k", device: "d", channel: "web" };

static KEYS: LazyLock<KeyRing<JwtKey>> = LazyLock::new(|| {
    let secret = TokenSecret::from_bytes(&[7; 32]).expect("32 bytes");
    KeyRing::new(KeyId(1), JwtKey::hs256(PROVIDER, &secret).expect("key"))
});

fuzz_target!(|input: (&str, &[u8], &[u8], u64)| {
    let (text, header, payload, now) = input;
    let (verifier, now) = (Verifier::default(), UnixTime::from_millis(now));
    let _ = verifier.check(&KEYS, text, &IDS, now);

    let signed = format!("{}.{}", base64url::encode(header), base64url::encode(payload));
    let tag = PROVIDER.hmac_sha256.key(&[7; 32]).sign(&[signed.as_bytes()]);
    let token = format!("{signed}.{}", base64url::encode(&tag));
    if verifier.check(&KEYS, &token, &IDS, now).is_ok() {
        assert!(token.len() <= MAX_JOSE_LEN);
        let header: serde_json::Value = serde_json::from_slice(header).expect("JSON");
        assert_eq!(header, serde_json::json!({"alg": "HS256", "typ": "resume+jwt", "kid": "1"}));
        let claims: serde_json::Value = serde_json::from_slice(payload).expect("JSON");
        let times = ["iat", "exp"].map(|name| claims[name].as_u64().expect("integer"));
        assert!(times[0] < times[1] && times[0] * 1_000 <= now.as_millis().saturating_add(5_000));
        let ids = ["sub", "cnv", "dev", "chn"].map(|name| claims[name].as_str().expect("text"));
        assert_eq!(ids, ["c", "k", "d", "web"]);
    }
});
