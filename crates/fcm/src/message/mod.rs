//! The message, field by field as the schema has it (revision 20261023).

mod apns;
mod check;
mod data;
mod headers;
mod label;
mod notification;
mod size;
pub(crate) mod text;
mod time;
mod warning;
mod webpush;

pub use apns::{ApnsConfig, ApnsFcmOptions};
pub use check::InvalidMessage;
pub use data::{Data, InvalidData};
pub use headers::{ApnsHeaders, ApnsPriority, InvalidHeader, WebpushHeaders};
pub use label::{AnalyticsLabel, FcmOptions, HttpsUrl, InvalidLink};
pub use notification::Notification;
pub use size::{Platform, Sacrifice, SizeMode, SizeRule};
pub use text::Text;
pub use time::{InvalidTime, ProtoDuration, Timestamp, Ttl};
pub use warning::Warning;
pub use webpush::{WebpushConfig, WebpushFcmOptions};

pub(crate) use size::MERGE_OVERHEAD;

use reveille_payload::{InvalidJson, WriteJson, from_json};

use crate::android::Android;
use crate::schema::json_object;

json_object! {
    /// A message without its target, so that one message serves many. Build it with the setters, then make requests
    /// of it, one by one or with [`Prepared`](crate::Prepared).
    ///
    /// Every field is checked where it is made; a message that exists is inside the schema. What one field alone cannot
    /// show is checked on the way to a request ([`check`](Message::check)).
    ///
    /// It is kept as Google's own JSON: `Serialize` and `Deserialize`.
    pub struct Message {
        /// For the app, on all platforms; a platform's own data replaces it.
        data, with_data: Data = "data" | "data",
        /// What all platforms show, unless their part says otherwise.
        notification, with_notification: Notification = "notification" | "notification",
        /// The part for browsers.
        webpush, with_webpush: Box<WebpushConfig> = "webpush" | "webpush",
        /// The part for Apple devices.
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
    /// [`InvalidJson`] with path: unknown fields, wrong types, values outside their range, doubled fields.
    pub fn from_json(json: &[u8]) -> Result<Self, InvalidJson> {
        from_json(json)
    }

    /// The message as JSON, `lowerCamelCase`, compact.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(512);
        self.write_json(&mut out);
        out
    }

    /// What FCM would take but probably not do as meant.
    #[must_use]
    pub fn warnings(&self) -> Vec<Warning> {
        warning::warnings(self)
    }
}
