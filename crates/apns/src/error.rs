//! Why a value was refused, and one error for all of the crate's.

use reveille_payload::{InvalidJson, InvalidText, TooLarge};
use thiserror::Error;

use crate::channel::MalformedAnswer;
use crate::credential::{InvalidProviderKey, InvalidSettings, SignatureRefused, TokenError};
use crate::message::InvalidNotification;
use crate::request::InvalidRequest;

/// Any error of this crate, for programs that want one type behind their `?`. Each function returns a smaller one.
///
/// ```
/// fn device(text: &str) -> Result<reveille_apns::DeviceToken, reveille_apns::Error> {
///     Ok(text.parse()?)
/// }
/// assert_eq!(device("").unwrap_err().to_string(), "device token must not be empty");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Error {
    /// A value (id, token, host, header) was refused.
    #[error(transparent)]
    Value(#[from] InvalidValue),
    /// A notification breaks a rule of Apple's.
    #[error(transparent)]
    Notification(#[from] InvalidNotification),
    /// A payload is over its limit, whatever is cut.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    /// JSON is not what it should be.
    #[error(transparent)]
    Json(#[from] InvalidJson),
    /// A request cannot be built.
    #[error(transparent)]
    Request(#[from] InvalidRequest),
    /// A key cannot be loaded.
    #[error(transparent)]
    Key(#[from] InvalidProviderKey),
    /// A setting is out of range.
    #[error(transparent)]
    Settings(#[from] InvalidSettings),
    /// There is no token now.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// A signature from elsewhere was refused.
    #[error(transparent)]
    Signature(#[from] SignatureRefused),
    /// A success of the channel management lacks what it should bring.
    #[error(transparent)]
    Answer(#[from] MalformedAnswer),
}

/// Why a value was refused; the constructors of ids, tokens and numbers return it. No variant carries the value: some
/// are secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidValue {
    /// Empty, too long, or with a character that must not occur.
    #[error(transparent)]
    Text(#[from] InvalidText),
    /// A fixed length was missed.
    #[error("{what} must be {expected} characters, got {length}")]
    Length {
        /// Which value was refused.
        what: &'static str,
        /// Characters it must have.
        expected: usize,
        /// How many bytes were given.
        length: usize,
    },
    /// Not in the expected form.
    #[error("{what} must be {expected}")]
    Form {
        /// Which value was refused.
        what: &'static str,
        /// The form it must have.
        expected: &'static str,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        insta::assert_snapshot!(InvalidValue::from(InvalidText::Empty { what: "device token" }), @"device token must not be empty");
        insta::assert_snapshot!(InvalidValue::from(InvalidText::TooLong { what: "apns-collapse-id", length: 65, limit: 64 }), @"apns-collapse-id has 65 bytes, the limit is 64");
        insta::assert_snapshot!(InvalidValue::Length { what: "team id", expected: 10, length: 9 }, @"team id must be 10 characters, got 9");
        insta::assert_snapshot!(InvalidValue::Form { what: "apns-id", expected: "a UUID" }, @"apns-id must be a UUID");
    }

    #[test]
    fn every_error_becomes_the_one_with_its_own_words() {
        let value = InvalidValue::Form { what: "apns-id", expected: "a UUID" };
        assert_eq!(Error::from(value).to_string(), value.to_string());
        assert_eq!(Error::from(TokenError::Pending).to_string(), TokenError::Pending.to_string());
        let request = InvalidRequest::from(value);
        assert_eq!(Error::from(request.clone()).to_string(), request.to_string());
        let too_large = TooLarge::uncut(3, 2, &[]);
        assert_eq!(Error::from(too_large.clone()).to_string(), too_large.to_string());
        assert_eq!(
            Error::from(InvalidNotification::TwoSounds).to_string(),
            InvalidNotification::TwoSounds.to_string()
        );
    }
}
