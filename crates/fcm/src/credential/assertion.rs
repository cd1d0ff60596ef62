//! The signed statement that is exchanged for an access token (RFC 7523 §2.1; Google, "Using OAuth 2.0 for server to
//! server applications").

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Uri};
use reveille_core::UnixTime;
use reveille_crypto::jws::{SigningAlgorithm, SigningId, SigningRequest, UnsignedJws};
use reveille_payload::{ObjectWriter, label};

use super::Issuer;

/// What an access token may be used for, for [`Grant::with_scope`](super::Grant::with_scope). The default is sending
/// messages and nothing else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OAuthScope {
    /// Sending, and nothing more: what a gateway should ask for.
    #[default]
    Messaging,
    /// Everything in Google Cloud that the account may do.
    CloudPlatform,
}

impl OAuthScope {
    /// Returns the scope's URL, as OAuth names it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Messaging => "https://www.googleapis.com/auth/firebase.messaging",
            Self::CloudPlatform => "https://www.googleapis.com/auth/cloud-platform",
        }
    }
}

/// Google refuses an assertion that lives longer.
const LIFETIME: Duration = Duration::from_secs(3_600);
/// `urn:ietf:params:oauth:grant-type:jwt-bearer` (RFC 7523 §2.1), percent-encoded.
const FORM_START: &str = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=";

/// An assertion in two phases, for those who fetch tokens without a [`TokenSource`](super::TokenSource): sign [`signing_input`](Self::signing_input) with RS256, here or in a KMS, then make
/// the request of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assertion {
    jws: UnsignedJws,
    token_uri: Uri,
}

impl Assertion {
    /// States that `issuer` wants `scope` at `now`, for an hour.
    #[must_use]
    pub fn new(issuer: &Issuer, scope: OAuthScope, now: UnixTime) -> Self {
        let mut header = Vec::with_capacity(96);
        let mut object = ObjectWriter::open(&mut header);
        object.text(label!("alg"), SigningAlgorithm::Rs256.as_str());
        object.text(label!("typ"), "JWT");
        if let Some(key_id) = &issuer.key_id {
            object.text(label!("kid"), key_id);
        }
        object.close();
        let mut claims = Vec::with_capacity(384);
        let mut object = ObjectWriter::open(&mut claims);
        object.text(label!("iss"), &issuer.client_email);
        object.text(label!("scope"), scope.as_str());
        object.text(label!("aud"), &issuer.token_uri.to_string());
        // NumericDates (RFC 7519 §2).
        object.integer(label!("iat"), now.as_secs());
        object.integer(label!("exp"), (now + LIFETIME).as_secs());
        object.close();
        Self { jws: UnsignedJws::new(&header, &claims), token_uri: issuer.token_uri.clone() }
    }

    /// Phase one: what RS256 signs.
    #[must_use]
    pub fn signing_input(&self) -> &[u8] {
        self.jws.signing_input()
    }

    /// What a remote signer is asked.
    pub(super) fn signing_request(&self, id: SigningId, issuer: &Issuer) -> SigningRequest {
        let key_id = issuer.key_id.as_deref().unwrap_or_default();
        SigningRequest::new(id, SigningAlgorithm::Rs256, key_id, &self.jws)
    }

    /// Phase two: the request for an access token. Its body is as good as a password for an hour.
    #[must_use]
    pub fn into_request(self, signature: &[u8]) -> Request<Bytes> {
        let mut form = FORM_START.to_owned();
        form.push_str(&self.jws.finish(signature));
        let mut request = Request::new(Bytes::from(form));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.token_uri;
        request
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
        request
    }
}
