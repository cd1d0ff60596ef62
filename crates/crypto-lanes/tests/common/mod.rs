//! A random source that says what it is told, and who is compared with.
// Each test uses a part.
#![allow(dead_code)]

use std::io::Write as _;
use std::sync::Mutex;

use p256::elliptic_curve::sec1::ToSec1Point as _;
use p256::{PublicKey, SecretKey};
use reveille_crypto::p256::EphemeralAgreement;
use reveille_crypto::{CryptoError, CryptoProvider, P256PublicKey, SecureRandom};
use reveille_crypto_lanes::Lanes;

pub(crate) const RUSTCRYPTO: CryptoProvider = reveille_crypto_rustcrypto::PROVIDER;

/// Gives these bytes, then fails.
#[derive(Debug)]
pub(crate) struct Script(Mutex<Vec<u8>>);

impl SecureRandom for Script {
    fn fill(&self, out: &mut [u8]) -> Result<(), CryptoError> {
        let mut bytes = self.0.lock().unwrap();
        if bytes.len() < out.len() {
            return Err(CryptoError);
        }
        let rest = bytes.split_off(out.len());
        out.copy_from_slice(&bytes);
        *bytes = rest;
        Ok(())
    }
}

/// A provider with vectors whose private keys are those, in the order of the peers.
pub(crate) fn with_keys(keys: &[[u8; 32]]) -> CryptoProvider {
    let random: &'static Script = Box::leak(Box::new(Script(Mutex::new(keys.concat()))));
    let lanes: &'static Lanes = Box::leak(Box::new(Lanes::over(CryptoProvider { random, ..RUSTCRYPTO })));
    lanes.provider()
}

/// Says loudly that a test is not run on this machine; CI prints the file that `SKIPPED` names.
#[allow(clippy::disallowed_methods, reason = "a test's word to CI")]
pub(crate) fn skipped(test: &str) -> bool {
    static PROBE: Lanes = Lanes::over(RUSTCRYPTO);
    if PROBE.has_vectors() {
        return false;
    }
    println!("SKIPPED {test}: this processor has no AVX-512 IFMA");
    if let Some(path) = std::env::var_os("SKIPPED") {
        let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
        writeln!(file, "SKIPPED crypto-lanes {test}: no AVX-512 IFMA").unwrap();
    }
    true
}

pub(crate) fn agree(provider: CryptoProvider, peers: &[&P256PublicKey]) -> Vec<EphemeralAgreement> {
    let mut out = Vec::new();
    provider.p256.agree_ephemeral_many(peers, &mut out).unwrap();
    assert_eq!(out.len(), peers.len());
    out
}

/// The public key and the shared secret of this private key, by the crate p256.
pub(crate) fn expected(key: &[u8; 32], peer: &P256PublicKey) -> (Vec<u8>, [u8; 32]) {
    let key = SecretKey::from_slice(key).unwrap();
    let peer = PublicKey::from_sec1_bytes(peer.as_bytes()).unwrap();
    let shared = p256::ecdh::diffie_hellman(key.to_nonzero_scalar(), peer.as_affine());
    let public = key.public_key().to_sec1_point(false).as_bytes().to_vec();
    (public, (*shared.raw_secret_bytes()).into())
}

#[track_caller]
pub(crate) fn assert_same(ours: &EphemeralAgreement, key: &[u8; 32], peer: &P256PublicKey, id: &str) {
    let (public, shared) = expected(key, peer);
    assert_eq!(ours.public_key[..], public[..], "{id}: public key");
    assert_eq!(*ours.shared_secret.expose(), shared, "{id}: shared secret");
}

pub(crate) fn public_key(key: &[u8; 32]) -> P256PublicKey {
    let key = SecretKey::from_slice(key).unwrap();
    P256PublicKey::from_bytes(key.public_key().to_sec1_point(false).as_bytes()).unwrap()
}

/// A stream of bytes that is the same in every run.
pub(crate) struct Bytes(u64);

impl Bytes {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// SplitMix64.
    pub(crate) fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A private key: below n, as its first byte is not 255.
    pub(crate) fn key(&mut self) -> [u8; 32] {
        let mut key = [0; 32];
        for chunk in key.chunks_mut(8) {
            chunk.copy_from_slice(&self.word().to_be_bytes());
        }
        key[0] &= 0x7f;
        key[31] |= (key == [0; 32]) as u8;
        key
    }
}

/// n − `less`, or `less` itself counted from zero where it is marked so.
pub(crate) fn edge_keys() -> Vec<[u8; 32]> {
    use num_bigint::BigUint;
    let n = order();
    let one = BigUint::from(1_u8);
    let mut keys: Vec<BigUint> = (1..=96_u32).map(BigUint::from).collect();
    // Around the exceptional cases of windows of 4, 6 and 8 bits, and of a sum from the bottom.
    keys.extend((1..=340_u32).map(|less| &n - less));
    keys.push(BigUint::from(15_u8) * (&one << 253_u32) - &n);
    for bits in 0..256_u32 {
        let power = &one << bits;
        keys.extend([&power - 1_u8, power.clone(), &power + 1_u8, &n - &power, (&n >> 1_u32) + &power]);
    }
    keys.extend((0..=255_u32).map(|byte| {
        let text = format!("{byte:02x}").repeat(32);
        BigUint::parse_bytes(text.as_bytes(), 16).unwrap()
    }));
    keys.into_iter().filter(|key| *key >= one && *key < n).map(|key| to_bytes(&key)).collect()
}

pub(crate) fn order() -> num_bigint::BigUint {
    let text = b"ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    num_bigint::BigUint::parse_bytes(text, 16).unwrap()
}

pub(crate) fn to_bytes(number: &num_bigint::BigUint) -> [u8; 32] {
    let bytes = number.to_bytes_be();
    let mut out = [0; 32];
    out[32 - bytes.len()..].copy_from_slice(&bytes);
    out
}
