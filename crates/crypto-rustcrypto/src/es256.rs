//! ES256, deterministic as in RFC 6979.

use std::fmt;
use std::sync::Arc;

use p256::ecdsa::signature::{Signer as _, Verifier as _};
use p256::ecdsa::{Signature, SigningKey, VerifyingKey};
use p256::{PublicKey, SecretKey};
use reveille_crypto::{
    CryptoError, ES256_SIGNATURE_LEN, EcPrivateKey, Es256SigningKey, KeyError, P256PublicKey,
    with_wiped_stack,
};

use crate::NAME;
use crate::p256::{from_public_key, to_public_key};

#[derive(Debug)]
pub(crate) struct Es256;

impl reveille_crypto::Es256 for Es256 {
    fn load(&self, private: &EcPrivateKey) -> Result<Arc<dyn Es256SigningKey>, KeyError> {
        with_wiped_stack(|| {
            let secret = SecretKey::from_slice(private.expose_scalar())
                .map_err(|_| KeyError::Rejected { backend: NAME, kind: "P-256 private" })?;
            let key = SigningKey::from(&secret);
            let public_key = to_public_key(&PublicKey::from(key.verifying_key()))?;
            if private.public_key().is_some_and(|given| *given != public_key) {
                return Err(KeyError::PublicKeyMismatch);
            }
            let loaded: Arc<dyn Es256SigningKey> = Arc::new(LoadedKey { key, public_key });
            Ok(loaded)
        })
    }

    fn verify(&self, public: &P256PublicKey, message: &[u8], signature: &[u8]) -> Result<(), CryptoError> {
        let key = VerifyingKey::from(from_public_key(public)?);
        let signature = Signature::from_slice(signature).map_err(|_| CryptoError)?;
        key.verify(message, &signature).map_err(|_| CryptoError)
    }
}

struct LoadedKey {
    key: SigningKey,
    public_key: P256PublicKey,
}

impl Es256SigningKey for LoadedKey {
    fn public_key(&self) -> &P256PublicKey {
        &self.public_key
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; ES256_SIGNATURE_LEN], CryptoError> {
        let signature: Signature = self.key.try_sign(message).map_err(|_| CryptoError)?;
        Ok(signature.to_bytes().into())
    }
}

impl fmt::Debug for LoadedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadedKey").field("public_key", &self.public_key).finish_non_exhaustive()
    }
}
