//! The bytes of a compact token.

use crate::{KeyId, TokenId};

/// Bytes that the MAC is over: up to 55 cost SHA-256 one block less.
pub(super) const BODY_LEN: usize = 53;
/// Bytes of the MAC: HMAC-SHA256 cut to 128 bits (RFC 2104 §5).
pub(super) const TAG_LEN: usize = 16;
/// Bytes of a token: a multiple of 3, so that base64url has no stray bits.
pub(super) const TOKEN_LEN: usize = BODY_LEN + TAG_LEN;
/// Bytes of the keyed hash of an id.
pub(super) const ID_HASH_LEN: usize = 6;
/// The longest life time, in ms: 24 bits, 4 hours and 39 minutes.
pub(super) const MAX_LIFETIME_MS: u32 = (1 << 24) - 1;
/// The version, and with it all algorithms.
pub(super) const VERSION: u8 = 1;

/// ```text
/// offset  0   1      3      4         20         26        29       35            41      47       53   69
///         │ver│key id│shard │token id │issued at │life time│contact │conversation │device │channel │tag │
/// ```
/// Numbers are big-endian, times in ms, the last four before the tag are keyed hashes.
pub(super) struct Body {
    pub(super) key_id: KeyId,
    pub(super) shard: u8,
    pub(super) token_id: TokenId,
    pub(super) issued_at_ms: u64,
    pub(super) lifetime_ms: u32,
    pub(super) ids: [[u8; ID_HASH_LEN]; 4],
}

impl Body {
    pub(super) fn write(&self, out: &mut [u8; BODY_LEN]) {
        let mut rest = out.as_mut_slice();
        put(&mut rest, &[VERSION]);
        put(&mut rest, &self.key_id.0.to_be_bytes());
        put(&mut rest, &[self.shard]);
        put(&mut rest, self.token_id.as_bytes());
        let [_, _, issued_at @ ..] = self.issued_at_ms.to_be_bytes();
        put(&mut rest, &issued_at);
        let [_, lifetime @ ..] = self.lifetime_ms.to_be_bytes();
        put(&mut rest, &lifetime);
        for id in &self.ids {
            put(&mut rest, id);
        }
    }

    /// `None` for another version.
    pub(super) fn read(bytes: &[u8; BODY_LEN]) -> Option<Self> {
        let mut rest = bytes.as_slice();
        let [version] = take(&mut rest)?;
        if version != VERSION {
            return None;
        }
        let key_id = KeyId(u16::from_be_bytes(take(&mut rest)?));
        let [shard] = take(&mut rest)?;
        let token_id = TokenId::new(take(&mut rest)?);
        let [a, b, c, d, e, f] = take(&mut rest)?;
        let issued_at_ms = u64::from_be_bytes([0, 0, a, b, c, d, e, f]);
        let [a, b, c] = take(&mut rest)?;
        let lifetime_ms = u32::from_be_bytes([0, a, b, c]);
        let ids = [take(&mut rest)?, take(&mut rest)?, take(&mut rest)?, take(&mut rest)?];
        Some(Self { key_id, shard, token_id, issued_at_ms, lifetime_ms, ids })
    }
}

/// Moves `N` bytes to the front of `rest` and advances it. The lengths add up to [`BODY_LEN`].
fn put<const N: usize>(rest: &mut &mut [u8], bytes: &[u8; N]) {
    if let Some((head, tail)) = std::mem::take(rest).split_first_chunk_mut::<N>() {
        *head = *bytes;
        *rest = tail;
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk::<N>()?;
    *rest = tail;
    Some(*head)
}
