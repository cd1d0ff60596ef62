//! Values that are checked once, when they are made: what exists is valid.

mod apns_id;
mod bundle_id;
mod collapse_id;
mod device_token;
mod expiration;
mod fraction;
mod invalid;
mod priority;
mod push_type;

pub use apns_id::ApnsId;
pub use bundle_id::BundleId;
pub use collapse_id::CollapseId;
pub use device_token::DeviceToken;
pub use expiration::Expiration;
pub use fraction::{Finite, Fraction};
pub use invalid::InvalidValue;
pub use priority::{BackgroundPriority, Priority, PriorityChoice, WakingPriority};
pub use push_type::PushType;

pub(crate) use invalid::check_text;

/// Serialises as text, and deserialises through the type's constructor.
macro_rules! serde_as_text {
    ($type:ty) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'_, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use serde_as_text;
