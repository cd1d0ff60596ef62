//! A team's key, here or elsewhere.

use std::fmt;
use std::sync::Arc;

use reveille_core::UnixTime;
use reveille_crypto::jws::UnsignedJws;
use reveille_crypto::key::InvalidKey;
use reveille_crypto::{CryptoProvider, EcPrivateKey, Es256, Es256SigningKey, KeyError, P256PublicKey};
use thiserror::Error;

use super::{KeyId, TeamId};

/// Why a `.p8` file could not be loaded; the error of [`ProviderKey::from_p8`]. It carries nothing of the key.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidProviderKey {
    /// It is not a private key on P-256.
    #[error("provider key: {0}")]
    Format(#[from] InvalidKey),
    /// The backend refuses it.
    #[error("provider key: {0}")]
    Backend(#[from] KeyError),
}

/// A provider key with the two ids that go into its tokens: who we are, to Apple. Load it from a `.p8` file, or name
/// one in a KMS, and make a [`TokenSource`](crate::TokenSource) of it.
///
/// It is here ([`from_p8`](Self::from_p8)), or it is elsewhere ([`remote`](Self::remote): a KMS, an HSM, a sidecar); then a
/// [`TokenSource`](super::TokenSource) hands out what is to be signed.
///
/// ```
/// use reveille_apns::ProviderKey;
/// use reveille_crypto_ring::PROVIDER;
///
/// let p8 = PROVIDER.p256.generate()?.to_pkcs8_pem().ok_or("no public key")?; // the content of AuthKey_ABC123DEFG.p8
/// let key = ProviderKey::from_p8(p8.expose(), "DEF123GHIJ".parse()?, "ABC123DEFG".parse()?, PROVIDER)?;
/// assert_eq!(key.key_id().to_string(), "ABC123DEFG");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct ProviderKey {
    team: TeamId,
    key_id: KeyId,
    held: Held,
}

#[derive(Clone)]
enum Held {
    Here(Arc<dyn Es256SigningKey>),
    Elsewhere { public_key: Box<P256PublicKey>, es256: &'static dyn Es256 },
}

impl ProviderKey {
    /// From the content of a `.p8` file (PKCS#8 in PEM, as Apple gives it; any other usual form is taken as well).
    ///
    /// # Errors
    /// [`InvalidProviderKey`].
    pub fn from_p8(
        p8: &str,
        team: TeamId,
        key_id: KeyId,
        crypto: CryptoProvider,
    ) -> Result<Self, InvalidProviderKey> {
        let signer = crypto.es256.load(&EcPrivateKey::parse(p8)?)?;
        Ok(Self::new(signer, team, key_id))
    }

    /// From a key that signs at once, such as one in a local HSM.
    #[must_use]
    pub fn new(signer: Arc<dyn Es256SigningKey>, team: TeamId, key_id: KeyId) -> Self {
        Self { team, key_id, held: Held::Here(signer) }
    }

    /// A key that is elsewhere. Its public half, which every KMS shows, and `crypto` verify each signature before it is
    /// used: one that Apple would refuse never gets that far.
    #[must_use]
    pub fn remote(public_key: P256PublicKey, team: TeamId, key_id: KeyId, crypto: CryptoProvider) -> Self {
        Self { team, key_id, held: Held::Elsewhere { public_key: Box::new(public_key), es256: crypto.es256 } }
    }

    /// Returns the team that the key belongs to.
    #[must_use]
    pub const fn team(&self) -> &TeamId {
        &self.team
    }

    /// Returns the key's id, the token's `kid`.
    #[must_use]
    pub const fn key_id(&self) -> &KeyId {
        &self.key_id
    }

    /// Returns the public half, which verifies the tokens.
    #[must_use]
    pub fn public_key(&self) -> &P256PublicKey {
        match &self.held {
            Held::Here(signer) => signer.public_key(),
            Held::Elsewhere { public_key, .. } => public_key,
        }
    }

    /// The key, if it is here.
    pub(super) fn signer(&self) -> Option<&dyn Es256SigningKey> {
        match &self.held {
            Held::Here(signer) => Some(&**signer),
            Held::Elsewhere { .. } => None,
        }
    }

    /// Whether a signature from elsewhere is right.
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.held {
            Held::Here(_) => false,
            Held::Elsewhere { public_key, es256 } => es256.verify(public_key, message, signature).is_ok(),
        }
    }

    /// A token that lacks its signature: header `alg`, `kid`; claims `iss`, `iat` in seconds; nothing else.
    pub(super) fn unsigned(&self, issued_at: UnixTime) -> UnsignedJws {
        let header = format!(r#"{{"alg":"ES256","kid":"{}"}}"#, self.key_id);
        let claims = format!(r#"{{"iss":"{}","iat":{}}}"#, self.team, issued_at.as_secs());
        UnsignedJws::new(header.as_bytes(), claims.as_bytes())
    }
}

impl fmt::Debug for ProviderKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProviderKey")
            .field("team", &self.team)
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}
