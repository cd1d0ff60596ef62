//! Android: the config of the v1 API, and its successor, which exclude each other.

mod color;
mod config;
mod config_v2;
mod enums;
mod light;
mod notification;

pub use color::{InvalidColor, LightColor, Rgb};
pub use config::AndroidConfig;
pub use config_v2::{AndroidConfigV2, AndroidMessageV2, AndroidNotificationV2, AndroidRemoteNotification};
pub use enums::{AndroidPriority, NotificationPriority, Proxy, Visibility};
pub use light::LightSettings;
pub use notification::AndroidNotification;

use reveille_payload::{ObjectWriter, label};
use serde::de::{Error as _, MapAccess};
use serde::ser::SerializeMap;

use crate::schema::{Fields, set_once};

/// The Android part of a message, for [`Message::with_android`](crate::Message::with_android). FCM refuses a message
/// with both forms, so it is one choice.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "the service has these forms and no others")]
pub enum Android {
    /// `android`, the form in use.
    V1(Box<AndroidConfig>),
    /// `androidV2`, a preview: urgency is not a priority but a kind of message.
    V2(Box<AndroidConfigV2>),
}

impl From<AndroidConfig> for Android {
    fn from(config: AndroidConfig) -> Self {
        Self::V1(Box::new(config))
    }
}

impl From<AndroidConfigV2> for Android {
    fn from(config: AndroidConfigV2) -> Self {
        Self::V2(Box::new(config))
    }
}

impl Fields for Android {
    fn write_fields(&self, object: &mut ObjectWriter<'_>) {
        match self {
            Self::V1(config) => object.member(label!("android"), config),
            Self::V2(config) => object.member(label!("androidV2"), config),
        }
    }

    fn serialize_fields<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        match self {
            Self::V1(config) => map.serialize_entry("android", config),
            Self::V2(config) => map.serialize_entry("androidV2", config),
        }
    }

    fn read_field<'de, A: MapAccess<'de>>(
        slot: &mut Option<Self>,
        key: &str,
        map: &mut A,
    ) -> Result<bool, A::Error> {
        let config = match key {
            "android" => {
                let mut config = None;
                set_once(&mut config, "android", map)?;
                config.map(Self::V1)
            }
            "androidV2" | "android_v2" => {
                let mut config = None;
                set_once(&mut config, "androidV2", map)?;
                config.map(Self::V2)
            }
            _ => return Ok(false),
        };
        if let Some(config) = config
            && slot.replace(config).is_some()
        {
            return Err(A::Error::custom("`android` and `androidV2` exclude each other"));
        }
        Ok(true)
    }
}
