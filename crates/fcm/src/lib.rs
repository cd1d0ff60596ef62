#![doc = include_str!("../README.md")]

pub mod android;
pub mod answer;
pub mod credential;
mod error;
pub mod legacy;
pub mod message;
pub mod request;
mod schema;
pub mod target;
pub mod topics;

pub use android::AndroidConfig;
pub use answer::{classify, classify_response};
pub use credential::{Grant, ServiceAccount, Token, TokenOutput, TokenSettings, TokenSource};
pub use error::Error;
pub use message::{ApnsConfig, Data, Message, Notification, Ttl, WebpushConfig};
pub use request::{Prepared, Project, SendRequest};
pub use reveille_payload::{JsonObject, SizeLimit};
pub use target::{Fid, RegistrationToken, Target, Topic};
