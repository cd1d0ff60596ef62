//! The push service's side of VAPID: reading and verifying the `Authorization` header.

use std::fmt;
use std::time::Duration;

use reveille_core::UnixTime;
use reveille_crypto::jws::{CompactJws, InvalidJws};
use reveille_crypto::p256::InvalidPublicKey;
use reveille_crypto::{CryptoProvider, P256PublicKey};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

/// A parsed `Authorization: vapid t=…, k=…` header (RFC 8292 §3), not yet verified: for whoever writes a push
/// service, or a proxy before one.
pub struct VapidHeader<'a> {
    token: &'a str,
    key: P256PublicKey,
}

/// The claims of a verified token (RFC 8292 §2), as [`VapidHeader::verify`] returns them to a push service. Unknown
/// claims are ignored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct VapidClaims {
    /// The push service's origin.
    pub aud: String,
    /// End of life, in seconds since the epoch.
    pub exp: u64,
    /// The application server's contact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
}

/// Why a header is refused, for a push service; the error of [`VapidHeader::new`] and [`VapidHeader::verify`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidVapid {
    /// Another authentication scheme.
    #[error("authorization scheme is not vapid")]
    Scheme,
    /// `t` or `k` is missing.
    #[error("parameter {name} is missing")]
    Missing {
        /// The name of the parameter or claim.
        name: &'static str,
    },
    /// `t` or `k` appears twice.
    #[error("parameter {name} appears twice")]
    Doubled {
        /// The name of the parameter or claim.
        name: &'static str,
    },
    /// `k` is not a key.
    #[error("k: {0}")]
    Key(#[from] InvalidPublicKey),
    /// `t` is not a token with the claims of RFC 8292 §2.
    #[error("t: {0}")]
    Token(#[from] InvalidJws),
    /// A claim is missing or of the wrong type.
    #[error("t: claim {name} must be {expected}")]
    Claim {
        /// The name of the parameter or claim.
        name: &'static str,
        /// The right type.
        expected: &'static str,
    },
    /// Another algorithm than ES256.
    #[error("t: algorithm is not ES256")]
    Algorithm,
    /// Signed with another key, or altered.
    #[error("t: signature is not valid")]
    Signature,
    /// For another push service.
    #[error("t: audience is not this push service")]
    Audience,
    /// Past its end.
    #[error("t: expired")]
    Expired,
    /// Ends more than 24 hours from now.
    #[error("t: expires more than 24 hours from now")]
    TooFar,
}

impl<'a> VapidHeader<'a> {
    /// The longest token that is read, in bytes.
    pub const MAX_TOKEN_LEN: usize = 4_096;
    /// How long after its end a token is still taken, as Mozilla's push service does. There is no leeway at the other end.
    pub const LEEWAY: Duration = Duration::from_secs(60);

    /// Reads the header's value. Unknown parameters are ignored.
    ///
    /// # Errors
    /// [`InvalidVapid`].
    pub fn new(authorization: &'a str) -> Result<Self, InvalidVapid> {
        let (scheme, parameters) = authorization.trim().split_once(' ').ok_or(InvalidVapid::Scheme)?;
        if !scheme.eq_ignore_ascii_case("vapid") {
            return Err(InvalidVapid::Scheme);
        }
        let (mut token, mut key) = (None, None);
        for parameter in parameters.split(',') {
            let Some((name, value)) = parameter.trim().split_once('=') else { continue };
            let value = value.trim().trim_matches('"');
            let (slot, name) = match name.trim_end() {
                "t" => (&mut token, "t"),
                "k" => (&mut key, "k"),
                _ => continue,
            };
            if slot.replace(value).is_some() {
                return Err(InvalidVapid::Doubled { name });
            }
        }
        let token = token.ok_or(InvalidVapid::Missing { name: "t" })?;
        let key = key.ok_or(InvalidVapid::Missing { name: "k" })?.parse()?;
        Ok(Self { token, key })
    }

    /// The token, a compact JWS.
    #[must_use]
    pub const fn token(&self) -> &str {
        self.token
    }

    /// The application server's key. Compare it with the one the subscription is restricted to (RFC 8292 §4.2).
    #[must_use]
    pub const fn key(&self) -> &P256PublicKey {
        &self.key
    }

    /// Verifies signature, audience and time.
    ///
    /// # Errors
    /// [`InvalidVapid`].
    pub fn verify(
        &self,
        audience: &str,
        crypto: CryptoProvider,
        now: UnixTime,
    ) -> Result<VapidClaims, InvalidVapid> {
        let jws = CompactJws::parse(self.token, Self::MAX_TOKEN_LEN)?;
        if jws.algorithm() != "ES256" {
            return Err(InvalidVapid::Algorithm);
        }
        crypto
            .es256
            .verify(&self.key, jws.signing_input(), jws.signature())
            .map_err(|_| InvalidVapid::Signature)?;
        let claims = jws.claims::<AnyClaims>()?.check()?;
        if claims.aud != audience {
            return Err(InvalidVapid::Audience);
        }
        let expires = UnixTime::from_secs(claims.exp);
        if expires + Self::LEEWAY <= now {
            return Err(InvalidVapid::Expired);
        }
        if expires > now + Duration::from_secs(24 * 3600) {
            return Err(InvalidVapid::TooFar);
        }
        Ok(claims)
    }
}

/// The claims before their types are checked. A derived struct refuses doubled members.
#[derive(Deserialize)]
struct AnyClaims {
    #[serde(default)]
    aud: Value,
    #[serde(default)]
    exp: Value,
    #[serde(default)]
    sub: Value,
}

impl AnyClaims {
    fn check(self) -> Result<VapidClaims, InvalidVapid> {
        let wrong = |name, expected| InvalidVapid::Claim { name, expected };
        let Value::String(aud) = self.aud else { return Err(wrong("aud", "a text")) };
        let exp = self.exp.as_u64().ok_or_else(|| wrong("exp", "a whole number of seconds"))?;
        let sub = match self.sub {
            Value::Null => None,
            Value::String(sub) => Some(sub),
            _ => return Err(wrong("sub", "a text")),
        };
        Ok(VapidClaims { aud, exp, sub })
    }
}

impl fmt::Debug for VapidHeader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VapidHeader").field("key", &self.key).finish_non_exhaustive()
    }
}
