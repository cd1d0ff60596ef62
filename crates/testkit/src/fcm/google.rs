//! All of it behind one function, told apart by the path.

use bytes::Bytes;
use http::{Method, Request, Response};
use reveille_core::UnixTime;

use super::{FcmService, OAuthService, Refusal};

/// FCM, the OAuth server and the metadata server in one; use it where a test fetches a token and sends with it. A
/// token that one gives the other takes.
#[derive(Debug)]
#[allow(clippy::exhaustive_structs, reason = "plain data for tests")]
pub struct Google {
    /// `/v1/projects/…`
    pub fcm: FcmService,
    /// `/token`
    pub oauth: OAuthService,
}

impl Google {
    /// Takes a request and answers it.
    pub fn handle(&mut self, request: &Request<Bytes>, now: UnixTime) -> Response<Bytes> {
        let (response, granted) = match request.uri().path() {
            "/token" => self.oauth.handle(request, now),
            "/computeMetadata/v1/instance/service-accounts/default/token" => {
                let flavor =
                    request.headers().get("metadata-flavor").is_some_and(|flavor| flavor == "Google");
                if request.method() != Method::GET || !flavor {
                    return Refusal::PermissionDenied.response();
                }
                self.oauth.grant(now)
            }
            _ => return self.fcm.handle(request, now),
        };
        if let Some((token, until)) = granted {
            self.fcm.allow(token, until);
        }
        response
    }
}
