//! The content coding `aes128gcm` as its receiver sees it (RFC 8188): any key, any number of records.
//!
//! Web Push uses one record only, which [`UserAgent`](crate::UserAgent) sees to. This is the whole coding, to hold the
//! implementation to the RFC's examples.

use reveille_core::Secret;
use reveille_crypto::{AEAD_NONCE_LEN, AEAD_TAG_LEN, CryptoError, CryptoProvider};

use super::key_schedule::{MessageKeys, SALT_LEN, message_keys};

/// Bytes that the header has beyond its keyid: salt, rs, idlen (RFC 8188 §2.1).
const FIXED_HEADER_LEN: usize = SALT_LEN + 4 + 1;
/// A record holds at least the delimiter and the tag (RFC 8188 §2.1: "values smaller than 18 are invalid").
const MIN_RECORD_SIZE: usize = 18;

/// Decrypts a body; `ikm` finds the keying material by the keyid. Nothing is returned of a body of which any record is not
/// authentic, and the error does not tell why.
pub(crate) fn decrypt_content(
    crypto: CryptoProvider,
    body: &[u8],
    ikm: impl FnOnce(&[u8]) -> Option<Secret<Vec<u8>>>,
) -> Result<Vec<u8>, CryptoError> {
    let (header, rest) = body.split_first_chunk::<FIXED_HEADER_LEN>().ok_or(CryptoError)?;
    let (salt, sizes) = header.split_first_chunk::<SALT_LEN>().ok_or(CryptoError)?;
    let &[r0, r1, r2, r3, idlen] = sizes else { return Err(CryptoError) };
    let record_size = usize::try_from(u32::from_be_bytes([r0, r1, r2, r3])).map_err(|_| CryptoError)?;
    let (keyid, records) = rest.split_at_checked(usize::from(idlen)).ok_or(CryptoError)?;
    // A body without a record would be a header that nothing authenticates.
    if record_size < MIN_RECORD_SIZE || records.is_empty() {
        return Err(CryptoError);
    }
    let keys = message_keys(crypto, salt, ikm(keyid).ok_or(CryptoError)?.expose())?;
    let mut plaintext = Vec::with_capacity(records.len());
    let count = records.len().div_ceil(record_size);
    for (index, sealed) in records.chunks(record_size).enumerate() {
        let expected = if index + 1 == count { 2 } else { 1 };
        let (sealed, tag) = sealed.split_last_chunk::<AEAD_TAG_LEN>().ok_or(CryptoError)?;
        let mut record = sealed.to_vec();
        crypto.aes_128_gcm.open_in_place(keys.cek.expose(), &nonce(&keys, index), &[], &mut record, tag)?;
        plaintext.extend_from_slice(unpad(&record, expected).ok_or(CryptoError)?);
    }
    Ok(plaintext)
}

/// The data before the delimiter, if the last byte that is not zero is the expected delimiter.
fn unpad(record: &[u8], delimiter: u8) -> Option<&[u8]> {
    let end = record.iter().rposition(|byte| *byte != 0)?;
    let (data, rest) = record.split_at_checked(end)?;
    (rest.first() == Some(&delimiter)).then_some(data)
}

/// NONCE XOR SEQ, the sequence number as 96 bits, big-endian (RFC 8188 §2.3).
fn nonce(keys: &MessageKeys, index: usize) -> [u8; AEAD_NONCE_LEN] {
    let mut nonce = *keys.nonce.expose();
    for (byte, sequence) in nonce.iter_mut().rev().zip((index as u64).to_le_bytes()) {
        *byte ^= sequence;
    }
    nonce
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use reveille_crypto::base64url;
    use reveille_crypto_rustcrypto::PROVIDER;

    /// RFC 8188 §2, for the tests: (data, padding) per record.
    fn encrypt(
        key: &[u8],
        salt: [u8; 16],
        keyid: &[u8],
        record_size: u32,
        records: &[(&[u8], usize)],
    ) -> Vec<u8> {
        let keys = message_keys(PROVIDER, &salt, key).unwrap();
        let mut body =
            [&salt[..], &record_size.to_be_bytes(), &[u8::try_from(keyid.len()).unwrap()], keyid].concat();
        for (index, (data, padding)) in records.iter().enumerate() {
            let delimiter = if index + 1 == records.len() { 2 } else { 1 };
            let mut record = [data, &[delimiter][..], &vec![0; *padding]].concat();
            let nonce = nonce(&keys, index);
            let tag =
                PROVIDER.aes_128_gcm.seal_in_place(keys.cek.expose(), &nonce, &[], &mut record).unwrap();
            body.extend_from_slice(&record);
            body.extend_from_slice(&tag);
        }
        body
    }

    #[test]
    fn rfc_8188_section_3_1() {
        let body = "I1BsxtFttlv3u_Oo94xnmwAAEAAA-NAVub2qFgBEuQKRapoZu-IxkIva3MEB1PD-ly8Thjg";
        check(body, "yqdlZ-tYemfogSmv7Ws5PQ", b"", 4096, &[(b"I am the walrus", 0)]);
    }

    #[test]
    fn rfc_8188_section_3_2() {
        let body = "uNCkWiNYzKTnBN9ji3-qWAAAABkCYTHOG8chz_gnvgOqdGYovxyjuqRyJFjEDyoF1Fvkj6hQPdPHI51OEUKEpgz3SsLWIqS_uA";
        check(body, "BO3ZVPxUlnLORbVGMpbT1Q", b"a1", 25, &[(b"I am th", 1), (b"e walrus", 0)]);
    }

    fn check(body: &str, key: &str, keyid: &[u8], record_size: u32, records: &[(&[u8], usize)]) {
        let (body, key) = (base64url::decode(body).unwrap(), base64url::decode(key).unwrap());
        assert_eq!(encrypt(&key, *body.first_chunk().unwrap(), keyid, record_size, records), body);
        for crypto in [reveille_crypto_ring::PROVIDER, PROVIDER] {
            let opened = decrypt_content(crypto, &body, |id| (id == keyid).then(|| key.clone().into()));
            assert_eq!(opened.unwrap(), b"I am the walrus");
        }
    }

    fn open(key: &[u8], body: &[u8]) -> Result<Vec<u8>, CryptoError> {
        decrypt_content(PROVIDER, body, |_| Some(key.to_vec().into()))
    }

    #[test]
    fn what_does_not_have_its_form_is_refused() {
        let (key, salt) = ([7; 16], [1; 16]);
        let good = encrypt(&key, salt, b"a1", 25, &[(b"watermel", 0), (b"on", 0)]);
        assert_eq!(open(&key, &good).unwrap(), b"watermelon");
        for (name, bad) in [
            ("cut after the first record", good[..good.len() - 19].to_vec()),
            ("cut inside", good[..good.len() - 1].to_vec()),
            ("only a header", good[..23].to_vec()),
            ("record size 17", [&good[..16], &[0, 0, 0, 17], &good[20..]].concat()),
            ("keyid longer than the body", [&good[..20], &[255], &good[21..]].concat()),
        ] {
            assert!(open(&key, &bad).is_err(), "{name}");
        }
        let swapped = [&good[..23], &good[48..], &good[23..48]].concat();
        assert!(open(&key, &swapped).is_err(), "records in another order");
        assert!(open(&[8; 16], &good).is_err(), "another key");
        assert!(decrypt_content(PROVIDER, &good, |_| None).is_err(), "nobody's keyid");
    }

    proptest! {
        #[test]
        fn it_is_total(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(open(&[7; 16], &body).is_err());
        }
    }
}
