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
    /// A contact is neither a `mailto:` nor an `https:` URI.
    #[error(transparent)]
    Contact(#[from] InvalidContact),
    /// A VAPID key cannot be read.
    #[error(transparent)]
    VapidKey(#[from] InvalidVapidKey),
    /// A backend refuses a key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A text is no id of a VAPID key.
    #[error(transparent)]
    VapidKeyId(#[from] InvalidVapidKeyId),
    /// A subscription is bound to a key that the server does not have.
    #[error(transparent)]
    UnknownVapidKey(#[from] UnknownVapidKey),
    /// A setting is out of range.
    #[error(transparent)]
    Settings(#[from] InvalidSettings),
    /// There is no token now.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// A signature from elsewhere was refused.
    #[error(transparent)]
    Signature(#[from] SignatureRefused),
    /// Somebody's VAPID header was refused.
    #[error(transparent)]
    Vapid(#[from] InvalidVapid),
    /// A URL is not a push endpoint.
    #[error(transparent)]
    Endpoint(#[from] InvalidEndpoint),
    /// The policy refuses an endpoint.
    #[error(transparent)]
    Refused(#[from] RefusedEndpoint),
    /// JSON is not a usable subscription.
    #[error(transparent)]
    Subscription(#[from] InvalidSubscription),
    /// A message cannot be built.
    #[error(transparent)]
    Message(#[from] InvalidMessage),
    /// A TTL does not fit 31 bits.
    #[error(transparent)]
    Ttl(#[from] InvalidTtl),
    /// A text is none of the four urgencies.
    #[error(transparent)]
    Urgency(#[from] InvalidUrgency),
    /// A text is no topic.
    #[error(transparent)]
    Topic(#[from] InvalidTopic),
    /// A declarative message would not be shown.
    #[error(transparent)]
    Declarative(#[from] InvalidDeclarative),
    /// A request cannot be built.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// A secret or a payload of the inner encryption is not usable.
    #[error(transparent)]
    InnerSeal(#[from] InnerSealError),
    /// A user agent's stored keys cannot be read.
    #[error(transparent)]
    UserAgentKeys(#[from] InvalidUserAgentKeys),
    /// A user agent discards a body.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The random source or the backend failed.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}
