//! The three ways to an access token.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Uri};
use reveille_crypto::{KeyError, Rs256, Rs256SigningKey};

use super::{CredentialError, Issuer, SCOPE_MESSAGING, ServiceAccount};
use crate::AccessToken;
use crate::project::is_safe_origin;

/// Where access tokens come from.
#[derive(Clone)]
pub struct Grant {
    pub(super) kind: GrantKind,
    pub(super) scope: &'static str,
}

#[derive(Clone)]
pub(super) enum GrantKind {
    /// A service account whose key is here.
    Local { issuer: Issuer, key: Arc<dyn Rs256SigningKey> },
    /// A service account whose key is elsewhere.
    Remote { issuer: Issuer },
    /// The metadata server of Google Cloud.
    Metadata { uri: Uri },
    /// A token from outside.
    Given { token: AccessToken },
}

impl Grant {
    /// A service account, its key loaded by a backend that has RSA.
    ///
    /// # Errors
    /// [`KeyError`] if the backend refuses the key or has no RSA.
    pub fn service_account(account: &ServiceAccount, rs256: &dyn Rs256) -> Result<Self, KeyError> {
        let kind = GrantKind::Local { issuer: account.issuer().clone(), key: account.load_key(rs256)? };
        Ok(Self { kind, scope: SCOPE_MESSAGING })
    }

    /// A service account whose key signs elsewhere, in a KMS or an HSM.
    #[must_use]
    pub const fn remote_signer(issuer: Issuer) -> Self {
        Self { kind: GrantKind::Remote { issuer }, scope: SCOPE_MESSAGING }
    }

    /// The metadata server that every machine in Google Cloud has; no key at all.
    #[must_use]
    pub fn metadata_server() -> Self {
        let uri = Uri::from_static(
            "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token",
        );
        Self { kind: GrantKind::Metadata { uri }, scope: SCOPE_MESSAGING }
    }

    /// A metadata server elsewhere (`GCE_METADATA_HOST`, a local test).
    ///
    /// # Errors
    /// [`CredentialError::Field`] if `origin` is neither `https` nor on loopback.
    pub fn metadata_server_at(origin: &str) -> Result<Self, CredentialError> {
        let fail = CredentialError::Field { field: "origin", problem: "is not https, nor http on loopback" };
        let parsed: Uri = origin.parse().map_err(|_| fail.clone())?;
        if !is_safe_origin(&parsed) {
            return Err(fail);
        }
        let path = "computeMetadata/v1/instance/service-accounts/default/token";
        let uri = format!("{}/{path}", origin.trim_end_matches('/')).parse().map_err(|_| fail)?;
        Ok(Self { kind: GrantKind::Metadata { uri }, scope: SCOPE_MESSAGING })
    }

    /// A token from outside: a command line, a sidecar. When it ends there is no other until the grant is replaced.
    #[must_use]
    pub const fn given(token: AccessToken) -> Self {
        Self { kind: GrantKind::Given { token }, scope: SCOPE_MESSAGING }
    }

    /// Asks for another scope than [`SCOPE_MESSAGING`].
    #[must_use]
    pub const fn with_scope(mut self, scope: &'static str) -> Self {
        self.scope = scope;
        self
    }
}

/// `GET …/token`, with the header that a browser cannot be made to send.
pub(super) fn metadata_request(uri: &Uri, scope: &str) -> Request<Bytes> {
    let mut request = Request::new(Bytes::new());
    *request.method_mut() = Method::GET;
    let with_scope = format!("{uri}?scopes={}", scope.replace(':', "%3A").replace('/', "%2F")).parse();
    *request.uri_mut() = with_scope.unwrap_or_else(|_| uri.clone());
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
            GrantKind::Remote { issuer } => f.debug_tuple("RemoteSigner").field(issuer).finish(),
            GrantKind::Metadata { uri } => f.debug_tuple("MetadataServer").field(&uri.host()).finish(),
            GrantKind::Given { token } => f.debug_tuple("Given").field(token).finish(),
        }
    }
}
