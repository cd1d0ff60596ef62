//! P-256 by the crate p256, to compare a backend with where vectors cannot: ephemeral keys and random signatures.

use p256::ecdsa::signature::Verifier as _;
use p256::ecdsa::{Signature, VerifyingKey};
use p256::elliptic_curve::sec1::ToSec1Point as _;
use p256::{PublicKey, SecretKey};
use reveille_crypto::P256PublicKey;

/// The private keys 1 to `count`, padded with a constant to look less special.
pub(super) fn private_keys(count: u16) -> impl Iterator<Item = [u8; 32]> {
    (1..=count).map(|number| {
        let mut scalar = [0x5a; 32];
        scalar[30..].copy_from_slice(&number.to_be_bytes());
        scalar
    })
}

pub(super) fn public_key(scalar: &[u8; 32]) -> P256PublicKey {
    let secret = SecretKey::from_slice(scalar).expect("a scalar in range");
    P256PublicKey::from_bytes(secret.public_key().to_sec1_point(false).as_bytes()).expect("a point of p256")
}

/// The x-coordinate of `scalar · peer`.
pub(super) fn agree(scalar: &[u8; 32], peer: &[u8]) -> [u8; 32] {
    let secret = SecretKey::from_slice(scalar).expect("a scalar in range");
    let peer = PublicKey::from_sec1_bytes(peer).expect("a public key that is a point on the curve");
    let shared = p256::ecdh::diffie_hellman(secret.to_nonzero_scalar(), peer.as_affine());
    (*shared.raw_secret_bytes()).into()
}

pub(super) fn verifies(public: &P256PublicKey, message: &[u8], signature: &[u8]) -> bool {
    let key = VerifyingKey::from_sec1_bytes(public.as_bytes()).expect("a point on the curve");
    Signature::from_slice(signature).is_ok_and(|signature| key.verify(message, &signature).is_ok())
}
