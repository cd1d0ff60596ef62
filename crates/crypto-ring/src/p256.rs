//! Key generation and agreement on P-256.

use reveille_core::Secret;
use reveille_crypto::p256::{AgreementKey, EphemeralAgreement, P256_PUBLIC_KEY_LEN};
use reveille_crypto::{CryptoError, EcPrivateKey, KeyError, P256PublicKey, with_wiped_stack};
use ring::agreement::{ECDH_P256, EphemeralPrivateKey, UnparsedPublicKey, agree_ephemeral};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};

use crate::NAME;

#[derive(Debug)]
pub(crate) struct P256;

impl reveille_crypto::P256 for P256 {
    fn generate(&self) -> Result<EcPrivateKey, CryptoError> {
        // ring does not wipe its document.
        with_wiped_stack(|| {
            let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
                .map_err(|_| CryptoError)?;
            EcPrivateKey::from_pkcs8_der(pkcs8.as_ref()).map_err(|_| CryptoError)
        })
    }

    fn agree_ephemeral(&self, peer: &P256PublicKey) -> Result<EphemeralAgreement, CryptoError> {
        let private =
            EphemeralPrivateKey::generate(&ECDH_P256, &SystemRandom::new()).map_err(|_| CryptoError)?;
        let public = private.compute_public_key().map_err(|_| CryptoError)?;
        let public_key: [u8; P256_PUBLIC_KEY_LEN] = public.as_ref().try_into().map_err(|_| CryptoError)?;
        let peer = UnparsedPublicKey::new(&ECDH_P256, peer.as_bytes());
        let shared_secret = agree_ephemeral(private, &peer, |x| x.try_into().map(Secret::new))
            .map_err(|_| CryptoError)?
            .map_err(|_| CryptoError)?;
        Ok(EphemeralAgreement { public_key, shared_secret })
    }

    fn load_agreement_key(&self, _private: &EcPrivateKey) -> Result<Box<dyn AgreementKey>, KeyError> {
        Err(KeyError::Unsupported { backend: NAME, operation: "loading a P-256 agreement key" })
    }
}
