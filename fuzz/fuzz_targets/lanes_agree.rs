//! Agreements in lanes give what the crate p256 gives, for keys that the fuzzer chooses bit by bit.
#![no_main]

use std::cell::RefCell;

use libfuzzer_sys::fuzz_target;
use p256::elliptic_curve::sec1::ToSec1Point as _;
use p256::{PublicKey, SecretKey};
use reveille_crypto::{CryptoError, CryptoProvider, P256PublicKey, SecureRandom};
use reveille_crypto_lanes::Lanes;

thread_local!(static KEYS: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) });

/// Gives the keys of this input.
#[derive(Debug)]
struct Chosen;
impl SecureRandom for Chosen {
    fn fill(&self, out: &mut [u8]) -> Result<(), CryptoError> {
        KEYS.with_borrow_mut(|keys| {
            if keys.len() < out.len() {
                return Err(CryptoError);
            }
            let rest = keys.split_off(out.len());
            out.copy_from_slice(keys);
            *keys = rest;
            Ok(())
        })
    }
}

static LANES: Lanes = Lanes::over(CryptoProvider { random: &Chosen, ..reveille_crypto_rustcrypto::PROVIDER });

// For each lane (two vectors full and two more), 32 bytes of a peer's private key and 32 of ours; what is no key is left out. At least two lanes.
fuzz_target!(|input: &[u8]| {
    if !LANES.has_vectors() {
        return;
    }
    let pairs: Vec<(SecretKey, SecretKey)> = input
        .chunks_exact(64)
        .take(18)
        .filter_map(|pair| {
            let (peer, ours) = pair.split_at(32);
            Some((SecretKey::from_slice(peer).ok()?, SecretKey::from_slice(ours).ok()?))
        })
        .collect();
    // One that is left over goes to the backend below, whose key nobody knows.
    let count = if pairs.len() % 8 == 1 { pairs.len() - 1 } else { pairs.len() };
    let pairs = &pairs[..count];
    let peers: Vec<_> = pairs
        .iter()
        .map(|(peer, _)| {
            let point = peer.public_key().to_sec1_point(false);
            P256PublicKey::from_bytes(point.as_bytes()).expect("a public key of p256 is on the curve")
        })
        .collect();
    KEYS.set(pairs.iter().flat_map(|(_, ours)| ours.to_bytes()).collect());
    let mut out = Vec::new();
    let peers: Vec<_> = peers.iter().collect();
    LANES.provider().p256.agree_ephemeral_many(&peers, &mut out).expect("good keys agree");
    assert_eq!(out.len(), pairs.len());
    for (agreement, (peer, ours)) in out.iter().zip(pairs) {
        assert_eq!(agreement.public_key, ours.public_key().to_sec1_point(false).as_bytes());
        let peer: PublicKey = peer.public_key();
        let shared = p256::ecdh::diffie_hellman(ours.to_nonzero_scalar(), peer.as_affine());
        assert_eq!(agreement.shared_secret.expose()[..], shared.raw_secret_bytes()[..]);
    }
});
