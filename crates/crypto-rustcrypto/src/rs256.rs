//! RS256: absent. The crate rsa still has the timing side channel of RUSTSEC-2023-0071.

use std::sync::Arc;

use reveille_crypto::{CryptoError, KeyError, Rs256SigningKey, RsaPrivateKey, RsaPublicKey};

use crate::NAME;

#[derive(Debug)]
pub(crate) struct Rs256;

impl reveille_crypto::Rs256 for Rs256 {
    fn load(&self, _private: &RsaPrivateKey) -> Result<Arc<dyn Rs256SigningKey>, KeyError> {
        Err(KeyError::Unsupported { backend: NAME, operation: "RS256 (RUSTSEC-2023-0071 stands)" })
    }

    fn verify(&self, _public: &RsaPublicKey, _message: &[u8], _signature: &[u8]) -> Result<(), CryptoError> {
        Err(CryptoError)
    }
}
