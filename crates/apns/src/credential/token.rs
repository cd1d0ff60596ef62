//! A signed token, ready for the header.

use std::fmt;
use std::time::Duration;

use http::HeaderValue;
use reveille_core::UnixTime;

use crate::InvalidValue;

/// Apple answers `ExpiredProviderToken` from this age on.
pub(super) const LIFE: Duration = Duration::from_secs(60 * 60);

/// A provider token, the value of `authorization`: [`TokenSource`](super::TokenSource) gives it, and all requests of
/// all connections share it.
///
/// The value is marked sensitive, so that HPACK never indexes it; `Debug` does not show it.
///
/// ```
/// use reveille_apns::Token;
/// use reveille_core::UnixTime;
///
/// // A token that another process has signed.
/// let token = Token::from_jwt("eyJhbGciOiJFUzI1NiJ9.e30.AAAA", UnixTime::from_secs(1_700_000_000))?;
/// assert!(token.authorization().is_sensitive());
/// assert_eq!(token.expires_at(), UnixTime::from_secs(1_700_003_600));
/// # Ok::<(), reveille_apns::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    authorization: HeaderValue,
    issued_at: UnixTime,
}

impl Token {
    /// From a token that something else has signed, with the time of its `iat`. A [`TokenSource`](super::TokenSource)
    /// makes its own.
    ///
    /// # Errors
    /// [`InvalidValue`] unless it is three base64url parts with dots between them.
    pub fn from_jwt(jwt: &str, issued_at: UnixTime) -> Result<Self, InvalidValue> {
        const WHAT: &str = "provider token";
        let part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let parts: Vec<&str> = jwt.split('.').collect();
        if parts.len() != 3 || parts.iter().any(|text| text.is_empty() || !text.bytes().all(part)) {
            return Err(InvalidValue::Form { what: WHAT, expected: "a compact JWS" });
        }
        let authorization = HeaderValue::try_from(["bearer ", jwt].concat());
        let mut authorization =
            authorization.map_err(|_| InvalidValue::Form { what: WHAT, expected: "a header value" })?;
        authorization.set_sensitive(true);
        Ok(Self { authorization, issued_at })
    }

    /// The header's value, `bearer <jwt>`; also what [`TokenSource::handle_refusal`](super::TokenSource::handle_refusal)
    /// knows the token by.
    #[must_use]
    pub const fn authorization(&self) -> &HeaderValue {
        &self.authorization
    }

    /// When it was issued (`iat`).
    #[must_use]
    pub const fn issued_at(&self) -> UnixTime {
        self.issued_at
    }

    /// From when on Apple refuses it: an hour after it was issued.
    #[must_use]
    pub fn expires_at(&self) -> UnixTime {
        self.issued_at + LIFE
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("issued_at", &self.issued_at).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_never_shown() {
        let token = Token::from_jwt("a.b.c", UnixTime::from_secs(1)).unwrap();
        assert_eq!(token.expires_at(), UnixTime::from_secs(3_601));
        insta::assert_snapshot!(format!("{token:?} {:?}", token.authorization()), @"Token { issued_at: UnixTime(1000), .. } Sensitive");
        insta::assert_snapshot!(Token::from_jwt("a.b\n.c", UnixTime::EPOCH).unwrap_err(), @"provider token must be a compact JWS");
    }
}
