#![doc = include_str!("../README.md")]

pub mod answer;
pub mod channel;
pub mod credential;
mod error;
pub mod live_activity;
pub mod message;
pub mod request;
pub mod target;
mod text;

pub use answer::{classify, classify_response};
pub use credential::{ProviderKey, Token, TokenSettings, TokenSource};
pub use error::{Error, InvalidValue};
pub use message::{
    Alert, Background, CollapseId, Expiration, JsonObject, Notification, Priority, Push, Raw, SizeLimit, Voip,
};
pub use request::Prepared;
pub use target::{App, BundleId, DeviceToken, Endpoints};
