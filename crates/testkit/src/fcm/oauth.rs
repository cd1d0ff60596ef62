//! Google's OAuth server: assertions in, access tokens out.

use std::collections::VecDeque;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use reveille_core::UnixTime;
use reveille_crypto::jws::CompactJws;
use reveille_crypto::{CryptoProvider, RsaPublicKey};
use serde_json::{Value, json};

use super::wire::{form, ok};

/// The scopes that allow sending.
const SCOPES: [&str; 2] =
    ["https://www.googleapis.com/auth/firebase.messaging", "https://www.googleapis.com/auth/cloud-platform"];
/// Google refuses assertions whose times are off by more.
const SKEW_SECS: u64 = 300;
/// An hour, and the skew.
const MAX_LIFE_SECS: u64 = 3_600 + SKEW_SECS;

/// Why the OAuth server refuses, with Google's words; [`OAuthService::script`] makes the next answer one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OAuthRefusal {
    /// `unsupported_grant_type`, or not a form at all.
    GrantType,
    /// `invalid_grant`: not a JWS, wrong algorithm, wrong audience.
    Assertion,
    /// `invalid_grant`: the signature.
    Signature,
    /// `invalid_grant`: `iat` and `exp`.
    Times,
    /// `invalid_grant`: no such account.
    Account,
    /// `invalid_scope`.
    Scope,
    /// 429 with `Retry-After` (scripted).
    TooManyRequests,
    /// 503 (scripted).
    Unavailable,
    /// 200 without a token (scripted); real servers have done it.
    NoToken,
}

impl OAuthRefusal {
    /// Returns the answer, in Google's form.
    #[must_use]
    pub fn response(self) -> Response<Bytes> {
        let (status, error, description) = match self {
            Self::GrantType => (400, "unsupported_grant_type", "Invalid grant_type"),
            Self::Assertion => (400, "invalid_grant", "Invalid JWT: Failed audience check."),
            Self::Signature => (400, "invalid_grant", "Invalid JWT Signature."),
            Self::Times => (
                400,
                "invalid_grant",
                "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.",
            ),
            Self::Account => (400, "invalid_grant", "Invalid grant: account not found"),
            Self::Scope => (400, "invalid_scope", "Invalid OAuth scope or ID token audience provided."),
            Self::TooManyRequests => (429, "rate_limit_exceeded", "Too many requests"),
            Self::Unavailable => (503, "temporarily_unavailable", "The service is unavailable"),
            Self::NoToken => return ok(&json!({"id_token": "x"})),
        };
        let mut response = ok(&json!({"error": error, "error_description": description}));
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
        if self == Self::TooManyRequests {
            response.headers_mut().insert("retry-after", HeaderValue::from_static("30"));
        }
        response
    }
}

/// Google's OAuth server in memory, for one service account: it checks assertions as Google does and gives tokens.
/// Hand it the requests of a source of tokens.
#[derive(Debug)]
pub struct OAuthService {
    client_email: String,
    key: RsaPublicKey,
    token_uri: String,
    crypto: CryptoProvider,
    lifetime_secs: u64,
    script: VecDeque<OAuthRefusal>,
    count: u64,
}

impl OAuthService {
    /// A server at `token_uri` that knows one account by its public key. The provider verifies; it needs RSA.
    #[must_use]
    pub fn new(
        token_uri: impl Into<String>,
        client_email: impl Into<String>,
        key: RsaPublicKey,
        crypto: CryptoProvider,
    ) -> Self {
        Self {
            client_email: client_email.into(),
            key,
            token_uri: token_uri.into(),
            crypto,
            lifetime_secs: 3_599,
            script: VecDeque::new(),
            count: 0,
        }
    }

    /// Gives tokens of this life from now on.
    pub const fn lifetime_secs(&mut self, secs: u64) {
        self.lifetime_secs = secs;
    }

    /// The next requests, one each, are answered with these whatever they are.
    pub fn script(&mut self, answers: impl IntoIterator<Item = OAuthRefusal>) {
        self.script.extend(answers);
    }

    /// Answers a request; with the token that it gave, and its end, if it gave one.
    pub fn handle(
        &mut self,
        request: &Request<Bytes>,
        now: UnixTime,
    ) -> (Response<Bytes>, Option<(String, UnixTime)>) {
        if let Some(refusal) = self.script.pop_front() {
            return (refusal.response(), None);
        }
        match self.check(request, now) {
            Ok(()) => self.grant(now),
            Err(refusal) => (refusal.response(), None),
        }
    }

    /// Gives a token without an assertion, as the metadata server does.
    pub fn grant(&mut self, now: UnixTime) -> (Response<Bytes>, Option<(String, UnixTime)>) {
        self.count += 1;
        let token = format!("ya29.test-{:04}", self.count);
        let body = json!({"access_token": token, "expires_in": self.lifetime_secs, "token_type": "Bearer"});
        let until =
            UnixTime::from_millis(now.as_millis().saturating_add(self.lifetime_secs.saturating_mul(1_000)));
        (ok(&body), Some((token, until)))
    }

    fn check(&self, request: &Request<Bytes>, now: UnixTime) -> Result<(), OAuthRefusal> {
        let kind = request.headers().get("content-type").map(HeaderValue::as_bytes);
        if request.method() != Method::POST || kind != Some(b"application/x-www-form-urlencoded") {
            return Err(OAuthRefusal::GrantType);
        }
        let body = std::str::from_utf8(request.body()).map_err(|_| OAuthRefusal::GrantType)?;
        let fields = form(body);
        let value = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        if value("grant_type") != Some("urn:ietf:params:oauth:grant-type:jwt-bearer") {
            return Err(OAuthRefusal::GrantType);
        }
        self.check_assertion(value("assertion").unwrap_or_default(), now)
    }

    fn check_assertion(&self, assertion: &str, now: UnixTime) -> Result<(), OAuthRefusal> {
        let jws = CompactJws::parse(assertion, 8_192).map_err(|_| OAuthRefusal::Assertion)?;
        if jws.algorithm() != "RS256" {
            return Err(OAuthRefusal::Assertion);
        }
        let claims: Value = jws.claims().map_err(|_| OAuthRefusal::Assertion)?;
        let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
        let number = |name: &str| claims.get(name).and_then(Value::as_u64).ok_or(OAuthRefusal::Times);
        if text("iss") != self.client_email {
            return Err(OAuthRefusal::Account);
        }
        self.crypto
            .rs256
            .verify(&self.key, jws.signing_input(), jws.signature())
            .map_err(|_| OAuthRefusal::Signature)?;
        if text("aud") != self.token_uri {
            return Err(OAuthRefusal::Assertion);
        }
        let (iat, exp, now) = (number("iat")?, number("exp")?, now.as_secs());
        let in_time = iat <= now.saturating_add(SKEW_SECS) && exp >= now.saturating_sub(SKEW_SECS);
        if !in_time || exp <= iat || exp - iat > MAX_LIFE_SECS {
            return Err(OAuthRefusal::Times);
        }
        if !text("scope").split(' ').any(|scope| SCOPES.contains(&scope)) {
            return Err(OAuthRefusal::Scope);
        }
        Ok(())
    }
}
