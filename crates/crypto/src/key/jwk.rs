//! JSON Web Key, EC private (RFC 7517, RFC 7518 §6.2). Unknown members are ignored, as RFC 7517 §4 says.

use std::borrow::Cow;

use reveille_core::Secret;
use serde::Deserialize;

use super::{EXPECTED_EC, InvalidKey};
use crate::{P256PublicKey, base64url};

#[derive(Deserialize)]
struct EcJwk<'a> {
    #[serde(borrow)]
    kty: Cow<'a, str>,
    #[serde(borrow, default)]
    crv: Cow<'a, str>,
    #[serde(borrow, default)]
    x: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    y: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    d: Option<Cow<'a, str>>,
}

/// The scalar and, if given, the public point of a private P-256 key.
pub(super) fn parse(json: &str) -> Result<(Secret<Vec<u8>>, Option<P256PublicKey>), InvalidKey> {
    const NO_KEY: InvalidKey = InvalidKey::Jwk { problem: "not a JSON object of a key" };
    // A derived struct would also take a JSON array of its fields in order.
    if !json.trim_ascii_start().starts_with('{') {
        return Err(NO_KEY);
    }
    let jwk: EcJwk<'_> = serde_json::from_str(json).map_err(|_| NO_KEY)?;
    if jwk.kty != "EC" || jwk.crv != "P-256" {
        return Err(InvalidKey::Algorithm { expected: EXPECTED_EC });
    }
    let d = jwk.d.ok_or(InvalidKey::Jwk { problem: "no member d: this is a public key" })?;
    let scalar = Secret::new(base64url::decode_lenient(&d)?);
    let public = match (jwk.x, jwk.y) {
        (Some(x), Some(y)) => Some(point(&x, &y)?),
        (None, None) => None,
        _ => return Err(InvalidKey::Jwk { problem: "x and y come together or not at all" }),
    };
    Ok((scalar, public))
}

fn point(x: &str, y: &str) -> Result<P256PublicKey, InvalidKey> {
    let decode = |text| {
        base64url::decode_lenient(text).map_err(|_| InvalidKey::Jwk { problem: "x or y is not base64url" })
    };
    let (x, y) = (decode(x)?, decode(y)?);
    if x.len() != 32 || y.len() != 32 {
        return Err(InvalidKey::Jwk { problem: "x and y must be 32 bytes each" });
    }
    Ok(P256PublicKey::from_bytes(&[&[0x04], x.as_slice(), &y].concat())?)
}

/// The JWK text of a private key.
pub(super) fn write(scalar: &[u8; 32], public: &P256PublicKey) -> String {
    // Room for all of it: a string that grows leaves copies behind. No value needs escaping.
    let mut json = String::with_capacity(192);
    json.push_str(r#"{"kty":"EC","crv":"P-256","x":""#);
    base64url::encode_to(public.x(), &mut json);
    json.push_str(r#"","y":""#);
    base64url::encode_to(public.y(), &mut json);
    json.push_str(r#"","d":""#);
    base64url::encode_to(scalar, &mut json);
    json.push_str(r#""}"#);
    json
}
