//! One message into one body: the hot path.

use reveille_crypto::p256::{EphemeralAgreement, P256_PUBLIC_KEY_LEN};
use reveille_crypto::{AEAD_TAG_LEN, CryptoError, CryptoProvider};

use super::input_keying_material;
use super::key_schedule::{SALT_LEN, message_keys};
use crate::message::Message;
use crate::target::Subscription;

/// The longest body, in bytes, that every push service must take (RFC 8030 §7.2).
pub const MAX_BODY: usize = 4_096;

/// salt, rs, idlen, keyid (RFC 8188 §2.1); the keyid is the sender's public key (RFC 8291 §4).
const HEADER_LEN: usize = SALT_LEN + 4 + 1 + P256_PUBLIC_KEY_LEN;

/// Always the maximum: `rs` must be **greater** than what the record holds (RFC 8291 §4), and a constant tells nothing.
const RECORD_SIZE: u32 = MAX_BODY as u32;

/// Delimiter of the last (and only) record (RFC 8188 §2).
const LAST_RECORD: u8 = 0x02;

/// Encrypts a message's payload with the result of one ephemeral agreement, which it uses up: each is for one message
/// only (RFC 8291 §3.1). A message without payload has an empty body.
///
/// # Errors
/// [`CryptoError`] if the random source fails.
pub fn seal_with(
    crypto: CryptoProvider,
    subscription: &Subscription,
    agreement: EphemeralAgreement,
    message: &Message,
) -> Result<Vec<u8>, CryptoError> {
    let Some(plaintext) = message.payload() else { return Ok(Vec::new()) };
    let mut salt = [0; SALT_LEN];
    crypto.random.fill(&mut salt)?;
    let ikm = input_keying_material(
        crypto,
        &agreement.shared_secret,
        subscription.expose_auth_secret(),
        subscription.ua_public().as_bytes(),
        &agreement.public_key,
    )?;
    let keys = message_keys(crypto, &salt, ikm.expose())?;

    let record_len = message.padded_len() + 1;
    let mut body = Vec::with_capacity(HEADER_LEN + record_len + AEAD_TAG_LEN);
    body.extend_from_slice(&salt);
    body.extend_from_slice(&RECORD_SIZE.to_be_bytes());
    body.push(P256_PUBLIC_KEY_LEN as u8);
    body.extend_from_slice(&agreement.public_key);
    body.extend_from_slice(plaintext);
    body.push(LAST_RECORD);
    body.resize(HEADER_LEN + record_len, 0);

    let (_, record) = body.split_at_mut_checked(HEADER_LEN).ok_or(CryptoError)?;
    let tag = crypto.aes_128_gcm.seal_in_place(keys.cek.expose(), keys.nonce.expose(), &[], record)?;
    body.extend_from_slice(&tag);
    Ok(body)
}
