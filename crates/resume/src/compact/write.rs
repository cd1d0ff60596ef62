//! Writing a compact token: one HMAC, four short hashes, one allocation.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::layout::{BODY_LEN, Body, MAX_LIFETIME_MS, TAG_LEN, TOKEN_LEN};
use crate::error::IssueError;
use crate::profile::Draft;
use crate::{CompactKey, KeyId};

pub(super) fn token(key: &CompactKey, key_id: KeyId, draft: &Draft<'_>) -> Result<String, IssueError> {
    if draft.lifetime_ms > MAX_LIFETIME_MS {
        return Err(IssueError::Lifetime {
            min_ms: 1,
            max_ms: MAX_LIFETIME_MS.into(),
            given_ms: draft.lifetime_ms.into(),
        });
    }
    let body = Body {
        key_id,
        shard: draft.shard,
        token_id: draft.token_id,
        issued_at_ms: draft.issued_at.as_millis(),
        lifetime_ms: draft.lifetime_ms,
        ids: key.hash_ids(&draft.token_id, draft.bindings),
    };
    let mut bytes = [0; TOKEN_LEN];
    if let Some((head, tail)) = bytes.split_first_chunk_mut::<BODY_LEN>() {
        body.write(head);
        let mac = key.mac.sign(&[head.as_slice()]);
        if let Some((tag, _)) = mac.split_first_chunk::<TAG_LEN>() {
            tail.copy_from_slice(tag);
        }
    }
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
