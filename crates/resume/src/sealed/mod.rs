//! The sealed profile: a JWT inside JWE, `dir` and A256GCM, where the push provider must learn nothing (RFC 7516,
//! RFC 7518 §4.5 and §5.3).

mod header;
mod key;

pub use key::SealedKey;

use reveille_crypto::{AEAD_NONCE_LEN, AEAD_TAG_LEN, base64url};

use crate::error::IssueError;
use crate::jose::MAX_JOSE_LEN;
use crate::jwt::claims;
use crate::profile::{Draft, Opened, sealed::Format};
use crate::{Bindings, KeyId, KeyRing, Reason};

impl Format for SealedKey {
    /// RFC 7516 §5.1: `header "." "" "." iv "." ciphertext "." tag`; the encoded header is the additional data.
    fn write(&self, id: KeyId, draft: &Draft<'_>) -> Result<String, IssueError> {
        let mut text = claims::to_json(draft)?;
        let mut token = base64url::encode(&header::JweHeader::new(id).to_json()?);
        let nonce = self.nonce(token.as_bytes(), &text);
        let tag = self.seal(&nonce, token.as_bytes(), &mut text)?;
        token.push('.');
        for part in [nonce.as_slice(), &text, &tag] {
            token.push('.');
            base64url::encode_to(part, &mut token);
        }
        if token.len() > MAX_JOSE_LEN {
            return Err(IssueError::TooLong { length: token.len(), limit: MAX_JOSE_LEN });
        }
        Ok(token)
    }

    fn read(keys: &KeyRing<Self>, token: &str, expected: &Bindings<'_>) -> Result<Opened, Reason> {
        let parts = Parts::split(token).ok_or(Reason::Malformed)?;
        let key_id = header::JweHeader::check(parts.header)?;
        let (key_state, key) = keys.find(key_id).ok_or(Reason::UnknownKey)?;
        let plaintext = key.open(&parts.nonce, parts.header.as_bytes(), parts.ciphertext, &parts.tag)?;
        claims::open(plaintext.expose(), key.sha256(), key_id, key_state, expected)
    }
}

/// A JWE in its five parts, of which the second, the encrypted key, is empty with `dir`.
struct Parts<'a> {
    header: &'a str,
    nonce: [u8; AEAD_NONCE_LEN],
    ciphertext: Vec<u8>,
    tag: [u8; AEAD_TAG_LEN],
}

impl<'a> Parts<'a> {
    fn split(token: &'a str) -> Option<Self> {
        if token.len() > MAX_JOSE_LEN {
            return None;
        }
        let mut parts = token.split('.');
        let (header, "", nonce, ciphertext, tag, None) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next())
        else {
            return None;
        };
        Some(Self {
            header,
            nonce: base64url::decode(nonce).ok()?.try_into().ok()?,
            ciphertext: base64url::decode(ciphertext).ok()?,
            tag: base64url::decode(tag).ok()?.try_into().ok()?,
        })
    }
}
