//! The least that any implementation on the same primitives must do for one message: a key pair with its public point,
//! the agreement, two extracts and three expands, AES-GCM with its key set-up. No salt, no copy, no request.

use std::hint::black_box;

use aes_gcm::aead::AeadInOut as _;
use aes_gcm::{Aes128Gcm, KeyInit as _};
use hkdf::Hkdf;
use p256::elliptic_curve::sec1::ToSec1Point as _;
use p256::{PublicKey, SecretKey};
use reveille_crypto::{CryptoProvider, P256PublicKey};
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::agreement::{ECDH_P256, EphemeralPrivateKey, UnparsedPublicKey, agree_ephemeral};
use ring::hkdf::{HKDF_SHA256, KeyType, Salt};
use ring::rand::SystemRandom;
use sha2::Sha256;

use super::ours::P256DH;

const AUTH: [u8; 16] = [5; 16];
const SALT: [u8; 16] = [6; 16];
/// Plaintext and delimiter, in a buffer that every round encrypts again where it is.
const DELIMITER: usize = 1;

pub struct Floor;

impl Floor {
    pub fn ring(size: usize) -> impl FnMut() -> [u8; 16] {
        let ua_public = ua_public();
        let mut record = vec![0; size + DELIMITER];
        let random = SystemRandom::new();
        move || {
            let private = EphemeralPrivateKey::generate(&ECDH_P256, &random).expect("key");
            let as_public = private.compute_public_key().expect("public key");
            let peer = UnparsedPublicKey::new(&ECDH_P256, ua_public.as_bytes());
            let secret: [u8; 32] =
                agree_ephemeral(private, &peer, |x| x.try_into().expect("32 bytes")).expect("agreement");
            let info: [&[u8]; 3] = [b"WebPush: info\0", ua_public.as_bytes(), as_public.as_ref()];
            let mut ikm = [0; 32];
            expand(&Salt::new(HKDF_SHA256, &AUTH).extract(&secret), &info, &mut ikm);
            let prk = Salt::new(HKDF_SHA256, &SALT).extract(&ikm);
            let (mut cek, mut nonce) = ([0; 16], [0; 12]);
            expand(&prk, &[b"Content-Encoding: aes128gcm\0"], &mut cek);
            expand(&prk, &[b"Content-Encoding: nonce\0"], &mut nonce);
            let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &cek).expect("key"));
            let nonce = Nonce::assume_unique_for_key(nonce);
            let tag = key.seal_in_place_separate_tag(nonce, Aad::empty(), &mut record).expect("tag");
            tag.as_ref().try_into().expect("16 bytes")
        }
    }

    pub fn rustcrypto(size: usize) -> impl FnMut() -> [u8; 16] {
        let ua_public = ua_public();
        let mut record = vec![0; size + DELIMITER];
        // The backend's own source of random bytes.
        let crypto: CryptoProvider = reveille_crypto_rustcrypto::PROVIDER;
        move || {
            let mut scalar = [0; 32];
            crypto.random.fill(&mut scalar).expect("random bytes");
            let private = SecretKey::from_slice(&scalar).expect("below the order but in one case of 2^32");
            let peer = PublicKey::from_sec1_bytes(ua_public.as_bytes()).expect("on the curve");
            let as_public = private.public_key().to_sec1_point(false);
            let secret = p256::ecdh::diffie_hellman(private.to_nonzero_scalar(), peer.as_affine());
            let info: [&[u8]; 3] = [b"WebPush: info\0", ua_public.as_bytes(), as_public.as_bytes()];
            let mut ikm = [0; 32];
            let prk = Hkdf::<Sha256>::new(Some(&AUTH), secret.raw_secret_bytes());
            prk.expand_multi_info(&info, &mut ikm).expect("length");
            let prk = Hkdf::<Sha256>::new(Some(&SALT), &ikm);
            let (mut cek, mut nonce) = ([0; 16], [0; 12]);
            prk.expand(b"Content-Encoding: aes128gcm\0", &mut cek).expect("length");
            prk.expand(b"Content-Encoding: nonce\0", &mut nonce).expect("length");
            let cipher = Aes128Gcm::new(&cek.into());
            let tag = cipher
                .encrypt_inout_detached(&nonce.into(), &[], black_box(record.as_mut_slice()).into())
                .expect("tag");
            tag.into()
        }
    }
}

fn ua_public() -> P256PublicKey {
    P256DH.parse().expect("valid key")
}

fn expand(prk: &ring::hkdf::Prk, info: &[&[u8]], out: &mut [u8]) {
    prk.expand(info, Length(out.len())).and_then(|okm| okm.fill(out)).expect("length");
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}
