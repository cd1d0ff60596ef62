//! The application server's signing key.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use reveille_crypto::key::InvalidKey;
use reveille_crypto::{CryptoProvider, EcPrivateKey, Es256SigningKey, KeyError, P256PublicKey, base64url};
use thiserror::Error;

/// The short name of a VAPID key: the first 8 bytes of its x coordinate. Keep it with every subscription that was
/// made with the key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VapidKeyId([u8; 8]);

impl VapidKeyId {
    /// The id of a public key.
    #[must_use]
    pub const fn of(key: &P256PublicKey) -> Self {
        // Behind the 0x04 of an uncompressed point.
        let [_, a, b, c, d, e, f, g, h, ..] = *key.as_bytes();
        Self([a, b, c, d, e, f, g, h])
    }
}

impl fmt::Display for VapidKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base64url::encode(&self.0))
    }
}

impl fmt::Debug for VapidKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VapidKeyId({self})")
    }
}

impl FromStr for VapidKeyId {
    type Err = InvalidVapidKeyId;
    fn from_str(text: &str) -> Result<Self, InvalidVapidKeyId> {
        let bytes = base64url::decode(text).map_err(|_| InvalidVapidKeyId)?;
        bytes.try_into().map(Self).map_err(|_| InvalidVapidKeyId)
    }
}

text_serde!(VapidKeyId);

/// The text is not the 11 characters of a [`VapidKeyId`]; the error of its `FromStr`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("VAPID key id must be 11 characters of base64url (8 bytes)")]
#[allow(clippy::exhaustive_structs, reason = "it says all there is to say")]
pub struct InvalidVapidKeyId;

/// A key that signs VAPID tokens (RFC 8292 §2), here or elsewhere: load one from text with
/// [`from_text`](Self::from_text), or name one in a KMS with [`remote`](Self::remote). It belongs into
/// [`VapidKeys`](crate::VapidKeys).
///
/// It signs and does nothing else: there is no way from it to the key agreement, which RFC 8292 §3.2 demands to use
/// another key.
///
/// ```
/// use reveille_testkit::rfc8291::{PROVIDER, VAPID_PRIVATE};
/// use reveille_webpush::VapidKey;
///
/// let key = VapidKey::from_text(VAPID_PRIVATE, PROVIDER)?; // or PEM, DER, JWK
/// // What the page needs for `pushManager.subscribe`:
/// assert_eq!(key.public_key().to_string().len(), 87);
/// assert_eq!(VapidKey::remote(*key.public_key()).id(), key.id());
/// # Ok::<(), reveille_webpush::Error>(())
/// ```
#[derive(Clone)]
pub struct VapidKey {
    public: P256PublicKey,
    signer: Option<Arc<dyn Es256SigningKey>>,
}

/// Why a key cannot be used for VAPID; the error of the constructors of [`VapidKey`]. It carries nothing of the key.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidVapidKey {
    /// It cannot be read.
    #[error(transparent)]
    Format(#[from] InvalidKey),
    /// The backend refuses it.
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl VapidKey {
    /// Reads a private key in any format of [`EcPrivateKey::parse`]: raw base64url, PKCS#8 or SEC1 in PEM or DER, JWK.
    /// The public key is derived.
    ///
    /// # Errors
    /// [`InvalidVapidKey`].
    pub fn from_text(private_key: &str, crypto: CryptoProvider) -> Result<Self, InvalidVapidKey> {
        Ok(Self::new(&EcPrivateKey::parse(private_key)?, crypto)?)
    }

    /// A key that signs here.
    ///
    /// # Errors
    /// [`KeyError`] if the backend refuses it.
    pub fn new(private_key: &EcPrivateKey, crypto: CryptoProvider) -> Result<Self, KeyError> {
        Ok(Self::from_signer(crypto.es256.load(private_key)?))
    }

    /// A key that signs through the caller's object, such as a local HSM. It may be slow: while it signs, only those wait
    /// who have no token at all for their push service.
    #[must_use]
    pub fn from_signer(signer: Arc<dyn Es256SigningKey>) -> Self {
        Self { public: *signer.public_key(), signer: Some(signer) }
    }

    /// A key that signs somewhere else, such as a cloud KMS: what it has to sign comes out of
    /// [`ApplicationServer::poll_output`](crate::ApplicationServer::poll_output).
    #[must_use]
    pub const fn remote(public: P256PublicKey) -> Self {
        Self { public, signer: None }
    }

    /// The public key, which the page passes to `pushManager.subscribe` as `applicationServerKey`.
    #[must_use]
    pub const fn public_key(&self) -> &P256PublicKey {
        &self.public
    }

    /// Returns the key's short name, by which subscriptions are bound to it.
    #[must_use]
    pub fn id(&self) -> VapidKeyId {
        VapidKeyId::of(&self.public)
    }

    /// What signs here, if this key can.
    pub(crate) fn signer(&self) -> Option<&dyn Es256SigningKey> {
        self.signer.as_deref()
    }
}

impl fmt::Debug for VapidKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VapidKey")
            .field("public", &self.public)
            .field("remote", &self.signer.is_none())
            .finish()
    }
}
