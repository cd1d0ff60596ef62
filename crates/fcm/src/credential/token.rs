//! The short-lived token of a request.

use std::fmt;

use http::HeaderValue;
use reveille_core::UnixTime;
use thiserror::Error;

/// Text that cannot be an access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("an access token has 1 to 8192 visible ASCII characters")]
pub struct InvalidAccessToken;

/// An OAuth access token, ready as a header value. It is never printed, and marked as sensitive for HTTP/2.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessToken {
    header: HeaderValue,
    expires_at: UnixTime,
    generation: u64,
}

impl AccessToken {
    /// A token from elsewhere (a command line, a sidecar), good until it is refused. Its generation is 0.
    ///
    /// # Errors
    /// [`InvalidAccessToken`].
    pub fn new(token: &str) -> Result<Self, InvalidAccessToken> {
        Self::issued(token, UnixTime::MAX, 0)
    }

    /// The same, with an end.
    #[must_use]
    pub const fn expiring(mut self, at: UnixTime) -> Self {
        self.expires_at = at;
        self
    }

    pub(crate) fn issued(
        token: &str,
        expires_at: UnixTime,
        generation: u64,
    ) -> Result<Self, InvalidAccessToken> {
        if token.is_empty() || token.len() > 8_192 || !token.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(InvalidAccessToken);
        }
        let mut header = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| InvalidAccessToken)?;
        header.set_sensitive(true);
        Ok(Self { header, expires_at, generation })
    }

    pub(crate) const fn of_generation(mut self, generation: u64) -> Self {
        self.generation = generation;
        self
    }

    /// The value of the `authorization` header.
    #[must_use]
    pub const fn header(&self) -> &HeaderValue {
        &self.header
    }

    /// When it ends; [`UnixTime::MAX`] if that is not known.
    #[must_use]
    pub const fn expires_at(&self) -> UnixTime {
        self.expires_at
    }

    /// Counts the tokens of one source, from 1. Report a refusal together with it, so that a hundred refusals of one
    /// token lead to one refresh.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.generation
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken")
            .field("generation", &self.generation)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_never_printed() {
        let token = AccessToken::new("ya29.SECRET").unwrap();
        insta::assert_snapshot!(format!("{token:?}"), @"AccessToken { generation: 0, expires_at: UnixTime(18446744073709551615), .. }");
        insta::assert_snapshot!(format!("{:?}", token.header()), @"Sensitive");
        insta::assert_snapshot!(InvalidAccessToken, @"an access token has 1 to 8192 visible ASCII characters");
    }

    #[test]
    fn a_token_that_could_break_out_of_its_header_is_refused() {
        for text in ["", "a b", "a\r\nx: y", "é", "\"quoted \""] {
            assert_eq!(AccessToken::new(text), Err(InvalidAccessToken), "{text:?}");
        }
        assert_eq!(AccessToken::new("ya29.a").unwrap().header(), "Bearer ya29.a");
    }
}
