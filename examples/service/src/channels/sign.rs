//! Signatures of webhooks, as Standard Webhooks has them (specification 1.0.0, "Signature scheme"): HMAC-SHA256 over
//! `id.timestamp.body`, in the headers `webhook-id`, `webhook-timestamp` and `webhook-signature`.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderValue, Request, header};
use reveille_core::UnixTime;
use reveille_crypto::{HmacKey, base64url};
use reveille_crypto_ring::PROVIDER;

/// A secret begins with this, and goes on as base64 of 24 to 64 bytes.
const PREFIX: &str = "whsec_";

/// Signs with one secret, or with the old and the new one while the receiver changes over: each gives a signature, and one
/// that fits is enough.
#[derive(Clone)]
pub struct Signer(Vec<Arc<dyn HmacKey>>);

impl Signer {
    /// From secrets as they are exchanged: `whsec_…`.
    ///
    /// # Errors
    /// A sentence that says what is wrong, and shows nothing of a secret.
    pub fn new<'s>(secrets: impl IntoIterator<Item = &'s str>) -> Result<Self, &'static str> {
        let key = |secret: &str| -> Result<Arc<dyn HmacKey>, &'static str> {
            let bytes =
                secret.trim().strip_prefix(PREFIX).and_then(|text| base64url::decode_lenient(text).ok());
            let bytes = bytes.filter(|bytes| (24..=64).contains(&bytes.len()));
            let bytes = bytes.ok_or("a secret is whsec_ and 24 to 64 bytes as base64")?;
            Ok(PROVIDER.hmac_sha256.key(&bytes))
        };
        let keys = secrets.into_iter().map(key).collect::<Result<Vec<_>, _>>()?;
        match keys.len() {
            1..=3 => Ok(Self(keys)),
            _ => Err("give one to three secrets"),
        }
    }

    /// The value of `webhook-signature`.
    pub fn signature(&self, id: &str, seconds: u64, body: &[u8]) -> String {
        let head = format!("{id}.{seconds}.");
        let one =
            |key: &Arc<dyn HmacKey>| format!("v1,{}", STANDARD.encode(key.sign(&[head.as_bytes(), body])));
        self.0.iter().map(one).collect::<Vec<_>>().join(" ")
    }

    /// A signed POST. The id is the same whenever the same thing is said again; the time is that of this attempt.
    pub fn request(&self, url: &http::Uri, id: &str, body: Vec<u8>, now: UnixTime) -> Option<Request<Bytes>> {
        let seconds = now.as_secs();
        let mut signature = HeaderValue::try_from(self.signature(id, seconds, &body)).ok()?;
        signature.set_sensitive(true);
        Request::post(url.clone())
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::USER_AGENT, concat!("reveille/", env!("CARGO_PKG_VERSION")))
            .header("webhook-id", id)
            .header("webhook-timestamp", seconds)
            .header("webhook-signature", signature)
            .header("idempotency-key", id)
            .body(body.into())
            .ok()
    }
}

/// Shows no key.
impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer").field("secrets", &self.0.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's own libraries (standard-webhooks, libraries/*/tests).
    #[test]
    fn the_example_of_the_specification() {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let signer = Signer::new([secret]).unwrap();
        let (id, body) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", br#"{"test": 2432232314}"#);
        let known = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(signer.signature(id, 1_614_265_330, body), known);
        let both = Signer::new([secret, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSx"]).unwrap();
        let signature = both.signature(id, 1_614_265_330, body);
        assert_eq!(signature.split(' ').next(), Some(known));
        assert_eq!(signature.split(' ').count(), 2);
    }

    #[test]
    fn secrets_that_are_none() {
        let short = "a secret is whsec_ and 24 to 64 bytes as base64";
        assert_eq!(Signer::new(["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]).unwrap_err(), short);
        assert_eq!(Signer::new(["whsec_MfKQ9r8GKYqrTwjUPD8ILPZI"]).unwrap_err(), short);
        assert_eq!(Signer::new([]).unwrap_err(), "give one to three secrets");
        let signer = Signer::new(["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]).unwrap();
        assert_eq!(format!("{signer:?}"), "Signer { secrets: 1, .. }");
    }
}
