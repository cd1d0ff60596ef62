#![doc = include_str!("../README.md")]

/// Serde as the text of `Display` and `FromStr`.
macro_rules! text_serde {
    ($type:ty) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text =
                    <std::borrow::Cow<'de, str> as serde::Deserialize<'de>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

#[cfg(feature = "aesgcm")]
pub mod aesgcm;
pub mod answer;
pub mod credential;
pub mod declarative;
pub mod encryption;
mod error;
pub mod inner_seal;
pub mod message;
mod object;
pub mod request;
pub mod target;
pub mod user_agent;

pub use answer::{classify, classify_response};
pub use credential::{Contact, Token, VapidKey, VapidKeys, VapidSettings};
pub use declarative::DeclarativeNotification;
pub use error::Error;
pub use inner_seal::InnerSecret;
pub use message::{Message, Padding, Topic, Ttl, Urgency};
pub use request::ApplicationServer;
pub use target::{Endpoint, StoredSubscription, Subscription};
pub use user_agent::{UserAgent, UserAgentKeys};
