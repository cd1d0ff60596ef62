#![doc = include_str!("../README.md")]

mod error;
mod json;
pub mod message;

pub use error::MessageError;
pub use json::JsonObject;
pub use message::{
    AnalyticsLabel, Android, ApnsConfig, ApnsFcmOptions, ApnsHeaders, Condition, Data, FcmOptions, Fid,
    HttpsUrl, LightColor, LiveActivityToken, Message, Notification, ProtoDuration, RegistrationToken, Rgb,
    Target, Text, Timestamp, Topic, Ttl, Warning, WebpushConfig, WebpushFcmOptions, WebpushHeaders,
};
