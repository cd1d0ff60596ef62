//! The key pair and the authentication secret of one subscription.

use reveille_core::Secret;
use reveille_crypto::key::InvalidKey;
use reveille_crypto::{CryptoError, CryptoProvider, EcPrivateKey, P256PublicKey, base64url};
use thiserror::Error;

use crate::target::AUTH_SECRET_LEN;

/// What a user agent generates for a subscription (RFC 8291 §3.1, §3.2) and keeps: make a
/// [`UserAgent`](crate::UserAgent) of it.
///
/// ```
/// use reveille_testkit::rfc8291::{AUTH_SECRET, UA_PRIVATE};
/// use reveille_webpush::UserAgentKeys;
///
/// let keys = UserAgentKeys::from_text(UA_PRIVATE, AUTH_SECRET)?;
/// assert_eq!(keys.expose_auth_secret().len(), 16);
/// assert!(UserAgentKeys::from_text(UA_PRIVATE, "AAAA").is_err()); // the secret has 16 bytes
/// # Ok::<(), reveille_webpush::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct UserAgentKeys {
    pub(super) private_key: EcPrivateKey,
    pub(super) auth_secret: Secret<[u8; AUTH_SECRET_LEN]>,
}

/// Why stored keys of a user agent cannot be read; the error of [`UserAgentKeys`]. It carries nothing of the keys.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidUserAgentKeys {
    /// The private key.
    #[error("private key: {0}")]
    PrivateKey(#[from] InvalidKey),
    /// The authentication secret is not base64url.
    #[error("auth: not base64url: {0}")]
    AuthBase64(#[from] base64url::InvalidBase64),
    /// The authentication secret has the wrong length.
    #[error("auth: must be {AUTH_SECRET_LEN} bytes, got {length}")]
    AuthLength {
        /// How many bytes were given.
        length: usize,
    },
}

impl UserAgentKeys {
    /// Generates a key pair and a secret.
    ///
    /// # Errors
    /// [`CryptoError`] if the random source fails.
    pub fn generate(crypto: CryptoProvider) -> Result<Self, CryptoError> {
        let private_key = crypto.p256.generate()?;
        let mut auth_secret = [0; AUTH_SECRET_LEN];
        crypto.random.fill(&mut auth_secret)?;
        Ok(Self { private_key, auth_secret: Secret::new(auth_secret) })
    }

    /// From stored text: the private key in any format of [`EcPrivateKey::parse`], the secret in base64url.
    ///
    /// # Errors
    /// [`InvalidUserAgentKeys`].
    pub fn from_text(private_key: &str, auth: &str) -> Result<Self, InvalidUserAgentKeys> {
        let private_key = EcPrivateKey::parse(private_key)?;
        let auth = Secret::new(base64url::decode_lenient(auth)?);
        let length = auth.expose().len();
        let secret: [u8; AUTH_SECRET_LEN] =
            auth.expose().as_slice().try_into().map_err(|_| InvalidUserAgentKeys::AuthLength { length })?;
        Ok(Self { private_key, auth_secret: Secret::new(secret) })
    }

    /// The same keys with the public key known, so that it is checked when they are loaded.
    #[must_use]
    pub fn with_public_key(self, public_key: P256PublicKey) -> Self {
        Self { private_key: self.private_key.with_public_key(public_key), ..self }
    }

    /// Returns the private key, which opens messages.
    #[must_use]
    pub const fn private_key(&self) -> &EcPrivateKey {
        &self.private_key
    }

    /// The public key, if it is known: always after [`generate`](Self::generate).
    #[must_use]
    pub const fn public_key(&self) -> Option<&P256PublicKey> {
        self.private_key.public_key()
    }

    /// Returns the authentication secret, 16 bytes (RFC 8291 §3.2).
    #[must_use]
    pub fn expose_auth_secret(&self) -> &[u8; AUTH_SECRET_LEN] {
        self.auth_secret.expose()
    }
}
