//! ES256.

use std::sync::Arc;

use reveille_crypto::{
    CryptoError, ES256_SIGNATURE_LEN, EcPrivateKey, Es256SigningKey, KeyError, P256PublicKey,
    with_wiped_stack,
};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, UnparsedPublicKey,
};

use crate::{NAME, public_key};

#[derive(Debug)]
pub(crate) struct Es256;

impl reveille_crypto::Es256 for Es256 {
    fn load(&self, private: &EcPrivateKey) -> Result<Arc<dyn Es256SigningKey>, KeyError> {
        with_wiped_stack(|| load(private))
    }

    fn verify(&self, public: &P256PublicKey, message: &[u8], signature: &[u8]) -> Result<(), CryptoError> {
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, public.as_bytes())
            .verify(message, signature)
            .map_err(|_| CryptoError)
    }
}

fn load(private: &EcPrivateKey) -> Result<Arc<dyn Es256SigningKey>, KeyError> {
    let rejected = KeyError::Rejected { backend: NAME, kind: "P-256 private" };
    let public_key = public_key::derive(private.expose_scalar()).ok_or(rejected)?;
    if private.public_key().is_some_and(|given| *given != public_key) {
        return Err(KeyError::PublicKeyMismatch);
    }
    let pair = EcdsaKeyPair::from_private_key_and_public_key(
        &ECDSA_P256_SHA256_FIXED_SIGNING,
        private.expose_scalar(),
        public_key.as_bytes(),
        &SystemRandom::new(),
    )
    .map_err(|_| KeyError::Rejected { backend: NAME, kind: "P-256 private" })?;
    Ok(Arc::new(SigningKey { pair, public_key }))
}

#[derive(Debug)]
struct SigningKey {
    pair: EcdsaKeyPair,
    public_key: P256PublicKey,
}

impl Es256SigningKey for SigningKey {
    fn public_key(&self) -> &P256PublicKey {
        &self.public_key
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; ES256_SIGNATURE_LEN], CryptoError> {
        let signature = self.pair.sign(&SystemRandom::new(), message).map_err(|_| CryptoError)?;
        signature.as_ref().try_into().map_err(|_| CryptoError)
    }
}
