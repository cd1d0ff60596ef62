//! Any text or bytes as a key: an error, or a key that survives being written and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use reveille_crypto::{EcPrivateKey, P256PublicKey, RsaPrivateKey};
use reveille_crypto_rustcrypto::PROVIDER;

fuzz_target!(|data: &[u8]| {
    let _ = P256PublicKey::from_bytes(data);
    let _ = RsaPrivateKey::from_pkcs8_der(data);
    if let Ok(key) = EcPrivateKey::from_der(data) {
        round_trip(&key);
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    let _ = text.parse::<P256PublicKey>();
    let _ = RsaPrivateKey::from_pem(text);
    if let Ok(key) = EcPrivateKey::parse(text) {
        round_trip(&key);
    }
});

fn round_trip(key: &EcPrivateKey) {
    let again = EcPrivateKey::parse(key.to_base64url().expose()).expect("raw form");
    assert_eq!(again.expose_scalar(), key.expose_scalar());
    for text in [key.to_pkcs8_pem(), key.to_jwk()].into_iter().flatten() {
        let again = EcPrivateKey::parse(text.expose()).expect("written form");
        assert_eq!(again.expose_scalar(), key.expose_scalar());
        assert_eq!(again.public_key(), key.public_key());
    }
    // The backend decides about the scalar and about whose public key it is; it must not panic either.
    let _ = PROVIDER.es256.load(key);
}
