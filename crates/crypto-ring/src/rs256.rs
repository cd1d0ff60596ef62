//! RS256.

use std::fmt;
use std::sync::Arc;

use reveille_crypto::{CryptoError, KeyError, Rs256SigningKey, RsaPrivateKey, RsaPublicKey};
use ring::rand::SystemRandom;
use ring::rsa::{KeyPair, PublicKeyComponents};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256};

use crate::NAME;

#[derive(Debug)]
pub(crate) struct Rs256;

impl reveille_crypto::Rs256 for Rs256 {
    fn load(&self, private: &RsaPrivateKey) -> Result<Arc<dyn Rs256SigningKey>, KeyError> {
        let pair = KeyPair::from_der(private.expose_pkcs1_der())
            .map_err(|_| KeyError::Rejected { backend: NAME, kind: "RSA private" })?;
        Ok(Arc::new(SigningKey(pair)))
    }

    fn verify(&self, public: &RsaPublicKey, message: &[u8], signature: &[u8]) -> Result<(), CryptoError> {
        PublicKeyComponents { n: public.n(), e: public.e() }
            .verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
            .map_err(|_| CryptoError)
    }
}

struct SigningKey(KeyPair);

impl Rs256SigningKey for SigningKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let mut signature = vec![0; self.0.public().modulus_len()];
        self.0
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
            .map_err(|_| CryptoError)?;
        Ok(signature)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").finish_non_exhaustive()
    }
}
