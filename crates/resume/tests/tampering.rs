//! Whatever is done to a token, it is refused: bit flips, truncation, extension, other keys, other formats.

use crate::support::*;

use reveille_crypto_ring::PROVIDER;
use reveille_resume::*;

#[test]
fn every_bit_flip_of_the_bytes_is_refused() {
    let keys = compact_keys();
    let token = issue(&keys);
    let bytes = reveille_crypto::base64url::decode(&token).unwrap();
    let mut reasons = std::collections::BTreeMap::<&str, usize>::new();
    for bit in 0..bytes.len() * 8 {
        let mut bytes = bytes.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        *reasons.entry(refused(&keys, &b64(&bytes)).name()).or_default() += 1;
    }
    // 8 bits of version, 16 of key id, the other 528 are under the MAC or are the MAC.
    assert_eq!(Vec::from_iter(reasons), [("forged", 528), ("unknown_key", 16), ("unknown_version", 8)]);
}

#[test]
fn every_other_character_is_refused_everywhere() {
    for_all_formats(|accepts, token| {
        for at in 0..token.len() {
            for other in "AZaz09-_.=+/ é".chars().filter(|c| !token[at..].starts_with(*c)) {
                let changed = format!("{}{other}{}", &token[..at], &token[at + 1..]);
                assert!(!accepts(&changed), "{other} at {at} of {token}");
            }
        }
    });
}

#[test]
fn every_truncation_is_refused() {
    for_all_formats(|accepts, token| {
        for len in 0..token.len() {
            assert!(!accepts(&token[..len]), "first {len} of {token}");
            assert!(!accepts(&token[token.len() - len..]), "last {len} of {token}");
        }
    });
}

#[test]
fn every_extension_is_refused() {
    for_all_formats(|accepts, token| {
        for more in ["A", "AA", "AAAA", "=", "==", ".", "..", ".A", "\n", " ", "\0", "é", token] {
            assert!(!accepts(&format!("{token}{more}")), "{more:?} behind");
            assert!(!accepts(&format!("{more}{token}")), "{more:?} before");
        }
    });
}

/// Runs a test on one good token of each format.
fn for_all_formats(test: impl Fn(&dyn Fn(&str) -> bool, &str)) {
    let (compact, hs256, es256, sealed) = (compact_keys(), jwt_keys(), es256_keys(), sealed_keys());
    let run = |accept: &dyn Fn(&str) -> bool, token: String| {
        assert!(accept(&token));
        test(accept, &token);
    };
    run(&|token| accepts(&compact, token), issue(&compact));
    run(&|token| accepts(&hs256, token), issue(&hs256));
    run(&|token| accepts(&es256, token), issue(&es256));
    run(&|token| accepts(&sealed, token), issue(&sealed));
}

#[test]
fn keys_do_not_stand_in_for_each_other() {
    let one = compact_keys();
    let mut two = KeyRing::new(KeyId(1), CompactKey::new(PROVIDER, &secret(8)).unwrap());
    two.rotate(KeyId(2), CompactKey::new(PROVIDER, &secret(7)).unwrap(), NOW).unwrap();
    // The right secret under the wrong id, and the right id with the wrong secret.
    assert_eq!(refused(&two, &issue(&one)), Reason::Forged);
    assert_eq!(refused(&one, &issue(&two)), Reason::UnknownKey);
}

#[test]
fn formats_do_not_stand_in_for_each_other() {
    let (compact, jwt, sealed) = (issue(&compact_keys()), issue(&jwt_keys()), issue(&sealed_keys()));
    for other in [&jwt, &sealed] {
        assert_eq!(refused(&compact_keys(), other), Reason::Malformed);
    }
    for other in [&compact, &sealed] {
        assert_eq!(refused(&jwt_keys(), other), Reason::Malformed);
        assert_eq!(refused(&es256_keys(), other), Reason::Malformed);
    }
    for other in [&compact, &jwt] {
        assert_eq!(refused(&sealed_keys(), other), Reason::Malformed);
    }
}

#[test]
fn one_secret_in_two_formats_gives_unrelated_keys() {
    // The MAC key of the compact format is derived: a JWT verifier that holds the raw secret of the JWT profile
    // cannot make a compact token by using it as it is.
    let token = issue(&compact_keys());
    let bytes = reveille_crypto::base64url::decode(&token).unwrap();
    let tag = PROVIDER.hmac_sha256.key(&[7; 32]).sign(&[&bytes[..53]]);
    assert_ne!(tag[..16], bytes[53..]);
    assert_eq!(refused(&compact_keys(), &b64([&bytes[..53], &tag[..16]].concat())), Reason::Forged);
}

#[test]
fn backends_read_each_other() {
    let other = reveille_crypto_rustcrypto::PROVIDER;
    let compact = KeyRing::new(KeyId(1), CompactKey::new(other, &secret(7)).unwrap());
    assert!(accepts(&compact, &issue(&compact_keys())) && accepts(&compact_keys(), &issue(&compact)));
    let sealed = KeyRing::new(KeyId(1), SealedKey::new(other, &secret(7)).unwrap());
    assert!(accepts(&sealed, &issue(&sealed_keys())) && accepts(&sealed_keys(), &issue(&sealed)));
    let jwt = KeyRing::new(KeyId(1), JwtKey::hs256(other, &secret(7)).unwrap());
    assert!(accepts(&jwt, &issue(&jwt_keys())) && accepts(&jwt_keys(), &issue(&jwt)));
    let es256 = KeyRing::new(KeyId(1), JwtKey::es256(other, &ec_private()).unwrap());
    assert!(accepts(&es256, &issue(&es256_keys())) && accepts(&es256_keys(), &issue(&es256)));
}
