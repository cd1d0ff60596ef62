//! Cryptography for ten thousand runs: everything is real but the curve. Whoever has no key still cannot open anything by
//! accident, but it proves nothing about secrecy; every sixteenth run takes the real backend.

use std::sync::Arc;

use reveille_core::Secret;
use reveille_crypto::p256::{AgreementKey, EphemeralAgreement, SharedSecret};
use reveille_crypto::{
    CryptoError, CryptoProvider, EcPrivateKey, Es256, Es256SigningKey, KeyError, P256, P256PublicKey,
};
use reveille_crypto_rustcrypto::PROVIDER;

/// The real backend with a curve on which everybody has the same secret, and with a hash for a signature.
pub(super) const QUICK: CryptoProvider =
    CryptoProvider { name: "simulated", p256: &OneSecret, es256: &HashForSignature, ..PROVIDER };

/// The generator of P-256 (SP 800-186 §3.2.1.3): a point that every parser takes.
const POINT: [u8; 65] = [
    0x04, 0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2,
    0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96, 0x4f,
    0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce,
    0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5,
];

#[derive(Debug)]
struct OneSecret;

#[derive(Debug)]
struct Known(P256PublicKey);

fn secret() -> SharedSecret {
    Secret::new([7; 32])
}

impl P256 for OneSecret {
    fn generate(&self) -> Result<EcPrivateKey, CryptoError> {
        PROVIDER.p256.generate()
    }

    fn agree_ephemeral(&self, _: &P256PublicKey) -> Result<EphemeralAgreement, CryptoError> {
        Ok(EphemeralAgreement { public_key: POINT, shared_secret: secret() })
    }

    fn load_agreement_key(&self, private: &EcPrivateKey) -> Result<Box<dyn AgreementKey>, KeyError> {
        let key = PROVIDER.p256.load_agreement_key(private)?;
        Ok(Box::new(Known(*key.public_key())))
    }
}

impl AgreementKey for Known {
    fn public_key(&self) -> &P256PublicKey {
        &self.0
    }

    fn agree(&self, _: &P256PublicKey) -> Result<SharedSecret, CryptoError> {
        Ok(secret())
    }
}

#[derive(Debug)]
struct HashForSignature;

impl Es256 for HashForSignature {
    fn load(&self, private: &EcPrivateKey) -> Result<Arc<dyn Es256SigningKey>, KeyError> {
        Ok(Arc::new(Known(*PROVIDER.es256.load(private)?.public_key())))
    }

    fn verify(&self, _: &P256PublicKey, message: &[u8], signature: &[u8]) -> Result<(), CryptoError> {
        if signature == hash(message) { Ok(()) } else { Err(CryptoError) }
    }
}

impl Es256SigningKey for Known {
    fn public_key(&self) -> &P256PublicKey {
        &self.0
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], CryptoError> {
        Ok(hash(message))
    }
}

fn hash(message: &[u8]) -> [u8; 64] {
    let half = PROVIDER.sha256.digest(&[message]);
    let mut both = [0; 64];
    both.iter_mut().zip(half.iter().chain(&half)).for_each(|(to, from)| *to = *from);
    both
}
