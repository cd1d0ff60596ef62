//! The ways to an access token.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Uri};
use reveille_crypto::{CryptoProvider, KeyError, Rs256, Rs256SigningKey, RsaPublicKey};

use super::{CredentialError, Issuer, OAuthScope, ServiceAccount, Token};
use crate::request::is_safe_origin;

/// Where access tokens come from: what a [`TokenSource`](super::TokenSource) is made with.
///
/// ```
/// use reveille_core::{Jitter, UnixTime};
/// use reveille_fcm::{Grant, Token, TokenSettings, TokenSource};
///
/// // Another process fetches the token and gives it to us.
/// let given = Token::new("ya29.x")?;
/// let source = TokenSource::new(Grant::given(given), TokenSettings::default(), Jitter::new(7));
/// assert_eq!(source.token(UnixTime::from_secs(1_000))?.authorization(), "Bearer ya29.x");
/// # Ok::<(), reveille_fcm::Error>(())
/// ```
#[derive(Clone)]
pub struct Grant {
    pub(super) kind: GrantKind,
    pub(super) scope: OAuthScope,
}

#[derive(Clone)]
pub(super) enum GrantKind {
    /// A service account whose key is here.
    Local { issuer: Issuer, key: Arc<dyn Rs256SigningKey> },
    /// A service account whose key is elsewhere.
    Remote { issuer: Issuer, key: RsaPublicKey, rs256: &'static dyn Rs256 },
    /// The metadata server of Google Cloud.
    Metadata { uris: Box<MetadataUris> },
    /// A token from outside.
    Given { token: Token },
}

/// One for each scope.
#[derive(Clone)]
pub(super) struct MetadataUris {
    messaging: Uri,
    cloud_platform: Uri,
}

const METADATA_PATH: &str = "/computeMetadata/v1/instance/service-accounts/default/token";

impl Grant {
    /// A service account, its key loaded by a backend that has RSA.
    ///
    /// # Errors
    /// [`KeyError`] if the backend refuses the key or has no RSA.
    pub fn service_account(account: &ServiceAccount, crypto: CryptoProvider) -> Result<Self, KeyError> {
        let key = account.load_key(crypto)?;
        Ok(Self::of(GrantKind::Local { issuer: account.issuer().clone(), key }))
    }

    /// A service account whose key signs elsewhere, in a KMS or an HSM. Its public key verifies each signature before it
    /// is used; Google shows it as a JWK (`n`, `e`, by key id) at
    /// `https://www.googleapis.com/service_accounts/v1/jwk/{client_email}`, and a KMS gives it as well.
    #[must_use]
    pub const fn remote(issuer: Issuer, public_key: RsaPublicKey, crypto: CryptoProvider) -> Self {
        Self::of(GrantKind::Remote { issuer, key: public_key, rs256: crypto.rs256 })
    }

    /// The metadata server that every machine in Google Cloud has; no key at all.
    #[must_use]
    pub fn metadata_server() -> Self {
        Self::of(GrantKind::Metadata {
            uris: Box::new(MetadataUris {
                messaging: Uri::from_static(
                    "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token?scopes=https%3A%2F%2Fwww.googleapis.com%2Fauth%2Ffirebase.messaging",
                ),
                cloud_platform: Uri::from_static(
                    "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token?scopes=https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fcloud-platform",
                ),
            }),
        })
    }

    /// A metadata server elsewhere (`GCE_METADATA_HOST`, a local test).
    ///
    /// # Errors
    /// [`CredentialError::Field`] if `origin` is neither `https` nor on loopback.
    pub fn metadata_server_at(origin: &str) -> Result<Self, CredentialError> {
        let fail =
            || CredentialError::Field { field: "origin", problem: "is not https, nor http on loopback" };
        let parsed: Uri = origin.parse().map_err(|_| fail())?;
        if !is_safe_origin(&parsed) {
            return Err(fail());
        }
        let uri = |scope: OAuthScope| {
            let scope = scope.as_str().replace(':', "%3A").replace('/', "%2F");
            let uri = format!("{}{METADATA_PATH}?scopes={scope}", origin.trim_end_matches('/'));
            uri.parse::<Uri>().map_err(|_| fail())
        };
        let uris = MetadataUris {
            messaging: uri(OAuthScope::Messaging)?,
            cloud_platform: uri(OAuthScope::CloudPlatform)?,
        };
        Ok(Self::of(GrantKind::Metadata { uris: Box::new(uris) }))
    }

    /// A token from outside: a command line, a sidecar. When it ends there is no other until the grant is replaced.
    #[must_use]
    pub const fn given(token: Token) -> Self {
        Self::of(GrantKind::Given { token })
    }

    const fn of(kind: GrantKind) -> Self {
        Self { kind, scope: OAuthScope::Messaging }
    }

    /// Asks for another scope than [`OAuthScope::Messaging`].
    #[must_use]
    pub const fn with_scope(mut self, scope: OAuthScope) -> Self {
        self.scope = scope;
        self
    }
}

/// `GET …/token`, with the header that a browser cannot be made to send.
pub(super) fn metadata_request(uris: &MetadataUris, scope: OAuthScope) -> Request<Bytes> {
    let mut request = Request::new(Bytes::new());
    *request.method_mut() = Method::GET;
    *request.uri_mut() = match scope {
        OAuthScope::Messaging => uris.messaging.clone(),
        OAuthScope::CloudPlatform => uris.cloud_platform.clone(),
    };
    request
        .headers_mut()
        .insert(HeaderName::from_static("metadata-flavor"), HeaderValue::from_static("Google"));
    request
}

/// What it is, never with what.
impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            GrantKind::Local { issuer, .. } => f.debug_tuple("ServiceAccount").field(issuer).finish(),
            GrantKind::Remote { issuer, .. } => f.debug_tuple("Remote").field(issuer).finish(),
            GrantKind::Metadata { uris } => {
                f.debug_tuple("MetadataServer").field(&uris.messaging.host()).finish()
            }
            GrantKind::Given { token } => f.debug_tuple("Given").field(token).finish(),
        }
    }
}
