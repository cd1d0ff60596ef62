//! A signed token, ready for the header.

use std::fmt;

use http::HeaderValue;

use crate::InvalidValue;

/// The value of `authorization`, made once per token and shared by all requests of all connections. It is marked
/// sensitive, so that HPACK never indexes it; `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct BearerToken {
    header: HeaderValue,
}

impl BearerToken {
    /// From a token that something else has signed.
    ///
    /// # Errors
    /// [`InvalidValue`] unless it is three base64url parts with dots between them.
    pub fn from_jwt(jwt: &str) -> Result<Self, InvalidValue> {
        const WHAT: &str = "provider token";
        let part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let parts: Vec<&str> = jwt.split('.').collect();
        if parts.len() != 3 || parts.iter().any(|text| text.is_empty() || !text.bytes().all(part)) {
            return Err(InvalidValue::Form { what: WHAT, expected: "a compact JWS" });
        }
        let header = HeaderValue::try_from(["bearer ", jwt].concat());
        let mut header = header.map_err(|_| InvalidValue::Form { what: WHAT, expected: "a header value" })?;
        header.set_sensitive(true);
        Ok(Self { header })
    }

    pub(crate) fn header(&self) -> HeaderValue {
        self.header.clone()
    }

    /// The header's value, `bearer <jwt>`.
    #[must_use]
    pub const fn expose(&self) -> &HeaderValue {
        &self.header
    }
}

impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BearerToken(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_never_shown() {
        let token = BearerToken::from_jwt("a.b.c").unwrap();
        insta::assert_snapshot!(format!("{token:?} {:?}", token.expose()), @"BearerToken(…) Sensitive");
        insta::assert_snapshot!(BearerToken::from_jwt("a.b\n.c").unwrap_err(), @"provider token must be a compact JWS");
    }
}
