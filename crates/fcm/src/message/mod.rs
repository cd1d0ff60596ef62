//! The message, field by field as the schema has it (revision 20261023).

pub mod android;
mod apns;
mod color;
mod condition;
mod data;
mod headers;
mod label;
mod notification;
mod target;
pub(crate) mod text;
mod time;
mod warning;
mod webpush;

pub use android::Android;
pub use apns::{ApnsConfig, ApnsFcmOptions};
pub use color::{LightColor, Rgb};
pub use condition::Condition;
pub use data::Data;
pub use headers::{ApnsHeaders, WebpushHeaders};
pub use label::{AnalyticsLabel, FcmOptions, HttpsUrl};
pub use notification::Notification;
pub use target::{Fid, LiveActivityToken, RegistrationToken, Target, Topic};
pub use text::Text;
pub use time::{ProtoDuration, Timestamp, Ttl};
pub use warning::Warning;
pub use webpush::{WebpushConfig, WebpushFcmOptions};

use crate::MessageError;
use crate::json::{Json, json_error, json_object};

json_object! {
    /// A message without its target, so that one message serves many.
    ///
    /// Every field is checked where it is made; a message that exists is inside the schema.
    pub struct Message {
        /// For the app, on all platforms; a platform's own data replaces it.
        data, with_data: Data = "data" | "data",
        /// What all platforms show.
        notification, with_notification: Notification = "notification" | "notification",
        /// Web Push.
        webpush, with_webpush: Box<WebpushConfig> = "webpush" | "webpush",
        /// Apple devices.
        apns, with_apns: Box<ApnsConfig> = "apns" | "apns",
        /// What the client SDKs do besides delivering.
        fcm_options, with_fcm_options: FcmOptions = "fcmOptions" | "fcm_options",
    }
    one of {
        /// Android, in one of its two forms.
        android, with_android: Android
    }
}

impl Message {
    /// Reads a message without a target, in `lowerCamelCase` or `snake_case` (both are proto3 JSON).
    ///
    /// # Errors
    /// [`MessageError::Json`]: unknown fields, wrong types, values outside their range, doubled fields.
    pub fn from_json(json: &[u8]) -> Result<Self, MessageError> {
        serde_json::from_slice(json).map_err(|error| json_error(&error))
    }

    /// The message as JSON, `lowerCamelCase`, compact.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut out = Vec::with_capacity(512);
        self.write(&mut out);
        String::from_utf8(out).unwrap_or_default()
    }

    /// What FCM would take but probably not do as meant.
    #[must_use]
    pub fn warnings(&self) -> Vec<Warning> {
        warning::warnings(self)
    }
}
