//! The token before it is signed.

use http::HeaderValue;
use reveille_core::UnixTime;
use reveille_crypto::{ES256_SIGNATURE_LEN, P256PublicKey, jws::UnsignedJws};
use reveille_payload::{ObjectWriter, label};

use super::{Contact, Token};

/// The protected header of every token. The order is that of the RFC's example.
const HEADER: &[u8] = br#"{"typ":"JWT","alg":"ES256"}"#;

/// [`HEADER`] in base64url: every token of ours begins with it, so that it can be found in a text and cut out.
pub(crate) const TOKEN_START: &str = "eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9";

/// A VAPID token that lacks its signature.
#[derive(Clone)]
pub(crate) struct UnsignedToken {
    jws: UnsignedJws,
    public: P256PublicKey,
    expires: UnixTime,
}

/// The token's text with a character in it that no header value has. It cannot happen; nothing is put in its place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NotAHeaderValue;

impl UnsignedToken {
    /// The claims of RFC 8292 §2, and no others: `iat` and `nbf` only serve to make a token invalid on a slow clock.
    pub(crate) fn new(public: P256PublicKey, origin: &str, contact: &Contact, expires: UnixTime) -> Self {
        let mut claims = Vec::with_capacity(origin.len() + contact.as_str().len() + 48);
        let mut object = ObjectWriter::open(&mut claims);
        object.text(label!("aud"), origin);
        object.integer(label!("exp"), expires.as_secs());
        object.text(label!("sub"), contact.as_str());
        object.close();
        Self { jws: UnsignedJws::new(HEADER, &claims), public, expires }
    }

    pub(crate) const fn jws(&self) -> &UnsignedJws {
        &self.jws
    }

    /// The bytes to sign.
    pub(crate) fn signing_input(&self) -> &[u8] {
        self.jws.signing_input()
    }

    pub(crate) const fn public_key(&self) -> &P256PublicKey {
        &self.public
    }

    pub(crate) const fn expires(&self) -> UnixTime {
        self.expires
    }

    /// The value of the `Authorization` header (RFC 8292 §3), marked as sensitive.
    pub(crate) fn finish(self, signature: &[u8; ES256_SIGNATURE_LEN]) -> Result<Token, NotAHeaderValue> {
        let text = format!("vapid t={}, k={}", self.jws.finish(signature), self.public);
        let mut value = HeaderValue::try_from(text).map_err(|_| NotAHeaderValue)?;
        value.set_sensitive(true);
        Ok(Token::new(value, self.expires))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reveille_crypto::base64url;

    #[test]
    fn every_token_begins_alike() {
        assert_eq!(base64url::encode(HEADER), TOKEN_START);
    }

    /// A token is a header of RFC 8292 §2.4's form, whatever the origin and contact.
    #[test]
    fn the_claims_are_those_of_the_rfc() {
        let public =
            "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4".parse();
        let contact = "mailto:push@example.com".parse().unwrap();
        let unsigned = UnsignedToken::new(
            public.unwrap(),
            "https://push.example.net",
            &contact,
            UnixTime::from_secs(1_453_523_768),
        );
        let (_, claims) = std::str::from_utf8(unsigned.signing_input()).unwrap().split_once('.').unwrap();
        let claims = String::from_utf8(base64url::decode(claims).unwrap()).unwrap();
        assert_eq!(
            claims,
            r#"{"aud":"https://push.example.net","exp":1453523768,"sub":"mailto:push@example.com"}"#
        );
    }
}
