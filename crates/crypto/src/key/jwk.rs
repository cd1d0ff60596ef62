//! JSON Web Key, EC private (RFC 7517, RFC 7518 §6.2). Unknown members are ignored, as RFC 7517 §4 says.

use std::borrow::Cow;

use reveille_core::Secret;
use serde::{Deserialize, Serialize};

use super::InvalidKey;
use crate::{P256PublicKey, base64url};

#[derive(Serialize, Deserialize)]
pub(super) struct EcJwk<'a> {
    #[serde(borrow)]
    kty: Cow<'a, str>,
    #[serde(borrow, default)]
    crv: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    x: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    y: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    d: Option<Cow<'a, str>>,
}

/// The scalar and, if given, the public point of a private P-256 key.
pub(super) fn parse(json: &str) -> Result<(Secret<Vec<u8>>, Option<P256PublicKey>), InvalidKey> {
    let jwk: EcJwk<'_> =
        serde_json::from_str(json).map_err(|_| InvalidKey::Jwk { problem: "not a JSON object of a key" })?;
    if jwk.kty != "EC" || jwk.crv != "P-256" {
        return Err(InvalidKey::Algorithm { expected: "EC on P-256" });
    }
    let d = jwk.d.ok_or(InvalidKey::Jwk { problem: "no member d: this is a public key" })?;
    let scalar = Secret::new(base64url::decode_lenient(&d)?);
    let public = match (jwk.x, jwk.y) {
        (Some(x), Some(y)) => {
            let (x, y) = (base64url::decode_lenient(&x)?, base64url::decode_lenient(&y)?);
            if x.len() != 32 || y.len() != 32 {
                return Err(InvalidKey::Jwk { problem: "x and y must be 32 bytes each" });
            }
            Some(P256PublicKey::from_bytes(&[&[0x04], x.as_slice(), &y].concat())?)
        }
        (None, None) => None,
        _ => return Err(InvalidKey::Jwk { problem: "x and y come together or not at all" }),
    };
    Ok((scalar, public))
}

/// The JWK text of a private key.
pub(super) fn write(scalar: &[u8; 32], public: &P256PublicKey) -> String {
    let jwk = EcJwk {
        kty: "EC".into(),
        crv: "P-256".into(),
        x: Some(base64url::encode(public.x()).into()),
        y: Some(base64url::encode(public.y()).into()),
        d: Some(base64url::encode(scalar).into()),
    };
    // Five strings into a string: cannot fail.
    serde_json::to_string(&jwk).unwrap_or_default()
}
