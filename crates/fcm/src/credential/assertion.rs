//! The signed statement that is exchanged for an access token (RFC 7523 §2.1; Google, "Using OAuth 2.0 for server to
//! server applications").

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Uri};
use reveille_core::UnixTime;
use reveille_crypto::jws::UnsignedJws;
use reveille_payload::write_integer;

use super::Issuer;
use crate::json::{Json, ObjectWriter};

/// The scope that sending needs, and nothing more.
pub const SCOPE_MESSAGING: &str = "https://www.googleapis.com/auth/firebase.messaging";
/// The scope for everything in Google Cloud.
pub const SCOPE_CLOUD_PLATFORM: &str = "https://www.googleapis.com/auth/cloud-platform";

/// Google refuses an assertion that lives longer.
const LIFETIME: Duration = Duration::from_secs(3_600);
/// `urn:ietf:params:oauth:grant-type:jwt-bearer` (RFC 7523 §2.1), percent-encoded.
const FORM_START: &str = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=";

/// An assertion in two phases: sign [`signing_input`](Self::signing_input) with RS256, here or in a KMS, then make
/// the request of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assertion {
    jws: UnsignedJws,
    token_uri: Uri,
}

impl Assertion {
    /// States that `issuer` wants `scope` at `now`, for an hour.
    #[must_use]
    pub fn new(issuer: &Issuer, scope: &str, now: UnixTime) -> Self {
        let mut header = Vec::with_capacity(96);
        let mut object = ObjectWriter::open(&mut header);
        object.member(",\"alg\":", "RS256");
        object.member(",\"typ\":", "JWT");
        if let Some(key_id) = &issuer.key_id {
            object.member(",\"kid\":", &**key_id);
        }
        object.close();
        let mut claims = Vec::with_capacity(384);
        let mut object = ObjectWriter::open(&mut claims);
        object.member(",\"iss\":", &*issuer.client_email);
        object.member(",\"scope\":", scope);
        object.member(",\"aud\":", issuer.token_uri.to_string().as_str());
        object.member(",\"iat\":", &Seconds(now));
        object.member(",\"exp\":", &Seconds(now + LIFETIME));
        object.close();
        Self { jws: UnsignedJws::new(&header, &claims), token_uri: issuer.token_uri.clone() }
    }

    /// Phase one: what RS256 signs.
    #[must_use]
    pub fn signing_input(&self) -> &[u8] {
        self.jws.signing_input()
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

/// A NumericDate (RFC 7519 §2).
struct Seconds(UnixTime);

impl Json for Seconds {
    fn write(&self, out: &mut Vec<u8>) {
        write_integer(out, self.0.as_secs());
    }
}
