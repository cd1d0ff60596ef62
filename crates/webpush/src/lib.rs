#![doc = include_str!("../README.md")]

#[cfg(feature = "aesgcm")]
pub mod aesgcm;
mod answer;
mod application_server;
mod declarative;
pub mod encryption;
pub mod endpoint;
mod inner_seal;
mod message;
mod subscription;
mod user_agent;
mod vapid;

pub use answer::classify;
pub use application_server::{ApplicationServer, RequestError};
pub use declarative::{DeclarativeAction, DeclarativeNotification, Direction, InvalidDeclarative};
pub use endpoint::{Endpoint, InvalidEndpoint};
pub use inner_seal::{INNER_SEAL_JS, InnerSealError, InnerSecret};
pub use message::{
    InvalidMessage, InvalidTopic, InvalidTtl, InvalidUrgency, MAX_PLAINTEXT, Message, Padding, Topic, Ttl,
    Urgency,
};
pub use subscription::{AUTH_SECRET_LEN, InvalidSubscription, Subscription};
pub use user_agent::{InvalidUserAgentKeys, OpenError, UserAgent, UserAgentKeys};
pub use vapid::{
    CachedToken, Contact, InvalidContact, InvalidVapid, InvalidVapidKey, UnknownVapidKey, UnsignedVapid,
    VapidCache, VapidClaims, VapidHeader, VapidKey, VapidKeyId, VapidKeys, VapidSettings,
};
