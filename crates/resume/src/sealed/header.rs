//! The protected header of a sealed token: four members, no more.

use std::borrow::Cow;

use reveille_crypto::base64url;
use serde::{Deserialize, Serialize};

use crate::jose::TOKEN_TYPE;
use crate::jwt::{key_id, strict_json};
use crate::{IssueError, KeyId, Reason};

/// `zip` above all is refused, with every other member: nothing is unpacked here.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct JweHeader<'a> {
    #[serde(borrow)]
    alg: Cow<'a, str>,
    #[serde(borrow)]
    enc: Cow<'a, str>,
    #[serde(borrow)]
    typ: Cow<'a, str>,
    #[serde(borrow)]
    kid: Cow<'a, str>,
}

impl JweHeader<'static> {
    pub(super) fn new(id: KeyId) -> Self {
        Self { alg: "dir".into(), enc: "A256GCM".into(), typ: TOKEN_TYPE.into(), kid: id.to_string().into() }
    }
}

impl JweHeader<'_> {
    pub(super) fn to_json(&self) -> Result<Vec<u8>, IssueError> {
        serde_json::to_vec(self).map_err(|_| IssueError::Json)
    }

    /// The key id, if everything else is as it must be.
    pub(super) fn check(encoded: &str) -> Result<KeyId, Reason> {
        let json = base64url::decode(encoded).map_err(|_| Reason::Malformed)?;
        let header: JweHeader<'_> = strict_json(&json).ok_or(Reason::Malformed)?;
        if header.alg != "dir" || header.enc != "A256GCM" {
            return Err(Reason::WrongAlgorithm);
        }
        if header.typ != TOKEN_TYPE {
            return Err(Reason::WrongType);
        }
        key_id(&header.kid)
    }
}
