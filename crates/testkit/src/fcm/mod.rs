//! Firebase Cloud Messaging and Google's OAuth server as pure functions: `Request` in, `Response` out, nothing else.
//!
//! It judges with rules of its own: nothing of `reveille-fcm` is in it. [`FcmService`] checks a message against the whole
//! v1 schema, the limits, the reserved keys, and what Apple refuses behind FCM; [`OAuthService`]
//! verifies assertions; [`Google`] is both, and the metadata server, behind one function.

mod apple;
mod device;
mod google;
mod limits;
mod made_up;
mod oauth;
mod refusal;
mod schema;
mod service;
mod subscriptions;
mod validate;
mod wire;

pub use device::Device;
pub use google::Google;
pub use made_up::{SERVICE_ACCOUNT, service_account_key};
pub use oauth::{OAuthRefusal, OAuthService};
pub use refusal::Refusal;
pub use schema::{Kind, OBJECTS, Object, SEND_MESSAGE_REQUEST, camel, snake};
pub use service::{FcmService, StoredMessage};
pub use validate::{Violation, validate};
