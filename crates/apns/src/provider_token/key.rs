//! A team's key, and the token it signs.

use std::fmt;
use std::sync::Arc;

use reveille_core::UnixTime;
use reveille_crypto::jws::UnsignedJws;
use reveille_crypto::{
    CryptoError, CryptoProvider, ES256_SIGNATURE_LEN, EcPrivateKey, Es256SigningKey, InvalidKey, KeyError,
};
use thiserror::Error;

use super::{KeyId, TeamId};

/// A provider token that lacks its signature: header `alg`, `kid`; claims `iss`, `iat` in seconds; nothing else.
///
/// ```
/// use reveille_apns::unsigned_provider_token;
/// use reveille_core::UnixTime;
/// let (team, key) = ("DEF123GHIJ".parse()?, "ABC123DEFG".parse()?);
/// let jws = unsigned_provider_token(team, key, UnixTime::from_secs(1_437_179_036));
/// assert_eq!(
///     jws.signing_input(),
///     b"eyJhbGciOiJFUzI1NiIsImtpZCI6IkFCQzEyM0RFRkcifQ.eyJpc3MiOiJERUYxMjNHSElKIiwiaWF0IjoxNDM3MTc5MDM2fQ"
/// );
/// # Ok::<(), reveille_apns::InvalidValue>(())
/// ```
#[must_use]
pub fn unsigned_provider_token(team: TeamId, key: KeyId, issued_at: UnixTime) -> UnsignedJws {
    let header = format!(r#"{{"alg":"ES256","kid":"{key}"}}"#);
    let claims = format!(r#"{{"iss":"{team}","iat":{}}}"#, issued_at.as_secs());
    UnsignedJws::new(header.as_bytes(), claims.as_bytes())
}

/// Why a `.p8` file could not be loaded.
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

/// A signing key with the two ids that go into its tokens. For a key that lives elsewhere (KMS, HSM), sign the
/// [`SignRequest`](crate::SignRequest)s of [`ProviderTokens`](crate::ProviderTokens) there instead.
#[derive(Clone)]
pub struct ProviderKey {
    team: TeamId,
    key: KeyId,
    signer: Arc<dyn Es256SigningKey>,
}

impl ProviderKey {
    /// From the content of a `.p8` file (PKCS#8 in PEM, as Apple gives it; any other usual form is taken as well).
    ///
    /// # Errors
    /// [`InvalidProviderKey`].
    pub fn from_p8(
        p8: &str,
        team: TeamId,
        key: KeyId,
        crypto: CryptoProvider,
    ) -> Result<Self, InvalidProviderKey> {
        let signer = crypto.es256.load(&EcPrivateKey::parse(p8)?)?;
        Ok(Self { team, key, signer })
    }

    /// The team.
    #[must_use]
    pub const fn team(&self) -> TeamId {
        self.team
    }

    /// The key's id.
    #[must_use]
    pub const fn key_id(&self) -> KeyId {
        self.key
    }

    /// Signs the input of a token.
    ///
    /// # Errors
    /// [`CryptoError`] if the backend fails.
    pub fn sign(&self, signing_input: &[u8]) -> Result<[u8; ES256_SIGNATURE_LEN], CryptoError> {
        self.signer.sign(signing_input)
    }
}

impl fmt::Debug for ProviderKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProviderKey")
            .field("team", &self.team)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}
