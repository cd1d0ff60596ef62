//! The devices of a person as one sealed row.
//!
//! ```text
//! row    = sealed for the person: device*
//! device = id (16 bytes) ‖ length (4 bytes) ‖ record as JSON
//! ```

use reveille_gateway::store::seal::{Place, SealKeyId, Sealer};
use reveille_registry::{Device, TokenValue};

use super::failure::damaged;

/// A device, and the number by which the log names it.
pub(super) type Row = (u128, Device);

/// Opens a row.
pub(super) fn open(sealer: &Sealer, person: &str, sealed: &[u8]) -> Result<Vec<Row>, redb::Error> {
    let text = sealer
        .open(Place::Devices(person), sealed)
        .map_err(|error| redb::Error::Corrupted(format!("the devices of a person: {error}")))?;
    let (mut rest, mut rows) = (text.as_slice(), Vec::new());
    while !rest.is_empty() {
        let (id, after) = rest.split_first_chunk::<16>().ok_or_else(|| damaged("a device"))?;
        let (length, after) = after.split_first_chunk::<4>().ok_or_else(|| damaged("a device"))?;
        let json = after.split_at_checked(u32::from_le_bytes(*length) as usize);
        let (json, after) = json.ok_or_else(|| damaged("a device"))?;
        let device = serde_json::from_slice(json).map_err(|_| damaged("a device"))?;
        rows.push((u128::from_le_bytes(*id), device));
        rest = after;
    }
    Ok(rows)
}

/// Seals a row with the current key.
pub(super) fn seal(sealer: &Sealer, person: &str, rows: &[Row]) -> Result<Vec<u8>, redb::Error> {
    let mut text = Vec::new();
    for (id, device) in rows {
        let json = serde_json::to_vec(device).map_err(|_| damaged("a device"))?;
        let length = u32::try_from(json.len()).map_err(|_| damaged("a device"))?;
        text.extend_from_slice(&id.to_le_bytes());
        text.extend_from_slice(&length.to_le_bytes());
        text.extend_from_slice(&json);
    }
    let sealed = sealer.seal(Place::Devices(person), &text).map_err(|_| damaged("a device"))?;
    Ok(sealed.to_vec())
}

/// What finds a token's devices: under one of the store's keys. Two tokens with one hash are told apart by their records.
pub(super) fn hash(
    sealer: &Sealer,
    key: SealKeyId,
    app: &str,
    token: &TokenValue,
) -> Result<u128, redb::Error> {
    let sealed = sealer.seal_with(key, Place::Token(app), token.expose().as_bytes());
    let sealed = sealed.map_err(|_| damaged("a token"))?;
    // Behind the head, which is the same for all: the nonce, which is an HMAC of app and token, and what follows.
    let bytes =
        sealed.get(5..).and_then(|rest| rest.first_chunk::<16>()).ok_or_else(|| damaged("a token"))?;
    Ok(u128::from_le_bytes(*bytes))
}
