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
    /// A short text: a topic, a token, a label.
    Text(#[from] InvalidText),
    /// A condition.
    Condition(#[from] InvalidCondition),
    /// A data entry.
    Data(#[from] InvalidData),
    /// A header for Apple or a Web Push service.
    Header(#[from] InvalidHeader),
    /// A link.
    Link(#[from] InvalidLink),
    /// A colour.
    Color(#[from] InvalidColor),
    /// A span or a point in time.
    Time(#[from] InvalidTime),
    /// A message as a whole.
    Message(#[from] InvalidMessage),
    /// The size of a message.
    TooLarge(#[from] TooLarge),
    /// JSON.
    Json(#[from] InvalidJson),
    /// A project or its server.
    Project(#[from] InvalidProject),
    /// A topic subscription.
    Subscription(#[from] InvalidSubscription),
    /// A credential file.
    Credential(#[from] CredentialError),
    /// The text of an access token.
    InvalidToken(#[from] InvalidToken),
    /// A setting of a source of tokens.
    Settings(#[from] InvalidSettings),
    /// No access token at this moment.
    Token(#[from] TokenError),
    /// A signature for an access token.
    Signature(#[from] SignatureRefused),
    /// A request of the removed API.
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
