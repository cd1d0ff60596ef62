//! One error for who wants one.

use reveille_crypto::{CryptoError, KeyError};
use thiserror::Error;

use crate::credential::{
    InvalidContact, InvalidSettings, InvalidVapid, InvalidVapidKey, InvalidVapidKeyId, SignatureRefused,
    TokenError, UnknownVapidKey,
};
use crate::declarative::InvalidDeclarative;
use crate::inner_seal::InnerSealError;
use crate::message::{InvalidMessage, InvalidTopic, InvalidTtl, InvalidUrgency};
use crate::request::RequestError;
use crate::target::{InvalidEndpoint, InvalidSubscription, RefusedEndpoint};
use crate::user_agent::{InvalidUserAgentKeys, OpenError};

/// Everything that this crate can refuse, for functions that want one `?` for all of it. The texts are those of the errors
/// inside.
///
/// ```
/// use reveille_webpush::{Error, Message, Topic, Ttl};
/// fn message(text: &str) -> Result<Message, Error> {
///     Ok(Message::new(text.to_owned(), Ttl::from_secs(60)?)?.with_topic(Topic::new("chat-42")?))
/// }
/// assert!(message("hello").is_ok());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Error {
    /// Of a contact.
    #[error(transparent)]
    Contact(#[from] InvalidContact),
    /// Of a VAPID key in text.
    #[error(transparent)]
    VapidKey(#[from] InvalidVapidKey),
    /// Of a key that a backend refuses.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Of a VAPID key's id.
    #[error(transparent)]
    VapidKeyId(#[from] InvalidVapidKeyId),
    /// Of a subscription whose key is gone.
    #[error(transparent)]
    UnknownVapidKey(#[from] UnknownVapidKey),
    /// Of the settings of tokens.
    #[error(transparent)]
    Settings(#[from] InvalidSettings),
    /// Of a token that is not there.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// Of a signature from elsewhere.
    #[error(transparent)]
    Signature(#[from] SignatureRefused),
    /// Of somebody's VAPID header.
    #[error(transparent)]
    Vapid(#[from] InvalidVapid),
    /// Of an endpoint.
    #[error(transparent)]
    Endpoint(#[from] InvalidEndpoint),
    /// Of an endpoint that the policy does not want.
    #[error(transparent)]
    Refused(#[from] RefusedEndpoint),
    /// Of a subscription.
    #[error(transparent)]
    Subscription(#[from] InvalidSubscription),
    /// Of a message.
    #[error(transparent)]
    Message(#[from] InvalidMessage),
    /// Of a time to live.
    #[error(transparent)]
    Ttl(#[from] InvalidTtl),
    /// Of an urgency.
    #[error(transparent)]
    Urgency(#[from] InvalidUrgency),
    /// Of a topic.
    #[error(transparent)]
    Topic(#[from] InvalidTopic),
    /// Of a declarative message.
    #[error(transparent)]
    Declarative(#[from] InvalidDeclarative),
    /// Of a request.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// Of the inner encryption.
    #[error(transparent)]
    InnerSeal(#[from] InnerSealError),
    /// Of a user agent's stored keys.
    #[error(transparent)]
    UserAgentKeys(#[from] InvalidUserAgentKeys),
    /// Of a body that a user agent discards.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Of the random source or a backend.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}
