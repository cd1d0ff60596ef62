//! One error for those who want one `?`.

use reveille_payload::{InvalidJson, InvalidText, TooLarge};
use thiserror::Error;

use crate::android::InvalidColor;
use crate::credential::{
    CredentialError, InvalidSettings, InvalidToken, SignatureRefused, TokenError, TokenFailure,
};
use crate::legacy::LegacyError;
use crate::message::{InvalidData, InvalidHeader, InvalidLink, InvalidMessage, InvalidTime};
use crate::request::{InvalidProject, PrepareError};
use crate::target::InvalidCondition;
use crate::topics::InvalidSubscription;

/// Everything that can be wrong on our side of FCM: each small error of this crate turns into it. Use it where one
/// `?` is to take them all.
///
/// What FCM says is never one; that is an [`Outcome`](reveille_core::Outcome).
///
/// ```
/// use reveille_fcm::{Data, Error, Message, RegistrationToken, SendRequest};
/// fn send(device: &str) -> Result<SendRequest, Error> {
///     let message = Message::new().with_data(Data::new([("id", "7")])?);
///     Ok(SendRequest::new(message, RegistrationToken::new(device.to_owned())?))
/// }
/// assert_eq!(send("").unwrap_err().to_string(), "registration token must not be empty");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(transparent)]
#[non_exhaustive]
pub enum Error {
    /// A short text cannot be what it should be: a topic, a token, a label.
    Text(#[from] InvalidText),
    /// A condition is malformed.
    Condition(#[from] InvalidCondition),
    /// An entry cannot be in the data.
    Data(#[from] InvalidData),
    /// A header for Apple or a Web Push service cannot be passed on.
    Header(#[from] InvalidHeader),
    /// A link is no absolute https URL.
    Link(#[from] InvalidLink),
    /// A text or numbers are no colour.
    Color(#[from] InvalidColor),
    /// A span or a point in time is out of range.
    Time(#[from] InvalidTime),
    /// A message's parts do not go together.
    Message(#[from] InvalidMessage),
    /// A message is over its limit.
    TooLarge(#[from] TooLarge),
    /// JSON is not what it should be.
    Json(#[from] InvalidJson),
    /// A project or its server was refused.
    Project(#[from] InvalidProject),
    /// No request about a topic subscription can be made.
    Subscription(#[from] InvalidSubscription),
    /// A credential file cannot be read.
    Credential(#[from] CredentialError),
    /// A text cannot be an access token.
    InvalidToken(#[from] InvalidToken),
    /// A setting is out of range.
    Settings(#[from] InvalidSettings),
    /// There is no token now.
    Token(#[from] TokenError),
    /// A signature from elsewhere was refused.
    Signature(#[from] SignatureRefused),
    /// A request of the removed API cannot be converted.
    Legacy(#[from] LegacyError),
}

impl From<PrepareError> for Error {
    fn from(error: PrepareError) -> Self {
        match error {
            PrepareError::Invalid(error) => error.into(),
            PrepareError::TooLarge(error) => error.into(),
        }
    }
}

impl From<TokenFailure> for Error {
    fn from(error: TokenFailure) -> Self {
        Self::Token(error.into())
    }
}
