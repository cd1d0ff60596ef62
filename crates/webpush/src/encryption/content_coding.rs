//! The content coding `aes128gcm` in general (RFC 8188): any key, any number of records.
//!
//! Web Push uses one record only; see [`seal_with`](super::seal_with) and [`UserAgent`](crate::UserAgent). This is the
//! whole coding, for what else an application encrypts with it, and to hold the implementation to the RFC's examples.

use std::fmt;

use reveille_core::Secret;
use reveille_crypto::{AEAD_NONCE_LEN, AEAD_TAG_LEN, CryptoError, CryptoProvider};
use thiserror::Error;

use super::key_schedule::{MessageKeys, SALT_LEN, message_keys};

/// Bytes that the header has beyond its keyid: salt, rs, idlen (RFC 8188 §2.1).
const FIXED_HEADER_LEN: usize = SALT_LEN + 4 + 1;
/// A record holds at least the delimiter and the tag (RFC 8188 §2.1: "values smaller than 18 are invalid").
const MIN_RECORD_SIZE: u32 = 18;

/// What a body is encrypted with.
pub struct ContentKey<'a> {
    /// Input keying material, shared beforehand.
    pub ikm: &'a Secret<Vec<u8>>,
    /// Never twice with the same keying material (RFC 8188 §2.1).
    pub salt: [u8; SALT_LEN],
    /// Names the keying material to the receiver; at most 255 bytes.
    pub keyid: &'a [u8],
    /// Bytes of every record but the last, at least 18.
    pub record_size: u32,
}

impl fmt::Debug for ContentKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContentKey").field("record_size", &self.record_size).finish_non_exhaustive()
    }
}

/// The content of one record.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// Bytes of the plaintext.
    pub data: &'a [u8],
    /// Bytes of padding behind the delimiter.
    pub padding: usize,
}

/// Why content cannot be encrypted or decrypted.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidContent {
    /// Shorter than its header says.
    #[error("body of {length} bytes is too short")]
    Truncated {
        /// Bytes given.
        length: usize,
    },
    /// A record size below 18.
    #[error("record size {record_size} is below the minimum of {MIN_RECORD_SIZE}")]
    RecordSize {
        /// As given.
        record_size: u32,
    },
    /// A keyid of more than 255 bytes.
    #[error("keyid of {length} bytes is longer than 255")]
    Keyid {
        /// Bytes given.
        length: usize,
    },
    /// A record does not have the length that the record size demands (RFC 8188 §2): all but the last are full.
    #[error("record {index} holds {length} bytes, which does not suit the record size")]
    RecordLength {
        /// Which, from 0.
        index: usize,
        /// Bytes of plaintext, delimiter, padding and tag.
        length: usize,
    },
    /// Wrong key, altered body, wrong delimiter, or a last record that is not the last: on purpose not told apart.
    #[error("body is not authentic")]
    NotAuthentic,
    /// The backend failed while encrypting.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

/// Encrypts records into a body (RFC 8188 §2). All but the last must fill the record size.
///
/// # Errors
/// [`InvalidContent`].
pub fn encrypt_content(
    crypto: CryptoProvider,
    key: &ContentKey<'_>,
    records: &[Record<'_>],
) -> Result<Vec<u8>, InvalidContent> {
    let record_size = check_record_size(key.record_size)?;
    if records.is_empty() {
        // A body without a record would be a header that nothing authenticates.
        return Err(InvalidContent::RecordLength { index: 0, length: 0 });
    }
    let idlen =
        u8::try_from(key.keyid.len()).map_err(|_| InvalidContent::Keyid { length: key.keyid.len() })?;
    let keys = message_keys(crypto, &key.salt, key.ikm.expose())?;
    let mut body = Vec::new();
    body.extend_from_slice(&key.salt);
    body.extend_from_slice(&key.record_size.to_be_bytes());
    body.push(idlen);
    body.extend_from_slice(key.keyid);
    for (index, record) in records.iter().enumerate() {
        let last = index + 1 == records.len();
        let length = record.data.len().saturating_add(record.padding).saturating_add(1 + AEAD_TAG_LEN);
        if length > record_size || (!last && length != record_size) {
            return Err(InvalidContent::RecordLength { index, length });
        }
        let start = body.len();
        body.extend_from_slice(record.data);
        body.push(if last { 2 } else { 1 });
        body.resize(start + length - AEAD_TAG_LEN, 0);
        let (_, sealed) = body.split_at_mut_checked(start).ok_or(CryptoError)?;
        let nonce = nonce(&keys, index);
        let tag = crypto.aes_128_gcm.seal_in_place(keys.cek.expose(), &nonce, &[], sealed)?;
        body.extend_from_slice(&tag);
    }
    Ok(body)
}

/// Decrypts a body; `ikm` finds the keying material by the keyid.
///
/// # Errors
/// [`InvalidContent`]. Nothing is returned of a body of which any record is not authentic.
pub fn decrypt_content(
    crypto: CryptoProvider,
    body: &[u8],
    ikm: impl FnOnce(&[u8]) -> Option<Secret<Vec<u8>>>,
) -> Result<Vec<u8>, InvalidContent> {
    let truncated = InvalidContent::Truncated { length: body.len() };
    let (header, rest) = body.split_first_chunk::<FIXED_HEADER_LEN>().ok_or_else(|| truncated.clone())?;
    let (salt, sizes) = header.split_first_chunk::<SALT_LEN>().ok_or_else(|| truncated.clone())?;
    let &[r0, r1, r2, r3, idlen] = sizes else { return Err(truncated) };
    let record_size = check_record_size(u32::from_be_bytes([r0, r1, r2, r3]))?;
    let (keyid, records) = rest.split_at_checked(usize::from(idlen)).ok_or_else(|| truncated.clone())?;
    if records.is_empty() {
        return Err(truncated);
    }
    let ikm = ikm(keyid).ok_or(InvalidContent::NotAuthentic)?;
    let keys = message_keys(crypto, salt, ikm.expose())?;
    let mut plaintext = Vec::with_capacity(records.len());
    let count = records.len().div_ceil(record_size);
    for (index, sealed) in records.chunks(record_size).enumerate() {
        let expected = if index + 1 == count { 2 } else { 1 };
        let (sealed, tag) = sealed.split_last_chunk::<AEAD_TAG_LEN>().ok_or(InvalidContent::NotAuthentic)?;
        let mut record = sealed.to_vec();
        crypto
            .aes_128_gcm
            .open_in_place(keys.cek.expose(), &nonce(&keys, index), &[], &mut record, tag)
            .map_err(|_| InvalidContent::NotAuthentic)?;
        plaintext.extend_from_slice(unpad(&record, expected).ok_or(InvalidContent::NotAuthentic)?);
    }
    Ok(plaintext)
}

/// The data before the delimiter, if the last byte that is not zero is the expected delimiter.
pub(crate) fn unpad(record: &[u8], delimiter: u8) -> Option<&[u8]> {
    let end = record.iter().rposition(|byte| *byte != 0)?;
    let (data, rest) = record.split_at_checked(end)?;
    (rest.first() == Some(&delimiter)).then_some(data)
}

fn check_record_size(record_size: u32) -> Result<usize, InvalidContent> {
    if record_size < MIN_RECORD_SIZE {
        return Err(InvalidContent::RecordSize { record_size });
    }
    Ok(usize::try_from(record_size).unwrap_or(usize::MAX))
}

/// NONCE XOR SEQ, the sequence number as 96 bits, big-endian (RFC 8188 §2.3).
fn nonce(keys: &MessageKeys, index: usize) -> [u8; AEAD_NONCE_LEN] {
    let mut nonce = *keys.nonce.expose();
    for (byte, sequence) in nonce.iter_mut().rev().zip((index as u64).to_le_bytes()) {
        *byte ^= sequence;
    }
    nonce
}
