//! The keys of the JWT profile: one fixed algorithm each.

use std::fmt;
use std::sync::Arc;

use reveille_crypto::{
    CryptoProvider, EcPrivateKey, Es256, Es256SigningKey, HmacKey, KeyError, P256PublicKey, Sha256,
};

use crate::error::IssueError;
use crate::keys::InvalidSecret;
use crate::{Reason, TokenSecret};

/// A key of the JWT profile. What it is made from fixes its algorithm for good: HS256 for a secret, ES256 for a key
/// pair or a public key. No token can choose.
///
/// ```
/// use reveille_crypto_ring::PROVIDER;
/// use reveille_resume::JwtKey;
///
/// let private = PROVIDER.p256.generate()?;
/// let signs = JwtKey::es256(PROVIDER, &private)?;
/// assert_eq!(signs.algorithm(), "ES256");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct JwtKey {
    material: Material,
    sha256: &'static dyn Sha256,
}

#[derive(Clone)]
enum Material {
    Hs256(Arc<dyn HmacKey>),
    Es256 { es256: &'static dyn Es256, public: P256PublicKey, private: Option<Arc<dyn Es256SigningKey>> },
}

impl JwtKey {
    /// An HS256 key: the secret as it is, 32 bytes or more (RFC 7518 §3.2). Whoever verifies can also issue.
    ///
    /// # Errors
    /// [`InvalidSecret`] if it is shorter, or a JWK that says it is for another algorithm.
    pub fn hs256(crypto: CryptoProvider, secret: &TokenSecret) -> Result<Self, InvalidSecret> {
        let secret = secret.check(&["HS256"], "HS256", 32, 1_024)?;
        Ok(Self { material: Material::Hs256(crypto.hmac_sha256.key(secret)), sha256: crypto.sha256 })
    }

    /// An ES256 key that issues and verifies.
    ///
    /// # Errors
    /// [`KeyError`] if the backend refuses it.
    pub fn es256(crypto: CryptoProvider, private: &EcPrivateKey) -> Result<Self, KeyError> {
        Ok(Self::es256_signer(crypto, crypto.es256.load(private)?))
    }

    /// An ES256 key whose private half is elsewhere, in an HSM for instance.
    #[must_use]
    pub fn es256_signer(crypto: CryptoProvider, private: Arc<dyn Es256SigningKey>) -> Self {
        let public = *private.public_key();
        let material = Material::Es256 { es256: crypto.es256, public, private: Some(private) };
        Self { material, sha256: crypto.sha256 }
    }

    /// An ES256 key that only verifies.
    #[must_use]
    pub fn es256_public(crypto: CryptoProvider, public: P256PublicKey) -> Self {
        Self {
            material: Material::Es256 { es256: crypto.es256, public, private: None },
            sha256: crypto.sha256,
        }
    }

    /// Returns `HS256` or `ES256`, for which the key was made.
    #[must_use]
    pub const fn algorithm(&self) -> &'static str {
        match self.material {
            Material::Hs256(_) => "HS256",
            Material::Es256 { .. } => "ES256",
        }
    }

    pub(super) fn sha256(&self) -> &dyn Sha256 {
        self.sha256
    }

    pub(super) fn sign(&self, signing_input: &[u8]) -> Result<Vec<u8>, IssueError> {
        match &self.material {
            Material::Hs256(key) => Ok(key.sign(&[signing_input]).to_vec()),
            Material::Es256 { private: Some(key), .. } => Ok(key.sign(signing_input)?.to_vec()),
            Material::Es256 { private: None, .. } => Err(IssueError::VerifyOnlyKey),
        }
    }

    pub(super) fn verify(&self, signing_input: &[u8], signature: &[u8]) -> Result<(), Reason> {
        let result = match &self.material {
            // The capability would take a shortened tag; a JWT never has one (RFC 7518 §3.2).
            Material::Hs256(_) if signature.len() != 32 => return Err(Reason::Forged),
            Material::Hs256(key) => key.verify(&[signing_input], signature),
            Material::Es256 { es256, public, .. } => es256.verify(public, signing_input, signature),
        };
        result.map_err(|_| Reason::Forged)
    }
}

impl fmt::Debug for JwtKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtKey").field("algorithm", &self.algorithm()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reveille_crypto_ring::PROVIDER;

    #[test]
    fn secrets_of_the_wrong_kind_are_refused() {
        let short = TokenSecret::from_bytes(&[7; 31]).unwrap();
        insta::assert_snapshot!(JwtKey::hs256(PROVIDER, &short).unwrap_err(), @"secret must be 32 to 1024 bytes, got 31");
        let gcm = r#"{"kty":"oct","alg":"A256GCM","k":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}"#;
        insta::assert_snapshot!(JwtKey::hs256(PROVIDER, &TokenSecret::parse(gcm).unwrap()).unwrap_err(), @"JWK is for A256GCM, expected HS256");
    }

    #[test]
    fn keys_are_not_printed() {
        let key = JwtKey::hs256(PROVIDER, &TokenSecret::from_bytes(&[7; 32]).unwrap()).unwrap();
        insta::assert_snapshot!(format!("{key:?}"), @r#"JwtKey { algorithm: "HS256", .. }"#);
    }
}
