//! Reading a compact token: constant work, no allocation.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::time::Duration;

use reveille_core::UnixTime;
use subtle::ConstantTimeEq as _;

use super::COMPACT_LEN;
use super::layout::{BODY_LEN, Body, TOKEN_LEN, VERSION};
use crate::profile::Opened;
use crate::{Bindings, CompactKey, KeyRing, Mismatch, Reason};

/// Length, version, key, MAC; then the comparison of all four ids.
pub(super) fn open(
    keys: &KeyRing<CompactKey>,
    token: &str,
    expected: &Bindings<'_>,
) -> Result<Opened, Reason> {
    let bytes = decode(token).ok_or(Reason::Malformed)?;
    let (body_bytes, tag) = bytes.split_first_chunk::<BODY_LEN>().ok_or(Reason::Malformed)?;
    let body = Body::read(body_bytes).ok_or(Reason::UnknownVersion)?;
    let (key_state, key) = keys.find(body.key_id).ok_or(Reason::UnknownKey)?;
    key.mac.verify(&[body_bytes], tag).map_err(|_| Reason::Forged)?;

    let wanted = key.hash_ids(&body.token_id, expected);
    let mismatch = expected
        .each()
        .into_iter()
        .zip(wanted.iter().zip(&body.ids))
        .fold(Mismatch::NONE, |mismatch, ((binding, _), (wanted, found))| {
            mismatch.with(binding, !bool::from(wanted.ct_eq(found)))
        });
    let issued_at = UnixTime::from_millis(body.issued_at_ms);
    Ok(Opened {
        key_id: body.key_id,
        key_state,
        token_id: body.token_id,
        shard: body.shard,
        issued_at,
        issued_by: issued_at,
        expires_at: issued_at + Duration::from_millis(body.lifetime_ms.into()),
        mismatch,
    })
}

/// The shard of a compact token, read without a key: good enough to route a request to the node that owns it, and for
/// nothing else. A changed shard byte does not survive [`Verifier::check`](crate::Verifier::check).
#[must_use]
pub fn shard_of(token: &str) -> Option<u8> {
    match decode(token)? {
        [VERSION, _, _, shard, ..] => Some(shard),
        _ => None,
    }
}

fn decode(token: &str) -> Option<[u8; TOKEN_LEN]> {
    if token.len() != COMPACT_LEN {
        return None;
    }
    let mut bytes = [0; TOKEN_LEN];
    match URL_SAFE_NO_PAD.decode_slice(token, &mut bytes) {
        Ok(TOKEN_LEN) => Some(bytes),
        _ => None,
    }
}
