//! The suite itself is tested: backends with one fault each, which it must find.
// The helpers of the tests are tests, too.
#![allow(clippy::expect_used, clippy::indexing_slicing)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use reveille_crypto::p256::{AgreementKey, EphemeralAgreement};
use reveille_crypto::{
    Aead, CryptoError, CryptoProvider, EcPrivateKey, Es256, Es256SigningKey, Expand, HkdfSha256, HmacKey,
    HmacSha256, KeyError, P256, P256PublicKey, Rs256, Rs256SigningKey, RsaPrivateKey, RsaPublicKey,
    SecureRandom, Sha256,
};
use reveille_testkit::compliance::{self, Cases};

const RING: CryptoProvider = reveille_crypto_ring::PROVIDER;
const RUST: CryptoProvider = reveille_crypto_rustcrypto::PROVIDER;

/// The text with which `capability` refuses `provider`.
#[track_caller]
fn refusal(capability: fn(CryptoProvider) -> Cases, provider: CryptoProvider) -> String {
    let panic = catch_unwind(AssertUnwindSafe(|| capability(provider))).expect_err("the fault was not found");
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).expect("a text")
}

#[track_caller]
fn assert_finds(capability: fn(CryptoProvider) -> Cases, provider: CryptoProvider, fault: &str) {
    let text = refusal(capability, provider);
    assert!(text.contains(fault), "found something else: {text}");
}

/// How much runs for whom; what Wycheproof has and no capability offers is in `not_applicable`.
#[test]
fn counts_per_backend() {
    use compliance::{aes_gcm, es256, hkdf_sha256, hmac_sha256, p256, random, rs256, sha256};
    let executed = |provider: CryptoProvider| {
        [random, sha256, hmac_sha256, hkdf_sha256, aes_gcm, p256, es256, rs256]
            .map(|check| check(provider).executed)
    };
    assert_eq!(executed(RING), [1025, 361, 858, 94, 10055, 912, 2006, 1198]);
    assert_eq!(compliance::run(RUST), Cases { executed: 15323, not_applicable: 446 });
}

#[derive(Debug)]
struct Faulty(&'static str);

macro_rules! faulty {
    ($($name:ident)*) => {$( static $name: Faulty = Faulty(stringify!($name)); )*};
}
faulty! {
    ZEROES LAST_BYTE_LEFT FIRST_PART_ONLY ANY_TAG SHORT_TAG FULL_TAG_ONLY FIRST_INFO_ONLY FIRST_OUTPUT_ONLY NO_AAD NO_TAG
    ANY_KEY_LENGTH REVERSED SAME_KEY ONE_SHORT REPLACES NO_PUBLIC_KEY ANY_PUBLIC_KEY WRONG_TEXT ANY_SIGNATURE MESSAGE_IGNORED
    WRONG_ERROR LANES_SWAPPED CARRY_LOST CARRY_OF_PUBLIC_KEY_LOST
}

impl SecureRandom for Faulty {
    fn fill(&self, out: &mut [u8]) -> Result<(), CryptoError> {
        match (self.0, out) {
            ("ZEROES", out) => out.fill(0),
            (_, [most @ .., _last]) => RING.random.fill(most)?,
            _ => {}
        }
        Ok(())
    }
}

#[test]
fn random() {
    assert_finds(
        compliance::random,
        CryptoProvider { random: &ZEROES, ..RING },
        "length 1: a byte is never filled",
    );
    assert_finds(
        compliance::random,
        CryptoProvider { random: &LAST_BYTE_LEFT, ..RING },
        "length 1: a byte is never filled",
    );
}

impl Sha256 for Faulty {
    fn digest(&self, parts: &[&[u8]]) -> [u8; 32] {
        RING.sha256.digest(parts.get(..1).unwrap_or_default())
    }
}

#[test]
fn sha256() {
    assert_finds(
        compliance::sha256,
        CryptoProvider { sha256: &FIRST_PART_ONLY, ..RING },
        "FIPS 180-2 B.1: split at 0",
    );
}

impl HmacSha256 for Faulty {
    fn key(&self, secret: &[u8]) -> Arc<dyn HmacKey> {
        Arc::new(FaultyHmac(self.0, RING.hmac_sha256.key(secret)))
    }
}

#[derive(Debug)]
struct FaultyHmac(&'static str, Arc<dyn HmacKey>);

impl HmacKey for FaultyHmac {
    fn sign(&self, parts: &[&[u8]]) -> [u8; 32] {
        self.1.sign(parts)
    }

    fn verify(&self, parts: &[&[u8]], tag: &[u8]) -> Result<(), CryptoError> {
        match self.0 {
            "ANY_TAG" => Ok(()),
            "SHORT_TAG" if self.sign(parts).starts_with(tag) => Ok(()),
            "FULL_TAG_ONLY" if tag.len() != 32 => Err(CryptoError),
            _ => self.1.verify(parts, tag),
        }
    }
}

#[test]
fn hmac_sha256() {
    let with = |hmac_sha256| CryptoProvider { hmac_sha256, ..RING };
    assert_finds(compliance::hmac_sha256, with(&ANY_TAG), "Wycheproof");
    assert_finds(compliance::hmac_sha256, with(&SHORT_TAG), "tag of 0 bytes");
    assert_finds(compliance::hmac_sha256, with(&FULL_TAG_ONLY), "RFC 4231 §4.6: verify");
}

impl HkdfSha256 for Faulty {
    fn derive(&self, salt: &[u8], ikm: &[u8], outputs: &mut [Expand<'_>]) -> Result<(), CryptoError> {
        for Expand { info, out } in outputs {
            let info = if self.0 == "FIRST_INFO_ONLY" { info.get(..1).unwrap_or_default() } else { info };
            RING.hkdf_sha256.derive(salt, ikm, &mut [Expand { info, out }])?;
            if self.0 == "FIRST_OUTPUT_ONLY" {
                break;
            }
        }
        Ok(())
    }
}

#[test]
fn hkdf_sha256() {
    let with = |hkdf_sha256| CryptoProvider { hkdf_sha256, ..RING };
    assert_finds(compliance::hkdf_sha256, with(&FIRST_INFO_ONLY), "RFC 5869 A.1: info split at 0");
    assert_finds(compliance::hkdf_sha256, with(&FIRST_OUTPUT_ONLY), "second of three");
}

impl Aead for Faulty {
    fn key_len(&self) -> usize {
        16
    }

    fn seal_in_place(
        &self,
        key: &[u8],
        nonce: &[u8; 12],
        aad: &[u8],
        in_out: &mut [u8],
    ) -> Result<[u8; 16], CryptoError> {
        let padded = [key, &[0; 16]].concat();
        let key = if self.0 == "ANY_KEY_LENGTH" { &padded[..16] } else { key };
        RING.aes_128_gcm.seal_in_place(key, nonce, if self.0 == "NO_AAD" { &[] } else { aad }, in_out)
    }

    fn open_in_place(
        &self,
        key: &[u8],
        nonce: &[u8; 12],
        aad: &[u8],
        in_out: &mut [u8],
        tag: &[u8; 16],
    ) -> Result<(), CryptoError> {
        if self.0 == "NO_TAG" {
            // Counter mode: sealing again decrypts.
            return RING.aes_128_gcm.seal_in_place(key, nonce, aad, in_out).map(|_| ());
        }
        RING.aes_128_gcm.open_in_place(key, nonce, if self.0 == "NO_AAD" { &[] } else { aad }, in_out, tag)
    }
}

#[test]
fn aes_gcm() {
    let with = |aes_128_gcm| CryptoProvider { aes_128_gcm, ..RING };
    assert_finds(compliance::aes_gcm, with(&NO_AAD), "Wycheproof");
    assert_finds(compliance::aes_gcm, with(&NO_TAG), "opened");
    assert_finds(compliance::aes_gcm, with(&ANY_KEY_LENGTH), "seal with 0 bytes of key");
    assert_finds(
        compliance::aes_gcm,
        CryptoProvider { aes_256_gcm: &NO_AAD, ..RING },
        "key length of AES-256-GCM",
    );
}

impl P256 for Faulty {
    fn generate(&self) -> Result<EcPrivateKey, CryptoError> {
        let key = RUST.p256.generate()?;
        if self.0 != "NO_PUBLIC_KEY" {
            return Ok(key);
        }
        EcPrivateKey::from_bytes(key.expose_scalar()).map_err(|_| CryptoError)
    }

    fn agree_ephemeral(&self, peer: &P256PublicKey) -> Result<EphemeralAgreement, CryptoError> {
        RUST.p256.agree_ephemeral(peer)
    }

    fn agree_ephemeral_many(
        &self,
        peers: &[&P256PublicKey],
        out: &mut Vec<EphemeralAgreement>,
    ) -> Result<(), CryptoError> {
        match self.0 {
            "REPLACES" => out.clear(),
            "REVERSED" => {
                let peers: Vec<_> = peers.iter().copied().rev().collect();
                return RUST.p256.agree_ephemeral_many(&peers, out);
            }
            "ONE_SHORT" => return RUST.p256.agree_ephemeral_many(peers.get(1..).unwrap_or_default(), out),
            "SAME_KEY" => {
                let key = RUST.p256.load_agreement_key(&RUST.p256.generate()?).map_err(|_| CryptoError)?;
                for peer in peers {
                    let public_key = *key.public_key().as_bytes();
                    out.push(EphemeralAgreement { public_key, shared_secret: key.agree(peer)? });
                }
                return Ok(());
            }
            _ => {}
        }
        let before = out.len();
        RUST.p256.agree_ephemeral_many(peers, out)?;
        // What can go wrong where eight are made at a time: in whole groups only, and in one lane.
        for group in out.get_mut(before..).unwrap_or_default().as_chunks_mut::<8>().0 {
            let [.., four, five, six, _seven] = group;
            match self.0 {
                "LANES_SWAPPED" => std::mem::swap(&mut four.shared_secret, &mut six.shared_secret),
                // Bit 52: 6 bytes and a half from the end.
                "CARRY_LOST" => {
                    let mut x = *five.shared_secret.expose();
                    x[25] ^= 0x10;
                    five.shared_secret = x.into();
                }
                "CARRY_OF_PUBLIC_KEY_LOST" => six.public_key[58] ^= 0x10,
                _ => {}
            }
        }
        Ok(())
    }

    fn load_agreement_key(&self, private: &EcPrivateKey) -> Result<Box<dyn AgreementKey>, KeyError> {
        match self.0 {
            "WRONG_TEXT" => Err(KeyError::Unsupported { backend: "rustcrypto", operation: "this" }),
            "WRONG_ERROR" => RUST.p256.load_agreement_key(private).map_err(|_| KeyError::Crypto(CryptoError)),
            "ANY_PUBLIC_KEY" => RUST.p256.load_agreement_key(
                &EcPrivateKey::from_bytes(private.expose_scalar()).map_err(|_| CryptoError)?,
            ),
            _ => RUST.p256.load_agreement_key(private),
        }
    }
}

#[test]
fn p256() {
    let with = |p256| CryptoProvider { p256, ..RUST };
    assert_finds(compliance::p256, with(&REPLACES), "one agreement each, appended");
    assert_finds(compliance::p256, with(&ONE_SHORT), "one agreement each, appended");
    assert_finds(compliance::p256, with(&REVERSED), "ephemeral secret");
    assert_finds(compliance::p256, with(&SAME_KEY), "key used twice");
    assert_finds(compliance::p256, with(&LANES_SWAPPED), "many: agreement 17: ephemeral secret");
    assert_finds(compliance::p256, with(&CARRY_LOST), "many: agreement 18: ephemeral secret");
    assert_finds(
        compliance::p256,
        with(&CARRY_OF_PUBLIC_KEY_LOST),
        "many: agreement 19: ephemeral public key",
    );
    assert_finds(compliance::p256, with(&NO_PUBLIC_KEY), "generate: no public key");
    assert_finds(compliance::p256, with(&ANY_PUBLIC_KEY), "load: another public key");
    assert_finds(compliance::p256, with(&WRONG_TEXT), "text of the refusal");
    assert_finds(compliance::p256, with(&WRONG_ERROR), "load: another public key");
}

impl Es256 for Faulty {
    fn load(&self, private: &EcPrivateKey) -> Result<Arc<dyn Es256SigningKey>, KeyError> {
        match self.0 {
            "ANY_PUBLIC_KEY" => {
                RUST.es256.load(&EcPrivateKey::from_bytes(private.expose_scalar()).map_err(|_| CryptoError)?)
            }
            "WRONG_ERROR" => RUST.es256.load(private).map_err(|_| KeyError::Crypto(CryptoError)),
            _ => RUST.es256.load(private),
        }
    }

    fn verify(&self, public: &P256PublicKey, message: &[u8], signature: &[u8]) -> Result<(), CryptoError> {
        if self.0 == "ANY_SIGNATURE" { Ok(()) } else { RUST.es256.verify(public, message, signature) }
    }
}

#[test]
fn es256() {
    let with = |es256| CryptoProvider { es256, ..RUST };
    assert_finds(compliance::es256, with(&ANY_SIGNATURE), "Wycheproof");
    assert_finds(compliance::es256, with(&ANY_PUBLIC_KEY), "another public key given");
    assert_finds(compliance::es256, with(&WRONG_ERROR), "scalar 0: expected KeyError::Rejected");
}

impl Rs256 for Faulty {
    fn load(&self, private: &RsaPrivateKey) -> Result<Arc<dyn Rs256SigningKey>, KeyError> {
        match self.0 {
            "WRONG_ERROR" => RING.rs256.load(private).map_err(|_| KeyError::Crypto(CryptoError)),
            "WRONG_TEXT" => Err(KeyError::Unsupported { backend: "ring", operation: "this" }),
            "MESSAGE_IGNORED" => Ok(Arc::new(SignsSomethingElse(RING.rs256.load(private)?))),
            _ => RING.rs256.load(private),
        }
    }

    fn verify(&self, public: &RsaPublicKey, message: &[u8], signature: &[u8]) -> Result<(), CryptoError> {
        if self.0 == "ANY_SIGNATURE" { Ok(()) } else { RING.rs256.verify(public, message, signature) }
    }
}

#[derive(Debug)]
struct SignsSomethingElse(Arc<dyn Rs256SigningKey>);

impl Rs256SigningKey for SignsSomethingElse {
    fn sign(&self, _message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.0.sign(b"something else")
    }
}

#[test]
fn rs256() {
    let with = |rs256| CryptoProvider { rs256, ..RING };
    assert_finds(compliance::rs256, with(&ANY_SIGNATURE), "another message verified");
    assert_finds(compliance::rs256, with(&MESSAGE_IGNORED), "signature of RFC 7515 A.2");
    assert_finds(compliance::rs256, with(&WRONG_ERROR), "key of 1,024 bits: expected KeyError::Rejected");
    assert_finds(compliance::rs256, with(&WRONG_TEXT), "the error must name RS256");
}
