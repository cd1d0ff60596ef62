//! Of a private key that was read and dropped, nothing is left in memory; of one that is held, one copy.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod memory;
use memory::Masked;

use reveille_crypto::{EcPrivateKey, P256PublicKey, base64url};

/// The key pair of RFC 8291 Appendix A's application server, its private half masked: it must not be in the binary.
const SCALAR: [u8; 32] = [
    0x6c, 0x50, 0x2a, 0x2c, 0x24, 0x9b, 0x3a, 0x2b, 0x22, 0x8b, 0xd4, 0x51, 0x8f, 0x03, 0xeb, 0xb2, 0xf2,
    0x6c, 0x80, 0xe8, 0x69, 0xc7, 0x12, 0x88, 0x79, 0xa4, 0xae, 0x11, 0xa1, 0x9b, 0x04, 0xb9,
];
const PUBLIC: &str =
    "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8";

/// The texts are the caller's: they are wiped here before anything is counted.
fn texts(scalar: &Masked) -> Vec<(&'static str, String)> {
    let mut raw: Vec<u8> = scalar.unmasked().collect();
    let key =
        EcPrivateKey::from_bytes(&raw).unwrap().with_public_key(PUBLIC.parse::<P256PublicKey>().unwrap());
    let texts = vec![
        ("base64url", base64url::encode(&raw)),
        ("PEM", key.to_pkcs8_pem().unwrap().expose().clone()),
        ("JWK", key.to_jwk().unwrap().expose().clone()),
        ("DER", base64url::encode(key.to_pkcs8_der().unwrap().expose())),
    ];
    raw.fill(0);
    texts
}

#[test]
fn nothing_is_left_of_a_key_that_was_read() {
    let scalar = Masked::from_masked(&SCALAR);
    let texts = texts(&scalar);
    // What making the texts left behind is not counted.
    let before = scalar.occurrences();
    for (format, text) in texts {
        let key = EcPrivateKey::parse(&text).unwrap();
        assert_eq!(scalar.occurrences() - before, 1, "{format}, held");
        let moved = Box::new(key);
        let copy = (*moved).clone();
        assert_eq!(scalar.occurrences() - before, 2, "{format}, held twice");
        drop((moved, copy));
        assert_eq!(scalar.occurrences() - before, 0, "{format}, dropped");
    }
    assert_eq!(before, 0, "what writing the texts left behind");
}
