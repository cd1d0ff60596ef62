//! The short-lived token of a request.

use std::fmt;

use http::HeaderValue;
use reveille_core::UnixTime;
use thiserror::Error;

/// Text that cannot be an access token, for it is no header value; the error of [`Token::new`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("an access token has 1 to 8192 visible ASCII characters")]
#[allow(clippy::exhaustive_structs, reason = "it says all there is to say")]
pub struct InvalidToken;

/// An OAuth access token, ready as a header value. A [`TokenSource`](super::TokenSource) gives it; it is cheap to clone.
///
/// `Debug` shows nothing of it, and its header value is marked as sensitive for HTTP/2.
///
/// ```
/// use reveille_core::UnixTime;
/// use reveille_fcm::Token;
///
/// let token = Token::new("ya29.x")?.with_expires_at(UnixTime::from_secs(3_600));
/// assert_eq!(token.authorization(), "Bearer ya29.x");
/// assert!(token.authorization().is_sensitive());
/// assert!(Token::new("two words").is_err());
/// # Ok::<(), reveille_fcm::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    authorization: HeaderValue,
    expires_at: UnixTime,
}

impl Token {
    /// A token from elsewhere (a command line, a sidecar), good until it is refused.
    ///
    /// # Errors
    /// [`InvalidToken`] for what could not stand in the header.
    pub fn new(token: &str) -> Result<Self, InvalidToken> {
        if token.is_empty() || token.len() > 8_192 || !token.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(InvalidToken);
        }
        let mut authorization =
            HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| InvalidToken)?;
        authorization.set_sensitive(true);
        Ok(Self { authorization, expires_at: UnixTime::MAX })
    }

    /// The same, with an end.
    #[must_use]
    pub const fn with_expires_at(mut self, at: UnixTime) -> Self {
        self.expires_at = at;
        self
    }

    /// The value of the `authorization` header (RFC 6750 §2.1).
    #[must_use]
    pub const fn authorization(&self) -> &HeaderValue {
        &self.authorization
    }

    /// When it ends; [`UnixTime::MAX`] if that is not known.
    #[must_use]
    pub const fn expires_at(&self) -> UnixTime {
        self.expires_at
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_never_printed() {
        let token = Token::new("ya29.SECRET").unwrap();
        insta::assert_snapshot!(format!("{token:?}"), @"Token { expires_at: UnixTime(18446744073709551615), .. }");
        insta::assert_snapshot!(format!("{:?}", token.authorization()), @"Sensitive");
        insta::assert_snapshot!(InvalidToken, @"an access token has 1 to 8192 visible ASCII characters");
    }

    #[test]
    fn a_token_that_could_break_out_of_its_header_is_refused() {
        for text in ["", "a b", "a\r\nx: y", "é", "\"quoted \""] {
            assert_eq!(Token::new(text), Err(InvalidToken), "{text:?}");
        }
        assert!(Token::new(&"x".repeat(8_193)).is_err());
        assert_eq!(Token::new("ya29.a").unwrap().authorization(), "Bearer ya29.a");
    }
}
