//! Firebase Cloud Messaging and Google's OAuth server as pure functions: `Request` in, `Response` out, nothing else.
//!
//! [`FcmService`] checks a message against the whole v1 schema, the limits and the reserved keys; [`OAuthService`]
//! verifies assertions; [`Google`] is both, and the metadata server, behind one function.

mod google;
mod limits;
mod oauth;
mod refusal;
mod schema;
mod service;
mod subscriptions;
mod validate;

pub use google::Google;
pub use oauth::{OAuthRefusal, OAuthService};
pub use refusal::Refusal;
pub use schema::{Kind, OBJECTS, Object, SEND_MESSAGE_REQUEST, camel, snake};
pub use service::{Device, FcmService, StoredMessage};
pub use validate::{Violation, validate};
