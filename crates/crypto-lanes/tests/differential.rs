//! Against ring and against RustCrypto, on keys nobody chose.

// The helpers of the tests are tests, too.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout)]

mod common;

use common::{Bytes, agree, assert_same, public_key, skipped, with_keys};
use reveille_crypto::P256PublicKey;
use reveille_crypto_lanes::Lanes;
use ring::agreement::{ECDH_P256, EphemeralPrivateKey, UnparsedPublicKey, agree_ephemeral};
use ring::rand::SystemRandom;

static OVER_RING: Lanes = Lanes::over(reveille_crypto_ring::PROVIDER);

/// ring makes the peers' keys and agrees from the other side.
fn with_ring(rounds: usize) {
    let random = SystemRandom::new();
    for round in 0..rounds {
        let private: Vec<_> =
            (0..64).map(|_| EphemeralPrivateKey::generate(&ECDH_P256, &random).unwrap()).collect();
        let peers: Vec<_> = private
            .iter()
            .map(|key| P256PublicKey::from_bytes(key.compute_public_key().unwrap().as_ref()).unwrap())
            .collect();
        let ours = agree(OVER_RING.provider(), &peers.iter().collect::<Vec<_>>());
        for (at, (private, ours)) in private.into_iter().zip(&ours).enumerate() {
            let public = UnparsedPublicKey::new(&ECDH_P256, ours.public_key);
            let same =
                agree_ephemeral(private, &public, |theirs| theirs == ours.shared_secret.expose()).unwrap();
            assert!(same, "round {round}, agreement {at}: peer {}", peers[at]);
        }
    }
}

/// 10⁵ agreements.
#[test]
fn ring_agrees() {
    if !skipped("ring_agrees") {
        with_ring(100_000 / 64 + 1);
    }
}

/// 10⁷ agreements: a quarter of an hour, with `--release`.
#[test]
#[ignore = "long"]
fn ring_agrees_ten_million_times() {
    if !skipped("ring_agrees_ten_million_times") {
        with_ring(10_000_000 / 64 + 1);
    }
}

/// RustCrypto knows the same private keys and gives the same results, public keys included.
#[test]
fn rustcrypto_gives_the_same() {
    if skipped("rustcrypto_gives_the_same") {
        return;
    }
    let mut bytes = Bytes::new(20_261_121);
    let peers: Vec<_> = (0..1_024).map(|_| public_key(&bytes.key())).collect();
    for round in 0..4 {
        let keys: Vec<_> = peers.iter().map(|_| bytes.key()).collect();
        let out = agree(with_keys(&keys), &peers.iter().collect::<Vec<_>>());
        for (at, ours) in out.iter().enumerate() {
            assert_same(ours, &keys[at], &peers[at], &format!("round {round}, agreement {at}"));
        }
    }
}
