//! The protected header: three members, no more.

use std::borrow::Cow;

use reveille_crypto::base64url;
use serde::{Deserialize, Serialize};

use crate::jose::TOKEN_TYPE;
use crate::{IssueError, KeyId, Reason};

/// `jwk`, `jku`, `x5c`, `crit`, `b64` and any other member make the token malformed: none of them belongs here.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct JwtHeader<'a> {
    #[serde(borrow)]
    alg: Cow<'a, str>,
    #[serde(borrow)]
    typ: Cow<'a, str>,
    #[serde(borrow)]
    kid: Cow<'a, str>,
}

/// Enough to say what an incomplete or odd header is about.
#[derive(Deserialize)]
struct Algorithm<'a> {
    #[serde(borrow)]
    alg: Cow<'a, str>,
}

impl JwtHeader<'static> {
    pub(super) fn new(algorithm: &'static str, id: KeyId) -> Self {
        Self { alg: algorithm.into(), typ: TOKEN_TYPE.into(), kid: id.to_string().into() }
    }

    /// From the signing input, whose first part it is.
    pub(super) fn parse(signing_input: &[u8]) -> Result<Self, Reason> {
        let first = signing_input.split(|byte| *byte == b'.').next().unwrap_or_default();
        let text = std::str::from_utf8(first).map_err(|_| Reason::Malformed)?;
        let json = base64url::decode(text).map_err(|_| Reason::Malformed)?;
        match strict_json::<JwtHeader<'_>>(&json) {
            Some(header) => Ok(Self {
                alg: header.alg.into_owned().into(),
                typ: header.typ.into_owned().into(),
                kid: header.kid.into_owned().into(),
            }),
            None => match strict_json::<Algorithm<'_>>(&json) {
                Some(header) if header.alg.eq_ignore_ascii_case("none") => Err(Reason::WrongAlgorithm),
                _ => Err(Reason::Malformed),
            },
        }
    }
}

impl JwtHeader<'_> {
    pub(super) fn to_json(&self) -> Result<Vec<u8>, IssueError> {
        serde_json::to_vec(self).map_err(|_| IssueError::Json)
    }

    pub(super) fn is_for(&self, algorithm: &str) -> bool {
        self.alg == algorithm
    }

    pub(super) fn check_type(&self) -> Result<KeyId, Reason> {
        if self.typ != TOKEN_TYPE {
            return Err(Reason::WrongType);
        }
        key_id(&self.kid)
    }
}

/// A key id in decimal, without sign or leading zeros; any other text names no key of ours.
pub(crate) fn key_id(kid: &str) -> Result<KeyId, Reason> {
    let id = kid.parse().map(KeyId).map_err(|_| Reason::UnknownKey)?;
    if id.to_string() == kid { Ok(id) } else { Err(Reason::UnknownKey) }
}

/// A JSON object as a struct. serde would also take an array of the members in order.
pub(crate) fn strict_json<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Option<T> {
    if json.first() != Some(&b'{') {
        return None;
    }
    serde_json::from_slice(json).ok()
}
